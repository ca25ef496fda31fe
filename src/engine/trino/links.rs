//! A folder for each table with nothing in it but links to its files: a table of Trino's Hive connector is a folder, and all that is
//! in it. Symbolic links will not do: the connector takes their own length for the file's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::io::Errno;

use crate::engine::Result;
use crate::engine::server::told;

/// The folder that the user may name for them: on the disk of the files, and seen by the server.
const FOLDER: &str = "TRINO_TABLES";

/// Where the folders of tables are kept: what the user says, else beside the scratch folder, where they stay for later runs.
pub(super) fn root(scratch: &Path) -> PathBuf {
    let beside = || scratch.parent().unwrap_or(scratch).join("trino-tables");
    told(FOLDER).map_or_else(beside, PathBuf::from)
}

/// Whether the folder holds these files and no others.
pub(super) fn are_there(folder: &Path, files: &[&Path]) -> bool {
    let inside = fs::read_dir(folder).map_or(0, Iterator::count);
    inside == files.len() && files.iter().enumerate().all(|(place, file)| is_same(file, &folder.join(name(place))))
}

/// Makes the folder anew with a link to each file.
pub(super) fn make(folder: &Path, files: &[&Path]) -> Result<()> {
    let within = || format!("cannot make {}", folder.display());
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).with_context(within),
        _ => fs::create_dir_all(folder).with_context(within)?,
    }
    for (place, file) in files.iter().enumerate() {
        let link = folder.join(name(place));
        match fs::hard_link(fs::canonicalize(file)?, &link) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::XDEV) => bail!(
                "{} lies on another disk than {}, where Trino is to find it: set {FOLDER} to a folder on the disk of the files",
                file.display(),
                folder.display()
            ),
            linked => linked.with_context(|| format!("cannot link {} to {}", link.display(), file.display()))?,
        }
    }
    Ok(())
}

/// In the order of the files; a name that begins with a dot or a line is hidden from the connector.
fn name(place: usize) -> String {
    format!("part-{place:06}.parquet")
}

fn is_same(file: &Path, link: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |path: &Path| fs::metadata(path).ok().map(|about| (about.dev(), about.ino()));
    of(file).is_some_and(|file| Some(file) == of(link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_those_of_the_files_and_no_others() {
        let home = tempfile::tempdir().unwrap();
        let (one, two) = (home.path().join("_one"), home.path().join("two.json"));
        fs::write(&one, "1").unwrap();
        fs::write(&two, "2").unwrap();
        let folder = home.path().join("t");
        let files = [one.as_path(), two.as_path()];
        assert!(!are_there(&folder, &files));
        make(&folder, &files).unwrap();
        assert!(are_there(&folder, &files) && !are_there(&folder, &files[..1]));
        assert_eq!(fs::read(folder.join("part-000001.parquet")).unwrap(), b"2");
        // A file that was written anew is another one.
        fs::remove_file(&two).unwrap();
        fs::write(&two, "3").unwrap();
        assert!(!are_there(&folder, &files));
        make(&folder, &files[..1]).unwrap();
        assert!(are_there(&folder, &files[..1]));
    }
}
