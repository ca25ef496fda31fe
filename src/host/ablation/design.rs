//! Which variants an ablation compares: [`Design`].

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::host::catalog::Entry;
use crate::host::variant::is_on_s3;

/// A variant in the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    /// What it is there for.
    pub role: Role,
    /// The engine's mode; none: its default.
    pub mode: Option<String>,
    /// The engine's settings.
    pub options: BTreeMap<String, String>,
}

/// What a variant is there for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// With no option.
    Baseline,
    /// With one option.
    Added(String),
    /// With every option; of those that exclude each other, the best.
    Full,
    /// With every option but those of one axis.
    Removed(String),
    /// With every option, this one in the place of a better one that it excludes.
    Instead(String),
    /// With an option that leaves out a part of the work, and no other; it brings nothing that counts.
    Bound(String),
    /// The same with every other option.
    FullBound(String),
}

impl Role {
    /// As tables and pictures have it.
    pub fn name(&self) -> String {
        match self {
            Self::Baseline => "baseline".to_owned(),
            Self::Added(option) => format!("+ {option}"),
            Self::Full => "all".to_owned(),
            Self::Removed(option) => format!("all - {option}"),
            Self::Instead(option) => format!("all, {option}"),
            Self::Bound(option) => format!("({option})"),
            Self::FullBound(option) => format!("(all, {option})"),
        }
    }
}

/// The variants, the plainest first, and the options whose effects are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Design {
    /// Each once.
    pub contenders: Vec<Contender>,
    /// The options; with each the role of the full variant that has it, and that of the one that does not.
    pub options: Vec<(String, Role, Role)>,
}

impl Design {
    /// Of the engine's axes, as far as they are for tables of this format; without any, of the settings that its entry makes.
    ///
    /// # Errors
    /// When it has neither.
    pub fn of(engine: &Entry, format: &str) -> Result<Self> {
        if !engine.axes.is_empty() {
            return Ok(Self::of_axes(engine, format));
        }
        ensure!(
            !engine.options.is_empty(),
            "{0} has no options to compare: an engine's own are set in querydyno.toml, [engine.{0}-tuned] like = \"{0}\" and options = {{ ... }}; then name {0}-tuned",
            engine.name
        );
        Ok(Self::of_settings(&engine.options))
    }

    fn of_axes(engine: &Entry, format: &str) -> Self {
        let axes = &engine.axes;
        let applies = |axis: &Vec<String>| is_on_s3(format) || !axis.iter().any(|name| axes.stored.contains(name));
        let is_bound = |name: &String| axes.bounds.contains(name);
        let contender =
            |role: Role, chosen: &[usize]| Contender { role, mode: axes.mode(chosen), options: engine.options.clone() };
        let plain = vec![0; axes.options.len()];
        let last = |axis: &Vec<String>| axis.iter().rposition(|name| !is_bound(name)).unwrap_or_default();
        let full: Vec<usize> = axes.options.iter().map(|axis| if applies(axis) { last(axis) } else { 0 }).collect();
        let with = |of: &[usize], axis: usize, place: usize| {
            let mut chosen = of.to_vec();
            chosen[axis] = place;
            chosen
        };
        let mut design = Self { contenders: vec![contender(Role::Baseline, &plain)], options: Vec::new() };
        let (mut in_full, mut bounds) = (vec![contender(Role::Full, &full)], Vec::new());
        for (axis, names) in axes.options.iter().enumerate().filter(|(_, names)| applies(names)) {
            let without = Role::Removed(names[full[axis]].clone());
            in_full.push(contender(without.clone(), &with(&full, axis, 0)));
            for (place, name) in names.iter().enumerate().skip(1) {
                let (alone, all) = (with(&plain, axis, place), with(&full, axis, place));
                if is_bound(name) {
                    bounds.push(contender(Role::Bound(name.clone()), &alone));
                    bounds.push(contender(Role::FullBound(name.clone()), &all));
                    continue;
                }
                design.contenders.push(contender(Role::Added(name.clone()), &alone));
                let having = if place == full[axis] { Role::Full } else { Role::Instead(name.clone()) };
                if place != full[axis] {
                    in_full.push(contender(having.clone(), &all));
                }
                design.options.push((name.clone(), having, without.clone()));
            }
        }
        design.contenders.extend(in_full);
        design.contenders.extend(bounds);
        design
    }

    fn of_settings(settings: &BTreeMap<String, String>) -> Self {
        let contender = |role: Role, keeps: &dyn Fn(&String) -> bool| Contender {
            role,
            mode: None,
            options: settings
                .iter()
                .filter(|(name, _)| keeps(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        };
        let mut contenders = vec![contender(Role::Baseline, &|_| false)];
        contenders.extend(settings.keys().map(|option| contender(Role::Added(option.clone()), &|name| name == option)));
        // With a single option, all is that one.
        let several = settings.len() > 1;
        let without = |option: &String| if several { Role::Removed(option.clone()) } else { Role::Baseline };
        let full = |option: &String| if several { Role::Full } else { Role::Added(option.clone()) };
        if several {
            contenders.push(contender(Role::Full, &|_| true));
            contenders.extend(settings.keys().map(|option| contender(without(option), &|name| name != option)));
        }
        let options = settings.keys().map(|option| (option.clone(), full(option), without(option))).collect();
        Self { contenders, options }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::catalog::Catalog;
    use crate::host::settings::Settings;
    use crate::host::variant::{PARQUET, S3};

    fn modes(engine: &Entry, format: &str) -> Vec<(String, String)> {
        let design = Design::of(engine, format).unwrap();
        design.contenders.iter().map(|one| (one.role.name(), one.mode.clone().unwrap_or_default())).collect()
    }

    #[test]
    fn design_of_axes_adds_each_option_alone_and_takes_each_alone_from_all() {
        let catalog = Catalog::read(&Settings::read().unwrap()).unwrap();
        let mut engine = catalog.entry("pipeline").unwrap();
        engine.axes =
            toml::from_str("options = [['rows', 'columnar'], ['insert', 'none', 'batch', 'copy']]\nbounds = ['none']")
                .unwrap();
        let wanted = [
            ("baseline", ""),
            ("+ columnar", "columnar"),
            ("+ batch", "batch"),
            ("+ copy", "copy"),
            ("all", "columnar-copy"),
            ("all - columnar", "copy"),
            ("all - copy", "columnar"),
            ("all, batch", "columnar-batch"),
            ("(none)", "none"),
            ("(all, none)", "columnar-none"),
        ];
        assert_eq!(modes(&engine, PARQUET), wanted.map(|(name, mode)| (name.to_owned(), mode.to_owned())));
        let options = Design::of(&engine, PARQUET).unwrap().options;
        let batch = ("batch".to_owned(), Role::Instead("batch".to_owned()), Role::Removed("copy".to_owned()));
        assert!(options.contains(&batch), "{options:?}");
    }

    #[test]
    fn design_leaves_out_what_is_for_tables_on_s3_elsewhere() {
        let catalog = Catalog::read(&Settings::read().unwrap()).unwrap();
        let mut engine = catalog.entry("pipeline").unwrap();
        engine.axes = toml::from_str("options = [['plain', 'pool'], ['rows', 'columnar']]\nstored = ['pool']").unwrap();
        let named = |format: &str| modes(&engine, format).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(named(PARQUET), ["baseline", "+ columnar", "all", "all - columnar"]);
        assert_eq!(named(S3), ["baseline", "+ pool", "+ columnar", "all", "all - pool", "all - columnar"]);
    }

    #[test]
    fn design_of_settings_takes_those_of_the_entry() {
        let catalog = Catalog::read(&Settings::read().unwrap()).unwrap();
        let mut engine = catalog.entry("duckdb").unwrap();
        let error = Design::of(&engine, PARQUET).unwrap_err().to_string();
        assert!(error.contains("[engine.duckdb-tuned]"), "{error}");
        engine.options = [("a", "1"), ("b", "2")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let design = Design::of(&engine, PARQUET).unwrap();
        let told: Vec<_> = design.contenders.iter().map(|one| (one.role.name(), one.options.len())).collect();
        let wanted = [("baseline", 0), ("+ a", 1), ("+ b", 1), ("all", 2), ("all - a", 1), ("all - b", 1)];
        assert_eq!(told, wanted.map(|(name, options)| (name.to_owned(), options)));
        assert_eq!(design.contenders[4].options.keys().collect::<Vec<_>>(), ["b"]);
        engine.options.remove("b");
        let alone = Design::of(&engine, PARQUET).unwrap();
        assert_eq!((alone.contenders.len(), &alone.options[0].1), (2, &Role::Added("a".to_owned())));
    }
}
