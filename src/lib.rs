//! QueryDyno, a dynamometer for query engines: `cargo bench -- duckdb/q1`.
//!
//! # The one idea
//!
//! The host links no engine. An engine is a program plus an entry in `fixtures/engines.toml`. The host owns workloads,
//! data, verdicts and records; an engine program owns one engine and the clock. They speak JSON lines
//! ([`session::protocol`]). So every engine keeps its own dependencies, allocator, compiler and flags; a crash, a hang
//! or a memory leak costs one cell; and nobody compiles an engine that was not asked for.
//!
//! # Map
//!
//! | module | what it knows | whose side |
//! |---|---|---|
//! | [`id`], [`units`] | names of cells; times and sizes with units | both |
//! | [`workload`] | tables and queries, from `fixtures/<name>/` | both; reading is the host's |
//! | `sql` | a query's text as tokens: literals, comments, names, placeholders | host |
//! | [`answer`] | rows, how they are compared, verdicts | both; comparing is the host's |
//! | [`fixture`] | the data: what a dataset is, how it is made | both; making is the host's |
//! | [`engine`] | the trait [`engine::Engine`], one file or folder per engine; `python/` for script engines | program |
//! | [`session`] | the conversation, its two ends, how it fails | both |
//! | `variant` | the conditions of a cell: format, mode, cache, threads, memory | host |
//! | `checkout` | a source tree and its target folder: ours, or a revision's beside it | host |
//! | `sql`, `output`, `baseline` | where literals and comments of a text end; stdout that may be closed; names of baselines | host |
//! | `settings`, `paths`, `catalog` | what the user set; where things are; which engines there are and how they are built | host |
//! | `measure` | memory, CPU time, the machine | both |
//! | `tables` | what a cell loads: generated or given, Parquet or Iceberg | host |
//! | [`iceberg`] | the program that makes, registers and plans Iceberg tables, and its two ends | both |
//! | `services` | servers that engines and formats need: started, found, stopped | host |
//! | `referee`, `record` | which answer is right; what is kept of a cell | host |
//! | `launch` | an engine from its program to a prepared query | host |
//! | `stats`, `audit` | paired statistics; an engine built here against its makers' own distribution | host |
//! | `scaling` | speed-up by thread counts, from records | host |
//! | `doctor` | what this machine can and cannot measure, and why | host |
//! | `harness` | Criterion, one cell after the other, and engines that judge each other | host |
//! | `bench` | a run as a library call: own query, own workload, or cells, by counted runs | host |
//! | `gate` | base against head by launches that take turns: verdicts, controls, an exit code | host |
//! | `inspect` | one run looked at closely: allocations, instructions | host |
//! | `inspected` | what it found of a cell, for the cell's later records | host |
//! | `filter` | which cells a filter means | host |
//! | `guarded`, `fuzzing` | a reader that panics on broken bytes; entries for the tests that try such readers | host |
//! | `report` | records and Criterion's folder in; a page, a table, JSON out | host |
//!
//! Dependencies point one way: `gate -> inspect, report`, `bench, gate, inspect -> harness -> doctor, inspected`, `report -> scaling, audit, catalog`, and `harness,
//! doctor, scaling, audit, inspected -> launch, referee, record, stats -> services, tables -> iceberg -> session, catalog ->
//! fixture, workload, answer -> settings, sql -> filter, checkout, variant -> measure, id, units` on the host, `bin -> session::serve -> engine -> workload, answer -> id, units`
//! in a program. Everything
//! that only the host needs is behind the feature `harness`.
//!
//! # The life of a measurement
//!
//! 1. The filter says which cells are meant; none ends the run before anything is started.
//! 2. The catalog finds or builds the engine's program; `tables` finds, makes or plans what the query reads.
//! 3. `Session::spawn` starts the program in its own process group; it opens the engine, loads the tables, takes the query.
//! 4. The engine counts its tables' rows, which have to be those of the files. One run, and its answer goes to the referee. A wrong
//!    one ends the cell here; one without a reference waits for the other engines' answers.
//! 5. Criterion asks for `n` iterations at a time; the program runs them, with one clock reading before and one after each.
//! 6. The last answer is checked again; where no reference vouches for it, all engines of the query have to agree. Samples, memory, CPU time and verdict become one record, flushed at once.
//!
//! # Invariants
//!
//! 1. Only `src/engine/<name>` names an engine's crate. No arrow, datafusion, duckdb or polars type crosses [`engine::Engine`].
//! 2. Everything but `src/engine/<name>` and its bin compiles with no engine feature on.
//! 3. A bench file and a bin file hold no logic; the global allocator is set in the bin, never here, and is recorded.
//! 4. The clock is in the process that runs the query. Nothing of the harness is inside the timed region.
//! 5. A failure is a record, never an abort: an engine that crashes, hangs, lies or is not there costs its own cells only.
//! 6. A number without a verified answer is never ranked.
//! 7. An engine's name is written once, in `engines.toml`; features, bins, files, folders of scripts and ids equal it.
//!
//! `tests/tidy.rs` checks of these what a test can check.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod answer;
pub mod engine;
pub mod fixture;
#[cfg(any(feature = "harness", feature = "iceberg"))]
pub mod iceberg;
pub mod id;
pub mod measure;
pub mod session;
pub mod units;
pub mod workload;

#[cfg(feature = "harness")]
pub mod audit;
#[cfg(feature = "harness")]
pub mod baseline;
#[cfg(feature = "harness")]
pub mod bench;
#[cfg(feature = "harness")]
pub mod catalog;
#[cfg(feature = "harness")]
pub mod checkout;
#[cfg(feature = "harness")]
mod checksum;
#[cfg(feature = "harness")]
pub mod doctor;
#[cfg(feature = "harness")]
pub mod filter;
#[cfg(feature = "harness")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "harness")]
pub mod gate;
#[cfg(feature = "harness")]
mod guarded;
#[cfg(feature = "harness")]
pub mod harness;
#[cfg(any(feature = "harness", feature = "instructions"))]
pub mod inspect;
#[cfg(feature = "harness")]
mod inspected;
#[cfg(feature = "harness")]
pub mod interrupt;
#[cfg(feature = "harness")]
mod launch;
#[cfg(feature = "harness")]
mod lock;
#[cfg(feature = "harness")]
pub mod output;
#[cfg(feature = "harness")]
pub mod paths;
#[cfg(feature = "harness")]
pub mod record;
#[cfg(feature = "harness")]
pub mod referee;
#[cfg(feature = "harness")]
pub mod report;
#[cfg(feature = "harness")]
pub mod scaling;
#[cfg(feature = "harness")]
mod scratch;
#[cfg(feature = "harness")]
pub mod services;
#[cfg(feature = "harness")]
pub mod settings;
#[cfg(feature = "harness")]
mod sql;
#[cfg(feature = "harness")]
pub mod stats;
#[cfg(feature = "harness")]
pub mod tables;
#[cfg(feature = "harness")]
pub mod variant;
