//! openraft's type parameters, chosen for this crate.

use std::fmt;
use std::sync::Arc;

#[cfg(not(feature = "simulation"))]
use openraft_rt_tokio::TokioRuntime as Runtime;
use serde::{Deserialize, Serialize};

#[cfg(feature = "simulation")]
use super::runtime::SimulationRuntime as Runtime;
use crate::wire::NodeId;
use crate::wire::blob::Blob;

openraft::declare_raft_types!(
    pub TypeConfig:
        D = LogData,
        R = (),
        NodeId = NodeId,
        Node = Member,
        AsyncRuntime = Runtime,
        // With this leader id a committed log id is a term and an index; the node id stays out of every entry.
        LeaderId = openraft::impls::leader_id_std::LeaderId<u64, NodeId>,
);

/// An encoded [`crate::wire::command::Command`].
///
/// Entries stay encoded in the log: they are encoded once by the peer that asks, copied to the others as they are, and
/// decoded once on each when they apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogData(pub Blob);

impl fmt::Display for LogData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What the membership says of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub peer_id: String,
    /// Whether it may lead in the eyes of users; `false` for `onlyFollower` peers.
    pub electable: bool,
}

/// An encoded snapshot; see [`crate::state_machine::StateMachine::to_snapshot`].
pub type SnapshotData = Arc<Vec<u8>>;
