//! Results that somebody hands over: written to the journal, which is what counts, and taken in at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

use super::super::rows::key;
use super::owner::Owner;
use crate::host::record::{Record, Writer};

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name, by which it is shown; none of one that somebody has deleted on purpose.
    pub record: Option<String>,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// Who hands over waits for the one before: a record that comes twice at once is kept once.
static TURN: Mutex<()> = Mutex::new(());

/// Keeps records in the journal, in a file that is named after today, and in the history. Those that are there already are not kept twice.
/// When this returns they are on the disk.
///
/// # Errors
/// When the journal or the history cannot be written; what is in the journal then comes into the history later.
pub fn keep(owner: &Owner, records: &[Record]) -> Result<Vec<Kept>> {
    let home =
        owner.home().context("this server takes in nothing: it serves another history than that of a journal")?;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let keys: Vec<u64> = records.iter().map(key).collect();
    let before = known(owner, &keys)?;
    let day = chrono::Utc::now().format("%Y%m%d").to_string();
    let mut writer = Writer::named(&home.join("records").join(format!("uploaded-{day}.jsonl")));
    let mut seen = before.clone();
    for (key, record) in keys.iter().zip(records) {
        if !seen.contains_key(key) {
            writer.append(record)?;
            seen.insert(*key, None);
        }
    }
    owner.take_in()?;
    let after = known(owner, &keys)?;
    let kept =
        keys.iter().map(|key| Kept { record: after.get(key).cloned().flatten(), is_new: !before.contains_key(key) });
    Ok(kept.collect())
}

/// Of these results those that there are, or were before they were deleted, with their names.
fn known(owner: &Owner, keys: &[u64]) -> Result<HashMap<u64, Option<String>>> {
    let keys: Vec<String> = keys.iter().map(u64::to_string).collect();
    let meant = "SELECT unnest(string_split(?, ','))::UBIGINT";
    let all = format!(
        "SELECT result, regexp_extract(journal_file, '([^/]*?)(\\.jsonl)?$', 1) || ':' || journal_line FROM results WHERE result IN ({meant})
         UNION ALL SELECT result, NULL FROM deleted_results WHERE result IN ({meant})"
    );
    let keys = keys.join(",");
    owner
        .read(|store| Ok(store.rows(&all, [&keys, &keys], |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect()))
}
