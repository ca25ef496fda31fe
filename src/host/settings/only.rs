//! Which cells a run takes of those that are meant: [`Only`] those that have no result, or one that does not hold any more.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Error, Result, bail, ensure};

use super::duration;

/// How old a result may be by default.
const OLD: Duration = Duration::from_hours(14 * 24);

/// A reason for which a cell is run; several mean cells with any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// It has no verified result on this class of machine.
    Missing,
    /// Program, version, text, data, settings or conditions are others than those of its newest result.
    Outdated,
    /// Its newest result failed, was wrong or is disputed.
    Failed,
    /// Its newest result is older than this.
    Older(Duration),
}

impl FromStr for Only {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.split_once('=').unwrap_or((text, "")) {
            ("missing", "") => Self::Missing,
            ("outdated", "") => Self::Outdated,
            ("failed", "") => Self::Failed,
            ("older", "") => Self::Older(OLD),
            ("older", age) => {
                let age = duration(age)?;
                ensure!(!age.is_zero(), "every result is older than 0: give a time such as 14d or 12h");
                Self::Older(age)
            }
            _ => bail!("'{text}' is no reason to run a cell: give missing, outdated, failed or older=14d"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reads_its_four_words_and_an_age() {
        let age = |days: u64| Only::Older(Duration::from_hours(days * 24));
        for (text, meant) in [
            ("missing", Only::Missing),
            ("outdated", Only::Outdated),
            ("failed", Only::Failed),
            ("older", age(14)),
            ("older=3d", age(3)),
        ] {
            assert_eq!(text.parse::<Only>().unwrap(), meant);
        }
        for text in ["", "stale", "missing=1", "older=soon", "older=0"] {
            let error = format!("{:#}", text.parse::<Only>().unwrap_err());
            assert!(error.contains("14d") || error.contains("is not a time"), "{text}: {error}");
        }
    }
}
