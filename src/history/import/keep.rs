//! Showing what an import would take in, and doing it: one file of the journal for a call, which appears whole or not at all.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use super::item::Is;
use super::plan::{Part, Plan};
use super::{Import, Kind};
use crate::history::journal::IMPORTED;
use crate::history::stage::reached;
use crate::history::store::sync;
use crate::history::take_in::TakenIn;
use crate::host::checksum::sha256;
use crate::host::files::write_whole;
use crate::host::paths;
use crate::host::terminal::output::{self, plain_table};

/// So many engines and queries are shown of one file, and so many things that do not fit.
const SHOWN: usize = 40;

impl Import {
    /// Shows the plan and, where the user said `--yes`, takes it in.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing is taken in.
    pub(in crate::history) fn finish(
        &self,
        plan: &Plan,
        take_in: impl FnOnce() -> Result<TakenIn>,
    ) -> Result<ExitCode> {
        plan.parts.iter().try_for_each(show)?;
        let [new, deleted] = [Is::New, Is::Deleted].map(|is| plan.count(is));
        let (misfits, (known, rows)) = (plan.misfits(), plan.known());
        let mut rest = String::new();
        if known > 0 {
            rest += &format!(", {known} are there already");
        }
        if rows > 0 {
            rest += &format!(", {rows} rows known already");
        }
        if deleted > 0 {
            rest += &format!(", {deleted} were deleted on purpose and stay away");
        }
        if misfits > 0 {
            rest += &format!(", {}", entries(misfits));
        }
        if !self.yes {
            let advice = if misfits > 0 { "--yes --leave-out takes in the rest" } else { "--yes does it" };
            output::line(format_args!("{new} results would be taken in{rest}; nothing was: {advice}"))?;
        } else if misfits > 0 && !self.leave_out {
            output::line(format_args!(
                "nothing was taken in: {}; mend that, or add --leave-out to take in the other {new} results",
                entries(misfits)
            ))?;
        } else if new == 0 {
            output::line(format_args!("nothing new{rest}"))?;
        } else {
            let file = write(plan)?;
            let imported = || format!("{new} results are in {}, and any next command takes them in", file.display());
            take_in().with_context(imported)?;
            output::line(format_args!("{new} results taken in{rest}; their journal is {}", file.display()))?;
        }
        let is_whole = misfits == 0 || (self.yes && self.leave_out);
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Writes what is new as a file of the journal. Its name is its content's checksum: the same call a second time is the same file.
fn write(plan: &Plan) -> Result<PathBuf> {
    let items = plan.parts.iter().flat_map(|part| &part.results).filter(|item| item.is == Is::New);
    let text = items.fold(String::new(), |text, item| text + &item.line + "\n");
    let name = format!("imported-{}.jsonl", &sha256(&text)[..16]);
    let file = paths::home().join(IMPORTED).join(name);
    reached("import-read");
    write_whole(&file, text.as_bytes())
        .and_then(|()| sync(&file))
        .with_context(|| format!("cannot write {}: nothing was taken in", file.display()))?;
    reached("import-written");
    Ok(file)
}

/// What is in a file: how many results of which engine and query, what does not fit, what to know.
fn show(part: &Part) -> Result<()> {
    let Part { path, kind, results, misfits, notes } = part;
    let title = kind.map_or("of no kind that is known", Kind::title);
    output::line(format_args!("{path}: {title}, {} results", results.len()))?;
    if let Some(rule) = kind.map(Kind::rule).filter(|_| !results.is_empty()) {
        output::line(format_args!("  names: {rule}"))?;
    }
    for note in notes {
        output::line(format_args!("  note: {note}"))?;
    }
    let mut by_name = BTreeMap::<(&str, &str), [usize; 2]>::new();
    for item in results {
        let [all, new] = by_name.entry((item.engine.as_str(), item.query.as_str())).or_default();
        *all += 1;
        *new += usize::from(item.is == Is::New);
    }
    if !by_name.is_empty() {
        let mut table = plain_table(["  engine", "query", "results", "new"], 2..4);
        for ((engine, query), [all, new]) in by_name.iter().take(SHOWN) {
            table.add_row([format!("  {engine}"), (*query).to_owned(), all.to_string(), new.to_string()]);
        }
        output::line(table.trim_fmt())?;
    }
    more(by_name.len(), "engines and queries")?;
    for misfit in misfits.iter().take(SHOWN) {
        output::line(format_args!("  DOES NOT FIT: {} {}", misfit.place, misfit.reason))?;
    }
    more(misfits.len(), "that do not fit")
}

fn entries(misfits: usize) -> String {
    if misfits == 1 { "1 entry does not fit".to_owned() } else { format!("{misfits} entries do not fit") }
}

fn more(all: usize, what: &str) -> Result<()> {
    let left = all.saturating_sub(SHOWN);
    if left > 0 { output::line(format_args!("  ... and {left} more {what}")) } else { Ok(()) }
}
