//! A peer's options, validated.

use crate::error::{Code, Error};

/// What to do when a majority of the voters is silent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QuorumLoss {
    /// Go on when survivors and newcomers are as many as a majority.
    #[default]
    Reform,
    /// Wait for a majority, or for the operator.
    Wait,
    /// Go on with whoever is there.
    Available,
}

/// What users configure, with the meaning and defaults that the README gives. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub peer_id: String,
    /// How long a member may be silent before the leader removes it, and how long `leave` may take.
    pub election_timeout_ms: u64,
    /// How long a leader may be silent before the others seek a new one.
    pub follower_max_idle_ms: u64,
    pub heartbeat_ms: u64,
    /// Votes and stores, but never leads in users' eyes.
    pub only_follower: bool,
    /// Log entries older than this may be dropped; zero keeps them until the log's size asks for it.
    pub log_entries_expiration_ms: u64,
    /// How often the leader tells that it is at work on queued remote operations.
    pub progress_period_ms: u64,
    /// A grid of fewer peers has no leader.
    pub min_peers: usize,
    pub quorum_loss: QuorumLoss,
    /// A larger write is refused.
    pub max_command_bytes: usize,
}

/// The engine needs a lease of at least this length to tell its timings apart.
const SHORTEST_LEASE_MS: u64 = 20;

impl Options {
    pub fn validate(self) -> Result<Self, Error> {
        let invalid = |text: &str| Err(Error::new(Code::InvalidArgument, text));
        if self.peer_id.is_empty() {
            return invalid("peerId must not be empty");
        }
        if self.heartbeat_ms == 0 {
            return invalid("heartbeatInMs must be greater than 0");
        }
        if self.min_peers == 0 {
            return invalid("minPeers must be greater than 0");
        }
        if self.follower_max_idle_ms < SHORTEST_LEASE_MS {
            return invalid("followerMaxIdleInMs must be at least 20");
        }
        Ok(self)
    }

    pub fn electable(&self) -> bool {
        !self.only_follower
    }
}
