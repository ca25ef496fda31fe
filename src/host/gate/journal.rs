//! What a gate has measured so far, on the disk: one line a pair, flushed as it is taken, so that a gate that was interrupted or
//! killed goes on from there. Half a pair is none: its program is launched again.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::judge::Stage;
use crate::host::settings::Metric;
use crate::host::verify::Verdict;

/// A smaller change of peak memory is ignored: launches differ by some pages.
pub(super) const LEAST_MEMORY: u32 = 1 << 20;

/// A base and a head, launched one right after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The row's id, or a control's name.
    pub row: String,
    /// Which stage it is for.
    pub stage: Stage,
    /// Whether the base was launched first.
    pub base_first: bool,
    /// The base's launch.
    pub base: Launch,
    /// The head's.
    pub head: Launch,
    /// What both took from start to end, in nanoseconds, loading and all.
    pub wall_ns: u64,
}

/// A fresh process: one run that is not timed, and one that is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The timed run, in nanoseconds.
    pub time_ns: u64,
    /// The run before it.
    pub first_ns: u64,
    /// CPU time of the timed run over all threads, in nanoseconds.
    #[serde(default)]
    pub cpu_time_ns: Option<u64>,
    /// The most physical memory held during the timed run.
    pub peak_memory_bytes: Option<u64>,
    /// Of the data that was loaded.
    pub dataset_sha256: Option<String>,
    /// What the engine says of its version.
    #[serde(default)]
    pub version: Option<String>,
    /// What is known of the answer.
    #[serde(default)]
    pub verdict: Option<Verdict>,
}

impl Pair {
    /// Base and head of a metric, where both are known.
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds and bytes of a query are far below 2^53")]
    pub fn of(&self, metric: Metric) -> Option<(f64, f64)> {
        match metric {
            Metric::Time => Some((self.base.time_ns as f64, self.head.time_ns as f64)),
            Metric::Memory => {
                let (base, head) = (self.base.peak_memory_bytes?, self.head.peak_memory_bytes?);
                let head = if base.abs_diff(head) < u64::from(LEAST_MEMORY) { base } else { head };
                Some((base as f64, head as f64))
            }
            Metric::Instructions => None,
        }
    }
}

/// Pairs by row and stage, in the order in which they were taken.
pub type Pairs = BTreeMap<(String, Stage), Vec<Pair>>;

/// Those of a row or a control in a stage.
pub(super) fn pairs_of<'a>(pairs: &'a Pairs, name: &str, stage: Stage) -> &'a [Pair] {
    pairs.get(&(name.to_owned(), stage)).map(Vec::as_slice).unwrap_or_default()
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    /// The first: what is compared, as a checksum.
    Gate { key: String },
    /// A pair.
    Pair(Box<Pair>),
    /// A row that gave no time that counts.
    Lost { row: String, why: Lost },
    /// The last: it came to a conclusion, so there is nothing to go on with.
    Ended,
}

/// Why a row gave no time that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Lost {
    /// The engine cannot do this, by its nature.
    Unsupported(String),
    Failed(String),
}

impl Lost {
    /// The reason, as it is shown.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Unsupported(reason) => format!("unsupported: {reason}"),
            Self::Failed(reason) => reason.clone(),
        }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) pairs: Pairs,
    /// Rows that gave no time that counts, by id: once is enough, whatever they would do the next time.
    pub(super) lost: BTreeMap<String, Lost>,
}

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

/// Journals of other comparisons that are kept: who goes back and forth between two finds both.
const KEPT: usize = 10;

impl Journal {
    /// The journal of what `key` stands for, with what an unfinished gate of it has left there; nothing where it has to be `fresh`.
    pub(super) fn open(folder: &Path, key: &str, fresh: bool) -> Result<(Self, Taken)> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join(format!("launches-{}.jsonl", &key[..key.len().min(12)]));
        let lines = if fresh { None } else { unfinished(&path, key) }.unwrap_or_default();
        // Whole lines only: what was cut off would spoil the next one.
        let temporary = path.with_extension("part");
        let mut text = line(&Line::Gate { key: key.to_owned() })?;
        for told in &lines {
            text += &line(told)?;
        }
        fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, &path)).with_context(|| context(&path))?;
        prune(folder);
        let file = OpenOptions::new().append(true).open(&path).with_context(|| context(&path))?;
        let mut taken = Taken::default();
        for told in lines {
            match told {
                Line::Pair(pair) => taken.pairs.entry((pair.row.clone(), pair.stage)).or_default().push(*pair),
                Line::Lost { row, why } => drop(taken.lost.insert(row, why)),
                Line::Gate { .. } | Line::Ended => {}
            }
        }
        Ok((Self { path, file }, taken))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn keep(&mut self, pair: &Pair) -> Result<()> {
        self.write(&Line::Pair(Box::new(pair.clone())))
    }

    pub(super) fn lose(&mut self, row: &str, why: &Lost) -> Result<()> {
        self.write(&Line::Lost { row: row.to_owned(), why: why.clone() })
    }

    pub(super) fn end(&mut self) -> Result<()> {
        self.write(&Line::Ended)
    }

    fn write(&mut self, told: &Line) -> Result<()> {
        self.file
            .write_all(line(told)?.as_bytes())
            .and_then(|()| self.file.flush())
            .with_context(|| context(&self.path))
    }
}

fn line(told: &Line) -> Result<String> {
    Ok(serde_json::to_string(told)? + "\n")
}

fn context(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// What an unfinished gate of this key has left.
fn unfinished(path: &Path, key: &str) -> Option<Vec<Line>> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    if !matches!(lines.next()?, Line::Gate { key: of } if of == key) {
        return None;
    }
    let lines: Vec<Line> = lines.collect();
    (!lines.iter().any(|line| matches!(line, Line::Ended))).then_some(lines)
}

/// Removes the oldest journals; best effort.
fn prune(folder: &Path) {
    let journals = fs::read_dir(folder).into_iter().flatten().flatten().filter(|file| {
        let of_name = file.file_name().to_str().is_some_and(|name| name.starts_with("launches-"));
        of_name && file.path().extension().is_some_and(|extension| extension == "jsonl")
    });
    let mut journals: Vec<_> =
        journals.filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path()))).collect();
    journals.sort();
    for (_, path) in journals.iter().rev().skip(KEPT) {
        let _ = fs::remove_file(path);
    }
}

/// The pairs of a journal, for tests and for judgements of your own.
///
/// # Errors
/// When the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<Pair>, Error> {
    let text = fs::read_to_string(path).map_err(|error| Error::Unreadable(path.to_owned(), error))?;
    let pair = |line: &str| match serde_json::from_str(line) {
        Ok(Line::Pair(pair)) => Some(*pair),
        _ => None,
    };
    Ok(text.lines().filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(row: &str) -> Pair {
        Pair {
            row: row.to_owned(),
            stage: Stage::Screen,
            base_first: true,
            base: Launch { time_ns: 5, peak_memory_bytes: Some(10 << 20), ..Launch::default() },
            head: Launch { time_ns: 6, peak_memory_bytes: Some((11 << 20) - 1), ..Launch::default() },
            wall_ns: 20,
        }
    }

    #[test]
    fn an_unfinished_gate_goes_on_and_a_cut_line_is_lost_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = |key: &str, fresh| Journal::open(folder.path(), key, fresh).unwrap();
        let (mut journal, taken) = open("a", false);
        assert_eq!(taken, Taken::default());
        journal.keep(&pair("x")).unwrap();
        journal.keep(&pair("x")).unwrap();
        let why = Lost::Failed("head: crashed".to_owned());
        journal.lose("z", &why).unwrap();
        journal.file.write_all(b"{\"line\":\"pair\",\"row\":\"x\",\"st").unwrap();
        let (mut journal, taken) = open("a", false);
        assert_eq!(taken.pairs[&("x".to_owned(), Stage::Screen)].len(), 2);
        assert_eq!(taken.lost["z"], why);
        journal.keep(&pair("y")).unwrap();
        assert_eq!(read(journal.path()).unwrap().len(), 3);
        // Another comparison has a journal of its own, and the first is still there.
        assert_eq!(open("b", false).1, Taken::default());
        assert_eq!(open("a", false).1.pairs.len(), 2);
        assert_eq!(open("a", true).1, Taken::default());
        // One that has ended begins anew.
        let (mut journal, _) = open("a", false);
        journal.keep(&pair("x")).unwrap();
        journal.end().unwrap();
        assert_eq!(open("a", false).1, Taken::default());
    }

    #[test]
    fn the_newest_journals_stay() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..KEPT + 5 {
            Journal::open(folder.path(), &format!("key{number}"), false).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), KEPT);
    }

    #[test]
    fn pair_of_ignores_a_few_pages_of_memory() {
        let mut pair = pair("x");
        assert_eq!(pair.of(Metric::Memory), Some((10_485_760.0, 10_485_760.0)));
        pair.head.peak_memory_bytes = Some(11 << 20);
        assert_eq!(pair.of(Metric::Memory), Some((10_485_760.0, 11_534_336.0)));
        assert_eq!(pair.of(Metric::Time), Some((5.0, 6.0)));
        pair.base.peak_memory_bytes = None;
        assert_eq!(pair.of(Metric::Memory), None);
    }
}
