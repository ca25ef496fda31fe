//! What is asked: a [`Suite`] is a set of tables and of queries over them, read from the `suite.toml` of its folder.
//!
//! A query is SQL text in `queries/q1.sql`; an engine whose dialect needs another text has it in
//! `queries/<dialect>/q1.sql`. Numbers that depend on the scale stand as `{name}` in the text and are
//! declared under `parameters`; `{orders}` is the table `orders`, and `{table}` the only one. In a literal, a comment or a
//! quoted identifier braces mean nothing. How a suite's tables come to be is [`crate::host::data::generate`]'s business; those that
//! are there already say where they lie, and then there is one scale.
//!
//! Ours are the folders of `fixtures`; a user's own are named by `QUERYDYNO_WORKLOADS`, with `tests/workload` as the example;
//! a single query over a single table needs no folder: `Suite::adhoc` (feature `harness`).

mod adhoc;
mod all;
mod check;
mod criteria;
mod pods;
mod published;
mod ranges;
mod read;
mod scale;
mod social;
pub(crate) mod source;
mod statement;
mod task;
mod tpcds;
mod tpch;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::protocol::answer::Kind;
use crate::protocol::dataset::Keys;
pub(crate) use adhoc::is_adhoc;
pub use criteria::{CriterionSpec, Requirement};
pub use published::{Measure, Published, Tolerances};
pub use ranges::in_ranges;

/// The suite that a command means where none is named.
pub const DEFAULT: &str = tpch::NAME;
/// The only suite that there was when records of version 2 were written.
pub(crate) const FIRST: &str = tpch::NAME;
/// What the generators are called that suites may name, in the order in which `data::generate` has them.
pub(crate) const GENERATORS: [&str; 4] = [tpch::NAME, tpcds::NAME, social::NAME, pods::NAME];

/// Tables and queries that belong together.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The name used in settings and folders, `tpch`.
    pub name: String,
    /// The name people use, `TPC-H`.
    pub title: String,
    /// Who makes its tables. None: they say where they lie.
    #[serde(default)]
    pub generator: Option<String>,
    /// About how many bytes its tables take at scale 1, as Parquet files.
    #[serde(default)]
    pub bytes_at_sf1: Option<u64>,
    /// About how many seconds a run of one of its queries takes at scale 1, on the average over queries and engines: for the time that a
    /// run announces where nothing was measured before.
    #[serde(default)]
    pub seconds_at_sf1: f64,
    /// Whether its cells run only where a filter names it, or some of its queries: a suite of hours is not everybody's.
    #[serde(default)]
    pub on_request: bool,
    /// The formats that its tables can have, where these are not the usual ones: `["parquet", "parquet-by-category"]`.
    #[serde(default)]
    pub formats: Option<Vec<String>>,
    /// Answers that somebody published.
    #[serde(default)]
    pub published: Option<Published>,
    /// Where NULLs sort in all of its queries; see [`QuerySpec::nulls`].
    #[serde(default)]
    pub nulls: Option<NullOrder>,
    /// The tables, in the order in which they are generated.
    #[serde(rename = "table")]
    pub tables: Vec<TableSpec>,
    /// The queries in their own order: q2 before q10.
    #[serde(rename = "query")]
    pub queries: Vec<QuerySpec>,
    /// What is asked of engines, which `cargo xtask criteria` judges.
    #[serde(rename = "criterion", default)]
    pub criteria: Vec<CriterionSpec>,
    /// Where its texts and answers lie.
    #[serde(skip)]
    pub folder: PathBuf,
    /// Texts that lie in no file, by query.
    #[serde(skip)]
    pub texts: BTreeMap<String, String>,
}

/// A table of a suite.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// The name used in SQL.
    pub name: String,
    /// Rows at scale 1; what the generator really makes is in the manifest.
    #[serde(default)]
    pub rows_at_sf1: u64,
    /// Where a table that is there already lies: Parquet files (a path, a folder or a pattern), the folder of an Iceberg table, or its
    /// name in the Hive Metastore, `sales.transactions`, each Iceberg one with `@snapshot` behind it if need be. None: a generator
    /// makes it.
    pub source: Option<String>,
    /// The column of dates by whose months the table is partitioned in the format `iceberg-monthly`. None: it never is.
    pub partition: Option<String>,
    /// The column of texts by whose values the table has folders in the format `parquet-by-category`. None: it never has.
    pub category: Option<String>,
    /// Its keys, for servers that keep an index: `keys = { primary = ["k"], foreign = [["a"], ["b", "c"]] }`.
    #[serde(default)]
    pub keys: Keys,
}

/// A query as declared: which tables it reads and what its answer looks like.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySpec {
    /// The name, also the file's: `q1` is `queries/q1.sql`.
    pub name: String,
    /// What the query asks, in a few words.
    pub title: String,
    /// The tables it reads; only these are generated and loaded.
    pub tables: Vec<String>,
    /// The answer's columns, left to right; empty when nobody declares them, and the answers' own are compared.
    #[serde(default)]
    pub columns: Vec<ColumnSpec>,
    /// The keys of the outermost ORDER BY; empty when any order is right.
    #[serde(default)]
    pub order: Vec<OrderKey>,
    /// Whether the outermost ORDER BY goes on by something that the answer does not show. Then `order` has the keys before that.
    #[serde(default)]
    pub has_hidden_keys: bool,
    /// Where NULLs sort, as the text says it; its suite's, where it declares none. None: either end is right, if it is the same
    /// all over an answer.
    #[serde(default)]
    pub nulls: Option<NullOrder>,
    /// The outermost LIMIT.
    pub limit: Option<usize>,
    /// Whether its answer is too large to be kept, such as a whole table: engines are held against one another at every scale.
    #[serde(default)]
    pub no_stored_answer: bool,
    /// What numbers of some columns may differ by, and why: `{ ratio = { absolute = 0.01, why = "engines round it unlike" } }`.
    #[serde(default)]
    pub tolerances: BTreeMap<String, DeclaredTolerance>,
    /// Numbers in the text that depend on the scale: `fraction = "0.0001 / sf"`.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Dialects, or engines, that cannot do it by their nature, and why not: they are not asked.
    #[serde(default)]
    pub unsupported: BTreeMap<String, String>,
    /// The same as a task of several steps, for engines that write its rows into a sink.
    #[serde(default)]
    pub pipeline: Option<Pipeline>,
}

/// A query's rows written into a sink: what an engine whose entry names that sink runs in its place. What each step does is the
/// engine's own plan of the query's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Where to, `postgresql`.
    pub sink: String,
    /// The table there, with its schema.
    pub target: String,
    /// The names of the steps, in their order.
    pub steps: Vec<String>,
    /// Statements that run once, in the sink's dialect: they make the table.
    pub setup: Vec<String>,
    /// Statements that run before each run, not timed.
    pub reset: Vec<String>,
    /// The statement whose rows are the answer.
    pub check: String,
}

/// A column of a declared answer, written `"price:decimal"`, or `"revenue:decimal:sum"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ColumnSpec {
    /// The column's name in the query's text.
    pub name: String,
    /// How its values are compared: `decimal` exactly, `float` within a tolerance (averages, ratios).
    pub kind: Kind,
    /// What kind of number it is, for answers that the TPC publishes; see [`measure()`](Self::measure()).
    pub measure: Option<Measure>,
}

impl ColumnSpec {
    /// What kind of number it is: as declared, else a value where it is exact and an average where it is not.
    pub fn measure(&self) -> Measure {
        let default = if self.kind == Kind::Float { Measure::Average } else { Measure::Value };
        self.measure.unwrap_or(default)
    }
}

/// A sort key of a declared answer, written `"revenue desc"` or `"o_orderdate"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct OrderKey {
    /// The name of an answer's column.
    pub column: String,
    /// Whether the largest value comes first.
    pub descending: bool,
}

/// Where NULLs sort among values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullOrder {
    /// First where a key ascends, last where it descends.
    Smallest,
    /// Last where a key ascends, first where it descends.
    Largest,
}

/// What numbers of a column may differ by between engines that are both right, where that is more than for any other column.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredTolerance {
    /// By so much, in the column's own unit.
    #[serde(default)]
    pub absolute: f64,
    /// As a part of the larger number.
    #[serde(default)]
    pub relative: f64,
    /// Why both are right.
    pub why: String,
}

impl TryFrom<String> for ColumnSpec {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is not a column: write name:type with int, decimal, float, text, date, timestamp, bool or list, and \
                 where TPC publishes its values :value, :count, :sum, :average or :ratio behind it"
            )
        };
        let (name, kind) = text.split_once(':').ok_or_else(wrong)?;
        let (kind, measure) = kind.split_once(':').map_or((kind, None), |(kind, measure)| (kind, Some(measure)));
        let kind = serde_json::from_value(kind.into()).map_err(|_| wrong())?;
        let measure = measure.map(|measure| serde_json::from_value(measure.into())).transpose().map_err(|_| wrong())?;
        Ok(Self { name: name.to_owned(), kind, measure })
    }
}

impl TryFrom<String> for OrderKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (column, descending) = match text.split_once(' ') {
            None => (text.as_str(), false),
            Some((column, "asc")) => (column, false),
            Some((column, "desc")) => (column, true),
            Some(_) => return Err(format!("'{text}' is not a sort key: write a column, then asc or desc")),
        };
        Ok(Self { column: column.to_owned(), descending })
    }
}
