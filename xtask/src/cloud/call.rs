//! A call of the `aws` CLI as words: [`Call`]. What is run and what `--dry-run` prints are the same.

use std::fmt;

/// Words behind `aws`, and why it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) words: Vec<String>,
    pub(super) why: &'static str,
}

impl Call {
    /// A service and its operation: `ec2 run-instances`.
    pub(super) fn new(service: &str, operation: &str, why: &'static str) -> Self {
        Self { words: vec![service.to_owned(), operation.to_owned()], why }
    }

    #[must_use]
    pub(super) fn arg(mut self, flag: &str, value: impl Into<String>) -> Self {
        self.words.extend([flag.to_owned(), value.into()]);
        self
    }

    /// A flag with several values.
    #[must_use]
    pub(super) fn args<V: Into<String>>(mut self, flag: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.words.push(flag.to_owned());
        self.words.extend(values.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub(super) fn flag(mut self, flag: &str) -> Self {
        self.words.push(flag.to_owned());
        self
    }

    #[must_use]
    pub(super) fn arg_if(self, flag: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.arg(flag, value),
            None => self,
        }
    }

    pub(super) fn operation(&self) -> &str {
        &self.words[1]
    }
}

impl fmt::Display for Call {
    /// For a shell, a flag a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("aws")?;
        for word in &self.words {
            f.write_str(if word.starts_with("--") { " \\\n    " } else { " " })?;
            f.write_str(&quoted(word))?;
        }
        Ok(())
    }
}

/// A word as a shell takes it. What stands for the answer of an earlier call, `$AMI`, stays what it is.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@$+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_shown_as_a_shell_takes_it() {
        let call = Call::new("ec2", "create-tags", "").arg("--tags", "it's {x}").args("--ids", ["i-1", "$ID"]);
        let shown = "aws ec2 create-tags \\\n    --tags 'it'\\''s {x}' \\\n    --ids i-1 $ID";
        assert_eq!(call.to_string(), shown);
    }
}
