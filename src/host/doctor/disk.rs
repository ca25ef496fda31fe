//! The disks below the data and below cargo's target folder: room, and what kind of file system.

use std::fs;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::host::paths;
use crate::host::settings::Settings;
use crate::host::space;
use crate::host::suite::{self, Suite};
use crate::protocol::units::Bytes;

/// What the host and the programs of all embedded engines take, built once.
const PROGRAMS: u64 = 10 << 30;
/// File systems behind a network or another program.
const REMOTE: [&str; 10] = ["nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ceph", "lustre", "glusterfs", "afs"];
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let data = nearest(&settings.data);
    let target = nearest(&paths::own(""));
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let kind = kind_of(&mounts, &data);
    let writable = tempfile::tempfile_in(&target).is_ok();
    let target = judge_target(&target, space::free(&target).ok().filter(|_| writable));
    let suite = Suite::read(suite::DEFAULT).ok();
    let size = suite.as_ref().and_then(|suite| Some((suite.title.as_str(), suite.bytes_at_sf1?)));
    vec![judge_data(&data, space::free(&data).ok(), kind, size), target]
}

/// `size` is a suite's title and what it takes at scale 1.
fn judge_data(folder: &Path, free: Option<u64>, kind: Option<&str>, size: Option<(&str, u64)>) -> Finding {
    const NAME: &str = "data disk";
    const ELSEWHERE: &str = "QUERYDYNO_DATA=/a/folder/on/another/disk";
    let Some(free) = free else {
        let seen = format!("{} cannot be asked for free space", folder.display());
        return Finding::missing(NAME, seen, "no data can be made").remedy(ELSEWHERE);
    };
    let kind = kind.unwrap_or("an unknown file system");
    let seen = format!("{} free at {} ({kind})", Bytes(free), folder.display());
    let Some((suite, sf1)) = size else {
        return Finding::caution(NAME, seen, "what the data take is not declared: give the suite its bytes_at_sf1");
    };
    let Some(scale) = [1000, 100, 10, 1].into_iter().find(|scale| sf1 * scale <= free) else {
        let means = format!("{suite} sf1 takes {} MB and does not fit", sf1 / 1_000_000);
        return Finding::missing(NAME, seen, means).remedy(ELSEWHERE);
    };
    if REMOTE.contains(&kind) || kind.starts_with("fuse") {
        return Finding::caution(NAME, seen, "reading from disk is timed with the network or program behind it")
            .remedy(ELSEWHERE);
    }
    if IN_MEMORY.contains(&kind) {
        return Finding::caution(NAME, seen, "the data take memory from the engines, and are never read from a disk")
            .remedy(ELSEWHERE);
    }
    Finding::good(NAME, seen, format!("{suite} up to sf{scale} fits"))
}

fn judge_target(folder: &Path, free: Option<u64>) -> Finding {
    const NAME: &str = "target disk";
    let Some(free) = free else {
        let seen = format!("{} cannot be written, or not be asked for free space", folder.display());
        return Finding::missing(NAME, seen, "no engine program can be built and no record be kept")
            .remedy("CARGO_TARGET_DIR=/a/folder/on/another/disk");
    };
    let seen = format!("{} free at {}", Bytes(free), folder.display());
    if free < PROGRAMS {
        let means = format!("all engine programs together take up to {}: building some may fail", Bytes(PROGRAMS));
        return Finding::caution(NAME, seen, means).remedy("CARGO_TARGET_DIR=/a/folder/on/another/disk");
    }
    Finding::good(NAME, seen, "all engine programs fit")
}

/// The folder, or what there is of the way to it.
pub(super) fn nearest(folder: &Path) -> PathBuf {
    let folder = paths::root().join(folder);
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    there.canonicalize().unwrap_or_else(|_| there.to_owned())
}

/// The type of the file system below a folder, such as `ext4`, from the text of `/proc/self/mounts`.
fn kind_of<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    let mounted = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        // The kernel writes what would end a field by its octal number.
        let folder = fields.next()?.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\");
        Some((PathBuf::from(folder), fields.next()?))
    });
    // Of two at one folder the later one lies on top, and is what `max_by_key` takes.
    let above = mounted.filter(|(mount, _)| folder.starts_with(mount));
    above.max_by_key(|(mount, _)| mount.components().count()).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    const MOUNTS: &str = "proc /proc proc rw,relatime 0 0\n\
        /dev/vda / ext4 rw,relatime,discard 0 0\n\
        tmpfs /dev/shm tmpfs rw,relatime,size=24683656k 0 0\n\
        /dev/sda /mnt/old ext3 rw 0 0\n\
        server:/export /mnt/old nfs4 rw 0 0\n\
        /dev/sdb /mnt/my\\040disk xfs rw 0 0\n";

    #[test]
    fn a_folder_is_on_the_innermost_and_last_mount() {
        let kind = |folder: &str| kind_of(MOUNTS, Path::new(folder)).unwrap();
        assert_eq!(kind("/home/me/data"), "ext4");
        assert_eq!(kind("/dev/shm/data"), "tmpfs");
        assert_eq!(kind("/dev/shmem"), "ext4");
        assert_eq!(kind("/mnt/old/data"), "nfs4");
        assert_eq!(kind("/mnt/my disk"), "xfs");
        assert!(kind_of("", Path::new("/")).is_none());
    }

    #[test]
    fn the_largest_scale_that_fits_is_named() {
        const SF1: u64 = 350_000_000;
        let judged = |free, kind| judge_data(Path::new("/data"), free, Some(kind), Some(("TPC-H", SF1)));
        assert_eq!(judged(Some(79 << 30), "ext4").means, "TPC-H up to sf100 fits");
        assert_eq!(judged(Some(SF1), "ext4").means, "TPC-H up to sf1 fits");
        assert_eq!(judged(Some(SF1 - 1), "ext4").state, State::Missing);
        assert_eq!(judged(None, "ext4").state, State::Missing);
        for kind in ["nfs4", "fuse.sshfs", "tmpfs"] {
            assert_eq!(judged(Some(79 << 30), kind).state, State::Caution, "{kind}");
        }
    }

    #[test]
    fn little_room_to_build_is_told() {
        assert_eq!(judge_target(Path::new("/t"), Some(PROGRAMS)).state, State::Good);
        assert_eq!(judge_target(Path::new("/t"), Some(PROGRAMS - 1)).state, State::Caution);
        assert_eq!(judge_target(Path::new("/t"), None).state, State::Missing);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_lies_where_its_parent_does() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().canonicalize().unwrap();
        assert_eq!(nearest(&folder.path().join("not/yet")), there);
    }
}
