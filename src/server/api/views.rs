//! Views of the history as they are.

use super::asked::{
    ENGINE, FILTER, LIMIT, MACHINE, METRIC, OFFSET, PROVENANCE, QUERY, SCALE, SUITE, Where, command, page, rows, shown,
    text,
};
use crate::history::served::questions::{self, Parameter as Value};
use crate::server::ask::{Endpoint, Kind, Parameter, Reply};
use crate::server::problem::Problem;

const SINCE: Parameter = Parameter { name: "since", about: "From this day on, UTC: 2026-03-01", kind: Kind::Day };

const TARGET: Parameter = text("target", "What it is of, by its name");
const KIND: Parameter = text("kind", "`note`, `workaround`, `level`, or a mark");

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        rows(
            ("/api/v1/latest", "latest"),
            ("The newest result of each cell", "On each class of machines, whatever came of it: the view `latest`."),
            &[FILTER, SUITE, ENGINE, QUERY, SCALE, MACHINE, PROVENANCE, LIMIT, OFFSET],
            |app, ask| {
                let mut conditions =
                    Where::common(ask, &["suite", "engine", "query", "scale", "machine", "provenance"]);
                conditions.cells(app, ask)?;
                let select = "SELECT * EXCLUDE (result, machine, engine, task, dataset, plan) FROM latest";
                page(app, ask, (select, "cell, machine_class, parallel, provenance, record"), &conditions)
            },
        ),
        rows(
            ("/api/v1/best", "best"),
            (
                "The fastest engine for each query",
                "Where all is alike but the engine: the view `best_engine_per_query`.",
            ),
            &[SUITE, QUERY, SCALE, MACHINE, PROVENANCE, LIMIT, OFFSET],
            |app, ask| {
                let conditions = Where::common(ask, &["suite", "query", "scale", "machine", "provenance"]);
                page(app, ask, ("FROM best_engine_per_query", "ALL"), &conditions)
            },
        ),
        rows(
            ("/api/v1/failures", "failures"),
            (
                "What failed, was wrong or is disputed",
                "The newest first, and whether the cell was verified since: the view `failures`.",
            ),
            &[
                FILTER,
                MACHINE,
                PROVENANCE,
                Parameter {
                    name: "verified_since",
                    about: "Only those whose cell was verified since, or was not",
                    kind: Kind::One(&["true", "false"]),
                },
                LIMIT,
                OFFSET,
            ],
            |app, ask| {
                let mut conditions = Where::common(ask, &["machine", "provenance"]);
                conditions.cells(app, ask)?;
                conditions.text(ask, "verified_since", "verified_since = ?::BOOLEAN");
                page(app, ask, ("FROM failures", "started_at DESC, record"), &conditions)
            },
        ),
        rows(
            ("/api/v1/compatibility", "compatibility"),
            (
                "What each engine does with each query",
                "By its newest result, and since which of its versions: the view `compatibility`.",
            ),
            &[
                SUITE,
                ENGINE,
                QUERY,
                Parameter {
                    name: "status",
                    about: "What it does",
                    kind: Kind::One(&["works", "unsupported", "failed", "wrong", "disputed", "unchecked"]),
                },
                LIMIT,
                OFFSET,
            ],
            |app, ask| {
                let mut conditions = Where::common(ask, &["suite", "engine", "query"]);
                conditions.text(ask, "status", "status = ?");
                page(app, ask, ("FROM compatibility", "suite, query, engine_name"), &conditions)
            },
        ),
        rows(
            ("/api/v1/availability", "availability"),
            ("Whether an engine could be started", "On a machine, run by run: the view `availability`."),
            &[ENGINE, MACHINE, LIMIT, OFFSET],
            |app, ask| {
                let conditions = Where::common(ask, &["engine", "machine"]);
                page(app, ask, ("FROM availability", "\"at\" DESC, run, engine_name, machine_class"), &conditions)
            },
        ),
        rows(
            ("/api/v1/simulated", "simulated"),
            (
                "What is not measured, and why",
                "A row for each reason, machine and engine, as `history simulated` tells it.",
            ),
            &[FILTER],
            |app, ask| command(app, ask, "simulated", &[], ask.get("filter").unwrap_or_default()),
        ),
        rows(
            ("/api/v1/changes", "changes"),
            (
                "Where results changed",
                "Steps and drifts of each series, with what else changed there, as `history changes` tells it. It looks at every point of the cells that are meant: name some.",
            ),
            &[FILTER, SINCE, METRIC, MACHINE],
            |app, ask| {
                let options =
                    [("since", ask.get("since")), ("metric", ask.get("metric")), ("machine", ask.get("machine"))];
                command(app, ask, "changes", &options, ask.get("filter").unwrap_or_default())
            },
        ),
        rows(
            ("/api/v1/annotations", "annotations"),
            (
                "What somebody said",
                "Of a result, cell, series, run, class of machines, or engine and query: notes, accepted levels and marks.",
            ),
            &[TARGET, KIND, LIMIT, OFFSET],
            |app, ask| {
                let mut conditions = Where::default();
                conditions.text(ask, "target", "target = ?");
                conditions.text(ask, "kind", "kind = ?");
                page(
                    app,
                    ask,
                    (
                        "SELECT of, target, kind, text, author, written_at FROM annotations",
                        "written_at DESC, annotation",
                    ),
                    &conditions,
                )
            },
        ),
        rows(
            ("/api/v1/stats", "stats"),
            ("How much there is, and of what", "As `history stats` tells it, without the file's name."),
            &[],
            |app, ask| {
                let bytes = std::fs::metadata(app.owner.path()).map_or(0, |about| about.len());
                let statement = include_str!("../../history/sql/stats.sql").trim().trim_end_matches(';');
                let statement = format!("SELECT what, value FROM (\n{statement}\n) WHERE what <> 'history'");
                let values = [Value::Text(String::new()), Value::Whole(i64::try_from(bytes).unwrap_or(i64::MAX))];
                let found = questions::rows(&app.owner, &statement, &values);
                let found = found.map_err(|error| Problem::of(&error, "internal"))?;
                Ok(Reply::from(shown(&found, ask.format)?))
            },
        ),
    ]
}
