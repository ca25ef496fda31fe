//! Whether a cell has to run again: what it would be now against its newest result. A pure function, [`reasons`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::host::settings::Only;
use crate::host::variant::Cache;

/// Digits of a checksum that tell it from others.
const DIGITS: usize = 8;
/// Characters of what a record says, in a line about it.
const LONGEST: usize = 120;
/// Failures that say of an engine what it is: it cannot do this, however often it is asked.
const BY_NATURE: [&str; 2] = ["unsupported", "not_cold"];

/// Under what a cell runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Conditions {
    pub(super) threads: usize,
    pub(super) memory_limit_bytes: Option<u64>,
    pub(super) cache: Cache,
    pub(super) mode: Option<String>,
    pub(super) parallel: usize,
}

/// What a cell would be if it ran now, as far as that is known before it does.
#[derive(Debug, Clone, Default)]
pub(super) struct Planned {
    pub(super) program: Option<String>,
    /// Of an engine that comes as a package.
    pub(super) version: Option<String>,
    pub(super) options: BTreeMap<String, String>,
    pub(super) text_sha256: Option<String>,
    pub(super) data_sha256: Option<String>,
    pub(super) layout: Option<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) conditions: Conditions,
}

/// The newest result of a cell on this class of machine, as the history tells it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Newest {
    pub(super) cell: String,
    pub(super) suite: String,
    pub(super) started_at_ms: Option<i64>,
    pub(super) outcome: String,
    pub(super) reason: Option<String>,
    pub(super) failure: Option<String>,
    pub(super) verdict: Option<String>,
    pub(super) verdict_detail: Option<String>,
    pub(super) verified: bool,
    pub(super) answer_digest: Option<String>,
    pub(super) engine_version: Option<String>,
    pub(super) program: Option<String>,
    pub(super) options: Option<BTreeMap<String, String>>,
    pub(super) text_sha256: Option<String>,
    pub(super) data_sha256: Option<String>,
    pub(super) layout: Option<String>,
    pub(super) environment: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    pub(super) conditions: Conditions,
    /// What the cell took from its beginning to its end when it was last measured.
    pub(super) wall_ms: Option<f64>,
}

impl Newest {
    /// What the cell took from its beginning to its end when it was last measured.
    pub(super) fn took(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.wall_ms? / 1e3).ok()
    }
}

/// Why a cell may have to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// It has no verified result on this class of machine.
    Missing(String),
    /// Its newest result failed, was wrong or is disputed.
    Failed(String),
    /// Its newest result is of something else.
    Outdated(Vec<Change>),
    /// Its newest result is so old.
    Older(Duration),
}

/// What of a cell is another than it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// `program`, `version`, `text`, `data`, `settings` or `conditions`.
    pub(super) what: &'static str,
    /// As it was.
    pub(super) old: String,
    /// As it is.
    pub(super) new: String,
}

impl Reason {
    /// Whether it is one of those that are wanted; `wanted` has one at least.
    pub(super) fn is_wanted(&self, wanted: &[Only]) -> bool {
        wanted.iter().any(|only| {
            matches!(
                (self, only),
                (Self::Missing(_), Only::Missing)
                    | (Self::Failed(_), Only::Failed)
                    | (Self::Outdated(_), Only::Outdated)
                    | (Self::Older(_), Only::Older(_))
            )
        })
    }

    /// The word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Failed(_) => "failed",
            Self::Outdated(_) => "outdated",
            Self::Older(_) => "older",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.word())?;
        match self {
            Self::Missing(why) | Self::Failed(why) => f.write_str(why),
            Self::Outdated(changes) => {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                f.write_str(&changes.join(", "))
            }
            Self::Older(age) => match age.as_secs() / 3600 {
                hours @ 0..48 => write!(f, "measured {hours} hours ago"),
                hours => write!(f, "measured {} days ago", hours / 24),
            },
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.what, self.old, self.new)
    }
}

/// Every reason for a cell to run; none: its newest result holds. `older_than` is the age from which a result is old, `now_ms` the
/// time in milliseconds since 1970.
pub(super) fn reasons(
    planned: &Planned,
    newest: Option<&Newest>,
    older_than: Option<Duration>,
    now_ms: i64,
) -> Vec<Reason> {
    let Some(newest) = newest else {
        return vec![Reason::Missing("never measured on this class of machine".to_owned())];
    };
    let changes = changes(planned, newest);
    let outdated = (!changes.is_empty()).then_some(Reason::Outdated(changes));
    standing(newest).into_iter().chain(outdated).chain(age(newest, older_than, now_ms)).collect()
}

/// What is wrong with the result itself, whatever has changed since.
fn standing(newest: &Newest) -> Option<Reason> {
    let said = |text: Option<&String>| in_a_line(text.map_or("no reason is known", String::as_str));
    match (newest.outcome.as_str(), newest.verdict.as_deref()) {
        (_, Some(verdict @ ("wrong" | "disputed"))) => {
            Some(Reason::Failed(format!("{verdict}, {}", said(newest.verdict_detail.as_ref()))))
        }
        ("failed", _) => Some(Reason::Failed(said(newest.reason.as_ref()))),
        ("skipped", _) if newest.failure.as_deref().is_some_and(|failure| BY_NATURE.contains(&failure)) => None,
        ("skipped", _) => Some(Reason::Missing(format!("it was skipped, {}", said(newest.reason.as_ref())))),
        // An engine that cannot show its answer will never have a verified one.
        _ if newest.verified || newest.answer_digest.is_none() => None,
        _ => Some(Reason::Missing(format!("its answer is not verified, {}", said(newest.verdict_detail.as_ref())))),
    }
}

fn age(newest: &Newest, older_than: Option<Duration>, now_ms: i64) -> Option<Reason> {
    let (limit, at) = (older_than?, newest.started_at_ms?);
    // A clock that went back makes no result old.
    let age = Duration::from_millis(u64::try_from(now_ms - at).unwrap_or_default());
    (age > limit).then_some(Reason::Older(age))
}

/// What has changed; what one of the two does not tell is no change.
fn changes(planned: &Planned, newest: &Newest) -> Vec<Change> {
    let mut found = Vec::new();
    let mut compare = |what, old: Option<&String>, new: Option<&String>| {
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            found.push(Change { what, old: short(old), new: short(new) });
        }
    };
    let known = newest.program.is_some() && planned.program.is_some();
    compare("program", newest.program.as_ref(), planned.program.as_ref());
    // The same program has the same version. What a build adds to one, as in 2.1.0+cpu, is no other version.
    if !known || newest.program != planned.program {
        let version = newest.engine_version.as_ref().map(|version| of_release(version));
        compare("version", version.as_ref(), planned.version.as_ref().map(|version| of_release(version)).as_ref());
    }
    compare("text", newest.text_sha256.as_ref(), planned.text_sha256.as_ref());
    if planned.data_sha256.is_some() {
        compare("data", newest.data_sha256.as_ref(), planned.data_sha256.as_ref());
    } else {
        // Not made yet: how they would be made tells whether they would be others.
        compare("data", newest.layout.as_ref(), planned.layout.as_ref());
    }
    // Records before there was a program in them have no options either.
    if newest.program.is_some() {
        found.extend(differences("settings", newest.options.as_ref().unwrap_or(&BTreeMap::new()), &planned.options));
    }
    if let Some(before) = &newest.environment {
        found.extend(differences("settings", before, &planned.environment));
    }
    let [before, now] = [&newest.conditions, &planned.conditions].map(Conditions::told);
    found.extend(differences("conditions", &before, &now));
    found
}

/// The entries of two maps that differ; what only one has is nothing in the other.
fn differences(what: &'static str, before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<Change> {
    let nothing = || "nothing".to_owned();
    let names = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name)));
    let differs = names.filter(|name| before.get(*name) != now.get(*name));
    let change = |name: &String| Change {
        what,
        old: format!("{name} {}", before.get(name).cloned().unwrap_or_else(nothing)),
        new: now.get(name).cloned().unwrap_or_else(nothing),
    };
    differs.map(change).collect()
}

impl Conditions {
    fn told(&self) -> BTreeMap<String, String> {
        let mut told = BTreeMap::from([
            ("threads".to_owned(), self.threads.to_string()),
            ("cache".to_owned(), self.cache.to_string()),
            ("parallel".to_owned(), self.parallel.to_string()),
        ]);
        told.extend(self.memory_limit_bytes.map(|bytes| ("memory limit".to_owned(), format!("{bytes} bytes"))));
        told.extend(self.mode.clone().map(|mode| ("mode".to_owned(), mode)));
        told
    }
}

fn of_release(version: &str) -> String {
    version.split('+').next().unwrap_or(version).to_owned()
}

/// A checksum by its first digits, anything else as it is.
fn short(text: &str) -> String {
    let is_checksum = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_checksum { text[..DIGITS].to_owned() } else { text.to_owned() }
}

fn in_a_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = words.chars().take(LONGEST).collect();
    if line.len() < words.len() { line + " ..." } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    /// A cell and its result, which holds.
    fn alike() -> (Planned, Newest) {
        let sum = |digit: &str| Some(digit.repeat(64));
        let conditions = Conditions { threads: 2, parallel: 1, ..Conditions::default() };
        let environment = BTreeMap::from([("TZ".to_owned(), "UTC".to_owned())]);
        let newest = Newest {
            started_at_ms: Some(NOW - 1000),
            outcome: "measured".to_owned(),
            verdict: Some("reference".to_owned()),
            verified: true,
            answer_digest: sum("9"),
            engine_version: Some("2.1.0+cpu".to_owned()),
            program: sum("a"),
            text_sha256: sum("b"),
            data_sha256: sum("c"),
            layout: Some("tables 1".to_owned()),
            environment: Some(environment.clone()),
            conditions: conditions.clone(),
            ..Newest::default()
        };
        let planned = Planned {
            program: newest.program.clone(),
            version: Some("2.1.0".to_owned()),
            text_sha256: newest.text_sha256.clone(),
            data_sha256: newest.data_sha256.clone(),
            layout: newest.layout.clone(),
            environment,
            conditions,
            ..Planned::default()
        };
        (planned, newest)
    }

    /// The reasons after a change, as people read them.
    fn told(change: impl FnOnce(&mut Planned, &mut Newest)) -> Vec<String> {
        let (mut planned, mut newest) = alike();
        change(&mut planned, &mut newest);
        let found = reasons(&planned, Some(&newest), Some(Duration::from_hours(14 * 24)), NOW);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reasons_are_none_while_nothing_has_changed() {
        assert_eq!(told(|_, _| ()), Vec::<String>::new());
        let (planned, _) = alike();
        assert_eq!(reasons(&planned, None, None, NOW)[0].word(), "missing");
    }

    #[test]
    fn reasons_name_what_has_changed_from_what_to_what() {
        assert_eq!(told(|now, _| now.text_sha256 = Some("d".repeat(64))), ["outdated: text bbbbbbbb -> dddddddd"]);
        assert_eq!(
            told(|now, _| (now.program, now.version) = (Some("d".repeat(64)), Some("2.2.0".to_owned()))),
            ["outdated: program aaaaaaaa -> dddddddd, version 2.1.0 -> 2.2.0"]
        );
        assert_eq!(told(|now, _| now.data_sha256 = Some("d".repeat(64))), ["outdated: data cccccccc -> dddddddd"]);
        assert_eq!(
            told(|now, _| (now.data_sha256, now.layout) = (None, Some("tables 2".to_owned()))),
            ["outdated: data tables 1 -> tables 2"]
        );
        assert_eq!(
            told(|now, _| drop(now.options.insert("order".to_owned(), "no".to_owned()))),
            ["outdated: settings order nothing -> no"]
        );
        assert_eq!(
            told(|now, _| drop(now.environment.insert("LD_PRELOAD".to_owned(), "/x".to_owned()))),
            ["outdated: settings LD_PRELOAD nothing -> /x"]
        );
        assert_eq!(told(|now, _| now.conditions.threads = 4), ["outdated: conditions threads 2 -> 4"]);
    }

    #[test]
    fn reasons_do_not_come_from_what_is_unknown() {
        assert!(told(|now, _| (now.program, now.text_sha256, now.data_sha256) = (None, None, None)).is_empty());
        assert!(
            told(|now, newest| {
                // A record from before there was a program in it, of an engine whose options are said now.
                (newest.program, newest.environment, newest.options) = (None, None, None);
                now.options.insert("order".to_owned(), "no".to_owned());
            })
            .is_empty()
        );
        // Then the version tells, if nothing else does.
        let older = told(|now, newest| (newest.program, now.version) = (None, Some("2.2.0".to_owned())));
        assert_eq!(older, ["outdated: version 2.1.0 -> 2.2.0"]);
        assert!(told(|now, _| now.version = Some("2.2.0".to_owned())).is_empty());
    }

    #[test]
    fn reasons_tell_failed_from_missing_and_from_what_an_engine_cannot_do() {
        let ended = |outcome: &str, failure: Option<&str>| {
            told(|_, newest| {
                (newest.outcome, newest.failure) = (outcome.to_owned(), failure.map(str::to_owned));
                (newest.reason, newest.verdict, newest.verified) = (Some("so\nit is".to_owned()), None, false);
            })
        };
        assert_eq!(ended("failed", Some("crashed")), ["failed: so it is"]);
        assert_eq!(ended("skipped", None), ["missing: it was skipped, so it is"]);
        assert!(ended("skipped", Some("unsupported")).is_empty() && ended("skipped", Some("not_cold")).is_empty());
        let judged = |verdict: &str, shown: bool| {
            told(|_, newest| {
                (newest.verdict, newest.verified) = (Some(verdict.to_owned()), false);
                newest.verdict_detail = Some("row 1".to_owned());
                newest.answer_digest = newest.answer_digest.take().filter(|_| shown);
            })
        };
        assert_eq!(judged("disputed", true), ["failed: disputed, row 1"]);
        assert_eq!(judged("wrong", true), ["failed: wrong, row 1"]);
        assert_eq!(judged("unchecked", true), ["missing: its answer is not verified, row 1"]);
        assert!(judged("unchecked", false).is_empty());
    }

    #[test]
    fn reasons_count_days_and_add_up() {
        let days = |days: i64| {
            told(|now, newest| {
                newest.started_at_ms = Some(NOW - days * 86_400_000);
                now.text_sha256 = Some("d".repeat(64));
            })
        };
        assert_eq!(days(15), ["outdated: text bbbbbbbb -> dddddddd", "older: measured 15 days ago"]);
        assert_eq!((days(13).len(), days(-3).len()), (1, 1));
    }

    #[test]
    fn is_wanted_takes_its_own_kind() {
        let day = Duration::from_hours(24);
        let all = [
            (Reason::Missing(String::new()), Only::Missing),
            (Reason::Failed(String::new()), Only::Failed),
            (Reason::Outdated(Vec::new()), Only::Outdated),
            (Reason::Older(day), Only::Older(day)),
        ];
        for (place, (reason, _)) in all.iter().enumerate() {
            for (other, (_, only)) in all.iter().enumerate() {
                assert_eq!(reason.is_wanted(&[*only]), place == other);
            }
        }
    }
}
