//! What this machine can and cannot measure, and why: `cargo xtask doctor`.
//!
//! Each check looks at one thing and gives a [`Finding`]. What it reads and how it judges are apart, so that the
//! judgement can be tested with texts of other machines. Nothing is changed here: a remedy is for a person to run.

mod cold;
mod disk;
mod memory;
mod ports;
mod processor;
mod sharing;
mod tools;

use std::fmt;

use serde::Serialize;

use crate::host::settings::Settings;
use crate::measure::machine::Host;
pub(crate) use sharing::Ticks;

/// Lines that a bench run starts with, at most.
const WORST: usize = 2;

/// Whether what was looked at lets measurements be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing is in the way.
    Good,
    /// Something can be measured only in part, or less exactly.
    Caution,
    /// Something cannot be measured.
    Missing,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Good => "good",
            Self::Caution => "caution",
            Self::Missing => "missing",
        })
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in a word or two.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// What was seen, with its figure and unit.
    pub seen: String,
    /// What that means for measurements.
    pub means: String,
    /// What to do about it, a command where there is one; `None` when it is good or nothing can be done.
    pub remedy: Option<String>,
}

impl Finding {
    fn good(name: &'static str, seen: impl Into<String>, means: impl Into<String>) -> Self {
        Self { name, state: State::Good, seen: seen.into(), means: means.into(), remedy: None }
    }

    fn caution(name: &'static str, seen: impl Into<String>, means: impl Into<String>) -> Self {
        Self { state: State::Caution, ..Self::good(name, seen, means) }
    }

    fn missing(name: &'static str, seen: impl Into<String>, means: impl Into<String>) -> Self {
        Self { state: State::Missing, ..Self::good(name, seen, means) }
    }

    fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

/// Looks at everything; what is not good comes first, timing before memory, disk and tools.
///
/// Takes some 2 s: all processors are kept busy for one of them, and a file of 8 MiB is written and read where the data
/// lies, or where it would. Starts the tools that it asks for their versions.
pub fn examine(settings: &Settings) -> Vec<Finding> {
    let host = Host::read();
    let mut findings = sharing::look(&host);
    findings.extend(processor::look(&host, settings));
    findings.extend(memory::look(settings));
    findings.extend(disk::look(settings));
    findings.extend(cold::look(&host, settings));
    findings.extend(tools::look(settings));
    findings.push(ports::look());
    findings.sort_by_key(|finding| finding.state == State::Good);
    findings
}

/// What makes times on this machine less exact right now, in lines for the start of a run: the worst two, if any.
///
/// Takes some 25 ms, writes nothing and starts nothing.
pub fn worst() -> Vec<String> {
    let host = Host::read();
    let findings = sharing::glance(&host).into_iter().chain(processor::frequency_of(&host));
    lines(findings)
}

fn lines(findings: impl Iterator<Item = Finding>) -> Vec<String> {
    let line =
        |finding: Finding| format!("{}: {}: {} (cargo xtask doctor)", finding.state, finding.seen, finding.means);
    findings.filter(|finding| finding.state != State::Good).take(WORST).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_starts_with_the_first_two_that_are_not_good() {
        let findings = [
            Finding::good("load", "nothing else runs", "times are of one engine"),
            Finding::caution("virtual machine", "virtual machine, 0.3 % steal", "short queries cannot be gated")
                .remedy("x"),
            Finding::caution("governor", "powersave", "the clock rate follows the load"),
            Finding::missing("turbo", "on", "later cells are slower"),
        ];
        let lines = lines(findings.into_iter());
        assert_eq!(
            lines,
            [
                "caution: virtual machine, 0.3 % steal: short queries cannot be gated (cargo xtask doctor)",
                "caution: powersave: the clock rate follows the load (cargo xtask doctor)",
            ]
        );
    }

    #[test]
    fn a_finding_keeps_its_names_for_programs() {
        let finding = Finding::caution("governor", "powersave", "slow").remedy("echo performance");
        let json = serde_json::to_value(&finding).unwrap();
        let expected = serde_json::json!({
            "name": "governor", "state": "caution", "seen": "powersave", "means": "slow", "remedy": "echo performance",
        });
        assert_eq!(json, expected);
    }
}
