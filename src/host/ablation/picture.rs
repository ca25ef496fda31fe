//! The ablation as a picture: a bar for each variant, its steps stacked.

use anyhow::Result;

use super::{Ablation, Outcome};
use crate::host::report::picture::{Picture, Stack, stacked};
use crate::host::variant::PARQUET;

/// Draws all variants of an ablation, in the order of its design.
///
/// # Errors
/// Without a variant that was measured.
pub fn draw(ablation: &Ablation) -> Result<Picture> {
    let variant = Some(&ablation.variant).filter(|variant| *variant != PARQUET);
    let under = variant.map(|variant| format!(", {variant}")).unwrap_or_default();
    let title = format!("{} {} at {}{under}", ablation.engine, ablation.query, ablation.scale);
    let stacks: Vec<Stack> = ablation
        .variants
        .iter()
        .map(|one| match &one.outcome {
            Outcome::Figures(figures) => Stack {
                label: one.name.clone(),
                total_ns: figures.time_ns,
                steps_ns: figures.steps_ns.clone(),
                missing: None,
            },
            Outcome::Failed(why) => {
                Stack { label: one.name.clone(), total_ns: 0.0, steps_ns: Vec::new(), missing: Some(why.clone()) }
            }
        })
        .collect();
    stacked("ablation", &title, &stacks)
}
