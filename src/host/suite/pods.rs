//! What only the suite of pod usage has and its `fixtures/pods/suite.toml` cannot declare: the name of its generator.

/// What the suite is called, and its generator.
pub(super) const NAME: &str = "pods";
