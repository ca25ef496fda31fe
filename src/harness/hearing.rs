//! Answers that no reference vouches for: the engines of a run are held against each other, and what most of them say stands.
//!
//! So it is for tables that are there already, which may hold other rows tomorrow: nothing is kept for another run. What a
//! reference says is the [`Referee`](crate::referee::Referee)'s business.

use super::finish::withdraw;
use super::select::Cell;
use crate::answer::camps::{Camp, Voice, camps, majority};
use crate::answer::compare::{Difference, Precision, compare};
use crate::answer::{Answer, Verdict};
use crate::record::{Outcome, Record};
use crate::referee::Heard;
use crate::workload::QuerySpec;

/// A cell that waits for the others.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) record: Record,
    /// What its engine answered, if it did.
    pub(crate) heard: Option<Heard>,
}

impl Cell<'_> {
    /// Whether the answers of two cells can be held against each other.
    pub(crate) fn asks_the_same(&self, other: &Cell<'_>) -> bool {
        self.id.query == other.id.query && self.id.scale == other.id.scale
    }

    /// Judges all cells that ask the same as this one by each other.
    pub(crate) fn settle(&self, held: &mut [Held]) {
        let text = self.parts.workload.text(self.parts.query, "canonical", self.id.scale);
        settle(self.parts.query, &text.map(|query| query.sql).unwrap_or_default(), held);
    }
}

/// Judges all cells of one query by each other: the [`majority`] is right, and where there is none, nobody is. Cells over
/// unlike data have nothing to say of each other.
fn settle(query: &QuerySpec, sql: &str, held: &mut [Held]) {
    // One that failed after its first answer waits for nobody.
    for Held { record, heard } in held.iter_mut() {
        let waits = heard.is_some() && matches!(record.verdict, Some(Verdict::Unchecked(_)));
        if waits && record.outcome != Outcome::Measured {
            record.verdict = None;
        }
    }
    let mut data: Vec<Option<String>> = held.iter().map(|held| held.record.dataset.sha256.clone()).collect();
    data.sort();
    data.dedup();
    for data in data {
        let verdicts = verdicts(query, sql, held, data.as_deref());
        for (place, verdict) in verdicts {
            let record = &mut held[place].record;
            if let Verdict::Wrong(difference) = &verdict {
                withdraw(record);
                record.outcome = Outcome::Failed;
                record.reason = Some(format!("wrong answer: {difference}"));
            }
            record.verdict = Some(verdict);
        }
    }
}

fn verdicts(query: &QuerySpec, sql: &str, held: &[Held], data: Option<&str>) -> Vec<(usize, Verdict)> {
    let voices: Vec<(usize, &str, &Heard)> = held
        .iter()
        .enumerate()
        .filter(|(_, held)| held.record.outcome == Outcome::Measured && held.record.dataset.sha256.as_deref() == data)
        .filter_map(|(place, held)| Some((place, held.record.id.engine.as_str(), held.heard.as_ref()?)))
        .collect();
    let steady = voices.iter().filter(|(_, _, heard)| heard.changed.is_none());
    let steady = steady.map(|&(place, _, heard)| Voice { place, family: &heard.family, answer: &heard.answer });
    let camps = camps(steady, query);
    let speaker = |camp: &Camp<'_>| held[camp.members[0]].record.id.engine.as_str();
    let judge = |&(place, engine, heard): &(usize, &str, &Heard)| {
        let verdict = match majority(&camps) {
            Some(camp) if camp.members.contains(&place) => Verdict::Consensus(camp.families.len()),
            Some(camp) => {
                let answers = [Some(&heard.answer), heard.changed.as_ref()];
                let differs = answers.into_iter().flatten().find_map(|answer| {
                    let side = Side { name: engine, answer };
                    difference(&Side { name: &most(camp, speaker(camp)), answer: camp.answer }, &side, query, sql)
                });
                match differs {
                    // Nobody said which rows are meant, so those of most engines are no more right than others.
                    Some(differs) if query.order.is_empty() && leaves_rows_open(sql) => Verdict::Unchecked(differs),
                    Some(differs) => Verdict::Wrong(differs),
                    None => Verdict::Wrong("its answer changed while it was measured".to_owned()),
                }
            }
            None => {
                let sides: Vec<Side<'_>> =
                    camps.iter().map(|camp| Side { name: speaker(camp), answer: camp.answer }).collect();
                // Each is told of a camp that it is not in.
                let joined = camps.first().is_some_and(|camp| camp.members.contains(&place));
                Verdict::Unchecked(undecided((engine, heard), &sides, joined, query, sql))
            }
        };
        (place, verdict)
    };
    voices.iter().map(judge).collect()
}

/// Whether a text may rightly be answered with other rows: a LIMIT, where rows tie or have no order.
fn leaves_rows_open(sql: &str) -> bool {
    says(sql, &["limit", "fetch", "sample", "tablesample"])
}

/// Whether one of these words stands in a text, in whatever case.
fn says(sql: &str, words: &[&str]) -> bool {
    let text = sql.to_lowercase();
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| words.contains(&word))
}

/// Why an answer stays unchecked where most engines say nothing in common; it may be `in_first` of their camps.
fn undecided(
    (engine, heard): (&str, &Heard),
    camps: &[Side<'_>],
    in_first: bool,
    query: &QuerySpec,
    sql: &str,
) -> String {
    if let Some(later) = &heard.changed {
        let before = Side { name: "the first run", answer: &heard.answer };
        let after = Side { name: "the last", answer: later };
        let differs = difference(&before, &after, query, sql).unwrap_or_default();
        return format!("its answer changed while it was measured: {differs}");
    }
    let [first, second, ..] = camps else {
        return "no other, independent engine answered: name two or more, which then vouch for each other".to_owned();
    };
    let other = if in_first { second } else { first };
    let ours = Side { name: engine, answer: &heard.answer };
    let differs = difference(other, &ours, query, sql).or_else(|| difference(first, second, query, sql));
    format!("the engines disagree, and none has a majority: {}", differs.unwrap_or_default())
}

/// The engines of a camp, as a message names them.
fn most(camp: &Camp<'_>, speaker: &str) -> String {
    let others = camp.families.len().saturating_sub(1);
    if others == 0 { speaker.to_owned() } else { format!("{speaker} (and {others} more)") }
}

/// An answer and whose it is.
struct Side<'a> {
    name: &'a str,
    answer: &'a Answer,
}

/// The first difference, with who says what; `None` where there is none.
fn difference(theirs: &Side<'_>, ours: &Side<'_>, query: &QuerySpec, sql: &str) -> Option<String> {
    let found = compare(theirs.answer, ours.answer, query, Precision::Full).err()?;
    let text = match found {
        Difference::Value { row, column, expected, actual } => {
            let whole = ours.answer.rows.get(row - 1).map(|row| shown(row)).unwrap_or_default();
            format!(
                "row {row}, {column}: {} says {expected}, {} says {actual} (in the row {whole})",
                theirs.name, ours.name
            )
        }
        Difference::Rows { expected, actual, first } => {
            let longer = if expected > actual { theirs } else { ours };
            format!(
                "{} has {expected} rows, {} has {actual}; first row that only {} has: {first}",
                theirs.name, ours.name, longer.name
            )
        }
        other => format!("{} against {}: {other}", ours.name, theirs.name),
    };
    Some(text + &hint(sql))
}

fn shown(row: &[Option<String>]) -> String {
    row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(", ")
}

/// What may be no engine's fault.
fn hint(sql: &str) -> String {
    if !says(sql, &["limit", "top", "fetch"]) {
        return String::new();
    }
    "; with a LIMIT, engines may rightly differ in rows that tie at its end, or in where NULLs sort: make the ORDER BY \
     unique, and write NULLS FIRST or NULLS LAST"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Column, Kind};

    fn held(engine: &str, family: &str, values: &[&str]) -> Held {
        let mut record: Record = serde_json::from_str(include_str!("../../tests/records/measured.json")).unwrap();
        record.id.engine = engine.to_owned();
        record.verdict = None;
        Held { record, heard: Some(Heard { family: family.to_owned(), answer: answer(values), changed: None }) }
    }

    fn answer(values: &[&str]) -> Answer {
        let columns = vec![Column { name: "n".to_owned(), kind: Kind::Int }];
        Answer { columns, rows: values.iter().map(|value| vec![Some((*value).to_owned())]).collect() }
    }

    fn settled(sql: &str, mut held: Vec<Held>) -> Vec<(Outcome, Verdict)> {
        let query = toml::from_str("name = 'q'\ntitle = ''\ntables = []").unwrap();
        settle(&query, sql, &mut held);
        held.into_iter().map(|held| (held.record.outcome, held.record.verdict.unwrap())).collect()
    }

    #[test]
    fn most_engines_are_right_and_the_first_difference_says_who_says_what() {
        let cells = vec![held("a", "a", &["1", "2"]), held("b", "b", &["1", "3"]), held("c", "c", &["2", "1"])];
        let found = settled("SELECT n", cells);
        assert_eq!(found[0], (Outcome::Measured, Verdict::Consensus(2)));
        assert_eq!(found[2].1, Verdict::Consensus(2));
        let (Outcome::Failed, Verdict::Wrong(why)) = &found[1] else { panic!("{found:?}") };
        assert_eq!(why, "row 2, n: a (and 1 more) says 2, b says 3 (in the row 3)");
    }

    #[test]
    fn where_a_limit_leaves_the_rows_open_the_others_are_unchecked_and_not_wrong() {
        let cells = || vec![held("a", "a", &["1"]), held("b", "b", &["1"]), held("c", "c", &["2"])];
        let found = settled("SELECT n ORDER BY m Limit 1", cells());
        assert_eq!(found[0], (Outcome::Measured, Verdict::Consensus(2)));
        let (Outcome::Measured, Verdict::Unchecked(why)) = &found[2] else { panic!("{found:?}") };
        assert!(why.contains("a (and 1 more) says 1, c says 2") && why.contains("ORDER BY"), "{why}");
        // A column may be called so.
        assert!(matches!(settled("SELECT limits", cells())[2], (Outcome::Failed, Verdict::Wrong(_))));
    }

    #[test]
    fn without_a_majority_nobody_is_right_and_a_tie_is_hinted_at() {
        let found = settled("SELECT n LIMIT 2", vec![held("a", "a", &["1"]), held("b", "b", &["1", "2"])]);
        for (outcome, verdict) in found {
            assert_eq!(outcome, Outcome::Measured);
            let Verdict::Unchecked(why) = verdict else { panic!("{verdict:?}") };
            assert!(why.contains("first row that only b has: 2") && why.contains("ORDER BY"), "{why}");
        }
    }

    #[test]
    fn two_programs_of_one_engine_are_one_voice() {
        for cells in [vec![held("a", "a", &["1"])], vec![held("a", "a", &["1"]), held("a-wheel", "a", &["1"])]] {
            for (_, verdict) in settled("", cells) {
                assert!(matches!(&verdict, Verdict::Unchecked(why) if why.contains("no other, independent engine")));
            }
        }
    }

    #[test]
    fn an_answer_that_changed_and_cells_over_other_data_are_no_voice() {
        let mut changed = held("a", "a", &["1"]);
        changed.heard.as_mut().unwrap().changed = Some(answer(&["9"]));
        let mut later = held("b", "b", &["1"]);
        later.record.dataset.sha256 = Some("other".to_owned());
        let found = settled("", vec![changed, later, held("c", "c", &["1"])]);
        assert!(matches!(&found[0].1, Verdict::Unchecked(why) if why.contains("the first run says 1")), "{found:?}");
        assert!(found.iter().all(|(_, verdict)| !verdict.verified()));
    }
    #[test]
    fn one_that_failed_after_its_first_answer_waits_for_nobody() {
        let query = toml::from_str("name = 'q'\ntitle = ''\ntables = []").unwrap();
        let waiting = || Some(Verdict::Unchecked("held against each other".to_owned()));
        let mut cells = vec![held("a", "a", &["1"]), held("b", "b", &["1"]), held("c", "c", &["1"])];
        for (cell, verdict) in cells.iter_mut().zip([waiting(), Some(Verdict::Wrong(String::new())), waiting()]) {
            cell.record.verdict = verdict;
        }
        for cell in &mut cells[..2] {
            cell.record.outcome = Outcome::Failed;
        }
        settle(&query, "", &mut cells);
        assert_eq!(cells[0].record.verdict, None);
        assert!(matches!(cells[1].record.verdict, Some(Verdict::Wrong(_))));
        assert!(matches!(&cells[2].record.verdict, Some(Verdict::Unchecked(why)) if why.contains("no other")));
    }
}
