//! The tool: everything but what runs inside an engine's program. Feature `harness`.

pub mod audit;
pub mod backfill;
pub mod bench;
pub mod catalog;
pub mod checkout;
pub(crate) mod checksum;
pub mod criterion;
pub mod data;
pub mod doctor;
pub mod files;
pub mod filter;
#[doc(hidden)]
pub mod fuzzing;
pub mod gate;
mod guarded;
pub mod incremental;
pub mod inspect;
mod inspected;
pub mod interrupt;
mod lock;
pub mod paths;
mod progress;
pub mod record;
pub mod report;
pub mod run;
pub mod scaling;
pub(crate) mod scratch;
pub mod services;
pub mod session;
pub mod settings;
mod space;
pub(crate) mod sql;
pub mod stats;
pub mod suite;
pub mod terminal;
pub mod variant;
pub mod verify;
