//! Where pip would look: its settings from its files and from the environment, without pip.
//!
//! What is read: `index-url`, `extra-index-url`, `no-index`, `find-links` (folders of this machine), `proxy`, `cert`,
//! `client-cert` and `trusted-host`. A variable comes before a file, a section of a command before `[global]`.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::url;

const DEFAULT_INDEX: &str = "https://pypi.org/simple";
/// The sections that concern a download, the strongest last.
const SECTIONS: [&str; 3] = ["global", "install", "download"];

/// Where packages are, and how to get there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pip {
    /// Addresses of package indexes, in the order in which they are asked.
    pub(super) indexes: Vec<String>,
    /// Folders that hold packages.
    pub(super) folders: Vec<PathBuf>,
    pub(super) proxy: Option<String>,
    /// Certificates to trust instead of the system's.
    pub(super) cert: Option<PathBuf>,
    /// What we show of ourselves.
    pub(super) client_cert: Option<PathBuf>,
    /// Hosts whose certificates are not checked.
    pub(super) trusted: Vec<String>,
}

impl Pip {
    /// As this machine and this environment have it.
    pub(super) fn read() -> Self {
        let files: Vec<String> = files().iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
        Self::of(|name| env::var(name).ok(), &files)
    }

    /// From the contents of its files, the strongest last.
    fn of(variable: impl Fn(&str) -> Option<String>, files: &[String]) -> Self {
        let told: BTreeMap<(usize, String), String> = files.iter().flat_map(|file| settings(file)).collect();
        let value = |key: &str| {
            let name = format!("PIP_{}", key.replace('-', "_").to_uppercase());
            let from_files = || (0..SECTIONS.len()).rev().find_map(|rank| told.get(&(rank, key.to_owned())).cloned());
            variable(&name).filter(|text| !text.trim().is_empty()).or_else(from_files)
        };
        let list = |key: &str| -> Vec<String> {
            value(key).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
        };
        let is_yes = |text: String| ["1", "true", "yes", "on", "y", "t"].contains(&text.trim().to_lowercase().as_str());
        let no_index = value("no-index").is_some_and(is_yes);
        let first = value("index-url").unwrap_or_else(|| DEFAULT_INDEX.to_owned());
        let indexes = [first.trim().to_owned()].into_iter().chain(list("extra-index-url"));
        let local = |link: &String| {
            let path = link.strip_prefix("file://").unwrap_or(link);
            (!path.contains("://")).then(|| PathBuf::from(path))
        };
        let path = |key: &str| value(key).map(|text| PathBuf::from(text.trim()));
        Self {
            indexes: indexes.filter(|_| !no_index).collect(),
            folders: list("find-links").iter().filter_map(local).collect(),
            proxy: value("proxy"),
            cert: path("cert"),
            client_cert: path("client-cert"),
            trusted: list("trusted-host"),
        }
    }

    /// Whether certificates of this address's host go unchecked.
    pub(super) fn trusts(&self, url: &str) -> bool {
        let with_port = url::parts(url).map_or("", |(_, _, host, _)| host);
        let host = with_port.split(':').next().unwrap_or_default();
        self.trusted.iter().any(|trusted| trusted == with_port || trusted == host)
    }
}

/// pip's files, the strongest last; `PIP_CONFIG_FILE=/dev/null` is pip's way to have none.
fn files() -> Vec<PathBuf> {
    let told = env::var_os("PIP_CONFIG_FILE").map(PathBuf::from);
    if told.as_deref() == Some(Path::new("/dev/null")) {
        return Vec::new();
    }
    let home = env::var_os("HOME").map(PathBuf::from);
    let config = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".config")));
    let system = env::var("XDG_CONFIG_DIRS").unwrap_or_else(|_| "/etc/xdg".to_owned());
    let system = system.split(':').filter(|folder| !folder.is_empty());
    let environment = env::var_os("VIRTUAL_ENV").map(|folder| PathBuf::from(folder).join("pip.conf"));
    let others = [
        Some(PathBuf::from("/etc/pip.conf")),
        home.map(|home| home.join(".pip/pip.conf")),
        config.map(|config| config.join("pip/pip.conf")),
        environment,
        told,
    ];
    system.map(|folder| Path::new(folder).join("pip/pip.conf")).chain(others.into_iter().flatten()).collect()
}

/// The settings of one file that concern a download, by the rank of their section.
fn settings(file: &str) -> Vec<((usize, String), String)> {
    let mut found: Vec<((usize, String), String)> = Vec::new();
    let (mut section, mut open) = (None, false);
    let lines = file.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with(['#', ';']));
    for line in lines {
        let text = line.trim();
        if line.starts_with([' ', '\t']) {
            // It goes on with the value of the line before.
            if let (true, Some((_, value))) = (open, found.last_mut()) {
                *value += &format!(" {text}");
            }
            continue;
        }
        open = false;
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = SECTIONS.iter().position(|known| *known == name.trim());
        } else if let (Some(rank), Some((key, value))) = (section, text.split_once(['=', ':'])) {
            found.push(((rank, key.trim().to_lowercase().replace('_', "-")), value.trim().to_owned()));
            open = true;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], files: &[&str]) -> Pip {
        let told = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Pip::of(told, &files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn pip_asks_pypi_when_nobody_says_otherwise() {
        assert_eq!(of(&[], &[]), Pip { indexes: vec![DEFAULT_INDEX.to_owned()], ..Pip::default() });
    }

    #[test]
    fn pip_takes_variables_before_files_and_later_files_before_earlier() {
        let system = "[global]\nindex-url = https://one/simple\nproxy: http://proxy:1\n; no\n# none\ncert = /a.pem\n";
        let user =
            "[global]\nindex_url = https://two/simple\n[list]\nproxy = no\n[install]\ntrusted-host =\n  x\n  y:8\n";
        let both = of(&[], &[system, user]);
        assert_eq!(both.indexes, ["https://two/simple"]);
        assert_eq!(both.proxy.as_deref(), Some("http://proxy:1"));
        assert_eq!(both.cert.as_deref(), Some(Path::new("/a.pem")));
        assert!(
            both.trusts("https://user:word@x:9/simple") && both.trusts("https://y:8") && !both.trusts("https://y/")
        );
        let told = [("PIP_INDEX_URL", "https://three/"), ("PIP_EXTRA_INDEX_URL", "http://four http://five")];
        assert_eq!(of(&told, &[system]).indexes, ["https://three/", "http://four", "http://five"]);
    }

    #[test]
    fn pip_without_an_index_has_its_folders() {
        let told = [("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", "/wheels file:///more https://elsewhere/")];
        let found = of(&told, &[]);
        assert!(found.indexes.is_empty());
        assert_eq!(found.folders, [Path::new("/wheels"), Path::new("/more")]);
    }
}
