//! A folder for each table with nothing in it but links to its files: a table of Trino's Hive connector is a folder, and all that is
//! in it. Symbolic links will not do: the connector takes their own length for the file's. A table with a folder for each value of a
//! column has the same folders here.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::io::Errno;

use crate::engine::Result;
use crate::engine::server::told;
use crate::protocol::dataset::Table;

/// The folder that the user may name for them: on the disk of the files, and seen by the server.
const FOLDER: &str = "TRINO_TABLES";

/// Where the folders of tables are kept: what the user says, else beside the scratch folder, where they stay for later runs.
pub(super) fn root(scratch: &Path) -> PathBuf {
    let beside = || scratch.parent().unwrap_or(scratch).join("trino-tables");
    told(FOLDER).map_or_else(beside, PathBuf::from)
}

/// A table's files, each with its place in the folder.
///
/// # Errors
/// For a file that is not on this machine.
pub(super) fn of(table: &Table) -> Result<Vec<Link<'_>>> {
    let links = table.paths()?.into_iter().enumerate().map(|(number, file)| {
        // In the order of the files; a name that begins with a dot or a line is hidden from the connector.
        let name = PathBuf::from(format!("part-{number:06}.parquet"));
        let value = table.folders.as_ref().and_then(|_| file.parent()?.file_name());
        Link { file, place: value.map_or_else(|| name.clone(), |value| Path::new(value).join(&name)) }
    });
    Ok(links.collect())
}

/// A file and where it is linked to.
#[derive(Debug)]
pub(super) struct Link<'a> {
    /// The file.
    pub(super) file: &'a Path,
    /// Below the table's folder.
    pub(super) place: PathBuf,
}

/// Whether the folder holds these files and no others.
pub(super) fn are_there(folder: &Path, links: &[Link<'_>]) -> bool {
    files_in(folder) == links.len() && links.iter().all(|link| is_same(link.file, &folder.join(&link.place)))
}

fn files_in(folder: &Path) -> usize {
    let inside = fs::read_dir(folder).into_iter().flatten().flatten();
    inside
        .map(|entry| if entry.file_type().is_ok_and(|kind| kind.is_dir()) { files_in(&entry.path()) } else { 1 })
        .sum()
}

/// Makes the folder anew with a link to each file.
pub(super) fn make(folder: &Path, links: &[Link<'_>]) -> Result<()> {
    let within = || format!("cannot make {}", folder.display());
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).with_context(within),
        _ => fs::create_dir_all(folder).with_context(within)?,
    }
    for Link { file, place } in links {
        let link = folder.join(place);
        fs::create_dir_all(link.parent().unwrap_or(folder)).with_context(within)?;
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

fn is_same(file: &Path, link: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |path: &Path| fs::metadata(path).ok().map(|about| (about.dev(), about.ino()));
    of(file).is_some_and(|file| Some(file) == of(link))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::dataset::Folders;

    fn table(files: &[&Path], folders: Option<Folders>) -> Table {
        Table { files: files.iter().map(|file| file.to_path_buf().into()).collect(), folders, ..Table::default() }
    }

    #[test]
    fn links_are_those_of_the_files_and_no_others() {
        let home = tempfile::tempdir().unwrap();
        let (one, two) = (home.path().join("_one"), home.path().join("two.json"));
        fs::write(&one, "1").unwrap();
        fs::write(&two, "2").unwrap();
        let folder = home.path().join("t");
        let table = table(&[&one, &two], None);
        let links = of(&table).unwrap();
        assert!(!are_there(&folder, &links));
        make(&folder, &links).unwrap();
        assert!(are_there(&folder, &links) && !are_there(&folder, &links[..1]));
        assert_eq!(fs::read(folder.join("part-000001.parquet")).unwrap(), b"2");
        // A file that was written anew is another one.
        fs::remove_file(&two).unwrap();
        fs::write(&two, "3").unwrap();
        assert!(!are_there(&folder, &links));
        make(&folder, &links[..1]).unwrap();
        assert!(are_there(&folder, &links[..1]));
    }

    #[test]
    fn folder_of_each_value_is_there_too() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("posts");
        let (red, blue) = (root.join("color=red/a.parquet"), root.join("color=blue/a.parquet"));
        for file in [&red, &blue] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "rows").unwrap();
        }
        let folders = Folders { column: "color".to_owned(), root: root.into() };
        let table = table(&[&red, &blue], Some(folders));
        let (folder, links) = (home.path().join("t"), of(&table).unwrap());
        make(&folder, &links).unwrap();
        assert!(folder.join("color=blue/part-000001.parquet").is_file() && are_there(&folder, &links));
    }
}
