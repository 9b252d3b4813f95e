//! The error that users and scripts get when a request fails.

use serde::{Deserialize, Serialize};

/// What kind of failure: it decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The request itself is wrong. Exit 2.
    Usage,
    /// The name fits several things. Exit 2.
    Ambiguous,
    /// No such thing. Exit 4.
    NotFound,
    /// This user may not. Exit 5.
    NotPermitted,
    /// It contradicts what is there already. Exit 1.
    Conflict,
    /// A platform does not respond, or limits us. Exit 1.
    Unavailable,
    /// Something the platform needs is missing from the config. Exit 1.
    Unconfigured,
    /// The daemon cannot do it now: the store is read-only, or it is ending. Exit 1.
    Failed,
    /// The daemon is not reachable, or speaks another version. Exit 3.
    Unreachable,
}

impl ErrorKind {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Usage => "usage",
            ErrorKind::Ambiguous => "ambiguous",
            ErrorKind::NotFound => "not_found",
            ErrorKind::NotPermitted => "not_permitted",
            ErrorKind::Conflict => "conflict",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Unconfigured => "unconfigured",
            ErrorKind::Failed => "failed",
            ErrorKind::Unreachable => "unreachable",
        }
    }

    /// The exit code of a command that failed so.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Usage | ErrorKind::Ambiguous => 2,
            ErrorKind::NotFound => 4,
            ErrorKind::NotPermitted => 5,
            ErrorKind::Conflict | ErrorKind::Unavailable | ErrorKind::Unconfigured | ErrorKind::Failed => 1,
            ErrorKind::Unreachable => 3,
        }
    }
}

/// What failed, for whom, and what to do now. Holds no secret and no control character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct RosterError {
    pub kind: ErrorKind,
    /// What failed, in a sentence.
    pub message: String,
    /// What to do now, in a sentence.
    pub hint: Option<String>,
}

impl RosterError {
    /// An error without a hint.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The same error with what to do now.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An invalid request.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Nothing of that name.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// A contradiction to what is there.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// The daemon cannot do it now.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }
}
