//! Says what is right: finds the reference answer of a query and judges an engine's answer by it.
//!
//! References are, best first: TPC's published answers, where the user has them; the repository's own, on which
//! independent engines agree; those made on this machine by `cargo xtask answers` for other scales.
//!
//! Tables that are there already may hold other rows tomorrow, so nothing is kept of what engines say of them: unless an answer
//! lies in the workload's folder, each answer is taken down, and those of one run are held against each other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::answer::compare::{Precision, compare};
use crate::answer::{Answer, Verdict, reference};
use crate::checksum::sha256;
use crate::id::Scale;
use crate::paths;
use crate::settings::Settings;
use crate::workload::{QuerySpec, Workload};

/// Who agreed on the answers of one folder, by query: the file `consensus.toml` beside them.
pub type Consensus = BTreeMap<String, Agreed>;

/// Who agreed on one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Engines with their versions, one of each family: `duckdb 2.0.0`.
    pub engines: Vec<String>,
    /// Rows of the answer.
    pub rows: usize,
    /// Checksum of the query's canonical text: another text needs another answer.
    pub query_sha256: String,
}

/// What one engine answered to a query that has no reference.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// What its program calls the engine: two programs of one are one voice.
    pub(crate) family: String,
    /// Before the samples.
    pub(crate) answer: Answer,
    /// After them, where that was another.
    pub(crate) changed: Option<Answer>,
}

/// Knows where reference answers are.
#[derive(Debug, Clone)]
pub struct Referee {
    published: Option<PathBuf>,
    heard: Arc<Mutex<Option<Heard>>>,
}

impl Referee {
    /// With the published answers, where the settings name them.
    pub fn new(settings: &Settings) -> Self {
        Self { published: settings.tpch_answers.clone(), heard: Arc::default() }
    }

    /// What it took down since it was last asked.
    pub(crate) fn take_heard(&self) -> Option<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn take_down(&self, family: &str, answer: &Answer, query: &QuerySpec) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = heard.as_mut().filter(|before| before.family == family) {
            if compare(&before.answer, answer, query, Precision::Full).is_err() {
                before.changed = Some(answer.clone());
            }
            return;
        }
        *heard = Some(Heard { family: family.to_owned(), answer: answer.clone(), changed: None });
    }

    /// Where the repository's references of a workload and scale lie.
    pub fn shipped(workload: &str, scale: Scale) -> PathBuf {
        paths::workload(workload).join("answers").join(scale.to_string())
    }

    /// Where references made on this machine lie.
    pub fn local(workload: &str, scale: Scale) -> PathBuf {
        paths::own("answers").join(workload).join(scale.to_string())
    }

    /// Whether there is anything to compare with.
    ///
    /// # Errors
    /// When a reference is there and cannot be read.
    pub fn knows(&self, workload: &Workload, query: &QuerySpec, scale: Scale) -> Result<bool> {
        Ok(self.published(workload, query, scale)?.is_some() || Self::agreed(workload, query, scale)?.is_some())
    }

    /// Compares an answer that an engine of this family gave with the reference.
    ///
    /// # Errors
    /// When a reference is there and cannot be read.
    pub fn judge(
        &self,
        workload: &Workload,
        query: &QuerySpec,
        scale: Scale,
        family: &str,
        answer: &Answer,
    ) -> Result<Verdict> {
        let agreed = Self::agreed(workload, query, scale)?;
        // What TPC publishes is rounded, so where a consensus is there, it has to hold as well.
        let published = self.published(workload, query, scale)?;
        let told = agreed.iter().map(|(answer, _)| (answer, Precision::Full));
        for (reference, precision) in told.chain(published.iter().map(|answer| (answer, Precision::Published))) {
            if let Err(difference) = compare(reference, answer, query, precision) {
                return Ok(Verdict::Wrong(difference.to_string()));
            }
        }
        Ok(match (published, agreed) {
            (Some(_), _) => Verdict::Official,
            (None, Some((_, engines))) => {
                let others = engines.iter().filter(|engine| family_of(engine) != family);
                Verdict::Consensus(others.count() + 1)
            }
            (None, None) if workload.is_given() => {
                // What the workload declares of columns and order holds whoever else answers.
                if let Err(difference) = compare(answer, answer, query, Precision::Full) {
                    return Ok(Verdict::Wrong(difference.to_string().replace("the reference", "the answer")));
                }
                self.take_down(family, answer, query);
                Verdict::Unchecked("the engines of this run are held against each other at its end".to_owned())
            }
            (None, None) => Verdict::Unchecked(format!(
                "no reference answer for this text of {} at {scale}; make one with: cargo xtask answers --scale {}",
                query.name,
                scale.factor()
            )),
        })
    }

    fn published(&self, workload: &Workload, query: &QuerySpec, scale: Scale) -> Result<Option<Answer>> {
        let folder = self.published.as_ref().filter(|_| workload.name == "tpch" && scale == Scale::ONE);
        folder.map(|folder| reference::read_published(&folder.join(format!("{}.out", query.name)), query)).transpose()
    }

    /// The answer that engines agree on, and which; the repository's before one made here.
    fn agreed(workload: &Workload, query: &QuerySpec, scale: Scale) -> Result<Option<(Answer, Vec<String>)>> {
        let text = checksum(workload, query)?;
        let shipped = workload.folder.join("answers").join(scale.to_string());
        let local = (!workload.is_given()).then(|| Self::local(&workload.name, scale));
        for folder in [shipped].into_iter().chain(local) {
            let agreed = read_consensus(&folder)?.remove(&query.name);
            if let Some(agreed) = agreed.filter(|agreed| agreed.query_sha256 == text) {
                let answer = reference::read_csv(&answer_file(&folder, query))
                    .context("bring it back from git, or make it again with cargo xtask answers")?;
                return Ok(Some((answer, agreed.engines)));
            }
        }
        Ok(None)
    }
}

/// Keeps an answer as the reference, replacing one that is there.
///
/// # Errors
/// When a file cannot be read or written.
pub fn keep(
    folder: &Path,
    workload: &Workload,
    query: &QuerySpec,
    answer: &Answer,
    engines: Vec<String>,
) -> Result<()> {
    let mut consensus = read_consensus(folder)?;
    let rows = answer.rows.len();
    let query_sha256 = checksum(workload, query)?;
    consensus.insert(query.name.clone(), Agreed { engines, rows, query_sha256 });
    reference::write_csv(&answer_file(folder, query), answer)?;
    let path = consensus_file(folder);
    let text = toml::to_string(&consensus)?;
    reference::write_whole(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

fn read_consensus(folder: &Path) -> Result<Consensus> {
    let path = consensus_file(folder);
    if !path.exists() {
        return Ok(Consensus::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

/// The engine in `duckdb 2.0.0`.
pub(crate) fn family_of(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

/// Of the canonical text; parameters are filled in as for scale 1, the folder tells the scale.
fn checksum(workload: &Workload, query: &QuerySpec) -> Result<String> {
    Ok(sha256(workload.text(query, "canonical", Scale::ONE)?.sql))
}

fn consensus_file(folder: &Path) -> PathBuf {
    folder.join("consensus.toml")
}

fn answer_file(folder: &Path, query: &QuerySpec) -> PathBuf {
    folder.join(format!("{}.csv", query.name))
}
