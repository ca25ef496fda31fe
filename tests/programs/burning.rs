//! The engine `arrow` made slower or hungrier by a known factor: what shows that the gate sees it.
//!
//! `burning-engine q1:time=1.05 q10:memory=1.12` needs 5 % more time for q1, all of it busy, and holds 10 % more memory at the peak
//! of q10, from the second run on: not 12 %, since the factor is of what it holds before the kernel gives back some. To see it
//! caught, in `querydyno.toml`:
//!
//! ```toml
//! [engine.plain]
//! program = "target/release/burning-engine"
//! [engine.burning]
//! program = "target/release/burning-engine"
//! args = ["q1:time=1.05", "q6:time=1.10", "q10:memory=1.12"]
//! ```
//!
//! ```sh
//! cargo build --release --no-default-features --features arrow --bin burning-engine
//! QUERYDYNO_THREADS=1 cargo xtask gate '^plain/q(1|6|10)/' --base-program plain --head-program burning
//! ```

use std::fs;
use std::hint::{black_box, spin_loop};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use querydyno::engine::arrow::ArrowKernels;
use querydyno::engine::{Engine, Result, Spans};
use querydyno::engine::{recipe, serve};
use querydyno::protocol::answer::Sink;
use querydyno::protocol::dataset::Dataset;
use querydyno::protocol::engine::{EngineInfo, EngineSettings};
use querydyno::protocol::task::Task;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    serve::<Burning>("arrow", recipe("jemalloc"))
}

struct Burning {
    engine: ArrowKernels,
    time: f64,
    memory: f64,
    /// What is held beside the engine's own, in bytes.
    held: usize,
}

/// The factor for a query's time or memory; 1 where no argument says it.
fn factor(query: &str, of: &str) -> Result<f64> {
    let asked = format!("{query}:{of}=");
    let value = std::env::args().find_map(|argument| argument.strip_prefix(&asked).map(str::to_owned));
    value.map_or(Ok(1.0), |value| value.parse().with_context(|| format!("{asked} takes a factor, not {value}")))
}

/// The most physical memory that this process has held since the host set the mark back, in bytes.
fn peak() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1024.0)
}

impl Engine for Burning {
    type Prepared = <ArrowKernels as Engine>::Prepared;
    type Output = <ArrowKernels as Engine>::Output;

    fn open(settings: &EngineSettings) -> Result<Self> {
        Ok(Self { engine: ArrowKernels::open(settings)?, time: 1.0, memory: 1.0, held: 0 })
    }

    fn info(&self) -> EngineInfo {
        self.engine.info()
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        self.engine.load(dataset)
    }

    fn prepare(&mut self, task: &Task) -> Result<Self::Prepared> {
        self.time = factor(&task.name, "time")?;
        self.memory = factor(&task.name, "memory")?;
        self.engine.prepare(task)
    }

    fn run(&mut self, query: &Self::Prepared, spans: &mut Spans) -> Result<Self::Output> {
        let held = black_box(vec![1_u8; self.held]);
        let start = Instant::now();
        let output = self.engine.run(query, spans)?;
        let until = start + start.elapsed().mul_f64(self.time);
        while Instant::now() < until {
            spin_loop();
        }
        drop(held);
        if self.held == 0 {
            let more = (self.memory - 1.0) * peak().context("the kernel tells no peak")?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of what was held")]
            let more = more as usize;
            self.held = more;
        }
        Ok(output)
    }

    fn rows(&self, output: &Self::Output) -> u64 {
        self.engine.rows(output)
    }

    fn answer(&mut self, output: Self::Output, sink: &mut Sink) -> Result<()> {
        self.engine.answer(output, sink)
    }
}
