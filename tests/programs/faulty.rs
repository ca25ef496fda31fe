//! An engine that goes wrong in the way its first argument names: what the fault tests run for real.

use std::io::Write;
use std::process::{Command, ExitCode, abort, exit};
use std::thread::sleep;
use std::time::Duration;

use querydyno::answer::{Answer, Column, Kind};
use querydyno::engine::{Build, Engine, EngineInfo, EngineSettings, Result};
use querydyno::fixture::Dataset;
use querydyno::session::serve;
use querydyno::workload::Query;

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
        "mute" => {
            eprintln!("nothing to say");
            ExitCode::from(7)
        }
        // Each fault is an engine of its own, so that two of them are independent.
        fault => serve::<Faulty>(fault, Build::default()),
    }
}

fn fault() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

fn forever() -> ! {
    loop {
        sleep(Duration::from_secs(1000));
    }
}

/// Gives one row with one number, until its fault shows.
struct Faulty {
    runs: u64,
}

impl Engine for Faulty {
    type Prepared = ();
    type Output = Vec<u64>;

    fn open(settings: &EngineSettings) -> Result<Self> {
        std::fs::write(settings.scratch.join("spill"), "a spill file")?;
        if fault() == "orphan" {
            // A child that would go on for ever.
            Command::new("sleep").arg("100000").spawn()?;
        }
        Ok(Self { runs: 0 })
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { version: "0".to_owned(), ..EngineInfo::default() }
    }

    fn load(&mut self, _: &Dataset) -> Result<()> {
        Ok(())
    }

    fn prepare(&mut self, _: &Query) -> Result<()> {
        Ok(())
    }

    fn run(&mut self, (): &()) -> Result<Vec<u64>> {
        self.runs += 1;
        match fault().as_str() {
            "crash" => abort(),
            "exit" => {
                eprintln!("the last words");
                exit(3)
            }
            "hang" | "orphan" => forever(),
            "late" if self.runs > 3 => abort(),
            "error" => anyhow::bail!("the engine's own error"),
            "memory" => {
                let block = std::hint::black_box(vec![1_u8; 1 << 30]);
                sleep(Duration::from_secs(10));
                Ok(vec![block.len() as u64])
            }
            "chatty" => {
                println!("an engine that prints to stdout must not garble the protocol");
                Ok(vec![7])
            }
            "liar" if self.runs > 1 => Ok(vec![8]),
            "rows" if self.runs > 2 => Ok(vec![1, 2]),
            _ => Ok(vec![7]),
        }
    }

    fn rows(&self, output: &Vec<u64>) -> u64 {
        output.len() as u64
    }

    fn answer(&mut self, output: Vec<u64>) -> Result<Answer> {
        let columns = vec![Column { name: "n".to_owned(), kind: Kind::Int }];
        let rows = output.iter().map(|n| vec![Some(n.to_string())]).collect();
        Ok(Answer { columns, rows })
    }
}
