//! SQL of anybody's on a connection that could write. It is asked of DuckDB's own parser whether a text does nothing but select, and then
//! runs in a transaction that can only read, with other files and settings out of reach. Each of these alone would do.

use anyhow::Result;

use super::super::Unmeant;
use super::super::store::Store;

/// Functions with side effects. They could destroy nothing, but no question needs them.
const DOES: [&str; 3] = ["checkpoint", "force_checkpoint", "write_log"];

/// How many statements a text has, all of which select; none where one does something else.
///
/// # Errors
/// What DuckDB says of a text that it cannot read.
pub(super) fn selects(store: &Store, text: &str) -> Result<Option<usize>> {
    let read: String = store
        .connection
        .query_row("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", [text], |row| row.get(0))
        .map_err(|error| store.error(error))?;
    let read: serde_json::Value = serde_json::from_str(&read)?;
    if read["error"] == true {
        let is_parsed = read["error_type"] != "parser";
        let said = read["error_message"].as_str().unwrap_or("it cannot be parsed");
        return if is_parsed { Ok(None) } else { Err(Unmeant(format!("no SQL: {said}")).into()) };
    }
    let statements = read["statements"].as_array().map_or(0, Vec::len);
    Ok(Some(statements).filter(|_| !calls(&read, &DOES)))
}

/// Whether one of these functions is called anywhere.
fn calls(read: &serde_json::Value, functions: &[&str]) -> bool {
    match read {
        serde_json::Value::Object(fields) => {
            let name = fields.get("function_name").and_then(serde_json::Value::as_str);
            name.is_some_and(|name| functions.iter().any(|other| name.eq_ignore_ascii_case(other)))
                || fields.values().any(|value| calls(value, functions))
        }
        serde_json::Value::Array(values) => values.iter().any(|value| calls(value, functions)),
        _ => false,
    }
}
