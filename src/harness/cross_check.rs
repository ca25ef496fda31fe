//! Answers that no reference vouches for: the engines of a run are compared with each other. All agree, or nobody is right.
//!
//! The main function is [`resolve`]; [`judge`] is the rule by which it decides. Nothing is kept for another run: tables that are there already may hold other rows
//! tomorrow. What a reference says is the [`Referee`](crate::referee::Referee)'s business.

use anyhow::Result;

use super::plan::Programs;
use super::select::Cell;
use crate::answer::cause::{Said, causes};
use crate::answer::compare::{Difference, Precision, compare, compare_shown};
use crate::answer::groups::{AgreementGroup, Vote, groups, majority};
use crate::answer::summary::Buckets;
use crate::answer::{Answer, Dispute, Shown, Verdict};
use crate::fixture::Store;
use crate::launch::launch;
use crate::record::{Outcome, Record};
use crate::referee::UnverifiedAnswer;
use crate::settings::Settings;
use crate::tables;
use crate::workload::QuerySpec;

/// A cell that waits for the others.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) record: Record,
    /// What its engine answered, where that has to be compared with other engines.
    pub(crate) unverified: Option<UnverifiedAnswer>,
}

/// What it takes to ask an engine once more.
pub(crate) struct Engines<'a> {
    pub(crate) programs: &'a Programs<'a>,
    pub(crate) settings: &'a Settings,
    pub(crate) store: &'a Store,
}

impl Cell<'_> {
    /// Whether the answers of two cells can be compared with each other.
    pub(crate) fn asks_the_same(&self, other: &Cell<'_>) -> bool {
        self.id.query == other.id.query && self.id.scale == other.id.scale
    }
}

/// Judges cells of one query by each other, cells over the same data at a time. `cells` and `held` go together.
pub(crate) fn resolve(cells: &[&Cell<'_>], held: &mut [Held], engines: &Engines<'_>) {
    let Some(first) = cells.first() else { return };
    let query = first.parts.query;
    let text = first.parts.workload.text(query, "canonical", first.id.scale);
    let sql = text.map(|query| query.sql).unwrap_or_default();
    // One that failed after its first answer waits for nobody.
    for Held { record, unverified } in held.iter_mut() {
        if unverified.is_some() && record.outcome != Outcome::Measured {
            record.verdict = None;
        }
    }
    let mut data: Vec<Option<String>> = held.iter().map(|held| held.record.dataset.sha256.clone()).collect();
    data.sort();
    data.dedup();
    for data in data {
        let heard: Vec<(usize, Testimony<'_>)> = held
            .iter()
            .enumerate()
            .filter_map(|(place, held)| Some((place, held.testimony(data.as_deref())?)))
            .collect();
        let (places, said): (Vec<usize>, Vec<Testimony<'_>>) = heard.into_iter().unzip();
        let rows = |place: usize, buckets: &Buckets| rows_in(cells[places[place]], engines, buckets).ok();
        let verdicts = verdicts(query, &sql, &said, engines.settings.accept_majority, &rows);
        for (place, verdict) in places.into_iter().zip(verdicts) {
            held[place].record.verdict = Some(verdict);
        }
    }
}

/// The rows of some buckets, by a fresh program.
fn rows_in(cell: &Cell<'_>, engines: &Engines<'_>, buckets: &Buckets) -> Result<Answer> {
    let (parts, settings) = (cell.parts, engines.settings);
    let Ok(program) = &engines.programs[cell.id.engine.as_str()] else { anyhow::bail!("its program is gone") };
    let text = parts.workload.text(parts.query, &parts.engine.dialect, cell.id.scale)?;
    let names = &parts.query.tables;
    let found = tables::dataset(parts.workload, names, cell.id.scale, parts.variant.format, settings, engines.store)?;
    let mut session = launch(parts.engine, parts.variant, program, settings, &found.dataset, &text, false)?.session;
    session.run(1)?;
    Ok(session.rows_in(buckets.clone())?)
}

impl Held {
    /// What its engine says, if that is about this data and the cell was measured.
    fn testimony(&self, data: Option<&str>) -> Option<Testimony<'_>> {
        let Self { record, unverified } = self;
        let unverified = unverified.as_ref()?;
        let counts = record.outcome == Outcome::Measured && record.dataset.sha256.as_deref() == data;
        counts.then_some(Testimony {
            engine: &record.id.engine,
            components: &unverified.components,
            answer: &unverified.answer,
            changed: unverified.changed.as_ref(),
            cautions: &record.dataset.cautions,
        })
    }
}

/// What one engine says of a query that no reference answers.
#[derive(Debug, Clone, Copy)]
pub struct Testimony<'a> {
    /// Its name.
    pub engine: &'a str,
    /// What it is built on: engines that share a component are one vote.
    pub components: &'a [String],
    /// Its answer.
    pub answer: &'a Shown,
    /// Another answer that it gave later.
    pub changed: Option<&'a Shown>,
    /// What to know of the data before the answer is believed.
    pub cautions: &'a [String],
}

/// Judges engines by each other: a verdict for each of them, in the order in which they are given. This is what a run says of its
/// cells, but that nobody is asked for the rows in which two sums differ.
pub fn judge(query: &QuerySpec, sql: &str, said: &[Testimony<'_>], accepts_majority: bool) -> Vec<Verdict> {
    verdicts(query, sql, said, accepts_majority, &|_, _| None)
}

/// Gives the rows of some buckets of the engine at a place.
type Rows<'a> = &'a dyn Fn(usize, &Buckets) -> Option<Answer>;

fn verdicts(
    query: &QuerySpec,
    sql: &str,
    said: &[Testimony<'_>],
    accepts_majority: bool,
    rows: Rows<'_>,
) -> Vec<Verdict> {
    // An engine that contradicts itself disagrees with somebody by either answer, and supports nobody.
    let votes = said.iter().enumerate().flat_map(|(place, engine)| {
        let components: &[String] = if engine.changed.is_none() { engine.components } else { &[] };
        let answers = [Some(engine.answer), engine.changed];
        answers.into_iter().flatten().map(move |answer| Vote { place, components, answer })
    });
    let groups = groups(votes, query);
    let agreed = |group: &AgreementGroup<'_>, dissent: Vec<String>| {
        let components = group.components();
        if components.len() < 2 {
            let components = components.join(", ");
            let reason = format!(
                "no engine that is independent of {components} answered: name engines that share no component with it \
                 (cargo xtask engines shows them), and they vouch for each other"
            );
            return Verdict::Unchecked { reason };
        }
        Verdict::Agreed { components, dissent }
    };
    if let [all] = groups.as_slice() {
        return vec![agreed(all, Vec::new()); said.len()];
    }
    let Some(difference) = first_difference(query, sql, said, &groups, rows) else {
        // Nothing says that they differ, and nothing says that they do not.
        let incomparable = groups
            .first()
            .zip(groups.get(1))
            .and_then(|(one, other)| compare_shown(one.answer(), other.answer(), query, Precision::Full).err());
        let reason = incomparable.map_or_else(|| "no answer to compare".to_owned(), |why| why.to_string());
        return vec![Verdict::Unchecked { reason }; said.len()];
    };
    let accepted = majority(&groups).filter(|_| accepts_majority);
    let named = |group: &AgreementGroup<'_>| {
        let mut names: Vec<String> = group.members().into_iter().map(|place| said[place].engine.to_owned()).collect();
        names.dedup();
        names
    };
    let dispute =
        Dispute { groups: groups.iter().map(named).collect(), difference: difference.text, causes: difference.causes };
    let verdict = |place: usize| match accepted {
        Some(group) if group.members().contains(&place) && said[place].changed.is_none() => {
            let others = said.iter().enumerate().filter(|(other, _)| !group.members().contains(other));
            agreed(group, others.map(|(_, other)| other.engine.to_owned()).collect())
        }
        _ => Verdict::Disputed(dispute.clone()),
    };
    (0..said.len()).map(verdict).collect()
}

/// A difference in words.
struct Found {
    text: String,
    causes: Vec<String>,
}

/// The first difference between the first two groups; `None` when they cannot be compared at all.
fn first_difference(
    query: &QuerySpec,
    sql: &str,
    said: &[Testimony<'_>],
    groups: &[AgreementGroup<'_>],
    rows: Rows<'_>,
) -> Option<Found> {
    let [first, second, ..] = groups else { return None };
    // Within a tolerance, not every two of them need to differ.
    let mut pairs = first.votes.iter().flat_map(|one| second.votes.iter().map(move |other| [one, other]));
    let (difference, [one, other]) = pairs.find_map(|[one, other]| {
        let found = compare_shown(one.answer, other.answer, query, Precision::Full).err()?;
        (!matches!(found, Difference::Incomparable(_))).then_some((found, [one, other]))
    })?;
    let engine = |vote: &Vote<'_>| said[vote.place].engine;
    let names = if one.place == other.place {
        // The two answers of an engine that contradicts itself.
        [format!("{} at first", engine(one)), format!("{} later", engine(other))]
    } else {
        [engine(one), engine(other)].map(str::to_owned)
    };
    let sides = [one.answer, other.answer];
    let asked = match (&difference, rows_of([one, other], &difference, rows)) {
        (Difference::Sums { .. }, Some([ours, theirs])) => {
            compare(&ours, &theirs, query, Precision::Full).err().map(|found| (found, [ours, theirs]))
        }
        _ => None,
    };
    let told = match (&asked, sides) {
        (Some((difference, [ours, theirs])), _) => told(difference, [ours, theirs], &names),
        (None, [Shown::Rows(ours), Shown::Rows(theirs)]) => told(&difference, [ours, theirs], &names),
        (None, _) => Found { text: format!("{} against {}: {difference}", names[1], names[0]), causes: Vec::new() },
    };
    let cautions = said.iter().flat_map(|engine| engine.cautions).cloned();
    let mut causes: Vec<String> = told.causes.into_iter().chain(cautions).chain(hint(sql)).collect();
    causes.dedup();
    Some(Found { text: told.text, causes })
}

fn rows_of(votes: [&Vote<'_>; 2], difference: &Difference, rows: Rows<'_>) -> Option<[Answer; 2]> {
    let Difference::Sums { buckets, .. } = difference else { return None };
    Some([rows(votes[0].place, buckets)?, rows(votes[1].place, buckets)?])
}

/// A difference with who says what.
fn told(difference: &Difference, sides: [&Answer; 2], names: &[String; 2]) -> Found {
    let [one, other] = names;
    match difference {
        Difference::Value { row, column, expected, actual } => {
            let whole = sides[1].rows.get(row - 1).map(|row| shown(row)).unwrap_or_default();
            let place = sides[1].columns.iter().position(|known| known.name == *column);
            let place = place.or_else(|| sides[0].columns.iter().position(|known| known.name == *column));
            let kinds = place.map(|place| sides.map(|side| side.columns[place].kind));
            let (ours, theirs) = (expected.trim_matches('\''), actual.trim_matches('\''));
            let said = |kind, text| Said { kind, text: Some(text).filter(|text| *text != "NULL") };
            let causes = kinds.map(|[a, b]| causes(said(a, ours), said(b, theirs)));
            Found {
                text: format!("row {row}, {column}: {one} says {expected}, {other} says {actual} (in the row {whole})"),
                causes: causes.unwrap_or_default(),
            }
        }
        Difference::Rows { expected, actual, first } => {
            let longer = if expected > actual { one } else { other };
            Found {
                text: format!(
                    "{one} has {expected} rows, {other} has {actual}; first row that only {longer} has: {first}"
                ),
                causes: Vec::new(),
            }
        }
        difference => Found { text: format!("{other} against {one}: {difference}"), causes: Vec::new() },
    }
}

fn shown(row: &[Option<String>]) -> String {
    row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(", ")
}

/// What may be no engine's fault.
fn hint(sql: &str) -> Option<String> {
    crate::sql::has_word(sql, &["limit", "top", "fetch", "sample", "tablesample"]).then(|| {
        "with a LIMIT, engines may rightly differ in rows that tie at its end, or in where NULLs sort: make the ORDER BY \
         unique, and write NULLS FIRST or NULLS LAST"
            .to_owned()
    })
}
