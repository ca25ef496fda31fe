//! The threads that keep a program's pipes moving, so that neither side can block the other.
//!
//! Requests are written by one thread, stdout is cut into lines by another, stderr's end is kept by a third.
//! Each ends by itself when its pipe closes.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A reply longer than this is a flood. The largest honest one is an answer of some million rows.
const LONGEST_LINE: u64 = 256 << 20;
/// Replies that may wait: one is the rule, and a program that says more is in the wrong.
const WAITING: usize = 4;
const STDERR_LINES: usize = 20;
const STDERR_LINE_BYTES: usize = 500;

/// Waits for a program's end; `None` where that does not come within the limit.
pub(crate) fn ended_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    ended_or(child, limit, Duration::from_millis(1), || false)
}

/// As [`ended_within`], looking every `look`, and giving up where `stop` says so too.
pub(crate) fn ended_or(
    child: &mut Child,
    limit: Duration,
    look: Duration,
    stop: impl Fn() -> bool,
) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        let status = child.try_wait().ok().flatten();
        if status.is_some() || Instant::now() >= deadline || stop() {
            return status;
        }
        thread::sleep(look);
    }
}

/// Writes each text it is sent to the pipe, and closes the pipe when the sender is dropped.
pub(super) fn writer(mut pipe: impl Write + Send + 'static) -> Sender<String> {
    let (sender, texts) = channel::<String>();
    thread::spawn(move || {
        for text in texts {
            // A program that is gone shows on its stdout.
            if pipe.write_all(text.as_bytes()).and_then(|()| pipe.flush()).is_err() {
                break;
            }
        }
    });
    sender
}

/// Sends each line of the pipe; a line without an end within [`LONGEST_LINE`] is sent as it is and ends the reading.
pub(super) fn lines(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, lines): (SyncSender<Vec<u8>>, _) = sync_channel(WAITING);
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        loop {
            let mut line = Vec::new();
            let read = (&mut pipe).take(LONGEST_LINE).read_until(b'\n', &mut line);
            let ended = line.last() != Some(&b'\n');
            if read.is_err() || line.is_empty() || sender.send(line).is_err() || ended {
                break;
            }
        }
    });
    lines
}

/// The last lines of a pipe that is read for as long as it is open.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    pub(super) fn of(pipe: impl Read + Send + 'static) -> (Self, thread::JoinHandle<()>) {
        let tail = Self::default();
        let kept = tail.clone();
        let thread = thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            // Cut long lines, so that a flood without line ends cannot fill the memory either.
            while let Ok(1..) = (&mut pipe).take(STDERR_LINE_BYTES as u64).read_until(b'\n', &mut line) {
                kept.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
        });
        (tail, thread)
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == STDERR_LINES {
            lines.pop_front();
        }
        if !line.is_empty() {
            lines.push_back(line);
        }
    }

    pub(super) fn get(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}
