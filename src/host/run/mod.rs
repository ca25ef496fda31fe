//! One cell after the other, from its program and data to its record.

pub(crate) mod attempt;
pub(crate) mod cold;
pub(crate) mod finish;
pub(crate) mod forecast;
pub(crate) mod launch;
pub(crate) mod origin;
pub(crate) mod plan;
pub(crate) mod sample;
pub(crate) mod select;
pub(crate) mod standing;
pub(crate) mod summary;

pub use summary::doubts;
