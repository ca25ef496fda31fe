//! Object stores that speak S3, for the programs of ours that ask one: the client of both, and the whole of `querydyno-s3`.

pub(crate) mod client;

#[cfg(feature = "s3")]
mod body;
#[cfg(feature = "s3")]
mod pace;
#[cfg(feature = "s3")]
mod program;
#[cfg(feature = "s3")]
mod proxy;
#[cfg(feature = "s3")]
mod store;

#[cfg(feature = "s3")]
pub use program::main;
