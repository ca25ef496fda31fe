//! Who else uses the processors: other machines on the same hardware (steal), other programs on this one (load).

use std::fs;
use std::hint::spin_loop;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use super::Finding;
use crate::measure::machine::{self, Host};

/// A tenth of a processor's time is what an idle desktop takes.
const IDLE_CORES: f64 = 0.1;
/// From here on what other machines take shows in every median.
const NOTABLE_STEAL: f64 = 2.0;
/// How long others are watched: 50 ticks of the kernel's clock for each processor.
const QUIET: Duration = Duration::from_millis(500);
/// How long all processors are kept busy: an idle machine has nothing that could be stolen.
const BUSY: Duration = Duration::from_secs(1);
/// Looks at what runs, and the time between two: one look may fall on a program that ran for a moment.
const LOOKS: usize = 5;
const BETWEEN: Duration = Duration::from_millis(5);

const LOAD_MEANS: &str = "times are too long and scatter while that runs";
const LOAD_REMEDY: &str = "end it or wait for it; it is in: top -b -n 1 | head -12";
const LOAD_UNKNOWN: &str = "whether other work runs now is not known";
/// What helps where the kernel's counts are hidden.
const SHOW: &str = "run outside a sandbox that hides /proc";

/// Time of all processors, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticks {
    busy: u64,
    idle: u64,
    steal: u64,
}

impl Ticks {
    /// Since the start of the machine, from the text of `/proc/stat`.
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let numbers = line.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        // Guests follow, and are in the first two already.
        let [user, nice, system, idle, iowait, irq, softirq, steal] = *numbers.first_chunk()?;
        let ticks = Self { busy: user + nice + system + irq + softirq, idle: idle + iowait, steal };
        // A sandbox that counts nothing shows zeroes.
        (ticks.busy + ticks.idle > 0).then_some(ticks)
    }

    pub(crate) fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    pub(crate) fn since(self, before: Self) -> Self {
        // The kernel lets idle time run backwards by a tick now and then.
        Self {
            busy: self.busy.saturating_sub(before.busy),
            idle: self.idle.saturating_sub(before.idle),
            steal: self.steal.saturating_sub(before.steal),
        }
    }

    /// Of the time that this machine wanted to run, what it did not get, in percent.
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    pub(crate) fn steal_percent(self) -> f64 {
        100.0 * self.steal as f64 / (self.busy + self.steal).max(1) as f64
    }

    /// The processors that were busy on average.
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    fn busy_cores(self, online: usize) -> f64 {
        let all = (self.busy + self.idle + self.steal).max(1);
        self.busy as f64 / all as f64 * online as f64
    }
}

/// Watches for a second and a half; all processors are busy in the second.
pub(super) fn look(host: &Host) -> Vec<Finding> {
    let start = Ticks::read();
    sleep(QUIET);
    let quiet = Ticks::read();
    keep_busy();
    let end = Ticks::read();
    let online = machine::online_cores();
    let others = quiet.zip(start).map(|(now, before)| now.since(before).busy_cores(online));
    let measured = end.zip(quiet).map(|(now, before)| now.since(before).steal_percent());
    let ever = end.or(start).map(Ticks::steal_percent);
    let seen = match (measured, ever) {
        (Some(percent), Some(ever)) => {
            format!("{percent:.1} % steal with all processors busy for 1 s, {ever:.1} % since boot")
        }
        _ => since_boot(ever),
    };
    let average = fs::read_to_string("/proc/loadavg").ok();
    let most = measured.into_iter().chain(ever).reduce(f64::max);
    vec![load(others, online, average.as_deref()), neighbours(host.virtualised, most, &seen)]
}

/// The same in some 20 ms: what runs now, and steal since boot.
pub(super) fn glance(host: &Host) -> Vec<Finding> {
    let mut running: Vec<usize> = (0..LOOKS)
        .filter_map(|look| {
            if look > 0 {
                sleep(BETWEEN);
            }
            others_running(&fs::read_to_string("/proc/loadavg").ok()?)
        })
        .collect();
    running.sort_unstable();
    let median = running.get(running.len() / 2).copied();
    let ever = Ticks::read().map(Ticks::steal_percent);
    vec![running_now(median), neighbours(host.virtualised, ever, &since_boot(ever))]
}

fn since_boot(steal_percent: Option<f64>) -> String {
    steal_percent.map_or_else(|| "steal not shown".to_owned(), |percent| format!("{percent:.1} % steal since boot"))
}

fn keep_busy() {
    let until = Instant::now() + BUSY;
    scope(|scope| {
        for _ in 0..machine::cores() {
            scope.spawn(|| {
                while Instant::now() < until {
                    spin_loop();
                }
            });
        }
    });
}

fn neighbours(virtualised: Option<bool>, steal_percent: Option<f64>, seen: &str) -> Finding {
    const NAME: &str = "virtualisation";
    let Some(steal_percent) = steal_percent else {
        let machine = if virtualised == Some(true) { "virtual machine, " } else { "" };
        let means = "what other machines take is not known: queries under 8 ms may not be gated by time here";
        return Finding::caution(NAME, format!("{machine}{seen}"), means).remedy(SHOW);
    };
    if virtualised != Some(true) && steal_percent <= 0.0 {
        let seen = if virtualised.is_some() { "none" } else { "none shown" };
        return Finding::good(NAME, seen, "the processors are this machine's own");
    }
    let mut means = "queries under 8 ms cannot be gated by time here".to_owned();
    if steal_percent >= NOTABLE_STEAL {
        means += ", longer ones only by runs that take turns";
    }
    Finding::caution(NAME, format!("virtual machine, {seen}"), means)
        .remedy("compare runs that take turns, as cargo xtask audit does; gate short queries by their instructions")
}

fn load(others: Option<f64>, online: usize, average: Option<&str>) -> Finding {
    const NAME: &str = "load";
    let Some(others) = others else {
        return Finding::caution(NAME, "/proc/stat cannot be read", LOAD_UNKNOWN).remedy(SHOW);
    };
    let first_three = |text: &str| text.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let average = average.map_or_else(|| "not shown".to_owned(), first_three);
    let seen = format!("other work keeps {others:.1} of {online} processors busy; load average {average}");
    if others < IDLE_CORES {
        return Finding::good(NAME, seen, "times are the engine's own");
    }
    Finding::caution(NAME, seen, LOAD_MEANS).remedy(LOAD_REMEDY)
}

fn running_now(others: Option<usize>) -> Finding {
    const NAME: &str = "load";
    match others {
        None => Finding::caution(NAME, "/proc/loadavg cannot be read", LOAD_UNKNOWN).remedy(SHOW),
        Some(0) => Finding::good(NAME, "nothing else runs", "times are the engine's own"),
        Some(1) => Finding::caution(NAME, "one other thread is running", LOAD_MEANS).remedy(LOAD_REMEDY),
        Some(others) => {
            Finding::caution(NAME, format!("{others} other threads are running"), LOAD_MEANS).remedy(LOAD_REMEDY)
        }
    }
}

/// Threads that run or wait for a processor, without the one that asks, from the text of `/proc/loadavg`.
fn others_running(loadavg: &str) -> Option<usize> {
    let running: usize = loadavg.split(' ').nth(3)?.split_once('/')?.0.parse().ok()?;
    // Without the one that asks among them it is no count.
    running.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    const STAT: &str = "cpu  141969 0 7497 37315 773 0 121 2177 0 0\n\
        cpu0 69811 0 3533 20184 108 0 41 1263 0 0\n\
        intr 582651 0 0\n\
        btime 1795251971\n\
        procs_running 3\n";

    #[test]
    fn ticks_are_those_of_all_processors() {
        let ticks = Ticks::parse(STAT).unwrap();
        assert_eq!(ticks, Ticks { busy: 149_587, idle: 38_088, steal: 2177 });
        assert!((ticks.steal_percent() - 1.4344).abs() < 0.001, "{}", ticks.steal_percent());
        assert_eq!(Ticks::parse("cpu  1 2 3"), None);
        assert_eq!(Ticks::parse("cpu0 1 2 3 4 5 6 7 8 9 10"), None);
        assert_eq!(Ticks::parse("cpu  0 0 0 0 0 0 0 0 0 0"), None);
    }

    #[test]
    fn a_difference_is_what_happened_in_between() {
        let before = Ticks { busy: 100, idle: 900, steal: 4 };
        let during = Ticks { busy: 148, idle: 951, steal: 5 }.since(before);
        assert_eq!(during, Ticks { busy: 48, idle: 51, steal: 1 });
        assert!((during.busy_cores(2) - 0.96).abs() < 1e-9);
        assert!(before.since(during).idle > 0 && during.since(before).idle == 0);
        let nothing = before.since(before);
        assert!(nothing.steal_percent() <= 0.0 && nothing.busy_cores(2) <= 0.0);
    }

    #[test]
    fn a_machine_of_its_own_is_good_and_steal_gives_a_hidden_hypervisor_away() {
        let state = |virtualised, steal| neighbours(virtualised, Some(steal), "seen").state;
        assert_eq!(state(Some(false), 0.0), State::Good);
        assert_eq!(state(None, 0.0), State::Good);
        assert_eq!(state(None, 0.1), State::Caution);
        assert_eq!(state(Some(true), 0.0), State::Caution);
        assert!(!neighbours(Some(true), Some(0.3), "0.3 %").means.contains("take turns"));
        assert!(neighbours(Some(true), Some(5.0), "5.0 %").means.contains("take turns"));
    }

    #[test]
    fn what_cannot_be_read_is_not_good() {
        for finding in [
            neighbours(None, None, &since_boot(None)),
            neighbours(Some(false), None, &since_boot(None)),
            neighbours(Some(true), None, &since_boot(None)),
            load(None, 2, None),
            running_now(None),
        ] {
            assert!(finding.state == State::Caution && finding.means.contains("not known"), "{finding:?}");
            assert_eq!(finding.remedy.as_deref(), Some(SHOW));
        }
    }

    #[test]
    fn other_work_is_told_from_an_idle_machine() {
        assert_eq!(load(Some(0.04), 2, Some("0.00 0.01 0.05 1/100 11035\n")).state, State::Good);
        assert!(load(Some(0.04), 2, None).seen.ends_with("load average not shown"));
        let busy = load(Some(1.0), 2, Some("2.00 1.88 1.17 3/100 11035\n"));
        assert_eq!(busy.state, State::Caution);
        assert_eq!(busy.seen, "other work keeps 1.0 of 2 processors busy; load average 2.00 1.88 1.17");
    }

    #[test]
    fn who_asks_is_not_other_work() {
        assert_eq!(others_running("2.00 1.88 1.17 3/100 11035\n"), Some(2));
        assert_eq!(others_running("0.00 0.00 0.00 1/100 11035\n"), Some(0));
        assert_eq!(others_running("0.00 0.00"), None);
        assert_eq!(others_running("0.00 0.00 0.00 0/0 0\n"), None);
        assert_eq!(running_now(Some(0)).state, State::Good);
        assert_eq!(running_now(Some(2)).seen, "2 other threads are running");
    }
}
