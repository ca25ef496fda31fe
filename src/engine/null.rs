//! The engine that computes nothing: what `null` reports is what the harness itself costs.

use anyhow::bail;

use super::{Dataset, Engine, EngineInfo, EngineSettings, Result, Sink, Spans, Task, Unsupported};

/// Answers at once, with no rows.
#[derive(Debug)]
pub struct Null;

impl Engine for Null {
    type Prepared = ();
    type Output = ();

    fn open(_: &EngineSettings) -> Result<Self> {
        Ok(Self)
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { version: env!("CARGO_PKG_VERSION").to_owned(), ..EngineInfo::default() }
    }

    fn load(&mut self, _: &Dataset) -> Result<()> {
        Ok(())
    }

    fn prepare(&mut self, _: &Task) -> Result<()> {
        Ok(())
    }

    fn run(&mut self, (): &(), _: &mut Spans) -> Result<()> {
        Ok(())
    }

    fn rows(&self, (): &()) -> u64 {
        0
    }

    fn answer(&mut self, (): (), _: &mut Sink) -> Result<()> {
        bail!(Unsupported("null computes nothing; its time is what the harness costs".to_owned()))
    }
}
