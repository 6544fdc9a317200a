//! One peer: finds its grid, keeps its place in it, and brings requests to the leader and answers back.
//!
//! ```text
//!  front ──calls──▶ Peer ──events──▶ Driver ──proposals──▶ raft::RaftInstance
//!    ▲                │                │  ▲                      │ committed
//!    │                └──packets───────┘  └───signals─── replica::Feed
//!    │                                                           │
//!    └────────notices──────────── replica, standing ◀────────────┘
//! ```
//!
//! - [`driver`]: the event loop; [`packets`] and [`sending`]: what comes in and what goes out
//! - [`discovery`] and [`joining`]: from no grid into one, and out of it
//! - [`leading`]: what the leader does beside leading; [`office`]: remote operations; [`upkeep`]: dropping what is unused
//! - [`reforming`]: giving a grid up, going on from one, bringing one into another; [`estate`]: what is kept of one
//! - [`quorum`]: when that may be
//! - [`claiming`]: epochs of stores
//! - [`election`], [`membership`], [`remote_executor`]: the rules of those, without time and network
//! - [`deliveries`], [`delivering`]: an emitter's events, directly from peer to peer
//! - [`logbook`]: the log for readers
//! - [`requests`]: the peer's own requests, until they are answered
//! - [`replica`]: the replicated state, and what of it the front hears
//! - [`standing`]: who leads and who is there, as users see it
//! - [`outbox`], [`switchboard`]: packets out, calls and answers

pub mod claiming;
pub mod deliveries;
mod delivering;
pub mod discovery;
mod driver;
pub mod election;
pub mod estate;
#[cfg(feature = "simulation")]
mod inspection;
mod joining;
mod leading;
pub mod logbook;
pub mod membership;
mod office;
pub mod outbox;
mod packets;
pub mod quorum;
mod reforming;
pub mod remote_executor;
pub mod replica;
pub mod requests;
mod sending;
pub mod standing;
pub mod switchboard;
mod upkeep;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle as RuntimeHandle;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::config::Options;
use crate::error::{Code, Error};
use crate::ports::{Call, Front, LoggedEntry, Notice, Random, State};
use crate::raft::instance::RaftInstance;
use crate::raft::log_store::LogExtent;
use crate::state_machine::remote_map::RemoteMap;
use crate::wire::{GridId, NodeId};
use driver::{Driver, Event};
use outbox::{Outbox, Outgoing};
use replica::NodeReplica;

/// A peer, running or not. Calls return at once; what comes of them is told to the [`Front`].
pub struct Peer {
    options: Options,
    front: Arc<dyn Front>,
    random: Arc<dyn Random>,
    outbox: Arc<Outbox>,
    replica: Arc<NodeReplica>,
    events: UnboundedSender<Event>,
    /// The other end of `events` while no driver runs. Calls that come before `start` wait in it.
    parked: Arc<Mutex<Option<UnboundedReceiver<Event>>>>,
    status: Arc<Mutex<Status>>,
}

/// What can be known of a peer at any moment without asking it.
#[derive(Debug, Clone, Copy)]
pub struct StatusReport {
    /// This start of the peer; zero while it does not run.
    pub node: NodeId,
    /// The grid that it is in; zero when in none.
    pub grid: GridId,
    /// Whether it leads in Raft's eyes; users may not see it yet.
    pub leads: bool,
    pub term: u64,
    pub commit_index: Option<u64>,
    pub log: LogExtent,
    /// The peer's own requests that have no answer yet.
    pub pending_requests: usize,
    pub running_remote_operations: usize,
}

/// Written by the driver, read by the front's thread.
#[derive(Default)]
struct Status {
    node: NodeId,
    grid: GridId,
    term: u64,
    commit_index: Option<u64>,
    log: LogExtent,
    running_remote_operations: usize,
    /// For a stop that must not wait: what to say to the others.
    parting: Option<driver::Parting>,
    /// For readers of the log.
    raft: Option<RaftInstance>,
}

impl Peer {
    pub fn new(options: Options, front: Arc<dyn Front>, random: Arc<dyn Random>) -> Result<Self, Error> {
        let options = options.validate()?;
        let (events, receiver) = mpsc::unbounded_channel();
        Ok(Self {
            outbox: Arc::new(Outbox::new(front.clone(), options.peer_id.clone())),
            options,
            replica: Arc::new(NodeReplica::new(front.clone())),
            front,
            random,
            events,
            parked: Arc::new(Mutex::new(Some(receiver))),
            status: Arc::default(),
        })
    }

    /// Begins to look for a grid. A running peer stays as it is.
    pub fn start(&self, runtime: &RuntimeHandle) {
        let Some(receiver) = lock(&self.parked).take() else {
            return;
        };
        let driver = Driver::new(
            self.options.clone(),
            self.front.clone(),
            self.random.clone(),
            self.outbox.clone(),
            self.replica.clone(),
            self.events.clone(),
            self.status.clone(),
        );
        let run = runtime.spawn(driver.run(receiver, self.parked.clone()));
        let front = self.front.clone();
        // Ends with the driver. A panic of ours must not leave users with a peer that looks alive.
        runtime.spawn(async move {
            if run.await.is_err_and(|error| error.is_panic()) {
                let text = "The peer stopped after a fault of the library; close it and make another";
                front.notice(Notice::Error(Error::new(Code::Internal, text)));
                front.notice(Notice::State(State::Empty));
                front.notice(Notice::Left);
                front.wake();
            }
        });
    }

    /// Begins to leave; [`crate::ports::Notice::Left`] ends it. A peer that does not run stays as it is.
    pub fn leave(&self) {
        if self.runs() {
            let _ = self.events.send(Event::Leave);
        }
    }

    /// Goes on with what this peer holds, although no majority of its grid can be reached. Does nothing while there is a
    /// leader.
    pub fn force_reform(&self) {
        if self.runs() {
            let _ = self.events.send(Event::ForceReform);
        }
    }

    /// Stops without waiting: what others should know of it is in [`Peer::outgoing`] when this returns.
    pub fn stop(&self) {
        if let Some(parting) = lock(&self.status).parting.take() {
            parting.say(&self.outbox);
        }
        if self.runs() {
            let _ = self.events.send(Event::Stop);
        }
    }

    fn runs(&self) -> bool {
        lock(&self.parked).is_none()
    }

    /// Takes in what the transport brought for this peer.
    pub fn accept(&self, source: String, payload: Vec<u8>) {
        let _ = self.events.send(Event::Payload { source, payload });
    }

    pub fn call(&self, call: Call) {
        let _ = self.events.send(Event::Call(call));
    }

    /// What the transport is to carry.
    pub fn outgoing(&self) -> Vec<Outgoing> {
        self.outbox.take()
    }

    /// The entries of the log from `start` up to `end`, not included, as far as it has them.
    pub fn log_entries(&self, start: u64, end: u64) -> Vec<LoggedEntry> {
        let raft = lock(&self.status).raft.clone();
        let records = raft.map(|raft| raft.records(start, end)).unwrap_or_default();
        logbook::read(records, &self.replica)
    }

    /// How many operations of this remote map wait for their execution, as far as this peer has applied the log.
    pub fn waiting_remote_operations(&self, collection: &str) -> usize {
        self.replica.lock().remote_map(collection).map_or(0, RemoteMap::len)
    }

    pub fn status(&self) -> StatusReport {
        let (applied_index, pending_requests) = {
            let state = self.replica.lock();
            (state.applied_index, state.requests.len())
        };
        let status = lock(&self.status);
        // What has applied is committed, even if the driver has not looked since.
        let applied = (applied_index > 0).then_some(applied_index);
        StatusReport {
            node: status.node,
            grid: status.grid,
            leads: status.raft.as_ref().is_some_and(RaftInstance::leads),
            term: status.term,
            commit_index: status.commit_index.max(applied),
            log: status.raft.as_ref().map_or(status.log, RaftInstance::extent),
            pending_requests,
            running_remote_operations: status.running_remote_operations,
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
