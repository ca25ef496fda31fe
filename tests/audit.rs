//! The audit with real programs: what it compares, and what it leaves out. How fast anything is, is no test's business.

mod common;

use common::{built, faulty};
use querydyno::host::audit::{Audit, ComparisonPlan, audit};
use querydyno::host::catalog::Catalog;
use querydyno::host::settings::{OwnEngine, Settings};
use querydyno::host::suite::Suite;

/// The arrow engine at sf0.01 against an engine of `querydyno.toml`.
fn audit_against(own: OwnEngine, queries: &[&str]) -> anyhow::Result<Audit> {
    let mut settings = Settings::read()?;
    settings.engines.insert("other".to_owned(), own);
    let catalog = Catalog::read(&settings)?;
    let suite = Suite::read("tpch")?;
    let queries = queries.iter().map(|name| suite.query(name)).collect::<anyhow::Result<Vec<_>>>()?;
    let course = ComparisonPlan { suite: &suite, queries: &queries, scale: "0.01".parse()?, rounds: 6 };
    audit(&catalog.entry("arrow")?, &[catalog.entry("other")?], course, &settings)
}

#[test]
fn an_engine_against_itself_is_the_same_version_and_one_interval_a_query() {
    if built("arrow").is_none() {
        return;
    }
    let itself = OwnEngine { like: Some("arrow".to_owned()), ..OwnEngine::default() };
    // q2 has no plan: unsupported on both sides.
    let found = audit_against(itself, &["q1", "q2", "q6"]).unwrap();
    let [comparison] = found.comparisons.as_slice() else { panic!("{found:?}") };
    assert_eq!((comparison.against.as_str(), &comparison.version), ("other", &found.version));
    assert!(found.parts(comparison).unwrap().same_version);
    assert_eq!(comparison.queries.iter().map(|ratio| ratio.query.as_str()).collect::<Vec<_>>(), ["q1", "q6"]);
    for ratio in &comparison.queries {
        assert!(0.0 < ratio.low && ratio.low <= ratio.ratio && ratio.ratio <= ratio.high, "{ratio:?}");
        assert!(ratio.ours_ns > 0.0 && ratio.theirs_ns > 0.0, "{ratio:?}");
    }
    let [left] = comparison.left_out.as_slice() else { panic!("{comparison:?}") };
    assert!(left.query == "q2" && left.reason.contains("hand-written plans"), "{left:?}");
    let read: Audit = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
    assert_eq!(read.comparisons[0].queries.len(), 2);
}

#[test]
fn a_wrong_answer_is_not_compared() {
    if built("arrow").is_none() {
        return;
    }
    let wrong = faulty("none");
    let wrong = OwnEngine { program: Some(wrong.path), args: wrong.args, ..OwnEngine::default() };
    let error = format!("{:#}", audit_against(wrong, &["q6"]).unwrap_err());
    assert!(error.contains("arrow could be compared with nothing"), "{error}");
}
