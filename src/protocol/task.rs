//! What an engine is asked to run.

use serde::{Deserialize, Serialize};

/// One query as it is sent to an engine program: text ready to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// The workload's name, `tpch`.
    pub workload: String,
    /// The query's name, `q1`; an engine with hand-written plans goes by it.
    pub name: String,
    /// The text in the engine's dialect with every parameter filled in.
    pub sql: String,
}
