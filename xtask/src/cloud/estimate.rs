//! About how long a run takes and how much disk its machines need: guesses, which are told as such.

use std::time::Duration;

use querydyno::host::suite::Suite;
use querydyno::protocol::id::Scale;

/// Rows that a processor generates in a second, as a bench announces it.
const ROWS_A_SECOND: f64 = 700_000.0;
/// The time of a query at scale 1 where a suite does not tell: on two processors, over engines.
const SECONDS_AT_SF1: f64 = 0.3;
/// Those seconds were taken on so many processors.
const PROCESSORS: f64 = 2.0;
/// Beside the timed runs: to verify, to warm up, to verify again.
const OTHER_RUNS: f64 = 3.0;
/// Of a cell beside its runs, in seconds: the program's start, loading, the answer.
const ASIDE: f64 = 3.0;
/// Of a machine, in seconds: to boot, packages, the bundle, a server.
const START: f64 = 240.0;
/// Of the system, programs, servers and what engines spill at least.
const SYSTEM_GIB: u64 = 30;
const GIB: f64 = 1_073_741_824.0;

/// What a machine of a run will do, guessed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) cells: usize,
    pub(super) start: Duration,
    pub(super) data: Duration,
    pub(super) measure: Duration,
    pub(super) data_bytes: u64,
    pub(super) disk_gib: u64,
}

impl Estimate {
    #[expect(clippy::cast_precision_loss, reason = "estimates")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes above zero")]
    pub(super) fn of(suites: &[Suite], scale: Scale, queries: &[String], runs: usize, instance_type: &str) -> Self {
        let (scale, processors) = (scale.factor(), f64::from(processors(instance_type).unwrap_or(2)));
        let (mut cells, mut rows, mut bytes, mut seconds) = (0, 0.0, 0.0, 0.0);
        for suite in suites {
            let meant = |name: &String| queries.is_empty() || queries.contains(name);
            let count = suite.queries.iter().filter(|query| meant(&query.name)).count();
            let told = Some(suite.seconds_at_sf1).filter(|seconds| *seconds > 0.0).unwrap_or(SECONDS_AT_SF1);
            let run = told * scale * PROCESSORS / processors;
            seconds += count as f64 * (run * (runs as f64 + OTHER_RUNS) + ASIDE);
            cells += count;
            rows += suite.tables.iter().map(|table| table.rows_at_sf1 as f64).sum::<f64>() * scale;
            bytes += suite.bytes_at_sf1.unwrap_or_default() as f64 * scale;
        }
        Self {
            cells,
            start: Duration::from_secs_f64(START),
            data: Duration::from_secs_f64(rows / ROWS_A_SECOND / processors),
            measure: Duration::from_secs_f64(seconds),
            data_bytes: bytes as u64,
            // The files, what servers make of them, and as much to spill.
            disk_gib: SYSTEM_GIB + (bytes * 3.0 / GIB).ceil() as u64,
        }
    }

    pub(super) fn total(&self) -> Duration {
        self.start + self.data + self.measure
    }
}

/// Virtual processors, which the name of a type tells: `c6i.2xlarge` has 8.
pub(super) fn processors(instance_type: &str) -> Option<u32> {
    let size = instance_type.split_once('.')?.1;
    match size {
        "nano" | "micro" | "small" | "medium" | "large" => Some(2),
        "xlarge" => Some(4),
        _ => Some(4 * size.strip_suffix("xlarge")?.parse::<u32>().ok()?),
    }
}

/// As people say it: `40 min`, `2 h 10 min`.
pub(super) fn told(time: Duration) -> String {
    let minutes = time.as_secs().div_ceil(60).max(1);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_read_from_the_type() {
        for (name, count) in
            [("c6i.2xlarge", Some(8)), ("m5.large", Some(2)), ("r6id.24xlarge", Some(96)), ("x.metal", None)]
        {
            assert_eq!(processors(name), count, "{name}");
        }
    }

    #[test]
    fn told_is_in_hours_and_minutes() {
        let told = |seconds| told(Duration::from_secs(seconds));
        assert_eq!([told(1), told(61), told(3600), told(7800)], ["1 min", "2 min", "1 h", "2 h 10 min"]);
    }
}
