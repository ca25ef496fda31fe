//! Options of an engine of which a mode takes several at once: [`Axes`]. A mode spells those that are no default, joined by `-`.
//!
//! What an option does is the engine's business; what each brings, `cargo xtask ablation` measures.

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::protocol::id::check_name;

/// Axes, and on each of them the options that there are. Empty for an engine that has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axes {
    /// The default of each axis first, the one that should be best last.
    #[serde(default)]
    pub options: Vec<Vec<String>>,
    /// Of these, options that leave out a part of the work: what more could be gained there, and no gain.
    #[serde(default)]
    pub bounds: Vec<String>,
    /// Of these, options of how tables on S3 are read, which the engine refuses elsewhere.
    #[serde(default)]
    pub stored: Vec<String>,
}

impl Axes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.options.is_empty()
    }

    /// Every combination, the one of all defaults first. That one is never spelled; here it is what it consists of.
    pub(super) fn modes(&self) -> Vec<String> {
        let mut all: Vec<Vec<usize>> = vec![Vec::new()];
        for axis in &self.options {
            let longer = |chosen: &Vec<usize>| {
                (0..axis.len()).map(|next| [chosen.as_slice(), &[next]].concat()).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(longer).collect();
        }
        let defaults: Vec<&str> = self.options.iter().filter_map(|axis| axis.first()).map(String::as_str).collect();
        all.iter().map(|chosen| self.mode(chosen).unwrap_or_else(|| defaults.join("-"))).collect()
    }

    /// The mode of these options, one of each axis by its place; `None` where all are defaults.
    pub fn mode(&self, chosen: &[usize]) -> Option<String> {
        let spelled = self.options.iter().zip(chosen).filter(|(_, place)| **place > 0);
        let names: Vec<&str> = spelled.filter_map(|(axis, place)| axis.get(*place)).map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join("-"))
    }

    /// Whether the table can mean it.
    pub(super) fn check(&self) -> Result<()> {
        for axis in &self.options {
            ensure!(axis.len() > 1, "an axis has a default and something else: {axis:?}");
        }
        let all: Vec<&String> = self.options.iter().flatten().collect();
        for (place, name) in all.iter().enumerate() {
            ensure!(check_name(name).is_ok(), "'{name}' cannot name an option");
            ensure!(!all[..place].contains(name), "two options are called '{name}'");
        }
        for named in self.bounds.iter().chain(&self.stored) {
            ensure!(all.contains(&named), "'{named}' is among bounds or stored, and no option");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(toml: &str) -> Axes {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn axes_modes_are_all_combinations_and_spell_no_default() {
        let axes = axes("options = [['whole', 'streaming'], ['insert', 'copy', 'copy-binary']]");
        let wanted = ["whole-insert", "copy", "copy-binary", "streaming", "streaming-copy", "streaming-copy-binary"];
        assert_eq!(axes.modes(), wanted);
        assert_eq!((axes.mode(&[0, 0]), axes.mode(&[1, 2]).as_deref()), (None, Some("streaming-copy-binary")));
        assert_eq!(Axes::default().modes(), [""]);
    }

    #[test]
    fn axes_check_refuses_what_cannot_be_meant() {
        assert!(axes("options = [['a', 'b'], ['c', 'd']]\nbounds = ['d']").check().is_ok());
        for toml in [
            "options = [['a']]",
            "options = [['a', 'b'], ['b', 'c']]",
            "options = [['a', 'b c']]",
            "options = [['a', 'b']]\nbounds = ['c']",
            "options = [['a', 'b']]\nstored = ['c']",
        ] {
            assert!(axes(toml).check().is_err(), "{toml}");
        }
    }
}
