//! A boundary in a sentence: who is fastest from which size on, who spills and who fails.

use super::{Boundary, Change, End, Line};
use crate::protocol::id::Scale;
use crate::protocol::units::Bytes;

impl Boundary {
    /// What it is of: `social-a under 2 GiB`.
    pub fn title(&self) -> String {
        let limit = self.memory_limit_bytes.map(|bytes| format!(" under {}", Bytes(bytes))).unwrap_or_default();
        format!("{}{limit}", self.query)
    }

    /// All of it in a sentence or three.
    pub fn sentence(&self) -> String {
        let mut parts = vec![self.winners()];
        parts.extend(self.too_close());
        parts.extend(said(self.lines.iter().filter_map(spill)));
        parts.extend(said(self.lines.iter().filter_map(fail)));
        format!("{}: {}.", self.title(), parts.join("; "))
    }

    fn winners(&self) -> String {
        let (Some((first, engine)), Some((last, _))) = (self.fastest.first(), self.fastest.last()) else {
            return "no engine has a verified time at any scale".to_owned();
        };
        if self.lines.len() == 1 {
            return format!("{engine} was measured alone, so there is no fastest engine");
        }
        if self.changes.is_empty() {
            let range = if first == last { format!("at {first}") } else { format!("from {first} to {last}") };
            return format!("{engine} is the fastest {range}");
        }
        let change = |change: &Change| match change.crossing {
            Some(at) => format!("{} from about sf{} on", change.above, rounded(at)),
            None => format!("{} from {} on, where {} has no time", change.above, change.at, change.below),
        };
        let changes: Vec<String> = self.changes.iter().map(change).collect();
        format!("{engine} is the fastest from {first} on, {}", changes.join(", "))
    }

    /// Where medians alone say who is the fastest.
    fn too_close(&self) -> Option<String> {
        let names = |scale: &Scale| {
            let fastest = self.fastest.iter().chain(&self.alike).filter(|(other, _)| other == scale);
            fastest.map(|(_, engine)| engine.as_str()).collect::<Vec<_>>().join(" and ")
        };
        let mut scales: Vec<Scale> = self.alike.iter().map(|(scale, _)| *scale).collect();
        scales.dedup();
        said(scales.iter().map(|scale| format!("too close to tell at {scale}: {}", names(scale))))
    }
}

fn spill(line: &Line) -> Option<String> {
    Some(format!("{} spills from {} on", line.engine, line.spills_from()?))
}

fn fail(line: &Line) -> Option<String> {
    let point = line.fails_from()?;
    let why = if point.end == End::TimedOut { "takes too long" } else { "runs out of memory" };
    Some(format!("{} {why} from {} on", line.engine, point.scale))
}

fn said(parts: impl Iterator<Item = String>) -> Option<String> {
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// With two digits: it is an interpolation.
fn rounded(number: f64) -> String {
    let places = usize::from(number < 10.0) + usize::from(number < 1.0);
    format!("{number:.places$}")
}

#[cfg(test)]
mod tests {
    use super::super::{Point, boundaries};
    use super::*;

    fn measured(median_ns: f64, spilled_bytes: Option<u64>) -> End {
        End::measured(median_ns, &[], spilled_bytes)
    }

    fn line(engine: &str, points: &[(&str, Option<f64>)]) -> Line {
        let point = |(scale, time): &(&str, Option<f64>)| Point {
            scale: scale.parse().unwrap(),
            end: time.map_or(End::OutOfMemory, |median_ns| measured(median_ns, None)),
            peak_memory_bytes: None,
        };
        Line { engine: engine.to_owned(), name: engine.to_owned(), points: points.iter().map(point).collect() }
    }

    fn boundary(lines: Vec<Line>) -> Boundary {
        let of = |scale: &str| scale.parse().unwrap();
        Boundary {
            query: "q6".to_owned(),
            memory_limit_bytes: Some(2 << 30),
            scales: vec![of("sf1"), of("sf5")],
            fastest: vec![(of("sf1"), "a".to_owned()), (of("sf5"), "b".to_owned())],
            alike: Vec::new(),
            changes: vec![Change {
                below: "a".to_owned(),
                above: "b".to_owned(),
                after: of("sf1"),
                at: of("sf5"),
                crossing: Some(2.345),
            }],
            lines,
        }
    }

    #[test]
    fn sentence_says_winners_spills_and_failures() {
        let mut b = line("b", &[("sf1", Some(2.0)), ("sf5", Some(3.0))]);
        b.points[1].end = measured(3.0, Some(1 << 30));
        let found = boundary(vec![line("a", &[("sf1", Some(1.0)), ("sf5", None)]), b]);
        let wanted = "q6 under 2.00 GiB: a is the fastest from sf1 on, b from about sf2.3 on; b spills from sf5 on; \
                      a runs out of memory from sf5 on.";
        assert_eq!(found.sentence(), wanted);
        let mut failing = found;
        failing.changes[0].crossing = None;
        assert!(failing.sentence().contains("b from sf5 on, where a has no time"), "{}", failing.sentence());
    }

    #[test]
    fn sentence_of_nothing_says_so() {
        assert!(boundaries(&[]).is_empty());
        let mut found = boundary(vec![line("a", &[("sf1", None)])]);
        (found.fastest, found.changes) = (Vec::new(), Vec::new());
        assert!(found.sentence().contains("no engine has a verified time"));
    }
}
