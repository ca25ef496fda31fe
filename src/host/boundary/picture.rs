//! A boundary as two pictures: time and peak memory over scales. A line ends where its engine failed, and its name says why.

use anyhow::Result;

use super::{Boundary, End, Line};
use crate::host::report::picture::{Axes, Hue, Line as Curve, Picture, lines};

const GIB: f64 = 1_073_741_824.0;
/// The limit's line is no engine's.
const LIMIT: (u8, u8, u8) = (120, 120, 120);

/// Time over scales, then memory over scales; `color` is an engine's, by its name.
///
/// # Errors
/// When no engine has a time, or none a peak.
pub fn draw(boundary: &Boundary, color: impl Fn(&str) -> (u8, u8, u8)) -> Result<[Picture; 2]> {
    let hues: Vec<Hue> =
        boundary.lines.iter().map(|line| Hue { label: label(boundary, line), color: color(&line.name) }).collect();
    let over = |value: &dyn Fn(&super::Point) -> Option<f64>| {
        let points = |line: &Line| {
            let point = |point: &super::Point| Some((point.scale.factor(), value(point)?));
            line.points.iter().filter_map(point).collect::<Vec<_>>()
        };
        let curves = boundary.lines.iter().zip(&hues).map(|(line, hue)| Curve { hue, points: points(line) });
        curves.filter(|curve| !curve.points.is_empty()).collect::<Vec<_>>()
    };
    let ticks: Vec<f64> = boundary.scales.iter().map(|scale| scale.factor()).collect();
    let axes = |y| Axes { x: "scale factor", y, log_x: true, log_y: true, x_ticks: Some(ticks.clone()), y_time: false };
    let (title, name) = (boundary.title(), &boundary.query);
    let times = over(&|point| point.end.median_ns());
    let time = Axes { y_time: true, ..axes("time") };
    let time = lines(&format!("boundary-{name}-time"), &format!("{title}: time by size"), &time, &times, None)?;
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^53")]
    let gib = |bytes: u64| bytes as f64 / GIB;
    let limit = Hue { label: "limit".to_owned(), color: LIMIT };
    let mut peaks = over(&|point| point.peak_memory_bytes.map(gib).filter(|_| point.end.median_ns().is_some()));
    if let (Some(bytes), [first, .., last]) = (boundary.memory_limit_bytes, ticks.as_slice()) {
        peaks.push(Curve { hue: &limit, points: vec![(*first, gib(bytes)), (*last, gib(bytes))] });
    }
    let axes = Axes { log_y: false, ..axes("peak memory in GiB") };
    let memory = format!("boundary-{name}-memory");
    Ok([time, lines(&memory, &format!("{title}: peak memory by size"), &axes, &peaks, None)?])
}

/// The engine, and what its line cannot show. Without its version, for which there is little room, where it is the only line of its name.
fn label(boundary: &Boundary, line: &Line) -> String {
    let alone = boundary.lines.iter().filter(|other| other.name == line.name).count() == 1;
    let name = if alone { &line.name } else { &line.engine };
    if let Some(point) = line.fails_from() {
        let why = if point.end == End::TimedOut { "late" } else { "out" };
        return format!("{name} ({why} {})", point.scale);
    }
    match line.spills_from() {
        Some(scale) => format!("{name} (spills {scale})"),
        None => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Point;
    use super::*;

    #[test]
    fn draw_shows_lines_limit_and_who_fails() {
        let point =
            |scale: &str, end: End| Point { scale: scale.parse().unwrap(), end, peak_memory_bytes: Some(1 << 29) };
        let measured = |median_ns| End::measured(median_ns, &[], None);
        let line = |name: &str, last: End| Line {
            engine: name.to_owned(),
            name: name.to_owned(),
            points: vec![point("sf1", measured(1e6)), point("sf5", last)],
        };
        let boundary = Boundary {
            query: "q6".to_owned(),
            memory_limit_bytes: Some(2 << 30),
            scales: vec!["sf1".parse().unwrap(), "sf5".parse().unwrap()],
            lines: vec![line("a", measured(9e6)), line("b", End::OutOfMemory)],
            fastest: Vec::new(),
            alike: Vec::new(),
            changes: Vec::new(),
        };
        let [time, memory] = draw(&boundary, |_| (10, 100, 200)).unwrap();
        assert!(time.standalone().contains("b (out sf5)") && time.alt.contains("time"), "{}", time.alt);
        assert!(memory.standalone().contains("limit") && memory.name == "boundary-q6-memory");
        let nothing = Boundary { lines: Vec::new(), ..boundary };
        assert!(draw(&nothing, |_| (0, 0, 0)).is_err());
    }
}
