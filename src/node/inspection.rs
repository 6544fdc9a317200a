//! What simulations look at, and users cannot.

use super::{Peer, lock};
use crate::raft::instance::View;
use crate::raft::log_store::LogRecord;
use crate::state_machine::StateMachine;

impl Peer {
    /// What the peer's Raft node knows at this moment; `None` while it is in no grid.
    pub fn view(&self) -> Option<View> {
        let raft = lock(&self.status).raft.clone();
        raft.map(|raft| raft.view())
    }

    /// The entries of the log from `start` up to `end`, not included, with their commands.
    pub fn log_records(&self, start: u64, end: u64) -> Vec<LogRecord> {
        let raft = lock(&self.status).raft.clone();
        raft.map(|raft| raft.records(start, end)).unwrap_or_default()
    }

    /// The index that was applied last, zero if none.
    pub fn applied_index(&self) -> u64 {
        self.replica.lock().applied_index
    }

    /// Looks at the replicated state.
    pub fn with_state<R>(&self, look: impl FnOnce(&StateMachine) -> R) -> R {
        look(&self.replica.lock().machine)
    }
}
