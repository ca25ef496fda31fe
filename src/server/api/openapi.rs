//! The OpenAPI 3.1 document, made of the table of endpoints. A crate's macros would say at each handler once more what the table says, and
//! nothing would keep the two together.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{changing, sql};
use crate::server::ask::{CURSOR, Endpoint, Gives, Kind, LONGEST, Parameter, Upload};

/// Statuses that every endpoint may end with.
const ALWAYS: [u16; 7] = [400, 404, 405, 406, 408, 429, 503];
/// And those that take a body.
const WITH_BODY: [u16; 2] = [413, 415];
/// And those that change something.
const WITH_TOKEN: [u16; 2] = [401, 403];

/// A text without a zero byte.
const WHOLE: &str = "^[^\\u0000]*$";
/// One that says anything: with a letter that is seen.
const SAYS: &str = "^[^\\u0000]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000]*$";

/// The document.
pub(in crate::server) fn document(endpoints: &[Endpoint]) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints {
        let method = endpoint.method.as_str().to_lowercase();
        paths.entry(endpoint.path).or_default().insert(method, operation(endpoint));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "QueryDyno",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Results of query engines: asked for, compared, handed over. Rows come as JSON, CSV or an Arrow stream, by `Accept` or `?format=`. Errors are problem documents (RFC 9457).",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "QUERYDYNO_TOKEN of the server. One that listens on its own machine only may need none." }
            },
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut parameters: Vec<Value> = endpoint.parameters.iter().map(parameter).collect();
    if endpoint.gives == Gives::Rows {
        parameters.push(json!({
            "name": "format", "in": "query", "required": false,
            "description": "The form of the rows, before what `Accept` says",
            "schema": { "type": "string", "enum": ["json", "csv", "arrow"] },
        }));
    }
    if endpoint.body.is_some_and(|body| body.is_keyed) {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A text of your own, the same for a request that is sent again",
            "schema": { "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$" },
        }));
    }
    let mut operation = json!({
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": endpoint.detail,
        "parameters": parameters,
        "responses": responses(endpoint),
    });
    if let Some(body) = endpoint.body {
        operation["requestBody"] = json!({
            "required": true,
            "description": body.about,
            "content": { "application/json": content(body) },
        });
    }
    if endpoint.writes {
        operation["security"] = json!([{ "token": [] }, {}]);
    }
    operation
}

fn content(body: Upload) -> Value {
    let example: Value = serde_json::from_str(body.example).unwrap_or_default();
    json!({ "schema": reference(body.schema), "example": example })
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        Kind::Path => json!({ "type": "string", "minLength": 1 }),
        Kind::Text => json!({ "type": "string", "maxLength": LONGEST, "pattern": WHOLE }),
        Kind::Needed => json!({ "type": "string", "minLength": 1, "maxLength": LONGEST }),
        Kind::Day => json!({ "type": "string", "format": "date" }),
        Kind::Whole(low, high, default) => {
            json!({ "type": "integer", "minimum": low, "maximum": high, "default": default })
        }
        Kind::One(words) => json!({ "type": "string", "enum": words }),
        Kind::Cursor => json!({ "type": "string", "pattern": CURSOR }),
    };
    json!({
        "name": parameter.name,
        "in": if parameter.kind == Kind::Path { "path" } else { "query" },
        "required": matches!(parameter.kind, Kind::Path | Kind::Needed),
        "description": parameter.about,
        "schema": schema,
    })
}

fn responses(endpoint: &Endpoint) -> Value {
    let mut all = Map::new();
    let (status, answer) = match endpoint.gives {
        Gives::Rows => (
            200,
            json!({
                "description": "Rows",
                "headers": { "Link": { "description": "Where the rows behind these are, as rel=\"next\"", "schema": { "type": "string" } } },
                "content": {
                    "application/json": { "schema": reference("Rows") },
                    "text/csv": { "schema": { "type": "string" } },
                    "application/vnd.apache.arrow.stream": { "schema": { "type": "string", "format": "binary" } },
                },
            }),
        ),
        Gives::Object(status, schema) => (
            status,
            json!({
                "description": "What became of it",
                "content": { "application/json": { "schema": reference(schema) } },
            }),
        ),
        Gives::Events => (
            200,
            json!({
                "description": "Server-sent events, each of this schema",
                "content": { "text/event-stream": { "schema": reference("Event") } },
            }),
        ),
    };
    all.insert(status.to_string(), answer);
    let with_body = endpoint.body.map_or(&[][..], |_| &WITH_BODY[..]);
    let with_token = if endpoint.writes { &WITH_TOKEN[..] } else { &[][..] };
    for status in [&ALWAYS[..], with_body, with_token, endpoint.problems].concat() {
        all.insert(
            status.to_string(),
            json!({
                "description": "A problem document",
                "content": { "application/problem+json": { "schema": reference("Problem") } },
            }),
        );
    }
    Value::Object(all)
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn schemas() -> Value {
    let text = || json!({ "type": "string" });
    json!({
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": { "type": "string", "description": "Tells kinds of problems apart; the page /api has them all" },
                "title": text(), "status": { "type": "integer" }, "detail": text(),
            },
        },
        "Rows": {
            "type": "object",
            "required": ["rows", "next", "cut", "notes"],
            "properties": {
                "rows": { "type": "array", "items": { "type": "object" } },
                "next": { "type": ["string", "null"], "description": "Where the rows behind these are" },
                "cut": { "type": "boolean", "description": "Whether there are more rows, which cannot be asked for" },
                "notes": { "type": "array", "items": text() },
            },
        },
        "Record": {
            "type": "object",
            "description": "src/host/record/mod.rs has all fields",
            "required": ["schema", "run_id", "id", "engine", "query", "dataset", "metrics", "host", "started_at", "provenance"],
            "properties": {
                "schema": { "type": "integer", "minimum": 0 },
                "run_id": { "type": "string", "pattern": "^[A-Za-z0-9_.:-]+$" },
                "started_at": { "type": "string", "format": "date-time" },
            },
        },
        "Records": { "type": "array", "items": reference("Record"), "minItems": 1, "maxItems": 10000 },
        "Stored": {
            "type": "object",
            "required": ["stored", "known", "results"],
            "properties": {
                "stored": { "type": "integer" }, "known": { "type": "integer" },
                "results": { "type": "array", "items": {
                    "type": "object",
                    "required": ["record", "cell", "state"],
                    "properties": {
                        "record": { "type": ["string", "null"] }, "cell": text(),
                        "state": { "type": "string", "enum": ["stored", "known", "deleted"] },
                    },
                } },
            },
        },
        "Note": {
            "type": "object", "required": ["target", "text"], "additionalProperties": false,
            "properties": {
                "target": { "type": "string", "minLength": 1, "maxLength": changing::LONGEST, "pattern": SAYS },
                "text": { "type": "string", "minLength": 1, "maxLength": changing::LONGEST, "pattern": SAYS },
                "kind": { "type": ["string", "null"], "enum": ["note", "workaround", "level", null] },
                "author": { "type": ["string", "null"], "maxLength": changing::LONGEST, "pattern": WHOLE },
            },
        },
        "Event": {
            "type": "object", "required": ["data"],
            "properties": { "data": { "type": "string", "contentMediaType": "application/json" }, "event": text(), "id": text() },
        },
        "Said": { "type": "object", "required": ["said"], "properties": { "said": text() } },
        "Statement": {
            "type": "object", "required": ["sql"], "additionalProperties": false,
            "properties": { "sql": { "type": "string", "minLength": 1, "maxLength": sql::LONGEST } },
        },
        "Wanted": {
            "type": "object", "required": ["filter"], "additionalProperties": false,
            "properties": {
                "filter": { "type": "string", "minLength": 1, "maxLength": LONGEST },
                "only": { "type": "array", "items": { "type": "string", "enum": ["missing", "outdated", "failed"] } },
                "runs": { "type": ["integer", "null"], "minimum": 1, "maximum": 1000 },
            },
        },
        "Started": {
            "type": "object",
            "required": ["run", "arguments", "started_at", "is_over", "code", "events"],
            "properties": {
                "run": text(), "arguments": { "type": "array", "items": text() }, "started_at": text(),
                "is_over": { "type": "boolean" }, "code": { "type": ["integer", "null"] }, "events": text(),
            },
        },
    })
}
