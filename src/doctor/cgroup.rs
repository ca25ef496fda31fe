//! Whether a cgroup of version 2 with the memory controller can be had: the peak of a whole process tree, which a
//! service with its children needs.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::Finding;
use super::disk::Mount;

pub(super) fn look() -> Finding {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some(mount) = Mount::all(&mounts).find(|mount| mount.kind == "cgroup2").map(|mount| mount.folder) else {
        return judge(&Groups::NoVersion2);
    };
    let controllers = fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default();
    if !has_memory(&controllers) {
        return judge(&Groups::NoController);
    }
    judge(&usable(&mount, own_path(&own)).map_or(Groups::NotAllowed, Groups::Usable))
}

enum Groups {
    NoVersion2,
    NoController,
    NotAllowed,
    /// Below this one.
    Usable(PathBuf),
}

fn judge(groups: &Groups) -> Finding {
    const NAME: &str = "cgroup";
    const MEANS: &str = "the peak memory of a service with its children cannot be measured, that of one process can";
    const BOOT: &str = "boot with systemd.unified_cgroup_hierarchy=1";
    match groups {
        Groups::NoVersion2 => Finding::missing(NAME, "no cgroup of version 2", MEANS).remedy(BOOT),
        Groups::NoController => Finding::missing(NAME, "version 2 without the memory controller", MEANS).remedy(BOOT),
        Groups::NotAllowed => Finding::missing(NAME, "version 2, but none with memory can be made here", MEANS)
            .remedy("run below: systemd-run --user --scope -p Delegate=yes"),
        Groups::Usable(parent) => Finding::good(
            NAME,
            format!("one with memory can be made in {}", parent.display()),
            "a process tree has a peak",
        ),
    }
}

/// The nearest group from our own upwards whose children have the memory controller, where we may make one and move a
/// process into it: for that the common ancestor has to be writable, which is that group itself.
fn usable(mount: &Path, own: &str) -> Option<PathBuf> {
    let own = mount.join(own.trim_start_matches('/'));
    let ours = |group: &&Path| group.starts_with(mount);
    own.ancestors().take_while(ours).find(|group| makes_children(group)).map(Path::to_owned)
}

fn makes_children(group: &Path) -> bool {
    let passed_on = fs::read_to_string(group.join("cgroup.subtree_control")).unwrap_or_default();
    if !has_memory(&passed_on) || access(group.join("cgroup.procs"), Access::WRITE_OK).is_err() {
        return false;
    }
    let child = group.join(format!("querydyno-doctor-{}", std::process::id()));
    let made = fs::create_dir(&child).is_ok();
    let counts = made && child.join("memory.peak").exists();
    // An empty group always can be removed.
    let _ = fs::remove_dir(&child);
    counts
}

fn has_memory(controllers: &str) -> bool {
    controllers.split_whitespace().any(|controller| controller == "memory")
}

/// Our own group of version 2, from the text of `/proc/self/cgroup`.
fn own_path(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn our_own_group_is_the_line_of_version_2() {
        assert_eq!(own_path("4:memory:/process_api\n1:cpu:/\n0::/user.slice/a.scope\n"), "/user.slice/a.scope");
        assert_eq!(own_path("4:memory:/process_api\n"), "/");
    }

    #[test]
    fn a_controller_is_a_whole_word() {
        assert!(has_memory("cpuset cpu io memory pids\n"));
        assert!(!has_memory("cpuset cpu memory_recursiveprot\n") && !has_memory(""));
    }

    #[test]
    fn without_a_group_of_memory_a_tree_has_no_peak() {
        for groups in [Groups::NoVersion2, Groups::NoController, Groups::NotAllowed] {
            let finding = judge(&groups);
            assert!(finding.state == State::Missing && finding.remedy.is_some(), "{finding:?}");
        }
        assert_eq!(judge(&Groups::Usable("/sys/fs/cgroup/a".into())).state, State::Good);
    }

    #[test]
    fn a_folder_that_is_no_group_has_no_children() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("own")).unwrap();
        assert_eq!(usable(folder.path(), "/own"), None);
        // Says it is one, but a child of it counts nothing.
        fs::write(folder.path().join("cgroup.subtree_control"), "memory pids").unwrap();
        fs::write(folder.path().join("cgroup.procs"), "").unwrap();
        assert_eq!(usable(folder.path(), "/own"), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
