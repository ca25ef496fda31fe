//! What numbers of two answers may differ by and still be equal: the same for rows and for sums.

/// What two floats may differ by, as a part of the larger one: sums in another order differ by less.
pub(super) const RELATIVE: f64 = 1e-9;
/// The same where one side is of single precision, which keeps seven digits and loses some of them in a sum.
pub(super) const RELATIVE_SINGLE: f64 = 2e-6;
/// With fewer digits after the point, a decimal is no average or ratio that was cut, but money, and exact.
pub(super) const FEWEST_PLACES: u32 = 4;
/// A number that one side has cut is at least so many units of its last place: of a smaller one too few digits are left to say that
/// it is the same. `0.000000` is no cut of `0.0000003`.
pub(super) const FEWEST_UNITS: u32 = 1000;
