//! What all pages share: head, way around, and links.

use maud::{DOCTYPE, Markup, html};

use super::assets::{SCRIPT, STYLE, VERSION};

/// The ways around, in their order.
pub(super) const WAYS: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/matrix", "Matrix"),
    ("/compare", "Compare"),
    ("/boundary", "Boundaries"),
    ("/ablation", "Ablations"),
    ("/compatibility", "Compatibility"),
    ("/runs", "Runs"),
    ("/api", "API"),
];

/// A page; `here` is which of the ways it is.
pub(in crate::server) fn layout(here: &str, title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · QueryDyno" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href={ (STYLE) "?" (*VERSION) };
                script src={ (SCRIPT) "?" (*VERSION) } defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.name href="/" { "QueryDyno" }
                    nav aria-label="Pages" {
                        @for (path, name) in WAYS {
                            a href=(path) aria-current=[(path == here).then_some("page")] { (name) }
                        }
                    }
                }
                main #main {
                    h1 { (title) }
                    p #news role="status" aria-live="polite" {}
                    (content)
                }
            }
        }
    }
}

/// Whether each page has a link to this path.
pub(super) fn is_linked(path: &str) -> bool {
    WAYS.iter().any(|(known, _)| *known == path)
}

/// A page with when it was made, and of which version of the history, by which the script tells whether there is a newer one.
pub(super) fn dated(page: String, version: u64) -> String {
    let now = chrono::Utc::now().format("%Y-%m-%d %H:%M:%S");
    let footer = html! { footer.made data-version=(version) { "As of " time { (now) } " UTC" } };
    match page.rsplit_once("</body>") {
        Some((before, after)) => format!("{before}{}</body>{after}", footer.into_string()),
        None => page,
    }
}

/// A text in which what stands between backticks is code.
pub(super) fn ticked(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// An address with its parameters; those without a value are left out.
pub(super) fn href(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// A table that a keyboard can scroll, where it is wider than the page.
pub(super) fn wide(caption: &str, table: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table { caption { (caption) } (table) }
        }
    }
}

/// A choice of one of several, by a name in the address.
pub(super) fn select(name: &str, label: &str, options: &[(String, String)], chosen: &str) -> Markup {
    html! {
        label { (label) " "
            select name=(name) {
                @for (value, text) in options {
                    option value=(value) selected[value == chosen] { (text) }
                }
            }
        }
    }
}

/// The same where value and text are one.
pub(super) fn plain(values: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    values.into_iter().map(|value| (value.clone(), value)).collect()
}
