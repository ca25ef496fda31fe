//! TPC-H at sf0.01: every query that an engine can run gives the reference answer. Engines whose programs are not
//! built are left out and named; `cargo xtask build duckdb` builds one.

mod common;

use common::{Bench, assert_verified, built, catalog, text, there, twin};
use querydyno::host::catalog::Entry;
use querydyno::host::record::{Outcome, Record};
use querydyno::host::session::Program;
use querydyno::host::verify::Verdict;
use test_case::test_case;

/// The bench over all queries of one engine, each mode of it.
fn records_of(engine: &Entry, program: &Program) -> Vec<Record> {
    let (name, config) = twin(engine, program);
    // Modes other than the default run when the filter names them.
    let modes: Vec<&str> = engine.modes.iter().skip(1).map(String::as_str).collect();
    let filter = format!("^{name}/.*/parquet(-({}))?$", modes.join("|"));
    let mut bench = Bench::cheap(&config, &filter);
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    bench.assert_clean();
    bench.records()
}

#[test_case("duckdb")]
#[test_case("datafusion")]
#[test_case("polars")]
#[test_case("polars-wheel")]
#[test_case("daft")]
#[test_case("pandas")]
#[test_case("duckdb-wheel")]
#[test_case("datafusion-wheel")]
fn all_22_queries_are_verified_in_every_mode(engine: &str) {
    let engine = catalog().entry(engine).unwrap();
    let Some(program) = there(&engine) else { return };
    let records = records_of(&engine, &program);
    assert_eq!(records.len(), 22 * engine.modes.len().max(1));
    for record in records {
        assert_verified(&record);
    }
}

#[test]
fn arrow_verifies_the_plans_it_has_and_says_that_it_has_no_others() {
    const PLANS: [&str; 10] = ["q1", "q3", "q4", "q5", "q6", "q10", "q12", "q14", "q15", "q19"];
    let Some(program) = built("arrow") else { return };
    for record in records_of(&catalog().entry("arrow").unwrap(), &program) {
        let query = record.id.query.as_str();
        match record.outcome {
            Outcome::Measured(_) => {
                assert!(PLANS.contains(&query), "{}", record.id);
                let verdict = record.verdict.as_ref();
                assert!(
                    matches!(verdict, Some(Verdict::Reference { components }) if components.len() == 4),
                    "{}: {verdict:?}",
                    record.id
                );
            }
            Outcome::Skipped(_) => {
                assert!(!PLANS.contains(&query) && record.reason().unwrap().contains("q15, q19"));
            }
            Outcome::Failed(_) => panic!("{}: {:?}", record.id, record.reason()),
        }
    }
}
