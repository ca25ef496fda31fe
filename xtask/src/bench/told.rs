//! Every setting with who said it, as a table.

use comfy_table::{Table, presets};
use querydyno::host::settings::Settings;

/// Characters of a value: somebody's query may be long.
const LONGEST: usize = 60;

/// One row a setting.
pub(super) fn table(settings: &Settings) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["setting", "variable", "value", "from", "what it is"]);
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
