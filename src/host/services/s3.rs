//! Object storage without a container: versitygw, which keeps objects as files in a folder, compiled once by Go.
//!
//! Its credentials are drawn at random when it is first started, and are in one file that only its owner can read: in no command
//! line, no log, and nothing that is printed.
//!
//! `eval "$(cargo xtask services up s3)"`

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::ask;
use super::fetch::{self, Fetched};
use super::plan::{Configuration, Given, Part, Plan};
use super::service::{BUCKET, Service};
use super::wait::tool;
use crate::host::checksum::hex;
use crate::host::files;
use crate::protocol::units::Bytes;

const SERVICE: Service = Service::S3;
/// Apache-2.0, by Versity Software.
const PACKAGE: &str = "github.com/versity/versitygw/cmd/versitygw";
const VERSION: &str = "1.8.0";
const PROGRAM: &str = "versitygw";
/// Where it says that it is up; no bucket can have this name.
const HEALTH: &str = "/-/health";

/// What keeps it from running here.
pub(super) fn obstacle(home: &Path) -> Option<String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let go = env::split_paths(&path).any(|folder| folder.join("go").is_file());
    (!go && !program(home).is_file())
        .then(|| format!("there is no go to compile {PROGRAM} with: apt-get install golang, of version 1.24 or newer"))
}

fn program(home: &Path) -> PathBuf {
    home.join(format!("{PROGRAM}-{VERSION}")).join(PROGRAM)
}

/// How it is started.
///
/// # Errors
/// When it cannot be compiled, or its folder not be made.
pub(super) fn prepare(given: &Given<'_>) -> Result<Plan> {
    let (program, folder) = (program(given.home), given.folder(SERVICE));
    let version = format!("{PROGRAM} {VERSION}");
    let fetched = Fetched {
        what: "S3",
        package: &version,
        download: Bytes(60_000_000),
        // With what Go keeps of the modules and of compiling them.
        needed: Bytes(1_500_000_000),
        stays: Bytes(84_000_000),
    };
    fetch::once(given.home, program.parent().unwrap_or(given.home), fetched, |staging| {
        let made = staging.join(PROGRAM);
        let mut go = Command::new("go");
        go.args(["install", &format!("{PACKAGE}@v{VERSION}")]).env("GOBIN", &made);
        tool(&mut go, &staging.join("go.log"), &format!("compiling {version}, once, for some minutes"))?;
        fetch::sync(&made)?;
        Ok(made)
    })?;
    let data = folder.join("data");
    fs::create_dir_all(data.join(BUCKET)).with_context(|| format!("cannot make {}", data.display()))?;
    let log = folder.join("access.log");
    // It would go on at its end for ever.
    let _ = fs::remove_file(&log);
    let credentials = Credentials::of(given.home)?;
    let mut command = Command::new(program);
    command
        .arg("--port")
        .arg(format!("127.0.0.1:{}", given.port(SERVICE)))
        // Without it every request opens a connection, whatever the client does.
        .args(["--keep-alive", "--quiet", "--health", HEALTH, "--access-log"])
        .arg(&log)
        .arg("posix")
        .arg(&data)
        .env("ROOT_ACCESS_KEY_ID", credentials.access_key_id)
        .env("ROOT_SECRET_ACCESS_KEY", credentials.secret_access_key);
    let configuration = Configuration {
        version: VERSION.to_owned(),
        source: format!("go install {PACKAGE}"),
        ..Configuration::default()
    };
    Ok(Plan { parts: vec![Part::server(command)], configuration, init: None })
}

/// Whether a server says there that it is up.
pub(super) fn answers(port: u16) -> bool {
    ask::is_ok(port, HEALTH)
}

/// Who may ask it.
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
}

impl Credentials {
    /// Those of before, or new ones.
    ///
    /// # Errors
    /// When their file cannot be read or written.
    pub(super) fn of(home: &Path) -> Result<Self> {
        let file = Self::file(home);
        let within = || format!("cannot keep credentials in {}", file.display());
        if let Some(found) = fs::read_to_string(&file).ok().and_then(|text| Self::read(&text)) {
            return Ok(found);
        }
        let random: [u8; 30] = files::random().with_context(within)?;
        let (id, secret) = random.split_at(10);
        let made = Self { access_key_id: hex(id), secret_access_key: hex(secret) };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(within)?;
        }
        let mut opened = files::create_private(&file).with_context(within)?;
        let Self { access_key_id, secret_access_key } = &made;
        let text =
            format!("export AWS_ACCESS_KEY_ID={access_key_id}\nexport AWS_SECRET_ACCESS_KEY={secret_access_key}\n");
        opened.write_all(text.as_bytes()).with_context(within)?;
        Ok(made)
    }

    /// For a shell that takes them: `. FILE`.
    pub(super) fn file(home: &Path) -> PathBuf {
        home.join(SERVICE.name()).join("credentials")
    }

    fn read(text: &str) -> Option<Self> {
        let told = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
            line.map(str::to_owned).filter(|value| !value.is_empty())
        };
        Some(Self { access_key_id: told("AWS_ACCESS_KEY_ID")?, secret_access_key: told("AWS_SECRET_ACCESS_KEY")? })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn credentials_are_drawn_once_and_are_their_owners() {
        let home = tempfile::tempdir().unwrap();
        let first = Credentials::of(home.path()).unwrap();
        assert_eq!((first.access_key_id.len(), first.secret_access_key.len()), (20, 40));
        assert_eq!(Credentials::of(home.path()).unwrap().secret_access_key, first.secret_access_key);
        let file = Credentials::file(home.path());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "export AWS_ACCESS_KEY_ID=\n").unwrap();
        assert_ne!(Credentials::of(home.path()).unwrap().access_key_id, first.access_key_id);
    }
}
