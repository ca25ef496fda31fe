//! A plan that an engine tells as JSON, drawn as lines: [`lines`]. Each operator is a line below the one that it feeds, so that two plans
//! can be compared line by line.
//!
//! The JSON is DuckDB's: a list of operators, each with `name`, `extra_info` and `children`. Its own drawing puts the sides of a join
//! beside each other and cuts long texts, so that little of a difference could be seen.

use anyhow::{Context, bail};
use serde_json::Value;

use crate::engine::Result;

/// What an operator tells that is no part of the plan: sizes are guessed, and change with the statistics of the files.
const GUESSED: [&str; 1] = ["Estimated Cardinality"];

/// The plan as lines: an operator, then what it tells of itself in the order of the names, then what it reads from.
///
/// # Errors
/// When the text is no such JSON.
pub(super) fn lines(json: &str) -> Result<String> {
    let plan: Value = serde_json::from_str(json).context("the plan is not JSON")?;
    let mut lines = Vec::new();
    for operator in operators(&plan)? {
        draw(operator, 0, &mut lines)?;
    }
    Ok(lines.join("\n"))
}

fn operators(list: &Value) -> Result<&Vec<Value>> {
    list.as_array().context("the plan is no list of operators")
}

fn draw(operator: &Value, depth: usize, lines: &mut Vec<String>) -> Result<()> {
    let Some(name) = operator["name"].as_str() else { bail!("an operator of the plan has no name") };
    let indent = "  ".repeat(depth);
    lines.push(format!("{indent}{}", name.trim()));
    if let Some(told) = operator["extra_info"].as_object() {
        let mut told: Vec<(&String, &Value)> =
            told.iter().filter(|(key, _)| !GUESSED.contains(&key.as_str())).collect();
        // By name: whether a map keeps its order depends on how serde_json was compiled.
        told.sort_by_key(|(key, _)| *key);
        let told = told.into_iter().map(|(key, value)| (key, text(value))).filter(|(_, value)| !value.is_empty());
        lines.extend(told.map(|(key, value)| format!("{indent}    {key}: {value}")));
    }
    match &operator["children"] {
        Value::Null => Ok(()),
        children => operators(children)?.iter().try_for_each(|child| draw(child, depth + 1, lines)),
    }
}

/// A value in one line.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => {
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
        }
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_draws_operators_below_each_other_without_what_is_guessed() {
        let json = r#"[{"name": "HASH_JOIN", "extra_info": {"Join Type": "INNER", "Estimated Cardinality": "59", "Conditions": "a = b"},
            "children": [
                {"name": "READ_PARQUET ", "extra_info": {"Projections": ["a", "c"], "Filters": ""}, "children": []},
                {"name": "FILTER", "extra_info": {"Expression": "b > 1\n AND b < 9"}}
            ]}]"#;
        let drawn = "HASH_JOIN\n    Conditions: a = b\n    Join Type: INNER\n  READ_PARQUET\n      Projections: a, c\n  FILTER\n      \
                     Expression: b > 1, AND b < 9";
        assert_eq!(lines(json).unwrap(), drawn);
    }

    #[test]
    fn lines_refuses_what_is_no_plan() {
        for json in ["", "{}", "[{}]", r#"[{"name": "A", "children": 7}]"#] {
            assert!(lines(json).is_err(), "{json}");
        }
    }
}
