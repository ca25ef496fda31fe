//! What numbers of two answers may differ by and still be equal: the same for rows and for sums.

/// What two floats may differ by, as a part of the larger one: sums in another order differ by less.
pub(super) const RELATIVE: f64 = 1e-9;
/// The same where one side is of single precision, which keeps seven digits and loses some of them in a sum.
pub(super) const RELATIVE_SINGLE: f64 = 2e-6;
/// With fewer digits after the point, a decimal is no average or ratio that was cut, but money, and exact.
pub(super) const FEWEST_PLACES: u32 = 4;
