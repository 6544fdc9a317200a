//! What peers send to one another.

use serde::{Deserialize, Serialize};

use super::blob::Blob;
use super::command::{CollectionId, LogPosition};
use super::{GridId, NodeId};
use crate::state_machine::effect::RequestId;

/// One message between two nodes. Variants of [`Body`] are append-only, like those of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Packet {
    /// The sender's grid; zero when it has none. Packets of another grid than the receiver's reach discovery only.
    pub grid: GridId,
    pub from: NodeId,
    /// The receiver; zero when whoever hears it is meant.
    pub to: NodeId,
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// "I am here": broadcast by a peer without a leader, and the answer to that.
    Hello(Hello),
    /// A peer without a grid proposes one to all that it has heard, under the packet's grid id.
    Propose,
    /// The answer: this peer will be in that grid and, for a while, in no other.
    Promise,
    /// A peer asks the leader to take it in.
    JoinRequest {
        peer_id: String,
        electable: bool,
    },
    /// The leader will take it in; it has caught up once it has applied `commit_index`.
    JoinAccepted {
        commit_index: u64,
    },
    /// The leader will not take it in: another live peer has its peer id.
    JoinRefused,
    /// A member asks the leader to be removed.
    LeaveRequest,
    /// The removal is committed.
    LeaveDone,
    /// The sender stops now. A leader adds a transfer of its lead, for whoever it names.
    Farewell {
        transfer: Option<Blob>,
    },
    /// A call of Raft's, and its answer.
    RaftRequest {
        id: u64,
        request: Blob,
    },
    RaftResponse {
        id: u64,
        response: Blob,
    },
    /// Requests of the sender's session, for the leader to propose: an encoded [`super::command::Command::Requests`].
    Submit {
        first: u64,
        count: u64,
        command: Blob,
    },
    /// The leader could not propose a batch: send again what has not applied.
    Resend,
    /// How far must one have applied to see everything committed by now?
    ReadIndex {
        id: u64,
    },
    ReadIndexReply {
        id: u64,
        index: u64,
    },
    /// The leader is at work on a remote map's pending operations; `head` is the one that runs.
    Progress {
        collection: CollectionId,
        head: RequestId,
    },
    /// To a node that the membership no longer has.
    Removed,
    /// Events of emitters. The sender waits for no answer to awaited ones below `settled_below` any more.
    Deliveries {
        settled_below: u64,
        deliveries: Vec<Delivery>,
    },
    /// By the numbers of awaited events: whether a listener was called.
    DeliveryAnswers(Vec<(u64, bool)>),
    /// To the leader: what the sender knows to be committed in another grid, to be merged into this one.
    Estate {
        grid: GridId,
        state: Blob,
    },
}

/// An event of an emitter, see [`crate::node::deliveries`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub number: u64,
    pub awaited: bool,
    pub collection: CollectionId,
    pub event: String,
    /// The arguments, as the front encodes them.
    pub payload: Blob,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub peer_id: String,
    pub electable: bool,
    /// The leader of the sender's grid as far as it knows.
    pub leader: Option<NodeId>,
    /// Whether the sender would like to hear a hello in return.
    pub asks: bool,
    /// Of a sender without a grid: the newest state that it holds of a grid that it has given up.
    pub estate: Option<EstateSummary>,
    /// Of a leader that is in touch: its grid, for peers of others.
    pub announcement: Option<Announcement>,
    /// Of a leader that is not: for how long it has heard of no quorum.
    pub quorum_silence_ms: Option<u64>,
}

/// What a peer holds of a grid that it has given up, see [`crate::node::estate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstateSummary {
    pub grid: GridId,
    pub epoch: u64,
    /// Where its log ends.
    pub last: LogPosition,
    /// How many peers have to take part in going on from it; 0: as many as there are, because the operator says so.
    pub needed: u64,
    /// Whether it had a vote in that grid.
    pub had_vote: bool,
}

impl EstateSummary {
    /// Of several estates the one with the highest rank is gone on from.
    pub fn rank(&self) -> impl Ord + use<> {
        (self.epoch, self.last, self.grid)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    pub members: u64,
    /// The grids that it goes on from.
    pub ancestors: Vec<GridId>,
}
