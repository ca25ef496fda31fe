//! What comes after a cell's samples, whoever took them: the last answer is judged, the program ends, and what the samples say
//! goes into the record.

use std::time::Duration;

use super::Runner;
use super::engine::{Engine, Sample};
use super::event::Event;
use super::resolve::CellResult;
use super::sampler::Samples;
use super::select::Cell;
use super::stop::Stop;
use crate::host::inspected;
use crate::host::record::{Measurement, Metric, Metrics, Outcome, metric};
use crate::host::session::{Program, Runs, Session};
use crate::measure::memory::Peak;
use crate::measure::usage::{IoBytes, Usage};
use crate::protocol::network::Traffic;
use crate::protocol::task::SinkUse;

/// Ten ticks of the clock that the kernel counts another process's CPU time with.
const LEAST_SINK_CPU_NS: u64 = 100_000_000;

impl Runner<'_> {
    /// Makes the record one of a measured cell, if all goes well. Gives how long the host waited for the programs.
    ///
    /// # Errors
    /// When the last answer is wrong or the program does not end well; the record then has no samples.
    pub(super) fn finish(
        &self,
        cell: &Cell<'_>,
        program: &Program,
        mut engine: Engine<'_>,
        samples: Samples,
        result: &mut CellResult,
    ) -> Result<Duration, Stop> {
        let Samples { taken, warm_up_ns } = samples;
        let mut metrics = Metrics::default();
        read(&taken, &mut metrics);
        let retries: u64 = taken.iter().filter_map(|sample| sample.runs.sink).map(|sink| sink.retries).sum();
        if retries > 0 {
            metrics.set(metric::SINK_RETRIES, [metric::value(retries)]);
            let text = format!(
                "its sink was written to again {retries} times: the pauses are within these times, so measure it again"
            );
            self.tell(&Event::Note { id: &cell.id, text: &text });
        }
        let peaks = taken.iter().filter_map(|sample| sample.runs.peak_memory).chain(engine.first.peak_memory);
        let whose = if result.record.engine.kind == "service" { "the server" } else { "the engine program" };
        metrics.extend(peaks.reduce(Peak::or_more).map(|peak| Metric {
            source: Some(peak.source(whose)),
            ..Metric::new(metric::PEAK_MEMORY, [metric::value(peak.bytes.0)])
        }));
        if let Some(network) = &mut result.record.network {
            network.total = engine.last.as_ref().and_then(Session::traffic);
            network.first_run = engine.first.traffic;
            network.bytes_per_run =
                metrics.get(metric::BYTES_RECEIVED).and_then(|metric| metric.values.first().copied());
        }
        let warm_up = engine.steadied.take();
        let runs = taken.iter().map(|sample| sample.iterations).sum();
        let waited = self.end(cell, engine, result, &mut metrics).map_err(|stop| stop.after(runs))?;
        if self.writer.is_some() {
            inspected::carry(&self.settings.home, &mut result.record, &program.path);
        }
        let iterations = taken.iter().map(|sample| sample.iterations).collect();
        let measurement = Measurement { iterations, warm_up_ns, warm_up };
        result.record.outcome = Outcome::Measured(measurement);
        result.record.metrics.extend(metrics);
        Ok(waited)
    }

    /// The last run's answer, the parts of a run, the plan, the end of the program.
    fn end(
        &self,
        cell: &Cell<'_>,
        mut engine: Engine<'_>,
        result: &mut CellResult,
        metrics: &mut Metrics,
    ) -> Result<Duration, Stop> {
        if let Some(session) = &mut engine.last {
            self.verify(cell, session, result)?;
        }
        if self.writer.is_some() {
            match engine.parts() {
                Ok(parts) => metrics.extend(parts),
                // The samples stand: these runs were extra. Whether such a program ends well says nothing of them.
                Err(failure) => {
                    let text = format!("the parts of its time are unknown: {failure}");
                    self.tell(&Event::Note { id: &cell.id, text: &text });
                    return Ok(engine.waited());
                }
            }
            match engine.plan() {
                Ok(plan) => result.record.plan = plan,
                // It costs nothing but the plan.
                Err(failure) => {
                    let text = format!("its plan is unknown: {failure}");
                    self.tell(&Event::Note { id: &cell.id, text: &text });
                    return Ok(engine.waited());
                }
            }
        }
        let waited = engine.waited();
        // With what the extra runs asked for: so the store's own log counts.
        if let (Some(network), Some(session)) = (&mut result.record.network, &engine.last) {
            network.total = session.traffic();
        }
        engine.close()?;
        Ok(waited)
    }
}

/// What the clock and the kernel say, per iteration: a mean for each sample of times, one over all samples of what is counted.
fn read(taken: &[Sample], metrics: &mut Metrics) {
    let per_iteration = |sum: u64, iterations: u64| metric::value(sum) / metric::value(iterations);
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a sample are far below 2^53")]
    let time = |sample: &Sample| sample.total.as_nanos() as f64 / metric::value(sample.iterations);
    metrics.set(metric::TIME, taken.iter().map(time));
    let cpu_time = |sample: &Sample| Some(per_iteration(sample.runs.cpu_time_ns?, sample.iterations));
    // Of all samples or of none: which one is missing would be lost.
    metrics.set(metric::CPU_TIME, taken.iter().map(cpu_time).collect::<Option<Vec<f64>>>().unwrap_or_default());
    let steps = taken.first().map(|sample| sample.runs.spans.as_slice()).unwrap_or_default();
    for (place, step) in steps.iter().enumerate() {
        let time = |sample: &Sample| {
            let span = sample.runs.spans.get(place).filter(|span| span.step == step.step)?;
            Some(per_iteration(span.durations_ns.iter().sum(), sample.iterations))
        };
        let times = taken.iter().map(time).collect::<Option<Vec<f64>>>().unwrap_or_default();
        metrics.put(metric::span(&step.step, times));
    }
    let iterations = taken.iter().map(|sample| sample.iterations).sum();
    let mut mean = |kind, count: &dyn Fn(&Runs) -> Option<u64>| {
        let sum = taken.iter().map(|sample| count(&sample.runs)).sum::<Option<u64>>();
        metrics.set(kind, sum.map(|sum| per_iteration(sum, iterations)));
    };
    let usage = |count: fn(Usage) -> u64| move |runs: &Runs| runs.usage.map(count);
    mean(metric::MINOR_PAGE_FAULTS, &usage(|usage| usage.minor_page_faults));
    mean(metric::MAJOR_PAGE_FAULTS, &usage(|usage| usage.major_page_faults));
    mean(metric::VOLUNTARY_CONTEXT_SWITCHES, &usage(|usage| usage.voluntary_context_switches));
    mean(metric::INVOLUNTARY_CONTEXT_SWITCHES, &usage(|usage| usage.involuntary_context_switches));
    let sink = |count: fn(SinkUse) -> Option<u64>| move |runs: &Runs| runs.sink.and_then(count);
    mean(metric::SINK_LOG_BYTES, &sink(|sink| sink.log_bytes));
    let sink_cpu_ns: u64 = taken.iter().filter_map(|sample| sample.runs.sink?.cpu_time_ns).sum();
    if sink_cpu_ns >= LEAST_SINK_CPU_NS {
        mean(metric::SINK_CPU_TIME, &sink(|sink| sink.cpu_time_ns));
    }
    let moved = |count: fn(IoBytes) -> u64| move |runs: &Runs| runs.moved.map(count);
    mean(metric::BYTES_READ, &moved(|moved| moved.read_call_bytes));
    mean(metric::BYTES_READ_FROM_DISK, &moved(|moved| moved.disk_read_bytes));
    mean(metric::BYTES_WRITTEN, &moved(|moved| moved.write_call_bytes));
    let sent = |count: fn(Traffic) -> u64| move |runs: &Runs| runs.traffic.map(count);
    mean(metric::REQUESTS, &sent(|traffic| traffic.requests));
    mean(metric::CONNECTIONS, &sent(|traffic| traffic.connections));
    mean(metric::BYTES_RECEIVED, &sent(|traffic| traffic.bytes_received));
    mean(metric::BYTES_SENT, &sent(|traffic| traffic.bytes_sent));
}
