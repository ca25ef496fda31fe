//! What `EXPLAIN` tells of a query, as lines without what is guessed: [`lines`].

/// Columns that are no part of the plan: both are guessed from samples of an index, which a server draws anew now and then.
const GUESSED: [&str; 2] = ["rows", "filtered"];

/// A line for each table that is read, in the server's order: `id 1, select_type SIMPLE, table lineitem, type ALL`.
pub(super) fn lines(columns: &[String], rows: &[Vec<Option<String>>]) -> String {
    let line = |row: &Vec<Option<String>>| {
        let told = columns.iter().zip(row).filter(|(name, _)| !GUESSED.contains(&name.as_str()));
        let told = told.filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
        told.collect::<Vec<_>>().join(", ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_leaves_out_what_is_guessed_and_what_is_not_there() {
        let columns = ["id", "table", "type", "key", "rows", "Extra"].map(str::to_owned);
        let row = |rows: &str| {
            let values = [Some("1"), Some("lineitem"), Some("ALL"), None, Some(rows), Some("Using where")];
            vec![values.map(|value| value.map(str::to_owned)).to_vec()]
        };
        assert_eq!(lines(&columns, &row("59785")), "id 1, table lineitem, type ALL, Extra Using where");
        assert_eq!(lines(&columns, &row("59785")), lines(&columns, &row("60112")));
    }
}
