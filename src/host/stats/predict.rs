//! What ratios and times at several sizes say of one more: [`Factor`] and [`PowerLaw`]. Both work on logarithms, so that twice and
//! half are equally far away, and their intervals are Student's: they assume that the logarithms scatter as a normal distribution
//! does, and are wide where there are few.

use super::Interval;

/// What ratios have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factor {
    mean: f64,
    deviation: f64,
    count: usize,
}

impl Factor {
    /// Of ratios; `None` of fewer than two, or where one is not above zero.
    pub fn of(ratios: &[f64]) -> Option<Self> {
        let logs = logarithms(ratios.iter().copied())?;
        let freedom = logs.len().checked_sub(1).filter(|freedom| *freedom > 0)?;
        let mean = mean(&logs);
        let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
        Some(Self { mean, deviation: (squares / number(freedom)).sqrt(), count: logs.len() })
    }

    /// Their geometric mean with its 95 % interval.
    pub fn mean(&self) -> Interval {
        self.within(1.0 / number(self.count))
    }

    /// What one more of them would be, with the interval that has it in 95 % of all cases.
    pub fn next(&self) -> Interval {
        self.within(1.0 + 1.0 / number(self.count))
    }

    fn within(&self, variance: f64) -> Interval {
        interval(self.mean, student(self.count - 1) * self.deviation * variance.sqrt())
    }
}

/// A time that grows with a power of the size: a line through logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLaw {
    /// 1 where twice the size takes twice the time.
    pub exponent: f64,
    /// How far points lie from the line, as a factor: 1.05 is five percent, one standard deviation.
    pub residual: f64,
    at_middle: f64,
    middle: f64,
    spread: f64,
    count: usize,
}

impl PowerLaw {
    /// The fewest sizes: through two points there is always a line, and nothing says how far it is from the truth.
    pub const FEWEST: usize = 3;

    /// The line with the smallest squares through sizes and times; `None` of fewer than [`FEWEST`](Self::FEWEST) different sizes, or
    /// where a size or a time is not above zero.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let sizes = logarithms(points.iter().map(|(size, _)| *size))?;
        let times = logarithms(points.iter().map(|(_, time)| *time))?;
        let mut different = sizes.clone();
        different.sort_by(f64::total_cmp);
        different.dedup();
        if different.len() < Self::FEWEST {
            return None;
        }
        let (middle, at_middle) = (mean(&sizes), mean(&times));
        let spread: f64 = sizes.iter().map(|size| (size - middle).powi(2)).sum();
        let together: f64 = sizes.iter().zip(&times).map(|(size, time)| (size - middle) * (time - at_middle)).sum();
        let exponent = together / spread;
        let off = |(size, time): (&f64, &f64)| (time - at_middle - exponent * (size - middle)).powi(2);
        let squares: f64 = sizes.iter().zip(&times).map(off).sum();
        let residual = (squares / number(sizes.len() - 2)).sqrt().exp();
        Some(Self { exponent, residual, at_middle, middle, spread, count: sizes.len() })
    }

    /// The time at a size above zero, with the interval that has it in 95 % of all cases, if the power holds there.
    pub fn at(&self, size: f64) -> Interval {
        let away = size.ln() - self.middle;
        let variance = 1.0 + 1.0 / number(self.count) + away.powi(2) / self.spread;
        let reach = student(self.count - 2) * self.residual.ln() * variance.sqrt();
        interval(self.at_middle + self.exponent * away, reach)
    }
}

fn interval(log: f64, reach: f64) -> Interval {
    Interval { estimate: log.exp(), low: (log - reach).exp(), high: (log + reach).exp() }
}

fn logarithms(values: impl Iterator<Item = f64>) -> Option<Vec<f64>> {
    values.map(|value| (value > 0.0 && value.is_finite()).then(|| value.ln())).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / number(values.len())
}

#[expect(clippy::cast_precision_loss, reason = "a number of queries or scales")]
fn number(count: usize) -> f64 {
    count as f64
}

/// Student's t that 2.5 % lie above, by degrees of freedom from 1 on, as the tables have it.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

fn student(freedom: usize) -> f64 {
    // Beyond the table to three digits.
    let beyond = 1.96 + 2.4 / number(freedom);
    freedom.checked_sub(1).and_then(|place| STUDENT.get(place)).copied().unwrap_or(beyond)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::stats::{Random, geometric_mean};

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs().max(1.0)
    }

    #[test]
    fn factor_is_the_geometric_mean_and_its_interval_that_of_the_t_test() {
        let ratios = [2.0, 8.0, 4.0];
        let factor = Factor::of(&ratios).unwrap();
        let mean = factor.mean();
        assert!(close(mean.estimate, geometric_mean(&ratios).unwrap()) && close(mean.estimate, 4.0));
        // The standard deviation of the logarithms is ln 2: t of two degrees of freedom by it and the root of three.
        assert!(close(mean.high, 4.0 * (4.303 * 2.0_f64.ln() / 3.0_f64.sqrt()).exp()));
        assert!(close(mean.low * mean.high, 16.0));
        assert!(factor.next().high > mean.high);
        for none in [&[][..], &[1.0], &[1.0, 0.0], &[1.0, -2.0], &[1.0, f64::NAN]] {
            assert_eq!(Factor::of(none), None);
        }
    }

    #[test]
    fn power_law_finds_the_exponent_and_refuses_two_sizes() {
        let points = [0.1, 1.0, 10.0].map(|size: f64| (size, 5.0 * size.powf(1.25)));
        let law = PowerLaw::fit(&points).unwrap();
        assert!(close(law.exponent, 1.25) && close(law.residual, 1.0));
        let at = law.at(100.0);
        assert!(close(at.estimate, 5.0 * 100.0_f64.powf(1.25)) && close(at.low, at.high));
        assert_eq!(PowerLaw::fit(&points[..2]), None);
        assert_eq!(PowerLaw::fit(&[(1.0, 1.0), (1.0, 2.0), (2.0, 1.0)]), None);
        assert_eq!(PowerLaw::fit(&[(1.0, 1.0), (2.0, 0.0), (3.0, 1.0)]), None);
    }

    /// Of 2,000 lines with a known scatter, the interval has the next point in nearly 95 %.
    #[test]
    fn power_law_interval_has_what_it_promises() {
        let mut random = Random::new(5);
        // Twelve even numbers added are near enough a normal distribution.
        let mut noise = || {
            let sum: f64 = (0..12).map(|_| f64::from(u32::try_from(random.below(1_000_000)).unwrap()) / 1e6).sum();
            0.05 * (sum - 6.0)
        };
        let mut inside = 0_u32;
        for _ in 0..2000 {
            let points = [0.01, 0.1, 1.0, 10.0].map(|size: f64| (size, (size.ln() + noise()).exp()));
            let truth = (100.0_f64.ln() + noise()).exp();
            let at = PowerLaw::fit(&points).unwrap().at(100.0);
            inside += u32::from(at.low <= truth && truth <= at.high);
        }
        assert!((1870..=1930).contains(&inside), "{inside} of 2000");
    }

    proptest! {
        #[test]
        fn intervals_hold_their_estimate(ratios in prop::collection::vec(0.01..100.0_f64, 2..60)) {
            let factor = Factor::of(&ratios).unwrap();
            for Interval { estimate, low, high } in [factor.mean(), factor.next()] {
                prop_assert!(0.0 < low && low <= estimate && estimate <= high);
            }
        }
    }
}
