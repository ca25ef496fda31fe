//! The bootstrap: what else the samples might have been, by drawing from them again.

use super::median;

/// A reproducible sequence of numbers (SplitMix64): a report of the same records is the same report, on any machine and
/// with any version of any library.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence that begins here.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, which is not zero and far below 2^32.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (((mixed >> 32) * bound as u64) >> 32) as usize
    }
}

/// So many medians of samples drawn anew, with replacement; empty of nothing.
pub fn resampled_medians(samples: &[f64], count: usize, random: &mut Random) -> Vec<f64> {
    let mut drawn = vec![0.0; samples.len()];
    let mut medians = Vec::with_capacity(count);
    for _ in 0..count {
        for place in &mut drawn {
            *place = samples[random.below(samples.len())];
        }
        medians.extend(median(&drawn));
    }
    medians
}

/// The values between which the middle `confidence` of all lie; `None` of nothing.
pub fn percentiles(values: &mut [f64], confidence: f64) -> Option<(f64, f64)> {
    let last = values.len().checked_sub(1)?;
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index of a slice"
    )]
    let outside = ((1.0 - confidence) / 2.0 * last as f64) as usize;
    Some((values[outside], values[last - outside]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_even_and_the_same_every_time() {
        let mut random = Random::new(1);
        let mut seen = [0_usize; 10];
        for _ in 0..100_000 {
            seen[random.below(10)] += 1;
        }
        assert!(seen.iter().all(|count| (9_700..10_300).contains(count)), "{seen:?}");
        let draw = |mut random: Random| -> Vec<usize> { (0..5).map(|_| random.below(100)).collect() };
        assert_eq!(draw(Random::new(7)), draw(Random::new(7)));
        assert_ne!(draw(Random::new(7)), draw(Random::new(8)));
    }

    #[test]
    fn medians_stay_among_the_samples_and_scatter_as_much_as_they() {
        let medians = |samples: &[f64]| resampled_medians(samples, 500, &mut Random::new(3));
        assert!(medians(&[5.0, 5.0, 5.0]).iter().all(|median| (*median - 5.0).abs() < 1e-12));
        let mut wide = medians(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
        let (low, high) = percentiles(&mut wide, 0.95).unwrap();
        assert!((2.0..4.0).contains(&low) && (7.0..9.5).contains(&high), "{low} {high}");
        assert!(medians(&[]).is_empty());
        assert_eq!(percentiles(&mut [], 0.95), None);
    }
}
