//! What the core needs from outside, and what it tells.

use crate::error::Error;
use crate::state_machine::effect::{Change, RequestId};
use crate::state_machine::remote_map::PendingOperation;
use crate::wire::GridId;
use crate::wire::blob::Blob;
use crate::wire::command::{Claim, CollectionId, CollectionKind, Operation, Outcome, RemoteEvent};

/// Names a collection object of the front, one per `createMap` and the like.
pub type Handle = u32;

/// Names one of the front's requests.
pub type Token = u32;

/// Names an event that was handed to the front, and whose sender waits; zero when it does not.
pub type DeliveryId = u32;

/// Whoever shows a peer to its users; in the Node.js package, the event loop.
///
/// Notices come from several tasks, but those that belong together come in order: what a command did to a collection,
/// then that it is committed, then the answer to its caller. An implementation must neither block nor call back.
pub trait Front: Send + Sync + 'static {
    fn notice(&self, notice: Notice<'_>);

    /// There are notices or packets to fetch. May be called more often than needed.
    fn wake(&self);
}

/// Where ids and the spread of delays come from.
pub trait Random: Send + Sync + 'static {
    /// Uniform over all values.
    fn next_u64(&self) -> u64;
}

/// The operating system's own randomness.
pub struct OsRandom;

impl Random for OsRandom {
    fn next_u64(&self) -> u64 {
        getrandom::u64().unwrap_or_default()
    }
}

/// What users are to hear of, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice<'a> {
    State(State),
    Leader(Option<&'a str>),
    PeerJoined(&'a str),
    PeerLeft(&'a str),
    NoHeartbeat(&'a str),
    Joined,
    Rejoining,
    /// Fewer than a majority of the voters can be reached.
    QuorumLost,
    /// A leader is there again, and the grid is the same.
    QuorumRestored,
    /// This peer's grid goes on from another, which had lost its majority; `missing` had a vote there and took no part.
    Reformed {
        grid: GridId,
        parent: GridId,
        epoch: u64,
        missing: &'a [String],
    },
    /// Another grid has become part of this one.
    GridMerged {
        grid: GridId,
        merged: GridId,
        epoch: u64,
    },
    Left,
    /// The collection can be used; a fill replaces its mirror silently.
    Ready {
        handle: Handle,
        revision: u64,
        fill: Option<Vec<(Blob, Blob)>>,
    },
    Refused {
        handle: Handle,
        code: &'a str,
        text: &'a str,
    },
    Changes {
        handle: Handle,
        revision: u64,
        changes: &'a [Change],
    },
    Completed {
        token: Token,
        outcome: &'a Outcome,
    },
    Failed {
        token: Token,
        error: Error,
    },
    Commit {
        index: u64,
        source: &'a str,
        operation: &'a Operation,
    },
    /// The leader is to ask the user's store for an epoch, after what it was given before for the same handle.
    Claim {
        handle: Handle,
        term: u64,
        claim: Claim,
    },
    /// The leader is to run this operation on the user's store, after those it was given before for the same handle.
    Execute {
        handle: Handle,
        term: u64,
        epoch: u64,
        attempt: u8,
        operation: &'a PendingOperation,
        /// Its request, if that is this peer's.
        caller: Option<Token>,
    },
    /// Nothing that was handed over in `term` or before may be started any more.
    Halt {
        term: u64,
    },
    /// What the operation has changed that was first asked as `origin`.
    RemoteEvents {
        handle: Handle,
        origin: RequestId,
        events: &'a [RemoteEvent],
    },
    /// The leader is at work on this map; `head` is the caller's own request if that is the one that runs.
    Progress {
        handle: Handle,
        head: Option<Token>,
    },
    EventsLost {
        handle: Handle,
    },
    /// Another peer's event, for the listeners of this emitter; see [`Call::AnswerDeliveries`].
    Delivery {
        handle: Handle,
        id: DeliveryId,
        source: &'a str,
        event: &'a str,
        payload: &'a Blob,
    },
    /// Entries were dropped from the log; `expired` if because of their age.
    LogRemoved {
        entries: Vec<LoggedEntry>,
        expired: bool,
    },
    Error(Error),
}

/// A peer's role, as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not running.
    Empty,
    Follower,
    Candidate,
    Leader,
}

/// What the front asks of a running or not yet running peer.
#[derive(Debug)]
pub enum Call {
    Open {
        handle: Handle,
        kind: CollectionKind,
        collection: CollectionId,
        remote: RemoteOptions,
    },
    Shut {
        handle: Handle,
    },
    Submit(Vec<(Token, Operation)>),
    /// What came of what [`Notice::Execute`] and [`Notice::Claim`] handed over.
    Reply(Vec<Reply>),
    /// Completes when everything that is committed by now has been applied here; with a handle, also when the
    /// operations of that remote map that were pending have been executed.
    Barrier {
        token: Token,
        handle: Option<Handle>,
    },
    /// The caller has given up.
    Abandon {
        token: Token,
    },
    WatchCommits(bool),
    WatchLog(bool),
    /// Events of emitters, to be sent in this order.
    Publish(Vec<Publication>),
    /// Whether the listeners of an event, if there were any, have been called.
    AnswerDeliveries(Vec<(DeliveryId, bool)>),
    Forget {
        peer_id: String,
    },
    /// The front's event loop is alive.
    Beat,
}

/// How the front's remote map is to be executed. Other kinds of collections have no use for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteOptions {
    /// Whether its store hands out epochs, and refuses whoever has a lower one.
    pub fenced: bool,
    /// When so many operations wait for their execution, further ones of this peer are refused.
    pub max_pending: usize,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self { fenced: false, max_pending: usize::MAX }
    }
}

#[derive(Debug)]
pub struct Reply {
    pub handle: Handle,
    /// That of the order.
    pub term: u64,
    pub answer: Answer,
}

#[derive(Debug)]
pub enum Answer {
    Executed {
        position: u64,
        outcome: Outcome,
        events: Vec<RemoteEvent>,
    },
    /// The store has given an epoch; the claim as text.
    Acquired {
        claim: String,
        epoch: u64,
    },
    /// The store has refused this epoch, because a later one has written. What was handed over is dropped.
    Refused {
        epoch: u64,
    },
    /// The store fails, and is asked again and again: until there is another answer, nothing gets on.
    StandsStill,
}

/// An event of an emitter, on its way directly to other peers.
#[derive(Debug)]
pub struct Publication {
    /// Completes with the positions of the peers that have received it; `None` when nobody waits.
    pub token: Option<Token>,
    pub collection: CollectionId,
    pub event: String,
    pub payload: Blob,
    pub peers: Vec<String>,
}

/// An entry of the log, for readers.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEntry {
    pub index: u64,
    pub term: u64,
    /// When this peer stored it, in milliseconds since 1970.
    pub stored_at_ms: u64,
    /// With the peer that asked for it; empty when the entry is the engine's own or a piece of housekeeping.
    pub operations: Vec<(String, Operation)>,
}
