//! Reading from disk: whether it is counted, and whether a file can be put out of the page cache, without which there
//! are no cold runs.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Advice, fadvise};

use super::{Finding, disk};
use crate::host::settings::Settings;
use crate::measure::machine::Host;
use crate::measure::usage;
use crate::protocol::units::{Bytes, Nanos};

const SIZE: usize = 8 << 20;
/// Of the file, what may come from elsewhere than expected: what is read counts in whole pages and with what is ahead.
const TOLERATED: u64 = SIZE as u64 / 10;

pub(super) fn look(host: &Host, settings: &Settings) -> Vec<Finding> {
    let counted = read_bytes();
    let folder = disk::nearest(&settings.data);
    let probe = counted.map(|_| probe(&folder));
    vec![reads(counted.is_some()), cold(probe, &folder, host.virtualised == Some(true))]
}

/// What reading a file of [`SIZE`] bytes twice showed.
#[derive(Debug, Clone, Copy)]
struct Probe {
    /// Bytes from the disk while the file was in the page cache.
    cached: u64,
    /// Bytes from the disk after it was dropped.
    dropped: u64,
    took: Duration,
}

fn reads(counted: bool) -> Finding {
    const NAME: &str = "disk reads";
    if counted {
        return Finding::good(NAME, "/proc/self/io is readable", "what a program reads from disk can be counted");
    }
    Finding::missing(NAME, "/proc/self/io is not readable", "what a program reads from disk cannot be counted")
        .remedy("a kernel with CONFIG_TASK_IO_ACCOUNTING, outside a sandbox that hides /proc")
}

fn cold(probe: Option<io::Result<Probe>>, folder: &Path, virtualised: bool) -> Finding {
    const NAME: &str = "cold runs";
    const MEANS: &str = "the variant cold cannot be measured";
    const REMEDY: &str = "QUERYDYNO_DATA=/a/folder/on/a/local/disk";
    let Some(probe) = probe else {
        return Finding::missing(NAME, "without /proc/self/io a cold read looks like any other", MEANS);
    };
    let probe = match probe {
        Ok(probe) => probe,
        Err(error) => {
            let seen = format!("a file in {} cannot be written and read: {error}", folder.display());
            return Finding::missing(NAME, seen, MEANS).remedy(REMEDY);
        }
    };
    let size = SIZE as u64;
    if probe.cached > TOLERATED {
        let seen = format!("{} of {} came from disk just after writing", Bytes(probe.cached), Bytes(size));
        return Finding::missing(NAME, seen, "this file system does not keep files in memory: hot runs are cold")
            .remedy(REMEDY);
    }
    if probe.dropped < size - TOLERATED {
        let seen = format!("{} of {} came from disk after posix_fadvise", Bytes(probe.dropped), Bytes(size));
        return Finding::missing(NAME, seen, MEANS).remedy(REMEDY);
    }
    let seen = format!("posix_fadvise dropped {}, read again in {}", Bytes(size), Nanos::from(probe.took));
    let below = if virtualised { " (what the hypervisor caches stays)" } else { "" };
    Finding::good(NAME, seen, format!("the variant cold can be measured{below}"))
}

/// Writes a file without a name, reads it, drops it from the page cache and reads it again.
fn probe(folder: &Path) -> io::Result<Probe> {
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&noise())?;
    // Only what is on the disk can be dropped.
    file.sync_all()?;
    let (cached, _) = reading(&mut file)?;
    fadvise(&file, 0, None, Advice::DontNeed)?;
    let (dropped, took) = reading(&mut file)?;
    Ok(Probe { cached, dropped, took })
}

/// Reads the whole file; gives the bytes that came from the disk and the time.
fn reading(file: &mut File) -> io::Result<(u64, Duration)> {
    file.rewind()?;
    let mut text = Vec::with_capacity(SIZE);
    let before = read_bytes().unwrap_or_default();
    let start = Instant::now();
    file.read_to_end(&mut text)?;
    let took = start.elapsed();
    Ok((read_bytes().unwrap_or_default().saturating_sub(before), took))
}

/// Bytes that a file system cannot make smaller.
fn noise() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).take(SIZE / 8).flatten().collect()
}

/// Bytes that this process has had from disks so far.
fn read_bytes() -> Option<u64> {
    Some(usage::io_of(&[std::process::id()])?.disk_read_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn cold_takes_a_cache_that_holds_and_lets_go() {
        let size = SIZE as u64;
        let state = |cached, dropped| {
            let probe = Probe { cached, dropped, took: Duration::from_millis(9) };
            cold(Some(Ok(probe)), Path::new("/data"), false).state
        };
        assert_eq!(state(0, size), State::Good);
        assert_eq!(state(0, size + 4096), State::Good);
        assert_eq!(state(0, 0), State::Missing);
        assert_eq!(state(0, size / 2), State::Missing);
        assert_eq!(state(size, size), State::Missing);
    }

    #[test]
    fn a_folder_that_cannot_be_written_has_no_cold_runs() {
        let folder = Path::new("/nowhere/at/all");
        let finding = cold(Some(probe(folder)), folder, false);
        assert_eq!(finding.state, State::Missing);
        assert!(finding.seen.contains("/nowhere/at/all"), "{}", finding.seen);
        assert_eq!(cold(None, folder, false).state, State::Missing);
    }

    #[test]
    fn the_probe_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        probe(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let noise = noise();
        assert_eq!(noise.len(), SIZE);
        assert_ne!(noise[..SIZE / 2], noise[SIZE / 2..]);
    }
}
