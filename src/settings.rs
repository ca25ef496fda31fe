//! Everything a user can set, in one typed place: the environment first, then `querydyno.toml`, then defaults.
//!
//! A key that is not known is an error, in both. The file lies beside `Cargo.toml`, or where `QUERYDYNO_CONFIG` says:
//!
//! ```toml
//! scales = [0.01, 1]          # QUERYDYNO_SCALE=0.01,1
//! threads = 2                 # QUERYDYNO_THREADS=1,2,4 or [1, 2, 4] here; default: all processors
//! memory = "8GiB"             # QUERYDYNO_MEMORY=none,8GiB or a list here; default: the engines' own, killed at 90 % of the machine's
//! cache = ["hot", "cold"]     # QUERYDYNO_CACHE=hot,cold; default: hot, and cold where a filter names it
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
use crate::variant::{Cache, Variant};

/// Every setting with its value.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The scales to run at.
    pub scales: Vec<Scale>,
    /// Threads given to every engine; several make an axis.
    pub threads: Vec<usize>,
    /// Memory limits that were asked for, passed to the engines and enforced; several make an axis, `None` is no limit.
    pub memory: Vec<Option<Bytes>>,
    /// States of the page cache that run without being named in a filter.
    pub caches: Vec<Cache>,
    /// Time for one reply of an engine program.
    pub timeout: Duration,
    /// Where records and inspections are kept.
    pub home: PathBuf,
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
    scales: Option<OneOrMore<f64>>,
    threads: Option<OneOrMore<usize>>,
    memory: Option<OneOrMore<String>>,
    cache: Option<OneOrMore<String>>,
    timeout: Option<String>,
    data: Option<PathBuf>,
    python: Option<String>,
    tpch_answers: Option<PathBuf>,
    #[serde(default)]
    engine: BTreeMap<String, OwnEngine>,
}

/// An axis in the file: one value or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

const PREFIX: &str = "QUERYDYNO_";
const SCALE: &str = "QUERYDYNO_SCALE";
const THREADS: &str = "QUERYDYNO_THREADS";
const MEMORY: &str = "QUERYDYNO_MEMORY";
const CACHE: &str = "QUERYDYNO_CACHE";
const TIMEOUT: &str = "QUERYDYNO_TIMEOUT";
const DATA: &str = "QUERYDYNO_DATA";
const PYTHON: &str = "QUERYDYNO_PYTHON";
const TPCH_ANSWERS: &str = "QUERYDYNO_TPCH_ANSWERS";
const CONFIG: &str = "QUERYDYNO_CONFIG";
const KNOWN: [&str; 9] = [SCALE, THREADS, MEMORY, CACHE, TIMEOUT, DATA, PYTHON, TPCH_ANSWERS, CONFIG];

/// More would make engines start threads until the system has none left.
const MOST_THREADS: usize = 1024;
const LEAST_MEMORY: Bytes = Bytes(1 << 20);
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
        let scales = axis(told(SCALE), file.scales, SCALE, |text| text.parse().map_err(anyhow::Error::new))?;
        let threads = axis(told(THREADS), file.threads, THREADS, |text| {
            let threads = text.parse().ok().filter(|threads| (1..=MOST_THREADS).contains(threads));
            threads.with_context(|| {
                format!("'{text}' is no number of threads: give whole numbers from 1 to {MOST_THREADS}")
            })
        })?;
        let memory = axis(told(MEMORY), file.memory, MEMORY, |text| match text {
            "none" => Ok(None),
            size => {
                let limit: Bytes = size.parse().map_err(anyhow::Error::msg)?;
                ensure!(
                    limit >= LEAST_MEMORY,
                    "'{size}' is less than {LEAST_MEMORY}, which no engine starts in: give a size such as 2GiB"
                );
                Ok(Some(limit))
            }
        })?;
        let caches = axis(told(CACHE), file.cache, CACHE, |text| text.parse().map_err(anyhow::Error::msg))?;
        let timeout = told(TIMEOUT).map(str::to_owned).or(file.timeout);
        let tpch_answers = told(TPCH_ANSWERS).map(PathBuf::from).or(file.tpch_answers);
        if let Some(folder) = tpch_answers.as_ref().filter(|folder| !folder.join("q1.out").is_file()) {
            bail!("{TPCH_ANSWERS}: {} holds no q1.out; name the folder with TPC's q1.out to q22.out", folder.display());
        }
        Ok(Self {
            scales: scales.unwrap_or_else(|| vec![Scale::ONE]),
            threads: threads.unwrap_or_else(|| vec![host::cores()]),
            memory: memory.unwrap_or_else(|| vec![None]),
            caches: caches.unwrap_or_else(|| vec![Cache::Hot]),
            timeout: timeout.map_or(Ok(DEFAULT_TIMEOUT), |text| parse_timeout(&text)).context(TIMEOUT)?,
            home: paths::home(),
            data: told(DATA).map(PathBuf::from).or(file.data).unwrap_or_else(|| paths::own("data")),
            python: told(PYTHON).map(str::to_owned).or(file.python).unwrap_or_else(|| "python3".to_owned()),
            tpch_answers,
            engines: file.engine,
        })
    }

    /// Every combination of threads and memory, hot and in the default mode.
    pub fn variants<'a>(&self, format: &'a str) -> Vec<Variant<'a>> {
        let plain = |threads, memory| Variant { format, mode: None, cache: Cache::Hot, threads, memory };
        self.threads.iter().flat_map(|n| self.memory.iter().map(move |limit| plain(*n, *limit))).collect()
    }

    /// The one combination of threads and memory, for what has no axes.
    ///
    /// # Errors
    /// When there are several.
    pub fn sole_variant<'a>(&self, format: &'a str) -> Result<Variant<'a>> {
        match self.variants(format).as_slice() {
            [one] => Ok(*one),
            _ => {
                bail!("this takes one number of threads and one memory limit: set {THREADS} and {MEMORY} to one value")
            }
        }
    }
}

/// The values of an axis without repetition, from the environment before the file; `None` when neither says any.
fn axis<T: PartialEq>(
    told: Option<&str>,
    file: Option<OneOrMore<impl ToString>>,
    name: &str,
    read: impl Fn(&str) -> Result<T>,
) -> Result<Option<Vec<T>>> {
    let texts: Vec<String> = match (told, file) {
        (Some(list), _) => list.split(',').map(|text| text.trim().to_owned()).collect(),
        (None, Some(OneOrMore::One(value))) => vec![value.to_string()],
        (None, Some(OneOrMore::More(values))) => values.iter().map(ToString::to_string).collect(),
        (None, None) => return Ok(None),
    };
    ensure!(!texts.is_empty(), "{name} (or its key in querydyno.toml) is an empty list");
    let mut values = Vec::new();
    for text in texts {
        let value = read(&text).with_context(|| format!("{name} (or its key in querydyno.toml)"))?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(Some(values))
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
        for (name, value) in [
            ("QUERYDYNO_SCALES", "1"),
            (SCALE, "huge"),
            (THREADS, "0"),
            (THREADS, "100000"),
            (TIMEOUT, "soon"),
            (MEMORY, "-1"),
            (MEMORY, "256"),
            (CACHE, "warm"),
        ] {
            let error = format!("{:#}", settings(&[(name, value)]).unwrap_err());
            assert!(error.contains(name) || error.contains(value), "{error}");
        }
    }

    #[test]
    fn axes_multiply_and_what_has_none_refuses_them() {
        let one = settings(&[(THREADS, "2"), (MEMORY, "2GiB")]).unwrap();
        assert_eq!(one.sole_variant("parquet").unwrap().memory, Some(Bytes(2 << 30)));
        let more = settings(&[(THREADS, "1,2, 2"), (MEMORY, "none,2GiB"), (CACHE, "hot,cold")]).unwrap();
        assert_eq!((more.variants("parquet").len(), more.caches.len()), (4, 2));
        assert!(more.sole_variant("parquet").unwrap_err().to_string().contains(THREADS));
    }

    #[test]
    fn the_file_takes_one_value_or_a_list() {
        let file: File = toml::from_str("threads = 3\nmemory = ['none', '1GiB']\nscales = [0.01, 1]").unwrap();
        let settings = Settings::from(&BTreeMap::new(), file).unwrap();
        assert_eq!((settings.threads, settings.memory), (vec![3], vec![None, Some(Bytes(1 << 30))]));
        assert_eq!(settings.scales.len(), 2);
        let empty: File = toml::from_str("threads = []").unwrap();
        assert!(Settings::from(&BTreeMap::new(), empty).unwrap_err().to_string().contains("empty"));
    }
}
