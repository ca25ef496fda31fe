//! PostgreSQL as a sink: where it is, a connection that is made anew, rows that replace a table's content in one transaction, and that
//! content read back.

mod address;
mod check;
mod connection;
mod target;
mod value;
mod write;

pub(super) use self::address::Address;
pub(super) use self::connection::{Connection, Usage};
