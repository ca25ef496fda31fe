//! What each side has: its newest result of each query under each set of conditions, [`Candidate`], and why it is not compared where
//! that is so.

use anyhow::Result;

use super::sides::Sides;
use crate::history::store::{Store, samples};

/// What both sides of a pair have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) machine: Option<String>,
    pub(super) suite: String,
    pub(super) scale: String,
    pub(super) conditions: String,
    /// Nothing where the sides are engines.
    pub(super) engine: String,
    pub(super) query: String,
}

/// A result of one side.
#[derive(Debug)]
pub(super) struct Candidate {
    /// 0 or 1.
    pub(super) side: usize,
    pub(super) key: Key,
    pub(super) record: String,
    pub(super) series: Option<String>,
    /// The key of its plan, where the engine told one.
    pub(super) plan: Option<String>,
    pub(super) text: Option<String>,
    pub(super) data: Option<String>,
    /// Why it is not compared.
    pub(super) why_not: Option<String>,
    /// The median and all samples, in nanoseconds.
    pub(super) time_ns: Option<f64>,
    pub(super) samples_ns: Vec<f64>,
}

/// The newest of each side, those first that can be compared.
///
/// # Errors
/// When the history cannot be read.
pub(super) fn read(store: &Store, sides: &Sides, cells: &str, provenance: &str) -> Result<Vec<Candidate>> {
    let [first, second] = &sides.conditions;
    let machine = if sides.same_machine { "m.machine_class" } else { "NULL::VARCHAR" };
    let statement = format!(
        "WITH sides AS (
             SELECT CASE WHEN {first} THEN 0 ELSE 1 END AS side, * FROM measurements WHERE ({first}) OR ({second})
         ), told AS (
             SELECT m.side, {machine} AS on_machine, m.suite, m.scale, {alike} AS alike, {engine} AS of_engine, m.query, m.record,
                    m.text_sha256, m.data_sha256, m.time_ns, m.result, m.started_at, m.series, m.plan,
                    CASE
                        WHEN m.provenance != ? THEN concat_ws(': ', m.provenance, m.provenance_reason)
                        WHEN m.outcome != 'measured' THEN concat_ws(': ', m.outcome, m.reason)
                        WHEN NOT m.verified THEN concat_ws(' ', 'answer', coalesce(m.verdict, 'unchecked'))
                        WHEN NOT m.comparable THEN 'without a time'
                    END AS why_not
             FROM sides m JOIN results r ON r.result = m.result
             WHERE m.inspects IS NULL AND m.cell IN (SELECT unnest(string_split(?, chr(10))))
         ), newest AS (
             FROM told QUALIFY row_number() OVER (
                 PARTITION BY side, on_machine, suite, scale, alike, of_engine, query
                 ORDER BY why_not IS NULL DESC, started_at DESC, told.result
             ) = 1
         )
         SELECT n.side, n.on_machine, n.suite, n.scale, n.alike, n.of_engine, n.query, n.record, n.text_sha256, n.data_sha256,
                n.why_not, n.time_ns, coalesce(t.samples, [t.value]), n.series, n.plan
         FROM newest n LEFT JOIN metrics t ON t.result = n.result AND t.name = 'time'",
        alike = sides.alike(),
        engine = sides.engine(),
    );
    let candidates = store.rows(&statement, [provenance, cells], |row| {
        let samples_ns = samples(&row.get(12)?);
        Ok(Candidate {
            side: row.get(0)?,
            key: Key {
                machine: row.get(1)?,
                suite: row.get(2)?,
                // Imported results may tell none.
                scale: row.get::<_, Option<String>>(3)?.unwrap_or_else(|| "unknown".to_owned()),
                conditions: row.get(4)?,
                engine: row.get(5)?,
                query: row.get(6)?,
            },
            record: row.get(7)?,
            series: row.get(13)?,
            plan: row.get(14)?,
            text: row.get(8)?,
            data: row.get(9)?,
            why_not: row.get(10)?,
            time_ns: row.get(11)?,
            samples_ns,
        })
    })?;
    Ok(candidates)
}
