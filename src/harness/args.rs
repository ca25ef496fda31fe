//! The command line as far as the harness must know it. Criterion reads all of it once more and has the last word;
//! here is what decides whether engines have to be started at all.

use std::collections::BTreeMap;

/// What the run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    /// Take samples and keep them.
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

/// The command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Args {
    pub(super) mode: Mode,
    /// The one positional argument.
    pub(super) filter: Option<String>,
    /// `--exact`: the filter is a whole id.
    pub(super) exact: bool,
    /// `--baseline`: must be there for every cell.
    pub(super) baseline: Option<String>,
    values: BTreeMap<String, String>,
}

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
            let Some(option) = long_name(&arg) else {
                filter.get_or_insert(arg);
                continue;
            };
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
        Self { mode, filter, exact: values.contains_key("exact"), baseline: values.get("baseline").cloned(), values }
    }

    /// Whether the user gave this option.
    pub(super) fn has(&self, option: &str) -> bool {
        self.values.contains_key(option)
    }

    /// The baseline that Criterion keeps the samples as, beside `new`: `base` when nothing is said of baselines.
    pub(super) fn saves_to(&self) -> Option<&str> {
        let compares = ["baseline", "baseline-lenient", "discard-baseline"].iter().any(|option| self.has(option));
        let named = self.values.get("save-baseline").map(String::as_str);
        named.or((!compares).then_some("base"))
    }

    /// Samples a cell takes.
    pub(super) fn sample_size(&self) -> usize {
        let told = self.values.get("sample-size").and_then(|text| text.parse().ok());
        told.unwrap_or(super::SAMPLES)
    }
}

fn long_name(arg: &str) -> Option<String> {
    if let Some(long) = arg.strip_prefix("--") {
        return Some(long.to_owned());
    }
    let short = arg.strip_prefix('-')?;
    let first = short.chars().next()?;
    let (_, long) = SHORT.iter().find(|(short, _)| *short == first)?;
    let value = &short[first.len_utf8()..];
    Some(if value.is_empty() { (*long).to_owned() } else { format!("{long}={value}") })
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
        assert_eq!(parse("-b main q1 --bench").baseline.as_deref(), Some("main"));
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
