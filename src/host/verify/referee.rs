//! Says what is right: finds the reference answer of a query and judges an engine's answer by it.
//!
//! References are the answers that somebody published, where the suite declares such and the user has them; the repository's own; those made on this machine by
//! `cargo xtask answers` for other scales. The last two rest on at least three independent components that agree.
//!
//! Without a reference, engines of one run are compared with each other: [`cross_check`](super::cross_check), which is
//! given each engine's [`UnverifiedAnswer`].

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::host::catalog::Components;
use crate::host::checksum::sha256;
use crate::host::files::write_whole;
use crate::host::paths;
use crate::host::settings::Settings;
use crate::host::suite::{QuerySpec, Suite, Tolerances};
use crate::host::verify::compare::{Precision, compare_shown, gave_up};
use crate::host::verify::{Verdict, reference};
use crate::protocol::answer::{Answer, Shown};
use crate::protocol::id::Scale;

/// Who agreed on the answers of one folder, by query: the file `consensus.toml` beside them.
pub type Consensus = BTreeMap<String, Agreed>;

/// Who agreed on one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Engines with their versions, one of each family: `duckdb 2.0.0`.
    pub engines: Vec<String>,
    /// Rows of the answer, those beyond a LIMIT that tie with its last one among them.
    pub rows: usize,
    /// Checksum of the query's canonical text: another text needs another answer.
    pub query_sha256: String,
    /// Checksum of the answer's file: who agreed on it did not agree on another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_sha256: Option<String>,
    /// Whether rows beyond a LIMIT tie with the answer's last row, so that another engine may rightly have others in its place;
    /// none where nothing was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_in_a_tie: Option<bool>,
}

/// Components that have to agree on a stored answer.
pub const FEWEST_COMPONENTS: usize = 3;

/// What one engine answered to a query that has no reference.
#[derive(Debug, Clone)]
pub(crate) struct UnverifiedAnswer {
    /// What the engine is built on.
    pub(crate) components: Vec<String>,
    /// Before the samples.
    pub(crate) answer: Shown,
    /// After them, where that was another.
    pub(crate) changed: Option<Shown>,
}

impl UnverifiedAnswer {
    /// Takes down a later answer of the same engine to the same query.
    pub(crate) fn and_later(&mut self, later: &Shown, query: &QuerySpec) {
        if compare_shown(&self.answer, later, query, Precision::Full).is_err() && !gave_up() {
            self.changed = Some(later.clone());
        }
    }
}

/// Knows where reference answers are.
#[derive(Debug, Clone)]
pub struct Referee {
    /// Folders of published answers, by setting.
    published: BTreeMap<String, PathBuf>,
    components: &'static Components,
}

impl Referee {
    /// With the published answers, where the settings name them.
    pub fn new(settings: &Settings) -> Self {
        Self { published: settings.answers.clone(), components: Components::listed() }
    }

    /// Where the repository's references of a suite and scale lie.
    pub fn shipped(suite: &str, scale: Scale) -> PathBuf {
        paths::suite(suite).join("answers").join(scale.to_string())
    }

    /// Where references made on this machine lie.
    pub fn local(suite: &str, scale: Scale) -> PathBuf {
        local_in(&paths::home(), suite, scale)
    }

    /// Compares an answer with the reference. Without one it is unchecked, and other engines may vouch for it.
    ///
    /// # Errors
    /// When a reference is there and cannot be read.
    pub fn judge(&self, suite: &Suite, query: &QuerySpec, scale: Scale, answer: &Shown) -> Result<Verdict> {
        let wrong = |difference: String| Verdict::Wrong { difference };
        let stored = self.stored(suite, query, scale)?;
        let whole = QuerySpec { limit: None, ..query.clone() };
        let query = if stored.as_ref().is_some_and(|stored| stored.has_its_rows_alone) { &whole } else { query };
        let difference = |reference: &Shown, precision| compare_shown(reference, answer, query, precision).err();
        if let Some((published, within)) = self.published(suite, query, scale)? {
            return Ok(match difference(&published, Precision::Published(within)) {
                Some(found) => wrong(found.to_string()),
                None => Verdict::Official {
                    equals_reference: stored.map(|stored| difference(&stored.answer, Precision::Full).is_none()),
                },
            });
        }
        if let Some(Stored { answer: reference, components, .. }) = stored {
            return Ok(match difference(&reference, Precision::Full) {
                Some(found) => wrong(found.to_string()),
                None => Verdict::Reference { components },
            });
        }
        // What the suite declares of columns and order holds whoever else answers.
        if let Err(found) = compare_shown(answer, answer, query, Precision::Full) {
            return Ok(wrong(found.to_string().replace("the reference", "the answer")));
        }
        let advice = if suite.is_external() {
            "the engines of this run are compared with each other at its end".to_owned()
        } else {
            format!(
                "no reference answer for this text of {1} at {scale}; make one with: cargo xtask answers {0} --scale {2} --queries {1}",
                suite.name,
                query.name,
                scale.factor()
            )
        };
        Ok(Verdict::Unchecked { reason: advice })
    }

    /// Whether there is a reference for this text; one that cannot be read is one.
    pub(crate) fn knows(&self, suite: &Suite, query: &QuerySpec, scale: Scale) -> bool {
        let declared = suite.published.as_ref().filter(|declared| declared.scale == scale);
        let is_published = declared.is_some_and(|declared| self.published.contains_key(&declared.setting));
        let counts = |found: &Found| found.components.len() >= FEWEST_COMPONENTS;
        is_published || !matches!(self.found(suite, query, scale, counts), Ok(None))
    }

    fn published(&self, suite: &Suite, query: &QuerySpec, scale: Scale) -> Result<Option<(Shown, Tolerances)>> {
        let declared = suite.published.as_ref().filter(|declared| declared.scale == scale);
        let found = declared.and_then(|declared| Some((declared, self.published.get(&declared.setting)?)));
        let Some((declared, folder)) = found else { return Ok(None) };
        let file = folder.join(query.name.clone() + &declared.ending);
        Ok(Some((Shown::Rows(reference::read_published(&file, query)?), declared.within)))
    }

    /// The answer that enough components agree on; the repository's before one made here.
    fn stored(&self, suite: &Suite, query: &QuerySpec, scale: Scale) -> Result<Option<Stored>> {
        let counts = |found: &Found| found.components.len() >= FEWEST_COMPONENTS;
        let Some(Found { folder, components, agreed }) = self.found(suite, query, scale, counts)? else {
            return Ok(None);
        };
        let again = "bring it back from git, or make it again with cargo xtask answers";
        let path = answer_file(&folder, query);
        let answer = reference::read_csv(&path).context(again)?;
        if let Some(wanted) = agreed.answer_sha256 {
            let same = checksum_of(&path)? == wanted && answer.rows.len() == agreed.rows;
            ensure!(same, "{} is not the answer that was agreed on: {again}", path.display());
        }
        let has_its_rows_alone = agreed.ends_in_a_tie == Some(false);
        Ok(Some(Stored { answer: Shown::Rows(answer), components, has_its_rows_alone }))
    }

    /// Who agreed on the stored answer to a query, and the independent components among them; whether it counts or not.
    ///
    /// # Errors
    /// When the list of who agreed cannot be read.
    pub fn explain(&self, suite: &Suite, query: &QuerySpec, scale: Scale) -> Result<Option<(Agreed, Vec<String>)>> {
        let found = self.found(suite, query, scale, |_| true)?;
        Ok(found.map(|found| (found.agreed, found.components)))
    }

    /// The first stored answer to this text that is wanted: the repository's or the user's own before one made here.
    fn found(
        &self,
        suite: &Suite,
        query: &QuerySpec,
        scale: Scale,
        is_wanted: impl Fn(&Found) -> bool,
    ) -> Result<Option<Found>> {
        let text = checksum(suite, query)?;
        let shipped = suite.folder.join("answers").join(scale.to_string());
        let homes = paths::homes(&paths::home()).filter(|_| !suite.is_external());
        let local = homes.map(|home| local_in(&home, &suite.name, scale));
        for folder in [shipped].into_iter().chain(local) {
            let agreed = read_consensus(&folder)?.remove(&query.name);
            let Some(agreed) = agreed.filter(|agreed| agreed.query_sha256 == text) else { continue };
            let components = self.components.of_engines(&agreed.engines);
            let found = Found { folder, agreed, components };
            if is_wanted(&found) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

fn local_in(home: &Path, suite: &str, scale: Scale) -> PathBuf {
    home.join("answers").join(suite).join(scale.to_string())
}

/// Where a stored answer is, and on whom it rests.
struct Found {
    folder: PathBuf,
    agreed: Agreed,
    components: Vec<String>,
}

/// A stored answer that counts.
struct Stored {
    answer: Shown,
    components: Vec<String>,
    /// Whether no row beyond the LIMIT could stand in the place of its last one.
    has_its_rows_alone: bool,
}

/// Keeps an answer as the reference, replacing one that is there.
///
/// # Errors
/// When a file cannot be read or written.
pub fn keep(
    folder: &Path,
    suite: &Suite,
    query: &QuerySpec,
    answer: &Answer,
    engines: Vec<String>,
    ends_in_a_tie: Option<bool>,
) -> Result<()> {
    let mut consensus = read_consensus(folder)?;
    let rows = answer.rows.len();
    let query_sha256 = checksum(suite, query)?;
    let file = answer_file(folder, query);
    reference::write_csv(&file, answer)?;
    let answer_sha256 = Some(checksum_of(&file)?);
    consensus.insert(query.name.clone(), Agreed { engines, rows, query_sha256, answer_sha256, ends_in_a_tie });
    let path = consensus_file(folder);
    let text = toml::to_string(&consensus)?;
    write_whole(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
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
fn checksum(suite: &Suite, query: &QuerySpec) -> Result<String> {
    Ok(sha256(suite.text(query, "canonical", Scale::ONE)?.text()))
}

fn consensus_file(folder: &Path) -> PathBuf {
    folder.join("consensus.toml")
}

fn checksum_of(path: &Path) -> Result<String> {
    Ok(sha256(fs::read(path).with_context(|| format!("cannot read {}", path.display()))?))
}

fn answer_file(folder: &Path, query: &QuerySpec) -> PathBuf {
    folder.join(format!("{}.csv", query.name))
}
