//! The history: every result that was ever recorded, in one DuckDB file that people query. The main type is [`store::Store`].
//!
//! The journal (`.querydyno/records/*.jsonl`, and beside it what was imported) is written first and is what nothing brings back; the
//! history is made of it and can be made again. What no record says, annotations, deletions and alerts, is kept a second time in
//! `history.duckdb.decisions.jsonl` beside it. Only this program opens the history, or while it runs the server, which
//! then runs this program's commands ([`served`]); so a bench never waits for it. Before each command what is new in the journal is taken in, once: a result's key is made of its run,
//! its cell and its time.
//!
//! `cargo xtask history sql "FROM best_engine_per_query"`, and `--help` for the rest.
//!
//! # Tables
//!
//! ```text
//!  machines ─┐                                    ┌─ metrics        a figure of a result, with its samples
//!  engines  ─┤                                    │
//!  tasks    ─┼──< results >── one for each cell ──┼─ annotations    what somebody says of a result, cell, series, run ...
//!  datasets ─┤       │        and run             │
//!  plans    ─┤       │                            │
//!  runs     ─┘       │                            └─ deleted_results  never taken in again
//!                    └─ journal_file, journal_line: journal_files, journal_left_out
//! ```
//!
//! A key named after its table points to it: `results.machine` is `machines.machine`. Keys are 16 hexadecimal digits over what is in
//! the row, but for `runs.run`, the id that records have, and `results.result`, a 64-bit hash of run, cell and time. NULL is what
//! could not be learned, never 0. Times without a unit in their name are UTC.
//!
//! | table | column | what |
//! |---|---|---|
//! | `machines` | `class` | the machines whose results are comparable: processor, cores, memory as it is sold, governor, virtualised |
//! | | `cpu`, `cores`, `memory_bytes`, `kernel`, `governor`, `virtualised` | the parts; a new kernel is a new row and no new class |
//! | | `gpus` | graphics processors that compute; empty where there are none |
//! | | `name` | what a file that was imported calls it |
//! | `engines` | `name`, `version`, `kind` | as in ids, the engine's own version, `embedded`, `service`, `script`, `own` or `imported` |
//! | | `compiler`, `flags`, `allocator`, `source` | how its program was built |
//! | | `settings` | that are not the engine's defaults |
//! | | `program` | checksum of the program that ran: its file, for a script engine its files and packages |
//! | | `options` | that its entry gives it, by the engine's own names |
//! | `tasks` | `suite`, `query`, `text_sha256`, `sql` | the text's checksum is its version; `sql` where it stands in no file of ours |
//! | `datasets` | `suite`, `scale`, `scale_factor`, `format`, `sha256`, `layout` | `sf1` is 1.0; checksum over the files of the query's tables |
//! | `plans` | `sha256`, `text` | how an engine would run a query, in its own words without paths and sizes; the checksum is of the whole text |
//! | `runs` | `started_at`, `last_cell_at` | when the first and the last cell began that were taken in |
//! | | `command`, `git_commit`, `git_dirty` | how it was called, from which source |
//! | `results` | `cell`, `series`, `started_at` | `duckdb/q1/sf1/parquet`; the key of what may be compared over time; when the cell began |
//! | | `outcome`, `reason`, `failure`, `stderr` | `measured`, `skipped` or `failed`; why; the failure's kind; the program's last lines |
//! | | `verdict`, `verdict_detail`, `verified` | `official`, `reference`, `agreed`, `disputed`, `unchecked`, `wrong`; whether it may be ranked |
//! | | `answer_rows`, `answer_digest`, `input_rows` | rows of the answer, its fingerprint, rows of the tables |
//! | | `plan` | which of `plans`; NULL where the engine tells none |
//! | | `variant`, `mode`, `cache`, `threads`, `memory_limit_bytes`, `parallel` | the conditions; `parallel` engines ran at once |
//! | | `accept_majority`, `environment`, `inspects` | whether most decide; variables; `heap` or `instructions` where it was not timed |
//! | | `iterations`, `warm_up_ns` | of each sample; each run before the samples, in nanoseconds |
//! | | `provenance`, `provenance_reason` | `measured`, `simulated`, `imported`, `estimated`, as the record says; why, or from which file |
//! | | `journal_file`, `journal_line` | where the record is; `file:line` without its ending is the record's name in reports |
//! | | `checksum` | over this row and its figures, by DuckDB's `hash` as they were taken in |
//! | `metrics` | `name`, `unit` | as in [`metric`](crate::host::record::metric): `time` in `ns`; `imported:` is another tool's figure |
//! | | `value`, `samples` | the median, or the one value there is; every value where there are several |
//! | | `source`, `taken_at` | by which tool, when, where that differs |
//! | `annotations` | `of`, `target`, `kind`, `text`, `author`, `written_at` | `result`, `cell`, `series` ... and which; `note`, `workaround` or `level`, or a mark: `simulated`, `estimated`, `measured` |
//! | `alerts` | `series`, `metric`, `kind`, `alerted_at` | a change that was told by `changes --alert`: `step` or `drift` |
//! | | `result`, `earliest`, `latest` | the first result of the new level, the first and the last that it may be |
//! | | `started_at`, `earliest_at`, `latest_at` | when these three began |
//! | | `ratio`, `ratio_low`, `ratio_high` | how many times the level before the new one is |
//! | `deleted_results` | `result`, `cell`, `reason`, `author`, `deleted_at` | |
//! | `journal_files` | `file`, `bytes`, `modified_ns`, `taken_in_at` | the file as it was when it was read, and when |
//! | | `taken_bytes`, `taken_lines`, `checksum`, `reads_schema` | up to where it was taken in, XXH3 up to there, the newest schema that could be read |
//! | | `rewritten` | whether `check` has to read its records again: what was taken in of it was something else later, or checksums were written anew |
//! | `totals` | `results`, `checksum`, `hashed_by` | how many results were taken in and not deleted, the exclusive or of their checksums, whose `hash` that is and of which schema |
//! | `journal_left_out` | `file`, `line`, `reason` | whole lines that are no record; told once, read again by a version that reads more |
//! | `migrations` | `version`, `name`, `applied_at` | this schema's own |
//!
//! | view | a row for |
//! |---|---|
//! | `marks` | each result that somebody has marked: the newest mark, by whom and when; none where that is `measured`, which takes the marks before it back |
//! | `measurements` | each result with all names, `time_ns`, `cpu_time_ns` and `peak_memory_bytes`, and whether it is `comparable`; provenance by its mark |
//! | `latest` | each cell on each class of machine: the newest result; one that was interrupted, or had no engine or no tables, takes the place of none |
//! | `best_engine_per_query` | each query under the same conditions, `network` among them: the fastest; what is not measured has rows of its own |
//! | `series` | all that may be compared over time, of one provenance |
//! | `failures` | each failure, wrong answer and dispute, and whether the cell was verified since |
//! | `compatibility` | each engine and query: works, unsupported, failed, wrong, and since which version; what was interrupted says nothing |
//! | `availability` | each engine, machine and run: found or not, and why |
//! | `plan_changes` | each result of a series whose plan is not that of the one before, with both records and the ratio of their times |

mod alerts;
mod analysis;
mod annotate;
mod backup;
mod caller;
mod changes;
mod chart;
mod check;
mod checksums;
mod command;
mod compare;
mod decided;
mod decisions;
mod delete;
mod demo;
mod error;
mod form;
mod format;
mod import;
mod journal;
mod level;
mod mark;
mod names;
mod newest;
mod place;
mod plans;
mod points;
mod query;
mod rows;
mod schema;
pub mod served;
mod simulate;
mod simulated;
mod stage;
mod staging;
mod statements;
pub mod store;
mod take_in;
mod trend;
mod validate;

use std::process::ExitCode;

use clap::Parser as _;

use crate::host::terminal::show_notes;
pub use error::{Error, Unmeant};
pub use format::Format;
use served::ask::Ran;

/// The whole `main` of the program: 0 where all is well, 1 where it is not, 2 for what could not be meant.
pub fn main() -> ExitCode {
    show_notes();
    let cli = match command::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    // Ctrl-C ends it as any signal does: whatever it was at is in as a whole, or not at all.
    // A server that owns it runs it for us, or leaves us the file for as long as this connection lives.
    let ran = served::ask::ask(&cli).and_then(|ran| match ran {
        Ran::There(code) => Ok(code),
        Ran::Here(_lent) => cli.run(),
    });
    match ran {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Unmeant>() { 2 } else { 1 })
        }
    }
}
