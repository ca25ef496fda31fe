//! A made-up cluster: which pods it has in an hour, where they run and what they use.
//!
//! Few workloads have most of the pods and few namespaces most of the workloads. Some workloads are rolled out anew in the week, some
//! pods move to another node each day, and pods of jobs are others every six hours.

use crate::protocol::id::Scale;

/// The days that line items are of.
pub(super) const DAYS: u64 = 7;
pub(super) const HOURS_A_DAY: u64 = 24;
/// The first of them, 2026-01-05, as days since 1970-01-01.
pub(super) const FIRST_DAY: i64 = 20_458;

/// Every so many pods one is of a job.
const JOBS: u64 = 16;
/// A job's pod lives for so many hours.
const JOB_HOURS: u64 = 6;
/// Milliseconds of an hour, by thousandths of a processor: a request of one thousandth is so many core-milliseconds.
const MS_BY_MILLICORE: u64 = 3_600;

/// How large the cluster is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cluster {
    pub(super) line_items: u64,
    /// At the same time.
    pub(super) pods: u64,
    pub(super) nodes: u64,
    pub(super) namespaces: u64,
    workloads: u64,
}

/// A pod in an hour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pod {
    number: u64,
    pub(super) workload: u64,
    pub(super) namespace: u64,
    pub(super) node: u64,
    /// How often its workload was rolled out before.
    pub(super) rollout: u64,
    /// The run of a job that it belongs to.
    pub(super) job: Option<u64>,
}

impl Cluster {
    pub(super) fn of(scale: Scale) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a scale is a positive number of at most 1000"
        )]
        let line_items = (scale.factor() * 1e6).round() as u64;
        let pods = line_items.div_ceil(DAYS * HOURS_A_DAY).max(1);
        Self { line_items, pods, nodes: (pods / 40).max(3), namespaces: 8 + pods.isqrt(), workloads: (pods / 6).max(8) }
    }

    /// The pod of this number in an hour.
    pub(super) fn pod(self, number: u64, hour: u64) -> Pod {
        let day = hour / HOURS_A_DAY;
        let workload = skewed(mix(1, number), self.workloads);
        // A third of the workloads is rolled out once, on a day of its own.
        let rolls = mix(2, workload);
        let rollout = u64::from(rolls.is_multiple_of(3) && day > (rolls >> 8) % (DAYS - 1));
        let moves = mix(3, number).is_multiple_of(10);
        Pod {
            number,
            workload,
            namespace: skewed(mix(4, workload), self.namespaces),
            node: mix(5, number * DAYS + if moves { day } else { 0 }) % self.nodes,
            rollout,
            job: number.is_multiple_of(JOBS).then_some(hour / JOB_HOURS),
        }
    }
}

impl Pod {
    /// As the cluster calls it: one that is started anew has another name.
    pub(super) fn name(&self) -> String {
        let workload = workload(self.workload);
        match self.job {
            Some(run) => format!("{workload}-{run}-{:05x}", mix(6, self.number * 1000 + run) & 0xf_ffff),
            None => format!("{workload}-{}-{:05x}", self.template_hash(), mix(6, self.number) & 0xf_ffff),
        }
    }

    /// What all pods of a workload have in common until it is rolled out anew.
    pub(super) fn template_hash(&self) -> String {
        format!("{:08x}", mix(7, self.workload * 2 + self.rollout) & 0xffff_ffff)
    }

    /// Which of so many ways to write its labels is its own.
    pub(super) fn style(&self, ways: u64) -> u64 {
        mix(8, self.number) % ways
    }

    /// Whether it is one of those, one in `many`, that have something apart.
    pub(super) fn is_one_in(&self, many: u64) -> bool {
        mix(9, self.number).is_multiple_of(many)
    }

    /// Processor time used and asked for in core-milliseconds, memory used and asked for in KiB.
    pub(super) fn usage(&self, hour: u64) -> [u64; 4] {
        const MILLICORES: [u64; 7] = [10, 50, 100, 250, 500, 1000, 2000];
        const MIB: [u64; 7] = [32, 64, 128, 256, 512, 1024, 4096];
        let size = mix(10, self.workload);
        let (cpu, memory) = (MILLICORES[below(size, 7)] * MS_BY_MILLICORE, MIB[below(size >> 8, 7)] << 10);
        let now = mix(11, self.number * 1_000 + hour);
        // A 20th to 150 % of the processor, 30 to 110 % of the memory.
        let cpu_used = cpu * (50 + now % 1_450) / 1_000;
        let memory_used = memory * (300 + (now >> 16) % 800) / 1_000;
        [cpu_used, cpu, memory_used, memory]
    }
}

pub(super) fn node(number: u64) -> String {
    format!("ip-10-0-{}-{}.eu-central-1.compute.internal", number / 250, number % 250 + 1)
}

pub(super) fn namespace(number: u64) -> String {
    const FIRST: [&str; 8] = [
        "payments",
        "openshift-monitoring",
        "web-shop",
        "data-platform",
        "kube-system",
        "search",
        "ml-training",
        "gateway",
    ];
    match FIRST.get(usize::try_from(number).unwrap_or(usize::MAX)) {
        Some(name) => (*name).to_owned(),
        None => format!("team-{number}"),
    }
}

pub(super) fn workload(number: u64) -> String {
    const KINDS: [&str; 9] =
        ["api", "worker", "frontend", "cache", "ingest", "exporter", "scheduler", "auth", "mailer"];
    format!("{}-{number}", KINDS[below(number, KINDS.len())])
}

/// A number that follows from these two and from nothing else, each bit as likely as not (`SplitMix64`).
pub(super) fn mix(of: u64, number: u64) -> u64 {
    let mut mixed = of.wrapping_mul(0xA076_1D64_78BD_642F).wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A place in a list.
pub(super) fn below(number: u64, many: usize) -> usize {
    usize::try_from(number % many as u64).unwrap_or_default()
}

/// A number below `many`, small ones far more often: the cube of an even one. In whole numbers, so that it is the same everywhere.
fn skewed(mixed: u64, many: u64) -> u64 {
    let even = u128::from(mixed >> 44);
    let cube = even * even * even;
    u64::try_from((cube * u128::from(many)) >> 60).unwrap_or_default().min(many - 1)
}
