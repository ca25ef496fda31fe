//! What an hour of a machine costs: said by a flag, by a table, or by AWS's price list. No price is built in: they change.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::aws::Aws;
use super::calls;

/// Dollars an hour, and who says so.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Price {
    pub(super) per_hour: f64,
    pub(super) from: String,
}

/// What was said by a flag or a table.
///
/// # Errors
/// When the table cannot be read, lacks the type, or a price is none.
pub(super) fn told(flag: Option<f64>, table: Option<&PathBuf>, instance_type: &str) -> Result<Option<Price>> {
    let price = match (flag, table) {
        (Some(per_hour), _) => Price { per_hour, from: "--price-per-hour".to_owned() },
        (None, Some(file)) => Price { per_hour: in_table(file, instance_type)?, from: file.display().to_string() },
        (None, None) => return Ok(None),
    };
    ensure!(
        price.per_hour > 0.0 && price.per_hour.is_finite(),
        "{} says {} $ an hour, which is no price",
        price.from,
        price.per_hour
    );
    Ok(Some(price))
}

/// A line for each type: `c6i.2xlarge 0.34`, or with `=`, `,` or a tab in between; `#` begins a comment.
fn in_table(file: &Path, instance_type: &str) -> Result<f64> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read the prices {}", file.display()))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let mut found = lines.filter_map(|line| {
        let mut words = line.split(|c: char| c.is_whitespace() || "=,\"".contains(c)).filter(|word| !word.is_empty());
        (words.next()? == instance_type).then(|| words.next())?
    });
    let price = found.next().with_context(|| {
        format!("{} has no line for {instance_type}: write `{instance_type} PRICE`", file.display())
    })?;
    price.parse::<f64>().with_context(|| format!("{}: '{price}' is no price of {instance_type}", file.display()))
}

/// The one on demand by AWS's price list.
///
/// # Errors
/// When it cannot be asked or does not have the type.
pub(super) fn listed(aws: &Aws, instance_type: &str) -> Result<Price> {
    let answer = aws.call(&calls::price(instance_type, &aws.region))?;
    let per_hour =
        in_answer(&answer).with_context(|| format!("the price list has no {instance_type} in {}", aws.region))?;
    Ok(Price { per_hour, from: "the price list, on demand".to_owned() })
}

/// Each product is JSON in a text; of its terms those on demand count, which is one.
fn in_answer(answer: &Value) -> Option<f64> {
    answer["PriceList"].as_array()?.iter().find_map(|product| {
        let product: Value = serde_json::from_str(product.as_str()?).ok()?;
        let terms = product["terms"]["OnDemand"].as_object()?;
        let dimensions = terms.values().next()?["priceDimensions"].as_object()?;
        let price: f64 = dimensions.values().next()?["pricePerUnit"]["USD"].as_str()?.parse().ok()?;
        // Reservations of capacity that are not used are listed with 0.
        Some(price).filter(|price| *price > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_flag_wins_over_the_table() {
        let folder = std::env::temp_dir().join(format!("querydyno-prices-{}", std::process::id()));
        fs::write(&folder, "# us-east-1\nc6i.2xlarge = 0.34 # on demand\nm6i.large 0.1\nbad zero\n").unwrap();
        let of = |flag, name: &str| told(flag, Some(&folder), name);
        assert_eq!(of(None, "c6i.2xlarge").unwrap().unwrap().per_hour.to_string(), "0.34");
        assert_eq!(of(None, "m6i.large").unwrap().unwrap().per_hour.to_string(), "0.1");
        assert_eq!(of(Some(1.0), "c6i.2xlarge").unwrap().unwrap().from, "--price-per-hour");
        assert!(of(None, "c7g.large").unwrap_err().to_string().contains("no line for c7g.large"));
        assert!(of(None, "bad").unwrap_err().to_string().contains("'zero' is no price"));
        assert!(of(Some(0.0), "x").is_err() && of(Some(f64::NAN), "x").is_err());
        assert_eq!(told(None, None, "x").unwrap(), None);
        fs::remove_file(folder).unwrap();
    }

    #[test]
    fn the_price_list_is_read_as_aws_prints_it() {
        let product = |price: &str| {
            json!({ "terms": { "OnDemand": { "A.B": { "priceDimensions": { "A.B.C": { "pricePerUnit": { "USD": price } } } } } } }).to_string()
        };
        let answer = json!({ "PriceList": [product("0.0000000000"), product("0.3400000000")] });
        assert_eq!(in_answer(&answer).map(|price| price.to_string()), Some("0.34".to_owned()));
        assert_eq!(in_answer(&json!({ "PriceList": [] })), None);
    }
}
