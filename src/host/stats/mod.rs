//! Statistics over samples and paired measurements: pure functions, no files, no engines, no clocks.
//!
//! Criterion looks at the samples of one cell; what is here compares cells, and pairs of fresh processes that took turns,
//! so that whatever the machine did in the meantime met both.

mod bootstrap;
pub mod changes;
mod middle;
mod paired;
mod predict;
mod steady;

pub use bootstrap::{Random, percentiles, resampled_medians};
pub use middle::median_interval;
pub use paired::{Interval, hodges_lehmann, holm, signed_rank_p};
pub use predict::{Factor, PowerLaw};
pub use steady::is_steady;

/// The geometric mean of ratios; `None` of nothing.
pub fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a handful of ratios")]
    let count = ratios.len() as f64;
    (!ratios.is_empty()).then(|| (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / count).exp())
}

/// The median; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { f64::midpoint(sorted[middle - 1], upper) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn twice_and_half_cancel_out() {
        assert!((geometric_mean(&[2.0, 0.5]).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(geometric_mean(&[]), None);
    }
}
