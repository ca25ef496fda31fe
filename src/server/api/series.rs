//! Series: all that may be compared over time.

use super::asked::FILTER;
use super::asked::{LIMIT, MACHINE, METRIC, OFFSET, PROVENANCE, Where, command, page, rows, text};
use crate::server::ask::{Endpoint, Kind, Parameter};

const SERIES: Parameter =
    Parameter { name: "series", about: "The key of a series, as results tell it", kind: Kind::Path };

const NAME: Parameter = text("name", "The figure: `peak_memory`");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        rows(
            ("/api/v1/series", "series"),
            ("All series", "A row for all that may be compared over time, of one provenance: the view `series`."),
            &[FILTER, MACHINE, PROVENANCE, LIMIT, OFFSET],
            |app, ask| {
                let mut conditions = Where::common(ask, &["machine", "provenance"]);
                conditions.cells(app, ask)?;
                page(app, ask, ("FROM series", "cell, machine_class, series, provenance"), &conditions)
            },
        ),
        rows(
            ("/api/v1/series/{series}", "points"),
            (
                "The points of a series",
                "In git's order where every commit is known, else that of time, with levels and where they changed, as `history trend` tells it.",
            ),
            &[SERIES, METRIC],
            |app, ask| {
                let options = [("series", Some(ask.named("series"))), ("metric", ask.get("metric"))];
                command(app, ask, "trend", &options, "")
            },
        ),
        rows(
            ("/api/v1/series/{series}/metrics", "metrics"),
            ("Every figure of a series", "A row for each figure of each result, the newest first."),
            &[SERIES, NAME, LIMIT, OFFSET],
            |app, ask| {
                let mut conditions = Where::default();
                conditions.and("m.series = ?", ask.named("series"));
                conditions.text(ask, "name", "x.name = ?");
                let select = "SELECT m.record, m.started_at, m.engine_version, m.git_commit, m.provenance, x.name, x.unit, x.value, x.samples
                              FROM measurements m JOIN metrics x USING (result)";
                page(app, ask, (select, "m.started_at DESC, m.record, x.name"), &conditions)
            },
        ),
    ]
}
