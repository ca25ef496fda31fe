//! Which cells there are, and which of them a filter means.
//!
//! What a filter means is [`crate::host::filter`]'s; here it meets the cells that there are, and those that run on request only.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use super::hint::{Known, hint};
use crate::host::catalog::{self, Catalog};
use crate::host::data::generate::Store;
use crate::host::data::tables::{self, Found};
use crate::host::filter::Filter;
use crate::host::paths;
use crate::host::settings::Settings;
use crate::host::suite::{QuerySpec, Suite};
use crate::host::variant::{Cache, Variant, is_on_s3};
use crate::protocol::id::{BenchId, check_name};
use crate::protocol::task::Task;

/// Characters of a folder's name that Criterion keeps, `MAX_DIRECTORY_NAME_LEN` in its `report.rs`.
const FOLDER: usize = 64;

/// A cell by name, and what it is made of.
#[derive(Debug, Clone)]
pub(crate) struct Cell<'a> {
    pub(crate) id: BenchId,
    pub(crate) engine: &'a catalog::Entry,
    /// Under which conditions.
    pub(crate) variant: Variant<'a>,
    pub(crate) suite: &'a Suite,
    pub(crate) query: &'a QuerySpec,
}

impl Cell<'_> {
    /// What its engine is told to run.
    pub(crate) fn task(&self) -> Result<Task> {
        self.suite.task(self.query, self.engine, self.id.scale)
    }

    /// Its tables, which are found or made.
    pub(crate) fn tables(&self, settings: &Settings, store: &Store) -> Result<Found> {
        let names = &self.query.tables;
        tables::dataset(self.suite, names, self.id.scale, self.variant.format, settings, store)
    }
}

/// Every cell of these suites: query by query, so that engines stand side by side in time too.
pub(crate) fn all<'a>(suites: &'a [Suite], catalog: &'a Catalog, settings: &'a Settings) -> Vec<Cell<'a>> {
    let mut cells = Vec::new();
    for suite in suites {
        for scale in &suite.scales(settings) {
            for query in &suite.queries {
                for engine in catalog.entries().iter().filter(|engine| runs(engine, query)) {
                    for variant in variants(engine, suite, settings) {
                        let id = BenchId {
                            engine: engine.name.clone(),
                            query: query.name.clone(),
                            scale: *scale,
                            variant: variant.to_string(),
                        };
                        cells.push(Cell { id, engine, variant, suite, query });
                    }
                }
            }
        }
    }
    cells
}

/// An engine that writes into a sink runs the queries that have a pipeline into that, and no others.
fn runs(engine: &catalog::Entry, query: &QuerySpec) -> bool {
    engine.writes.is_none() || query.pipeline_for(engine).is_some()
}

/// Every format, mode and state of the cache, for each number of threads and each memory limit that was asked for.
fn variants<'a>(engine: &'a catalog::Entry, suite: &Suite, settings: &'a Settings) -> Vec<Variant<'a>> {
    let mut variants = Vec::new();
    for variant in suite.formats().into_iter().flat_map(|format| settings.variants(format)) {
        // The first mode is the default, which an id does not spell.
        let others = engine.modes.iter().skip(1).map(|mode| Some(mode.as_str()));
        // No page cache of this machine holds what is on S3: each run asks for it again.
        let caches: &[Cache] = if is_on_s3(variant.format) { &[Cache::Hot] } else { &[Cache::Hot, Cache::Cold] };
        for mode in [None].into_iter().chain(others) {
            variants.extend(caches.iter().map(|cache| Variant { mode, cache: *cache, ..variant }));
        }
    }
    variants
}

/// What could be names in a filter, so that versions of packages are engines.
pub(crate) fn words(filter: Option<&str>) -> Vec<&str> {
    let words = filter.unwrap_or_default().split(|c: char| check_name(&c.to_string()).is_err());
    // `parquet(-eager|-in-memory)` names two modes.
    words.map(|word| word.trim_matches('-')).collect()
}

/// What runs without being named in a filter, as far as the settings say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DefaultSelection<'a> {
    pub(crate) caches: &'a [Cache],
    pub(crate) formats: &'a [String],
}

impl<'a> DefaultSelection<'a> {
    pub(crate) fn of(settings: &'a Settings) -> Self {
        Self { caches: &settings.caches, formats: &settings.formats }
    }

    /// What is on S3 has one state of the cache only, see [`variants`].
    fn has_cache(&self, variant: Variant<'_>) -> bool {
        is_on_s3(variant.format) || self.caches.contains(&variant.cache)
    }

    /// Tables that are there already are in one format: asking for them is asking for that.
    fn has_format(&self, cell: &Cell<'_>) -> bool {
        cell.suite.is_external() || self.formats.iter().any(|format| format == cell.variant.format)
    }
}

/// The cells that the filter means. What runs on request only - some suites and engines, every mode but the default, a format or a
/// state of the cache that is not a default - has to be named in it: by its own name, or by the whole variant's; a suite by one of its
/// queries too.
///
/// # Errors
/// A filter that means none: says what exists and what may have been meant, or what has to be named.
pub(crate) fn select<'a>(
    cells: Vec<Cell<'a>>,
    filter: Option<&str>,
    exact: bool,
    defaults: DefaultSelection<'_>,
) -> Result<Vec<Cell<'a>>> {
    let Some(filter) = filter.filter(|text| !text.is_empty()) else {
        let runs = |cell: &Cell<'_>| {
            let Cell { engine, variant, .. } = cell;
            let by_default = defaults.has_cache(*variant) && defaults.has_format(cell);
            !cell.suite.on_request && !engine.on_request && variant.mode.is_none() && by_default
        };
        return Ok(cells.into_iter().filter(runs).collect());
    };
    let meant = Filter::new(filter, exact)?;
    let words = words(Some(filter));
    let named = |name: &str| words.contains(&name);
    // `iceberg(-monthly)?` names two formats.
    let named_format = |format: &str| {
        named(format) || format.split_once('-').is_some_and(|(base, layout)| named(base) && named(layout))
    };
    let wanted = |cell: &Cell<'_>| {
        let Cell { engine, variant, .. } = cell;
        let whole = named(&cell.id.variant);
        let cold = variant.cache == Cache::Cold && named(&variant.cache.to_string());
        (!cell.suite.on_request || cell.suite.is_named_by(&words))
            && (!engine.on_request || named(&engine.name))
            && variant.mode.is_none_or(|mode| whole || named(mode))
            && (whole || cold || defaults.has_cache(*variant))
            && (whole || named_format(variant.format) || defaults.has_format(cell))
    };
    let fits = |cell: &Cell<'_>| meant.means_in(&cell.id, &cell.suite.name);
    let (matching, others): (Vec<_>, Vec<_>) = cells.into_iter().partition(fits);
    let Some(first) = matching.first() else {
        let known: Vec<_> = others.iter().map(|cell| Known { id: &cell.id, suite: &cell.suite.name }).collect();
        bail!(hint(&known, filter));
    };
    let unnamed = unnamed(first, filter);
    let selected: Vec<_> = matching.into_iter().filter(wanted).collect();
    ensure!(!selected.is_empty(), unnamed);
    Ok(selected)
}

/// Refuses cells that would share a folder of Criterion's, which compares whatever it finds in one: it cuts the names of
/// folders, and `a_b/c` and `a/b_c` are the same to it.
///
/// # Errors
/// Names the cell and what to shorten.
pub(crate) fn check_names(cells: &[Cell<'_>]) -> Result<()> {
    let mut folders: BTreeMap<PathBuf, &BenchId> = BTreeMap::new();
    for Cell { id, .. } in cells {
        let length = id.group().len();
        ensure!(
            length <= FOLDER,
            "{id}: Criterion cuts the name of its folder, {}, to {FOLDER} of {length} characters, and would compare it with \
             others that begin alike: shorten the name of the query '{}' by {}, or that of the engine",
            id.group().replace('/', "_"),
            id.query,
            length - FOLDER
        );
        let length = id.variant.len();
        ensure!(
            length <= FOLDER,
            "{id}: Criterion cuts the variant's folder to {FOLDER} of {length} characters: set fewer of mode, cache, \
             threads and memory at a time"
        );
        let folder = paths::criterion_of(id);
        let other = *folders.entry(folder.clone()).or_insert(id);
        ensure!(
            other == id,
            "{other} and {id} would share Criterion's folder {}, and be compared with one another: name the query '{}' or its \
             engine otherwise",
            folder.display(),
            id.query
        );
    }
    Ok(())
}

/// What to tell somebody whose filter matches only cells that run on request, and names none of them.
fn unnamed(cell: &Cell<'_>, filter: &str) -> String {
    format!(
        "no cell matches '{filter}' by name: as a pattern it fits {}, but what runs on request only has to be written out in \
         the filter: cold runs, formats and modes other than the default, some engines and some suites",
        cell.id
    )
}

#[cfg(test)]
mod tests {
    use super::super::hint::unique;
    use super::*;

    fn chosen(filter: Option<&str>) -> Result<Vec<String>> {
        chosen_with(filter, Cache::Hot)
    }

    fn chosen_with(filter: Option<&str>, cache: Cache) -> Result<Vec<String>> {
        // Two scales, so that one scale's name is the beginning of another's.
        let mut settings = Settings::read()?;
        settings.scales = vec!["1".parse()?, "10".parse()?];
        settings.threads = vec![crate::measure::machine::online_cores()];
        settings.memory = vec![None];
        settings.caches = vec![cache];
        let mut catalog = Catalog::read(&settings)?;
        catalog.add_versions(&words(filter))?;
        let suites = [Suite::read("tpch")?];
        let cells = select(all(&suites, &catalog, &settings), filter, false, DefaultSelection::of(&settings))?;
        Ok(cells.iter().map(|cell| cell.id.to_string()).collect())
    }

    #[test]
    fn a_filter_means_whole_segments() {
        assert_eq!(chosen(Some("duckdb/q1")).unwrap(), ["duckdb/q1/sf1/parquet", "duckdb/q1/sf10/parquet"]);
        assert_eq!(chosen(Some("duckdb/q1/sf1")).unwrap(), ["duckdb/q1/sf1/parquet"]);
        assert_eq!(chosen(Some("arrow/q6/sf10/parquet")).unwrap(), ["arrow/q6/sf10/parquet"]);
    }

    #[test]
    fn a_regular_expression_still_works() {
        assert_eq!(chosen(Some("^duckdb/q1[0-9]/sf1/")).unwrap().len(), 10);
    }

    #[test]
    fn engines_on_request_run_only_when_named() {
        assert!(chosen(None).unwrap().iter().all(|id| !id.starts_with("null/")));
        assert!(chosen(Some("q1")).unwrap().iter().all(|id| !id.starts_with("null/")));
        assert_eq!(chosen(Some("null/q1/sf1")).unwrap(), ["null/q1/sf1/parquet"]);
        assert_eq!(chosen(Some("^(null|duckdb)/q6/sf1/")).unwrap().len(), 2);
    }

    #[test]
    fn suites_on_request_run_only_when_named() {
        let settings = Settings::read().unwrap();
        let catalog = Catalog::read(&settings).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("queries")).unwrap();
        let mut text =
            "name = 'shop'\ntitle = ''\non_request = true\n[[table]]\nname = 'a'\nsource = 'a.parquet'\n".to_owned();
        for name in ["sh1", "sh2", "sh10"] {
            std::fs::write(folder.path().join(format!("queries/{name}.sql")), "SELECT 1 FROM {a}").unwrap();
            text += &format!("[[query]]\nname = '{name}'\ntitle = ''\ntables = ['a']\n");
        }
        std::fs::write(folder.path().join("suite.toml"), text).unwrap();
        let suites = [Suite::read("tpch").unwrap(), Suite::read_from(folder.path()).unwrap()];
        let queries = |filter: Option<&str>| -> Vec<String> {
            let cells = all(&suites, &catalog, &settings);
            let selected = select(cells, filter, false, DefaultSelection::of(&settings)).unwrap();
            unique(&selected, |cell| cell.id.query.clone()).into_iter().filter(|name| name.starts_with('s')).collect()
        };
        assert!(queries(None).is_empty() && queries(Some("duckdb")).is_empty() && queries(Some("^duckdb/")).is_empty());
        assert_eq!(queries(Some("duckdb/shop")), ["sh1", "sh2", "sh10"]);
        assert_eq!(queries(Some("sh2")), ["sh2"]);
        assert_eq!(queries(Some("^(duckdb|polars)/sh")), ["sh1", "sh2", "sh10"]);
        assert_eq!(queries(Some("^duckdb/sh1")), ["sh1", "sh10"]);
    }

    #[test]
    fn a_mode_runs_only_when_named() {
        assert_eq!(chosen(Some("polars/q1/sf1")).unwrap(), ["polars/q1/sf1/parquet"]);
        assert_eq!(chosen(Some("polars/q1/sf1/parquet-eager")).unwrap(), ["polars/q1/sf1/parquet-eager"]);
        assert_eq!(chosen(Some("^polars/q1/sf1/parquet-(eager|in-memory)")).unwrap().len(), 2);
        assert_eq!(chosen(Some("^polars/q1/sf1/parquet(-eager|-in-memory)?$")).unwrap().len(), 3);
        assert!(chosen(None).unwrap().iter().all(|id| id.ends_with("/parquet")));
    }

    #[test]
    fn a_cold_run_is_named_too() {
        assert_eq!(chosen(Some("duckdb/q6/sf1/parquet-cold")).unwrap(), ["duckdb/q6/sf1/parquet-cold"]);
        assert_eq!(chosen(Some("^duckdb/q6/sf1/parquet(-cold)?$")).unwrap().len(), 2);
        assert_eq!(chosen(Some("polars/q6/sf1/parquet-eager-cold")).unwrap().len(), 1);
    }

    #[test]
    fn a_format_is_named_as_a_whole() {
        for format in ["iceberg", "iceberg-monthly"] {
            let id = format!("duckdb/q6/sf1/{format}");
            assert_eq!(chosen(Some(&id)).unwrap(), [id.as_str()]);
        }
        assert_eq!(chosen(Some("^duckdb/q6/sf1/iceberg")).unwrap(), ["duckdb/q6/sf1/iceberg"]);
        assert_eq!(chosen(Some("^duckdb/q6/sf1/(parquet|iceberg(-monthly)?)$")).unwrap().len(), 3);
        assert_eq!(chosen(Some("polars/q6/sf1/iceberg-monthly-eager-cold")).unwrap().len(), 1);
    }

    #[test]
    fn a_cell_whose_variant_is_named_runs_whatever_the_cache_is_set_to() {
        let cold = |filter| chosen_with(Some(filter), Cache::Cold).unwrap();
        assert_eq!(cold("duckdb/q1/sf1/parquet"), ["duckdb/q1/sf1/parquet"]);
        assert_eq!(cold("polars/q1/sf1/parquet-eager"), ["polars/q1/sf1/parquet-eager"]);
        assert_eq!(cold("duckdb/q1/sf1"), ["duckdb/q1/sf1/parquet-cold"]);
    }

    #[test]
    fn a_pattern_that_fits_only_what_has_to_be_named_says_so() {
        for (filter, fits) in [
            ("^duckdb/q6/sf1/parquet-c", "duckdb/q6/sf1/parquet-cold"),
            ("^polars/q6/sf1/parquet-eag", "polars/q6/sf1/parquet-eager"),
            ("^nul+/q6/sf1/", "null/q6/sf1/parquet"),
        ] {
            let error = format!("{:#}", chosen(Some(filter)).unwrap_err());
            assert!(error.contains(fits) && error.contains("written out in the filter"), "{filter}: {error}");
        }
    }

    #[test]
    fn a_version_is_an_engine_of_its_own() {
        let ids = chosen(Some("polars-wheel@2.0.0/q1/sf1")).unwrap();
        assert_eq!(ids, ["polars-wheel@2.0.0/q1/sf1/parquet"]);
        assert_eq!(chosen(Some("polars-wheel/q1/sf1")).unwrap(), ["polars-wheel/q1/sf1/parquet"]);
        assert_eq!(chosen(Some("^(polars-wheel|polars-wheel@2.0.0)/q1/sf1/")).unwrap().len(), 2);
        for (filter, told) in [("datafusion@1/q1", "no versions"), ("^polars-wheel(@2.0.0)?/q1", "the whole name")] {
            let error = format!("{:#}", chosen(Some(filter)).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_filter_without_a_match_says_what_exists() {
        for (filter, advice) in [
            ("duckbd/q1", "did you mean 'duckdb'?"),
            ("DuckDB/q1", "did you mean 'duckdb'?"),
            ("q23", "queries: q1 to q22"),
            ("duckdb/q1/sf30", "QUERYDYNO_SCALE=30"),
            ("duckdb/q1/sf1/iceberg-monthly-977t", "QUERYDYNO_THREADS"),
            ("duckdb/q(", "no regular expression"),
        ] {
            let error = format!("{:#}", chosen(Some(filter)).unwrap_err());
            assert!(error.contains(advice), "{filter}: {error}");
        }
    }

    /// Checks cells of these names, `engine/query/scale/variant`, made of what any cell is.
    fn names(ids: &[&str]) -> Result<()> {
        let settings = Settings::read()?;
        let (catalog, suites) = (Catalog::read(&settings)?, [Suite::read("tpch")?]);
        let any = all(&suites, &catalog, &settings).remove(0);
        let cells: Vec<Cell<'_>> = ids.iter().map(|id| Cell { id: id.parse().unwrap(), ..any.clone() }).collect();
        check_names(&cells)
    }

    #[test]
    fn check_names_refuses_what_criterion_cuts() {
        // With `duckdb_` and `_sf1` around it.
        let longest = "x".repeat(FOLDER - 11);
        assert!(names(&[&format!("duckdb/{longest}/sf1/parquet")]).is_ok());
        let error = names(&[&format!("duckdb/{longest}/sf10/parquet")]).unwrap_err().to_string();
        assert!(error.contains("64 of 65 characters") && error.contains("by 1, "), "{error}");
        let error = names(&[&format!("duckdb/q1/sf1/{}", "v".repeat(65))]).unwrap_err().to_string();
        assert!(error.contains("variant"), "{error}");
    }

    #[test]
    fn check_names_refuses_cells_that_would_share_a_folder() {
        let error = names(&["a_b/c/sf1/parquet", "a/b_c/sf1/parquet"]).unwrap_err().to_string();
        assert!(error.contains("a_b/c/sf1/parquet and a/b_c/sf1/parquet would share"), "{error}");
        assert!(names(&["a_b/c/sf1/parquet", "a/b_c/sf1/parquet-cold", "a_b/c/sf1/parquet"]).is_ok());
    }
}
