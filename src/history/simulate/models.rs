//! The two models: times over scales, and a factor between machines. Pure functions over [`Input`]s; each [`Estimate`] says in its
//! reason what it is made of and how far it may be off.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, ensure};

use super::inputs::Input;
use crate::host::report::LeftOut;
use crate::host::stats::{Factor, Interval, PowerLaw};
use crate::protocol::id::Scale;
use crate::protocol::units::Nanos;

/// The fewest queries that a factor is made of.
const FEWEST: usize = 3;

/// A result that nobody has measured.
#[derive(Debug)]
pub(super) struct Estimate {
    /// Which it is of: an input's cell, at the other scale or on the other machine. Its `record` and `time_ns` are the input's.
    pub(super) of: Input,
    /// By which model.
    pub(super) model: &'static str,
    pub(super) time_ns: f64,
    /// Model, inputs and error.
    pub(super) reason: String,
}

/// Estimates, and why the others cannot be made.
type Found = (Vec<Estimate>, Vec<LeftOut>);

/// At a scale, by a power law through three scales or more of one version of the engine, the newest.
pub(super) fn curve(inputs: &[Input], is_meant: impl Fn(&Input) -> bool, scale: Scale) -> Found {
    let mut groups: BTreeMap<_, Vec<&Input>> = BTreeMap::new();
    for input in inputs.iter().filter(|input| is_meant(input)) {
        let id = &input.id;
        groups.entry((&id.engine, &input.suite, &id.query, &id.variant, &input.class)).or_default().push(input);
    }
    let (mut estimates, mut left_out) = (Vec::new(), Vec::new());
    for mut group in groups.into_values() {
        let Some(newest) = group.iter().copied().max_by_key(|input| input.started_us) else { continue };
        group.retain(|input| input.version == newest.version);
        group.sort_by_key(|input| input.id.scale);
        let mut of = newest.clone();
        of.id.scale = scale;
        let points: Vec<(f64, f64)> = group.iter().map(|input| (input.id.scale.factor(), input.time_ns)).collect();
        let law = PowerLaw::fit(&points).filter(|_| group.iter().all(|input| input.id.scale != scale));
        let Some(law) = law else {
            let at_scale = group.iter().find(|input| input.id.scale == scale);
            let why = at_scale.map_or_else(
                || {
                    format!(
                        "{} scales are measured with its newest version: a curve takes {}",
                        points.len(),
                        PowerLaw::FEWEST
                    )
                },
                |input| format!("it is measured, on {}", input.class),
            );
            left_out.push(LeftOut::new(of.id.to_string(), why));
            continue;
        };
        // Of the data at that scale only what others have read is known; a text may have the scale in it.
        let same_data = |input: &&Input| {
            let (id, format) = (&input.id, &input.format);
            (&input.suite, &id.query, id.scale, format) == (&of.suite, &of.id.query, scale, &of.format)
        };
        let read = inputs.iter().find(same_data);
        (of.data_sha256, of.layout) = read.map_or((None, None), |read| (read.data_sha256.clone(), read.layout.clone()));
        of.text_sha256 = None;
        let at = law.at(scale.factor());
        let reason = reason_of_curve(&law, &group, scale, at);
        estimates.push(Estimate { of, model: "scale curve", time_ns: at.estimate, reason });
    }
    (estimates, left_out)
}

fn reason_of_curve(law: &PowerLaw, group: &[&Input], scale: Scale, at: Interval) -> String {
    let records: Vec<String> = group.iter().map(|input| format!("{} {}", input.id.scale, input.record)).collect();
    let (smallest, largest) = match group {
        [first, .., last] => (first.id.scale.factor(), last.id.scale.factor()),
        _ => (scale.factor(), scale.factor()),
    };
    let beyond = match scale.factor() {
        factor if factor > largest => format!("; {} times beyond the largest", number(factor / largest)),
        factor if factor < smallest => format!("; {} times below the smallest", number(smallest / factor)),
        _ => String::new(),
    };
    format!(
        "scale curve: time grows with scale^{} through {}; they lie within a factor of {} of it (one standard deviation); 95 % interval {} to {}{beyond}",
        number(law.exponent),
        records.join(", "),
        number(law.residual),
        Nanos(at.low),
        Nanos(at.high),
    )
}

/// On a class of machines, by the factor to another: the one that is named, or the one with most queries in common.
///
/// # Errors
/// When the two have too few queries in common.
pub(super) fn factor(
    inputs: &[Input],
    is_meant: impl Fn(&Input) -> bool,
    to: &str,
    from: Option<&str>,
) -> Result<Found> {
    // What makes two times comparable but for the machine. A variant says the threads where they are not the machine's own number.
    let key = |input: &Input| {
        let (version, text, data) = (input.version.clone(), input.text_sha256.clone(), input.data_sha256.clone());
        (input.id.clone(), input.suite.clone(), version, text, data)
    };
    let there: HashMap<_, &Input> =
        inputs.iter().filter(|input| input.class == to).map(|input| (key(input), input)).collect();
    // The ratios by class and engine.
    let mut shared: BTreeMap<&str, BTreeMap<&str, Vec<f64>>> = BTreeMap::new();
    for input in inputs.iter().filter(|input| input.class != to) {
        if let Some(other) = there.get(&key(input)) {
            let ratios = shared.entry(&input.class).or_default().entry(&input.id.engine).or_default();
            ratios.push(other.time_ns / input.time_ns);
        }
    }
    let queries = |class: &str| shared.get(class).map_or(0, |engines| engines.values().map(Vec::len).sum::<usize>());
    let most = || shared.keys().copied().min_by_key(|class| Reverse(queries(class)));
    let from = from.or_else(most).with_context(|| {
        format!("no query was measured on {to} and on another class of machines, by the same version on the same data")
    })?;
    ensure!(from != to, "both are {to}: name two classes of machines");
    ensure!(
        queries(from) >= FEWEST,
        "{} queries were measured on both {from} and {to}, by the same version on the same data: a factor takes {FEWEST}",
        queries(from)
    );
    let engines = &shared[from];
    let all: Vec<f64> = engines.values().flatten().copied().collect();
    let mut newest: BTreeMap<(String, &str), &Input> = BTreeMap::new();
    for input in inputs.iter().filter(|input| input.class == from && is_meant(input)) {
        let place = newest.entry((input.id.to_string(), input.suite.as_str())).or_insert(input);
        if place.started_us < input.started_us {
            *place = input;
        }
    }
    let mut found = (Vec::new(), Vec::new());
    for input in newest.into_values() {
        let engine = input.id.engine.as_str();
        let ours = engines.get(engine).filter(|ratios| ratios.len() >= FEWEST);
        let (ratios, whose) = match ours {
            Some(ratios) => (ratios, engine.to_owned()),
            None => (&all, engines.keys().copied().collect::<Vec<_>>().join(", ")),
        };
        let Some(factor) = Factor::of(ratios) else {
            found.1.push(LeftOut::new(input.id.to_string(), "a time that is not a number makes no factor"));
            continue;
        };
        let (mean, next) = (factor.mean(), factor.next());
        let time_ns = input.time_ns * mean.estimate;
        let reason = format!(
            "factor between machines: {} (95 % interval {} to {}) times what it took on {from}, {}; the geometric mean over {} queries of {whose} measured on both; 95 % interval of a single query {} to {}",
            number(mean.estimate),
            number(mean.low),
            number(mean.high),
            input.record,
            ratios.len(),
            Nanos(input.time_ns * next.low),
            Nanos(input.time_ns * next.high),
        );
        let mut of = Input { class: to.to_owned(), ..input.clone() };
        // The same variant may mean another number of threads there.
        let same = inputs.iter().find(|other| other.class == to && other.id.variant == of.id.variant);
        of.threads = same.map_or(of.threads, |other| other.threads);
        found.0.push(Estimate { of, model: "factor between machines", time_ns, reason });
    }
    Ok(found)
}

/// A number with four significant digits or so.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 3,
        _ => 4,
    };
    format!("{value:.decimals$}")
}
