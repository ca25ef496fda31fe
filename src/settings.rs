//! Everything a user can set, in one typed place: the environment first, then `querydyno.toml`, then defaults.
//!
//! A key that is not known is an error, in both. The file lies beside `Cargo.toml`, or where `QUERYDYNO_CONFIG` says:
//!
//! ```toml
//! scales = [0.01, 1]          # QUERYDYNO_SCALE=0.01,1
//! threads = 2                 # QUERYDYNO_THREADS; default: all processors
//! memory = "8GiB"             # QUERYDYNO_MEMORY; default: the engines' own, killed at 90 % of the machine's
//! timeout = "5m"              # QUERYDYNO_TIMEOUT: for one reply of an engine program
//! data = "/fast/disk"         # QUERYDYNO_DATA; default: target/querydyno/data
//! python = "python3.12"       # QUERYDYNO_PYTHON; default: python3; makes the environments of script engines
//! tpch_answers = "/dbgen/answers" # QUERYDYNO_TPCH_ANSWERS: TPC's published q1.out to q22.out
//!
//! [engine.duckdb-small]       # a further engine: another configuration of one that is there ...
//! like = "duckdb"
//! options = { preserve_insertion_order = "false" }
//!
//! [engine.polars-before]      # ... another version of one that comes as a package ...
//! like = "polars-wheel@1.43.2"
//!
//! [engine.polars-sql]         # ... a Python file that speaks the protocol, in an environment of its own ...
//! script = "/home/me/polars-sql.py"
//! requirements = ["polars==2.1.0"]
//!
//! [engine.mine]               # ... or any executable that does
//! program = "/opt/mine/querydyno-mine"
//! args = ["--fast"]
//! dialect = "duckdb"
//! ```

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::id::{Scale, check_name};
use crate::measure::host;
use crate::paths;
use crate::units::Bytes;

/// Every setting with its value.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The scales to run at.
    pub scales: Vec<Scale>,
    /// Threads given to every engine.
    pub threads: usize,
    /// The memory limit that was asked for: passed to the engines and enforced.
    pub memory: Option<Bytes>,
    /// Time for one reply of an engine program.
    pub timeout: Duration,
    /// Where data lies.
    pub data: PathBuf,
    /// The Python that script engines' environments are made with.
    pub python: String,
    /// Folder of TPC's published answers.
    pub tpch_answers: Option<PathBuf>,
    /// The user's own engines by name.
    pub engines: BTreeMap<String, OwnEngine>,
}

/// An engine that the user added.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnEngine {
    /// The engine of the table whose program and dialect it takes.
    pub like: Option<String>,
    /// The executable; relative to the package.
    pub program: Option<PathBuf>,
    /// A Python file that speaks the protocol; relative to the package.
    pub script: Option<PathBuf>,
    /// The packages it runs with, each with its version: `polars==2.1.0`.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Variables added to its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Whose query texts it takes where they differ.
    pub dialect: Option<String>,
    /// Settings by the engine's own names.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// The file, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scales: Option<Vec<f64>>,
    threads: Option<usize>,
    memory: Option<String>,
    timeout: Option<String>,
    data: Option<PathBuf>,
    python: Option<String>,
    tpch_answers: Option<PathBuf>,
    #[serde(default)]
    engine: BTreeMap<String, OwnEngine>,
}

const PREFIX: &str = "QUERYDYNO_";
const SCALE: &str = "QUERYDYNO_SCALE";
const THREADS: &str = "QUERYDYNO_THREADS";
const MEMORY: &str = "QUERYDYNO_MEMORY";
const TIMEOUT: &str = "QUERYDYNO_TIMEOUT";
const DATA: &str = "QUERYDYNO_DATA";
const PYTHON: &str = "QUERYDYNO_PYTHON";
const TPCH_ANSWERS: &str = "QUERYDYNO_TPCH_ANSWERS";
const CONFIG: &str = "QUERYDYNO_CONFIG";
const KNOWN: [&str; 8] = [SCALE, THREADS, MEMORY, TIMEOUT, DATA, PYTHON, TPCH_ANSWERS, CONFIG];

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

impl Settings {
    /// Reads environment and file.
    ///
    /// # Errors
    /// A key that is not known or a value that cannot be; names the key, where it stands and what it could be.
    pub fn read() -> Result<Self> {
        let environment = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect::<BTreeMap<_, _>>();
        let file = File::read(environment.get(CONFIG).map(Path::new))?;
        Self::from(&environment, file)
    }

    fn from(environment: &BTreeMap<String, String>, file: File) -> Result<Self> {
        for name in environment.keys() {
            ensure!(KNOWN.contains(&name.as_str()), "{name} is not a setting; there are: {}", KNOWN.join(", "));
        }
        let told = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
        for name in file.engine.keys() {
            if let Err(name) = check_name(name) {
                bail!("'{name}' cannot name an engine: use letters, digits, '-', '_', '.' and '@'");
            }
        }
        let scales = match (told(SCALE), file.scales) {
            (Some(list), _) => list.split(',').map(str::parse).collect::<Result<Vec<Scale>, _>>().context(SCALE)?,
            (None, Some(list)) => list
                .iter()
                .map(|factor| factor.to_string().parse())
                .collect::<Result<Vec<Scale>, _>>()
                .context("scales in querydyno.toml")?,
            (None, None) => vec![Scale::ONE],
        };
        let mut unique = Vec::new();
        for scale in scales {
            if !unique.contains(&scale) {
                unique.push(scale);
            }
        }
        let threads = match told(THREADS) {
            Some(text) => text.parse().ok(),
            None => Some(file.threads.unwrap_or_else(host::cores)),
        };
        let threads = threads
            .filter(|threads| *threads > 0)
            .context("threads (QUERYDYNO_THREADS) must be a whole number from 1")?;
        let memory = told(MEMORY).map(str::to_owned).or(file.memory);
        let timeout = told(TIMEOUT).map(str::to_owned).or(file.timeout);
        let tpch_answers = told(TPCH_ANSWERS).map(PathBuf::from).or(file.tpch_answers);
        if let Some(folder) = tpch_answers.as_ref().filter(|folder| !folder.join("q1.out").is_file()) {
            bail!("{TPCH_ANSWERS}: {} holds no q1.out; name the folder with TPC's q1.out to q22.out", folder.display());
        }
        Ok(Self {
            scales: unique,
            threads,
            memory: memory.map(|text| text.parse().map_err(anyhow::Error::msg)).transpose().context(MEMORY)?,
            timeout: timeout.map_or(Ok(DEFAULT_TIMEOUT), |text| parse_timeout(&text)).context(TIMEOUT)?,
            data: told(DATA).map(PathBuf::from).or(file.data).unwrap_or_else(|| paths::own("data")),
            python: told(PYTHON).map(str::to_owned).or(file.python).unwrap_or_else(|| "python3".to_owned()),
            tpch_answers,
            engines: file.engine,
        })
    }

    /// The last part of an id: the format, then every axis that differs from its default; `mode` is none for an
    /// engine's default mode.
    pub fn variant(&self, format: &str, mode: Option<&str>) -> String {
        let mut variant = format.to_owned();
        if let Some(mode) = mode {
            variant += &format!("-{mode}");
        }
        if self.threads != host::online_cores() {
            variant += &format!("-{}t", self.threads);
        }
        if let Some(memory) = self.memory {
            variant += &format!("-{}", memory.compact());
        }
        variant
    }
}

impl File {
    fn read(named: Option<&Path>) -> Result<Self> {
        let usual = paths::root().join("querydyno.toml");
        let path = named.unwrap_or(&usual);
        if named.is_none() && !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read the settings {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in the settings {}", path.display()))
    }
}

fn parse_timeout(text: &str) -> Result<Duration> {
    let timeout = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text)
            .with_context(|| format!("'{text}' is not a timeout: give a time such as 300s or 5m"))?,
    };
    ensure!(!timeout.is_zero(), "a timeout of 0 lets nothing finish: give a time such as 300s or 5m");
    Ok(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings> {
        let environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::from(&environment, File::default())
    }

    #[test]
    fn a_list_of_scales_is_read() {
        let scales = settings(&[(SCALE, "0.01,1,sf10,1.0")]).unwrap().scales;
        assert_eq!(scales.iter().map(ToString::to_string).collect::<Vec<_>>(), ["sf0.01", "sf1", "sf10"]);
    }

    #[test]
    fn an_unknown_or_impossible_setting_is_an_error_that_names_it() {
        for (name, value) in
            [("QUERYDYNO_SCALES", "1"), (SCALE, "huge"), (THREADS, "0"), (TIMEOUT, "soon"), (MEMORY, "-1")]
        {
            let error = format!("{:#}", settings(&[(name, value)]).unwrap_err());
            assert!(error.contains(name) || error.contains(value), "{error}");
        }
    }

    #[test]
    fn a_variant_spells_what_differs_from_the_default() {
        let cores = host::online_cores();
        let plain = settings(&[(THREADS, &cores.to_string())]).unwrap();
        assert_eq!(plain.variant("parquet", None), "parquet");
        let other = settings(&[(THREADS, &(cores + 1).to_string()), (MEMORY, "2GiB")]).unwrap();
        assert_eq!(other.variant("parquet", Some("eager")), format!("parquet-eager-{}t-2GiB", cores + 1));
    }
}
