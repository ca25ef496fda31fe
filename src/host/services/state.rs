//! How a server runs, [`How`], and whether it can be used, [`State`].

use serde::Serialize;

/// How a server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// As a process of this machine.
    Native,
    /// In a container.
    Compose,
}

impl How {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Compose => "compose",
        }
    }
}

/// Whether a server can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It answers.
    Up,
    /// It runs and does not answer yet.
    Starting,
    /// It has its port, and does not answer: it is stopped, or does nothing any more.
    Silent,
    /// It runs in a container, and its health check fails.
    Unhealthy,
    /// It does not run.
    Down,
}

impl State {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Starting => "starting",
            Self::Silent => "silent",
            Self::Unhealthy => "unhealthy",
            Self::Down => "down",
        }
    }
}
