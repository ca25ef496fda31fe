//! `cargo xtask comment`: the gate's text as the one comment on a pull request, made or brought up to date.
//!
//! It calls the GitHub CLI, which is on GitHub's runners, and knows nothing of what the text says but its first line.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use querydyno::host::gate::page::MARKER;
use querydyno::host::terminal::output;
use serde_json::{Deserializer, Value, json};

/// GitHub takes no longer comment.
const LONGEST: usize = 65_536;
/// Stands below the marker of a text that was cut, where no unfinished part of the text can swallow it.
const CUT: &str = "**Cut at the end: the whole text is in the summary and the artifact of the workflow's run.**\n\n";
/// Who writes with a workflow's own token. That token may not ask who it is.
const WORKFLOWS: &str = "github-actions[bot]";

/// Post the gate's page as a comment on a pull request, or update the one that is there
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask gate --base main --markdown gate.md           writes the text
  GH_TOKEN=… GITHUB_REPOSITORY=owner/name cargo xtask comment --pull-request 7 gate.md

GitHub Actions sets GITHUB_REPOSITORY; GH_TOKEN is `github.token` there, which the step has to pass on.")]
pub(crate) struct Comment {
    /// The pull request's number
    #[arg(long, value_name = "NUMBER")]
    pull_request: u64,
    /// What `cargo xtask gate --markdown FILE` wrote
    file: PathBuf,
}

impl Comment {
    pub(crate) fn run(self) -> Result<()> {
        let file = self.file.display();
        let text = fs::read_to_string(&self.file)
            .with_context(|| format!("cannot read {file}; it is written by: cargo xtask gate --markdown {file}"))?;
        ensure!(
            is_ours(&text),
            "{file} does not begin with the line {MARKER}, by which the comment is found again; name what `cargo xtask gate --markdown` wrote"
        );
        let repository = variable("GITHUB_REPOSITORY", "the pull request's repository, as owner/name")?;
        variable(
            "GH_TOKEN",
            "a token that may write comments on pull requests; in a workflow `GH_TOKEN: ${{ github.token }}` in the step's env",
        )?;
        let comments = format!("repos/{repository}/issues/{}/comments", self.pull_request);
        let pages = gh(&["--paginate", &format!("{comments}?per_page=100")], None)?;
        let user = gh(&["user", "--jq", ".login"], None).unwrap_or_else(|_| WORKFLOWS.to_owned());
        let body = json!({ "body": cut(&text) }).to_string();
        let (method, path, done) = match find(&pages, user.trim())? {
            Some(id) => ("PATCH", format!("repos/{repository}/issues/comments/{id}"), "updated"),
            None => ("POST", comments, "posted"),
        };
        let url = gh(&["--method", method, &path, "--input", "-", "--jq", ".html_url"], Some(&body))?;
        output::line(format_args!("{done}: {}", url.trim()))
    }
}

/// Whether a text is the gate's, by its first line.
fn is_ours(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.trim_end() == MARKER)
}

/// The id of the first of a user's comments that is the gate's. Older versions of the CLI print an array a page, one after
/// the other, newer ones one array.
///
/// # Errors
/// When it is not what GitHub prints.
fn find(pages: &str, user: &str) -> Result<Option<u64>> {
    for page in Deserializer::from_str(pages).into_iter::<Vec<Value>>() {
        let page = page.context("`gh api` printed something else than lists of comments")?;
        let ours = |comment: &&Value| {
            comment["user"]["login"].as_str() == Some(user) && comment["body"].as_str().is_some_and(is_ours)
        };
        if let Some(comment) = page.iter().find(ours) {
            return comment["id"].as_u64().map(Some).context("GitHub's comment has no id");
        }
    }
    Ok(None)
}

/// As much as a comment may be: whole lines, with a note where some are missing.
fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let (marker, rest) = text.split_once('\n').unwrap_or((text, ""));
    let room = LONGEST - marker.chars().count() - 1 - CUT.chars().count();
    let end = rest.char_indices().nth(room).map_or(rest.len(), |(index, _)| index);
    // A single line longer than all that is cut within.
    let end = rest[..end].rfind('\n').map_or(end, |index| index + 1);
    format!("{marker}\n{CUT}{}", &rest[..end])
}

fn variable(name: &str, what: &str) -> Result<String> {
    let value = env::var(name).unwrap_or_default();
    ensure!(!value.is_empty(), "{name} is not set: {what}");
    Ok(value)
}

/// What `gh api` prints.
fn gh(args: &[&str], input: Option<&str>) -> Result<String> {
    let mut command = Command::new("gh");
    command.arg("api").args(args).stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let started = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match started {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(
                "there is no gh, the GitHub CLI: it is on GitHub's runners, elsewhere install it from https://cli.github.com"
            )
        }
        started => started.context("cannot start gh, the GitHub CLI")?,
    };
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // One that ended before it read everything says why itself.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().context("cannot wait for gh")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("gh api {}: {}{}", args.join(" "), said.trim(), advice(&said));
    }
    String::from_utf8(output.stdout).context("gh printed something else than text")
}

/// What to do about GitHub's refusals.
fn advice(said: &str) -> &'static str {
    if said.contains("HTTP 403") || said.contains("HTTP 401") {
        "\nThe token may not: the job needs `permissions: pull-requests: write`, which a fork's pull request is never given"
    } else if said.contains("HTTP 404") {
        "\nThere is no such pull request, or the token may not see it: look at GITHUB_REPOSITORY and --pull-request"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(id: u64, login: &str, body: &str) -> Value {
        json!({ "id": id, "user": { "login": login }, "body": body })
    }

    #[test]
    fn the_comment_is_ours_and_the_first_of_all_pages() {
        let gate = format!("{MARKER}\r\nno row regressed");
        let first = json!([
            comment(1, "somebody", &gate),
            comment(2, WORKFLOWS, "looks good"),
            comment(3, WORKFLOWS, &format!("quoted: {MARKER}")),
            { "id": 4, "user": null, "body": gate },
        ]);
        let second = json!([comment(5, WORKFLOWS, &gate), comment(6, WORKFLOWS, &gate)]);
        let merged = Value::Array([first.as_array().unwrap().clone(), second.as_array().unwrap().clone()].concat());
        for pages in [format!("{first}{second}"), format!("{first}\n{second}"), merged.to_string()] {
            assert_eq!(find(&pages, WORKFLOWS).unwrap(), Some(5), "{pages}");
            assert_eq!(find(&pages, "somebody").unwrap(), Some(1), "{pages}");
            assert_eq!(find(&pages, "nobody").unwrap(), None, "{pages}");
        }
        assert_eq!(find("[]", WORKFLOWS).unwrap(), None);
        assert_eq!(find("", WORKFLOWS).unwrap(), None);
        for broken in ["{}", "[", "<html>"] {
            assert!(find(broken, WORKFLOWS).unwrap_err().to_string().contains("lists of comments"), "{broken}");
        }
    }

    #[test]
    fn a_text_of_the_greatest_length_stays_and_a_longer_one_says_that_it_is_cut() {
        let text = |lines: usize| format!("{MARKER}\n{}", "näher\n".repeat(lines));
        let fits = (LONGEST - MARKER.len() - 1) / 6;
        assert_eq!(cut(&text(fits)), text(fits));

        let whole = text(fits + 1);
        let cut_text = cut(&whole);
        assert!(cut_text.chars().count() <= LONGEST && is_ours(&cut_text) && cut_text.ends_with("näher\n"));
        let rest = cut_text.strip_prefix(&format!("{MARKER}\n{CUT}")).unwrap();
        assert!(whole.contains(rest), "lines are whole");
        assert!(cut_text.chars().count() > LONGEST - 6, "no more is cut than has to be");

        let one_line = format!("{MARKER}\n{}", "ä".repeat(LONGEST));
        assert_eq!(cut(&one_line).chars().count(), LONGEST);
    }

    #[test]
    fn only_the_gates_text_is_posted() {
        assert!(is_ours(&format!("{MARKER}\n# Gate")) && is_ours(MARKER));
        for text in ["", "# Gate", " <!-- querydyno-gate -->", &format!("\n{MARKER}")] {
            assert!(!is_ours(text), "{text}");
        }
    }

    #[test]
    fn a_refusal_comes_with_what_to_do() {
        assert!(advice("gh: Resource not accessible by integration (HTTP 403)").contains("pull-requests: write"));
        assert!(advice("gh: Not Found (HTTP 404)").contains("--pull-request"));
        assert_eq!(advice("gh: Server Error (HTTP 502)"), "");
    }
}
