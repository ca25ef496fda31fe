//! What a thread prints and notes, kept instead: for a program that answers another one, which shows it.

use std::cell::RefCell;

use anyhow::Context as _;

/// What was printed and noted.
#[derive(Debug, Default)]
pub struct Captured {
    /// What would have been on stdout.
    pub stdout: Vec<u8>,
    /// What would have been on stderr.
    pub stderr: Vec<u8>,
}

impl Captured {
    /// The rows that were printed as a list of JSON; nothing that was printed is none.
    ///
    /// # Errors
    /// When it is no such list: that is not to be taken for none.
    pub fn rows(&self) -> anyhow::Result<Vec<serde_json::Value>> {
        if self.stdout.trim_ascii().is_empty() {
            return Ok(Vec::new());
        }
        serde_json::from_slice(&self.stdout).context("what was printed is no list of rows")
    }
}

thread_local! {
    static KEPT: RefCell<Option<Captured>> = const { RefCell::new(None) };
}

/// Runs something whose prints and notes are kept, as far as they are of this thread.
pub fn captured<T>(run: impl FnOnce() -> T) -> (T, Captured) {
    /// What was kept before is kept on, whatever becomes of the run.
    struct Before(Option<Captured>);
    impl Drop for Before {
        fn drop(&mut self) {
            KEPT.set(self.0.take());
        }
    }
    let _before = Before(KEPT.replace(Some(Captured::default())));
    let value = run();
    (value, KEPT.take().unwrap_or_default())
}

/// Keeps what is printed, where this thread's is kept.
pub(super) fn keep_printed(bytes: &[u8]) -> bool {
    KEPT.with_borrow_mut(|kept| kept.as_mut().map(|kept| kept.stdout.extend_from_slice(bytes)).is_some())
}

/// Keeps a line that is noted, where this thread's is kept.
pub(super) fn keep_noted(line: &str) -> bool {
    let keep = |kept: &mut Captured| kept.stderr.extend_from_slice(format!("{line}\n").as_bytes());
    KEPT.with_borrow_mut(|kept| kept.as_mut().map(keep).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::output;
    use super::{Captured, captured};

    #[test]
    fn captured_keeps_what_this_thread_prints_and_nothing_after_it() {
        let ((), kept) = captured(|| output::line("a").unwrap());
        assert_eq!(kept.stdout, b"a\n");
        let ((), outer) = captured(|| {
            let ((), inner) = captured(|| output::print("b").unwrap());
            assert_eq!(inner.stdout, b"b");
            output::print("c").unwrap();
        });
        assert_eq!(outer.stdout, b"c");
    }

    #[test]
    fn rows_takes_nothing_for_none_and_no_other_text() {
        let of = |text: &str| Captured { stdout: text.into(), ..Captured::default() }.rows();
        assert_eq!(of("[{\"a\": 1}]\n").unwrap().len(), 1);
        assert!(of("\n").unwrap().is_empty() && of("[]").unwrap().is_empty());
        assert!(of("{\"a\": 1}").is_err() && of("[{").is_err());
    }
}
