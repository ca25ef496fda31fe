//! What only TPC-H has.

/// What its generator is called, and the suite itself: before suites named their generators, one of this name had it.
pub(crate) const GENERATOR: &str = "tpch";
