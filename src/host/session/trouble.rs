//! What went wrong with a server while it was measured: a [`ServerTrouble`], for the record of a cell.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Lines of a server's log in a record.
pub(crate) const LINES: usize = 20;
/// Characters of one of them.
const LINE: usize = 300;
/// Lines of it in a sentence.
const SHOWN: usize = 3;

/// What servers write when there is no memory left for them: Java's, the C++ ones, and Trino of a query that is beyond its limit.
const NO_MEMORY: [&str; 7] = [
    "OutOfMemoryError",
    "GC overhead limit exceeded",
    "std::bad_alloc",
    "Out of memory",
    "EXCEEDED_LOCAL_MEMORY_LIMIT",
    "EXCEEDED_GLOBAL_MEMORY_LIMIT",
    "CLUSTER_OUT_OF_MEMORY",
];
/// What they write when a disk is full.
const NO_SPACE: [&str; 2] = ["No space left on device", "Disk full"];

/// In which way a server failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// A process of it is gone, for another reason than memory.
    Died,
    /// It runs and does not answer.
    Silent,
    /// It had too little memory; a process of it may have ended of that.
    OutOfMemory,
    /// The disk of its temporary files is full, and it lives.
    DiskFull,
}

/// What went wrong with a server while a cell was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerTrouble {
    /// In which way.
    pub kind: TroubleKind,
    /// In a sentence.
    pub says: String,
    /// The last lines of its log, oldest first; a line since the cell began that names the cause is among them. Empty where its log
    /// cannot be read: somebody else started it.
    pub log: Vec<String>,
}

impl fmt::Display for ServerTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)?;
        let cause = self.log.iter().position(|line| cause_in(line).is_some());
        let first = cause.unwrap_or_else(|| self.log.len().saturating_sub(SHOWN));
        // Frames of Java's stacks say little to who reads one sentence.
        let lines = self.log.iter().skip(first).map(|line| line.trim()).filter(|line| !line.starts_with("at "));
        let shown: Vec<&str> = lines.take(SHOWN).collect();
        if !shown.is_empty() {
            write!(f, " (in its log: {})", shown.join(" | "))?;
        }
        Ok(())
    }
}

/// Knows a server while a session uses it.
pub(crate) trait ServerWatch: fmt::Debug + Send {
    /// What was wrong with the server, after the session has failed with these words; `None` when nothing was. May take some seconds.
    fn trouble(&self, said: &str) -> Option<ServerTrouble>;

    /// Notes for the next cell that the session was killed before it had its answer: nobody has told the server to stop.
    fn left(&self);
}

/// Whether a line names memory or a disk as the cause.
pub(crate) fn cause_in(line: &str) -> Option<TroubleKind> {
    let has = |words: &[&str]| words.iter().any(|words| line.contains(words));
    if has(&NO_MEMORY) {
        Some(TroubleKind::OutOfMemory)
    } else if has(&NO_SPACE) {
        Some(TroubleKind::DiskFull)
    } else {
        None
    }
}

/// The last lines of a text, each of them cut, with the first one that names a cause.
pub(crate) fn last_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let cause = lines.iter().position(|line| cause_in(line).is_some());
    let last = lines.len().saturating_sub(LINES);
    let before = cause.filter(|cause| *cause < last);
    let rest = if before.is_some() { last + 1 } else { last };
    let kept = before.map(|cause| lines[cause]).into_iter().chain(lines[rest..].iter().copied());
    kept.map(|line| line.chars().take(LINE).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines_are_bounded_and_have_the_cause() {
        let stack: Vec<String> = (0..100).map(|frame| format!("  at frame {frame}{}", "x".repeat(900))).collect();
        let text = format!("started\njava.lang.OutOfMemoryError: Java heap space\n{}\n\n", stack.join("\n"));
        let lines = last_lines(&text);
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines[0], "java.lang.OutOfMemoryError: Java heap space");
        assert!(lines[LINES - 1].contains("frame 99") && lines.iter().all(|line| line.len() <= LINE));
        assert_eq!(last_lines("a\n\nb\n"), ["a", "b"]);
    }

    #[test]
    fn cause_in_knows_memory_and_disks() {
        let limit = "Trino: EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node memory limit of 614.40MB";
        assert_eq!(cause_in(limit), Some(TroubleKind::OutOfMemory));
        assert_eq!(cause_in("java.io.IOException: No space left on device"), Some(TroubleKind::DiskFull));
        assert_eq!(cause_in("line 1:8: Column 'a' cannot be resolved"), None);
    }

    #[test]
    fn trouble_shows_the_cause_or_the_end_of_the_log() {
        let shown = |log: &[&str]| {
            let log = log.iter().map(|line| (*line).to_owned()).collect();
            ServerTrouble { kind: TroubleKind::Died, says: "it died".to_owned(), log }.to_string()
        };
        assert_eq!(shown(&[]), "it died");
        assert_eq!(shown(&["a", "b", "c", "d"]), "it died (in its log: b | c | d)");
        assert_eq!(
            shown(&["a", "write: No space left on device", "c"]),
            "it died (in its log: write: No space left on device | c)"
        );
    }
}
