//! What only TPC-DS has and its `fixtures/tpcds/suite.toml` cannot declare: the name of its generator.

/// What the suite is called, and its generator.
pub(super) const NAME: &str = "tpcds";
