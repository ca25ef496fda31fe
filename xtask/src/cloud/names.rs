//! What is called how: tags of what we make on AWS, keys in the store, names of machines. Nothing of ours is found by anything else.

/// The tag that everything of ours carries; what lacks it is somebody else's, and is never touched.
pub(super) const TAG: (&str, &str) = ("querydyno", "true");
pub(super) const TAG_RUN: &str = "querydyno-run-id";
pub(super) const TAG_ENGINE: &str = "querydyno-engine";
pub(super) const TAG_ATTEMPT: &str = "querydyno-attempt";
pub(super) const TAG_EXPIRES: &str = "querydyno-expires";

/// An engine's name as a part of names and keys: `spark-3.5.3` for `spark@3.5.3`.
pub(super) fn slug(engine: &str) -> String {
    engine.replace('@', "-")
}

/// The folder of a run in the store.
pub(super) fn run_key(run_id: &str) -> String {
    format!("runs/{run_id}")
}

/// What a run is to do, in its folder.
pub(super) const PLAN: &str = "run.json";

/// How a machine's end is told, in its folder.
pub(super) const DONE: &str = "DONE";
pub(super) const FAILED: &str = "FAILED";
pub(super) const INTERRUPTED: &str = "INTERRUPTED";
/// How far it is.
pub(super) const STATE: &str = "STATE";

/// The key of a part of the bundle.
pub(super) fn part_key(sha256: &str) -> String {
    format!("bundles/{sha256}.tar.gz")
}

/// Whether a text can be a run's id: a part of keys, tags and names of machines.
pub(super) fn is_run_id(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 40 && text.chars().all(fits) && !text.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_run_id_takes_no_path() {
        assert!(is_run_id("20261128T203000Z-5c1e09") && is_run_id("try_1.b"));
        for other in ["", ".", "../a", "a/b", "a b", "ä", &"a".repeat(41)] {
            assert!(!is_run_id(other), "{other}");
        }
    }
}
