//! Errors with stable codes. Every error that reaches a user carries one of these.

use std::fmt;

/// What went wrong, in a form that programs can test. Text may change between releases; codes do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The peer or the collection was closed, or left the grid.
    Closed,
    /// The request may or may not have been applied, and nobody can tell any more.
    OutcomeUnknown,
    /// One write is larger than `maxCommandBytes`.
    CommandTooLarge,
    /// Too many operations of a remote map wait for their execution.
    TooManyPending,
    /// Another running peer of the grid has this peer id.
    PeerIdInUse,
    /// Nobody who can lead has created the remote map.
    NoExecutor,
    /// Bytes that arrived are not a message of ours, or are damaged.
    InvalidMessage,
    /// A call's argument is malformed.
    InvalidArgument,
    /// A fault of our own.
    Internal,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::CommandTooLarge => "COMMAND_TOO_LARGE",
            Self::TooManyPending => "TOO_MANY_PENDING",
            Self::PeerIdInUse => "PEER_ID_IN_USE",
            Self::NoExecutor => "NO_EXECUTOR",
            Self::InvalidMessage => "INVALID_MESSAGE",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::Internal => "INTERNAL",
        }
    }
}

/// A [`Code`] and what to tell the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub code: Code,
    pub text: String,
}

impl Error {
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.text)
    }
}

impl std::error::Error for Error {}
