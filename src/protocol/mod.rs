//! What the two ends of the pipe say to each other: the messages, and all that they carry.
//!
//! [`messages`] is the whole conversation. Nothing here does any I/O.

pub mod answer;
pub mod dataset;
pub mod engine;
pub mod iceberg;
pub mod id;
pub mod location;
pub mod messages;
pub mod network;
pub mod observe;
pub mod s3;
pub mod task;
pub mod units;
pub mod unknown;
