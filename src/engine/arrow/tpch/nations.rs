//! The nations, alone or of one region: a handful of rows, read by the thread that asks.

use std::iter::zip;

use super::columns::{N_NAME, N_NATIONKEY, N_REGIONKEY, R_NAME, R_REGIONKEY};
use super::{Keys, Result, Rows, Tables};

/// Nations by the numbers of their keys.
#[derive(Debug)]
pub struct Nations {
    /// `n_nationkey`.
    pub keys: Keys,
    /// `n_name`, each at the number of its key.
    pub names: Vec<Vec<u8>>,
}

/// All nations, or those of the region of this name.
///
/// # Errors
/// When they cannot be read, or two have the same key.
pub fn nations(tables: &Tables, region: Option<&[u8]>) -> Result<Nations> {
    let region = region.map(|name| region_keys(tables, name)).transpose()?;
    let found = tables.get("nation")?.gather(1, &[&N_REGIONKEY, &N_NATIONKEY, &N_NAME], None, |row_group| {
        let rows = match &region {
            Some(keys) => row_group.filter(&N_REGIONKEY, &row_group.rows(), |key| keys.contains(key))?,
            None => row_group.rows().iter().collect(),
        };
        let rows = Rows::from(&rows);
        let names = row_group.texts([N_NAME], &rows)?.into_iter().map(|[name]| name);
        Ok(zip(row_group.values(&N_NATIONKEY, &rows)?, names))
    })?;
    let keys = Keys::primary(found.iter().flatten().map(|(key, _)| *key), "n_nationkey")?;
    let names = keys.arrange(found.into_iter().flatten());
    Ok(Nations { keys, names })
}

fn region_keys(tables: &Tables, name: &[u8]) -> Result<Keys> {
    let found = tables.get("region")?.gather(1, &[&R_NAME, &R_REGIONKEY], None, |row_group| {
        let rows = row_group.filter(&R_NAME, &row_group.rows(), |region| region == name)?;
        row_group.values(&R_REGIONKEY, &Rows::from(&rows))
    })?;
    Keys::primary(found.iter().flatten().copied(), "r_regionkey")
}
