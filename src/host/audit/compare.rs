//! The measurement of an audit: fresh processes of all engines, taking turns, query by query.

use anyhow::{Result, anyhow, bail, ensure};

use super::{Audit, DistributionRatio, LeftOut, QueryRatio};
use crate::host::catalog::Entry;
use crate::host::data::generate::Store;
use crate::host::interrupt;
use crate::host::progress::{Unit, Work};
use crate::host::record;
use crate::host::run::{Fresh, Paired, runs_for, turns};
use crate::host::session::Program;
use crate::host::settings::Settings;
use crate::host::stats::{hodges_lehmann, median};
use crate::host::suite::{QuerySpec, Suite};
use crate::host::variant::Variant;
use crate::host::verify::referee::Referee;
use crate::measure::machine::Host;
use crate::protocol::dataset::Dataset;
use crate::protocol::engine::EngineInfo;
use crate::protocol::id::Scale;
use crate::protocol::task::Task;

/// What a process runs for, in nanoseconds, beyond its first run; at least [`FEWEST`] and at most [`MOST`] runs.
const ENOUGH_NS: u64 = 600_000_000;
const FEWEST: u64 = 3;
const MOST: u64 = 30;
const CONFIDENCE: f64 = 0.95;

/// What the engines run.
#[derive(Debug, Clone, Copy)]
pub struct ComparisonPlan<'a> {
    /// Whose tables.
    pub suite: &'a Suite,
    /// Which queries.
    pub queries: &'a [&'a QuerySpec],
    /// On how much data.
    pub scale: Scale,
    /// Fresh processes of each engine, for each query; 95 % intervals take six.
    pub rounds: usize,
}

struct Compared<'a> {
    entry: &'a Entry,
    program: Program,
    info: Option<EngineInfo>,
}

/// One engine's medians, one of each round, or why it left.
type Times = Result<Vec<f64>, String>;

/// What all processes of an audit have in common.
struct Comparing<'a> {
    plan: ComparisonPlan<'a>,
    variant: Variant<'a>,
    settings: &'a Settings,
    referee: Referee,
    work: Work,
}

/// Compares an engine with official distributions of it, the nearest version first. A query whose
/// answer is not verified on both sides is left out.
///
/// # Errors
/// When our own program or the data cannot be had, nothing could be compared, or after an interrupt.
pub fn audit(ours: &Entry, official: &[Entry], plan: ComparisonPlan<'_>, settings: &Settings) -> Result<Audit> {
    let variant = settings.sole_variant("parquet")?;
    let mut engines = vec![Compared { entry: ours, program: ours.program()?, info: None }];
    for entry in official {
        match entry.program() {
            Ok(program) => engines.push(Compared { entry, program, info: None }),
            // The others can be compared all the same.
            Err(error) => log::info!("left out: {}: {error:#}", entry.name),
        }
        interrupt::check()?;
    }
    let store = Store::new(settings.data.clone());
    let processes = plan.queries.len() * plan.rounds * engines.len();
    let work = Work::begin(Unit::Processes, processes as u64, "");
    let comparing = Comparing { plan, variant, settings, referee: Referee::new(settings), work };
    let mut found: Vec<(Vec<QueryRatio>, Vec<LeftOut>)> = vec![Default::default(); engines.len() - 1];
    for query in plan.queries {
        let dataset = store.ensure(plan.suite, plan.scale, "parquet", &query.tables)?;
        let times = comparing.times(&mut engines, query, &dataset)?;
        for (((ratios, left_out), theirs), engine) in found.iter_mut().zip(&times[1..]).zip(&engines[1..]) {
            let result = ratio(&query.name, &times[0], theirs);
            let shown = match &result {
                Ok(ratio) => format!("{:.3} ({:.3} to {:.3})", ratio.ratio, ratio.low, ratio.high),
                Err(reason) => reason.clone(),
            };
            // Also where there is no terminal for a bar: a whole audit takes minutes.
            log::info!("{} against {}: {shown}", query.name, engine.entry.name);
            match result {
                Ok(ratio) => ratios.push(ratio),
                Err(reason) => left_out.push(LeftOut { query: query.name.clone(), reason }),
            }
        }
    }
    drop(comparing);
    let mut comparisons = Vec::new();
    for (engine, (ratios, left_out)) in engines[1..].iter().zip(found) {
        let name = &engine.entry.name;
        let why = left_out.first().map_or_else(String::new, |left| format!(": {}", left.reason));
        let version = engine.info.as_ref().map(|info| info.version.clone()).unwrap_or_default();
        match DistributionRatio::new(name.clone(), version, ratios, left_out) {
            Some(comparison) => comparisons.push(comparison),
            None => log::info!("left out: {} and {name} have no query in common{why}", ours.name),
        }
    }
    if comparisons.is_empty() {
        bail!("{} could be compared with nothing; the lines above say why", ours.name);
    }
    let info = engines.swap_remove(0).info.unwrap_or_default();
    Ok(Audit {
        engine: ours.name.clone(),
        version: info.version,
        build: info.build,
        suite: plan.suite.name.clone(),
        scale: plan.scale,
        variant: variant.to_string(),
        threads: variant.threads,
        rounds: plan.rounds,
        host: Host::read(),
        taken_at: record::now(),
        comparisons,
    })
}

impl Comparing<'_> {
    fn times(&self, engines: &mut [Compared<'_>], query: &QuerySpec, dataset: &Dataset) -> Result<Vec<Times>> {
        let mut times: Vec<Times> = engines.iter().map(|_| Ok(Vec::new())).collect();
        for round in 0..self.plan.rounds {
            for place in turns(round, engines.len()) {
                interrupt::check()?;
                let engine = &mut engines[place];
                self.work.now(&format!("{} {}", query.name, engine.entry.name));
                // Without our own time there is nothing to compare theirs with.
                if times[0].is_ok()
                    && let Ok(medians) = &mut times[place]
                {
                    let text = self.plan.suite.task(query, engine.entry, self.plan.scale)?;
                    match self.process(engine, query, &text, dataset) {
                        Ok(median) => medians.push(median),
                        Err(error) => times[place] = Err(format!("{}: {error:#}", engine.entry.name)),
                    }
                }
                self.work.done(1);
            }
        }
        // Interrupted programs are no engines that failed.
        interrupt::check()?;
        Ok(times)
    }

    /// One fresh process: the median of some runs after the first, whose answer is checked.
    fn process(&self, of: &mut Compared<'_>, query: &QuerySpec, text: &Task, dataset: &Dataset) -> Result<f64> {
        let (engine, variant, program, settings) = (of.entry, self.variant, &of.program, self.settings);
        let fresh = Fresh { engine, variant, program, settings, dataset, query: text };
        let Paired { session, info, timed, answer, .. } =
            fresh.paired(|first| runs_for(ENOUGH_NS, first, FEWEST, MOST))?;
        of.info = Some(info);
        let answer = answer.map_err(|reason| anyhow!("it cannot show its answer: {reason}"))?;
        let verdict = self.referee.judge(self.plan.suite, query, self.plan.scale, &answer)?;
        ensure!(verdict.verified(), "answer {verdict}");
        session.close()?;
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a query are far below 2^53")]
        let durations: Vec<f64> = timed.durations_ns.iter().map(|ns| *ns as f64).collect();
        Ok(median(&durations).unwrap_or_default())
    }
}

fn ratio(query: &str, ours: &Times, theirs: &Times) -> Result<QueryRatio, String> {
    let (ours, theirs) = (ours.as_ref().map_err(Clone::clone)?, theirs.as_ref().map_err(Clone::clone)?);
    let logs: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| (ours / theirs).ln()).collect();
    let interval = hodges_lehmann(&logs, CONFIDENCE).ok_or("too few rounds for an interval: it takes six")?;
    Ok(QueryRatio {
        query: query.to_owned(),
        ratio: interval.estimate.exp(),
        low: interval.low.exp(),
        high: interval.high.exp(),
        ours_ns: median(ours).unwrap_or_default(),
        theirs_ns: median(theirs).unwrap_or_default(),
    })
}
