//! Marking results as what they are: simulated or estimated, although their records say that they were measured. A mark is an
//! annotation with who and when. The journal stays as it is, and the views go by the newest mark.

use anyhow::{Result, ensure};
use clap::{ArgGroup, Args};

use super::caller::author;
use super::decisions::decide;
use super::delete;
use super::names::{engine, machine_class, quoted};
use super::place::Place;
use super::store::Store;
use crate::host::terminal::output;

// What to mark, and as what. No doc comment: the command's help is at its variant.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("provenance").required(true)),
    group(ArgGroup::new("whose").required(true)),
    after_help = "Examples:
  history mark --machine QEMU --simulated --reason \"an emulated processor\"
  history mark --where \"engine_name = 'duckdb' AND started_at < '2026-11-01'\" --estimated --reason \"typed in by hand\" --dry-run
  history mark 20261120T120000Z-4711:3 --measured            undoes the marks of this result
A mark of a machine or an engine holds for results to come too. The newest mark counts, of whichever of the three.
Marked results are shown, and never ranked with measured ones: `history simulated` lists them."
)]
#[expect(clippy::struct_excessive_bools, reason = "flags, of which clap takes one")]
pub(super) struct Mark {
    /// The names of results, as `list` prints them
    #[arg(group = "whose")]
    records: Vec<String>,
    /// All results of a class of machines: its name, or a part of it that no other has
    #[arg(long, value_name = "CLASS", group = "whose")]
    machine: Option<String>,
    /// All results of an engine
    #[arg(long, value_name = "NAME", group = "whose")]
    engine: Option<String>,
    /// The results for which a condition over `measurements` holds now
    #[arg(long = "where", value_name = "SQL", group = "whose")]
    condition: Option<String>,
    /// A model or a simulator made the figures
    #[arg(long, group = "provenance")]
    simulated: bool,
    /// Somebody estimated the figures
    #[arg(long, group = "provenance")]
    estimated: bool,
    /// Undo marks: the results are again what their records say
    #[arg(long, group = "provenance")]
    measured: bool,
    /// Why, which is kept and shown
    #[arg(long, required_unless_present = "measured")]
    reason: Option<String>,
    /// Only show which results it would be
    #[arg(long)]
    dry_run: bool,
}

/// Whose mark it is.
enum Marked {
    /// A class of machines or an engine, with all that it will ever have: which of the two, and its name.
    All(&'static str, String),
    /// Single results.
    These,
}

impl Mark {
    /// Keeps the mark, or shows what it would do.
    ///
    /// # Errors
    /// When nothing is meant, or the history cannot be written.
    pub(super) fn run(&self, place: &Place) -> Result<()> {
        let reason = self.reason.as_deref().map_or("taken back", str::trim);
        ensure!(!reason.is_empty(), "say why: --reason \"...\" is kept with the mark and shown");
        let reading = place.reading()?;
        let (marked, meant) = self.meant(&reading)?;
        drop(reading);
        if self.dry_run {
            return delete::show(&meant, &format!("marked {}", self.kind()));
        }
        keep(&place.writing()?.0, &marked, &meant, (self.kind(), reason))?;
        let whose = match &marked {
            Marked::All(of, name) => format!(" of the {of} {name}, and those to come"),
            Marked::These => String::new(),
        };
        if self.measured {
            output::line(format_args!("{} results{whose}: marks taken back", meant.len()))
        } else {
            output::line(format_args!(
                "{} results{whose}: marked {}; `history mark ... --measured` takes it back",
                meant.len(),
                self.kind()
            ))
        }
    }

    /// Whether it has a condition of somebody's.
    pub(super) fn has_condition(&self) -> bool {
        self.condition.is_some()
    }

    /// The word of the provenance.
    fn kind(&self) -> &'static str {
        match (self.simulated, self.estimated) {
            (true, _) => "simulated",
            (_, true) => "estimated",
            _ => "measured",
        }
    }

    /// The results that are meant: their keys, and a line for people.
    fn meant(&self, store: &Store) -> Result<(Marked, Vec<(u64, String)>)> {
        if let Some(name) = &self.machine {
            let class = machine_class(store, name)?;
            let meant = delete::meant(store, &[], Some(&format!("machine_class = {}", quoted(&class))))?;
            return Ok((Marked::All("machine class", class), meant));
        }
        if let Some(name) = &self.engine {
            let name = engine(store, name)?;
            let meant = delete::meant(store, &[], Some(&format!("engine_name = {}", quoted(&name))))?;
            return Ok((Marked::All("engine", name), meant));
        }
        let meant = delete::meant(store, &self.records, self.condition.as_deref())?;
        Ok((Marked::These, meant))
    }
}

/// Keeps a mark for all, or one for each, in one transaction. It is newer than any before it, whatever the clock says.
fn keep(store: &Store, marked: &Marked, meant: &[(u64, String)], (kind, reason): (&str, &str)) -> Result<()> {
    const KEEP: &str = "
        INSERT INTO annotations
        SELECT left(md5(concat_ws(chr(10), said.whose, target, said.kind, said.why, stamp)), 16), said.whose, target, said.kind,
               said.why, said.author, stamp
        FROM (SELECT ?::VARCHAR AS whose, ?::VARCHAR AS kind, ?::VARCHAR AS why, ?::VARCHAR AS author) said, marked, (
            SELECT greatest(current_timestamp AT TIME ZONE 'UTC', max(written_at) + INTERVAL 1 MICROSECOND) AS stamp FROM annotations
        )";
    decide(store, |transaction| {
        transaction.execute_batch("CREATE OR REPLACE TEMP TABLE marked (target VARCHAR)")?;
        let of = match marked {
            Marked::All(of, name) => {
                transaction.execute("INSERT INTO marked VALUES (?)", [name])?;
                *of
            }
            Marked::These => {
                delete::stage(transaction, meant)?;
                transaction.execute_batch(
                    "INSERT INTO marked SELECT record FROM measurements SEMI JOIN meant USING (result)",
                )?;
                "result"
            }
        };
        transaction.execute(KEEP, [of, kind, reason, &author()]).map(drop)
    })
}
