//! One cell after the other, from its program and data to its record.

pub(crate) mod cold;
pub(crate) mod context;
pub(crate) mod engine;
pub(crate) mod finish;
pub(crate) mod forecast;
pub(crate) mod launch;
pub(crate) mod plan;
pub(crate) mod prepare;
pub(crate) mod select;
pub(crate) mod standing;
pub(crate) mod summary;

pub use summary::doubts;
