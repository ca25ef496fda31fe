//! A case small enough to count its allocations by hand, in arrow's own buffers: what the heap test runs for real.

use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use querydyno::engine::serve;
use querydyno::engine::{Engine, Result, Spans, Unsupported};
use querydyno::protocol::answer::Sink;
use querydyno::protocol::dataset::Dataset;
use querydyno::protocol::engine::{Build, EngineInfo, EngineSettings};
use querydyno::protocol::task::Task;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    serve::<Case>("heap-case", Build::default())
}

struct Case {
    loaded: Vec<u8>,
}

impl Engine for Case {
    type Prepared = ();
    type Output = ArrayRef;

    fn open(_: &EngineSettings) -> Result<Self> {
        Ok(Self { loaded: Vec::new() })
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { version: "0".to_owned(), ..EngineInfo::default() }
    }

    fn load(&mut self, _: &Dataset) -> Result<()> {
        // Before the run: in no figure.
        self.loaded = vec![1; 5_000_000];
        Ok(())
    }

    fn prepare(&mut self, _: &Task) -> Result<()> {
        Ok(())
    }

    fn run(&mut self, (): &(), _: &mut Spans) -> Result<ArrayRef> {
        // One block of 100,000 bytes, freed at once.
        drop(std::hint::black_box(vec![1_u8; 100_000]));
        // One block of 8 x 1,000 bytes, which the array takes over; one for the counted reference to its buffer (two
        // counters of 8 bytes; pointer 8, length 8, how to free it 24); one for the counted reference to the array.
        Ok(Arc::new(Int64Array::from(vec![7; 1000])))
    }

    fn rows(&self, _: &ArrayRef) -> u64 {
        1
    }

    fn answer(&mut self, _: ArrayRef, _: &mut Sink) -> Result<()> {
        anyhow::bail!(Unsupported("there is nothing to compare".to_owned()))
    }
}
