//! What only the social suite has and its `fixtures/social/suite.toml` cannot declare: the name of its generator.

/// What the suite is called, and its generator.
pub(super) const NAME: &str = "social";
