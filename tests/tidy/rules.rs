//! Which file may name what: the dependency rules of `src/lib.rs`, read from the text of each file.

/// The modules of `src/host`: one may name those before it, and none after it.
pub const ORDER: [&str; 42] = [
    "paths",
    "checksum",
    "guarded",
    "turns",
    "interrupt",
    "progress",
    "scratch",
    "files",
    "decisions",
    "lock",
    "space",
    "stats",
    "sql",
    "filter",
    "variant",
    "checkout",
    "settings",
    "session",
    "catalog",
    "suite",
    "data",
    "services",
    "verify",
    "record",
    "inspected",
    "run",
    "incremental",
    "audit",
    "terminal",
    "scaling",
    "capabilities",
    "criteria",
    "doctor",
    "criterion",
    "bench",
    "inspect",
    "report",
    "ablation",
    "boundary",
    "gate",
    "backfill",
    "fuzzing",
];

/// The suites of `fixtures`.
pub const SUITES: [&str; 4] = ["pods", "social", "tpcds", "tpch"];

/// The rules that a file breaks, a line each.
pub fn broken(path: &str, text: &str) -> Vec<String> {
    let mut found = SUITES.iter().flat_map(|suite| naming(suite, path, text)).collect::<Vec<_>>();
    for line in text.lines() {
        let code = code_of(line);
        let mut break_rule = |rule: &str| found.push(format!("{path}: {rule}: {}", line.trim()));
        if let Some(side) = side_of(path) {
            let foreign: &[&str] = match side {
                "host" => &["crate::engine", "crate::iceberg", "crate::s3", "crate::history", "crate::server"],
                "engine" | "iceberg" | "s3" => &["crate::host", "crate::history", "crate::server"],
                "history" => &["crate::engine", "crate::iceberg", "crate::s3", "crate::server"],
                "server" => &["crate::engine", "crate::iceberg", "crate::s3"],
                _ => {
                    &["crate::host", "crate::engine", "crate::iceberg", "crate::s3", "crate::history", "crate::server"]
                }
            };
            if foreign.iter().any(|module| names(code, module)) {
                break_rule("names another side");
            }
        }
        if path.starts_with("src/") && ["crate::{", "crate::host::{"].iter().any(|group| code.contains(group)) {
            break_rule("hides what it names");
        }
        if !path.starts_with("src/host/criterion/") && path.starts_with("src/") && names_crate(code, "criterion") {
            break_rule("names Criterion");
        }
        for engine in ["duckdb", "datafusion", "polars"] {
            let owns = path.starts_with("src/engine/") || (engine == "duckdb" && path.starts_with("src/history/"));
            if path.starts_with("src/") && !owns && names_crate(code, engine) {
                break_rule("names an engine's crate");
            }
        }
        if path.starts_with("src/host/") && !path.starts_with("src/host/terminal/") && prints(code) {
            break_rule("prints");
        }
        if path.starts_with("src/") && !path.starts_with("src/host/terminal/") && names(code, "indicatif") {
            break_rule("draws");
        }
        if let Some(other) = above(path, code) {
            break_rule(&format!("names {other}, which is above it"));
        }
    }
    found
}

/// Lines of code that name a suite outside its own files, which are: the one of its name in `src/host/suite`, its generator, an
/// engine's hand-written plans of it, and its bench target. The file that declares such a module may name that by its path, never
/// by a text. Comments, tests and the help of `cargo bench` are no code.
fn naming(suite: &str, path: &str, text: &str) -> Vec<String> {
    if is_own(suite, path) {
        return Vec::new();
    }
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let module = format!("mod {suite};");
    let declares = code.lines().any(|line| line.split_once(&module).is_some_and(|(before, _)| is_visibility(before)));
    let mut helps = false;
    let mut found = Vec::new();
    for line in code.lines() {
        helps |= path == "src/host/criterion/mod.rs" && line.starts_with("const HELP: &str = ");
        let said = if declares { without_module(suite, code_of(line)) } else { code_of(line).to_owned() };
        if !helps && said.to_lowercase().contains(suite) {
            found.push(format!("{path}: names the suite {suite}: {}", line.trim()));
        }
        helps &= !line.ends_with("\";");
    }
    found
}

fn is_own(suite: &str, path: &str) -> bool {
    let in_engine = path.strip_prefix("src/engine/").and_then(|rest| rest.split_once('/')).map(|(_, rest)| rest);
    let below = ["src/host/suite/", "src/host/data/generate/", "benches/"].map(|folder| path.strip_prefix(folder));
    let is_its = |rest: &str| rest == format!("{suite}.rs") || rest.starts_with(&format!("{suite}/"));
    below.into_iter().chain([in_engine]).flatten().any(is_its)
}

fn is_visibility(before: &str) -> bool {
    before.is_empty() || (before.starts_with("pub") && before.ends_with(' '))
}

/// A line without the declaration of a suite's module and without paths into it.
fn without_module(suite: &str, code: &str) -> String {
    let (code, path) = (code.replace(&format!("mod {suite};"), ""), format!("{suite}::"));
    let mut parts = code.split(&path);
    let first = parts.next().unwrap_or_default().to_owned();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    parts.fold(first, |said, part| said + part.trim_start_matches(word))
}

/// Whether a Python file names a suite outside its texts and comments; its own is `<suite>.py`.
pub fn python_names_suite(path: &str, text: &str) -> bool {
    let code =
        text.split("\"\"\"").step_by(2).flat_map(str::lines).map(|line| line.split('#').next().unwrap_or_default());
    let code: Vec<&str> = code.collect();
    SUITES.iter().any(|suite| !path.ends_with(&format!("/{suite}.py")) && code.iter().any(|line| line.contains(suite)))
}

/// A line without its comment.
fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Which of the sides below `src` a file is on; bins, and the root, are on none.
fn side_of(path: &str) -> Option<&str> {
    let side = path.strip_prefix("src/")?.split('/').next()?;
    ["protocol", "measure", "engine", "iceberg", "s3", "host", "history", "server"].contains(&side).then_some(side)
}

/// Whether code has this path or crate: not as a part of a longer word, and a crate not as the end of another path.
fn names(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(start, _)| {
        let (before, after) = (&code[..start], &code[start + path.len()..]);
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let is_path = path.contains("::") || after.starts_with("::");
        is_path && !before.ends_with(word) && !before.ends_with("::") && !after.starts_with(word)
    })
}

/// Whether code has this crate, be it renamed.
fn names_crate(code: &str, name: &str) -> bool {
    let forms = [format!("use ::{name}"), format!("use {name} "), format!("extern crate {name}")];
    names(code, name) || forms.iter().any(|form| code.contains(form))
}

fn prints(code: &str) -> bool {
    const CALLS: [&str; 4] = ["print!", "println!", "dbg!", "writeln!(io::std"];
    CALLS.iter().any(|call| code.contains(call))
}

/// The module of the host that code names although it is above its own.
fn above<'a>(path: &str, code: &'a str) -> Option<&'a str> {
    let own = path.strip_prefix("src/host/")?.split('/').next()?.trim_end_matches(".rs");
    let place = ORDER.iter().position(|module| *module == own)?;
    code.match_indices("crate::host::").find_map(|(start, prefix)| {
        let rest = &code[start + prefix.len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let named = ORDER.iter().position(|module| *module == &rest[..end])?;
        (named > place).then_some(&rest[..end])
    })
}
