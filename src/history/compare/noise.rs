//! How much the results of a series differ from one to the next: [`Noise`]. The samples of two runs say less of that than earlier runs do.

use std::collections::HashMap;

use anyhow::Result;

use crate::history::store::Store;

/// With fewer differences nothing is said.
const FEWEST: u64 = 6;

/// Of each series what is no news in it.
#[derive(Debug, Default)]
pub(super) struct Noise(HashMap<String, f64>);

impl Noise {
    /// Of these series: the third quartile of how many times the time of one result is that of the one before, whichever is the larger,
    /// and three times the distance of the quartiles beyond it. A step or a spike now and then does not move that.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub(super) fn read<'a>(store: &Store, series: impl IntoIterator<Item = &'a str>, provenance: &str) -> Result<Self> {
        let mut series: Vec<&str> = series.into_iter().collect();
        series.sort_unstable();
        series.dedup();
        let statement = "
            WITH differences AS (
                SELECT series, abs(ln(time_ns / lag(time_ns) OVER (PARTITION BY series ORDER BY started_at, result))) AS difference
                FROM measurements
                WHERE comparable AND time_ns > 0 AND provenance = ? AND series IN (SELECT unnest(string_split(?, chr(10))))
            )
            SELECT series, count(difference), quantile_cont(difference, 0.25), quantile_cont(difference, 0.75)
            FROM differences WHERE difference IS NOT NULL GROUP BY series";
        let rows = store.rows(statement, [provenance, &series.join("\n")], |row| {
            let of: (String, u64, f64, f64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(of)
        })?;
        let enough = rows.into_iter().filter(|(_, count, ..)| *count >= FEWEST);
        Ok(Self(enough.map(|(series, _, low, high)| (series, (high + 3.0 * (high - low)).exp())).collect()))
    }

    /// Of two series the larger: how many times as long is no news, 1.03 for 3 %. None where one of them has too few results.
    pub(super) fn of(&self, both: [Option<&str>; 2]) -> Option<f64> {
        let [first, second] = both.map(|series| self.0.get(series?).copied());
        Some(first?.max(second?))
    }
}
