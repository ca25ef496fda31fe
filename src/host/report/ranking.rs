//! Who is ahead: a geometric mean over the queries that every ranked engine answered right, and groups of engines that
//! cannot be told apart.
//!
//! The interval comes from a bootstrap at two levels. Queries are drawn anew, the same for all engines, since another
//! selection of equally good queries would have given other ratios; and within each query the samples are drawn anew. Two
//! engines are tied when the interval of their ratio includes 1. What the bootstrap cannot know is how much a time moves
//! from one launch of a program to the next: that takes several runs, and the gate.

use serde::Serialize;

use crate::host::record::{Record, metric};
use crate::host::stats::{Interval, Random, geometric_mean, percentiles, resampled_medians};

/// An engine is ranked when it answered at least this share of what the engine with the most right answers did: one that
/// was tried on a single query must not reduce the ranking to it.
const SHARE: f64 = 0.8;
const CONFIDENCE: f64 = 0.95;
const REPLICATES: usize = 2000;
/// Medians kept of each cell's resampled samples, to draw from.
const MEDIANS: usize = 64;

/// A ranking of the engines of a group.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Ranking {
    /// The queries that it is over: places in the group's queries.
    pub queries: Vec<usize>,
    /// Fastest first.
    pub places: Vec<Place>,
}

/// An engine in a ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// Its place in the group's contestants.
    pub contestant: usize,
    /// 1 for the fastest and all that are tied with it; the next group continues with its position.
    pub rank: usize,
    /// The geometric mean of its medians, in nanoseconds.
    pub geomean_ns: f64,
    /// That mean by the fastest engine's, with its 95 % interval.
    pub to_fastest: Interval,
    /// The geometric mean of its peak memory, in bytes; unknown when one peak is.
    pub peak_memory_bytes: Option<f64>,
}

/// A time that may be ranked.
#[derive(Debug, Clone, Copy)]
pub struct Timed<'a> {
    /// The samples, in nanoseconds.
    pub samples_ns: &'a [f64],
    /// Their median.
    pub median_ns: f64,
    /// The peak of memory, in bytes, where it is known.
    pub peak_memory_bytes: Option<f64>,
}

impl<'a> Timed<'a> {
    /// That of a record which may be ranked.
    pub(super) fn of(record: &'a Record) -> Option<Self> {
        let peak_memory_bytes = record.metric(metric::PEAK_MEMORY);
        Some(Self { samples_ns: record.samples_ns(), median_ns: record.median_ns()?, peak_memory_bytes })
    }
}

/// The time of a contestant on a query, where it may be ranked.
type Right<'a> = dyn Fn(usize, usize) -> Option<Timed<'a>> + 'a;

/// Ranks contestants over so many queries, from what each has right; without a query that all share there is no place.
pub fn rank(candidates: &[usize], queries: usize, right: &Right<'_>) -> Ranking {
    let answered = |candidate: usize| (0..queries).filter(|query| right(*query, candidate).is_some()).count();
    let most = candidates.iter().map(|candidate| answered(*candidate)).max().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a number of queries")]
    let enough = |count: usize| count > 0 && count as f64 >= SHARE * most as f64;
    let ranked: Vec<usize> = candidates.iter().copied().filter(|candidate| enough(answered(*candidate))).collect();
    let all = |query: &usize| ranked.iter().all(|contestant| right(*query, *contestant).is_some());
    let queries: Vec<usize> = (0..queries).filter(all).collect();
    if queries.is_empty() {
        return Ranking::default();
    }
    let mean = |contestant: usize, value: fn(Timed<'_>) -> Option<f64>| -> Option<f64> {
        let values: Option<Vec<f64>> = queries.iter().map(|query| value(right(*query, contestant)?)).collect();
        geometric_mean(&values?)
    };
    let time = |contestant: usize| Some((contestant, mean(contestant, |timed| Some(timed.median_ns))?));
    let mut places: Vec<(usize, f64)> = ranked.into_iter().filter_map(time).collect();
    places.sort_by(|a, b| a.1.total_cmp(&b.1));
    let replicates = replicates(&queries, &places, right);
    let ratio = |engine: usize, to: usize| {
        let ratios = replicates[engine].iter().zip(&replicates[to]).map(|(engine, to)| (engine - to).exp());
        let mut ratios: Vec<f64> = ratios.collect();
        let estimate = places[engine].1 / places[to].1;
        let (low, high) = percentiles(&mut ratios, CONFIDENCE).unwrap_or((estimate, estimate));
        Interval { estimate, low: low.min(estimate), high: high.max(estimate) }
    };
    let mut leader = 0;
    let mut ranking = Ranking { queries: queries.clone(), places: Vec::new() };
    for (index, (contestant, geomean_ns)) in places.iter().enumerate() {
        if ratio(index, leader).low > 1.0 {
            leader = index;
        }
        ranking.places.push(Place {
            contestant: *contestant,
            rank: leader + 1,
            geomean_ns: *geomean_ns,
            to_fastest: ratio(index, 0),
            peak_memory_bytes: mean(*contestant, |timed| timed.peak_memory_bytes),
        });
    }
    ranking
}

/// For each place the mean logarithm of its time, in each replicate of the bootstrap.
fn replicates(queries: &[usize], places: &[(usize, f64)], right: &Right<'_>) -> Vec<Vec<f64>> {
    let mut random = Random::new(1);
    // Logarithms of medians that the samples might have had.
    let mut medians = |query: usize, contestant: usize| -> Vec<f64> {
        let samples = right(query, contestant).map_or(&[][..], |timed| timed.samples_ns);
        resampled_medians(samples, MEDIANS, &mut random).into_iter().map(f64::ln).collect()
    };
    let of_query = |query: &usize| places.iter().map(|(contestant, _)| medians(*query, *contestant)).collect();
    let medians: Vec<Vec<Vec<f64>>> = queries.iter().map(of_query).collect();
    let mut replicates = vec![Vec::with_capacity(REPLICATES); places.len()];
    #[expect(clippy::cast_precision_loss, reason = "a number of queries")]
    let count = queries.len() as f64;
    for _ in 0..REPLICATES {
        let mut sums = vec![0.0; places.len()];
        for _ in queries {
            for (sum, medians) in sums.iter_mut().zip(&medians[random.below(queries.len())]) {
                *sum += medians[random.below(MEDIANS)];
            }
        }
        for (replicates, sum) in replicates.iter_mut().zip(sums) {
            replicates.push(sum / count);
        }
    }
    replicates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::report::{Found, Group, Known};

    /// Ten samples around a time, one percent apart.
    fn found(engine: &str, query: usize, milliseconds: f64) -> Found {
        let mut record: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json")).unwrap();
        record.id = format!("{engine}/q{query}/sf1/parquet").parse().unwrap();
        let samples = (0..10).map(|sample| milliseconds * 1e6 * (1.0 + f64::from(sample) / 1000.0));
        record.metrics.set(metric::TIME, samples);
        Found { record_id: String::new(), record }
    }

    /// Each engine's rank by name, from times by query.
    fn ranks(times: &[(&str, &[f64])]) -> Vec<(String, usize)> {
        let all: Vec<Found> = times
            .iter()
            .flat_map(|(engine, times)| times.iter().enumerate().map(|(query, time)| found(engine, query + 1, *time)))
            .filter(|found| found.record.samples_ns()[0] > 0.0)
            .collect();
        let groups = Group::all(&all, &Known::default());
        assert_eq!(groups.len(), 1);
        let group = &groups[0];
        group
            .ranking
            .places
            .iter()
            .map(|place| (group.contestants[place.contestant].engine.to_owned(), place.rank))
            .collect()
    }

    fn named(wanted: &[(&str, usize)]) -> Vec<(String, usize)> {
        wanted.iter().map(|(engine, rank)| ((*engine).to_owned(), *rank)).collect()
    }

    #[test]
    fn clearly_apart_is_apart_and_the_next_continues_with_its_position() {
        let found = ranks(&[("c", &[40.0; 6]), ("a", &[10.0; 6]), ("b", &[20.0; 6])]);
        assert_eq!(found, named(&[("a", 1), ("b", 2), ("c", 3)]));
    }

    #[test]
    fn those_who_win_some_queries_each_are_tied() {
        let a = [10.0, 30.0, 10.0, 30.0, 10.0, 31.0];
        let b = [30.0, 10.0, 30.0, 10.0, 30.0, 10.0];
        let found = ranks(&[("b", &b), ("a", &a), ("c", &[90.0; 6])]);
        assert_eq!(found, named(&[("b", 1), ("a", 1), ("c", 3)]));
    }

    #[test]
    fn who_answered_too_few_is_not_ranked_and_takes_no_query_from_others() {
        let found = ranks(&[
            ("a", &[10.0; 10]),
            ("b", &[20.0; 10]),
            ("c", &[1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        ]);
        assert_eq!(found, named(&[("a", 1), ("b", 2)]));
    }

    #[test]
    fn without_a_common_query_nobody_is_ranked() {
        assert_eq!(ranks(&[("a", &[10.0, 0.0]), ("b", &[0.0, 10.0])]), []);
    }
}
