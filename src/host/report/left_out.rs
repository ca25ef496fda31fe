//! What was found and not used, and why: nothing disappears silently.

use serde::Serialize;

use crate::host::scaling::grouped;

/// Something that a report could have used and did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// A cell, a file, a line of a file.
    pub what: String,
    /// The reason, the same words for the same reason.
    pub why: String,
}

impl LeftOut {
    /// What and why.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

/// One line for each reason, with the first few that it is told of.
pub fn told(left_out: &[LeftOut]) -> Vec<String> {
    const NAMED: usize = 3;
    let reasons = grouped(left_out.iter().map(|LeftOut { what, why }| (why.as_str(), what.as_str())));
    let line = |(why, all): (&str, Vec<&str>)| {
        let more = all.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{more}: {why}", all[..all.len().min(NAMED)].join(", "))
    };
    reasons.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_reasons_share_a_line() {
        let left_out: Vec<LeftOut> = ["a", "b", "c", "d", "e"]
            .map(|what| LeftOut::new(what, "gone"))
            .into_iter()
            .chain([LeftOut::new("f", "torn")])
            .collect();
        assert_eq!(told(&left_out), ["a, b, c and 2 more: gone", "f: torn"]);
    }
}
