//! Reference answers where nobody published any: what engines of at least three independent components agree on.
//!
//! Of a query with ORDER BY and LIMIT, the rows beyond the LIMIT that tie with its last one are kept too, so that an engine that cut
//! them differently is compared with all of them. They are asked for by a larger LIMIT.
//!
//! `cargo xtask answers` makes them.

use anyhow::{Context, Result, bail, ensure};

use super::launch::{Fresh, Launched, miscounted};
use crate::host::catalog::{Components, Entry};
use crate::host::data::generate::Store;
use crate::host::session::{Failure, FailureKind, Program};
use crate::host::settings::Settings;
use crate::host::sql::{Text, Token};
use crate::host::suite::{QuerySpec, Suite};
use crate::host::variant::{PARQUET, Variant};
use crate::host::verify::compare::{Precision, compare, compare_shown, rows_tied_beyond};
use crate::host::verify::groups::{Vote, groups};
use crate::host::verify::referee::{FEWEST_COMPONENTS, family_of};
use crate::protocol::answer::{Answer, Kind, Shown};
use crate::protocol::engine::Unsupported;
use crate::protocol::id::Scale;
use crate::protocol::task::Task;

/// An answer on which so many engines agree.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// The answer, from the engine whose types lose the least.
    pub answer: Answer,
    /// Who gave it, one engine of each family: `duckdb 2.0.0`.
    pub engines: Vec<String>,
    /// The independent components among them.
    pub components: Vec<String>,
    /// Whether rows beyond a LIMIT tie with its last row; none where nothing was cut, or nobody could tell.
    pub ends_in_a_tie: Option<bool>,
    /// How many rows of the answer are beyond the LIMIT: all that tie with its last one.
    pub beyond_limit: usize,
}

struct Said {
    name: String,
    components: Vec<String>,
    answer: Shown,
}

/// Asks each engine for its answer to one query and finds what all of them, of at least three independent components, agree on. One that
/// differs is enough for none: a reference calls engines wrong for good.
///
/// # Errors
/// When too few components answer, or they differ: shows the first difference.
pub fn agree(
    engines: &[(&Entry, Program)],
    suite: &Suite,
    query: &QuerySpec,
    scale: Scale,
    settings: &Settings,
    store: &Store,
) -> Result<Agreement> {
    // Every engine reads it, and the rows are the same in every format.
    let dataset = store.ensure(suite, scale, PARQUET, &query.tables)?;
    // The answer is the same whatever the conditions, as long as there is memory for it.
    let variant = Variant { memory: None, ..settings.variants(PARQUET)[0] };
    let mut said: Vec<Said> = Vec::new();
    for (engine, program) in engines {
        let text = match suite.task(query, engine, scale) {
            Err(error) if error.is::<Unsupported>() => continue,
            text => text?,
        };
        let fresh = Fresh { engine, variant, program, settings, dataset: &dataset, query: &text };
        let answer = fresh.launch(true).and_then(|launched| {
            let Launched { mut session, info, rows, .. } = launched;
            if let Some(table) = dataset.tables.iter().find(|table| miscounted(table, rows.as_ref()).is_some()) {
                let message = format!("it does not read the {} rows of {}", table.rows, table.name);
                return Err(FailureKind::Engine { message }.into());
            }
            session.run(1)?;
            let name = format!("{} {}", session.engine(), info.version);
            let components = Components::listed().of(&engine.components, session.engine());
            Ok(Said { name, components, answer: session.answer()? })
        });
        match answer {
            // A second build of one engine says nothing that the first has not said.
            Ok(one) if said.iter().any(|other| family_of(&other.name) == family_of(&one.name)) => {}
            Ok(one) => said.push(one),
            Err(Failure { kind: FailureKind::Unsupported { .. }, .. }) => {}
            Err(failure) if failure.kind == FailureKind::Interrupted => bail!("interrupted"),
            Err(failure) => log::info!("{} has no say on {}: {failure}", engine.name, query.name),
        }
    }
    let mut found =
        agreement(&said, query).with_context(|| format!("no reference answer to {} at {scale}", query.name))?;
    let limit = query.limit.filter(|limit| *limit == found.answer.rows.len());
    // By what is not shown, nobody can tell who ties.
    if let Some(limit) = limit.filter(|_| !query.order.is_empty() && !query.has_hidden_keys) {
        let mut longer = Vec::new();
        for (engine, program) in engines.iter().filter(|(engine, _)| BY_TEXT.contains(&engine.name.as_str())) {
            let text = with_larger_limit(&suite.text(query, &engine.dialect, scale)?)?;
            let fresh = Fresh { engine, variant, program, settings, dataset: &dataset, query: &text };
            longer.push(Longer { engine: &engine.name, answer: rows_of(fresh.launch(false)?)? });
        }
        let within = || format!("no reference answer to {} at {scale}: the rows beyond its LIMIT", query.name);
        take_ties(&mut found, &longer, query, limit).with_context(within)?;
        // Those that agreed were compared by their keys alone there.
        let whole = Shown::Rows(found.answer.clone());
        for Said { name, answer, .. } in &said {
            compare_shown(&whole, answer, query, Precision::Full)
                .with_context(|| format!("{name} has other rows among those that tie with the last one"))
                .with_context(within)?;
        }
    }
    Ok(found)
}

/// Engines that run a query's text, and not a plan of ours for it.
const BY_TEXT: [&str; 4] = ["duckdb", "datafusion", "duckdb-wheel", "datafusion-wheel"];

/// Rows beyond a LIMIT that are asked for: where more tie, none of them is kept.
const MOST_TIED: usize = 1000;

/// An engine's answer to a query with a larger LIMIT.
struct Longer<'a> {
    engine: &'a str,
    answer: Answer,
}

/// Takes the rows that tie with the last one into the answer, where all are there and the engines asked have the same.
fn take_ties(found: &mut Agreement, longer: &[Longer<'_>], query: &QuerySpec, limit: usize) -> Result<()> {
    let mut whole: Vec<Longer<'_>> = Vec::new();
    for Longer { engine, answer } in longer {
        let tied = rows_tied_beyond(answer, query, limit)?;
        found.ends_in_a_tie = Some(found.ends_in_a_tie == Some(true) || tied > 0);
        let mut answer = answer.clone();
        answer.rows.truncate(limit + tied);
        // Beyond those that were asked for there may be more.
        if (1..MOST_TIED).contains(&tied) {
            whole.push(Longer { engine, answer });
        }
    }
    // One engine alone is no agreement: then the last rows are compared by their keys.
    if longer.len() < 2 {
        return Ok(());
    }
    let Some((first, others)) = whole.split_first() else { return Ok(()) };
    let unlimited = QuerySpec { limit: None, ..query.clone() };
    for other in others {
        compare(&first.answer, &other.answer, &unlimited, Precision::Full)
            .with_context(|| format!("{} and {} differ", first.engine, other.engine))?;
    }
    ensure!(whole.len() == longer.len(), "engines differ in which rows tie with the last one");
    compare(&first.answer, &found.answer, query, Precision::Full)
        .with_context(|| format!("those of {} are not what was agreed on before", first.engine))?;
    found.beyond_limit = first.answer.rows.len() - limit;
    found.answer = first.answer.clone();
    Ok(())
}

/// The text with a LIMIT that is larger by [`MOST_TIED`].
fn with_larger_limit(query: &Task) -> Result<Task> {
    let text = Text::read(query.query().with_context(|| format!("{} is no single query", query.name))?);
    let meant: Vec<&Token> = text.meant().collect();
    let limit = meant.windows(2).rfind(|pair| text.of(pair[0]).eq_ignore_ascii_case("limit")).map(|pair| pair[1]);
    let number = limit.with_context(|| format!("the text of {} has no LIMIT, but declares one", query.name))?;
    let more = text.of(number).parse::<usize>().context("the LIMIT is no number")? + MOST_TIED;
    let (before, after) = (&text.sql[..number.range.start], &text.sql[number.range.end..]);
    Ok(Task::select(&query.suite, &query.name, format!("{before}{more}{after}")))
}

fn rows_of(launched: Launched) -> Result<Answer> {
    let Launched { mut session, .. } = launched;
    session.run(1)?;
    let Shown::Rows(answer) = session.answer()? else { bail!("its answer has too many rows to be shown") };
    Ok(answer)
}

fn agreement(said: &[Said], query: &QuerySpec) -> Result<Agreement> {
    let votes = said.iter().enumerate();
    let votes = votes.map(|(place, Said { components, answer, .. })| Vote { place, components, answer });
    let groups = groups(votes, query);
    let Some(group) = groups.first() else { bail!("no engine answered") };
    if let Some(other) = groups.get(1) {
        let [name, theirs] = [group, other].map(|group| &said[group.members()[0]].name);
        let found = compare_shown(group.answer(), other.answer(), query, Precision::Full).err();
        bail!("{name} and {theirs} differ: {}", found.map(|found| found.to_string()).unwrap_or_default());
    }
    let components = group.components();
    ensure!(
        components.len() >= FEWEST_COMPONENTS,
        "it takes {FEWEST_COMPONENTS} engines that share no component; those that answered are built on {}",
        components.join(", ")
    );
    let mut agreed: Vec<&Said> = group.members().iter().map(|place| &said[*place]).collect();
    let mut engines: Vec<String> = agreed.iter().map(|said| said.name.clone()).collect();
    engines.sort();
    // Money as decimals is exact; averages as binary floats carry more digits than decimals that were cut.
    let misses = |said: &&Said| {
        let pairs = said.answer.columns().iter().zip(&query.columns);
        pairs.filter(|(given, declared)| (given.kind == Kind::Float) != (declared.kind == Kind::Float)).count()
    };
    agreed.sort_by_key(misses);
    let Shown::Rows(answer) = agreed[0].answer.clone() else {
        bail!("its answer has too many rows to be kept: {}", agreed[0].answer.rows())
    };
    Ok(Agreement { answer, engines, components, ends_in_a_tie: None, beyond_limit: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::answer::Column;

    /// An engine that is built on itself alone.
    fn said(name: &str, value: &str) -> Said {
        let columns = vec![Column { name: "n".to_owned(), kind: Kind::Int }];
        let rows = vec![vec![Some(value.to_owned())]];
        let components = vec![family_of(name).to_owned()];
        Said { name: name.to_owned(), components, answer: Shown::Rows(Answer { columns, rows }) }
    }

    fn query() -> QuerySpec {
        toml::from_str("name = 'q'\ntitle = ''\ntables = []\ncolumns = ['n:int']").unwrap()
    }

    #[test]
    fn references_rest_on_three_components() {
        let three = ["a 1", "b 1", "c 1"].map(|name| said(name, "6"));
        let found = agreement(&three, &query()).unwrap();
        assert_eq!((found.engines.len(), found.components.len()), (3, 3));
        let mut shared = three;
        shared[2].components = vec!["a".to_owned()];
        let error = agreement(&shared, &query()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("3 engines that share no component") && error.contains("a, b"), "{error}");
    }

    #[test]
    fn with_larger_limit_raises_the_last_limit_of_a_text() {
        let more = |sql: &str| {
            let query = Task::select("w", "q", sql);
            with_larger_limit(&query).map(|query| query.text()).map_err(|error| error.to_string())
        };
        assert_eq!(
            more("select a from (select a limit 3) -- limit 4\nLIMIT 10;").unwrap(),
            "select a from (select a limit 3) -- limit 4\nLIMIT 1010;"
        );
        assert!(more("select a from t").unwrap_err().contains("no LIMIT"));
    }

    /// An answer with these values in its one column, and whatever makes each row another.
    fn numbered(values: &[(&str, &str)]) -> Answer {
        let columns = ["n", "t"].map(|name| Column { name: name.to_owned(), kind: Kind::Int }).to_vec();
        let rows = values.iter().map(|(n, t)| vec![Some((*n).to_owned()), Some((*t).to_owned())]).collect();
        Answer { columns, rows }
    }

    fn tied(longer: [&[(&str, &str)]; 2]) -> Result<Agreement> {
        let query: QuerySpec = toml::from_str(
            "name = 'q'\ntitle = ''\ntables = []\ncolumns = ['n:int', 't:int']\norder = ['n']\nlimit = 2",
        )?;
        let mut found = Agreement {
            answer: numbered(&[("1", "1"), ("2", "2")]),
            engines: Vec::new(),
            components: Vec::new(),
            ends_in_a_tie: None,
            beyond_limit: 0,
        };
        let longer = [("a", longer[0]), ("b", longer[1])];
        let longer = longer.map(|(engine, rows)| Longer { engine, answer: numbered(rows) });
        take_ties(&mut found, &longer, &query, 2).map(|()| found)
    }

    #[test]
    fn take_ties_keeps_the_whole_group_of_the_last_row() {
        let all: &[(&str, &str)] = &[("1", "1"), ("2", "3"), ("2", "2"), ("2", "4"), ("3", "5")];
        let turned: &[(&str, &str)] = &[("1", "1"), ("2", "4"), ("2", "3"), ("2", "2")];
        let found = tied([all, turned]).unwrap();
        assert_eq!((found.answer.rows.len(), found.beyond_limit, found.ends_in_a_tie), (4, 2, Some(true)));
        let alone: &[(&str, &str)] = &[("1", "1"), ("2", "2"), ("3", "5")];
        let found = tied([alone, alone]).unwrap();
        assert_eq!((found.answer.rows.len(), found.beyond_limit, found.ends_in_a_tie), (2, 0, Some(false)));
        let many: Vec<(&str, &str)> =
            [("1", "1")].into_iter().chain([("2", "2")].into_iter().cycle().take(1001)).collect();
        let found = tied([&many, &many]).unwrap();
        assert_eq!((found.answer.rows.len(), found.beyond_limit, found.ends_in_a_tie), (2, 0, Some(true)));
    }

    #[test]
    fn take_ties_refuses_groups_that_differ() {
        let all: &[(&str, &str)] = &[("1", "1"), ("2", "2"), ("2", "3")];
        for (other, told) in [
            (&[("1", "1"), ("2", "2"), ("2", "7")] as &[(&str, &str)], "a and b differ"),
            (&[("1", "1"), ("2", "2"), ("3", "3")], "which rows tie"),
        ] {
            let error = format!("{:#}", tied([all, other]).map(|_| ()).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
        let strange: &[(&str, &str)] = &[("1", "1"), ("2", "8"), ("2", "9")];
        let error = format!("{:#}", tied([strange, strange]).map(|_| ()).unwrap_err());
        assert!(error.contains("agreed on before"), "{error}");
    }

    #[test]
    fn references_take_no_dissent() {
        let four = [said("a 1", "6"), said("b 1", "6"), said("c 1", "6"), said("d 1", "7")];
        let error = agreement(&four, &query()).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("a 1 and d 1 differ"), "{error}");
    }

    #[test]
    fn references_keep_the_answer_that_is_exact_where_it_can_be() {
        let query = toml::from_str("name = 'q'\ntitle = ''\ntables = []\ncolumns = ['n:decimal']").unwrap();
        let of = |name: &str, value: &str, kind| {
            let columns = vec![Column { name: "n".to_owned(), kind }];
            let answer = Shown::Rows(Answer { columns, rows: vec![vec![Some(value.to_owned())]] });
            Said { answer, ..said(name, "") }
        };
        let float = of("pandas 1", "0.30000000000000004", Kind::Float);
        let found = agreement(&[float, of("b 1", "0.30", Kind::Decimal), of("c 1", "0.3", Kind::Decimal)], &query);
        assert_eq!(found.unwrap().answer.rows[0][0].as_deref(), Some("0.30"));
    }
}
