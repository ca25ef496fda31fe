//! From texts to values: what flags, environment and file say becomes [`Settings`], or an error that names the one who
//! said it.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::file::File;
use super::key::{Key, PREFIX};
use super::keys::{
    ACCEPT_MAJORITY, CACHE, DATA, DUCKDB, ENGINE_VARIABLES, FORMATS, JAVA, KEYS, MEMORY, METASTORE, ONLY, PYTHON,
    QUERY, QUERY_TIMEOUT, SCALE, SERVICE_MEMORY, SPARK_EXECUTORS, SPARK_MASTER, TABLE_NAME, THREADS, TIMEOUT,
    WORKLOADS,
};
use super::resolved::{Given, SettingSource, named};
use super::{AdhocQuery, DuckDbFrom, S3Settings, ServiceSettings, Settings, published};
use crate::host::paths;
use crate::host::variant::{self, Cache, PARQUET};
use crate::measure::machine;
use crate::protocol::id::Scale;
use crate::protocol::units::Bytes;

/// More would make engines start threads until the system has none left.
const MOST_THREADS: usize = 1024;
const LEAST_MEMORY: Bytes = Bytes(1 << 20);
/// Of a server.
const SERVICE_BYTES: Bytes = Bytes(4 << 30);
const EXECUTORS: usize = 2;
const MOST_EXECUTORS: usize = 64;

impl Settings {
    /// Reads environment and file.
    ///
    /// # Errors
    /// A key that is not known or a value that cannot be; names the key, where it stands and what it could be.
    pub fn read() -> Result<Self> {
        Self::read_with(std::iter::empty::<(String, String)>())
    }

    /// The same with what a command line or a program says, by the names of the environment; it wins.
    ///
    /// ```
    /// use querydyno::host::settings::Settings;
    /// let settings = Settings::read_with([("QUERYDYNO_THREADS", "2"), ("QUERYDYNO_MEMORY", "2GiB")])?;
    /// assert_eq!(settings.threads, [2]);
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_with<N: Into<String>, V: Into<String>>(flags: impl IntoIterator<Item = (N, V)>) -> Result<Self> {
        let flags = flags.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let looked_at = |name: &str| {
            name.starts_with(PREFIX)
                || KEYS.iter().any(|key| key.variable == name)
                || ENGINE_VARIABLES.iter().any(|variable| variable.name == name)
        };
        let environment = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| looked_at(name))
            .collect::<BTreeMap<_, _>>();
        let mut given = Given { flags, environment, file: File::default() };
        given.check()?;
        given.file = File::read(given.config())?;
        Self::of(given)
    }

    fn of(given: Given) -> Result<Self> {
        let scales: Option<Vec<Scale>> = given.axis(&SCALE, |text| text.parse().map_err(anyhow::Error::new))?;
        let caches: Option<Vec<Cache>> = given.axis(&CACHE, |text| text.parse().map_err(anyhow::Error::msg))?;
        let text = |key| given.value(key).map(|(value, _)| value);
        let time =
            |key: &Key| given.value(key).map(|(told, by)| timeout(&told).with_context(|| named(key, &by))).transpose();
        let duckdb = given.value(&DUCKDB).map(|(told, by)| duckdb_from(&told).with_context(|| named(&DUCKDB, &by)));
        Ok(Self {
            scales: scales.unwrap_or_else(|| vec![Scale::ONE]),
            threads: given.axis(&THREADS, threads)?.unwrap_or_else(|| vec![machine::cores()]),
            memory: given.axis(&MEMORY, memory)?.unwrap_or_else(|| vec![None]),
            formats: given.axis(&FORMATS, format)?.unwrap_or_else(|| vec![PARQUET.to_owned()]),
            metastore: text(&METASTORE),
            s3: S3Settings::of(&given)?,
            suites: suites(&given)?,
            adhoc: text(&TABLE_NAME).zip(text(&QUERY)).map(|(table, sql)| AdhocQuery { table, sql }),
            caches: caches.unwrap_or_else(|| vec![Cache::Hot]),
            timeout: time(&TIMEOUT)?,
            query_timeout: time(&QUERY_TIMEOUT)?,
            home: paths::home(),
            target: paths::target().to_owned(),
            data: text(&DATA).map_or_else(|| paths::own("data"), PathBuf::from),
            duckdb: duckdb.transpose()?,
            services: services(&given)?,
            python: text(&PYTHON).unwrap_or_else(|| "python3".to_owned()),
            answers: published::folders(|key| Some(given.value(key)?.0.into()))?,
            accept_majority: text(&ACCEPT_MAJORITY).map_or(Ok(false), |text| yes(&text, &ACCEPT_MAJORITY))?,
            only: given.axis(&ONLY, str::parse)?.unwrap_or_default(),
            told: given.told(),
            engines: given.file.engines,
            gate: given.file.gate,
            priority: given.file.priority,
        })
    }
}

fn threads(text: &str) -> Result<usize> {
    let threads = text.parse().ok().filter(|threads| (1..=MOST_THREADS).contains(threads));
    threads.with_context(|| format!("'{text}' is no number of threads: give whole numbers from 1 to {MOST_THREADS}"))
}

pub(super) fn yes(text: &str, key: &Key) -> Result<bool> {
    match text.to_lowercase().as_str() {
        "1" | "yes" | "true" => Ok(true),
        "0" | "no" | "false" => Ok(false),
        _ => bail!("{}: '{text}' is neither yes nor no", key.variable),
    }
}

fn memory(text: &str) -> Result<Option<Bytes>> {
    if text == "none" {
        return Ok(None);
    }
    let limit: Bytes = text.parse().map_err(anyhow::Error::msg)?;
    ensure!(
        limit >= LEAST_MEMORY,
        "'{text}' is less than {LEAST_MEMORY}, which no engine starts in: give a size such as 2GiB"
    );
    Ok(Some(limit))
}

/// `spark://host:port`, or several of them behind commas where a cluster has masters in reserve.
fn master(text: &str) -> Result<String> {
    let is_one = |authority: &str| {
        let port = authority.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
        matches!(port, Some(Ok(1..)))
    };
    let masters = text.strip_prefix("spark://").filter(|rest| rest.split(',').all(is_one));
    ensure!(masters.is_some(), "'{text}' is no address of a Spark master: write spark://host:port");
    Ok(text.to_owned())
}

fn services(given: &Given) -> Result<ServiceSettings> {
    let bytes = given.value(&SERVICE_MEMORY).map(|(told, by)| -> Result<Bytes> {
        told.parse().map_err(anyhow::Error::msg).with_context(|| named(&SERVICE_MEMORY, &by))
    });
    let executors = given.value(&SPARK_EXECUTORS).map(|(told, by)| {
        let number = told.parse().ok().filter(|number| (1..=MOST_EXECUTORS).contains(number));
        number.with_context(|| {
            format!(
                "{}: '{told}' is no number of executors: give one from 1 to {MOST_EXECUTORS}",
                named(&SPARK_EXECUTORS, &by)
            )
        })
    });
    let master = given.value(&SPARK_MASTER).map(|(told, by)| master(&told).with_context(|| named(&SPARK_MASTER, &by)));
    Ok(ServiceSettings {
        java: given.value(&JAVA).map(|(told, _)| told),
        memory: bytes.transpose()?.unwrap_or(SERVICE_BYTES),
        executors: executors.transpose()?.unwrap_or(EXECUTORS),
        master: master.transpose()?,
    })
}

fn duckdb_from(text: &str) -> Result<DuckDbFrom> {
    match text.trim() {
        "wheel" => Ok(DuckDbFrom::Wheel),
        "source" => Ok(DuckDbFrom::Source),
        other => bail!("'{other}' is no source of DuckDB: give wheel or source"),
    }
}

fn format(text: &str) -> Result<String> {
    ensure!(variant::FORMATS.contains(&text), "'{text}' is no format: there are {}", variant::FORMATS.join(", "));
    Ok(text.to_owned())
}

/// A time as people write it: `300`, `300s`, `5m`.
///
/// # Errors
/// When it is none.
pub fn duration(text: &str) -> Result<Duration> {
    match text.trim().parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text.trim())
            .with_context(|| format!("'{text}' is not a time: give one such as 300s or 5m")),
    }
}

fn timeout(text: &str) -> Result<Duration> {
    let timeout = duration(text)?;
    ensure!(!timeout.is_zero(), "a timeout of 0 lets nothing finish: give a time such as 300s or 5m");
    Ok(timeout)
}

/// The folders, absolute: in the file relative to the package, as its engines are, else to where the command was called.
fn suites(given: &Given) -> Result<Vec<PathBuf>> {
    let Some((folders, by)) = given.values(&WORKLOADS) else { return Ok(Vec::new()) };
    let base = if matches!(by, SettingSource::File(_)) { paths::root().to_owned() } else { called_in()? };
    let folders: Vec<PathBuf> = folders.iter().filter(|folder| !folder.is_empty()).map(|one| base.join(one)).collect();
    for folder in &folders {
        ensure!(
            paths::suite_file(folder).with_context(|| named(&WORKLOADS, &by))?.is_some(),
            "{}: {} holds no suite.toml; name folders such as tests/workload, which is an example",
            named(&WORKLOADS, &by),
            folder.display()
        );
    }
    Ok(folders)
}

/// Where the command was called. Cargo starts a bench and a test in their package's folder; what a shell leaves in `PWD` is
/// where somebody typed.
pub(crate) fn called_in() -> Result<PathBuf> {
    let variable = |name| env::var_os(name).map(PathBuf::from);
    Ok(typed_in(env::current_dir()?, variable("CARGO_MANIFEST_DIR"), variable("PWD")))
}

/// `PWD` only where cargo has moved us: whoever starts a program elsewhere without a shell leaves an old one in it.
fn typed_in(here: PathBuf, package: Option<PathBuf>, pwd: Option<PathBuf>) -> PathBuf {
    let moved = package.and_then(|package| package.canonicalize().ok()).is_some_and(|package| package == here);
    pwd.filter(|folder| moved && folder.is_absolute() && folder.is_dir()).unwrap_or(here)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::keys::CONFIG;
    use super::*;

    fn given(flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> Result<Given> {
        let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let file = File::parse(file, Path::new("/etc/querydyno.toml"))?;
        Ok(Given { flags: owned(flags), environment: owned(environment), file })
    }

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings> {
        let given = given(&[], pairs, "")?;
        given.check()?;
        Settings::of(given)
    }

    fn of_file(text: &str) -> Result<Settings> {
        Settings::of(given(&[], &[], text)?)
    }

    #[test]
    fn a_list_of_scales_is_read() {
        let scales = settings(&[(SCALE.variable, "0.01,1,sf10,1.0")]).unwrap().scales;
        assert_eq!(scales.iter().map(ToString::to_string).collect::<Vec<_>>(), ["sf0.01", "sf1", "sf10"]);
    }

    #[test]
    fn an_unknown_or_impossible_setting_is_an_error_that_names_it() {
        for (name, value) in [
            ("QUERYDYNO_SCALES", "1"),
            (SCALE.variable, "huge"),
            (THREADS.variable, "0"),
            (THREADS.variable, "100000"),
            (TIMEOUT.variable, "soon"),
            (QUERY_TIMEOUT.variable, "0s"),
            (MEMORY.variable, "-1"),
            (MEMORY.variable, "256"),
            (CACHE.variable, "warm"),
            (FORMATS.variable, "csv"),
            (DUCKDB.variable, "release"),
            (WORKLOADS.variable, "/nowhere/shop"),
            (SPARK_MASTER.variable, "yarn"),
            (SPARK_MASTER.variable, "spark://head"),
            (SPARK_MASTER.variable, "spark://head:0,spark://x:1"),
            (ONLY.variable, "missing,stale"),
        ] {
            let error = format!("{:#}", settings(&[(name, value)]).unwrap_err());
            assert!(error.contains(name), "{error}");
        }
        let error = format!("{:#}", of_file("threads = [1, 'many']").unwrap_err());
        assert!(error.contains("threads in /etc/querydyno.toml"), "{error}");
        for (file, told) in [("scale = 1", "unknown field `scale`"), ("timeout = ['1s', '2s']", "one value")] {
            let error = format!("{:#}", of_file(file).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn axes_multiply_and_what_has_none_refuses_them() {
        let one = settings(&[(THREADS.variable, "2"), (MEMORY.variable, "2GiB")]).unwrap();
        assert_eq!(one.sole_variant("parquet").unwrap().memory, Some(Bytes(2 << 30)));
        let axes = [(THREADS.variable, "1,2, 2"), (MEMORY.variable, "none,2GiB"), (CACHE.variable, "hot,cold")];
        let more = settings(&axes).unwrap();
        assert_eq!((more.variants("parquet").len(), more.caches.len()), (4, 2));
        assert!(more.sole_variant("parquet").unwrap_err().to_string().contains(THREADS.variable));
    }

    #[test]
    fn the_file_takes_one_value_or_a_list() {
        let settings = of_file("threads = 3\nmemory = ['none', '1GiB']\nscales = [0.01, 1]").unwrap();
        assert_eq!((settings.threads, settings.memory), (vec![3], vec![None, Some(Bytes(1 << 30))]));
        assert_eq!(settings.scales.len(), 2);
        assert!(of_file("threads = []").unwrap_err().to_string().contains("empty"));
        assert!(of_file("[engine.mine]\nprogramm = 'x'").is_err());
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let environment = [(THREADS.variable, "2"), (SCALE.variable, "0.1"), ("MYSQL_PASSWORD", "secret")];
        let file = "threads = 3\nscales = 10\ntimeout = '1m'";
        let settings = Settings::of(given(&[(THREADS.variable, "1")], &environment, file).unwrap()).unwrap();
        assert_eq!((settings.threads.as_slice(), settings.timeout()), ([1].as_slice(), Duration::from_mins(1)));
        let told = |name: &str| {
            let told = settings.told().into_iter().find(|told| told.variable == name).unwrap();
            (told.value, told.from)
        };
        assert_eq!(told(THREADS.variable), ("1".to_owned(), SettingSource::Flag));
        assert_eq!(told(SCALE.variable), ("0.1".to_owned(), SettingSource::Environment));
        assert_eq!(told(TIMEOUT.variable), ("1m".to_owned(), SettingSource::File("/etc/querydyno.toml".into())));
        assert_eq!(told(CONFIG.variable).1, SettingSource::Default);
        assert_eq!(told("MYSQL_PASSWORD"), ("set".to_owned(), SettingSource::Environment));
        assert_eq!(told("STARROCKS_PASSWORD").0, "not set");
    }

    #[test]
    fn half_a_query_of_ones_own_is_missed_only_when_it_is_asked_for() {
        let half = settings(&[(TABLE_NAME.variable, "prices.parquet")]).unwrap();
        assert_eq!(half.adhoc, None);
        assert!(
            half.adhoc_query()
                .unwrap_err()
                .to_string()
                .starts_with("there is a table (--table or TABLE_NAME) and no query")
        );
        let whole = settings(&[(TABLE_NAME.variable, "a.b"), (QUERY.variable, "SELECT 1, 2 FROM {table}")]).unwrap();
        assert_eq!(whole.adhoc_query().unwrap().sql, "SELECT 1, 2 FROM {table}");
        assert_eq!((whole.timeout, whole.timeout()), (None, Duration::from_mins(5)));
    }

    #[test]
    fn an_empty_flag_is_not_taken_for_none() {
        let given = given(&[(QUERY.variable, " ")], &[(QUERY.variable, "SELECT 1")], "").unwrap();
        assert!(given.check().unwrap_err().to_string().starts_with("QUERY is given as an empty text"));
        // A variable that is set to nothing is how an environment unsets one.
        assert_eq!(settings(&[(THREADS.variable, ""), (TABLE_NAME.variable, "")]).unwrap().adhoc, None);
    }

    #[test]
    fn a_folder_is_where_the_command_was_typed() {
        let folder = tempfile::tempdir().unwrap();
        let (package, typed) = (folder.path().canonicalize().unwrap(), folder.path().join("lake"));
        std::fs::create_dir(&typed).unwrap();
        let called = |package: &Path, pwd: &Path| typed_in(here(folder.path()), Some(package.into()), Some(pwd.into()));
        assert_eq!(called(package.as_path(), typed.as_path()), typed);
        // Not moved by cargo, or told what is no folder of this machine.
        let package = package.as_path();
        for (package, pwd) in
            [(typed.as_path(), typed.as_path()), (package, Path::new("lake")), (package, Path::new("/nowhere"))]
        {
            assert_eq!(called(package, pwd), here(folder.path()));
        }
        assert_eq!(typed_in(package.to_owned(), None, Some(typed)), package);
    }

    fn here(folder: &Path) -> PathBuf {
        folder.canonicalize().unwrap()
    }
}
