//! Trino.
