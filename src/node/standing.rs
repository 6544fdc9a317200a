//! Who leads and who is there, as users see it: turns what the node knows into notices, each change once and in the
//! order that users rely on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ports::{Front, Notice, State};

pub struct Standing {
    front: Arc<dyn Front>,
    me: String,
    state: State,
    leader: Option<String>,
    /// The peers that users know of, with the time at which each was last heard.
    peers: BTreeMap<String, u64>,
    joined: bool,
}

impl Standing {
    pub fn new(front: Arc<dyn Front>, me: &str) -> Self {
        Self { front, me: me.to_owned(), state: State::Follower, leader: None, peers: BTreeMap::new(), joined: false }
    }

    pub fn leader(&self) -> Option<&str> {
        self.leader.as_deref()
    }

    pub fn heard(&mut self, peer_id: &str, now_ms: u64) {
        if let Some(heard_at_ms) = self.peers.get_mut(peer_id) {
            *heard_at_ms = now_ms;
        } else if peer_id != self.me {
            self.peers.insert(peer_id.to_owned(), now_ms);
            self.tell(Notice::PeerJoined(peer_id));
        }
    }

    pub fn heard_at_ms(&self, peer_id: &str) -> Option<u64> {
        self.peers.get(peer_id).copied()
    }

    pub fn last_heard_at_ms(&self) -> u64 {
        self.peers.values().copied().max().unwrap_or(0)
    }

    pub fn no_heartbeat(&self, peer_id: &str) {
        self.tell(Notice::NoHeartbeat(peer_id));
    }

    pub fn gone(&mut self, peer_id: &str) {
        if self.peers.remove(peer_id).is_some() {
            self.tell(Notice::PeerLeft(peer_id));
        }
    }

    pub fn silent_since(&self, before_ms: u64) -> Vec<String> {
        self.peers.iter().filter(|(_, heard)| **heard < before_ms).map(|(peer_id, _)| peer_id.clone()).collect()
    }

    /// The first time that this peer takes part in a grid with a leader.
    pub fn joined(&mut self) {
        if !self.joined {
            self.joined = true;
            self.tell(Notice::Joined);
        }
    }

    /// The peer has to find a grid again; it tells when it is in one.
    pub fn has_to_join_again(&mut self) {
        self.set_leader(None);
        self.joined = false;
    }

    pub fn set_candidate(&mut self, candidate: bool) {
        match (candidate, self.state) {
            (true, State::Follower) if self.leader.is_none() => self.set_state(State::Candidate),
            (false, State::Candidate) => self.set_state(State::Follower),
            _ => {}
        }
    }

    pub fn set_leader(&mut self, leader: Option<&str>) {
        if self.leader.as_deref() == leader {
            return;
        }
        if self.leader.take().is_some() {
            self.tell(Notice::Rejoining);
            self.tell(Notice::Leader(None));
            if self.state == State::Leader {
                self.set_state(State::Follower);
            }
        }
        let Some(leader) = leader else { return };
        self.leader = Some(leader.to_owned());
        if leader == self.me {
            if self.state == State::Follower {
                self.set_state(State::Candidate);
            }
            self.tell(Notice::Leader(Some(leader)));
            self.set_state(State::Leader);
        } else {
            if self.state == State::Candidate {
                self.set_state(State::Follower);
            }
            self.tell(Notice::Leader(Some(leader)));
        }
        if self.joined {
            self.tell(Notice::Joined);
        }
    }

    /// The peer has left.
    pub fn end(&mut self) {
        if self.leader.take().is_some() {
            self.tell(Notice::Leader(None));
        }
        self.set_state(State::Empty);
        for peer_id in std::mem::take(&mut self.peers).into_keys() {
            self.tell(Notice::PeerLeft(&peer_id));
        }
        self.tell(Notice::Left);
    }

    fn set_state(&mut self, state: State) {
        self.state = state;
        self.tell(Notice::State(state));
    }

    fn tell(&self, notice: Notice<'_>) {
        self.front.notice(notice);
        self.front.wake();
    }
}
