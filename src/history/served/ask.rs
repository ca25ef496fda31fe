//! A command's side: whether a server owns the history, and having it run the command.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::super::caller::Caller;
use super::super::command::{Cli, Through};
use super::messages::{Answer, Asked, Found, beside};
use crate::host::paths;
use crate::host::terminal::output;

/// A server on this machine takes a connection at once, or there is none.
const CONNECTS: Duration = Duration::from_secs(2);

/// What became of a command.
pub(in super::super) enum Ran {
    /// A server has run it.
    There(ExitCode),
    /// It is to be run here; while the connection is open the file is ours.
    Here(Option<TcpStream>),
}

/// The process of the server that has this history open, where there is one.
pub fn at_work(history: &Path) -> Option<u32> {
    let found: Found = serde_json::from_slice(&fs::read(beside(history)).ok()?).ok()?;
    // One that was killed has left its file.
    TcpStream::connect_timeout(&found.address.parse().ok()?, CONNECTS).is_ok().then_some(found.process)
}

/// Has the server that owns the history run a command, where there is one.
///
/// # Errors
/// When there is one that does not answer.
pub(in super::super) fn ask(cli: &Cli) -> Result<Ran> {
    if cli.through() == Through::Elsewhere {
        return Ok(Ran::Here(None));
    }
    let file = beside(&paths::history());
    let found: Found = match fs::read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ran::Here(None)),
        read => {
            let text = read.with_context(|| format!("cannot read {}", file.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("{} is of another version", file.display()))?
        }
    };
    // One that was killed has left its file.
    let Ok(address) = found.address.parse() else { return Ok(Ran::Here(None)) };
    let Ok(stream) = TcpStream::connect_timeout(&address, CONNECTS) else { return Ok(Ran::Here(None)) };
    let arguments = env::args_os().skip(1).map(std::ffi::OsString::into_string);
    let Ok(arguments) = arguments.collect::<Result<Vec<_>, _>>() else { bail!("an argument is no UTF-8") };
    let caller = Caller::here(cli.sql() == Some("-")).context("cannot read stdin")?;
    let asked = Asked { secret: found.secret, home: paths::home(), arguments, caller };
    let mut line = serde_json::to_vec(&asked)?;
    line.push(b'\n');
    (&stream).write_all(&line).with_context(|| format!("the server at {address} cannot be asked"))?;
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line).with_context(|| format!("the server at {address} does not answer"))?;
    if line.is_empty() {
        // Another program has its port by now, or it was ended just then.
        return Ok(Ran::Here(None));
    }
    let answer =
        serde_json::from_str(&line).with_context(|| format!("no answer of the server at {address}: {line}"))?;
    match answer {
        Answer::Lent => {
            // What is left of it in this reader is nothing: the server says no more.
            drop(reader);
            Ok(Ran::Here(Some(stream)))
        }
        Answer::Refused { why } => bail!("{why} (the server is process {})", found.process),
        Answer::Ran { code, stdout, stderr } => {
            let (mut printed, mut noted) = (vec![0; stdout], vec![0; stderr]);
            reader
                .read_exact(&mut printed)
                .and_then(|()| reader.read_exact(&mut noted))
                .context("the server broke off")?;
            std::io::stderr().write_all(&noted)?;
            output::bytes(&printed)?;
            Ok(Ran::There(ExitCode::from(code)))
        }
    }
}
