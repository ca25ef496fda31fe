//! What a query's profile tells of the time that the server itself took.
//!
//! A profile is text for people; what is not found in it stays unknown.

use std::time::Duration;

/// The server's own times for a query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Times {
    /// Everything, from the text's arrival on.
    pub(super) total: Option<Duration>,
    /// Of it, from the text to the plan.
    pub(super) plan: Option<Duration>,
}

impl Times {
    /// As the profile has them, `Total: 109ms` in its summary and `-- Total[1] 36ms` below its planner.
    pub(super) fn of(profile: &str) -> Self {
        let after = |begin: &str| profile.lines().find_map(|line| line.trim_start().strip_prefix(begin));
        let plan = after("- -- Total[").and_then(|rest| rest.split_once(']'));
        Self {
            total: after("- Total:").and_then(|text| duration(text.trim())),
            plan: plan.and_then(|(_, text)| duration(text.trim())),
        }
    }
}

/// Reads `0`, `579ns`, `60.479ms`, `1s264ms`, `1m2s`.
fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-9), ("us", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        seconds += number.parse::<f64>().ok()? * scale;
        rest = next;
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_tells_the_whole_time_and_that_of_planning() {
        let profile = "Query:\n  Summary:\n     - Query ID: af65\n     - Total: 1s109ms\n  \
                       Planner:\n     - -- Parser[1] 1ms\n     - -- Total[1] 36ms\n     -     -- Analyzer[1] 0\n  \
                       Execution:\n     - QueryExecutionWallTime: 60.479ms\n";
        let times = Times::of(profile);
        assert_eq!(times.total, Some(Duration::from_millis(1109)));
        assert_eq!(times.plan, Some(Duration::from_millis(36)));
        assert_eq!(Times::of(""), Times::default());
        assert_eq!(Times::of("- Total: soon\n- -- Total[1"), Times::default());
    }

    #[test]
    fn times_are_read_in_every_unit() {
        for (text, ns) in [("0", 0), ("579ns", 579), ("703.257us", 703_257), ("60.479ms", 60_479_000)] {
            assert_eq!(duration(text), Some(Duration::from_nanos(ns)), "{text}");
        }
        assert_eq!(duration("1h1m2s264ms"), Some(Duration::from_millis(3_662_264)));
        for text in ["", "12", "s", "1 ms", "1d"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
