//! Running pip, venv and uv so that nothing in the user's environment sends packages elsewhere, and looking whether they did what
//! they said.

use std::env;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::command;

/// Tells what is missing; its head says how it is called.
const INSTALLED: &str = include_str!("installed.py");

/// What the environment may tell pip: where packages come from, and how they are fetched. All else says where they go or which.
const OF_PIP: &str = "INDEX_URL EXTRA_INDEX_URL FIND_LINKS NO_INDEX PROXY CERT CLIENT_CERT TRUSTED_HOST CONFIG_FILE CACHE_DIR \
    NO_CACHE_DIR DEFAULT_TIMEOUT TIMEOUT RETRIES KEYRING_PROVIDER USE_FEATURE";
/// The same for uv, and which interpreter it takes where the wanted one is not on the PATH. A name that ends in `*` stands for
/// all that begin so.
const OF_UV: &str = "DEFAULT_INDEX INDEX INDEX_* EXTRA_INDEX_URL FIND_LINKS NO_INDEX OFFLINE INSECURE_HOST NATIVE_TLS SYSTEM_CERTS \
    CONFIG_FILE NO_CONFIG CACHE_DIR NO_CACHE HTTP_* REQUEST_TIMEOUT KEYRING_PROVIDER CREDENTIALS_DIR LINK_MODE CONCURRENT_* \
    MANAGED_PYTHON NO_MANAGED_PYTHON PYTHON_*";

/// Takes out of a command's environment what would have it install elsewhere or other things.
pub(super) fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_cleared) {
            command.env_remove(name);
        }
    }
    // Stronger than `user = true` in a pip.conf.
    command.env("PIP_USER", "0")
}

fn is_cleared(name: &str) -> bool {
    let among = |kept: &str, name: &str| {
        kept.split(' ').any(|kept| kept.strip_suffix('*').map_or(kept == name, |prefix| name.starts_with(prefix)))
    };
    match name.split_once('_') {
        Some(("PIP", option)) => !among(OF_PIP, option),
        Some(("UV", option)) => !among(OF_UV, option),
        _ => name.starts_with("PYTHON") || name == "VIRTUAL_ENV",
    }
}

/// Looks whether the interpreter's environment holds these requirements, and whether the module can be imported there.
///
/// # Errors
/// Says what is missing.
pub(super) fn check(python: &Path, module: Option<&str>, requirements: &[&str]) -> Result<()> {
    let mut asked = Command::new(python);
    // Isolated: neither the user's own packages nor those of the folder we are in may be found.
    asked.args(["-I", "-c", INSTALLED, module.unwrap_or_default()]).args(requirements);
    // Some packages tell their makers of every import.
    asked.env("DO_NOT_TRACK", "1").env("SCARF_NO_ANALYTICS", "1").env("DAFT_ANALYTICS_ENABLED", "0");
    asked.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut told = String::new();
    let status = command::run(clean(&mut asked), |child| {
        let mut stdout = child.stdout.take().context("no pipe")?;
        stdout.read_to_string(&mut told).map(|_| ()).or_else(|error| match error.kind() {
            // What a package wrote by itself says nothing.
            io::ErrorKind::InvalidData => Ok(()),
            _ => Err(error.into()),
        })
    })?;
    let lines: Vec<&str> = told.lines().collect();
    // Importing may end the process too, by a signal for one.
    let why = if lines.is_empty() { format!("importing it ended with {status}") } else { lines.join("; ") };
    ensure!(status.success(), "{why}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_cleared_spares_what_says_where_packages_come_from() {
        for kept in [
            "PIP_INDEX_URL",
            "PIP_FIND_LINKS",
            "PIP_NO_INDEX",
            "PIP_CERT",
            "PIP_CONFIG_FILE",
            "PIP_RETRIES",
            "UV_DEFAULT_INDEX",
            "UV_INDEX_URL",
            "UV_INDEX_MINE_PASSWORD",
            "UV_HTTP_TIMEOUT",
            "UV_CACHE_DIR",
            "HOME",
            "https_proxy",
            "SSL_CERT_FILE",
        ] {
            assert!(!is_cleared(kept), "{kept}");
        }
        for cleared in [
            "PIP_USER",
            "PIP_TARGET",
            "PIP_PREFIX",
            "PIP_ROOT",
            "PIP_CONSTRAINT",
            "PIP_DRY_RUN",
            "PIP_NO_DEPS",
            "PYTHONPATH",
            "PYTHONHOME",
            "PYTHONSAFEPATH",
            "UV_SYSTEM_PYTHON",
            "UV_PYTHON",
            "UV_TARGET",
            "UV_CONSTRAINT",
            "UV_PRERELEASE",
            "VIRTUAL_ENV",
        ] {
            assert!(is_cleared(cleared), "{cleared}");
        }
    }

    #[test]
    fn check_tells_what_an_environment_lacks() {
        let python = "python3";
        if !command::version_of(python).is_some_and(|version| super::super::script::new_enough(&version)) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new(python).args(["-m", "venv", "--without-pip"]).arg(folder.path()).status().unwrap();
        assert!(made.success());
        let library = std::fs::read_dir(folder.path().join("lib")).unwrap().next().unwrap().unwrap().path();
        let packages = library.join("site-packages");
        let add = |name: &str, version: &str, code: &str| {
            let facts = packages.join(format!("{name}-{version}.dist-info"));
            std::fs::create_dir(&facts).unwrap();
            std::fs::write(
                facts.join("METADATA"),
                format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
            )
            .unwrap();
            std::fs::write(packages.join(format!("{name}.py")), code).unwrap();
        };
        add("tiny", "1.0", "print('hello')");
        add("local", "2.1.0+cpu", "");
        add("broken", "1.0rc1", "raise RuntimeError('no such\\ninstruction')");
        add("deadly", "1", "import os; os.kill(os.getpid(), 9)");
        let python = folder.path().join("bin/python");
        let check =
            |module: Option<&str>, asked: &[&str]| check(&python, module, asked).map_err(|error| format!("{error:#}"));
        for (module, asked) in [
            (Some("tiny"), &["tiny==1.0", "Tiny==1", "tiny == 1.0.0", "tiny[extra]>=0.5", "tiny"][..]),
            (None, &["local==2.1.0", "local==2.1+cpu", "local==2.1.*", "local @ file:///nowhere", "broken==1.0-rc.1"]),
            // Nothing that can be looked up by its name.
            (None, &["./a.whl", "https://example.invalid/a.whl", "absent==1; sys_platform == 'win32'", "--pre"]),
        ] {
            assert_eq!(check(module, asked), Ok(()), "{asked:?}");
        }
        for (module, asked, told) in [
            (Some("tiny"), "tiny==2.0", "tiny is 1.0 in it instead of 2.0"),
            (None, "tiny==1.0.1", "tiny is 1.0 in it instead of 1.0.1"),
            (None, "local==2.1.0+gpu", "local is 2.1.0+cpu in it instead of 2.1.0+gpu"),
            (Some("absent"), "absent==1.0", "there is no absent in it"),
            (Some("absent"), "tiny==1.0", "import absent: ModuleNotFoundError"),
            (Some("broken"), "tiny==1.0", "import broken: RuntimeError: no such instruction"),
            (Some("deadly"), "deadly==1", "importing it ended with signal: 9"),
        ] {
            let error = check(module, &[asked]).unwrap_err();
            assert!(error.contains(told), "{asked}: {error}");
        }
    }
}
