//! Engines by queries, with the choice of what is shown and what it is held against.

use std::sync::Arc;

use maud::{Markup, PreEscaped, html};

use super::choice::Choice;
use super::figures::{Metric, figure, hatched, is_bad, state, swatch};
use super::layout::{href, layout, select, wide};
use crate::host::report::picture::{self, Heat};
use crate::host::stats::geometric_mean;
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;
use crate::server::standing::{Group, Standing};

/// How the parameter of each engine that is shown begins: a list of all engines has one for each.
const ENGINE: &str = "e.";

pub(super) fn page(app: &Arc<App>, ask: &Ask) -> Result<Markup, Problem> {
    let standing = app.standing().map_err(|error| Problem::of(&error, "internal"))?;
    if standing.groups.is_empty() {
        return Ok(layout(
            "/matrix",
            "Matrix",
            &html! { p { "There are no results yet: " code { "cargo bench -- duckdb/q1" } } },
        ));
    }
    let choice = Choice::of(&standing, ask)?;
    let group = choice.group;
    let metric = Metric::of(ask.get("metric"));
    let shown = engines(group, ask);
    let baseline =
        ask.get("baseline").and_then(|name| shown.iter().copied().find(|engine| group.engines[*engine].label == name));
    let table = Table { standing: &standing, group, metric, shown: &shown, baseline };
    let of = &group.conditions;
    let content = html! {
        div data-follows="" {}
        (form(&choice, ask, metric, baseline))
        (choice.warning())
        (table.picture(of.is_measured()))
        (table.table(&choice))
        p.note {
            "A figure leads to its result, a query to its engines side by side. Only figures with a verified answer, on the same data, are held against each other."
        }
    };
    Ok(layout("/matrix", &format!("{} {}: engines by queries", of.suite, of.scale), &content))
}

/// The engines that are shown: those that the address names, else all.
fn engines(group: &Group, ask: &Ask) -> Vec<usize> {
    let is_named = |engine: &usize| ask.query.contains_key(&format!("{ENGINE}{}", group.engines[*engine].label));
    let named: Vec<usize> = (0..group.engines.len()).filter(is_named).collect();
    if named.is_empty() { (0..group.engines.len()).collect() } else { named }
}

fn form(choice: &Choice<'_>, ask: &Ask, metric: Metric, baseline: Option<usize>) -> Markup {
    let group = choice.group;
    let metrics: Vec<(String, String)> =
        Metric::ALL.iter().map(|(_, name, title)| ((*name).to_owned(), (*title).to_owned())).collect();
    let mut baselines = vec![(String::new(), "the best of each query".to_owned())];
    baselines.extend(group.engines.iter().map(|engine| (engine.label.clone(), engine.label.clone())));
    let chosen = baseline.map_or("", |engine| group.engines[engine].label.as_str());
    let has_some = ask.query.keys().any(|name| name.starts_with(ENGINE));
    html! {
        form.choice method="get" action="/matrix" {
            (choice.fields())
            (select("metric", "Figure", &metrics, metric.name()))
            (select("baseline", "Held against", &baselines, chosen))
            fieldset {
                legend { "Engines" (if has_some { "" } else { " (all)" }) }
                @for engine in &group.engines {
                    @let name = format!("{ENGINE}{}", engine.label);
                    label { input type="checkbox" name=(name) value="1" checked[ask.query.contains_key(&name)]; (swatch(engine.color)) (engine.label) }
                }
            }
            noscript { button { "Show" } }
        }
    }
}

struct Table<'a> {
    standing: &'a Standing,
    group: &'a Group,
    metric: Metric,
    /// Engines, by their places in the group.
    shown: &'a [usize],
    baseline: Option<usize>,
}

impl Table<'_> {
    fn value(&self, query: usize, engine: usize) -> Option<f64> {
        self.metric.value(self.group.cell(self.standing, query, engine)?)
    }

    /// What the figures of a query are held against. The reference is hand-written plans: it is nobody's rival.
    fn against(&self, query: usize) -> Option<f64> {
        if let Some(baseline) = self.baseline {
            return self.value(query, baseline);
        }
        let rivals = self.shown.iter().filter(|engine| !self.group.engines[**engine].is_reference);
        rivals.filter_map(|engine| self.value(query, *engine)).min_by(f64::total_cmp)
    }

    fn ratio(&self, query: usize, engine: usize) -> Option<f64> {
        Some(self.value(query, engine)? / self.against(query)?)
    }

    /// The report's picture of it.
    fn picture(&self, is_measured: bool) -> Markup {
        let group = self.group;
        let engines: Vec<String> = self.shown.iter().map(|engine| group.engines[*engine].label.clone()).collect();
        let row = |query: usize| self.shown.iter().map(|engine| self.ratio(query, *engine)).collect();
        let ratios: Vec<Vec<Option<f64>>> = (0..group.queries.len()).map(row).collect();
        let is_reference = |column: &usize| group.engines[self.shown[*column]].is_reference;
        let references: Vec<usize> = (0..self.shown.len()).filter(is_reference).collect();
        let title = match self.baseline {
            Some(baseline) => format!("Times {}", group.engines[baseline].label),
            None => match self.metric {
                Metric::Time => "Times the fastest engine".to_owned(),
                Metric::Memory => "Times the least peak memory".to_owned(),
                Metric::Cpu => "Times the least CPU time".to_owned(),
            },
        };
        let heat = Heat { engines: &engines, queries: &group.queries, ratios: &ratios, references: &references };
        html! {
            @match picture::heat("matrix", &title, &heat) {
                Ok(picture) => div.pictures { figure class=[(!is_measured).then_some("hatched")] { (PreEscaped(picture.inline().to_owned())) } },
                // Nobody has a figure: the table says why.
                Err(_) => {},
            }
        }
    }

    fn table(&self, choice: &Choice<'_>) -> Markup {
        let group = self.group;
        let mean = |engine: usize| {
            let ratios: Option<Vec<f64>> = self.common().iter().map(|query| self.ratio(*query, engine)).collect();
            geometric_mean(&ratios?)
        };
        let common = self.common().len();
        let caption = format!("Median of each query's newest result; {}", group.conditions.words());
        wide(
            &caption,
            &html! {
                thead { tr {
                    th.key scope="col" { "query" }
                    @for engine in self.shown { th scope="col" { (group.engines[*engine].label) } }
                } }
                tbody {
                    @for (query, name) in group.queries.iter().enumerate() {
                        tr {
                            th.key scope="row" { a href=(Self::query_link(choice, name)) { (name) } }
                            @for engine in self.shown { (self.cell(query, *engine)) }
                        }
                    }
                    @if common > 1 {
                        tr {
                            th.key scope="row" title="Over the queries for which all engines shown have a figure" { "mean of " (common) }
                            @for engine in self.shown {
                                td { (mean(*engine).map_or_else(|| "–".to_owned(), |mean| format!("{mean:.2}×"))) }
                            }
                        }
                    }
                }
            },
        )
    }

    /// Queries for which all have a figure, but for those that have none at all.
    fn common(&self) -> Vec<usize> {
        let queries = || 0..self.group.queries.len();
        let taking_part: Vec<usize> = self
            .shown
            .iter()
            .copied()
            .filter(|engine| queries().any(|query| self.value(query, *engine).is_some()))
            .collect();
        queries().filter(|query| taking_part.iter().all(|engine| self.ratio(*query, *engine).is_some())).collect()
    }

    fn cell(&self, query: usize, engine: usize) -> Markup {
        let Some(cell) = self.group.cell(self.standing, query, engine) else { return html! { td.soft { "–" } } };
        let value = self.metric.value(cell);
        let ratio = self.ratio(query, engine);
        let is_best = ratio.is_some_and(|ratio| ratio < 1.005) && self.baseline != Some(engine);
        let class = match (value, is_bad(cell)) {
            (Some(_), _) if is_best => "strong",
            (None, true) => "bad",
            (None, false) => "soft",
            _ => "",
        };
        html! {
            td class={ (class) " " (hatched(cell).unwrap_or_default()) } {
                @match value {
                    Some(value) => { (figure(cell, &self.metric.text(value))) @if let Some(ratio) = ratio { " " small { (format!("{ratio:.2}×")) } } },
                    None => (figure(cell, state(cell))),
                }
            }
        }
    }

    fn query_link(choice: &Choice<'_>, query: &str) -> String {
        let parameters = choice.parameters();
        let mut all: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.push(("query", query));
        href("/query", &all)
    }
}
