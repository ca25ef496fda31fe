//! The documentation that is too long for README.

#[doc = include_str!("capabilities.md")]
pub mod capabilities {}
#[doc = include_str!("api.md")]
pub mod api {}

#[doc = include_str!("s3.md")]
pub mod s3 {}

#[doc = include_str!("pod-usage.md")]
pub mod pod_usage {}

#[doc = include_str!("support.md")]
pub mod support {}

#[doc = include_str!("defects.md")]
pub mod defects {}

#[doc = include_str!("services.md")]
pub mod services {}

#[doc = include_str!("social.md")]
pub mod social {}
