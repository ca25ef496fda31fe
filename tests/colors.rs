//! The engines' colours, as eyes see them that lack one kind of cone: still apart, and seen on white and on black.

use querydyno::host::catalog::Catalog;
use querydyno::host::report::Known;
use querydyno::host::settings::Settings;

type Rgb = [f64; 3];

/// What is seen without the cones for long, middle and short waves, and with all: severity 1 of Machado, Oliveira and
/// Fernandes, 2009, over linear light.
const EYES: [[Rgb; 3]; 4] = [
    [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
];
/// CIE's distance (1976) between two engines; and between an engine and its makers' own build, whose labels differ too, or an engine with
/// a server, which runs only when it is named: sixteen colours are not as far apart as twelve.
const APART: f64 = 16.0;
const RELATED: f64 = 12.0;

fn colors() -> Vec<(String, [u8; 3])> {
    let known = Known::read(&Settings::read().unwrap()).unwrap();
    known.engines.into_iter().filter_map(|(name, engine)| Some((name, engine.color?))).collect()
}

fn linear(color: [u8; 3]) -> Rgb {
    color.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

fn dot(a: Rgb, b: Rgb) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn luminance(light: Rgb) -> f64 {
    dot([0.2126, 0.7152, 0.0722], light)
}

/// Lightness and two hues, in which equal distances look about equal.
fn lab(light: Rgb) -> Rgb {
    let root = |part: f64| if part > 0.008_856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 };
    let x = root(dot([0.4124, 0.3576, 0.1805], light) / 0.9505);
    let y = root(luminance(light));
    let z = root(dot([0.0193, 0.1192, 0.9505], light) / 1.089);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn colours_are_apart_for_every_eye() {
    let colors = colors();
    assert!(colors.len() > 5);
    let catalog = Catalog::read(&Settings::read().unwrap()).unwrap();
    let has_server = |name: &str| catalog.entries().iter().any(|entry| entry.name == name && entry.kind == "service");
    let family = |name: &str| name.split('-').next().map(str::to_owned);
    for (index, (a, a_color)) in colors.iter().enumerate() {
        for (b, b_color) in &colors[..index] {
            for eye in EYES {
                let seen = |color: [u8; 3]| lab(eye.map(|row| dot(row, linear(color)).clamp(0.0, 1.0)));
                let difference: f64 = seen(*a_color).iter().zip(seen(*b_color)).map(|(a, b)| (a - b).powi(2)).sum();
                let related = family(a) == family(b) || has_server(a) || has_server(b);
                let wanted = if related { RELATED } else { APART };
                assert!(difference.sqrt() > wanted, "{a} and {b}: {:.1}", difference.sqrt());
            }
        }
    }
}

/// About three to one, which the Web's guidelines want of graphics.
#[test]
fn colours_show_on_white_and_on_black() {
    for (name, color) in colors() {
        let luminance = luminance(linear(color));
        let (on_white, on_black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
        assert!(on_white >= 2.7 && on_black >= 3.0, "{name}: {on_white:.2} {on_black:.2}");
    }
}
