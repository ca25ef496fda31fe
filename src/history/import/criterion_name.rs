//! How Criterion names a benchmark, in its own tree and in what critcmp exports, and what becomes of that name.

use super::json::Entry;
use super::told::Told;
use super::{Defaults, Kind};
use crate::host::record::metric;
use crate::protocol::id::BenchId;

/// The rule by which names are made, as people read it.
pub(super) const RULE: &str = "engine/query/scale/variant of ours stays; of group/function/value the group is the query, the function the \
     engine, the value the variant; without a function --engine names the engine";

/// The names that a `benchmark.json` has, with the amount of one iteration where it is told.
///
/// # Errors
/// When it has no name.
pub(super) fn named(benchmark: &Entry<'_>, kind: Kind, defaults: &Defaults) -> Result<Told, String> {
    let full = benchmark.text("full_id")?.ok_or("has no full_id")?;
    let group = benchmark.text("group_id")?.unwrap_or(full);
    let function = benchmark.text("function_id")?.filter(|name| !name.is_empty());
    let mut told = Told {
        id: full.parse::<BenchId>().ok(),
        query: group.to_owned(),
        engine: function.map_or_else(|| defaults.engine(kind), str::to_owned),
        axes: benchmark.text("value_str")?.into_iter().map(str::to_owned).collect(),
        text: Some(full.to_owned()),
        ..Told::default()
    };
    if let Some(throughput) = benchmark.object("throughput")? {
        for (key, name, unit) in [
            ("Bytes", "bytes_per_iteration", "bytes"),
            ("BytesDecimal", "bytes_per_iteration", "bytes"),
            ("Elements", "elements_per_iteration", "count"),
        ] {
            if let Some(amount) = throughput.number(key)? {
                told.metrics.put(metric::imported(name, unit, [amount]));
            }
        }
    }
    Ok(told)
}
