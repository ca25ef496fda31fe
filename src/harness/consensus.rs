//! Reference answers where nobody published any: what independent engines agree on.
//!
//! `cargo xtask answers` makes them; a run over several engines makes those it misses by itself.

use anyhow::{Context, Result, bail};

use crate::answer::camps::{self, camps, majority};
use crate::answer::compare::{Precision, compare};
use crate::answer::{Answer, Kind};
use crate::catalog::Entry;
use crate::fixture::Store;
use crate::id::Scale;
use crate::launch::{Launched, launch};
use crate::referee::family_of;
use crate::session::{Failure, FailureKind, Program};
use crate::settings::Settings;
use crate::variant::{PARQUET, Variant};
use crate::workload::{QuerySpec, Workload};

/// An answer on which so many engines agree.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// The answer, from the engine whose types lose the least.
    pub answer: Answer,
    /// Who gave it, one engine of each family: `duckdb 2.0.0`.
    pub engines: Vec<String>,
}

/// One engine's say.
struct Voice {
    name: String,
    answer: Answer,
}

/// Asks each engine for its answer to one query and finds what most of them, and at least two, agree on.
///
/// # Errors
/// When fewer than two independent engines answer, or as many say one thing as another: shows the first difference.
pub fn agree(
    engines: &[(&Entry, Program)],
    workload: &Workload,
    query: &QuerySpec,
    scale: Scale,
    settings: &Settings,
    store: &Store,
) -> Result<Agreement> {
    // Every engine reads it, and the rows are the same in every format.
    let dataset = store.ensure(workload, scale, PARQUET, &query.tables)?;
    // The answer is the same whatever the conditions, as long as there is memory for it.
    let variant = Variant { memory: None, ..settings.variants(PARQUET)[0] };
    let mut voices: Vec<Voice> = Vec::new();
    for (engine, program) in engines {
        let text = workload.text(query, &engine.dialect, scale)?;
        let answer = launch(engine, variant, program, settings, &dataset, &text).and_then(|launched| {
            let Launched { mut session, info, .. } = launched;
            session.run(1)?;
            let name = format!("{} {}", session.engine(), info.version);
            Ok(Voice { name, answer: session.answer()? })
        });
        match answer {
            // A second build of one engine says nothing that the first has not said.
            Ok(voice) if voices.iter().any(|other| family_of(&other.name) == family_of(&voice.name)) => {}
            Ok(voice) => voices.push(voice),
            Err(Failure { kind: FailureKind::Unsupported { .. }, .. }) => {}
            Err(failure) if failure.kind == FailureKind::Interrupted => bail!("interrupted"),
            Err(failure) => eprintln!("{} has no say on {}: {failure}", engine.name, query.name),
        }
    }
    settle(&voices, query).with_context(|| format!("no consensus on {} at {scale}", query.name))
}

fn settle(voices: &[Voice], query: &QuerySpec) -> Result<Agreement> {
    let heard = voices.iter().enumerate();
    let heard = heard.map(|(place, Voice { name, answer })| camps::Voice { place, family: family_of(name), answer });
    let camps = camps(heard, query);
    let Some(camp) = majority(&camps) else {
        let [first, second, ..] = camps.as_slice() else {
            bail!("it takes two independent engines that can answer");
        };
        let [name, other] = [first, second].map(|camp| &voices[camp.members[0]].name);
        let found = compare(first.answer, second.answer, query, Precision::Full).err();
        bail!("{name} and {other} differ: {}", found.map(|found| found.to_string()).unwrap_or_default());
    };
    let mut camp: Vec<&Voice> = camp.members.iter().map(|place| &voices[*place]).collect();
    let mut engines: Vec<String> = camp.iter().map(|voice| voice.name.clone()).collect();
    engines.sort();
    // Money as decimals is exact; averages as binary floats carry more digits than decimals that were cut.
    let misses = |voice: &&Voice| {
        let pairs = voice.answer.columns.iter().zip(&query.columns);
        pairs.filter(|(given, declared)| (given.kind == Kind::Float) != (declared.kind == Kind::Float)).count()
    };
    camp.sort_by_key(misses);
    Ok(Agreement { answer: camp[0].answer.clone(), engines })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Column;

    fn voice(name: &str, value: &str) -> Voice {
        let columns = vec![Column { name: "n".to_owned(), kind: Kind::Int }];
        let rows = vec![vec![Some(value.to_owned())]];
        Voice { name: name.to_owned(), answer: Answer { columns, rows } }
    }

    fn query() -> QuerySpec {
        toml::from_str("name = 'q'\ntitle = ''\ntables = []\ncolumns = ['n:int']").unwrap()
    }

    #[test]
    fn two_against_one_is_a_consensus_and_names_the_two() {
        let found = settle(&[voice("a 1", "5"), voice("b 1", "6"), voice("c 1", "6")], &query()).unwrap();
        assert_eq!(found.engines, ["b 1", "c 1"]);
        assert_eq!(found.answer.rows[0][0].as_deref(), Some("6"));
    }

    #[test]
    fn the_answer_kept_is_exact_where_it_can_be() {
        let query = toml::from_str("name = 'q'\ntitle = ''\ntables = []\ncolumns = ['n:decimal']").unwrap();
        let (mut float, mut decimal) = (voice("pandas 1", "0.30000000000000004"), voice("b 1", "0.30"));
        float.answer.columns[0].kind = Kind::Float;
        decimal.answer.columns[0].kind = Kind::Decimal;
        let found = settle(&[float, decimal], &query).unwrap();
        assert_eq!(found.answer.rows[0][0].as_deref(), Some("0.30"));
    }

    #[test]
    fn one_alone_or_one_against_one_is_none() {
        assert!(settle(&[voice("a 1", "5")], &query()).is_err());
        let error = settle(&[voice("a 1", "5"), voice("b 1", "6")], &query()).unwrap_err();
        assert!(error.to_string().contains("a 1 and b 1 differ"), "{error}");
    }
}
