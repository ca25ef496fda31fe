//! The command line as far as the harness must know it. Criterion reads all of it once more and has the last word;
//! here is what decides whether engines have to be started at all.
//!
//! By hand and not by clap, which was considered: an option that clap does not know ends its parsing, with `ignore_errors` too, and
//! everything behind it is lost: a filter, or the `--bench` that cargo puts there. Telling which option that was takes a feature of
//! clap that Criterion does not compile. An argument for the rest, with `allow_hyphen_values`, takes the known options behind it as
//! well. What Criterion refuses must get to Criterion, so that its words about it are those that people see.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::host::criterion::baseline;

/// What the run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    Measure,
    /// `--quick`: take too few samples to keep a record of.
    Quick,
    /// `--test`: one verified run of each cell.
    Test,
    /// `--profile-time`: run for a while under somebody's profiler.
    Profile,
    /// `--list`: name the cells.
    List,
    /// `--load-baseline`: show what was measured before.
    Load(String),
    /// `--help` or `--version`.
    Help,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Args {
    pub(super) mode: Mode,
    /// The one positional argument.
    pub(super) filter: Option<String>,
    values: BTreeMap<String, String>,
}

/// An option of ours, which Criterion does not know: where engines disagree, what most say stands.
pub(super) const ACCEPT_MAJORITY: &str = "accept-majority";

/// Criterion's options that take a value.
const VALUED: [&str; 17] = [
    "color",
    "colour",
    "save-baseline",
    "baseline",
    "baseline-lenient",
    "format",
    "profile-time",
    "load-baseline",
    "sample-size",
    "warm-up-time",
    "measurement-time",
    "nresamples",
    "noise-threshold",
    "confidence-level",
    "significance-level",
    "plotting-backend",
    "output-format",
];
const BASELINES: [&str; 4] = ["save-baseline", "baseline", "baseline-lenient", "load-baseline"];
const SHORT: [(char, &str); 8] = [
    ('c', "color"),
    ('s', "save-baseline"),
    ('b', "baseline"),
    ('n', "noplot"),
    ('v', "verbose"),
    ('h', "help"),
    ('V', "version"),
    ('q', "quiet"),
];

impl Args {
    pub(super) fn parse(args: impl IntoIterator<Item = String>) -> Self {
        let mut values = BTreeMap::new();
        let mut filter = None;
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let Some((flags, option)) = long_names(&arg) else {
                filter.get_or_insert(arg);
                continue;
            };
            values.extend(flags.into_iter().map(|flag| (flag.to_owned(), String::new())));
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (option, None),
            };
            let wants = VALUED.contains(&name.as_str());
            let value = value.or_else(|| wants.then(|| args.next()).flatten());
            values.insert(name, value.unwrap_or_default());
        }
        let has = |name: &str| values.contains_key(name);
        let mode = if has("help") || has("version") {
            Mode::Help
        } else if has("list") {
            Mode::List
        } else if let Some(baseline) = values.get("load-baseline") {
            Mode::Load(baseline.clone())
        } else if has("profile-time") {
            Mode::Profile
        } else if has("test") || !has("bench") {
            Mode::Test
        } else if has("quick") {
            Mode::Quick
        } else {
            Mode::Measure
        };
        Self { mode, filter, values }
    }

    pub(super) fn has(&self, option: &str) -> bool {
        self.values.contains_key(option)
    }

    pub(super) fn value(&self, option: &str) -> Option<&str> {
        self.values.get(option).map(String::as_str)
    }

    /// The value of an option that is a time in seconds.
    pub(super) fn seconds(&self, option: &str) -> Option<Duration> {
        Duration::try_from_secs_f64(self.value(option)?.parse().ok()?).ok()
    }

    /// The baseline that Criterion keeps the samples as, beside `new`: `base` when nothing is said of baselines.
    pub(super) fn saves_to(&self) -> Option<&str> {
        let compares = ["baseline", "baseline-lenient", "discard-baseline"].iter().any(|option| self.has(option));
        self.value("save-baseline").or((!compares).then_some("base"))
    }

    /// That every baseline has a name that can be that of a folder: Criterion would write `../../x` where that is.
    ///
    /// # Errors
    /// Names the option.
    pub(super) fn check_baselines(&self) -> Result<()> {
        for option in BASELINES {
            if let Some(name) = self.value(option) {
                baseline::named(name).map_err(|error| anyhow!("--{option}: {error}"))?;
            }
        }
        Ok(())
    }

    /// Samples a cell takes.
    pub(super) fn sample_size(&self) -> usize {
        self.value("sample-size").and_then(|text| text.parse().ok()).unwrap_or(super::SAMPLES)
    }
}

/// An option by its long name, with its value where that is in the same word: `-smain` is `save-baseline=main`. Before it are
/// flags that share its word, as in `-vs main`.
fn long_names(arg: &str) -> Option<(Vec<&'static str>, String)> {
    if let Some(long) = arg.strip_prefix("--") {
        return Some((Vec::new(), long.to_owned()));
    }
    let mut rest = arg.strip_prefix('-')?;
    let mut flags = Vec::new();
    loop {
        let first = rest.chars().next()?;
        let (_, long) = SHORT.iter().find(|(short, _)| *short == first)?;
        rest = &rest[first.len_utf8()..];
        if rest.is_empty() {
            return Some((flags, (*long).to_owned()));
        }
        if VALUED.contains(long) {
            return Some((flags, format!("{long}={}", rest.strip_prefix('=').unwrap_or(rest))));
        }
        flags.push(*long);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Args {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_value_is_not_taken_for_the_filter() {
        let args = parse("--save-baseline main duckdb/q1 --sample-size=20 --bench");
        assert_eq!(args.filter.as_deref(), Some("duckdb/q1"));
        assert_eq!((args.sample_size(), args.mode), (20, Mode::Measure));
        for line in ["-b main q1 --bench", "-bmain q1 --bench", "-b=main q1 --bench", "-nvb main q1 --bench"] {
            let args = parse(line);
            assert_eq!((args.value("baseline"), args.filter.as_deref()), (Some("main"), Some("q1")), "{line}");
        }
    }

    #[test]
    fn check_baselines_names_the_option_whose_value_is_no_folder_of_ours() {
        for option in ["--save-baseline", "-s", "--baseline", "-b", "--baseline-lenient", "--load-baseline"] {
            parse(&format!("{option} main --bench")).check_baselines().unwrap();
            for name in ["../../x", "new"] {
                let error = parse(&format!("{option} {name} --bench")).check_baselines().unwrap_err().to_string();
                assert!(error.starts_with("--") && error.contains(&format!("'{name}' cannot")), "{error}");
            }
        }
        // Given without one, Criterion says so itself.
        assert!(parse("q1 --save-baseline").check_baselines().is_err());
    }

    #[test]
    fn samples_are_kept_as_base_unless_a_baseline_is_named() {
        assert_eq!(parse("--bench").saves_to(), Some("base"));
        assert_eq!(parse("--bench -s main").saves_to(), Some("main"));
        assert_eq!(parse("--bench --baseline main").saves_to(), None);
        assert_eq!(parse("--bench --discard-baseline").saves_to(), None);
    }

    #[test]
    fn cargo_test_runs_each_cell_once() {
        assert_eq!(parse("").mode, Mode::Test);
        assert_eq!(parse("--test --bench").mode, Mode::Test);
    }

    #[test]
    fn nothing_is_started_to_list_or_to_show_a_baseline() {
        assert_eq!(parse("--bench --list").mode, Mode::List);
        assert_eq!(parse("--bench --load-baseline old").mode, Mode::Load("old".to_owned()));
    }
}
