//! PostgreSQL without a container: the server that Debian has, with a data folder, a port, a user and a database of our own.
//!
//! It reads none of the machine's settings and none of its databases, and opens no socket but its port on the loopback address. It does not
//! run as root: where we do, it runs as Debian's user `postgres`. All else is as its makers set it, durability above all.
//!
//! `cargo xtask services up postgresql`

use std::env;
use std::fs::{self, DirBuilder};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::ask;
use super::service::{POSTGRES_PASSWORD, USER, told};
use super::wait::{POLL, tool};
use crate::host::checksum::sha256;
use crate::host::files;
use crate::measure::tree;

const SERVER: &str = "postgres";
const INSTALL: &str = "initdb";
const PACKAGE: &str = "apt-get install postgresql";
/// Where Debian has a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The user that Debian's package makes, and the folder that belongs to it.
const SYSTEM_USER: &str = "postgres";
const SYSTEM_FOLDER: &str = "/var/lib/postgresql";

/// For processes of a server that was killed to let go of its data.
const PATIENCE: Duration = Duration::from_secs(10);

/// What keeps it from running here.
pub(super) fn obstacle() -> Option<String> {
    let Some(programs) = programs() else { return Some(format!("there is no {INSTALL} beside a {SERVER}: {PACKAGE}")) };
    match owner(&programs) {
        Ok(_) => None,
        Err(error) => Some(format!("{error:#}")),
    }
}

/// The folder of its programs: that of the newest version.
fn programs() -> Option<PathBuf> {
    let of_versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let mut found: Vec<PathBuf> = of_versions.filter(|folder| has_programs(folder)).collect();
    found.sort_by_key(|folder| version_of(folder));
    let path = env::var_os("PATH").unwrap_or_default();
    found.pop().or_else(|| env::split_paths(&path).find(|folder| has_programs(folder)))
}

fn has_programs(folder: &Path) -> bool {
    [SERVER, INSTALL].iter().all(|program| folder.join(program).is_file())
}

fn version_of(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    name.and_then(|name| name.split('.').next()?.parse().ok()).unwrap_or_default()
}

/// Whom it runs as where we are root: user and group. None: as we are.
fn owner(programs: &Path) -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    let ids = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(SYSTEM_USER);
        let (_, user, group) = (fields.next(), fields.next()?, fields.next()?);
        is_it.then_some((user.parse().ok()?, group.parse().ok()?))
    });
    let why =
        || format!("{} refuses to run as root, and there is no user {SYSTEM_USER}: {PACKAGE}", programs.display());
    ids.with_context(why).map(Some)
}

/// The command that is the server; makes its data folder where there is none, and sets its user's password.
///
/// # Errors
/// When the data folder cannot be made, or the password cannot be set.
pub(super) fn prepare(folder: &Path, port: u16) -> Result<Command> {
    let programs = programs().with_context(|| format!("there is no {SERVER}: {PACKAGE}"))?;
    let server = Server { owner: owner(&programs)?, programs };
    let data = server.home(folder)?.join("data");
    let password = told(POSTGRES_PASSWORD).unwrap_or_else(|| USER.to_owned());
    ensure!(
        !password.chars().any(char::is_control),
        "{POSTGRES_PASSWORD} holds a control character (a line's end?): set it to one line of text"
    );
    if data.exists() {
        forget_killed(&data);
    } else {
        server.make(folder, &data)?;
    }
    server.set_password(folder, &data, &password)?;
    let mut command = server.program(SERVER);
    command.arg("-D").arg(&data).args([
        "-p",
        &port.to_string(),
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
    ]);
    Ok(command)
}

/// Removes the pid file of a server that was killed. Its process number exists until its parent has collected the exit status, and so long
/// PostgreSQL takes it for a server that runs, and does not start.
fn forget_killed(data: &Path) {
    let file = data.join("postmaster.pid");
    let pid: Option<u32> = fs::read_to_string(&file).ok().and_then(|text| text.lines().next()?.trim().parse().ok());
    if pid.is_some_and(|pid| tree::look(pid).is_none_or(|process| process.ended)) {
        // What stays is told of by the server.
        let _ = fs::remove_file(file);
    }
}

/// Whether a server of this kind is there: it answers the question for TLS with one letter, `S` or `N`.
pub(super) fn greets(port: u16) -> bool {
    // Eight bytes: their number, and the code of the request.
    const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let answer = || {
        let mut stream = ask::connect(port)?;
        stream.write_all(&REQUEST)?;
        let mut letter = [0];
        stream.read_exact(&mut letter)?;
        std::io::Result::Ok(letter[0])
    };
    answer().is_ok_and(|letter| letter == b'N' || letter == b'S')
}

/// Its programs, and whom they run as.
struct Server {
    programs: PathBuf,
    owner: Option<(u32, u32)>,
}

impl Server {
    /// One of its programs, that reads no settings from our environment.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = match self.owner {
            // Not `Command::uid`: the server is started through a shell (`supervise`), which takes program, arguments and environment.
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]).arg(path);
                command
            }
            None => Command::new(path),
        };
        // Where every user can be: it looks for itself from there.
        command.current_dir("/");
        for variable in ["PGDATA", "PGPORT", "PGHOST", "PGUSER", "PGDATABASE", POSTGRES_PASSWORD] {
            command.env_remove(variable);
        }
        command
    }

    /// The folder with its data: the service's own, unless the server runs as a user who cannot enter it. Then it is in that user's home,
    /// named by a checksum of the service's folder.
    fn home(&self, folder: &Path) -> Result<PathBuf> {
        let Some((user, group)) = self.owner else { return Ok(folder.to_owned()) };
        let home = if is_open_to_all(folder.parent().unwrap_or(folder)) {
            folder.join("as-postgres")
        } else {
            let name = sha256(folder.as_os_str().as_encoded_bytes());
            Path::new(SYSTEM_FOLDER).join(format!("querydyno-{}", &name[..12]))
        };
        if !home.exists() {
            let made = DirBuilder::new().mode(0o700).create(&home);
            made.with_context(|| format!("cannot make {}", home.display()))?;
        }
        chown(&home, Some(user), Some(group))
            .with_context(|| format!("cannot give {} to {SYSTEM_USER}", home.display()))?;
        if home.starts_with(folder) {
            // The service's folder is closed to others: they may pass through it.
            let open = fs::set_permissions(folder, fs::Permissions::from_mode(0o711));
            open.with_context(|| format!("cannot open {} to {SYSTEM_USER}", folder.display()))?;
        }
        Ok(home)
    }

    /// Makes the data folder with our user and our database, under its name only when it is whole.
    fn make(&self, folder: &Path, data: &Path) -> Result<()> {
        let making = data.with_file_name("making");
        if making.exists() {
            fs::remove_dir_all(&making).with_context(|| format!("cannot remove {}", making.display()))?;
        }
        let mut install = self.program(INSTALL);
        install.arg("-D").arg(&making).args(["-U", USER, "-E", "UTF8", "--locale=C", "--no-instructions"]);
        // The password is set at every start; until then nobody is let in.
        install.args(["--auth-local=scram-sha-256", "--auth-host=scram-sha-256"]);
        // `initdb` wants one where passwords are required; the first start replaces it.
        let first = making.with_file_name("first-password");
        self.write(&first, &format!("{}\n", sha256(format!("{:?}", std::time::SystemTime::now()))))?;
        install.arg("--pwfile").arg(&first);
        let made = tool(&mut install, &folder.join("install.log"), "making PostgreSQL's data folder, once");
        let _ = fs::remove_file(&first);
        made?;
        self.alone(folder, &making, &format!("create database {USER}\n"))?;
        fs::rename(&making, data).with_context(|| format!("cannot rename {} to {}", making.display(), data.display()))
    }

    fn set_password(&self, folder: &Path, data: &Path, password: &str) -> Result<()> {
        self.alone(folder, data, &format!("alter user {USER} password '{}'\n", password.replace('\'', "''")))
    }

    /// Runs a statement in single-user mode, which listens on no port. Waits until processes of a killed server have let go of the data.
    fn alone(&self, folder: &Path, data: &Path, statement: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let wrong = self.try_alone(data, statement)?;
            if wrong.is_empty() {
                return Ok(());
            }
            let is_held = ["lock file", "still in use"].iter().any(|word| wrong.contains(word));
            if !is_held || Instant::now() > deadline {
                bail!("PostgreSQL in {} cannot be prepared: {wrong}", folder.display());
            }
            sleep(POLL);
        }
    }

    /// What went wrong, if anything did. The statement comes by the server's input, so that no list of processes shows it.
    fn try_alone(&self, data: &Path, statement: &str) -> Result<String> {
        let mut command = self.program(SERVER);
        command.arg("--single").arg("-D").arg(data);
        command.args(["-c", "log_statement=none", "-c", "log_min_error_statement=panic", "postgres"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {SERVER}"))?;
        if let Some(mut input) = child.stdin.take() {
            // One that has ended takes nothing, and says why.
            let _ = input.write_all(statement.as_bytes());
        }
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        // Of what it says, the lines that tell what went wrong: none of them quotes the statement.
        let wrong: Vec<&str> = said.lines().filter(|line| line.contains("ERROR:") || line.contains("FATAL:")).collect();
        Ok(if wrong.is_empty() && !output.status.success() { output.status.to_string() } else { wrong.join("; ") })
    }

    /// A file for the server alone.
    fn write(&self, path: &Path, text: &str) -> Result<()> {
        let mut file = files::create_private(path).with_context(|| format!("cannot write {}", path.display()))?;
        file.write_all(text.as_bytes())?;
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group))?;
        }
        Ok(())
    }
}

/// Whether everybody may pass through all of these folders, those behind links too.
fn is_open_to_all(folder: &Path) -> bool {
    let Ok(folder) = fs::canonicalize(folder) else { return false };
    folder.ancestors().all(|folder| fs::metadata(folder).is_ok_and(|found| found.mode() & 0o001 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greets_knows_the_server_by_its_one_letter() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for letter in [b'N', b'H'] {
                let (mut client, _) = listener.accept().unwrap();
                let mut asked = [0; 8];
                client.read_exact(&mut asked).unwrap();
                client.write_all(&[letter]).unwrap();
            }
        });
        assert!(greets(port) && !greets(port));
    }

    #[test]
    fn folder_behind_a_link_is_as_closed_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let (open, closed) = (home.path().join("open"), home.path().join("closed"));
        fs::create_dir_all(closed.join("inner")).unwrap();
        fs::create_dir(&open).unwrap();
        std::os::unix::fs::symlink(closed.join("inner"), open.join("link")).unwrap();
        for (path, mode) in [(home.path(), 0o755), (&closed, 0o700), (&open, 0o755)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        assert!(!is_open_to_all(&open.join("link")));
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(is_open_to_all(&open.join("link")), is_open_to_all(&open));
    }

    #[test]
    fn versions_are_numbers() {
        assert!(
            version_of(Path::new("/usr/lib/postgresql/15/bin")) > version_of(Path::new("/usr/lib/postgresql/9.6/bin"))
        );
    }
}
