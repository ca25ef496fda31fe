//! Files that appear whole or not at all.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::host::scratch::lives;

/// Writes a file that appears whole or not at all, making its folder. Behind a link it is the file that the link names; a device or a
/// pipe is written to as it is.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = &match fs::metadata(path) {
        Ok(about) if !about.is_file() && !about.is_dir() => {
            return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
        }
        Ok(_) => path.canonicalize()?,
        Err(_) => path.to_owned(),
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    sweep(path);
    let part = path.with_added_extension(format!("{}.part", std::process::id()));
    let write = || {
        let mut file = fs::File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().inspect_err(|_| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&part);
    })
}

/// Creates a file that only its owner can read, in place of whatever is there: that may be another's to read.
///
/// # Errors
/// When it cannot be created.
pub fn create_private(path: &Path) -> io::Result<fs::File> {
    let _ = fs::remove_file(path);
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Random bytes for secrets.
///
/// # Errors
/// When the system has none.
pub fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes))?;
    Ok(bytes)
}

/// Removes what writers of this file left who were killed. Others' files in its folder, which may be anybody's, stay.
fn sweep(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let other = entry.file_name();
        let end = other.to_str().and_then(|other| other.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".part"));
        if end.is_some_and(|writer| writer.parse().is_ok_and(|pid| !lives(pid))) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_whole_follows_a_link_and_leaves_a_device_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap(), link.is_symlink()), ("new".to_owned(), true));
        // A pipe stands for a device: whoever may write to /dev may also replace what is in it.
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write_whole(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(!fs::metadata(&pipe).unwrap().is_file());
    }

    #[test]
    fn write_whole_sweeps_what_a_killed_writer_of_the_same_file_left() {
        let folder = tempfile::tempdir().unwrap();
        // Process ids end at 2^22 on Linux.
        for name in ["a.json.99999999.part", "b.json.99999999.part", "a.json.part"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        write_whole(&folder.path().join("a.json"), b"{}").unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["a.json", "a.json.part", "b.json.99999999.part"]);
    }
}
