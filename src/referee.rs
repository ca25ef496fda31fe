//! Says what is right: finds the reference answer of a query and judges an engine's answer by it.
//!
//! References are, best first: TPC's published answers, where the user has them; the repository's own, on which
//! independent engines agree; those made on this machine by `cargo xtask answers` for other scales.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::answer::compare::{Precision, compare};
use crate::answer::{Answer, Verdict, reference};
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
}

/// Knows where reference answers are.
#[derive(Debug, Clone)]
pub struct Referee {
    published: Option<PathBuf>,
}

/// A right answer and who says so.
struct Reference {
    answer: Answer,
    /// `None`: published.
    engines: Option<Vec<String>>,
}

impl Referee {
    /// With the published answers, where the settings name them.
    pub fn new(settings: &Settings) -> Self {
        Self { published: settings.tpch_answers.clone() }
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
        Ok(self.reference(workload, query, scale)?.is_some())
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
        let Some(reference) = self.reference(workload, query, scale)? else {
            return Ok(Verdict::Unchecked(format!(
                "no reference answer for {} at {scale}; make one with: cargo xtask answers --scale {}",
                query.name,
                scale.factor()
            )));
        };
        let precision = match reference.engines {
            None => Precision::Published,
            Some(_) => Precision::Full,
        };
        if let Err(difference) = compare(&reference.answer, answer, query, precision) {
            return Ok(Verdict::Wrong(difference.to_string()));
        }
        Ok(match reference.engines {
            None => Verdict::Official,
            Some(engines) => {
                let other = |engine: &&String| engine.split(' ').next() != Some(family);
                Verdict::Consensus(engines.iter().filter(other).count() + 1)
            }
        })
    }

    fn reference(&self, workload: &Workload, query: &QuerySpec, scale: Scale) -> Result<Option<Reference>> {
        if let Some(folder) = self.published.as_ref().filter(|_| workload.name == "tpch" && scale == Scale::ONE) {
            let path = folder.join(format!("{}.out", query.name));
            let answer = reference::read_published(&path, query)?;
            return Ok(Some(Reference { answer, engines: None }));
        }
        for folder in [Self::shipped(&workload.name, scale), Self::local(&workload.name, scale)] {
            if let Some(agreed) = read_consensus(&folder)?.remove(&query.name) {
                return Ok(Some(Reference {
                    answer: reference::read_csv(&answer_file(&folder, query))?,
                    engines: Some(agreed.engines),
                }));
            }
        }
        Ok(None)
    }
}

/// Keeps an answer as the reference, replacing one that is there.
///
/// # Errors
/// When a file cannot be read or written.
pub fn keep(folder: &Path, query: &QuerySpec, answer: &Answer, engines: Vec<String>) -> Result<()> {
    let mut consensus = read_consensus(folder)?;
    let rows = answer.rows.len();
    consensus.insert(query.name.clone(), Agreed { engines, rows });
    reference::write_csv(&answer_file(folder, query), answer)?;
    let path = consensus_file(folder);
    let text = toml::to_string(&consensus)?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn read_consensus(folder: &Path) -> Result<Consensus> {
    let path = consensus_file(folder);
    if !path.exists() {
        return Ok(Consensus::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

fn consensus_file(folder: &Path) -> PathBuf {
    folder.join("consensus.toml")
}

fn answer_file(folder: &Path, query: &QuerySpec) -> PathBuf {
    folder.join(format!("{}.csv", query.name))
}
