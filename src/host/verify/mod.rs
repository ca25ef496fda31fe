//! Which answer is right: references, engines that judge each other, and how two answers are compared.

pub(crate) mod cause;
pub mod compare;
pub(crate) mod cross_check;
pub mod digest;
pub(crate) mod groups;
pub mod referee;
pub mod reference;
pub(crate) mod summaries;
mod tolerance;
mod verdict;

pub use cross_check::{Testimony, judge};
pub use verdict::{Dispute, Verdict};
