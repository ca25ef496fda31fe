//! The program that speaks HTTP: `curl`, or `wget` where there is no curl.
//!
//! Both know the machine's proxies and certificates, and go on with a download that was cut. A client in the host itself
//! would cost every first build TLS and its cryptography, about a minute on two cores. Addresses may hold a
//! password, so they go to the client by its input and not by its arguments, which anybody on the machine can read.

use std::fs;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::pip::Pip;
use super::url;
use crate::host::catalog::command;

/// How to get one.
pub(crate) const INSTALL: &str = "install curl (Debian, Ubuntu: apt-get install curl)";

const LOOK: Duration = Duration::from_millis(100);
/// Seconds to be answered at all, and without a byte.
const CONNECT: u32 = 15;
const STALLED: u32 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    Curl,
    Wget,
}

/// Why a file did not come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// What the client said, in one line.
    pub(super) said: String,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It broke off, or the server was busy: another try may go through.
    Again,
    /// The server refuses; where a download was to go on, it may give the file from its beginning.
    Refused,
    /// It could not be written.
    Disk,
    /// There is no way to the server.
    Unreachable,
}

impl Client {
    /// The one that this machine has.
    pub(super) fn find() -> Option<Self> {
        let has = |program: &str| command::version_of(program).is_some();
        [Self::Curl, Self::Wget].into_iter().find(|client| has(client.program()))
    }

    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Wget => "wget",
        }
    }

    /// Gets the file; goes on after what is there already. `seen` is told how many bytes are there. Gives the address that it
    /// came from in the end, as far as the client tells.
    ///
    /// # Errors
    /// When the client does not start, or after an interrupt; what it could not do is the inner error.
    pub(super) fn get(
        self,
        pip: &Pip,
        address: &str,
        into: &Path,
        mut seen: impl FnMut(u64),
    ) -> Result<Result<String, Failure>> {
        let mut command = Command::new(self.program());
        let input = match self {
            Self::Curl => {
                // The file of the user's own settings is read as well.
                command.args(["--config", "-"]);
                curl_input(pip, address, into)
            }
            Self::Wget => {
                command.args(wget_arguments(pip, address, into));
                format!("{address}\n")
            }
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut told, mut said) = (String::new(), String::new());
        let status = command::run(&mut command, |child| {
            child.stdin.take().context("no input")?.write_all(input.as_bytes())?;
            while child.try_wait()?.is_none() {
                seen(fs::metadata(into).map_or(0, |file| file.len()));
                std::thread::sleep(LOOK);
            }
            (told, said) = (all_of(child.stdout.take())?, all_of(child.stderr.take())?);
            Ok(())
        })?;
        if status.success() {
            let last = told.lines().last().filter(|line| line.contains("://")).unwrap_or(address);
            return Ok(Ok(url::with_login_of(address, last)));
        }
        Ok(Err(self.failure(status, &said)))
    }

    fn failure(self, status: ExitStatus, said: &str) -> Failure {
        let code = status.code().unwrap_or(-1);
        let busy = ["500", "502", "503", "504", "429"].iter().any(|number| said.contains(&format!(" {number}")));
        let kind = match (self, code) {
            (Self::Curl, 22) | (Self::Wget, 8) if busy => Kind::Again,
            (Self::Curl, 22 | 33 | 36) | (Self::Wget, 8) => Kind::Refused,
            (Self::Curl, 16 | 18 | 28 | 52 | 55 | 56 | 92) => Kind::Again,
            (Self::Curl, 23) | (Self::Wget, 3) => Kind::Disk,
            // Its only code for all that the network does.
            (Self::Wget, 4) if !said.contains("resolve") && !said.contains("refused") => Kind::Again,
            _ => Kind::Unreachable,
        };
        let line = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let said = if line.is_empty() { format!("{} ended with {status}", self.program()) } else { line.to_owned() };
        Failure { said, kind }
    }
}

fn all_of(pipe: Option<impl Read>) -> Result<String> {
    let mut bytes = Vec::new();
    pipe.context("no pipe")?.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn curl_input(pip: &Pip, address: &str, into: &Path) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut lines = vec![
        "silent\nshow-error\nfail\nlocation\nnetrc-optional".to_owned(),
        format!("connect-timeout = {CONNECT}\nspeed-limit = 1\nspeed-time = {STALLED}"),
        format!("header = {}", quoted("Accept: text/html, application/octet-stream;q=0.9, */*;q=0.5")),
        format!("write-out = {}", quoted("%{url_effective}\\n").replace("\\\\n", "\\n")),
        format!("url = {}", quoted(address)),
        format!("output = {}", quoted(&into.to_string_lossy())),
    ];
    lines.extend(into.exists().then(|| "continue-at = -".to_owned()));
    lines.extend(pip.trusts(address).then(|| "insecure".to_owned()));
    lines.extend(pip.proxy.iter().map(|proxy| format!("proxy = {}", quoted(proxy))));
    lines.extend(pip.cert.iter().map(|path| format!("cacert = {}", quoted(&path.to_string_lossy()))));
    lines.extend(pip.client_cert.iter().map(|path| format!("cert = {}", quoted(&path.to_string_lossy()))));
    lines.join("\n") + "\n"
}

fn wget_arguments(pip: &Pip, address: &str, into: &Path) -> Vec<String> {
    let mut all: Vec<String> = ["--no-verbose", "--tries=1", "--input-file=-"].map(str::to_owned).into();
    all.extend([format!("--timeout={STALLED}"), format!("--connect-timeout={CONNECT}")]);
    all.push(format!("--output-document={}", into.display()));
    all.extend(into.exists().then(|| "--continue".to_owned()));
    all.extend(pip.trusts(address).then(|| "--no-check-certificate".to_owned()));
    if let Some(proxy) = &pip.proxy {
        let settings = ["use_proxy=yes".to_owned(), format!("https_proxy={proxy}"), format!("http_proxy={proxy}")];
        all.extend(settings.into_iter().flat_map(|setting| ["-e".to_owned(), setting]));
    }
    all.extend(pip.cert.iter().map(|cert| format!("--ca-certificate={}", cert.display())));
    all.extend(pip.client_cert.iter().map(|cert| format!("--certificate={}", cert.display())));
    all
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn kind(client: Client, code: i32, said: &str) -> Kind {
        client.failure(ExitStatus::from_raw(code << 8), said).kind
    }

    #[test]
    fn failure_tells_what_may_go_through_another_time() {
        assert_eq!(kind(Client::Curl, 22, "curl: (22) The requested URL returned error: 404"), Kind::Refused);
        assert_eq!(kind(Client::Curl, 22, "curl: (22) The requested URL returned error: 503"), Kind::Again);
        assert_eq!(kind(Client::Curl, 6, "curl: (6) Could not resolve host: pypi.example"), Kind::Unreachable);
        assert_eq!(kind(Client::Wget, 4, "failed: Connection refused."), Kind::Unreachable);
        assert_eq!(kind(Client::Wget, 4, "Read error at byte 7"), Kind::Again);
        assert_eq!(kind(Client::Wget, 8, "ERROR 404: Not Found."), Kind::Refused);
        let silent = Client::Curl.failure(ExitStatus::from_raw(9), "\n");
        assert!(silent.said.starts_with("curl ended with signal: 9"), "{}", silent.said);
    }

    #[test]
    fn curl_input_quotes_and_keeps_the_password_out_of_the_arguments() {
        let pip = Pip { proxy: Some("http://p:\"1".to_owned()), ..Pip::default() };
        let input = curl_input(&pip, "https://me:word@host/x", Path::new("/nowhere/a b"));
        for line in ["url = \"https://me:word@host/x\"", "output = \"/nowhere/a b\"", "proxy = \"http://p:\\\"1\""] {
            assert!(input.lines().any(|found| found == line), "{input}");
        }
        assert!(input.contains("write-out = \"%{url_effective}\\n\"") && !input.contains("continue-at"), "{input}");
        let arguments = wget_arguments(&pip, "https://me:word@host/x", Path::new("/nowhere/x"));
        assert!(!arguments.concat().contains("word"), "{arguments:?}");
    }
}
