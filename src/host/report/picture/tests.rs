//! What holds for every picture: well-formed whatever it is given, themed, told in words, and an error when empty.

use super::*;

const HOSTILE: [f64; 12] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.0,
    -0.0,
    -5.0,
    f64::MIN_POSITIVE,
    5e-324,
    f64::MAX,
    f64::MIN,
    1.0,
    1.000_000_000_000_1,
];
const LABELS: [&str; 7] = [
    "duckdb",
    "<&\"'>",
    "",
    "\0\u{1b}[31m\n]]>",
    "a very long label that no picture has any room for, whichever it is and however hard it tries",
    "エンジン🦆",
    "-@-@-@-@-@-@",
];

fn hues(number: usize) -> Vec<Hue> {
    let labels = LABELS.iter().cycle().take(number);
    labels.zip((0..9).cycle()).map(|(label, blue)| Hue { label: (*label).to_owned(), color: (1, 2, blue) }).collect()
}

/// Every start of values, so that one value, a few and all of them are drawn.
fn starts() -> impl Iterator<Item = &'static [f64]> {
    (0..HOSTILE.len()).flat_map(|from| [&HOSTILE[from..=from], &HOSTILE[from..], &HOSTILE[..=from]])
}

/// Panics at what is not XML: tags that do not match, stray `<` and `&`, control characters.
fn check(picture: &Picture) {
    for svg in [picture.inline(), &picture.standalone()] {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = svg.trim_end();
        assert!(rest.starts_with("<svg "));
        while let Some(after) = rest.strip_prefix('<') {
            let (tag, text) = after.split_once('>').unwrap();
            let name = tag.trim_start_matches('/').split(' ').next().unwrap();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "{svg}");
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            assert!(!tag.contains('<'), "{tag}");
            let at = text.find('<').unwrap_or(text.len());
            rest = &text[at..];
        }
        assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest}");
        for entity in svg.split('&').skip(1) {
            assert!(["lt;", "gt;", "amp;", "quot;", "apos;"].iter().any(|known| entity.starts_with(known)), "{entity}");
        }
        assert!(!svg.contains(|c: char| c.is_control() && c != '\n'));
        assert!(!svg.contains("NaN") && !svg.contains("#0102"), "{svg}");
        for number in svg.split(['"', ',']).filter_map(|word| word.trim().parse::<i64>().ok()) {
            assert!((-2_000..20_000).contains(&number), "{number} lies far outside of {}", picture.name);
        }
    }
    assert!(picture.inline().contains("var(--paper)") && picture.inline().contains("role=\"img\""));
    assert!(!picture.inline().contains("<style>") && picture.standalone().contains(STYLE));
    assert!(picture.alt.ends_with('.'));
}

#[test]
fn bars_stand_any_numbers() {
    let hues = hues(12);
    for values in starts() {
        for (low, high) in [(f64::NAN, 1.0), (2.0, 1.0), (-1.0, f64::INFINITY), (0.0, 0.0), (-3.0, -2.0)] {
            let bar = |(hue, median_ns): (_, &f64)| Bar {
                hue,
                median_ns: *median_ns,
                low_ns: low,
                high_ns: high,
                samples_ns: values,
            };
            let rows: Vec<Bar> = hues.iter().zip(values).map(bar).collect();
            check(&bars("b", "<t> & \"q\"", &rows, &[(&hues[1], "<&\"".to_owned())]).unwrap());
        }
    }
    check(&bars("b", "", &[], &[(&hues[0], "out of memory".to_owned())]).unwrap());
    assert!(bars("q1", "", &[], &[]).unwrap_err().to_string().contains("'q1'"));
}

#[test]
fn many_samples_become_few_dots() {
    let (hues, samples) = (hues(1), (0..10_000).map(f64::from).collect::<Vec<_>>());
    let bar = Bar { hue: &hues[0], median_ns: 5e3, low_ns: 4e3, high_ns: 6e3, samples_ns: &samples };
    let picture = bars("b", "q1", &[bar], &[]).unwrap();
    assert!(picture.inline().matches("<circle").count() <= 25);
    assert!(picture.alt.contains("duckdb 5.00 µs") && picture.inline().contains("5.00 µs"));
}

#[test]
fn scatters_stand_any_numbers() {
    let hues = hues(60);
    for (values, memory) in starts().flat_map(|values| HOSTILE.map(|memory| (values, memory))) {
        let spot = |(hue, time_ns): (_, &f64)| Spot { hue, time_ns: *time_ns, memory_bytes: memory };
        let spots: Vec<Spot> = hues.iter().zip(values).map(spot).collect();
        let drawable = |value: &f64| value.is_finite() && *value > 0.0;
        match scatter("s", "t", &spots) {
            Ok(picture) => check(&picture),
            Err(_) => assert!(!drawable(&memory) || !values.iter().any(drawable)),
        }
    }
    let same: Vec<Spot> = hues.iter().map(|hue| Spot { hue, time_ns: 1e6, memory_bytes: 1e6 }).collect();
    check(&scatter("s", "t", &same).unwrap());
}

#[test]
fn heats_stand_any_numbers_and_shapes() {
    let names: Vec<String> = hues(12).into_iter().map(|hue| hue.label).collect();
    let queries: Vec<String> = (0..20).map(|query| format!("q{query} {}", LABELS[query % 7])).collect();
    for values in starts() {
        let rows: Vec<Vec<Option<f64>>> =
            (0..15).map(|row| values.iter().map(|v| Some(*v)).take(row).collect()).collect();
        let table = Heat { engines: &names, queries: &queries, ratios: &rows, references: &[] };
        match heat("h", "t", &table) {
            Ok(picture) => check(&picture),
            Err(_) => assert!(!values.iter().any(|value| value.is_finite() && *value > 0.0)),
        }
    }
    let one = Heat { engines: &names[..1], queries: &queries[..1], ratios: &[vec![Some(1.0)]], references: &[] };
    check(&heat("h", "t", &one).unwrap());
    assert!(heat("h", "t", &Heat { ratios: &[], ..one }).is_err());
    assert!(heat("h", "t", &Heat { engines: &[], ..one }).is_err());
}

#[test]
fn lines_stand_any_numbers() {
    let hues = hues(12);
    for values in starts() {
        let points: Vec<(f64, f64)> = values.iter().flat_map(|x| HOSTILE.map(|y| (*x, y))).collect();
        for step in [5, 13] {
            let points: Vec<(f64, f64)> = points.iter().copied().step_by(step).collect();
            let line = |(index, hue)| Line { hue, points: points[index % points.len()..].to_vec() };
            let curves: Vec<Line> = hues.iter().enumerate().map(line).collect();
            for (log_x, log_y, y_time) in [(false, false, true), (true, false, false), (true, true, true)] {
                let x_ticks = y_time.then(|| HOSTILE.to_vec());
                let axes = Axes { x: "<x>", y: "y & z", log_x, log_y, x_ticks, y_time };
                for some in [&curves[..1], &curves] {
                    let fits = |value: f64, log: bool| value.is_finite() && (value > 0.0 || !log);
                    let mut all = some.iter().flat_map(|line| &line.points);
                    match lines("l", "t", &axes, some, Some(&points)) {
                        Ok(picture) => check(&picture),
                        Err(_) => assert!(!all.any(|(x, y)| fits(*x, log_x) && fits(*y, log_y))),
                    }
                }
            }
        }
    }
    let error = lines("curve", "t", &Axes::default(), &[], None).unwrap_err();
    assert!(error.to_string().contains("'curve'"));
}

#[test]
fn curves_that_end_together_get_a_legend() {
    let hues: Vec<Hue> = (0..12).map(|n| Hue { label: format!("engine-{n}"), color: (200, 100, 0) }).collect();
    let line = |hue| Line { hue, points: vec![(1.0, 1.0), (2.0, 5.0)] };
    let curves: Vec<Line> = hues.iter().map(line).collect();
    let picture = lines("l", "t", &Axes::default(), &curves, Some(&[(1.0, 1.0), (2.0, 50.0)])).unwrap();
    check(&picture);
    for hue in &hues {
        assert_eq!(picture.inline().matches(&format!("\n{}\n", hue.label)).count(), 1, "{}", hue.label);
    }
}

#[test]
fn spreads_stand_any_numbers() {
    let hues = hues(12);
    for values in starts() {
        let rows: Vec<(&Hue, &[f64])> = hues.iter().map(|hue| (hue, values)).chain([(&hues[0], &[][..])]).collect();
        match spread("s", "t", &rows) {
            Ok(picture) => check(&picture),
            Err(_) => assert!(!values.iter().any(|value| value.is_finite())),
        }
    }
    let mut samples = vec![0.01; 1_000];
    samples.extend([9.0; 5]);
    let picture = spread("s", "t", &[(&hues[0], &samples)]).unwrap();
    assert!(picture.inline().contains("5 of 1005 samples lie outside"), "{}", picture.inline());
    assert!(spread("s", "t", &[(&hues[0], &[])]).is_err());
}

#[test]
fn stacks_stand_any_numbers_and_say_their_steps() {
    for values in starts() {
        let stack = |(label, total_ns): (&&str, &f64)| Stack {
            label: (*label).to_owned(),
            total_ns: *total_ns,
            steps_ns: LABELS.iter().zip(values).map(|(step, ns)| ((*step).to_owned(), *ns)).collect(),
            missing: label.is_empty().then(|| "<&\"".to_owned()),
        };
        let stacks: Vec<Stack> = LABELS.iter().cycle().zip(values).map(stack).collect();
        match stacked("s", "<t>", &stacks) {
            Ok(picture) => check(&picture),
            Err(_) => assert!(
                !stacks.iter().any(|one| one.total_ns.is_finite() && one.total_ns > 0.0 && one.missing.is_none())
            ),
        }
    }
    let steps = vec![("read".to_owned(), 2e6), ("write".to_owned(), 6e6)];
    let one = Stack { label: "baseline".to_owned(), total_ns: 9e6, steps_ns: steps, missing: None };
    let picture = stacked("s", "t", &[one]).unwrap();
    assert!(picture.alt.contains("baseline 9.00 ms (read 2.00 ms, write 6.00 ms)"), "{}", picture.alt);
    assert!(stacked("empty", "t", &[]).unwrap_err().to_string().contains("'empty'"));
}

#[test]
fn sentinels_in_a_callers_text_and_colours_stay_what_they_are() {
    let hue = Hue { label: "\"#010203\" opacity=\"1\"".to_owned(), color: (1, 2, 3) };
    let picture = bars("b", "t", &[], &[(&hue, "x".to_owned())]).unwrap();
    assert!(picture.inline().contains("&quot;#010203&quot;"));
    assert!(picture.standalone().contains(r##"fill="#ffffff" style="fill:var(--paper)""##));
    let bar = Bar { hue: &hue, median_ns: 1.0, low_ns: 1.0, high_ns: 1.0, samples_ns: &[] };
    assert!(bars("b", "t", &[bar], &[]).unwrap().inline().contains("#010303"));
}
