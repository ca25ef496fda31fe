//! Every setting and its source, as a table.

use comfy_table::Table;
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output::plain_table;

/// Characters of a value: somebody's query may be long.
const LONGEST: usize = 60;

/// One row a setting.
pub(super) fn table(settings: &Settings) -> Table {
    let mut table = plain_table(["setting", "variable", "value", "from", "what it is"], 0..0);
    for told in settings.told() {
        let first = told.value.lines().next().unwrap_or_default();
        let mut value: String = first.chars().take(LONGEST).collect();
        if value.len() < told.value.len() {
            value += " ...";
        }
        table.add_row([told.key, told.variable, value, told.from.to_string(), told.what]);
    }
    table
}
