//! What comes after a cell's samples, whoever took them: they go into its record, the last answer is judged, the program ends.

use std::time::Duration;

use super::Runner;
use super::engine::Engine;
use super::event::Event;
use super::resolve::CellResult;
use super::sampler::Samples;
use super::select::Cell;
use super::stop::Stop;
use crate::host::inspected;
use crate::host::record::{Counts, Outcome, Record};
use crate::host::session::{Program, Runs};
use crate::measure::memory::Peak;
use crate::measure::usage::{IoBytes, Usage};

impl Runner<'_> {
    /// Fills the record, which says `measured` only if all went well. Gives how long the host waited for the programs.
    ///
    /// # Errors
    /// When the last answer is wrong or the program does not end well; the samples are then out of the record again.
    pub(super) fn finish(
        &self,
        cell: &Cell<'_>,
        program: &Program,
        engine: Engine<'_>,
        samples: &Samples,
        result: &mut CellResult,
    ) -> Result<Duration, Stop> {
        let unfilled = result.record.clone();
        fill(&mut result.record, &engine, samples);
        match self.end(cell, program, engine, result) {
            Ok(waited) => {
                result.record.outcome = Outcome::Measured;
                Ok(waited)
            }
            Err(stop) => {
                result.record = Record { verdict: result.record.verdict.take(), ..unfilled };
                Err(stop)
            }
        }
    }

    /// The last run's answer, the parts of a run, the end of the program.
    fn end(
        &self,
        cell: &Cell<'_>,
        program: &Program,
        mut engine: Engine<'_>,
        result: &mut CellResult,
    ) -> Result<Duration, Stop> {
        if let Some(session) = engine.session() {
            self.verify(cell, session, result)?;
        }
        if self.writer.is_some() {
            inspected::carry(&self.settings.home, &mut result.record, &program.path);
            match engine.phases() {
                Ok(phases) => result.record.phases = phases,
                // The samples stand: these runs were extra. Whether such a program ends well says nothing of them.
                Err(failure) => {
                    let text = format!("the parts of its time are unknown: {failure}");
                    self.tell(&Event::Note { id: &cell.id, text: &text });
                    return Ok(engine.waited());
                }
            }
        }
        let waited = engine.waited();
        engine.close()?;
        Ok(waited)
    }
}

/// Moves what the samples say into the record.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds and counts of a sample are far below 2^53")]
fn fill(record: &mut Record, engine: &Engine<'_>, samples: &Samples) {
    let taken = &samples.taken;
    let iterations: u64 = taken.iter().map(|sample| sample.iterations).sum();
    record.iterations = taken.iter().map(|sample| sample.iterations).collect();
    record.samples_ns = taken.iter().map(|sample| sample.total.as_nanos() as f64 / sample.iterations as f64).collect();
    record.cpu_time_ns =
        taken.iter().map(|sample| Some(sample.runs.cpu_time_ns? as f64 / sample.iterations as f64)).collect();
    record.warm_up_ns.extend(&samples.warm_up_ns);
    let mean = |count: &dyn Fn(&Runs) -> Option<u64>| {
        let sum: u64 = taken.iter().map(|sample| count(&sample.runs)).sum::<Option<_>>()?;
        Some(sum as f64 / iterations as f64)
    };
    let usage = |count: fn(Usage) -> u64| mean(&|runs| runs.usage.map(count));
    let moved = |count: fn(IoBytes) -> u64| mean(&|runs| runs.moved.map(count));
    record.counts = Counts {
        minor_page_faults: usage(|usage| usage.minor_page_faults),
        major_page_faults: usage(|usage| usage.major_page_faults),
        voluntary_context_switches: usage(|usage| usage.voluntary_context_switches),
        involuntary_context_switches: usage(|usage| usage.involuntary_context_switches),
        read_call_bytes: moved(|moved| moved.read_call_bytes),
        disk_read_bytes: moved(|moved| moved.disk_read_bytes),
        write_call_bytes: moved(|moved| moved.write_call_bytes),
    };
    let peaks = taken.iter().filter_map(|sample| sample.runs.peak_memory).chain(engine.first.peak_memory);
    let whose = if record.engine.kind == "service" { "the server" } else { "the engine program" };
    if let Some(peak) = peaks.reduce(Peak::or_more) {
        record.peak_memory_bytes = Some(peak.bytes.0);
        record.memory_source = Some(peak.source(whose));
    }
}
