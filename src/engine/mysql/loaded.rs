//! Whether a table that was loaded before is the one that is wanted: [`is_loaded`].

use super::client::Client;
use super::sql::quoted;
use crate::engine::Result;
use crate::engine::loaded::mark;
use crate::protocol::dataset::Table;

/// Whether the connection's database has this very table.
///
/// # Errors
/// When the server does not answer.
pub fn is_loaded(client: &mut Client, table: &Table) -> Result<bool> {
    let comment = client.value(&format!(
        "SELECT table_comment FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = {}",
        quoted(&table.name)
    ))?;
    // Without a checksum one table cannot be told from another.
    Ok(!table.sha256.is_empty() && comment == Some(mark(table)))
}
