//! What a server says of a result and of its session, held against what came: [`Received`] and [`ServerSession`].
//!
//! A client that goes on where these disagree shows rows twice or not at all, or the answer of a session without its settings.

use anyhow::{Result, ensure};

/// The rows of one result that came so far.
#[derive(Debug, Default)]
pub(super) struct Received {
    rows: u64,
}

impl Received {
    /// Takes down a message with `came` rows, of which the server says that there are `count`, and `before` ahead of them; servers
    /// before Spark 4.0 say nothing of the latter.
    ///
    /// # Errors
    /// When it is otherwise.
    pub(super) fn message(&mut self, before: Option<i64>, count: i64, came: usize) -> Result<()> {
        let came = came as u64;
        ensure!(u64::try_from(count) == Ok(came), "a part of the result has {came} rows, and the server said {count}");
        if let Some(before) = before {
            ensure!(
                u64::try_from(before) == Ok(self.rows),
                "a part of the result begins behind row {before}, and {} rows came before it: rows are missing, or came twice",
                self.rows
            );
        }
        self.rows += came;
        Ok(())
    }

    /// How many there are.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }
}

/// The name that the server gives to the session, which is another after it was started anew or has ended the session: the client's own
/// name for it stays, and tables and settings are gone.
#[derive(Debug, Default)]
pub(super) struct ServerSession(Option<String>);

impl ServerSession {
    /// Takes down what the server says with an answer; some say nothing.
    ///
    /// # Errors
    /// When it is another session than before.
    pub(super) fn told(&mut self, name: &str) -> Result<()> {
        if name.is_empty() {
            return Ok(());
        }
        let known = self.0.get_or_insert_with(|| name.to_owned());
        ensure!(
            known == name,
            "the server was started anew, or ended the session after an hour without work: its tables and settings are gone; run it \
             again"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn received_message_sees_rows_that_are_missing_or_came_twice() {
        let mut received = Received::default();
        received.message(Some(0), 3, 3).unwrap();
        received.message(None, 0, 0).unwrap();
        received.message(Some(3), 2, 2).unwrap();
        assert_eq!(received.rows(), 5);
        for before in [3, 7, -1] {
            let error = received.message(Some(before), 2, 2).unwrap_err().to_string();
            assert!(error.contains("5 rows came before it"), "{error}");
        }
        assert!(received.message(Some(5), 2, 1).unwrap_err().to_string().contains("has 1 rows, and the server said 2"));
        assert!(received.message(Some(5), -1, 0).is_err());
        assert_eq!(received.rows(), 5);
    }

    #[test]
    fn server_session_is_the_first_that_is_told() {
        let mut session = ServerSession::default();
        for name in ["", "a", "", "a"] {
            session.told(name).unwrap();
        }
        assert!(session.told("b").unwrap_err().to_string().contains("tables and settings are gone"));
    }
}
