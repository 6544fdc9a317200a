//! What a peer tells, kept until its event loop comes to it.

use std::sync::{Mutex, PoisonError};

use hamok::error::Error;
use hamok::ports::{DeliveryId, Front, Handle, Notice, State, Token};
use hamok::state_machine::effect::Change;
use hamok::state_machine::remote_map::PendingOperation;
use hamok::wire::NodeId;
use hamok::wire::blob::Blob;
use hamok::wire::command::Outcome;

/// A notice that owns what it tells. Those that a simulation makes nothing of are text. `Node` comes from the world: what
/// follows is told by that node.
#[derive(Debug, Clone)]
pub enum Told {
    Node(NodeId),
    State(State),
    Leader(Option<String>),
    Joined,
    Rejoining,
    Left,
    Ready { handle: Handle, revision: u64, fill: Option<Vec<(Blob, Blob)>> },
    Refused { handle: Handle, code: String },
    Changes { handle: Handle, revision: u64, changes: Vec<Change> },
    Completed { token: Token, outcome: Outcome },
    Failed { token: Token, error: Error },
    Claim { handle: Handle, term: u64, claim: String },
    Execute { handle: Handle, term: u64, epoch: u64, attempt: u8, operation: PendingOperation, caller: Option<Token> },
    Halt { term: u64 },
    Progress { handle: Handle, head: Option<Token> },
    Delivery { handle: Handle, id: DeliveryId, source: String, payload: Blob },
    Error(Error),
    Other(String),
}

impl From<Notice<'_>> for Told {
    fn from(notice: Notice<'_>) -> Self {
        match notice {
            Notice::State(state) => Self::State(state),
            Notice::Leader(leader) => Self::Leader(leader.map(str::to_owned)),
            Notice::Joined => Self::Joined,
            Notice::Rejoining => Self::Rejoining,
            Notice::Left => Self::Left,
            Notice::Ready { handle, revision, fill } => Self::Ready { handle, revision, fill },
            Notice::Refused { handle, code, .. } => Self::Refused { handle, code: code.to_owned() },
            Notice::Changes { handle, revision, changes } => {
                Self::Changes { handle, revision, changes: changes.to_vec() }
            }
            Notice::Completed { token, outcome } => Self::Completed { token, outcome: outcome.clone() },
            Notice::Failed { token, error } => Self::Failed { token, error },
            Notice::Claim { handle, term, claim } => Self::Claim { handle, term, claim: claim.to_string() },
            Notice::Execute { handle, term, epoch, attempt, operation, caller } => {
                Self::Execute { handle, term, epoch, attempt, operation: operation.clone(), caller }
            }
            Notice::Halt { term } => Self::Halt { term },
            Notice::Progress { handle, head } => Self::Progress { handle, head },
            Notice::Delivery { handle, id, source, payload, .. } => {
                Self::Delivery { handle, id, source: source.to_owned(), payload: payload.clone() }
            }
            Notice::Error(error) => Self::Error(error),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

#[derive(Default)]
pub struct Recorder(Mutex<Vec<Told>>);

impl Recorder {
    pub fn note(&self, told: Told) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }

    pub fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Front for Recorder {
    fn notice(&self, notice: Notice<'_>) {
        self.note(notice.into());
    }

    fn wake(&self) {}
}
