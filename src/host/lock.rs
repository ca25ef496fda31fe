//! One process at a time makes something in a folder; the others wait and then find it made.
//!
//! The lock is advisory and the system's own: it goes with the process, however that ends. Its file stays,
//! since removing it would let two processes hold locks on two files of one name.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::host::interrupt;

/// Long enough to cost nothing, short enough for Ctrl-C to feel prompt.
const POLL: Duration = Duration::from_millis(100);

/// The right to write in a folder; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder; waits, and says so on stderr, while another process `does` its work there.
    ///
    /// # Errors
    /// The lock file cannot be made or locked, or an interrupt came while waiting.
    pub(crate) fn wait(folder: &Path, does: &str) -> anyhow::Result<Self> {
        let path = folder.join(".lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}; QueryDyno has to be able to write there", path.display()))?;
        let mut said = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| {
                        format!("cannot lock {}; the folder has to be on a local disk", path.display())
                    });
                }
            }
            if interrupt::requested() {
                bail!("interrupted while waiting for {}", path.display());
            }
            if !said {
                log::info!("waiting for another process that {does} in {}", folder.display());
                said = true;
            }
            std::thread::sleep(POLL);
        }
    }
}
