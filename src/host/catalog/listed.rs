//! An entry of `fixtures/engines.toml` as it is written; the head of that file says what each key means.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::library::Pinned;
use super::script::Script;
use super::server::Server;
use super::{Axes, Entry, Recipe, Source};
use crate::host::checkout::Checkout;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the keys of the table, each of which is a fact of its own")]
pub(super) struct Listed {
    title: String,
    dialect: Option<String>,
    #[serde(default)]
    on_request: bool,
    #[serde(default)]
    reference: Option<String>,
    color: Option<[u8; 3]>,
    components: Vec<String>,
    #[serde(default)]
    iceberg_components: Vec<String>,
    #[serde(default)]
    modes: Vec<String>,
    #[serde(default)]
    axes: Axes,
    writes: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    official: Vec<String>,
    // built from this package
    #[serde(rename = "crate")]
    source: Option<String>,
    cpu_minutes: Option<u32>,
    #[serde(default)]
    cxx: bool,
    target_cpu: Option<String>,
    #[serde(default)]
    watches_heap: bool,
    library: Option<Pinned>,
    service: Option<String>,
    #[serde(default)]
    versions: BTreeMap<String, String>,
    #[serde(default)]
    stand_ins: BTreeMap<String, String>,
    program: Option<String>,
    #[serde(default)]
    protoc: bool,
    #[serde(default)]
    warms_up: bool,
    // a script
    package: Option<String>,
    version: Option<String>,
    module: Option<String>,
    #[serde(default)]
    requirements: Vec<String>,
}

impl Listed {
    /// The engine of that name in this source tree; `python` is the interpreter that script engines are given.
    pub(super) fn entry(self, name: String, python: &str, checkout: &Checkout) -> Result<Entry> {
        ensure!(self.service.is_none() || self.on_request, "{name} needs a server: it is on_request");
        ensure!(self.writes.is_none() || self.on_request, "{name} needs a sink: it is on_request");
        self.axes.check().with_context(|| format!("{name} in the table"))?;
        ensure!(
            self.modes.is_empty() || self.axes.is_empty(),
            "{name} has modes and axes: its modes are those of its axes"
        );
        ensure!(
            !self.components.is_empty(),
            "{name} names no components: what it shares with other engines decides about votes"
        );
        let version = self.version.clone();
        let server = self.service.map(|service| Server {
            service,
            usual: version.clone(),
            versions: self.versions,
            stand_ins: self.stand_ins,
            asked: Vec::new(),
        });
        if let Some(server) = &server {
            server.check().with_context(|| format!("{name} in the table"))?;
        }
        let (kind, source) = match (self.cpu_minutes, self.package, version) {
            (Some(cpu_minutes), None, version) if version.is_none() || server.is_some() => {
                let recipe = Recipe {
                    feature: self.program.unwrap_or_else(|| name.clone()),
                    cpu_minutes,
                    cxx: self.cxx,
                    target_cpu: self.target_cpu,
                    source: self.source,
                    watches_heap: self.watches_heap,
                    library: self.library,
                    protoc: self.protoc,
                    told: None,
                    extra: Vec::new(),
                    checkout: checkout.clone(),
                };
                let kind = if server.is_some() { "service" } else { "embedded" };
                (kind, Source::Built(recipe))
            }
            (None, Some(package), Some(version)) => {
                let script = Script {
                    file: Script::listed(&name, checkout),
                    name: name.clone(),
                    package: Some((package, version)),
                    requirements: self.requirements,
                    module: self.module,
                    python: python.to_owned(),
                    checkout: checkout.clone(),
                };
                ("script", Source::Script(script))
            }
            _ => bail!("{name} needs cpu_minutes (a program of this package) or package and version (a script)"),
        };
        Ok(Entry {
            title: self.title,
            kind,
            dialect: self.dialect.unwrap_or_else(|| name.clone()),
            on_request: self.on_request,
            reference: self.reference,
            color: self.color,
            components: self.components,
            iceberg_components: self.iceberg_components,
            options: BTreeMap::new(),
            modes: if self.axes.is_empty() { self.modes } else { self.axes.modes() },
            axes: self.axes,
            writes: self.writes,
            env: self.env,
            official: self.official,
            warms_up: self.warms_up,
            server,
            source,
            name,
        })
    }
}
