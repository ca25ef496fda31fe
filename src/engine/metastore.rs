//! Where a server finds the Hive Metastore, for engines that look Iceberg tables up there by themselves.

use crate::engine::server::told;

/// Where this program finds it, as the host tells it.
pub const METASTORE: &str = "HIVE_METASTORE_URI";

/// The address of the metastore for a server: of the variable `elsewhere` when the server reaches it by another one than this program
/// does, from inside a container, say. `None` where there is no metastore.
pub fn seen_by_server(elsewhere: &str) -> Option<String> {
    told(elsewhere).or_else(|| told(METASTORE))
}
