//! The newest results side by side: [`Standing`], with a [`Group`] for all that may be compared. The rules are those of the report: only
//! verified, measured times of the same data and conditions are ranked, by the report's own ranking.

use std::collections::HashMap;

use crate::history::served::snapshot::Newest;
use crate::host::report::{Known, Ranking, Timed, natural, rank};
use crate::protocol::network::Network;

/// The newest result of each cell.
pub(super) struct Standing {
    pub(super) cells: Vec<Newest>,
    /// Those with the most ranked cells first.
    pub(super) groups: Vec<Group>,
}

/// What all results of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Conditions {
    pub(super) suite: String,
    pub(super) scale: String,
    pub(super) machine: String,
    pub(super) format: String,
    pub(super) cache: String,
    pub(super) threads: Option<u64>,
    pub(super) memory_limit_bytes: Option<u64>,
    pub(super) parallel: Option<u64>,
    /// What the way to tables on S3 was set to cost, as ids have it.
    pub(super) network: Option<String>,
    pub(super) provenance: String,
}

/// Results that may be compared.
pub(super) struct Group {
    pub(super) conditions: Conditions,
    /// The ranked first, fastest first; the reference last.
    pub(super) engines: Vec<Contestant>,
    pub(super) queries: Vec<String>,
    /// Its indices are those of `engines` and `queries`.
    pub(super) ranking: Ranking,
    /// Places in [`Standing::cells`], by query and engine.
    grid: HashMap<(usize, usize), usize>,
}

/// An engine in one version and mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contestant {
    /// With its version and its mode.
    pub(super) label: String,
    pub(super) name: String,
    mode: Option<String>,
    pub(super) color: [u8; 3],
    /// Whether it is hand-written plans that others are held against.
    pub(super) is_reference: bool,
}

impl Conditions {
    fn of(cell: &Newest) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
        Self {
            suite: cell.suite.clone(),
            scale: text(&cell.scale),
            machine: cell.machine_class.clone(),
            format: text(&cell.format),
            cache: text(&cell.cache),
            threads: cell.threads,
            memory_limit_bytes: cell.memory_limit_bytes,
            parallel: cell.parallel,
            network: cell.cell.rsplit('/').next().and_then(Network::in_variant).map(str::to_owned),
            provenance: cell.provenance.clone(),
        }
    }

    /// What is not in the title of a page: `parquet, hot, 2 threads`.
    pub(super) fn words(&self) -> String {
        let count = |number: u64, of: &str| format!("{number} {of}{}", if number == 1 { "" } else { "s" });
        let memory =
            self.memory_limit_bytes.map(|bytes| format!("memory limit {}", crate::protocol::units::Bytes(bytes)));
        let parallel =
            self.parallel.filter(|engines| *engines > 1).map(|engines| format!("{engines} engines at a time"));
        let parts = [
            Some(self.format.clone()),
            Some(self.cache.clone()),
            self.threads.map(|threads| count(threads, "thread")),
            memory,
            parallel,
            self.network.as_ref().map(|network| format!("network {network}")),
            Some(self.provenance.clone()).filter(|provenance| provenance != "measured"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Whether its results were measured here, and not simulated, estimated or imported.
    pub(super) fn is_measured(&self) -> bool {
        self.provenance == "measured"
    }
}

impl Standing {
    /// Of the newest results.
    pub(super) fn new(cells: Vec<Newest>, known: &Known) -> Self {
        let mut by_conditions: HashMap<Conditions, Vec<usize>> = HashMap::new();
        for (place, cell) in cells.iter().enumerate() {
            by_conditions.entry(Conditions::of(cell)).or_default().push(place);
        }
        let mut groups: Vec<Group> = by_conditions
            .into_iter()
            .map(|(conditions, places)| Group::new(conditions, &cells, &places, known))
            .collect();
        groups.sort_by_cached_key(|group| {
            let ranked = group.ranking.places.len() * group.ranking.queries.len();
            (!group.conditions.is_measured(), std::cmp::Reverse(ranked), group.conditions.clone())
        });
        Self { cells, groups }
    }
}

impl Group {
    fn new(conditions: Conditions, cells: &[Newest], places: &[usize], known: &Known) -> Self {
        let mut queries: Vec<String> = places.iter().map(|place| cells[*place].query.clone()).collect();
        queries.sort_by(|a, b| natural(a).cmp(&natural(b)));
        queries.dedup();
        let engines = contestants(cells, places, known);
        let mut grid: HashMap<(usize, usize), usize> = HashMap::new();
        for place in places {
            let cell = &cells[*place];
            let (Some(query), Some(engine)) =
                (queries.iter().position(|query| *query == cell.query), owner(&engines, cell))
            else {
                continue;
            };
            let newest = grid.entry((query, engine)).or_insert(*place);
            if cells[*newest].started_at_ms < cell.started_at_ms {
                *newest = *place;
            }
        }
        drop_other_data(&mut grid, cells, queries.len());
        let right = |query, engine| timed(&cells[*grid.get(&(query, engine))?]);
        let candidates: Vec<usize> = (0..engines.len()).filter(|engine| !engines[*engine].is_reference).collect();
        let mut ranking = rank(&candidates, queries.len(), &right);
        let position = |engine: usize| ranking.places.iter().position(|place| place.contestant == engine);
        let mut order: Vec<usize> = (0..engines.len()).collect();
        order.sort_by_key(|engine| (position(*engine).unwrap_or(usize::MAX), engines[*engine].is_reference));
        let now_at = |engine: usize| order.iter().position(|old| *old == engine).unwrap_or_default();
        let grid = grid.iter().map(|((query, engine), place)| ((*query, now_at(*engine)), *place)).collect();
        for place in &mut ranking.places {
            place.contestant = now_at(place.contestant);
        }
        let engines = order.iter().map(|old| engines[*old].clone()).collect();
        Self { conditions, engines, queries, ranking, grid }
    }

    /// The newest result of an engine on a query.
    pub(super) fn cell<'a>(&self, standing: &'a Standing, query: usize, engine: usize) -> Option<&'a Newest> {
        self.grid.get(&(query, engine)).map(|place| &standing.cells[*place])
    }
}

/// A time that may be ranked: verified, and of this group's provenance.
pub(super) fn timed(cell: &Newest) -> Option<Timed<'_>> {
    let median_ns = cell.time_ns.filter(|time| cell.comparable && *time > 0.0)?;
    Some(Timed { samples_ns: &cell.samples_ns, median_ns, peak_memory_bytes: cell.peak_memory_bytes })
}

/// Who is compared. An engine that did not open tells no version: it is the one of its name and mode that has one, where there is one.
fn contestants(cells: &[Newest], places: &[usize], known: &Known) -> Vec<Contestant> {
    let mut found: Vec<Contestant> = Vec::new();
    let mut all: Vec<&Newest> = places.iter().map(|place| &cells[*place]).collect();
    all.sort_by_key(|cell| (cell.engine_version.is_none(), cell.label()));
    for cell in all {
        if owner(&found, cell).is_none() {
            let reference = known.engine(&cell.engine_name).and_then(|engine| engine.reference.as_ref());
            found.push(Contestant {
                label: cell.label(),
                name: cell.engine_name.clone(),
                mode: cell.mode.clone(),
                color: known.color(&cell.engine_name),
                is_reference: reference == Some(&cell.suite),
            });
        }
    }
    found
}

/// Whose result it is.
fn owner(engines: &[Contestant], cell: &Newest) -> Option<usize> {
    let label = cell.label();
    let exact = engines.iter().position(|engine| engine.label == label);
    let of_name = || engines.iter().position(|engine| engine.name == cell.engine_name && engine.mode == cell.mode);
    exact.or_else(|| of_name().filter(|_| cell.engine_version.is_none()))
}

/// Leaves out, query by query, what was measured on other data than the newest result.
fn drop_other_data(grid: &mut HashMap<(usize, usize), usize>, cells: &[Newest], queries: usize) {
    for query in 0..queries {
        let of_query = grid.iter().filter(|((of, _), _)| *of == query).map(|(_, place)| &cells[*place]);
        let newest = of_query.filter(|cell| cell.data_sha256.is_some()).max_by_key(|cell| cell.started_at_ms);
        let data = newest.and_then(|cell| cell.data_sha256.clone());
        grid.retain(|(of, _), place| {
            let sha256 = &cells[*place].data_sha256;
            *of != query || sha256.is_none() || *sha256 == data
        });
    }
}
