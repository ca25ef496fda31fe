//! The schema's versions: each migration is applied once, in a transaction of its own, and written down in `migrations`.

use std::path::Path;

use duckdb::Connection;

use super::Error;
use super::stage::reached;

/// What each version adds to the one before: its name and its statements. A migration that was released is never changed.
const MIGRATIONS: [(&str, &str); 4] = [
    ("tables", include_str!("sql/tables.sql")),
    ("views", include_str!("sql/views.sql")),
    ("checksums", include_str!("sql/checksums.sql")),
    ("ranked", include_str!("sql/ranked.sql")),
];

/// The version of this shape.
pub(super) const VERSION: u64 = MIGRATIONS.len() as u64;

/// Brings the database that is in use up to [`VERSION`].
///
/// # Errors
/// When it is of a newer version, or of something else.
pub(super) fn migrate(connection: &Connection, path: &Path) -> Result<(), Error> {
    let sql = |error| Error::of(path, error);
    let have = version(connection, path)?;
    if have == 0 {
        let table = "CREATE TABLE IF NOT EXISTS migrations (version UBIGINT PRIMARY KEY, name VARCHAR NOT NULL, applied_at TIMESTAMP NOT NULL)";
        connection.execute_batch(table).map_err(sql)?;
    }
    for (version, (name, statements)) in (1_u64..).zip(MIGRATIONS).filter(|(version, _)| *version > have) {
        let transaction = connection.unchecked_transaction().map_err(sql)?;
        transaction.execute_batch(statements).map_err(sql)?;
        reached("migrating");
        let values = duckdb::params![version, name];
        transaction
            .execute("INSERT INTO migrations VALUES (?, ?, current_timestamp AT TIME ZONE 'UTC')", values)
            .and_then(|_| transaction.commit())
            .map_err(sql)?;
    }
    Ok(())
}

/// Which version the database in use has; 0 where there is nothing in it.
///
/// # Errors
/// When it is of a newer version, or of something else.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<u64, Error> {
    let sql = |error| Error::of(path, error);
    let list = "SELECT coalesce(list(table_name), [])::VARCHAR, count(*), count(*) FILTER (table_name = 'migrations')
                FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary";
    let row = |row: &duckdb::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (names, tables, ours): (String, u64, u64) = connection.query_row(list, [], row).map_err(sql)?;
    if tables == 0 {
        return Ok(0);
    }
    if ours == 0 {
        return Err(Error::Foreign { path: path.to_owned(), what: format!("but a database with the tables {names}") });
    }
    let newest = "SELECT coalesce(max(version), 0) FROM migrations";
    let found = connection.query_row(newest, [], |row| row.get(0)).map_err(sql)?;
    if found > VERSION {
        return Err(Error::Newer { path: path.to_owned(), found, known: VERSION });
    }
    Ok(found)
}
