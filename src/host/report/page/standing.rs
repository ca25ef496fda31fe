//! Who is ahead in a group, and by how much.

use std::collections::BTreeSet;

use crate::host::audit::{self, Audit};
use crate::host::report::document::{Block, Table, TableCell, Tone};
use crate::host::report::group::Group;
use crate::protocol::units::{Bytes, Nanos};

/// Heading, conditions, and the ranking; `main` is the group that this one differs from.
pub(super) fn blocks(group: &Group<'_>, main: Option<&Group<'_>>, audits: &[Audit]) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(2, group.conditions.title())];
    let machine = &group.conditions.machine;
    blocks.push(Block::Text(match main.map(|main| group.conditions.differs_from(&main.conditions)) {
        None => format!("On {machine}."),
        Some(differs) => format!("Not ranked with the cells above, since it differs. {differs}."),
    }));
    blocks.extend(sentence(group).map(Block::Text));
    blocks.extend(unranked(group).map(Block::Text));
    blocks.extend((0..group.contestants.len()).filter_map(|contestant| twin(group, contestant)).map(Block::Text));
    blocks.push(Block::Table(table(group, audits)));
    blocks
}

/// The fastest and the most frugal, in a sentence.
fn sentence(group: &Group<'_>) -> Option<String> {
    let label = |contestant: usize| group.contestants[contestant].label.as_str();
    let places = &group.ranking.places;
    if places.len() < 2 {
        return None;
    }
    let first: Vec<&str> = places.iter().filter(|place| place.rank == 1).map(|place| label(place.contestant)).collect();
    let fastest = match first.as_slice() {
        [one] => format!("Fastest: {one}"),
        many => format!("Fastest, not to be told apart: {}", many.join(", ")),
    };
    let frugal = places.iter().filter_map(|place| Some((label(place.contestant), place.peak_memory_bytes?)));
    let frugal = frugal.min_by(|a, b| a.1.total_cmp(&b.1));
    let over = match group.ranking.queries.len() {
        1 => "one query".to_owned(),
        queries => format!("the {queries} queries that all of them answered right"),
    };
    Some(format!(
        "{fastest}{}. Ranked by the geometric mean over {over}; an engine shares the rank of the one above it when the 95 % interval of its ratio to the first of that rank includes 1, with queries and samples drawn anew (bootstrap).",
        frugal.map(|(label, _)| format!("; most frugal with memory: {label}")).unwrap_or_default()
    ))
}

/// In what an engine differs that shares its label with another.
fn twin(group: &Group<'_>, contestant: usize) -> Option<String> {
    let this = &group.contestants[contestant];
    let (plain, _) = this.label.rsplit_once(" [")?;
    let other = group.contestants.iter().find(|other| other.label == plain)?;
    let build =
        this.build_parts().into_iter().zip(other.build_parts()).map(|((name, this), (_, other))| (name, this, other));
    let (ours, theirs) = (&this.record.engine.settings, &other.record.engine.settings);
    let settings = ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>().into_iter();
    let settings = settings.map(|name| (name.as_str(), ours.get(name), theirs.get(name)));
    let differing: Vec<String> = build
        .chain(settings)
        .filter(|(_, this, other)| this != other)
        .map(|(name, this, other)| {
            let [this, other] = [this, other].map(|value| value.map_or("unknown", String::as_str));
            format!("{name} {this}, not {other}")
        })
        .collect();
    Some(format!("{}: {}.", this.label, differing.join("; ")))
}

/// Who is not ranked, and by which rule.
fn unranked(group: &Group<'_>) -> Option<String> {
    // The ranked come first.
    let not_ranked = group.ranking.places.len()..group.contestants.len();
    let not_ranked = not_ranked.filter(|contestant| !group.contestants[*contestant].reference);
    let (some, none): (Vec<usize>, Vec<usize>) = not_ranked.partition(|contestant| group.right(*contestant) > 0);
    let names = |places: &[usize]| {
        places.iter().map(|place| group.contestants[*place].label.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut told = Vec::new();
    if group.ranking.places.is_empty() && !some.is_empty() {
        told.push("There is no ranking: no query was answered right by all of them.".to_owned());
    } else if !some.is_empty() {
        told.push(format!(
            "Not ranked, with verified times for fewer than 80 % of the queries of the engine that has most (failed, unsupported or not run): {}.",
            names(&some)
        ));
    }
    if !none.is_empty() {
        told.push(format!("Without a time that counts: {}.", names(&none)));
    }
    (!told.is_empty()).then(|| told.join(" "))
}

fn table(group: &Group<'_>, audits: &[Audit]) -> Table {
    let has_reference = group.contestants.iter().any(|contestant| contestant.reference);
    let audit =
        |contestant: usize| group.of(contestant).find_map(|cell| audit::nearest_official(cell.record(), audits));
    let audited = (0..group.contestants.len()).any(|contestant| audit(contestant).is_some());
    let header = ["rank", "engine", "time", "times the fastest", "95 % interval", "peak memory", "verified of all"];
    let plans = has_reference.then_some("times the hand-written plans");
    let header = header.into_iter().chain(plans).chain(audited.then_some("times its makers' build"));
    let row = |contestant: usize| {
        // The ranked come first.
        let place = group.ranking.places.get(contestant);
        let or_empty = |text: Option<String>| TableCell::from(text.unwrap_or_default());
        let mut row = vec![
            or_empty(place.map(|place| place.rank.to_string())),
            TableCell {
                tone: if place.is_some_and(|place| place.rank == 1) { Tone::Strong } else { Tone::Plain },
                ..TableCell::from(group.contestants[contestant].label.as_str())
            },
            or_empty(place.map(|place| Nanos(place.geomean_ns).to_string())),
            or_empty(place.map(|place| format!("{:.2}", place.to_fastest.estimate))),
            or_empty(place.map(|place| format!("{:.2} to {:.2}", place.to_fastest.low, place.to_fastest.high))),
            or_empty(place.and_then(|place| place.peak_memory_bytes).map(|mean| Bytes::about(mean).to_string())),
            TableCell {
                tone: if group.failed(contestant) > 0 { Tone::Bad } else { Tone::Plain },
                ..TableCell::from(format!("{} of {}", group.right(contestant), group.queries.len()))
            },
        ];
        if has_reference {
            let distance = group.from_reference(contestant).filter(|_| !group.contestants[contestant].reference);
            row.push(or_empty(distance.map(|distance| format!("{:.2} (of {})", distance.ratio, distance.queries))));
        }
        if audited {
            row.push(audit(contestant).map_or_else(TableCell::default, |official| TableCell {
                aside: official.against.clone(),
                ..TableCell::from(format!("{:.2}", official.geomean_ratio))
            }));
        }
        row
    };
    Table::new("Geometric means of time and of peak memory", 2, header, (0..group.contestants.len()).map(row))
}
