//! What several endpoints share: parameters that mean the same everywhere, and the ways to an answer.

use std::sync::Arc;

use axum::http::Method;

use crate::history::Format;
use crate::history::served::questions::{self, Parameter as Value};
use crate::server::app::App;
use crate::server::ask::{Ask, Endpoint, Gives, Kind, Parameter, Reply, Rows};
use crate::server::problem::Problem;

pub(super) const FILTER: Parameter = Parameter {
    name: "filter",
    about: "The cells, as in a bench: `duckdb/q1`, `q6`, `^(duckdb|polars)/`",
    kind: Kind::Text,
};
pub(super) const SUITE: Parameter = text("suite", "The suite");
pub(super) const ENGINE: Parameter = text("engine", "The engine, as in ids: `duckdb`");
pub(super) const QUERY: Parameter = text("query", "The query: `q1`");
pub(super) const SCALE: Parameter = text("scale", "The scale, as in ids: `sf1`");
pub(super) const MACHINE: Parameter = text("machine", "A part of the name of the class of machines");
pub(super) const LIMIT: Parameter =
    Parameter { name: "limit", about: "So many rows at most", kind: Kind::Whole(1, 1000, 100) };
pub(super) const OFFSET: Parameter =
    Parameter { name: "offset", about: "Without the first so many rows", kind: Kind::Whole(0, 1_000_000, 0) };
pub(super) const PROVENANCE: Parameter = Parameter {
    name: "provenance",
    about: "Where the figures come from",
    kind: Kind::One(&["measured", "simulated", "imported", "estimated"]),
};
pub(super) const METRIC: Parameter = text("metric", "The figure: `time` where nobody says it");

pub(super) const fn text(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about, kind: Kind::Text }
}

/// An endpoint that gives rows.
pub(super) fn rows(
    (path, name): (&'static str, &'static str),
    (summary, detail): (&'static str, &'static str),
    parameters: &'static [Parameter],
    run: fn(&Arc<App>, &Ask) -> Result<Reply, Problem>,
) -> Endpoint {
    Endpoint {
        method: Method::GET,
        path,
        name,
        summary,
        detail,
        parameters,
        body: None,
        gives: Gives::Rows,
        problems: &[],
        writes: false,
        run,
    }
}

/// Conditions of a statement, with the values that they have a `?` for.
#[derive(Debug, Default)]
pub(super) struct Where {
    conditions: Vec<String>,
    pub(super) values: Vec<Value>,
}

impl Where {
    /// One more, where the parameter says something.
    pub(super) fn text(&mut self, ask: &Ask, name: &str, condition: &str) {
        if let Some(value) = ask.get(name) {
            self.and(condition, value);
        }
    }

    pub(super) fn and(&mut self, condition: &str, value: &str) {
        self.conditions.push(condition.to_owned());
        self.values.push(Value::Text(value.to_owned()));
    }

    /// The names that views have for what is asked by the same parameters everywhere. `columns` are those that the view has.
    pub(super) fn common(ask: &Ask, columns: &[&str]) -> Self {
        let mut this = Self::default();
        for (name, column) in [
            ("suite", "suite"),
            ("engine", "engine_name"),
            ("query", "query"),
            ("scale", "scale"),
            ("provenance", "provenance"),
        ] {
            if columns.contains(&name) {
                this.text(ask, name, &format!("{column} = ?"));
            }
        }
        if columns.contains(&"machine") {
            this.text(ask, "machine", "contains(lower(machine_class), lower(?))");
        }
        this
    }

    /// The cells that the parameter `filter` means.
    ///
    /// # Errors
    /// When it means none.
    pub(super) fn cells(&mut self, app: &App, ask: &Ask) -> Result<(), Problem> {
        if let Some(filter) = ask.get("filter") {
            let cells = questions::cells(&app.owner, filter).map_err(|error| Problem::of_name(&error))?;
            self.and("cell IN (SELECT unnest(string_split(?, chr(10))))", &cells);
        }
        Ok(())
    }

    pub(super) fn sql(&self) -> String {
        if self.conditions.is_empty() { String::new() } else { format!("WHERE {}", self.conditions.join(" AND ")) }
    }
}

/// A page of the rows of a statement, by `limit` and `offset`.
///
/// # Errors
/// When a table is damaged.
pub(super) fn page(app: &App, ask: &Ask, (select, order): (&str, &str), conditions: &Where) -> Result<Reply, Problem> {
    let (limit, offset) = (ask.whole("limit", 100), ask.whole("offset", 0));
    let statement = format!("{select} {} ORDER BY {order} LIMIT {} OFFSET {offset}", conditions.sql(), limit + 1);
    let found = questions::rows(&app.owner, &statement, &conditions.values);
    let mut found = found.map_err(|error| Problem::of(&error, "internal"))?;
    let has_more = found.cut(limit as usize);
    let next = has_more.then(|| link(ask, "offset", &(offset + limit).to_string()));
    Ok(Reply::Rows(Rows { shown: shown(&found, ask.format)?, next, ..Rows::default() }))
}

pub(super) fn shown(rows: &questions::Rows, format: Format) -> Result<Vec<u8>, Problem> {
    rows.render(format).map_err(|error| Problem::of(&error, "internal"))
}

/// The same question with another value of a parameter.
pub(super) fn link(ask: &Ask, name: &str, value: &str) -> String {
    let path = ask.target.split('?').next().unwrap_or_default();
    let others = ask.query.iter().filter(|(other, _)| *other != name);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(others).append_pair(name, value);
    format!("{path}?{}", query.finish())
}

/// What a history command prints, in the form that is asked for, and its notes.
///
/// # Errors
/// Those of the command.
pub(super) fn command(
    app: &App,
    ask: &Ask,
    name: &str,
    options: &[(&str, Option<&str>)],
    filter: &str,
) -> Result<Reply, Problem> {
    let format = match ask.format {
        Format::Csv => "csv",
        Format::Arrow => "arrow",
        _ => "json",
    };
    let mut arguments = vec![name.to_owned(), format!("--format={format}")];
    // One word each, so that no value is taken for an option.
    arguments.extend(options.iter().filter_map(|(option, value)| value.map(|value| format!("--{option}={value}"))));
    arguments.extend(["--".to_owned(), filter.to_owned()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let kept = questions::command(&app.owner, &arguments, "").map_err(|error| Problem::of_name(&error))?;
    let notes = String::from_utf8_lossy(&kept.stderr).lines().map(str::to_owned).collect();
    Ok(Reply::Rows(Rows { shown: kept.stdout, notes, ..Rows::default() }))
}
