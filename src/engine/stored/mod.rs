//! Where engines in Rust find the bytes of Parquet files: [`Source`], on this machine or on S3; and [`Ahead`], row groups whose bytes
//! are on their way before anybody asks for them.
//!
//! It decodes nothing: that is the engines' own business, and what sets them apart.

mod ahead;
#[cfg(any(feature = "arrow", feature = "pipeline"))]
mod object;
mod source;

pub(super) use ahead::Ahead;
#[cfg(any(feature = "arrow", feature = "pipeline"))]
pub(super) use object::Stored;
pub(super) use source::{Chunks, Coming, Local, Source, range_of};

/// Row groups that are fetched ahead: as many requests at once as a store answers side by side without slowing each other much, and
/// little memory beside what workers hold.
pub(super) const AHEAD: usize = 4;
