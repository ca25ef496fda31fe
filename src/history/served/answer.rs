//! The server's side: commands of others run here, or the file is given to them.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser as _;

use super::super::Unmeant;
use super::super::caller;
use super::super::command::{Cli, Through};
use super::super::store::Access;
use super::guard::selects;
use super::messages::{Answer, Asked, Found, beside};
use super::owner::Owner;
use crate::host::checksum::hex;
use crate::host::files::{create_private, random};
use crate::host::terminal::captured;

/// A question is one line, of at most so many bytes.
const LONGEST: u64 = 16 << 20;
/// How long a question may take to arrive.
const ARRIVES: Duration = Duration::from_secs(10);

/// The file that says that there is a server; it goes with this value.
#[derive(Debug)]
pub struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Answers history commands on this machine from now on, in threads of its own.
///
/// # Errors
/// When no port is free, or the file beside the history cannot be written.
pub fn listen(owner: &Arc<Owner>) -> Result<Beside> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for history commands")?;
    let secret = secret()?;
    let found = Found { process: process::id(), address: listener.local_addr()?.to_string(), secret: secret.clone() };
    let file = beside(owner.path());
    write_privately(&file, &serde_json::to_vec(&found)?).with_context(|| format!("cannot write {}", file.display()))?;
    let owner = Arc::clone(owner);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (owner, secret) = (Arc::clone(&owner), secret.clone());
            thread::spawn(move || {
                if let Err(error) = answer(&owner, &secret, &stream) {
                    log::warn!("a history command was not answered: {error:#}");
                }
            });
        }
    });
    Ok(Beside(file))
}

/// 128 random bits for a secret.
fn secret() -> Result<String> {
    Ok(hex(&random::<16>().context("no random bytes")?))
}

/// Writes a file that only its owner can read, which appears whole.
fn write_privately(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let staged = file.with_added_extension("making");
    create_private(&staged)?.write_all(bytes)?;
    fs::rename(staged, file)
}

fn answer(owner: &Owner, secret: &str, stream: &TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(ARRIVES))?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line)?;
    // Nothing is said to who does not know the secret.
    let Ok(asked) = serde_json::from_str::<Asked>(&line) else { return Ok(()) };
    if !is_same(asked.secret.as_bytes(), secret.as_bytes()) {
        return Ok(());
    }
    if owner.home().is_none_or(|home| home != asked.home) {
        return refuse(
            stream,
            "the server has this history open for another QUERYDYNO_HOME: end it, or ask it with its own",
        );
    }
    let arguments = [OsString::from("history")].into_iter().chain(asked.arguments.iter().map(OsString::from));
    // What this version does not know is the other's to say.
    let cli = Cli::try_parse_from(arguments).ok();
    let through = cli.as_ref().map_or(Through::Alone, Cli::through);
    let cli = match (cli, through) {
        (Some(cli), Through::Reads | Through::Writes) if is_plain(owner, &cli, &asked)? => cli,
        _ => return lend(owner, stream),
    };
    let access = if through == Through::Writes { Access::Writes } else { Access::Reads };
    let (code, kept) = captured(|| {
        let run = |taken| {
            let run = |connection| caller::as_if(asked.caller, (owner.path(), connection), taken, || cli.run());
            owner.run(access, run)
        };
        match owner.taken_in().and_then(run) {
            Ok(code) => u8::from(code != ExitCode::SUCCESS),
            Err(error) => {
                log::error!("error: {error:#}");
                if error.is::<Unmeant>() { 2 } else { 1 }
            }
        }
    });
    let mut stream = stream;
    write_line(stream, &Answer::Ran { code, stdout: kept.stdout.len(), stderr: kept.stderr.len() })?;
    stream.write_all(&kept.stdout)?;
    Ok(stream.write_all(&kept.stderr)?)
}

/// Whether a command has no SQL that does anything but select.
fn is_plain(owner: &Owner, cli: &Cli, asked: &Asked) -> Result<bool> {
    let Some(statement) = cli.sql() else { return Ok(true) };
    let text = if statement == "-" { asked.caller.stdin().unwrap_or_default() } else { statement };
    owner.read(|store| Ok(selects(store, text).ok().flatten().is_some()))
}

fn lend(owner: &Owner, mut stream: &TcpStream) -> Result<()> {
    let lent = match owner.lend() {
        Ok(lent) => lent,
        Err(error) => return refuse(stream, &format!("{error:#}")),
    };
    write_line(stream, &Answer::Lent)?;
    // Until the command has ended, in whatever way.
    stream.set_read_timeout(None)?;
    let _ = stream.read(&mut [0]);
    drop(lent);
    Ok(())
}

fn refuse(stream: &TcpStream, why: &str) -> Result<()> {
    write_line(stream, &Answer::Refused { why: why.to_owned() })
}

fn write_line(mut stream: &TcpStream, answer: &Answer) -> Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    Ok(stream.write_all(&line)?)
}

/// Whether two secrets are the same, in a time that does not tell how much of them is.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}
