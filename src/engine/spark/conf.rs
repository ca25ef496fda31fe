//! Which of a server's settings belong into a record: [`recorded`]. The server tells those that somebody set, and not its defaults.

use std::collections::BTreeMap;

/// What begins so says how queries are run.
const TOLD: [&str; 11] = [
    "spark.broadcast.",
    "spark.connect.",
    "spark.cores.",
    "spark.default.parallelism",
    "spark.driver.cores",
    "spark.driver.maxResultSize",
    "spark.driver.memory",
    "spark.executor.",
    "spark.memory.",
    "spark.querydyno.",
    "spark.sql.",
];
/// Of these, settings whose last part ends so are left out: places and names that differ at each start, and secrets.
const ELSEWHERE: [&str; 10] =
    ["dir", "Dir", "port", "address", "token", "password", "id", "extraJavaOptions", "classpath", "extraClassPath"];

/// Settings as a record has them.
pub(super) fn recorded(told: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    told.into_iter().filter(|(name, _)| is_recorded(name)).collect()
}

fn is_recorded(name: &str) -> bool {
    let told = name == "spark.master" || name == "spark.serializer" || TOLD.iter().any(|start| name.starts_with(start));
    let last = name.rsplit('.').next().unwrap_or(name);
    told && !ELSEWHERE.iter().any(|end| last.ends_with(end))
}

/// How many threads a server on one machine has for queries, `local[2]`; `None` for a cluster.
pub(super) fn threads(master: &str) -> Option<usize> {
    master.strip_prefix("local[")?.split([',', ']']).next()?.parse().ok()
}

/// What a server with these settings is, where a service that is a `cluster` or one machine is asked for and it is the other one. A server
/// that hides its master may be either.
pub(super) fn other_kind(settings: &BTreeMap<String, String>, cluster: bool) -> Option<String> {
    let master = settings.get("spark.master")?;
    match (cluster, master.starts_with("local")) {
        (true, true) => Some(format!("one machine ({master}), and a cluster was asked for")),
        (false, false) => Some(format!("a cluster ({master}), and one machine was asked for")),
        _ => None,
    }
}

/// How many executors a cluster gives to the server with these settings; `None` for one machine, and where they come and go.
pub(super) fn executors(settings: &BTreeMap<String, String>) -> Option<usize> {
    let number = |name: &str| settings.get(name)?.parse::<usize>().ok();
    if settings.get("spark.master").is_some_and(|master| master.starts_with("local")) {
        return None;
    }
    let by_cores = || Some(number("spark.cores.max")? / number("spark.executor.cores").filter(|cores| *cores > 0)?);
    by_cores().or_else(|| number("spark.executor.instances"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_has_what_decides_about_speed_and_no_places() {
        let told = [
            ("spark.master", "local[2]"),
            ("spark.sql.shuffle.partitions", "2"),
            ("spark.sql.warehouse.dir", "file:/tmp/x"),
            ("spark.connect.grpc.binding.port", "15400"),
            ("spark.connect.authenticate.token", "secret"),
            ("spark.driver.memory", "4g"),
            ("spark.executor.extraClassPath", "/somewhere/x.jar"),
            ("spark.driver.port", "38111"),
            ("spark.driver.host", "127.0.0.1"),
            ("spark.executor.id", "driver"),
            ("spark.app.id", "local-1764300000"),
        ];
        let kept = recorded(told.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let names: Vec<&str> = kept.keys().map(String::as_str).collect();
        assert_eq!(names, ["spark.driver.memory", "spark.master", "spark.sql.shuffle.partitions"]);
    }

    #[test]
    fn executors_are_those_of_a_cluster() {
        let told = |settings: &[(&str, &str)]| {
            executors(&settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let cluster = ("spark.master", "spark://127.0.0.1:7077");
        assert_eq!(told(&[cluster, ("spark.cores.max", "6"), ("spark.executor.cores", "2")]), Some(3));
        assert_eq!(told(&[("spark.master", "k8s://h"), ("spark.executor.instances", "5")]), Some(5));
        assert_eq!(told(&[cluster, ("spark.executor.cores", "2")]), None);
        assert_eq!(told(&[("spark.master", "local[2]"), ("spark.executor.instances", "5")]), None);
    }

    #[test]
    fn other_kind_is_a_cluster_for_one_machine_and_the_other_way_round() {
        let of = |master: &str, cluster| other_kind(&[("spark.master".to_owned(), master.to_owned())].into(), cluster);
        assert_eq!((of("local[2]", false), of("spark://h:7077", true), of("yarn", true)), (None, None, None));
        assert!(of("local[*]", true).unwrap().contains("one machine (local[*])"));
        assert!(of("spark://h:7077", false).unwrap().contains("a cluster (spark://h:7077)"));
        assert_eq!(other_kind(&BTreeMap::new(), true), None);
    }

    #[test]
    fn threads_are_those_of_one_machine() {
        for (master, count) in [("local[2]", Some(2)), ("local[16,4]", Some(16)), ("local[*]", None)] {
            assert_eq!(threads(master), count);
        }
        assert_eq!(threads("spark://127.0.0.1:7077"), None);
    }
}
