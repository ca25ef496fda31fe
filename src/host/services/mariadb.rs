//! `MariaDB` without a container: the server that Debian has, with a data folder, a port and a user of our own.
//!
//! It reads none of the machine's settings and none of its databases. Its password is in no command line, no log and, but
//! for the seconds of starting, in no file.
//!
//! `cargo xtask services up mariadb`

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::service::{PASSWORD, USER, own_password};
use super::wait::tool;
use crate::host::files;
use crate::host::scratch;

const SERVER: &str = "mariadbd";
const INSTALL: &str = "mariadb-install-db";
/// Where Debian has servers, which is not on everybody's path.
const FURTHER: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];
/// The first byte of a server's greeting: the version of the protocol.
const GREETING: u8 = 10;
/// Time for the greeting of a server that listens.
const PATIENCE: Duration = Duration::from_secs(1);

/// What keeps it from running here.
pub(super) fn obstacle() -> Option<String> {
    let missing = [SERVER, INSTALL].into_iter().find(|program| find(program).is_none())?;
    Some(format!("there is no {missing}: apt-get install mariadb-server"))
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(FURTHER.map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|program| program.is_file())
}

/// The command that is the server, and the file that makes its user: it has to live until the server answers.
///
/// # Errors
/// When the data folder cannot be made, or the password holds what no client can send.
pub(super) fn prepare(folder: &Path, port: u16) -> Result<(Command, InitFile)> {
    let data = folder.join("data");
    if !data.exists() {
        make_data(folder, &data)?;
    }
    let password = own_password().unwrap_or_else(|| USER.to_owned());
    let init = InitFile::write(folder, &statements(&password)?)?;
    let mut command = program(SERVER)?;
    command
        .arg(format!("--datadir={}", data.display()))
        // Both lie in the data folder: a socket's path may have some hundred bytes only.
        .args([format!("--socket={SERVER}.sock"), format!("--pid-file={SERVER}.pid"), format!("--port={port}")])
        // Without names a client on this machine is 127.0.0.1, whatever its resolver says.
        .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--local-infile=ON"])
        // Text is compared byte by byte, as the other engines do.
        .args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_nopad_bin"])
        .arg(format!("--init-file={}", init.0.display()));
    Ok((command, init))
}

/// Whether a server greets us there. It listens for a while before: only then the user is made.
pub(super) fn greets(port: u16) -> bool {
    let greeting = || {
        let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // Three bytes of length, one of sequence.
        let mut start = [0; 5];
        stream.read_exact(&mut start)?;
        std::io::Result::Ok(start[4])
    };
    greeting().is_ok_and(|version| version == GREETING)
}

/// One of its programs, which reads no settings of the machine, and runs as root where we do.
fn program(name: &str) -> Result<Command> {
    let path = find(name).with_context(|| format!("there is no {name}: apt-get install mariadb-server"))?;
    let mut command = Command::new(path);
    command.arg("--no-defaults");
    if rustix::process::geteuid().is_root() {
        command.arg("--user=root");
    }
    Ok(command)
}

fn make_data(folder: &Path, data: &Path) -> Result<()> {
    let staging = scratch::folder(&folder.join("making"))?;
    let made = staging.path().join("data");
    let mut install = program(INSTALL)?;
    // In a folder that others share, temporary tables of two that are made at once get the same names, and one fails.
    install
        .env("TMPDIR", staging.path())
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .arg(format!("--datadir={}", made.display()));
    tool(&mut install, &staging.path().join("install.log"), "making MariaDB's data folder, once")?;
    fs::rename(&made, data).with_context(|| format!("cannot rename {} to {}", made.display(), data.display()))
}

/// What the server does before it lets anyone in, a statement a line: at every start, since the password may be another.
fn statements(password: &str) -> Result<String> {
    let password = quoted(password)?;
    let users = |suffix: &str| ["127.0.0.1", "localhost"].map(|host| format!("'{USER}'@'{host}'{suffix}")).join(", ");
    let statements = [
        format!("CREATE USER IF NOT EXISTS {};", users("")),
        format!("ALTER USER {};", users(&format!(" IDENTIFIED BY {password}"))),
        format!("GRANT ALL PRIVILEGES ON *.* TO {};", users("")),
        // It has no password: what stays of it is reached by the socket, which only we can open.
        "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';".to_owned(),
        "FLUSH PRIVILEGES;".to_owned(),
    ];
    Ok(statements.join("\n") + "\n")
}

/// A text as SQL has it. A statement that is wrong would be quoted in the log, password and all.
fn quoted(password: &str) -> Result<String> {
    ensure!(
        !password.chars().any(char::is_control),
        "{PASSWORD} holds a control character (a line's end?): set it to one line of text"
    );
    Ok(format!("'{}'", password.replace('\\', "\\\\").replace('\'', "\\'")))
}

/// A file with a password in it: only its owner may read it, and it goes with this guard.
#[derive(Debug)]
pub(super) struct InitFile(PathBuf);

impl InitFile {
    fn write(folder: &Path, text: &str) -> Result<Self> {
        let path = folder.join("init.sql");
        let mut file = files::create_private(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let init = Self(path);
        file.write_all(text.as_bytes())?;
        Ok(init)
    }
}

impl Drop for InitFile {
    fn drop(&mut self) {
        // The next start removes what stays.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_password_stays_one_text() {
        assert_eq!(quoted(r"it's \ a").unwrap(), r"'it\'s \\ a'");
        let error = quoted("two\nlines").unwrap_err().to_string();
        assert!(error.contains(PASSWORD) && !error.contains("two"), "{error}");
    }

    #[test]
    fn each_statement_is_a_line() {
        let text = statements("x").unwrap();
        assert!(text.lines().all(|line| line.ends_with(';')), "{text}");
        assert!(
            text.contains("ALTER USER 'querydyno'@'127.0.0.1' IDENTIFIED BY 'x', 'querydyno'@'localhost'"),
            "{text}"
        );
    }

    #[test]
    fn the_file_with_the_password_is_its_owners_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("init.sql"), "left behind").unwrap();
        let init = InitFile::write(folder.path(), "x").unwrap();
        let path = init.0.clone();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
        drop(init);
        assert!(!path.exists());
    }
}
