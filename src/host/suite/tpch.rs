//! What only TPC-H has and its `fixtures/tpch/suite.toml` cannot declare: that it is the suite of those who name none.

/// What the suite is called, and its generator.
pub(super) const NAME: &str = "tpch";
