//! Colours that change with the reader's theme: sentinels in what plotters writes become CSS variables.

use plotters::style::RGBColor;

/// CSS that defines the pictures' variables for light, dark and print; belongs once into an HTML page.
pub const STYLE: &str = "\
:root{--ink:#1b1f24;--ink-soft:#59636e;--grid:#d8dee4;--paper:#ffffff}\
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--ink-soft:#9aa4af;--grid:#343b44;--paper:#0f1419}}\
@media print{:root{--ink:#1b1f24;--ink-soft:#59636e;--grid:#d8dee4;--paper:#ffffff}}";

/// An engine's name and colour, the same in every picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hue {
    /// The engine, with its version where two of them are compared.
    pub label: String,
    /// Red, green and blue; of middle luminance, so that it is seen on white and on black.
    pub color: (u8, u8, u8),
}

/// Text and marks.
pub(super) const INK: RGBColor = RGBColor(1, 2, 3);
/// Axis titles, notes, what is less important.
pub(super) const SOFT: RGBColor = RGBColor(1, 2, 4);
/// Grid lines and axes.
pub(super) const GRID: RGBColor = RGBColor(1, 2, 5);
/// What lies behind everything.
pub(super) const PAPER: RGBColor = RGBColor(1, 2, 6);

/// Name of the variable, the sentinel as plotters writes it, the colour in light.
const VARIABLES: [(&str, &str, &str); 4] = [
    ("--ink", "#010203", "#1b1f24"),
    ("--ink-soft", "#010204", "#59636e"),
    ("--grid", "#010205", "#d8dee4"),
    ("--paper", "#010206", "#ffffff"),
];

/// Attributes that say what holds anyway: a third of the bytes of a picture with many dots.
const DEFAULTS: [&str; 5] = [
    r#" opacity="1""#,
    r#" stroke="none""#,
    r#" font-family="sans-serif""#,
    r#" text-anchor="start""#,
    r#" stroke-width="1""#,
];

const FONTS: &str = "system-ui, Helvetica, Arial, sans-serif";

/// A caller's colour, which must not be taken for a sentinel.
pub(super) fn color((red, green, blue): (u8, u8, u8)) -> RGBColor {
    if (red, green) == (1, 2) { RGBColor(1, 3, blue) } else { RGBColor(red, green, blue) }
}

/// What plotters wrote, with variables for sentinels and a root element of `size` CSS pixels that says what it shows. Only
/// whole attributes are replaced; text cannot hold one, because plotters escapes quotes.
pub(super) fn finish(raw: &str, size: (u32, u32), fine: (u32, u32), alt: &str) -> String {
    let body = raw.split_once('>').map_or("", |(_, body)| body);
    let ((width, height), (fine_width, fine_height), alt) = (size, fine, escape(alt));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {fine_width} {fine_height}\" role=\"img\" aria-label=\"{alt}\" font-family=\"{FONTS}\">"
    );
    svg.reserve(body.len());
    rewrite(body, &mut svg);
    svg
}

/// The element with [`STYLE`] inside and, beside each variable, its light colour for readers such as slide editors.
pub(super) fn standalone(svg: &str) -> String {
    let (root, body) = svg.split_once('>').unwrap_or((svg, ""));
    let mut body = body.to_owned();
    for (variable, _, light) in VARIABLES {
        for attribute in ["fill", "stroke"] {
            let from = format!(r#"{attribute}="var({variable})""#);
            body = body.replace(&from, &format!(r#"{attribute}="{light}" style="{attribute}:var({variable})""#));
        }
    }
    format!("{root}>\n<style>{STYLE}</style>{body}")
}

/// Text without what XML forbids: control characters become spaces.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect()
}

fn escape(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// One pass from attribute to attribute; a replacement after the other would read the whole picture eight times.
fn rewrite(body: &str, svg: &mut String) {
    let mut rest = body;
    while let Some(at) = rest.find([' ', '#']) {
        let (before, found) = rest.split_at(at);
        svg.push_str(before);
        rest = if let Some(default) = DEFAULTS.iter().find(|default| found.starts_with(**default)) {
            &found[default.len()..]
        } else if let Some((variable, sentinel, _)) =
            VARIABLES.iter().find(|(_, sentinel, _)| before.ends_with('"') && found.starts_with(sentinel))
        {
            svg.extend(["var(", variable, ")"]);
            &found[sentinel.len()..]
        } else {
            svg.push_str(&found[..1]);
            &found[1..]
        };
    }
    svg.push_str(rest);
}
