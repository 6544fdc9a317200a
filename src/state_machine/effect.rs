//! What an applied command means for a peer's own side.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::sessions::EndedSession;
use crate::wire::blob::Blob;
use crate::wire::command::{CollectionId, Operation, Outcome, RemoteEvent};
use crate::wire::{GridId, NodeId};

/// Names a request in the whole grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId {
    pub session: NodeId,
    pub number: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.session, self.number)
    }
}

/// One step of what an applied command did, in the order in which JavaScript is to hear of it: a collection's changes,
/// then `Committed`, then `Settled`.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect<'a> {
    /// One operation's changes of a collection; insertions come before updates.
    Changed { collection: CollectionId, revision: u64, changes: Vec<Change> },
    /// The operation is done on this peer.
    Committed { request: RequestId, index: u64, operation: Cow<'a, Operation> },
    /// The caller's answer.
    Settled { request: RequestId, outcome: Arc<Outcome> },
    /// A remote operation is in its map's pending list; its answer comes when the leader has executed it.
    Queued { request: RequestId },
    /// Operations of a remote map were executed, or may be from now on.
    RemoteWork,
    /// What executed operations did to the user's store.
    RemoteEvents { collection: CollectionId, origin: RequestId, events: Vec<RemoteEvent> },
    /// A batch was refused whole or from some request on, because the session's request `expected` is missing.
    Gap { session: NodeId, expected: u64 },
    /// A batch was refused because its session is not open.
    UnknownSession { session: NodeId },
    /// A peer came back under a new session; what its former one had done is final.
    SessionReplaced { session: NodeId, former: NodeId, ended: Option<EndedSession> },
    /// Another grid has become part of this one.
    Merged { loser: GridId, epoch: u64 },
}

/// A change of one entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Inserted { key: Blob, value: Blob },
    Updated { key: Blob, value: Blob },
    Removed { key: Blob },
    Cleared,
}
