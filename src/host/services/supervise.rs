//! A server's start below a process that outlives us, waits for it and writes down how it ended: only a parent is told that by the
//! kernel, and whoever measures a server later is not its parent.
//!
//! That process is a shell of a few lines. It is not part of the server: it has a session of its own, and nothing of it is measured.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::wait::POLL;

/// In the environment of all processes of a server: the folder that it is kept in.
pub(super) const MARK: &str = "QUERYDYNO_SERVICE_FOLDER";

/// How the names of files begin that say how a process ended; its supervisor's number follows.
const ENDED: &str = "ended-";
/// How long a supervisor may take to write down what it has seen.
const SOON: Duration = Duration::from_secs(2);
/// What a shell adds to a signal's number.
const SIGNALLED: i32 = 128;

/// Its arguments: the folder, then the server's command. The number of the server's process goes to its output, what the server
/// writes to its errors. In the foreground, since a shell without a terminal has background processes ignore signals.
const SUPERVISE: &str = r#"exec 4>&2 2>/dev/null
sh -c 'QUERYDYNO_SERVICE_FOLDER=$1; export QUERYDYNO_SERVICE_FOLDER; shift; echo $$; exec setsid "$@" >&2 4>&-' sh "$@" 2>&4
code=$?
exec 4>&-
echo $code >"$1/ended-$$"
exit $code"#;

/// The supervisor of a server that runs now, and the number of the server's process.
#[derive(Debug)]
pub(super) struct Supervised {
    /// Ends with the server, and with its exit code.
    pub(super) supervisor: Child,
    pub(super) pid: u32,
}

/// The command below a supervisor: everything but where its output goes.
pub(super) fn wrap(command: &Command, folder: &Path) -> Command {
    let mut wrapped = Command::new("sh");
    wrapped.args(["-c", SUPERVISE, "sh"]).arg(folder).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    // One that runs as another user may not be able to go to the folder.
    let directory = command.get_current_dir().unwrap_or(folder);
    wrapped.stdin(Stdio::null()).stdout(Stdio::piped()).current_dir(directory);
    wrapped
}

/// Starts what [`wrap`] gave.
///
/// # Errors
/// When there is no shell, or it says no number.
pub(super) fn start(wrapped: &mut Command, program: &str) -> Result<Supervised> {
    let mut supervisor = wrapped.spawn().with_context(|| format!("cannot start sh, which starts {program}"))?;
    let mut line = String::new();
    let said = supervisor.stdout.take().map(|output| BufReader::new(output).read_line(&mut line));
    let pid = said.and_then(Result::ok).and_then(|_| line.trim().parse().ok());
    let Some(pid) = pid else {
        let _ = supervisor.kill().and_then(|()| supervisor.wait());
        bail!("cannot start {program}: the shell that starts it ended");
    };
    Ok(Supervised { supervisor, pid })
}

/// Waits for a supervisor in a thread, so that its end leaves no zombie while we run.
pub(super) fn reap(mut supervisor: Child) {
    std::thread::spawn(move || supervisor.wait());
}

/// How the process below this supervisor ended, in words that follow its name; it has ended, and its supervisor may not have said so yet.
pub(super) fn end_of(folder: &Path, supervisor: u32) -> Option<String> {
    let file = file_of(folder, supervisor);
    let deadline = Instant::now() + SOON;
    loop {
        let said = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
        if said.is_some() || Instant::now() > deadline || !Path::new(&format!("/proc/{supervisor}")).exists() {
            let said = said.or_else(|| fs::read_to_string(&file).ok()?.trim().parse().ok());
            return said.map(told);
        }
        std::thread::sleep(POLL);
    }
}

/// Removes what supervisors wrote before.
pub(super) fn forget(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(ENDED) {
            // What stays is of a number that is written down no more.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn file_of(folder: &Path, supervisor: u32) -> PathBuf {
    folder.join(format!("{ENDED}{supervisor}"))
}

/// An exit code of a shell.
fn told(code: i32) -> String {
    const NAMES: [(i32, &str); 7] = [
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (15, "SIGTERM"),
    ];
    let signal = code - SIGNALLED;
    if !(1..65).contains(&signal) {
        return format!("ended by itself with exit code {code}");
    }
    let name = NAMES.iter().find(|(number, _)| *number == signal).map(|(_, name)| format!(" ({name})"));
    format!("was ended by signal {signal}{}", name.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> (Supervised, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("GIVEN", "two words");
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut wrapped = wrap(&command, folder.path());
        wrapped.stderr(log);
        (start(&mut wrapped, "sh").unwrap(), folder)
    }

    #[test]
    fn supervise_tells_how_a_server_ended() {
        for (script, told) in [
            ("exit 3", "ended by itself with exit code 3"),
            ("kill -KILL $$", "was ended by signal 9 (SIGKILL)"),
            ("kill -40 $$", "was ended by signal 40"),
        ] {
            let (mut started, folder) = run(script);
            started.supervisor.wait().unwrap();
            assert_eq!(end_of(folder.path(), started.supervisor.id()).as_deref(), Some(told));
            forget(folder.path());
            assert_eq!(end_of(folder.path(), started.supervisor.id()), None);
        }
    }

    #[test]
    fn supervise_leaves_the_server_its_number_its_environment_and_its_log() {
        let (mut started, folder) = run("echo $$ $GIVEN $QUERYDYNO_SERVICE_FOLDER; echo error >&2; : <&0; echo 9>&4");
        started.supervisor.wait().unwrap();
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        let wanted = format!("{} two words {}\nerror\n", started.pid, folder.path().display());
        // It has none of the shell's own descriptors.
        assert!(log.starts_with(&wanted) && log[wanted.len()..].contains('4'), "{log}");
    }
}
