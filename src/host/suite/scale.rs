//! A scale by the rows that it means: `500k` of a suite whose largest table has a million rows at scale 1 is 0.5.

use anyhow::{Context, Result};

use super::Suite;
use crate::protocol::id::Scale;

impl Suite {
    /// Reads a scale as [`Scale`] does, or a number of rows of the suite's largest table with `k` or `m` behind it.
    ///
    /// # Errors
    /// When it is neither, or so many rows are no scale.
    pub fn scale_of(&self, text: &str) -> Result<Scale> {
        let text = text.trim();
        let lower = text.to_lowercase();
        let thousands = [('k', 1e3), ('m', 1e6)].into_iter().find_map(|(letter, factor)| {
            let digits = lower.strip_suffix(letter)?;
            digits.parse::<f64>().ok().map(|number| number * factor)
        });
        let Some(rows) = thousands else { return Ok(text.parse()?) };
        let largest = self.tables.iter().map(|table| table.rows_at_sf1).max().filter(|rows| *rows > 0);
        let largest = largest.with_context(|| {
            format!("'{text}' is a number of rows, and {} does not say how many its tables have at scale 1", self.title)
        })?;
        #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^53")]
        let factor = rows / largest as f64;
        factor.to_string().parse().with_context(|| format!("{text} rows of {}", self.title))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_of_takes_rows_of_the_largest_table() {
        let suite = Suite::read("pods").unwrap();
        for (text, wanted) in
            [("10k", "sf0.01"), ("500k", "sf0.5"), ("5m", "sf5"), ("10M", "sf10"), ("0.5", "sf0.5"), ("sf2", "sf2")]
        {
            assert_eq!(suite.scale_of(text).unwrap().to_string(), wanted, "{text}");
        }
        for wrong in ["", "k", "10g", "0.1k", "2000m"] {
            assert!(suite.scale_of(wrong).is_err(), "{wrong}");
        }
        let error = format!("{:#}", Suite::default().scale_of("10k").unwrap_err());
        assert!(error.contains("does not say how many"), "{error}");
    }
}
