//! Whole times as bars, each made of the times of its steps.

use anyhow::Result;
use plotters::style::{Color as _, RGBColor};

use crate::protocol::units::Nanos;

use super::canvas::{Canvas, Font, Picture, count, fit, fit_ends, nothing, paint, width};
use super::scale::sane;
use super::theme::{self, GRID};

/// A bar.
#[derive(Debug, Clone)]
pub struct Stack {
    /// What is written before it.
    pub label: String,
    /// Its length, in nanoseconds, and what is written behind it.
    pub total_ns: f64,
    /// Its steps in their order. What they leave of the whole is drawn pale.
    pub steps_ns: Vec<(String, f64)>,
    /// Why there is no bar.
    pub missing: Option<String>,
}

const WIDTH: f64 = 640.0;
const TOP: f64 = 48.0;
const ROW: f64 = 20.0;
const MARGIN: f64 = 10.0;
const BAR: f64 = 12.0;
const TEXT: f64 = 11.0;
const GAP: f64 = 6.0;
/// Of steps in the order in which they are first seen: apart for colour-blind eyes, and seen on white and on black.
const COLORS: [(u8, u8, u8); 6] =
    [(0, 119, 187), (230, 120, 40), (0, 150, 130), (204, 51, 150), (128, 100, 40), (120, 120, 130)];

/// Draws the bars below each other, to one linear scale.
///
/// # Errors
/// Without a bar that has a time.
pub fn stacked(name: &str, title: &str, stacks: &[Stack]) -> Result<Picture> {
    let time = |stack: &Stack| sane(stack.total_ns, false).filter(|ns| *ns > 0.0 && stack.missing.is_none());
    let most = stacks.iter().filter_map(time).fold(0.0, f64::max);
    if most <= 0.0 {
        return Err(nothing(name, "at least one bar with a time"));
    }
    let mut steps: Vec<&str> = Vec::new();
    for (step, _) in stacks.iter().flat_map(|stack| &stack.steps_ns) {
        if !steps.contains(&step.as_str()) {
            steps.push(step);
        }
    }
    let left = MARGIN + stacks.iter().map(|stack| width(&stack.label, TEXT)).fold(0.0, f64::max).min(190.0) + GAP;
    let right = WIDTH - MARGIN - 70.0;
    let height = TOP + ROW * count(stacks.len()) + MARGIN;
    paint((name, title, sentence(title, stacks)), (WIDTH, height), |canvas| {
        legend(canvas, &steps, left)?;
        for (row, stack) in stacks.iter().enumerate() {
            let y = TOP + ROW * count(row) + ROW / 2.0;
            canvas.text(
                (left - GAP, y),
                &fit_ends(&stack.label, TEXT, left - GAP - MARGIN),
                Font::new(TEXT).ending(),
            )?;
            let Some(total) = time(stack) else {
                let why = stack.missing.as_deref().unwrap_or("no valid time");
                canvas.text((left + GAP, y), &fit(&format!("✕ {why}"), TEXT, right - left), Font::new(TEXT).soft())?;
                continue;
            };
            let end = left + total / most * (right - left);
            canvas.rect((left, y - BAR / 2.0), ((end - left).max(1.0), BAR), GRID.mix(1.0))?;
            let mut x = left;
            for (step, ns) in &stack.steps_ns {
                let Some(ns) = sane(*ns, false).filter(|ns| *ns > 0.0) else { continue };
                let to = (x + ns / most * (right - left)).min(end);
                canvas.rect((x, y - BAR / 2.0), (to - x, BAR), color(&steps, step).mix(1.0))?;
                x = to;
            }
            canvas.text((end + GAP, y), &Nanos(total).to_string(), Font::new(TEXT))?;
        }
        canvas.hair((left, TOP - 2.0), (left, height - MARGIN), GRID)
    })
}

fn color(steps: &[&str], step: &str) -> RGBColor {
    let place = steps.iter().position(|known| *known == step).unwrap_or_default();
    theme::color(COLORS[place % COLORS.len()])
}

fn legend(canvas: &Canvas<'_>, steps: &[&str], left: f64) -> Result<()> {
    let mut x = left;
    for step in steps {
        let label = fit(step, TEXT, 120.0);
        let end = x + 14.0 + width(&label, TEXT) + 2.0 * GAP;
        if end > WIDTH {
            break;
        }
        canvas.rect((x, 29.0), (10.0, 10.0), color(steps, step).mix(1.0))?;
        canvas.text((x + 14.0, 34.0), &label, Font::new(TEXT).soft())?;
        x = end;
    }
    Ok(())
}

fn sentence(title: &str, stacks: &[Stack]) -> String {
    let one = |stack: &Stack| {
        if let Some(why) = &stack.missing {
            format!("{} {why}", stack.label)
        } else {
            let steps =
                stack.steps_ns.iter().map(|(step, ns)| format!("{step} {}", Nanos(sane(*ns, false).unwrap_or(0.0))));
            let total = Nanos(sane(stack.total_ns, false).unwrap_or(0.0));
            format!("{} {total} ({})", stack.label, steps.collect::<Vec<_>>().join(", "))
        }
    };
    format!("Times of {title} and of their steps: {}.", stacks.iter().map(one).collect::<Vec<_>>().join("; "))
}
