//! The C and C++ compilers an engine program is built with: a recent clang where there is one, else the system's own.
//!
//! DuckDB compiled by gcc needs longer than by clang, so the choice is part of the recipe.
//! Every program gets the same compilers: crates with C parts are shared between them, and would be
//! compiled again at each change of `CC`.

use std::env;

use super::command;

/// The oldest clang that was found level with DuckDB's own builds.
const OLDEST_CLANG: u32 = 17;
const NEWEST_CLANG: u32 = 30;

/// Query times of DuckDB compiled by gcc 12, with jemalloc, as a multiple of those of its makers' wheel; by clang 19 it is
/// level with that.
pub(crate) const COST_OF_GCC: f64 = 1.19;
/// How to get one that is recent enough.
pub(crate) const INSTALL_CLANG: &str = "install a recent clang (Debian, Ubuntu: apt-get install clang-19)";

/// Which compilers, for the environment of cargo and for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compilers {
    /// `CC` and `CXX`; empty when the crates shall find the system's own.
    pub(crate) env: Vec<(&'static str, String)>,
    /// What the C++ compiler says of itself.
    pub(crate) described: Option<String>,
    /// Whether it is good enough not to warn.
    pub(crate) recommended: bool,
}

impl Compilers {
    /// `CXX` from the environment is honoured as it is; otherwise the newest clang, otherwise what `c++` is.
    pub(crate) fn find() -> Self {
        if let Ok(told) = env::var("CXX") {
            return Self { env: Vec::new(), recommended: told.contains("clang"), described: describe(&told) };
        }
        for version in (OLDEST_CLANG..NEWEST_CLANG).rev() {
            let (cc, cxx) = (format!("clang-{version}"), format!("clang++-{version}"));
            if let (Some(_), Some(described)) = (describe(&cc), describe(&cxx)) {
                return Self { env: vec![("CC", cc), ("CXX", cxx)], described: Some(described), recommended: true };
            }
        }
        Self { env: Vec::new(), described: describe("c++"), recommended: false }
    }
}

fn describe(compiler: &str) -> Option<String> {
    command::version_of(compiler).map(|text| text.lines().next().unwrap_or_default().trim().to_owned())
}
