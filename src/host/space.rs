//! Room on the disk: asked before generating, and explained when it ran out all the same.

use std::io;
use std::path::Path;

use anyhow::{Context as _, bail};
use rustix::fs::statvfs;

use crate::protocol::units::Bytes;

const ADVICE: &str = "free some space, or set QUERYDYNO_DATA to a folder on another disk";

/// Refuses to start what cannot end well.
///
/// # Errors
/// `folder` is on a disk with less than `needed` bytes to spare, or cannot be asked.
pub(super) fn check(folder: &Path, what: &str, needed: u64) -> anyhow::Result<()> {
    let free = free(folder).with_context(|| format!("cannot ask for free space at {}", folder.display()))?;
    if free < needed {
        bail!(
            "{what} needs about {}, but only {} are free at {}: {ADVICE}",
            Bytes(needed),
            Bytes(free),
            folder.display()
        );
    }
    Ok(())
}

/// Says what a full disk means; any other error passes unchanged.
pub(super) fn explain(error: anyhow::Error, folder: &Path, what: &str, needed: u64) -> anyhow::Error {
    let full = |cause: &(dyn std::error::Error + 'static)| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    };
    if !error.chain().any(full) {
        return error;
    }
    let free = free(folder).map_or_else(|_| "an unknown amount".to_owned(), |free| Bytes(free).to_string());
    error.context(format!(
        "the disk is full: {what} needs about {} and {free} was free at {} when it failed: {ADVICE}",
        Bytes(needed),
        folder.display()
    ))
}

/// Bytes that an ordinary user may still write where `folder` is.
///
/// # Errors
/// When the folder is not there or its file system does not say.
pub(crate) fn free(folder: &Path) -> io::Result<u64> {
    let disk = statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::errors::ParquetError;

    #[test]
    fn a_full_disk_is_explained_and_nothing_else() {
        let folder = std::env::temp_dir();
        let explained = |kind: io::ErrorKind| {
            let error = ParquetError::from(io::Error::from(kind));
            let error = anyhow::Error::new(error).context("cannot write part-000.parquet");
            format!("{:#}", explain(error, &folder, "tpch sf10", 4 << 30))
        };
        let full = explained(io::ErrorKind::StorageFull);
        for part in ["tpch sf10 needs about 4.00 GiB", "QUERYDYNO_DATA", "part-000.parquet"] {
            assert!(full.contains(part), "{full}");
        }
        assert!(full.contains(folder.to_str().unwrap()), "{full}");
        assert!(!explained(io::ErrorKind::PermissionDenied).contains("full"));
    }

    #[test]
    fn what_cannot_fit_is_not_started() {
        let folder = std::env::temp_dir();
        assert!(check(&folder, "tpch sf0.01", 1).is_ok());
        let error = check(&folder, "tpch sf1000", u64::MAX).unwrap_err().to_string();
        assert!(error.contains("tpch sf1000 needs about"), "{error}");
        assert!(error.contains("QUERYDYNO_DATA"), "{error}");
    }
}
