//! An engine that goes wrong in the way its first argument names: what the fault tests run for real.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio, abort, exit};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;
use querydyno::engine::serve;
use querydyno::engine::{Engine, Result, Spans, Unsupported};
use querydyno::protocol::answer::{Column, Kind, Scalar, Sink};
use querydyno::protocol::dataset::Dataset;
use querydyno::protocol::engine::{Build, EngineInfo, EngineSettings};
use querydyno::protocol::task::{Task, Work};

fn main() -> ExitCode {
    let mut stdout = std::io::stdout();
    match fault().as_str() {
        "flood" => {
            let block = vec![b'x'; 1 << 20];
            while stdout.write_all(&block).is_ok() {}
            ExitCode::FAILURE
        }
        "garbage" => {
            println!("Welcome to the engine!");
            forever()
        }
        "version" => {
            println!(r#"{{"did":"hello","protocol":999,"engine":"faulty"}}"#);
            forever()
        }
        "version-1" => {
            println!(r#"{{"did":"hello","protocol":1,"engine":"faulty"}}"#);
            forever()
        }
        "mute" => {
            eprintln!("nothing to say");
            ExitCode::from(7)
        }
        // What the fault "family" starts.
        "child" => {
            let block = std::hint::black_box(vec![1_u8; CHILD_BYTES]);
            println!("{}", block.len());
            forever()
        }
        // Each fault is an engine of its own, so that two of them are independent.
        fault => serve::<Faulty>(fault, Build::default()),
    }
}

/// A loop of so many turns that no compiler takes out.
fn count(turns: u64) -> u64 {
    (0..turns).map(std::hint::black_box).fold(0, |seen, _| seen + 1)
}

fn fault() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

fn forever() -> ! {
    loop {
        sleep(Duration::from_secs(1000));
    }
}

const CHILD_BYTES: usize = 100 << 20;
/// What a reset takes, which is in no duration.
const RESET: Duration = Duration::from_millis(200);

/// Gives one row with one number, until its fault shows.
struct Faulty {
    runs: u64,
    resets: u64,
}

/// What it was asked.
struct Asked {
    /// What the fault "allocate" is to allocate.
    mebibytes: usize,
    /// The steps that it takes the time of, with how many milliseconds each sleeps: it calls that a plan.
    steps: Vec<(String, u64)>,
}

impl Engine for Faulty {
    type Prepared = Asked;
    type Output = Vec<u64>;

    fn open(settings: &EngineSettings) -> Result<Self> {
        std::fs::write(settings.scratch.join("spill"), "a spill file")?;
        if fault() == "orphan" {
            // A child that would go on for ever.
            Command::new("sleep").arg("100000").spawn()?;
        }
        Ok(Self { runs: 0, resets: 0 })
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { version: "0".to_owned(), ..EngineInfo::default() }
    }

    fn load(&mut self, _: &Dataset) -> Result<()> {
        Ok(())
    }

    fn prepare(&mut self, task: &Task) -> Result<Asked> {
        let steps = task.steps.iter().filter_map(|step| match &step.work {
            Work::Plan(sleep) => Some((step.name.clone(), sleep.parse().ok()?)),
            Work::Sql(_) => None,
        });
        let mebibytes = task.query().and_then(|text| text.parse().ok()).unwrap_or_default();
        Ok(Asked { mebibytes, steps: steps.collect() })
    }

    fn reset(&mut self, _: &Asked) -> Result<()> {
        sleep(RESET);
        self.resets += 1;
        Ok(())
    }

    fn run(&mut self, asked: &Asked, spans: &mut Spans) -> Result<Vec<u64>> {
        self.runs += 1;
        for (step, milliseconds) in &asked.steps {
            spans.time(step, || sleep(Duration::from_millis(*milliseconds)));
        }
        match fault().as_str() {
            "crash" => abort(),
            "exit" => {
                eprintln!("the last words");
                exit(3)
            }
            "hang" | "orphan" => forever(),
            "late" if self.runs > 3 => abort(),
            "error" => anyhow::bail!("the engine's own error"),
            "tired" if self.runs > 3 => anyhow::bail!("tired of it"),
            "memory" => {
                let block = std::hint::black_box(vec![1_u8; 1 << 30]);
                sleep(Duration::from_secs(10));
                Ok(vec![block.len() as u64])
            }
            "allocate" => {
                std::hint::black_box(vec![1_u8; asked.mebibytes << 20]);
                Ok(vec![7])
            }
            "family" => {
                let mut child = Command::new(std::env::current_exe()?).arg("child").stdout(Stdio::piped()).spawn()?;
                // It has allocated when it says so, and is gone before the run is.
                let mut line = String::new();
                BufReader::new(child.stdout.take().context("no pipe")?).read_line(&mut line)?;
                sleep(Duration::from_millis(300));
                child.kill()?;
                child.wait()?;
                Ok(vec![7])
            }
            "loop" => Ok(vec![count(1_000_000)]),
            "longer" => Ok(vec![count(1_010_000)]),
            "starved" => anyhow::bail!("Out of Memory Error: failed to allocate data of size 1.0 GiB"),
            "chatty" => {
                println!("an engine that prints to stdout must not garble the protocol");
                Ok(vec![7])
            }
            "liar" if self.runs > 1 => Ok(vec![8]),
            "pipeline" => Ok(vec![self.resets]),
            "unknown-step" => spans.time("nobody's", || Ok(vec![7])),
            "rows" if self.runs > 2 => Ok(vec![1, 2]),
            _ => Ok(vec![7]),
        }
    }

    fn plan(&mut self, _: &Asked) -> Result<Option<String>> {
        match fault().as_str() {
            "plan" => Ok(Some("SORT\n  SCAN at 0x7f00deadbeef".to_owned())),
            "plan-error" => anyhow::bail!("the engine's own error"),
            "plan-unsupported" => anyhow::bail!(Unsupported("no plan of this".to_owned())),
            "plan-crash" => abort(),
            _ => Ok(None),
        }
    }

    fn rows(&self, output: &Vec<u64>) -> u64 {
        output.len() as u64
    }

    fn answer(&mut self, output: Vec<u64>, sink: &mut Sink) -> Result<()> {
        sink.columns(vec![Column { name: "n".to_owned(), kind: Kind::Int }]);
        for n in output {
            sink.row(&[Scalar::Int(n.into())]);
        }
        Ok(())
    }
}
