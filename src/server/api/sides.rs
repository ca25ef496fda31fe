//! Engines side by side: two of anything, and the ranking of all.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};

use super::asked::{FILTER, MACHINE, PROVENANCE, SCALE, SUITE, command, rows, shown, text};
use crate::history::served::questions::Rows;
use crate::server::app::App;
use crate::server::ask::{Ask, Endpoint, Parameter, Reply};
use crate::server::problem::Problem;
use crate::server::standing::Group;

const ENGINES: Parameter = text("engines", "Two engines: `duckdb,polars`");
const MACHINES: Parameter = text("machines", "Two classes of machines, by parts of their names");
const VERSIONS: Parameter = text("versions", "Two versions of an engine: `duckdb@1.4.0,duckdb@1.5.0`");
const RUNS: Parameter = text("runs", "Two runs, by parts of their ids");

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        rows(
            ("/api/v1/compare", "compare"),
            (
                "Two sides, query by query",
                "Two engines, machines, versions or runs, with intervals and the geometric mean, as `history compare` tells it: exactly one of the four. A ratio above 1 says that the second is slower. `noise` is how many times as long is no news in the series of both, `plan` what became of the plan of one engine.",
            ),
            &[ENGINES, MACHINES, VERSIONS, RUNS, FILTER, PROVENANCE],
            compare,
        ),
        rows(
            ("/api/v1/ranking", "ranking"),
            (
                "Who is ahead",
                "Engines by the geometric mean of their newest verified times, for each set of conditions: as the report ranks them, ties by a bootstrap of queries and samples.",
            ),
            &[SUITE, SCALE, MACHINE, PROVENANCE],
            ranking,
        ),
    ]
}

fn compare(app: &Arc<App>, ask: &Ask) -> Result<Reply, Problem> {
    let sides = ["engines", "machines", "versions", "runs"];
    let given: Vec<&str> = sides.into_iter().filter(|side| ask.get(side).is_some()).collect();
    let [side] = given.as_slice() else {
        return Err(Problem::invalid(format!(
            "give one of {}, with two names: engines=duckdb,polars",
            sides.join(", ")
        )));
    };
    let options = [(*side, ask.get(side)), ("provenance", ask.get("provenance"))];
    command(app, ask, "compare", &options, ask.get("filter").unwrap_or_default())
}

fn ranking(app: &Arc<App>, ask: &Ask) -> Result<Reply, Problem> {
    let standing = app.standing().map_err(|error| Problem::of(&error, "internal"))?;
    let is = |name: &str, value: &str| ask.get(name).is_none_or(|asked| asked == value);
    let machine = ask.get("machine").map(str::to_lowercase);
    let meant = standing.groups.iter().filter(|group| {
        let of = &group.conditions;
        is("suite", &of.suite)
            && is("scale", &of.scale)
            && is("provenance", &of.provenance)
            && machine.as_ref().is_none_or(|machine| of.machine.to_lowercase().contains(machine))
    });
    let places: Vec<_> = meant.flat_map(|group| group.ranking.places.iter().map(move |place| (group, place))).collect();
    let texts = |of: &dyn Fn(&Group) -> &str| -> ArrayRef {
        Arc::new(places.iter().map(|(group, _)| Some(of(group).to_owned())).collect::<StringArray>())
    };
    let figures = |of: &dyn Fn(&crate::host::report::Place) -> Option<f64>| -> ArrayRef {
        Arc::new(places.iter().map(|(_, place)| of(place)).collect::<Float64Array>())
    };
    let engines: StringArray =
        places.iter().map(|(group, place)| Some(group.engines[place.contestant].label.clone())).collect();
    let conditions: StringArray = places.iter().map(|(group, _)| Some(group.conditions.words())).collect();
    let counts = |of: &dyn Fn(&(&Group, &crate::host::report::Place)) -> usize| -> ArrayRef {
        Arc::new(places.iter().map(|place| Some(of(place) as u64)).collect::<UInt64Array>())
    };
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("suite", texts(&|group| &group.conditions.suite), true),
        ("scale", texts(&|group| &group.conditions.scale), true),
        ("machine_class", texts(&|group| &group.conditions.machine), true),
        ("conditions", Arc::new(conditions) as ArrayRef, true),
        ("provenance", texts(&|group| &group.conditions.provenance), true),
        ("rank", counts(&|(_, place)| place.rank), true),
        ("engine", Arc::new(engines) as ArrayRef, true),
        ("geomean_ms", figures(&|place| Some(place.geomean_ns / 1e6)), true),
        ("to_fastest", figures(&|place| Some(place.to_fastest.estimate)), true),
        ("to_fastest_low", figures(&|place| Some(place.to_fastest.low)), true),
        ("to_fastest_high", figures(&|place| Some(place.to_fastest.high)), true),
        ("peak_memory_bytes", figures(&|place| place.peak_memory_bytes), true),
        ("queries", counts(&|(group, _)| group.ranking.queries.len()), true),
    ]);
    let batch = batch.map_err(|error| Problem::of(&error.into(), "internal"))?;
    let rows = Rows { schema: batch.schema(), batches: vec![batch] };
    Ok(Reply::from(shown(&rows, ask.format)?))
}
