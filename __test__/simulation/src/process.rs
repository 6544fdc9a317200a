//! A process of the application with its peer, on a thread and a clock of its own: both can be stopped, and a crash is
//! the end of the thread, without a last word.

use std::sync::Arc;
use std::time::Duration;

use hamok::config::Options;
use hamok::node::{Peer, StatusReport};
use hamok::ports::{Call, RemoteOptions};
use hamok::raft::instance::View;
use hamok::wire::{GridId, NodeId};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{self, Instant};

use crate::client::Client;
use crate::facade::{COLLECTIONS, EXACT, Facade};
use crate::random::{PeerRandom, Rng};
use crate::told::Recorder;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Well,
    /// The event loop is busy: nothing goes in or out, but the peer's own thread runs.
    Blocked,
    /// The operating system has stopped the whole process.
    Stopped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Up,
    Leaving,
    /// The peer has left; the process is there.
    Left,
    Down,
}

pub struct Process {
    pub index: usize,
    pub peer_id: String,
    pub name: String,
    pub condition: Condition,
    /// Since when, if its event loop turns.
    pub well_since_ms: u64,
    pub stage: Stage,
    pub facade: Facade,
    pub client: Client,
    pub peer: Peer,
    pub recorder: Arc<Recorder>,
    runtime: Option<Runtime>,
    /// The same moment on the process's clock and on the world's.
    born: (Instant, u64),
    heartbeat_ms: u64,
    pub lease_ms: u64,
    pub next_beat_ms: u64,
    /// The grids and nodes that it has been, in order.
    pub grids: Vec<GridId>,
    pub nodes: Vec<NodeId>,
    /// How far its log has been read.
    pub read: u64,
    /// How far it has been looked at, committed or not: the term, where the log ended, and how large it was.
    pub looked: Option<(u64, u64, usize)>,
}

impl Process {
    pub fn start(index: usize, options: Options, now_ms: u64, rng: &mut Rng) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime of one thread needs nothing that could be missing");
        let recorder = Arc::new(Recorder::default());
        let (peer_id, heartbeat_ms) = (options.peer_id.clone(), options.heartbeat_ms);
        let lease_ms = options.follower_max_idle_ms;
        let guard = runtime.enter();
        let born = (Instant::now(), now_ms);
        let peer = Peer::new(options, recorder.clone(), Arc::new(PeerRandom::new(rng.number())));
        let peer = peer.unwrap_or_else(|error| panic!("{error}"));
        peer.call(Call::WatchCommits(true));
        for (handle, kind, id) in COLLECTIONS {
            let remote = RemoteOptions { fenced: handle == EXACT, ..RemoteOptions::default() };
            peer.call(Call::Open { handle, kind, collection: id.into(), remote });
        }
        peer.start(runtime.handle());
        drop(guard);
        Self {
            index,
            name: format!("{peer_id}#{index}"),
            peer_id,
            condition: Condition::Well,
            well_since_ms: now_ms,
            stage: Stage::Up,
            facade: Facade::new(index, now_ms),
            client: Client::new(rng.fork(), now_ms),
            peer,
            recorder,
            runtime: Some(runtime),
            born,
            heartbeat_ms,
            lease_ms,
            next_beat_ms: now_ms,
            grids: Vec::new(),
            nodes: Vec::new(),
            read: 0,
            looked: None,
        }
    }

    pub fn is_up(&self) -> bool {
        self.stage != Stage::Down
    }

    /// Whether its event loop turns.
    pub fn is_well(&self) -> bool {
        self.is_up() && self.condition == Condition::Well
    }

    /// Does something with the peer, at the time on its clock.
    pub fn with_peer<R>(&self, act: impl FnOnce(&Peer) -> R) -> R {
        let _guard = self.runtime.as_ref().map(Runtime::enter);
        act(&self.peer)
    }

    /// The peer's own thread runs until this moment.
    pub fn run_until(&self, now_ms: u64) {
        let until = self.born.0 + Duration::from_millis(now_ms - self.born.1);
        if let Some(runtime) = &self.runtime {
            runtime.block_on(async { time::sleep_until(until).await });
        }
    }

    /// Time has passed in which nothing ran.
    pub fn skip_to(&self, now_ms: u64) {
        if let Some(runtime) = &self.runtime {
            let now = self.born.0 + Duration::from_millis(now_ms - self.born.1);
            runtime.block_on(async { time::advance(now.saturating_duration_since(Instant::now())).await });
        }
    }

    pub fn beat(&mut self, now_ms: u64) {
        if now_ms >= self.next_beat_ms && !self.facade.left {
            self.next_beat_ms = now_ms + self.heartbeat_ms;
            self.peer.call(Call::Beat);
        }
    }

    /// Joins again after it has left.
    pub fn join_again(&mut self) {
        if self.stage == Stage::Left
            && let Some(runtime) = &self.runtime
        {
            let guard = runtime.enter();
            self.peer.start(runtime.handle());
            drop(guard);
            self.stage = Stage::Up;
            self.facade.left = false;
        }
    }

    /// Ends without a word.
    pub fn crash(&mut self) {
        drop(self.runtime.take());
        self.stage = Stage::Down;
        self.facade.die();
    }

    /// The process ends after its peer was closed or has left.
    pub fn exit(&mut self) {
        drop(self.runtime.take());
        self.stage = Stage::Down;
        self.facade.close();
    }

    /// What its Raft node knows, at the time on its clock.
    pub fn view(&self) -> Option<View> {
        self.with_peer(Peer::view)
    }

    /// How long ago a quorum was last known to follow it, on its clock.
    pub fn quorum_age(&self) -> Option<Duration> {
        self.with_peer(|peer| Peer::view(peer)?.quorum_age())
    }

    pub fn status(&self) -> StatusReport {
        self.peer.status()
    }

    /// Whether all is as in a grid at peace.
    pub fn is_settled(&self) -> bool {
        let node = self.status().node;
        let live = self.facade.mirrors.values().all(|mirror| mirror.live && mirror.node == node);
        self.facade.joined && self.facade.leader.is_some() && live
    }
}
