//! QueryDyno, a dynamometer for query engines: `cargo bench -- duckdb/q1`.
//!
//! # The one idea
//!
//! The host links no engine. An engine is a program plus an entry in `fixtures/engines.toml`. The host owns suites,
//! data, verdicts and records; an engine program owns one engine and the clock. They speak JSON lines
//! ([`protocol::messages`]). So every engine keeps its own dependencies, allocator, compiler and flags; a crash, a hang
//! or a memory leak costs one cell; and nobody compiles an engine that was not asked for.
//!
//! # Map
//!
//! Three sides, and a line of code is on one of them: what both ends of the pipe say to each other, what runs inside an
//! engine's program, what the tool does.
//!
//! | module | what it knows |
//! |---|---|
//! | [`protocol`] | both sides: names of cells, units, tasks, locations, answers, datasets, messages. No I/O |
//! | [`measure`] | both sides: memory, CPU time, bytes read and written, instructions, the machine |
//! | [`engine`] | a program: the trait [`engine::Engine`], the loop that serves it, one file or folder per engine; `python/` for script engines |
//! | `iceberg` | the program that makes, registers and plans Iceberg tables |
//! | `s3` | the program that puts tables on S3, and stands between engines and a store |
//! | `host` | the tool, feature `harness` |
//! | `history` | the program that owns the history, feature `history`: DuckDB behind `cargo xtask history`, on top of `host` |
//! | `server` | the program that serves the history, feature `server`: pages and an API behind `cargo xtask serve`, on top of `history` |
//!
//! | inside `host` | what it knows |
//! |---|---|
//! | `settings`, `catalog`, `paths`, `checkout` | what the user set; which engines there are and how they are built; where things are |
//! | `suite`, `sql`, `filter`, `variant` | suites of queries; their texts as tokens; which cells a filter means; the conditions of a cell |
//! | `data` | generated or given tables, as Parquet files, here or on S3, or Iceberg tables |
//! | `services` | servers that engines and formats need: started, found, stopped |
//! | `session` | a running engine program: spawned, watched, killed |
//! | `run` | a cell from its program and data to its record |
//! | `incremental` | which cells need a run, by the history; the program of the history as the host calls it |
//! | `criterion` | `cargo bench`: Criterion's arguments, folder and main |
//! | `verify` | references, cross-checks between engines, comparison |
//! | `stats`, `record`, `inspected`, `decisions` | pure functions; what is kept of a cell; what people said of results since |
//! | `bench`, `gate`, `backfill`, `ablation`, `audit`, `inspect`, `scaling`, `boundary`, `capabilities`, `criteria`, `doctor`, `report` | policies and pages on top of the above |
//! | `terminal` | a run as people see it: the lines of a bench, bars, notes on stderr, stdout |
//! | `checksum`, `files`, `guarded`, `interrupt`, `lock`, `progress`, `scratch`, `space`, `fuzzing` | small tools of all of them |
//!
//! Dependencies point one way: `benches, xtask, server -> history -> host -> protocol, measure` and `bin -> engine, iceberg, s3 -> protocol, measure`.
//! The host never names `engine`, `iceberg`, `s3` or `history`; the first three never name the host, and `history` is linked into no other
//! program but that of `server`. Inside the host there is one order, in `tests/tidy/rules.rs`: a module names
//! those before it only. `criterion` comes after `run`, since it is one of the ways to run cells.
//!
//! # The life of a measurement
//!
//! 1. The filter says which cells are meant; none ends the run before anything is started.
//! 2. The catalog finds or builds the engine's program; `data` finds, makes or plans what the query reads.
//! 3. `Session::spawn` starts the program in its own process group; it opens the engine, loads the tables, takes the task.
//! 4. The engine counts its tables' rows, which have to be those of the files. One run, and its answer goes to the referee. A wrong
//!    one ends the cell here; one without a reference waits for the other engines' answers.
//! 5. A sampler takes samples; in `cargo bench` Criterion asks for `n` iterations at a time; the program runs them, with one clock reading before and one after each. A task that writes is reset before each run, outside the clock.
//! 6. The last answer is checked again; where no reference vouches for it, all engines of the query have to agree. Then the engine tells its plan, where it can. Samples, memory, CPU time and verdict become one record, flushed at once. At the end of the run the history takes the records in, where its program is built.
//!
//! # Invariants
//!
//! 1. Only `src/engine/<name>` names an engine's crate, and `src/history` that of DuckDB, which it keeps results in. No arrow, datafusion, duckdb or polars type crosses [`engine::Engine`].
//! 2. Everything but `src/engine/<name>` and its bin compiles with no engine feature on.
//! 3. A bench file and a bin file hold no logic; the global allocator is set in the bin, never here, and is recorded.
//! 4. The clock is in the process that runs the query. Nothing of the harness is inside the timed region.
//! 5. A failure is a record, never an abort: an engine that crashes, hangs, lies or is not there costs its own cells only.
//! 6. A number without a verified answer is never ranked.
//! 7. An engine's name is written once, in `engines.toml`; features, bins, files, folders of scripts and ids equal it, or begin with it
//!    (`-source`, `-heap`).
//! 8. In `src` only `host::criterion` names Criterion. Whatever starts an engine's program does so by `host::run`.
//! 9. Library code prints nothing: it gives values and events, and logs. `host::terminal` and the programs print and draw; a server's pages
//!    have the report's pictures.
//! 10. Only a suite's own files name it: its fixtures, `host/suite/<suite>.rs`, its generator and bench target, and an engine's
//!     hand-written plans of it, `engine/<engine>/<suite>/` or `<suite>.py`.
//!
//! `tests/tidy.rs` checks of these what a test can check.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

#[cfg(doc)]
pub mod docs;
pub mod engine;
#[cfg(feature = "history")]
pub mod history;
#[cfg(feature = "harness")]
pub mod host;
#[cfg(feature = "iceberg")]
pub mod iceberg;
pub mod measure;
#[cfg(feature = "protoc")]
pub mod protoc;
pub mod protocol;
#[cfg(any(feature = "iceberg", feature = "s3"))]
pub mod s3;
#[cfg(feature = "server")]
pub mod server;
