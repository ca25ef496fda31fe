//! What others took of the machine while a gate ran.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::host::doctor::Ticks;

/// From here on pairs no longer meet the same machine.
const STEAL_LIMIT_PERCENT: f64 = 10.0;

/// Steal and load around a gate. What the kernel hides is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Of the time that this machine wanted to run, what other machines took, in percent.
    pub steal_percent: Option<f64>,
    /// The load average of the last minute before the first launch.
    pub load_before: Option<f64>,
    /// And after the last: the gate's own work is in it.
    pub load_after: Option<f64>,
}

impl Machine {
    /// Watches it from now on until somebody asks.
    pub(super) fn watch() -> impl FnOnce() -> Self {
        let (before, load_before) = (Ticks::read(), load());
        move || {
            let ticks = Ticks::read().zip(before);
            let steal_percent = ticks.map(|(now, before)| now.since(before).steal_percent());
            Self { steal_percent, load_before, load_after: load() }
        }
    }

    /// Why nothing can be said, where that is so.
    pub fn invalid(&self) -> Option<String> {
        let steal = self.steal_percent.filter(|percent| *percent > STEAL_LIMIT_PERCENT)?;
        Some(format!("other machines took {steal:.1} % of this one's time; up to {STEAL_LIMIT_PERCENT} % pairs bear"))
    }

    /// One line.
    pub fn line(&self) -> String {
        let known = |value: Option<f64>| value.map_or_else(|| "not shown".to_owned(), |value| format!("{value:.1}"));
        format!(
            "steal {} %, load average {} before and {} after, the gate's own work included",
            known(self.steal_percent),
            known(self.load_before),
            known(self.load_after)
        )
    }
}

fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_names_steal_above_ten_percent() {
        let machine = |steal| Machine { steal_percent: steal, ..Machine::default() };
        assert!(machine(Some(9.9)).invalid().is_none() && machine(None).invalid().is_none());
        assert!(machine(Some(10.1)).invalid().unwrap().contains("10.1 %"));
        assert!(machine(None).line().contains("steal not shown"));
        let watched = Machine::watch()();
        assert!(watched.load_before.is_some() && watched.steal_percent.is_some_and(|percent| percent <= 100.0));
    }
}
