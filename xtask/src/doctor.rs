//! `cargo xtask doctor`: what this machine can and cannot measure, and why; what is not good comes first.

use anyhow::Result;
use clap::Args;
use querydyno::host::doctor::{Finding, State, examine};
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output;
use querydyno::measure::machine::Host;
use querydyno::protocol::units::Bytes;
use serde_json::json;

use crate::json::Json;

const WIDTH: usize = 110;
/// Columns of state and name.
const MARGIN: usize = 26;

/// Say what this machine can and cannot measure, why, and what to do about it
///
/// Takes some 2 seconds and keeps all processors busy for one of them, so leave it out while something is measured.
/// It changes nothing. The exit code is 0 whatever is found.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask doctor
  cargo xtask doctor --json")]
pub(crate) struct Doctor {
    #[command(flatten)]
    json: Json,
}

impl Doctor {
    pub(crate) fn run(self) -> Result<()> {
        let findings = examine(&Settings::read()?);
        let host = Host::read();
        if self.json.is_wanted() {
            self.json.write(&serde_json::to_string_pretty(&json!({ "host": host, "findings": findings }))?)?;
            return Ok(());
        }
        let memory = host.memory_bytes.map_or_else(|| "unknown memory".to_owned(), |bytes| Bytes(bytes).to_string());
        let cpu = host.cpu.as_deref().unwrap_or("unknown processor");
        output::line(format_args!("{cpu}, {} processors, {memory}, Linux {}\n", host.cores, host.kernel))?;
        let (bad, good): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.state != State::Good);
        for finding in bad {
            output::line(format_args!("{}\n", in_full(finding)))?;
        }
        for finding in good {
            output::line(in_a_line(finding))?;
        }
        Ok(())
    }
}

/// What was seen, what it means and the remedy, below each other.
fn in_full(finding: &Finding) -> String {
    let means = format!("means: {}", finding.means);
    let remedy = finding.remedy.as_ref().map(|remedy| format!("do: {remedy}"));
    let lines = [finding.seen.clone(), means].into_iter().chain(remedy).flat_map(|text| wrapped(&text));
    let text = lines.collect::<Vec<_>>().join(&format!("\n{:MARGIN$}", ""));
    format!("{}{text}", margin(finding))
}

/// What was seen, and what it means where there is room.
fn in_a_line(finding: &Finding) -> String {
    let short = format!("{}{}", margin(finding), finding.seen);
    let long = format!("{short}: {}", finding.means);
    if long.chars().count() <= WIDTH { long } else { short }
}

fn margin(finding: &Finding) -> String {
    format!("{:<9}{:<width$}", finding.state, finding.name, width = MARGIN - 9)
}

/// Lines that fit beside the margin; a longer word stays whole, so that it can be copied.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line > 0 && MARGIN + line + 1 + word.chars().count() > WIDTH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
