//! What is known about an answer: [`Verdict`]. Who decides it is the host's business ([`referee`](super::referee), [`cross_check`](super::cross_check)).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is known about an answer; only a verified one is ranked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// Meets the specification's rules (TPC-H, clause 2.1.3.5) for the published answer.
    Official {
        /// Whether it also equals our own reference to the digit; unknown where there is none.
        #[serde(default)]
        equals_reference: Option<bool>,
    },
    /// Equals a stored answer on which independent components agreed.
    Reference {
        /// These components; at least three.
        components: Vec<String>,
    },
    /// No stored answer: all comparable engines of this run gave this one.
    Agreed {
        /// The independent votes: components that share nothing, each as its members are called.
        components: Vec<String>,
        /// Engines that said something else, where the user accepts what most say (`--accept-majority`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dissent: Vec<String>,
    },
    /// No stored answer, and the engines of this run differ: it is unknown which is right.
    Disputed(Dispute),
    /// Nothing to compare with.
    Unchecked {
        /// Why.
        reason: String,
    },
    /// Not the stored or published answer.
    Wrong {
        /// The first difference.
        difference: String,
    },
}

/// Engines of one run that gave different answers to the same query on the same data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Engines with equal answers, group by group; that with the most independent components comes first.
    pub groups: Vec<Vec<String>>,
    /// The first difference between the first two groups, with who says what.
    pub difference: String,
    /// What it looks like, where that can be seen: an overflow, single precision, a time zone.
    #[serde(default)]
    pub causes: Vec<String>,
}

impl Dispute {
    /// The dispute as people read it: who says the same, the first difference, what it looks like.
    pub fn lines(&self) -> Vec<String> {
        let groups = self.groups.iter().map(|engines| format!("  one answer: {}", engines.join(", ")));
        let difference = [format!("  first difference: {}", self.difference)];
        let causes = self.causes.iter().map(|cause| format!("  perhaps: {cause}"));
        groups.chain(difference).chain(causes).collect()
    }
}

impl Verdict {
    /// Whether a number with this verdict may be ranked.
    pub fn verified(&self) -> bool {
        matches!(self, Self::Official { .. } | Self::Reference { .. } | Self::Agreed { .. })
    }

    /// Its kind as records have it: `reference`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Official { .. } => "official",
            Self::Reference { .. } => "reference",
            Self::Agreed { .. } => "agreed",
            Self::Disputed(_) => "disputed",
            Self::Unchecked { .. } => "unchecked",
            Self::Wrong { .. } => "wrong",
        }
    }

    /// A few words, for the cell of a table.
    pub fn short(&self) -> String {
        match self {
            Self::Official { equals_reference: Some(true) } => "official, exact".to_owned(),
            Self::Official { equals_reference: Some(false) } => "official, not exact".to_owned(),
            // Records of before do not say which.
            Self::Reference { components } if components.is_empty() => "reference".to_owned(),
            Self::Reference { components } => format!("reference of {}", components.len()),
            Self::Agreed { components, dissent } if dissent.is_empty() => format!("agreed by {}", components.len()),
            Self::Agreed { components, dissent } => {
                format!("agreed by {}, not by {}", components.len(), dissent.join(", "))
            }
            Self::Disputed(_) => "disputed, not ranked".to_owned(),
            Self::Unchecked { .. } => "unchecked, not ranked".to_owned(),
            _ => self.kind().to_owned(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Official { equals_reference: Some(true) } => "official, and equal to the reference".to_owned(),
            Self::Official { equals_reference: Some(false) } => {
                "official, within the specification's tolerance; it differs from the reference".to_owned()
            }
            Self::Official { equals_reference: None } => "official".to_owned(),
            Self::Reference { components } | Self::Agreed { components, .. } if !components.is_empty() => {
                format!("{} ({})", self.short(), components.join(", "))
            }
            Self::Disputed(dispute) => format!("disputed: {}", dispute.difference),
            Self::Unchecked { reason } => format!("unchecked: {reason}"),
            Self::Wrong { difference } => format!("wrong: {difference}"),
            _ => self.short(),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdict_is_a_kind_in_json() {
        let verdict = Verdict::Reference { components: vec!["duckdb".to_owned(), "polars".to_owned()] };
        let json = serde_json::to_value(&verdict).unwrap();
        assert_eq!(json, serde_json::json!({"kind": "reference", "components": ["duckdb", "polars"]}));
        let dispute = Dispute {
            groups: vec![vec!["a".to_owned()], vec!["b".to_owned()]],
            difference: "row 1".to_owned(),
            causes: Vec::new(),
        };
        let disputed = Verdict::Disputed(dispute);
        let text = serde_json::to_string(&disputed).unwrap();
        assert!(text.starts_with(r#"{"kind":"disputed","groups":[["a"],["b"]]"#), "{text}");
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), disputed);
    }

    #[test]
    fn verdict_verified_is_the_first_three_kinds_only() {
        let good = [
            Verdict::Official { equals_reference: None },
            Verdict::Reference { components: Vec::new() },
            Verdict::Agreed { components: Vec::new(), dissent: Vec::new() },
        ];
        assert!(good.iter().all(Verdict::verified));
        let bad = [Verdict::Unchecked { reason: String::new() }, Verdict::Wrong { difference: String::new() }];
        assert!(!bad.iter().any(Verdict::verified));
    }
}
