//! An engine of the user's, from `[engine.<name>]` in `querydyno.toml`: an executable, a script, or another
//! configuration of an engine that is there.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::script::Script;
use super::{Components, Entry, Source, find};
use crate::host::checkout::Checkout;
use crate::host::paths;
use crate::host::session::Program;
use crate::host::settings::OwnEngine;

/// The engine of that name; `entries` are those it may be like.
pub(super) fn entry(name: &str, own: &OwnEngine, entries: &[Entry], python: &str) -> Result<Entry> {
    let engine = format!("engine.{name} in querydyno.toml");
    let model = own.like.as_deref().map(|like| find(entries, like)).transpose();
    let model = model.with_context(|| format!("engine.{name}.like in querydyno.toml"))?;
    let (kind, source) = match (&own.program, &own.script, &model) {
        (Some(_), Some(_), _) => {
            bail!("{engine}: program is an executable, script a Python file; give one of them")
        }
        (Some(path), None, _) => {
            let path = paths::root().join(path);
            ("own", Source::Given(Program { path, args: own.args.clone(), ..Program::default() }))
        }
        (None, Some(file), _) => {
            let script = Script {
                name: name.to_owned(),
                file: paths::root().join(file),
                package: None,
                requirements: own.requirements.clone(),
                module: None,
                python: python.to_owned(),
                checkout: Checkout::here(),
            };
            ensure!(script.file.is_file(), "engine.{name}.script: there is no file {}", script.file.display());
            ("script", Source::Script(script))
        }
        (None, None, Some(model)) => {
            let neither = own.args.is_empty() && own.env.is_empty();
            ensure!(neither, "{engine}: args and env go with program, options with like");
            (model.kind, model.source.clone())
        }
        (None, None, None) => {
            bail!("{engine} needs program (an executable), script (a Python file) or like (an engine)")
        }
    };
    ensure!(own.script.is_some() || own.requirements.is_empty(), "{engine}: requirements go with script");
    ensure!(own.program.is_some() || own.args.is_empty(), "{engine}: args go with program");
    let warms_up = model.as_ref().is_some_and(|model| model.warms_up);
    let (axes, writes) = model.as_ref().map(|model| (model.axes.clone(), model.writes.clone())).unwrap_or_default();
    let (dialect, ways, mut variables, built_on, server) = if let Some(model) = model {
        // An executable of the user's may be a client of whatever it likes.
        let server = model.server.filter(|_| own.program.is_none());
        (model.dialect, model.modes, model.env, model.components, server)
    } else {
        let built_on = Components::listed().of_requirements(&own.requirements);
        (name.to_owned(), Vec::new(), BTreeMap::new(), built_on, None)
    };
    variables.extend(own.env.clone());
    Ok(Entry {
        name: name.to_owned(),
        title: name.to_owned(),
        kind,
        dialect: own.dialect.clone().unwrap_or(dialect),
        on_request: false,
        reference: None,
        color: None,
        components: own.components.clone().unwrap_or(built_on),
        iceberg_components: Vec::new(),
        options: own.options.clone(),
        modes: ways,
        axes,
        writes,
        official: Vec::new(),
        warms_up,
        env: variables,
        server,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::super::listed::Listed;
    use super::*;

    fn own(toml: &str) -> Result<Entry> {
        let listed =
            |name: &str, toml| toml::from_str::<Listed>(toml)?.entry(name.to_owned(), "python3", &Checkout::here());
        let entries = [
            listed("duckdb", "title = 'DuckDB'\ncomponents = ['duckdb']\ncpu_minutes = 1")?,
            listed(
                "polars-wheel",
                "title = 'Polars'\ncomponents = ['polars']\npackage = 'polars'\nversion = '2.1.0'\nmodes = ['streaming']",
            )?,
        ];
        entry("mine", &toml::from_str(toml)?, &entries, "python3")
    }

    #[test]
    fn an_engine_like_another_keeps_its_dialect_and_program() {
        let entry = own("like = 'duckdb'\noptions = { threads = '1' }").unwrap();
        assert_eq!(entry.dialect, "duckdb");
        assert_eq!(entry.recipe().unwrap().feature, "duckdb");
    }

    #[test]
    fn an_own_engine_needs_one_program_and_what_goes_with_it() {
        for toml in [
            "",
            "like = 'nothing'",
            "like = 'duckdb'\nargs = ['x']",
            "like = 'duckdb'\nrequirements = ['x==1']",
            "script = 'Cargo.toml'\nargs = ['x']",
            "script = 'Cargo.toml'\nprogram = '/bin/true'",
            "script = 'nothing.py'",
        ] {
            let error = own(toml).unwrap_err().to_string();
            assert!(error.contains("engine.mine"), "{toml}: {error}");
        }
        assert!(own("program = '/bin/true'").unwrap().recipe().is_none());
        assert_eq!(own("script = 'Cargo.toml'").unwrap().kind, "script");
    }

    #[test]
    fn a_version_belongs_to_what_comes_as_a_package() {
        let entry = own("like = 'polars-wheel@2.0.0'").unwrap();
        assert_eq!(entry.script().unwrap().package, Some(("polars".to_owned(), "2.0.0".to_owned())));
        assert_eq!((entry.kind, entry.modes.len()), ("script", 1));
        for (like, told) in [("duckdb@2.0.0", "no versions"), ("polars-wheel@", "no version of"), ("x@1", "no engine")]
        {
            let error = format!("{:#}", own(&format!("like = '{like}'")).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
    }
}
