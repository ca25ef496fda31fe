//! A checksum of each result with its figures, written as it is taken in, and what all of them come to. With these `check` knows that
//! every figure is what the journal said, without reading each record again.
//!
//! The hash is DuckDB's own, of which another version may have another: [`renew`] writes them anew then.

use std::fmt::Write as _;

use super::Error;
use super::schema::VERSION;
use super::store::Store;

/// What `totals` is after results were added or taken away. Adding and taking away are the same: both are exclusive or.
const TOTALS: &str =
    "UPDATE totals SET results = totals.results {sign} n.results, checksum = xor(totals.checksum, n.checksum)
    FROM (SELECT count(*) AS results, coalesce(bit_xor(checksum), 0) AS checksum FROM {of}) n;";

/// A query for `result` and `checksum` of each row of `results` and of its `metrics`, of these or of what is staged as they are.
pub(super) fn of(prefix: &str) -> String {
    format!(
        "SELECT result, xor(r.hashed, coalesce(m.hashed, 0)) AS checksum
         FROM (SELECT result, hash(*COLUMNS(* EXCLUDE (checksum))) AS hashed FROM {prefix}results) r
         LEFT JOIN (SELECT result, bit_xor(hash(*COLUMNS(*))) AS hashed FROM {prefix}metrics GROUP BY result) m USING (result)"
    )
}

/// Takes results, a table or a subquery with their checksums, into the totals.
pub(super) fn add(results: &str) -> String {
    TOTALS.replace("{sign}", "+").replace("{of}", results)
}

/// Takes them out.
pub(super) fn take_away(results: &str) -> String {
    TOTALS.replace("{sign}", "-").replace("{of}", results)
}

/// Writes all checksums anew where they are of another version of DuckDB or of the schema, or of none. Nobody has compared these rows
/// with the journal then, so `check` reads its records again.
///
/// # Errors
/// What DuckDB says.
pub(super) fn renew(store: &Store) -> Result<(), Error> {
    if is_current(store)? {
        return Ok(());
    }
    let mut renew =
        format!("BEGIN; UPDATE results SET checksum = c.checksum FROM ({}) c WHERE results.result = c.result;", of(""));
    let (by, add) = (hashed_by(), add("results"));
    let _ = write!(
        renew,
        "UPDATE totals SET results = 0, checksum = 0, hashed_by = {by}; {add} UPDATE journal_files SET rewritten = true; COMMIT"
    );
    store.execute(&renew)
}

/// Whose hash it is, and over which columns.
fn hashed_by() -> String {
    format!("concat(version(), ', schema {VERSION}')")
}

/// Whether they are of the version of DuckDB that runs.
///
/// # Errors
/// What DuckDB says.
pub(super) fn is_current(store: &Store) -> Result<bool, Error> {
    store.value(&format!("SELECT hashed_by = {} FROM totals", hashed_by()))
}
