//! From which size of the data on does which engine win.

use std::collections::{BTreeSet, HashSet};
use std::iter;

use serde::Serialize;

use super::conditions::Conditions;
use super::contestant::Contestant;
use super::group::Group;
use crate::host::scaling::grouped;
use crate::host::stats::geometric_mean;
use crate::protocol::id::Scale;

/// One query, or the mean of all, over scales.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crossover {
    /// The query; `None` for the geometric mean over the queries that every engine answered at every scale.
    pub query: Option<String>,
    /// The conditions in one line: `tpch, parquet, hot, 2 threads`; with the machine where others have the same line.
    pub title: String,
    /// What else the cells have in common; the scale is of no meaning.
    pub conditions: Conditions,
    /// One for each engine that has a time at every scale at which the query has any.
    pub lines: Vec<ScaleLine>,
    /// Who of these is fastest at each scale, smallest first.
    pub fastest: Vec<(Scale, String)>,
    /// Where that changes: every change, in the order of scales.
    pub crossings: Vec<Crossing>,
}

/// An engine over scales.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScaleLine {
    /// The contestant's label.
    pub label: String,
    /// Its colour.
    pub color: [u8; 3],
    /// Median times in nanoseconds, smallest scale first.
    pub points: Vec<(Scale, f64)>,
}

/// One engine overtakes another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crossing {
    /// Fastest below.
    pub below: String,
    /// Fastest above.
    pub above: String,
    /// The scale factor at which both would take as long, interpolated on logarithmic axes.
    pub at: f64,
}

/// Groups that differ by the scale alone.
struct Family<'a> {
    title: String,
    conditions: Conditions,
    /// Smallest scale first.
    groups: Vec<&'a Group<'a>>,
}

/// The crossovers in these groups, family by family: the mean first, then each query. It takes two scales and two engines.
pub fn crossovers(groups: &[Group<'_>]) -> Vec<Crossover> {
    families(groups).iter().flat_map(of).collect()
}

fn families<'a>(groups: &'a [Group<'a>]) -> Vec<Family<'a>> {
    let timed = |group: &&Group<'_>| (0..group.queries.len()).any(|query| group.fastest(query).is_some());
    let groups = groups.iter().filter(|group| group.conditions.data == 0).filter(timed);
    let families = grouped(groups.map(|group| (group.conditions.at_any_scale(), group))).into_iter();
    let mut families: Vec<Family<'_>> = families
        .filter(|(_, groups)| groups.len() > 1)
        .map(|(conditions, groups)| Family { title: title(&conditions), conditions, groups })
        .collect();
    let titles: Vec<String> = families.iter().map(|family| family.title.clone()).collect();
    for family in &mut families {
        family.groups.sort_by_key(|group| group.conditions.scale);
        if titles.iter().filter(|title| **title == family.title).count() > 1 {
            family.title += &format!(", on {}", family.conditions.machine);
        }
    }
    families
}

/// As [`Conditions::title`], without what belongs to one scale.
fn title(family: &Conditions) -> String {
    Conditions { parallel: 1, ..family.clone() }.title_of(&family.suite)
}

fn of(family: &Family<'_>) -> Vec<Crossover> {
    let engines = engines(&family.groups);
    let mut seen = HashSet::new();
    let queries = family.groups.iter().flat_map(|group| &group.queries).copied();
    let queries: Vec<&str> = queries.filter(|query| seen.insert(*query)).collect();
    let lines = |query: &&str| engines.iter().map(|engine| line(family, engine, query)).collect();
    let table: Vec<Vec<ScaleLine>> = queries.iter().map(lines).collect();
    let mean = crossover(None, family, means(&table, family.groups.len()));
    let single = queries.iter().zip(table).filter_map(|(query, lines)| crossover(Some(query), family, lines));
    mean.into_iter().chain(single).collect()
}

/// Everyone but the reference, under a label of their own: each group numbers twins for itself.
fn engines<'a>(groups: &[&'a Group<'a>]) -> Vec<Contestant<'a>> {
    let mut all: Vec<Contestant<'_>> = Vec::new();
    let contestants = groups.iter().flat_map(|group| &group.contestants);
    // Who never opened has no version, and no time either.
    for contestant in contestants.filter(|contestant| !contestant.reference && contestant.has_opened()) {
        if !all.iter().any(|other| other.is_same(contestant)) {
            let plain = contestant.label.split(" [").next().unwrap_or_default();
            let numbered = (2..).map(|number| format!("{plain} [{number}]"));
            let free = |label: &String| !all.iter().any(|other| other.label == *label);
            let label = iter::once(contestant.label.clone()).chain(numbered).find(free).unwrap_or_default();
            all.push(Contestant { label, ..contestant.clone() });
        }
    }
    all
}

/// An engine's ranked times for a query.
fn line(family: &Family<'_>, engine: &Contestant<'_>, query: &str) -> ScaleLine {
    let point = |group: &&Group<'_>| {
        let contestant = group.contestants.iter().position(|contestant| contestant.is_same(engine))?;
        let query = group.queries.iter().position(|other| *other == query)?;
        Some((group.conditions.scale, group.cell(query, contestant)?.ranked_time()?.estimate))
    };
    let points = family.groups.iter().filter_map(point).collect();
    ScaleLine { label: engine.label.clone(), color: engine.color, points }
}

/// The mean of each engine at each of so many scales, at all of them over the same queries: those that all these engines
/// have at every scale. An engine that has far fewer of them than the best gets no mean, or it would cost the others theirs.
fn means(table: &[Vec<ScaleLine>], scales: usize) -> Vec<ScaleLine> {
    let whole = |lines: &[ScaleLine], engine: usize| lines[engine].points.len() == scales;
    let complete: Vec<usize> = (0..table.first().map_or(0, Vec::len))
        .map(|engine| table.iter().filter(|lines| whole(lines, engine)).count())
        .collect();
    let most = complete.iter().copied().max().unwrap_or_default();
    let engines: Vec<usize> =
        (0..complete.len()).filter(|engine| complete[*engine] > 0 && complete[*engine] * 5 >= most * 4).collect();
    let common: Vec<&Vec<ScaleLine>> =
        table.iter().filter(|lines| engines.iter().all(|engine| whole(lines, *engine))).collect();
    let Some(first) = common.first() else { return Vec::new() };
    let mean = |engine: usize| {
        let points = first[engine].points.iter().enumerate().filter_map(|(place, (scale, _))| {
            let times: Vec<f64> = common.iter().map(|lines| lines[engine].points[place].1).collect();
            Some((*scale, geometric_mean(&times)?))
        });
        ScaleLine { points: points.collect(), ..first[engine].clone() }
    };
    engines.into_iter().map(mean).collect()
}

/// Of the lines that have a point at every scale at which any has one; `None` when fewer than two do, or without two scales.
fn crossover(query: Option<&str>, family: &Family<'_>, mut lines: Vec<ScaleLine>) -> Option<Crossover> {
    let scales: BTreeSet<Scale> = lines.iter().flat_map(|line| &line.points).map(|(scale, _)| *scale).collect();
    // Who was not measured at a scale could have won it: no statement about winners is made of such lines.
    lines.retain(|line| line.points.len() == scales.len());
    if lines.len() < 2 || scales.len() < 2 {
        return None;
    }
    let (fastest, crossings) = envelope(&lines);
    Some(Crossover {
        query: query.map(str::to_owned),
        title: family.title.clone(),
        conditions: family.conditions.clone(),
        fastest,
        crossings,
        lines,
    })
}

/// Who is fastest at each scale and where that changes, along the lower edge of lines with points at the same scales.
fn envelope(lines: &[ScaleLine]) -> (Vec<(Scale, String)>, Vec<Crossing>) {
    let (mut fastest, mut crossings) = (Vec::new(), Vec::new());
    let time = |line: &ScaleLine, place: usize| line.points[place].1;
    // Of equals the one that is ahead right after.
    let first =
        lines.iter().min_by(|a, b| time(a, 0).total_cmp(&time(b, 0)).then_with(|| time(a, 1).total_cmp(&time(b, 1))));
    let Some(mut best) = first else { return (fastest, crossings) };
    fastest.push((best.points[0].0, best.label.clone()));
    for place in 1..best.points.len() {
        let (from, to) = (best.points[place - 1].0.factor().ln(), best.points[place].0.factor().ln());
        while let Some((share, next)) = overtaker(best, lines, place) {
            let at = (from + share * (to - from)).exp();
            crossings.push(Crossing { below: best.label.clone(), above: next.label.clone(), at });
            best = next;
        }
        fastest.push((best.points[place].0, best.label.clone()));
    }
    (fastest, crossings)
}

/// Who is the first to pass this line on the way to the scale at `place`, and after which share of that way.
fn overtaker<'a>(best: &ScaleLine, lines: &'a [ScaleLine], place: usize) -> Option<(f64, &'a ScaleLine)> {
    let behind = |line: &ScaleLine, place: usize| (line.points[place].1 / best.points[place].1).ln();
    let passes = |line: &'a ScaleLine| {
        // Who ends ahead of the best began behind it, but for rounding.
        let (before, after) = (behind(line, place - 1).max(0.0), behind(line, place));
        (after < 0.0).then(|| (before / (before - after), after, line))
    };
    let first = lines.iter().filter_map(passes).min_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.total_cmp(&b.1)));
    first.map(|(share, _, line)| (share, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family() -> Family<'static> {
        let base = include_str!("../../../tests/records/measured.json");
        let conditions = Conditions::of(&serde_json::from_str(base).unwrap());
        Family { title: title(&conditions), conditions, groups: Vec::new() }
    }

    fn line(label: &str, points: &[(&str, f64)]) -> ScaleLine {
        let points = points.iter().map(|(scale, time)| (scale.parse().unwrap(), *time)).collect();
        ScaleLine { label: label.to_owned(), color: [0; 3], points }
    }

    fn found(lines: &[ScaleLine]) -> Option<Crossover> {
        crossover(Some("q1"), &family(), lines.to_vec())
    }

    fn winners(found: &Crossover) -> Vec<&str> {
        found.fastest.iter().map(|(_, label)| label.as_str()).collect()
    }

    fn assert_crossings(found: &Crossover, wanted: &[(&str, &str, f64)]) {
        assert_eq!(found.crossings.len(), wanted.len(), "{found:?}");
        for (crossing, (below, above, at)) in found.crossings.iter().zip(wanted) {
            assert_eq!((crossing.below.as_str(), crossing.above.as_str()), (*below, *above));
            assert!((crossing.at / at - 1.0).abs() < 1e-9, "{crossing:?}");
        }
    }

    #[test]
    fn lines_cross_where_their_logarithms_do() {
        // One is ten times as fast at 1, the other ten times as fast at 100: they meet half-way, at 10.
        let a = line("a", &[("1", 1.0), ("100", 1000.0)]);
        let crossed = found(&[a.clone(), line("b", &[("1", 10.0), ("100", 100.0)])]).unwrap();
        assert_eq!(winners(&crossed), ["a", "b"]);
        assert_crossings(&crossed, &[("a", "b", 10.0)]);
        let apart = found(&[a.clone(), line("b", &[("1", 2.0), ("100", 2000.0)])]).unwrap();
        assert_crossings(&apart, &[]);
        assert_eq!(found(&[a]), None);
    }

    #[test]
    fn who_is_fastest_only_between_two_scales_is_named() {
        let lines = [("a", 0.0, 10.0), ("b", 1.0, 1.0), ("c", 5.0, 0.0)]
            .map(|(label, small, large)| line(label, &[("1", f64::exp(small)), ("10", f64::exp(large))]));
        let crossed = found(&lines).unwrap();
        assert_eq!(winners(&crossed), ["a", "c"]);
        assert_crossings(&crossed, &[("a", "b", 10_f64.powf(0.1)), ("b", "c", 10_f64.powf(0.8))]);
    }

    #[test]
    fn equals_at_a_scale_change_there_or_not_at_all() {
        let a = line("a", &[("1", 1.0), ("10", 4.0), ("100", 9.0)]);
        let touching = found(&[line("b", &[("1", 2.0), ("10", 4.0), ("100", 10.0)]), a.clone()]).unwrap();
        assert_eq!(winners(&touching), ["a", "a", "a"]);
        assert_crossings(&touching, &[]);
        let passing = found(&[line("b", &[("1", 2.0), ("10", 4.0), ("100", 8.0)]), a]).unwrap();
        assert_eq!(winners(&passing), ["a", "a", "b"]);
        assert_crossings(&passing, &[("a", "b", 10.0)]);
    }

    #[test]
    fn an_engine_that_lacks_a_scale_is_not_considered() {
        let a = line("a", &[("1", 1.0), ("10", 10.0)]);
        let b = line("b", &[("1", 2.0), ("10", 20.0)]);
        let absent = line("c", &[("10", 1.0)]);
        let crossed = found(&[a.clone(), b, absent.clone()]).unwrap();
        assert_eq!(crossed.lines.len(), 2);
        assert_eq!(winners(&crossed), ["a", "a"]);
        assert_crossings(&crossed, &[]);
        assert_eq!(found(&[a, absent]), None);
    }

    #[test]
    fn a_mean_is_of_queries_that_all_have_at_every_scale() {
        let whole = |label: &str, time: f64| line(label, &[("1", time), ("10", 10.0 * time)]);
        let mut table: Vec<Vec<ScaleLine>> = (0..5).map(|_| vec![whole("a", 1.0), whole("b", 2.0)]).collect();
        // One query fewer costs the others that query; an engine at one scale only costs nobody anything.
        table[0] = vec![whole("a", 100.0), line("b", &[("1", 1.0)])];
        for lines in &mut table {
            lines.push(line("c", &[("10", 1.0)]));
        }
        let means = means(&table, 2);
        assert_eq!(means.iter().map(|line| line.label.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        for (mean, time) in means.iter().zip([1.0, 2.0]) {
            assert!((mean.points[0].1 - time).abs() < 1e-9 && (mean.points[1].1 - 10.0 * time).abs() < 1e-9);
        }
    }

    #[test]
    fn a_title_names_no_scale() {
        let family = family();
        let Conditions { suite, format, cache, .. } = &family.conditions;
        assert!(family.title.starts_with(&format!("{suite}, {format}, {cache}, ")), "{}", family.title);
    }
}
