//! Pages of the documentation as tests read them: their commands, links, headings and sentences.

use std::fs;
use std::path::{Path, PathBuf};

use querydyno::host::paths::root;
use regex::Regex;

/// A file in Markdown.
pub struct Page {
    /// From the repository's top.
    pub path: PathBuf,
    pub text: String,
}

/// A fenced block.
pub struct Block {
    pub language: String,
    pub text: String,
}

/// A command that a page shows, on one line, and the output below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub command: String,
    pub output: Option<String>,
}

impl Page {
    pub fn read(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let text = fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, text }
    }

    /// README and the pages of `src/docs`.
    pub fn all() -> Vec<Self> {
        let mut paths = vec![PathBuf::from("README.md")];
        let mut pages: Vec<PathBuf> = fs::read_dir(root().join("src/docs"))
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "md") && !path.ends_with("links.md"))
            .map(|path| path.strip_prefix(root()).unwrap().to_owned())
            .collect();
        pages.sort();
        paths.append(&mut pages);
        paths.into_iter().map(Self::read).collect()
    }

    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for line in self.text.lines() {
            match (line.trim_start().strip_prefix("```"), open.take()) {
                (Some(language), None) => {
                    open = Some(Block { language: language.to_owned(), text: String::new() });
                }
                (Some(_), Some(block)) => blocks.push(block),
                (None, Some(mut block)) => {
                    block.text += &format!("{line}\n");
                    open = Some(block);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block has no end", self.path.display());
        blocks
    }

    /// What its blocks of commands show, in their order.
    pub fn shown(&self) -> Vec<Shown> {
        let mut all = Vec::new();
        for block in self.blocks() {
            match block.language.as_str() {
                "sh" => all.extend(commands(&block.text).into_iter().map(|command| Shown { command, output: None })),
                "console" => {
                    for part in format!("\n{}", block.text).split("\n$ ").skip(1) {
                        let (command, output) = part.split_once('\n').unwrap_or((part, ""));
                        all.push(Shown { command: command.to_owned(), output: Some(output.to_owned()) });
                    }
                }
                _ => {}
            }
        }
        all
    }

    /// Commands of ours within its sentences and tables.
    pub fn spoken(&self) -> Vec<String> {
        let span = Regex::new("`(cargo (?:xtask|bench)[^`]*)`").unwrap();
        span.captures_iter(&self.prose())
            .map(|found| found[1].split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    /// Its text without blocks.
    pub fn prose(&self) -> String {
        let mut inside = false;
        let outside = self.text.lines().filter(|line| {
            let fence = line.trim_start().starts_with("```");
            inside ^= fence;
            !inside && !fence
        });
        outside.collect::<Vec<_>>().join("\n")
    }

    /// Sentences outside of blocks and tables, links by their words.
    pub fn sentences(&self) -> Vec<String> {
        let link = Regex::new(r"!?\[([^\]]*)\](?:\([^)]*\))?").unwrap();
        let prose: Vec<String> = self
            .prose()
            .lines()
            .map(|line| {
                if line.starts_with('|') || line.starts_with('#') || line.starts_with('[') && line.contains("]: ") {
                    String::new()
                } else {
                    line.to_owned()
                }
            })
            .collect();
        let prose = prose.join("\n");
        let mut sentences = Vec::new();
        let ends = Regex::new(r"[.;:?!](?:\s+|$)").unwrap();
        for paragraph in Regex::new(r"\n\s*\n|\n\s*- ").unwrap().split(&prose) {
            let plain = link.replace_all(paragraph, "$1").replace('\n', " ");
            sentences
                .extend(ends.split(&plain).map(|sentence| sentence.trim().to_owned()).filter(|one| !one.is_empty()));
        }
        sentences
    }

    /// Files that its links lead to, from the repository's top, and web addresses left out.
    pub fn links(&self) -> Vec<PathBuf> {
        let link = Regex::new(r"(?m)\]\(([^)\s]+)\)|^\[[\w-]+\]: (\S+)$").unwrap();
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let text = self.prose();
        let found = link.captures_iter(&text).filter_map(|found| found.get(1).or(found.get(2)));
        let files = found.map(|target| target.as_str().to_owned()).filter(|target| !target.contains("://"));
        files.map(|target| folder.join(target.split('#').next().unwrap_or_default())).collect()
    }

    /// Pages that it names as `[gate]`.
    pub fn named(&self) -> Vec<String> {
        let name = Regex::new(r"\[([a-z0-9_]+)\](?:[^(:\w]|$)").unwrap();
        let code = Regex::new("`[^`]*`").unwrap();
        let text = code.replace_all(&self.prose(), "").into_owned();
        name.captures_iter(&text).map(|found| found[1].to_owned()).collect()
    }
}

/// Commands of a block, each on one line and without its comment.
pub fn commands(block: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = String::new();
    for line in block.lines() {
        let line = without_comment(&format!("{open}{}", line.trim()));
        if let Some(start) = line.strip_suffix('\\') {
            open = start.trim_end().to_owned() + " ";
        } else if quotes(&line).is_some() {
            open = line + " ";
        } else {
            open.clear();
            if !line.is_empty() {
                all.push(line);
            }
        }
    }
    assert!(open.is_empty(), "a command has no end: {open}");
    all
}

/// The quote that is open at the end of a line.
fn quotes(line: &str) -> Option<char> {
    line.chars().fold(None, |open, c| match (open, c) {
        (None, '\'' | '"') => Some(c),
        (Some(quote), c) if quote == c => None,
        _ => open,
    })
}

fn without_comment(line: &str) -> String {
    let starts = line.match_indices('#').map(|(at, _)| at);
    let comment =
        starts.into_iter().find(|at| (*at == 0 || line[..*at].ends_with(' ')) && quotes(&line[..*at]).is_none());
    line[..comment.unwrap_or(line.len())].trim_end().to_owned()
}
