//! What went between an engine and a store on S3, for a cell whose tables are there: [`NetworkRecord`].

use serde::{Deserialize, Serialize};

use crate::protocol::network::{Network, Traffic};
use crate::protocol::units::Bytes;

/// Of a run's bytes, how much less than the first one's counts as kept by the engine, in percent: readers ask for some more or less each
/// time.
const NOTICED_PERCENT: f64 = 1.0;

/// The way to the tables of one cell, and what was counted on it. Each run's share is in the metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// What the way costs by the settings; none: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Network>,
    /// From the program's start to its last run: loading, verifying, warming up and samples. Unknown where nothing could be counted, as
    /// with a store that speaks TLS.
    pub total: Option<Traffic>,
    /// Of the verifying run, which finds nothing that an earlier one could have left.
    pub first_run: Option<Traffic>,
    /// Bytes that each of the samples' runs received, a mean.
    pub bytes_per_run: Option<f64>,
}

impl NetworkRecord {
    /// The part of the first run's bytes that later runs did not ask for again, from 0 to 1: 0 where nothing was cached.
    pub fn cached_share(&self) -> Option<f64> {
        let first = Bytes(self.first_run?.bytes_received);
        #[expect(clippy::cast_precision_loss, reason = "bytes of a run, far below 2^53")]
        let share = 1.0 - self.bytes_per_run? / first.0.max(1) as f64;
        Some(if share * 100.0 < NOTICED_PERCENT { 0.0 } else { share })
    }

    /// Whether the engine kept anything, in words.
    pub fn cached_in_words(&self) -> String {
        match (self.cached_share(), self.bytes_per_run) {
            (Some(0.0), Some(bytes)) => format!("nothing was cached: each run received {}", Bytes::about(bytes)),
            (Some(share), Some(bytes)) => format!(
                "{:.0} % of what the first run received was not asked for again, the engine keeps it: each run received {}",
                share * 100.0,
                Bytes::about(bytes)
            ),
            _ => "whether anything was cached is unknown: nothing could be counted".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_share_is_what_later_runs_did_not_ask_for() {
        let told = |bytes_per_run| {
            let first_run = Some(Traffic { bytes_received: 1000, ..Traffic::default() });
            NetworkRecord { first_run, bytes_per_run, ..NetworkRecord::default() }
        };
        let shares = [1000.0, 995.0, 1005.0, 250.0, 0.0].map(|bytes| told(Some(bytes)).cached_share());
        assert_eq!(shares, [Some(0.0), Some(0.0), Some(0.0), Some(0.75), Some(1.0)]);
        assert!(told(Some(1000.0)).cached_in_words().starts_with("nothing was cached: each run received 1000 B"));
        assert!(told(Some(250.0)).cached_in_words().starts_with("75 % of what the first run received was not"));
        assert!(told(None).cached_in_words().contains("unknown"));
    }
}
