//! Writing to a stdout whose reader may have seen enough, such as `head`: that is an end and no error.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Row, Table, presets};
use rustix::fs::{FileType, fstat};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::stdio::{dup2_stdout, stdout};

use super::captured::keep_printed;

/// Prints a text as it is.
///
/// # Errors
/// When stdout cannot be written, on a full disk for one; not when it is closed.
pub fn print(text: &str) -> Result<()> {
    bytes(text.as_bytes())
}

/// Prints what need not be text.
///
/// # Errors
/// As [`print()`].
pub fn bytes(all: &[u8]) -> Result<()> {
    if keep_printed(all) {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    match out.write_all(all).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Prints a text and ends its line.
///
/// # Errors
/// As [`print()`].
pub fn line(text: impl Display) -> Result<()> {
    print(&format!("{text}\n"))
}

/// As [`line()`], for a run that goes on without its stdout: what counts is in its records.
pub(crate) fn say(text: impl Display) {
    if let Err(error) = line(text) {
        let _ = writeln!(io::stderr(), "{error:#}");
    }
}

/// A table without lines, for rows to be added; its columns of `figures` end below each other.
pub fn plain_table(header: impl Into<Row>, figures: Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for column in table.column_iter_mut().skip(figures.start).take(figures.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Stands between this process and the reader of its stdout. Criterion prints by `println!`, which panics when that reader is
/// gone and would end a run between two cells; what is written here is passed on for as long as somebody reads it, then dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    /// The way to the reader, which becomes stdout again.
    reader: OwnedFd,
    /// Our own end of the pipe, for [`END`].
    pipe: File,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The last byte that is written. The pipe's own end would not do: a daemon that a tool of ours has started may hold it open.
const END: u8 = 0;

impl Relay {
    /// Only before a pipe or a socket: a terminal or a file has no reader that goes. `None` too where the system has no more pipes.
    pub(crate) fn new() -> Option<Self> {
        let kind = FileType::from_raw_mode(fstat(stdout()).ok()?.st_mode);
        if !matches!(kind, FileType::Fifo | FileType::Socket) {
            return None;
        }
        // Programs that are started inherit none of these.
        let reader = fcntl_dupfd_cloexec(stdout(), FIRST_FREE).ok()?;
        let onward = File::from(fcntl_dupfd_cloexec(&reader, FIRST_FREE).ok()?);
        let (from, to) = pipe_with(PipeFlags::CLOEXEC).ok()?;
        dup2_stdout(&to).ok()?;
        let ended = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&ended);
        let thread = thread::spawn(move || pass_on(File::from(from), onward, &is_over));
        Some(Self { reader, pipe: to.into(), ended, thread: Some(thread) })
    }
}

/// Behind stdin, stdout and stderr.
const FIRST_FREE: i32 = 3;

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = io::stdout().flush();
        if dup2_stdout(&self.reader).is_err() {
            return;
        }
        self.ended.store(true, Ordering::SeqCst);
        if self.pipe.write_all(&[END]).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// Reads to the end whether or not anybody takes it: whoever writes must not be stopped by a full pipe.
fn pass_on(mut from: impl Read, mut to: impl Write, ended: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    let mut gone = false;
    while let Ok(bytes @ 1..) = from.read(&mut buffer) {
        let last = ended.load(Ordering::SeqCst) && buffer[bytes - 1] == END;
        gone = gone || to.write_all(&buffer[..bytes - usize::from(last)]).is_err();
        if last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes some bytes, then is gone.
    struct Head(Vec<u8>, usize);

    impl Write for Head {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() >= self.1 {
                return Err(ErrorKind::BrokenPipe.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn pass_on_reads_to_the_end_though_nobody_takes_it() {
        let text = vec![b'x'; 1 << 20];
        for (takes, gets) in [(usize::MAX, text.len()), (1, 1 << 16)] {
            let mut from = io::Cursor::new(text.clone());
            let mut to = Head(Vec::new(), takes);
            pass_on(&mut from, &mut to, &AtomicBool::new(false));
            assert_eq!((from.position(), to.0.len()), (1 << 20, gets));
        }
    }

    #[test]
    fn pass_on_ends_at_the_last_byte_and_keeps_it() {
        let mut to = Vec::new();
        pass_on(&b"all\0"[..], &mut to, &AtomicBool::new(true));
        assert_eq!(to, b"all");
    }
}
