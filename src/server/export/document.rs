//! A page as a file: what it links, [`links`], and the same page with links to files, [`rewritten`].
//!
//! This reads what our own pages write, by the few forms that they have: attributes in double quotes, forms of class `choice` with selects.
//! It is no reader of HTML. Choices become lists of links, which work without a script too.

use std::sync::LazyLock;

use maud::{Markup, html};
use regex::{Captures, Regex};

use super::address::Address;
use crate::server::pages::day;

static FORM: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?s)<form class="choice"([^>]*)>(.*?)</form>"#));
static SELECT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?s)([^<>]*)<select\b([^>]*)>(.*?)</select>"));
static OPTION: LazyLock<Regex> = LazyLock::new(|| regex(r"<option\b([^>]*)>([^<]*)</option>"));
static INPUT: LazyLock<Regex> = LazyLock::new(|| regex(r"<input\b([^>]*)>"));
static LINK: LazyLock<Regex> = LazyLock::new(|| regex(r"(?s)<a\b([^>]*)>(.*?)</a>"));
static SERIES: LazyLock<Regex> = LazyLock::new(|| regex(r#" data-series="([^"]*)""#));
static ASSET: LazyLock<Regex> = LazyLock::new(|| regex(r#"(href|src)="(/assets/[^"]*)""#));

/// Choices whose pages are made, by the page that has them. Of all others those are linked that are made anyway.
const FOLLOWED: [(&str, &[&str]); 6] = [
    ("/matrix", &["suite", "scale", "machine", "on", "metric", "baseline"]),
    ("/query", &["query"]),
    ("/series", &["metric"]),
    ("/boundary", &["suite", "machine"]),
    ("/compatibility", &["suite"]),
    ("/compare", &["sides", "first", "second"]),
];
/// Choices that another choice takes back, or pages would be as many as there are combinations.
const REFINING: [&str; 2] = ["metric", "baseline"];

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("a regular expression of ours")
}

/// Where links of a page lead.
pub(super) struct Leads<'a> {
    /// To another page's or list's file, where it has one.
    pub(super) to: &'a dyn Fn(&Address) -> Option<String>,
    /// To what pages are shown with.
    pub(super) asset: &'a dyn Fn(&str) -> String,
    /// When the newest result began, in milliseconds since 1970.
    pub(super) newest: Option<i64>,
}

/// What a page leads to that is to be made.
pub(super) fn links(html: &str) -> Vec<Address> {
    let mut found = Vec::new();
    for link in LINK.captures_iter(html) {
        found.extend(attribute(&link[1], "href").filter(|href| href.starts_with('/')).map(|href| Address::of(&href)));
    }
    for series in SERIES.captures_iter(html) {
        found.push(Address::of(&plain(&series[1])));
    }
    for form in FORM.captures_iter(html) {
        let form = Form::read(&form[1], &form[2]);
        for select in form.selects.iter().filter(|select| form.follows(&select.name)) {
            // What is chosen is the page itself, whatever its address.
            let others = select.options.iter().filter(|option| !option.is_chosen);
            found.extend(others.map(|option| form.address(&select.name, &option.value)));
        }
    }
    found
}

/// The page with links to files.
pub(super) fn rewritten(html: &str, leads: &Leads<'_>) -> String {
    // First, while all other links are still those of a server.
    let html = LINK.replace_all(html, |link: &Captures<'_>| linked(link, leads));
    let html =
        FORM.replace_all(&html, |form: &Captures<'_>| Form::read(&form[1], &form[2]).choices(leads).into_string());
    let html = ASSET
        .replace_all(&html, |asset: &Captures<'_>| format!("{}=\"{}\"", &asset[1], (leads.asset)(&plain(&asset[2]))));
    let html = SERIES.replace_all(&html, |series: &Captures<'_>| {
        let file = (leads.to)(&Address::of(&plain(&series[1])));
        file.map_or_else(String::new, |file| format!(" data-series=\"{file}\""))
    });
    let copy = html! {
        p.note data-files="" {
            "A copy of these pages, made without a server"
            @if let Some(newest) = leads.newest { "; the newest result is of " (day(newest)) }
            ". What is no link here takes the server: " code { "cargo xtask serve" } "."
        }
    };
    // There are no news in a file.
    html.replace(" data-follows=\"\"", "").replacen("</main>", &format!("{}</main>", copy.into_string()), 1)
}

/// A link to a file; without one it is text that says what it takes.
fn linked(link: &Captures<'_>, leads: &Leads<'_>) -> String {
    let (attributes, inside) = (&link[1], &link[2]);
    match attribute(attributes, "href").filter(|href| href.starts_with('/')) {
        None => link[0].to_owned(),
        Some(href) => match (leads.to)(&Address::of(&href)) {
            Some(file) => {
                let (before, rest) = attributes.split_once("href=\"").unwrap_or_default();
                let after = rest.split_once('"').map_or("", |(_, after)| after);
                format!("<a{before}href=\"{file}\"{after}>{inside}</a>")
            }
            None => format!("<span title=\"only with a server: cargo xtask serve\">{inside}</span>"),
        },
    }
}

/// Choices of a page.
struct Form {
    action: String,
    selects: Vec<Select>,
    hidden: Vec<(String, String)>,
    /// Whether something can be typed or ticked.
    is_free: bool,
}

struct Select {
    label: String,
    name: String,
    options: Vec<Choice>,
}

struct Choice {
    value: String,
    text: String,
    is_chosen: bool,
}

impl Form {
    fn read(attributes: &str, inside: &str) -> Self {
        let option = |option: Captures<'_>| Choice {
            value: attribute(&option[1], "value").unwrap_or_default(),
            text: plain(&option[2]),
            is_chosen: option[1].split_whitespace().any(|word| word == "selected"),
        };
        let select = |select: Captures<'_>| Select {
            label: plain(select[1].trim()),
            name: attribute(&select[2], "name").unwrap_or_default(),
            options: OPTION.captures_iter(&select[3]).map(option).collect(),
        };
        let inputs: Vec<(String, String, String)> = INPUT
            .captures_iter(inside)
            .map(|input| ["type", "name", "value"].map(|name| attribute(&input[1], name).unwrap_or_default()).into())
            .collect();
        let (hidden, free): (Vec<_>, Vec<_>) = inputs.into_iter().partition(|(kind, ..)| kind == "hidden");
        Self {
            action: attribute(attributes, "action").unwrap_or_default(),
            selects: SELECT.captures_iter(inside).map(select).collect(),
            hidden: hidden.into_iter().map(|(_, name, value)| (name, value)).collect(),
            is_free: !free.is_empty(),
        }
    }

    fn follows(&self, name: &str) -> bool {
        FOLLOWED.iter().any(|(path, names)| *path == self.action && names.contains(&name))
    }

    /// What choosing this asks for.
    fn address(&self, name: &str, value: &str) -> Address {
        // Which two there are depends on two of what.
        let stays = |other: &str| other != name && !REFINING.contains(&other) && name != "sides";
        let others = self.selects.iter().filter(|select| stays(&select.name)).filter_map(|select| {
            let chosen = select.options.iter().find(|option| option.is_chosen).or(select.options.first())?;
            Some((select.name.clone(), chosen.value.clone()))
        });
        let changed = (name.to_owned(), value.to_owned());
        Address::new(&self.action, self.hidden.iter().cloned().chain(others).chain([changed]))
    }

    fn choices(&self, leads: &Leads<'_>) -> Markup {
        html! {
            nav.choice aria-label="Choices" {
                @for select in &self.selects {
                    @let chosen = select.options.iter().find(|option| option.is_chosen).or(select.options.first());
                    @let said = html! { (select.label) ": " strong { (chosen.map_or("", |option| option.text.as_str())) } };
                    @if select.options.len() < 2 { span { (said) } }
                    @else {
                        details {
                            summary { (said) }
                            ul {
                                @for option in &select.options {
                                    li {
                                        @match (leads.to)(&self.address(&select.name, &option.value)) {
                                            _ if option.is_chosen => strong { (option.text) },
                                            Some(file) => a href=(file) { (option.text) },
                                            None => span.note { (option.text) },
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                @if self.is_free {
                    p.note { "Some engines or cells of all, and any combination of choices, are chosen where a server runs: " code { "cargo xtask serve" } "." }
                }
            }
        }
    }
}

/// The value of an attribute among others.
fn attribute(attributes: &str, name: &str) -> Option<String> {
    let begins = format!("{name}=\"");
    let is_whole = |at: usize| attributes[..at].is_empty() || attributes[..at].ends_with(char::is_whitespace);
    let (at, _) = attributes.match_indices(&begins).find(|(at, _)| is_whole(*at))?;
    let value = &attributes[at + begins.len()..];
    Some(plain(value.split_once('"')?.0))
}

/// A text of HTML without its escapes: those that maud writes.
fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
