//! What a setting is called: [`Key`]. Which settings there are is in [`KEYS`](super::KEYS).

/// A setting's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// In `querydyno.toml`; none for what is of one run only.
    pub toml: Option<&'static str>,
    /// In the environment.
    pub variable: &'static str,
    /// The default, as people read it.
    pub default: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Whether it takes several values, separated by commas.
    pub(super) list: bool,
}

pub(super) const fn one(toml: &'static str, variable: &'static str, default: &'static str, what: &'static str) -> Key {
    Key { toml: Some(toml), variable, default, what, list: false }
}

pub(super) const fn several(
    toml: &'static str,
    variable: &'static str,
    default: &'static str,
    what: &'static str,
) -> Key {
    Key { list: true, ..one(toml, variable, default, what) }
}

/// What the environment alone says.
pub(super) const fn of_a_run(variable: &'static str, default: &'static str, what: &'static str) -> Key {
    Key { toml: None, variable, default, what, list: false }
}

/// The same with several values.
pub(super) const fn several_of_a_run(variable: &'static str, default: &'static str, what: &'static str) -> Key {
    Key { list: true, ..of_a_run(variable, default, what) }
}

/// What all variables of ours begin with, but for those that other tools have too.
pub(super) const PREFIX: &str = "QUERYDYNO_";
