//! Copies of the whole history: compacted in its place, kept elsewhere, put back, and as Parquet files.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use duckdb::Connection;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::Error;
use super::check;
use super::decisions::keep_up;
use super::stage::reached;
use super::store::{AT_ONCE, PATIENCE, Staged, Store, attach_new, quoted, sync};
use crate::host::decisions;
use crate::host::terminal::output;
use crate::protocol::units::Bytes;

/// How a file begins that gzip has made.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Writes everything into a new file, without the room that deleted rows left, and puts it in place of the old one.
///
/// # Errors
/// When there is no room for both; the old one stays.
pub(super) fn optimize(store: Store) -> Result<()> {
    let path = store.path.clone();
    let before = size(&path)?;
    let staged = Staged::new(&path)?;
    store.execute("CHECKPOINT")?;
    copy(&store.connection, &store.value::<String>("SELECT current_database()")?, &staged.file)?;
    reached("copied");
    // The old file is locked until the new one has its name: nobody writes into it between the two.
    fs::rename(&staged.file, &path).with_context(|| format!("cannot replace {}", path.display()))?;
    reached("renamed");
    drop(store);
    sync(&path)?;
    output::line(format_args!("{}: {} before, {} now", path.display(), Bytes(before), Bytes(size(&path)?)))
}

/// Writes a copy, compressed by gzip or not, reads it again, and only then gives it its name.
///
/// # Errors
/// When the name is taken, the copy cannot be written, or is not what it was made of.
pub(super) fn backup(history: &Path, to: &Path, compress: bool) -> Result<()> {
    ensure!(!to.exists(), "{} is there already: name a file that is not", to.display());
    let staged = Staged::new(to)?;
    copy(&reading(history)?, "history", &staged.file)?;
    reached("copied");
    let results = verified(&staged.file, to)?;
    let mut made = staged.file.clone();
    if compress {
        made = staged.file.with_extension("gz");
        let mut writer = GzEncoder::new(File::create(&made)?, Compression::default());
        io::copy(&mut File::open(&staged.file)?, &mut writer).context("cannot compress")?;
        writer.finish().context("cannot compress")?;
    }
    sync(&made)?;
    fs::rename(&made, to).with_context(|| format!("cannot write {}", to.display()))?;
    output::line(format_args!("{}: {results} results, {}", to.display(), Bytes(size(to)?)))
}

/// Puts a backup in place of the history, once every value of it has been read. What the history was is kept beside it.
///
/// # Errors
/// When the backup is no history or damaged, or the history is in use; it stays as it was.
pub(super) fn restore(history: &Path, from: &Path) -> Result<()> {
    let staged = Staged::new(history)?;
    let mut file = BufReader::new(
        File::open(from)
            .with_context(|| format!("cannot read {}: name a file that `history backup` made", from.display()))?,
    );
    let mut begin = [0; GZIP.len()];
    let is_gzip = file.read_exact(&mut begin).is_ok() && begin == GZIP;
    file.rewind()?;
    let mut copy = File::create(&staged.file)?;
    let copied = if is_gzip { io::copy(&mut GzDecoder::new(file), &mut copy) } else { io::copy(&mut file, &mut copy) };
    copied.with_context(|| format!("{} cannot be copied", from.display()))?;
    drop(copy);
    let results = verified(&staged.file, from)
        .with_context(|| format!("{} is not restored, {} stays as it is", from.display(), history.display()))?;
    sync(&staged.file)?;
    reached("verified");
    let kept;
    let before = unused(&history.with_added_extension("replaced"));
    let decisions = decisions::file_of(history);
    if decisions.exists() {
        fs::copy(&decisions, decisions::file_of(&before))
            .with_context(|| format!("cannot keep {} beside {}", decisions.display(), before.display()))?;
    }
    if history.exists() {
        // Nobody may write into what goes; one that is damaged cannot be opened, and goes too.
        let old = match Store::write(history, AT_ONCE) {
            Err(error) if matches!(error.downcast_ref(), Some(Error::Busy { .. })) => bail!(error),
            old => old,
        };
        // Then nothing is left to be written when it is closed, by a name that is the other's then.
        let old = old.and_then(|old| Ok(old.execute("CHECKPOINT").map(|()| old)?));
        // A second name first, so that at no time there is none.
        fs::hard_link(history, &before)
            .with_context(|| format!("cannot keep {} as {}", history.display(), before.display()))?;
        let log = history.with_added_extension("wal");
        if log.exists() {
            fs::rename(&log, before.with_added_extension("wal"))?;
        }
        reached("linked");
        fs::rename(&staged.file, history).with_context(|| format!("cannot write {}", history.display()))?;
        drop(old);
        kept = Some(before);
    } else {
        kept = Some(decisions::file_of(&before)).filter(|kept| kept.exists());
        fs::rename(&staged.file, history).with_context(|| format!("cannot write {}", history.display()))?;
    }
    sync(history)?;
    keep_up(&Store::read(history, PATIENCE)?)?;
    output::line(format_args!("{}: {results} results restored", history.display()))?;
    kept.map_or(Ok(()), |kept| output::line(format_args!("what it was is kept: {}", kept.display())))
}

/// Writes each table as a Parquet file, with the statements that make them again.
///
/// # Errors
/// When the folder has something in it, or cannot be written.
pub(super) fn export(history: &Path, to: &Path) -> Result<()> {
    let is_empty = fs::read_dir(to).map_or(true, |mut entries| entries.next().is_none());
    ensure!(is_empty, "{} has something in it: name a folder that is empty or not there", to.display());
    let connection = reading(history)?;
    let export = format!("USE history; EXPORT DATABASE '{}' (FORMAT parquet)", quoted(to));
    connection.execute_batch(&export).with_context(|| format!("cannot export to {}", to.display()))?;
    output::line(format_args!("{}: a Parquet file for each table; load.sql makes them tables again", to.display()))
}

/// A connection that can write other files, with the history attached for reading.
fn reading(history: &Path) -> Result<Connection> {
    let connection = Connection::open_in_memory()?;
    let attach = format!("ATTACH '{}' AS history (READ_ONLY)", quoted(history));
    connection.execute_batch(&attach).map_err(|error| Error::of(history, error))?;
    Ok(connection)
}

/// Copies all of the history that a connection has by this name into a new file.
fn copy(connection: &Connection, from: &str, to: &Path) -> Result<(), Error> {
    attach_new(connection, to)?;
    let copy = format!("COPY FROM DATABASE \"{from}\" TO made; CHECKPOINT made; DETACH made");
    connection.execute_batch(&copy).map_err(|error| Error::of(to, error))
}

/// Reads every value of a history that nobody else has; how many results it has. Errors call it by the name that people know it by.
fn verified(file: &Path, name: &Path) -> Result<u64> {
    let store = Store::read(file, AT_ONCE).map_err(|error| error.named(file, name))?;
    let store = Store { path: name.to_owned(), ..store };
    ensure!(check::scan(&store)?, "{} cannot be read as a whole", name.display());
    Ok(store.value("SELECT count(*) FROM results")?)
}

fn size(path: &Path) -> Result<u64> {
    Ok(fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len())
}

/// The first of `path`, `path.2`, `path.3` that is not there.
fn unused(path: &Path) -> PathBuf {
    let names = (2..).map(|number| path.with_added_extension(number.to_string()));
    std::iter::once(path.to_owned()).chain(names).find(|path| !path.exists()).unwrap_or_default()
}
