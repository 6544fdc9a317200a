//! A peer's replicated state, with its front, fed from a log that anybody may have written.

use std::sync::Arc;

use hamok::node::logbook;
use hamok::node::remote_executor::RemoteExecutor;
use hamok::node::replica::{Feed, NodeReplica};
use hamok::node::requests::Batch;
use hamok::ports::{Front, Notice, RemoteOptions};
use hamok::raft::apply::Replica;
use hamok::raft::log_store::{LogRecord, LogStore};
use hamok::state_machine::StateMachine;
use hamok::wire::blob::Blob;
use hamok::wire::codec;
use tokio::sync::mpsc;

use super::samples;

/// The peer's own session; [`samples::SESSION`] is another's.
const OWN_SESSION: u64 = 1;

struct Silent;

impl Front for Silent {
    fn notice(&self, _: Notice<'_>) {}

    fn wake(&self) {}
}

/// See the [module](self).
pub struct Grid {
    replica: Arc<NodeReplica>,
    feed: Feed,
    index: u64,
}

impl Grid {
    /// A peer that has one collection of each kind open, in a grid in which nothing has applied yet.
    pub fn new() -> Self {
        let replica = Arc::new(NodeReplica::new(Arc::new(Silent)));
        let (signals, _) = mpsc::unbounded_channel();
        let feed = Feed { replica: replica.clone(), source: 0, log: LogStore::default(), signals };
        for (handle, (kind, collection)) in (1..).zip(samples::COLLECTIONS) {
            replica.open(handle, kind, collection.into(), RemoteOptions::default());
        }
        replica.lock().watch_commits = true;
        replica.start_session(OWN_SESSION, "own");
        Self { replica, feed, index: 0 }
    }

    /// One in which its collections are open, and another peer's session too.
    pub fn opened() -> Self {
        let mut grid = Self::new();
        grid.apply_own();
        grid.apply(&codec::encode(&samples::opening()));
        grid
    }

    /// Applies an entry as it comes from the log, and reads it as users can.
    pub fn apply(&mut self, command: &[u8]) {
        self.index += 1;
        let command = Some(Blob::from(command));
        self.feed.apply(vec![(self.index, command.clone())]);
        let record = LogRecord { index: self.index, term: 1, stored_at_ms: 0, command };
        assert_eq!(logbook::read(vec![record], &self.replica).len(), 1);
    }

    /// Applies what the peer itself asks for.
    pub fn apply_own(&mut self) {
        while let Some(Batch { command, .. }) = self.take_batch() {
            self.apply(command.as_slice());
        }
    }

    fn take_batch(&self) -> Option<Batch> {
        self.replica.lock().requests.take_batch()
    }

    pub fn install(&mut self, snapshot: &[u8]) {
        self.index += 1;
        let _ = self.feed.install(self.index, snapshot);
    }

    /// What a leader does with such a state; and whether it survives as a snapshot.
    pub fn lead(&self) {
        let state = self.replica.lock();
        let mut executor = RemoteExecutor::take_office(1, &state);
        executor.hand_out(&state);
        executor.halt(&state);
        let again = StateMachine::from_snapshot(&state.machine.to_snapshot());
        assert!(again.is_ok_and(|again| again == state.machine), "the state is not what its snapshot says");
    }
}
