//! What each option of an engine brings: the pictures and tables of `cargo xtask ablation`, from the folder that it writes. They are no
//! records of the history, whose results are of whole variants.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use maud::{Markup, PreEscaped, html};

use super::layout::{layout, wide};
use crate::host::ablation::{Ablation, Effect, FOLDER, Figures, Outcome, draw, read};
use crate::host::paths;
use crate::host::stats::Interval;
use crate::protocol::units::{Bytes, Nanos};
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;

/// Ablations on the page.
const SHOWN: usize = 12;

/// The folder that is looked at.
fn folder(app: &App) -> PathBuf {
    app.options.ablations.clone().unwrap_or_else(|| paths::own(FOLDER))
}

/// Another after each change in the folder, which the version of the history knows nothing of.
pub(super) fn stamp(app: &App) -> String {
    let changed = std::fs::metadata(folder(app)).and_then(|about| about.modified()).ok();
    let since = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or_else(String::new, |since| since.as_nanos().to_string())
}

#[expect(clippy::unnecessary_wraps, reason = "as every page")]
pub(super) fn page(app: &Arc<App>, _: &Ask) -> Result<Markup, Problem> {
    let (found, wrong) = read(&folder(app));
    let content = html! {
        @if found.is_empty() {
            p {
                "No ablation was written: " code { "cargo xtask ablation QUERY --engine ENGINE --scales 1" }
                " measures what each option of an engine brings, and writes it where this page looks. With another " code { "--output" } ": "
                code { "cargo xtask serve --ablations FOLDER" }
            }
        } @else {
            p.note { "Each option is added alone to the plainest variant, and taken alone from the one with all. Fresh processes took turns, and every answer was checked." }
        }
        @for ablation in found.iter().take(SHOWN) { (shown(ablation)) }
        @if found.len() > SHOWN { p.note { "And " (found.len() - SHOWN) " older ones in the folder." } }
        @for why in &wrong { p.warn { (why) } }
    };
    Ok(layout("/ablation", "Ablations: what each option brings", &content))
}

fn shown(ablation: &Ablation) -> Markup {
    let Ablation { engine, version, query, scale, rows, variant, rounds, verified, taken_at, host, .. } = ablation;
    html! {
        section {
            h2 { (engine) " " (version) ": " (query) " at " (scale) }
            p.note {
                (taken_at.chars().take(10).collect::<String>()) ", " (host.class()) "; about " (rows) " rows, " (variant) ", " (rounds)
                " fresh processes of each variant; answers: " (verified)
            }
            @match draw(ablation) {
                Ok(picture) => div.pictures.large { figure { (PreEscaped(picture.inline().to_owned())) } },
                Err(error) => p.note { "No picture: " (error) },
            }
            (effects(&ablation.effects))
            (variants(ablation))
        }
    }
}

fn effects(effects: &[Effect]) -> Markup {
    wide(
        "How many times as fast with the option as without it, with a 95 % interval; one that holds 1 shows nothing",
        &html! {
            thead { tr { th.key scope="col" { "option" } th scope="col" { "added to the baseline" } th scope="col" { "within all others" } } }
            tbody {
                @for effect in effects {
                    tr { th.key scope="row" { (effect.option) } (factor(effect.alone)) (factor(effect.in_full)) }
                }
            }
        },
    )
}

fn factor(of: Option<Interval>) -> Markup {
    let Some(Interval { estimate, low, high }) = of else { return html! { td.soft { "–" } } };
    let class = if low > 1.0 {
        "strong"
    } else if high < 1.0 {
        "bad"
    } else {
        ""
    };
    html! { td class=(class) { (format!("{estimate:.2}")) " " small { (format!("{low:.2} to {high:.2}")) } } }
}

fn variants(ablation: &Ablation) -> Markup {
    let measured = |one: &Outcome| match one {
        Outcome::Figures(figures) => Some(figures.time_ns),
        Outcome::Failed(_) => None,
    };
    let baseline = ablation.variants.first().and_then(|one| measured(&one.outcome));
    let steps = ablation.variants.iter().find_map(|one| one.figures()).map(|figures| figures.steps_ns.as_slice());
    let steps: Vec<&str> = steps.unwrap_or_default().iter().map(|(step, _)| step.as_str()).collect();
    let figures = 6 + steps.len();
    wide(
        "Medians over the processes of each variant",
        &html! {
            thead { tr {
                th.key scope="col" { "variant" } th scope="col" { "time" } th scope="col" { "times as fast" }
                @for step in &steps { th scope="col" { (step) } }
                th scope="col" { "cores" } th scope="col" { "sink's cores" } th scope="col" { "peak memory" } th scope="col" { "log bytes" }
            } }
            tbody {
                @for one in &ablation.variants {
                    tr {
                        th.key scope="row" { (one.name) }
                        @match &one.outcome {
                            Outcome::Figures(figures) => (row(figures, baseline, &steps)),
                            Outcome::Failed(why) => td.text.bad colspan=(figures) { "failed: " (why) },
                        }
                    }
                }
            }
        },
    )
}

fn row(figures: &Figures, baseline: Option<f64>, steps: &[&str]) -> Markup {
    let dash = || "–".to_owned();
    let step =
        |name: &str| figures.steps_ns.iter().find(|(step, _)| step == name).map(|(_, ns)| Nanos(*ns).to_string());
    let cores = |used: Option<f64>| used.map_or_else(dash, |used| format!("{used:.2}"));
    let bytes = |bytes: Option<f64>| bytes.map_or_else(dash, |bytes| Bytes::about(bytes).to_string());
    html! {
        td { (Nanos(figures.time_ns)) }
        td { (baseline.map_or_else(dash, |baseline| format!("{:.2}", baseline / figures.time_ns))) }
        @for name in steps.iter().copied() { td { (step(name).unwrap_or_else(dash)) } }
        td { (cores(figures.cores_used)) } td { (cores(figures.sink_cores_used)) }
        td { (bytes(figures.peak_memory_bytes)) } td { (bytes(figures.sink_log_bytes)) }
    }
}
