//! A running peer's event loop.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{self, Instant, MissedTickBehavior};

use super::deliveries::Deliveries;
use super::discovery::Discovery;
use super::election::ElectionClock;
use super::estate::Estate;
use super::joining::Leaving;
use super::leading::Leading;
use super::office::Office;
use super::outbox::Outbox;
use super::reforming::Reforming;
use super::replica::{NodeReplica, ReplicaState, Signal};
use super::requests::Purpose;
use super::sending::{CONFIRM_MS, Question, RESEND_MS, Sending};
use super::standing::Standing;
use super::switchboard::Switchboard;
use super::upkeep::Upkeep;
use super::{Status, lock};
use crate::config::Options;
use crate::error::{Code, Error};
use crate::mutation::Mutation;
use crate::ports::{Call, Front, Notice, Random, Token};
use crate::raft::instance::{RaftInstance, View};
use crate::raft::log_store::{LogExtent, LogStore};
use crate::raft::types::Member;
use crate::wire::command::{Inheritance, Operation};
use crate::wire::packet::{Body, Hello, Packet};
use crate::wire::{GridId, NodeId};

/// Events that are handled before what follows from them is done: enough to batch, few enough to stay fair.
const EVENTS_PER_TURN: usize = 512;
const SHORTEST_TICK_MS: u64 = 5;
const LONGEST_TICK_MS: u64 = 25;
/// How long to wait for a stopped Raft node to finish.
pub(super) const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(1_000);

/// What a driver reacts to.
pub(super) enum Event {
    Call(Call),
    Payload {
        source: String,
        payload: Vec<u8>,
    },
    Leave,
    ForceReform,
    Stop,
    /// Role, leader, term or membership of this Raft node have changed.
    RaftChanged(NodeId),
    /// This Raft node has stopped: because it was told to, or because of a fault.
    RaftEnded(NodeId),
    /// The membership change that was under way is over.
    MembershipChanged {
        made: bool,
    },
    /// This node, as the leader, has confirmed its lead.
    ReadIndex {
        asker: ReadIndexAsker,
        index: Option<u64>,
    },
}

pub(super) enum ReadIndexAsker {
    Barrier(Token),
    Office { term: u64 },
    Peer { node: NodeId, id: u64 },
}

/// What a peer that stops without waiting says.
pub(super) struct Parting {
    pub packet: Packet,
    /// For a leader, its Raft node, which knows who is to take over.
    pub raft: Option<(RaftInstance, bool)>,
}

impl Parting {
    pub fn say(self, outbox: &Outbox) {
        let Self { mut packet, raft } = self;
        let transfer = raft.and_then(|(raft, electable_only)| raft.parting_transfer(electable_only));
        packet.body = Body::Farewell { transfer: transfer.map(|(_, call)| call) };
        outbox.broadcast(&packet);
    }
}

/// The grid that this node is in, or about to be in.
pub(super) struct Grid {
    pub id: GridId,
    pub raft: RaftInstance,
    pub switchboard: Arc<Switchboard>,
    /// The peer has caught up once it has applied this index.
    pub catch_up_to: u64,
    pub session_started: bool,
    pub view: View,
    /// The last leader that was known, and its term.
    pub last_leader: Option<(u64, NodeId)>,
}

pub(super) struct Driver {
    pub options: Options,
    pub front: Arc<dyn Front>,
    random: Arc<dyn Random>,
    pub outbox: Arc<Outbox>,
    pub replica: Arc<NodeReplica>,
    pub events: UnboundedSender<Event>,
    pub signals: UnboundedSender<Signal>,
    signal_receiver: Option<UnboundedReceiver<Signal>>,
    status: Arc<Mutex<Status>>,
    started: Instant,
    pub node: NodeId,
    pub discovery: Discovery,
    pub election: ElectionClock,
    pub grid: Option<Grid>,
    /// What the present grid begins with, until it does.
    pub inheritance: Option<Inheritance>,
    pub reforming: Reforming,
    /// The grid that was asked to take this peer in.
    pub asked: Option<GridId>,
    pub standing: Standing,
    /// Nodes heard of, with their peer ids.
    pub directory: HashMap<NodeId, String>,
    pub leading: Leading,
    pub leaving: Option<Leaving>,
    /// Since when another live peer with this peer id keeps this one out.
    pub refused_since_ms: Option<u64>,
    pub proposals: FuturesUnordered<Pin<Box<dyn Future<Output = Option<NodeId>> + Send>>>,
    /// Raft nodes that are being stopped.
    shutdowns: FuturesUnordered<BoxFuture<'static, ()>>,
    pub sending: Sending,
    pub deliveries: Deliveries,
    pub office: Office,
    pub upkeep: Upkeep,
    pub log_is_watched: bool,
    view_is_stale: bool,
    session_open: bool,
    pub ended: bool,
}

impl Driver {
    pub fn new(
        options: Options,
        front: Arc<dyn Front>,
        random: Arc<dyn Random>,
        outbox: Arc<Outbox>,
        replica: Arc<NodeReplica>,
        events: UnboundedSender<Event>,
        status: Arc<Mutex<Status>>,
    ) -> Self {
        let (signals, signal_receiver) = mpsc::unbounded_channel();
        let reused = Mutation::ReusedNodeId.is_planted();
        let node = if reused { lasting_id(&options.peer_id) } else { fresh_id(&*random) };
        let me = Member { peer_id: options.peer_id.clone(), electable: options.electable() };
        Self {
            discovery: Discovery::new(node, me, options.min_peers, options.heartbeat_ms, 0),
            election: ElectionClock::new(options.follower_max_idle_ms, options.heartbeat_ms, 0),
            standing: Standing::new(front.clone(), &options.peer_id),
            leading: Leading::default(),
            options,
            front,
            random,
            outbox,
            replica,
            events,
            signals,
            signal_receiver: Some(signal_receiver),
            status,
            started: Instant::now(),
            node,
            grid: None,
            inheritance: None,
            reforming: Reforming::default(),
            asked: None,
            directory: HashMap::new(),
            leaving: None,
            refused_since_ms: None,
            proposals: FuturesUnordered::new(),
            shutdowns: FuturesUnordered::new(),
            sending: Sending::default(),
            deliveries: Deliveries::default(),
            office: Office::default(),
            upkeep: Upkeep::default(),
            log_is_watched: false,
            view_is_stale: false,
            session_open: false,
            ended: false,
        }
    }

    /// Runs until the peer has left or is stopped; then events wait in `parked` for the next driver.
    pub async fn run(
        mut self,
        mut events: UnboundedReceiver<Event>,
        parked: Arc<Mutex<Option<UnboundedReceiver<Event>>>>,
    ) {
        let Some(mut signals) = self.signal_receiver.take() else {
            return;
        };
        let tick_ms = (self.options.heartbeat_ms / 4).clamp(SHORTEST_TICK_MS, LONGEST_TICK_MS);
        let mut ticks = time::interval(Duration::from_millis(tick_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.set_parting();
        while !self.ended {
            // In this order, so that nothing starves: ticks are rare, and all but events come of events.
            tokio::select! {
                biased;
                _ = ticks.tick() => self.tick().await,
                Some(()) = self.shutdowns.next() => {}
                Some(signal) = signals.recv() => self.handle_signal(signal),
                Some(failed) = self.proposals.next() => self.proposal_ended(failed),
                Some(event) = events.recv() => {
                    self.handle(event).await;
                    for _ in 1..EVENTS_PER_TURN {
                        let Ok(event) = events.try_recv() else { break };
                        self.handle(event).await;
                    }
                }
            }
            if !self.ended {
                self.pursue().await;
            }
        }
        self.dismantle().await;
        let stopped = self.leaving.is_none();
        // A driver that is started next must find the events, before anybody hears that this one has ended.
        *lock(&parked) = Some(events);
        if !stopped {
            self.standing.end();
        }
    }

    /// A fresh id of a node, a grid or the like; never zero.
    pub fn random_id(&self) -> u64 {
        fresh_id(&*self.random)
    }

    pub fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    pub fn is_session_open(&self) -> bool {
        self.session_open
    }

    pub fn grid_id(&self) -> GridId {
        self.grid.as_ref().map_or(0, |grid| grid.id)
    }

    pub fn view(&self) -> Option<&View> {
        self.grid.as_ref().map(|grid| &grid.view)
    }

    pub fn packet(&self, to: NodeId, body: Body) -> Packet {
        Packet { grid: self.grid_id(), from: self.node, to, body }
    }

    pub fn send_to_node(&self, node: NodeId, body: Body) {
        if let Some(peer_id) = self.peer_id_of(node) {
            self.outbox.send(peer_id, &self.packet(node, body));
        }
    }

    pub fn peer_id_of(&self, node: NodeId) -> Option<&str> {
        let member = self.view().and_then(|view| view.members.get(&node)).map(|member| member.peer_id.as_str());
        member.or_else(|| self.directory.get(&node).map(String::as_str))
    }

    pub fn hello(&self, asks: bool) -> Body {
        let in_touch = self.quorum_silence_ms(self.now_ms()) <= self.options.election_timeout_ms;
        Body::Hello(Hello {
            peer_id: self.options.peer_id.clone(),
            electable: self.options.electable(),
            leader: self.view().and_then(|view| view.leader).filter(|_| in_touch),
            asks,
            estate: self.reforming.newest().filter(|_| self.grid.is_none()).map(Estate::summary),
            announcement: self.announcement(),
            quorum_silence_ms: self.is_out_of_touch().then(|| self.quorum_silence_ms(self.now_ms())),
        })
    }

    /// Takes part in this grid from now on, as whatever its leader makes of this node.
    pub async fn adopt(&mut self, id: GridId, catch_up_to: u64) {
        let now_ms = self.now_ms();
        let switchboard = Arc::new(Switchboard::new(self.outbox.clone(), id, self.node));
        self.ask_again_after(self.replica.start_over(self.node));
        self.replica.lock().grid = id;
        let log = LogStore::default();
        let (replica, signals) = (self.replica.clone(), self.signals.clone());
        let feed = super::replica::Feed { replica, source: self.node, log: log.clone(), signals };
        let lease = crate::raft::instance::Lease(self.options.follower_max_idle_ms);
        let raft = match RaftInstance::start(self.node, lease, log, switchboard.clone(), Arc::new(feed)).await {
            Ok(raft) => raft,
            Err(text) => return self.fail(text),
        };
        let (mut watch, events, node) = (raft.watch(), self.events.clone(), self.node);
        // Ends with the Raft node, or with the driver.
        tokio::spawn(async move {
            while watch.changed().await && events.send(Event::RaftChanged(node)).is_ok() {}
            let _ = events.send(Event::RaftEnded(node));
        });
        let view = raft.view();
        raft.watch_removed(self.log_is_watched);
        lock(&self.status).raft = Some(raft.clone());
        self.election.leader_heard(now_ms);
        self.grid = Some(Grid { id, raft, switchboard, catch_up_to, session_started: false, view, last_leader: None });
        self.set_parting();
    }

    /// Forgets the grid and looks for one again, as a new node.
    pub fn start_over(&mut self) {
        let now_ms = self.now_ms();
        self.retire_raft();
        self.standing.has_to_join_again();
        self.node = self.random_id();
        self.ask_again_after(self.replica.start_over(self.node));
        let me = Member { peer_id: self.options.peer_id.clone(), electable: self.options.electable() };
        self.discovery = Discovery::new(self.node, me, self.options.min_peers, self.options.heartbeat_ms, now_ms);
        self.session_open = false;
        self.inheritance = None;
        self.asked = None;
        self.refused_since_ms = None;
        self.sending.to = None;
        self.seek_with_estate();
        self.set_parting();
    }

    fn retire_raft(&mut self) {
        let mut status = lock(&self.status);
        (status.raft, status.log, status.commit_index) = (None, LogExtent::default(), None);
        drop(status);
        self.leave_office();
        self.leading = Leading::default();
        self.office = Office::default();
        self.upkeep = Upkeep::default();
        self.proposals.clear();
        if let Some(grid) = self.grid.take() {
            self.shutdowns.push(Box::pin(async move { grid.raft.shutdown().await }));
        }
        self.leave_out_the_departed();
    }

    async fn dismantle(&mut self) {
        self.retire_raft();
        let all = async { while self.shutdowns.next().await.is_some() {} };
        let _ = time::timeout(SHUTDOWN_TIMEOUT, all).await;
        self.ask_again_after(self.replica.start_over(0));
        let mut status = lock(&self.status);
        (status.node, status.grid, status.parting) = (0, 0, None);
    }

    /// A fault of our own or of the engine: the peer stops, and says so.
    pub fn fail(&mut self, text: String) {
        self.front.notice(Notice::Error(Error::new(Code::Internal, text)));
        self.front.wake();
        self.start_over();
    }

    fn set_parting(&self) {
        let raft = self.grid.as_ref().map(|grid| (grid.raft.clone(), true));
        let packet = self.packet(0, Body::Farewell { transfer: None });
        let mut status = lock(&self.status);
        (status.node, status.grid) = (self.node, self.grid_id());
        status.parting = Some(Parting { packet, raft });
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Call(call) => self.handle_call(call),
            Event::Payload { source, payload } => self.handle_payload(&source, &payload).await,
            Event::Leave => self.begin_leaving().await,
            Event::ForceReform => self.force_reform().await,
            Event::Stop => self.ended = true,
            Event::RaftChanged(node) => self.view_is_stale |= node == self.node,
            Event::RaftEnded(node) => {
                if node == self.node && self.grid.is_some() {
                    self.fail("The Raft engine has stopped; the peer starts over".into());
                }
            }
            Event::MembershipChanged { made } => {
                self.leading.change_under_way = false;
                if !made {
                    self.leading.next_change_at_ms = self.now_ms() + self.options.heartbeat_ms;
                }
                self.view_is_stale = true;
            }
            Event::ReadIndex { asker, index } => self.read_index_known(asker, index),
        }
    }

    fn handle_call(&mut self, call: Call) {
        match call {
            Call::Open { handle, kind, collection, remote } => self.replica.open(handle, kind, collection, remote),
            Call::Shut { handle } => {
                let state = self.replica.lock();
                if let Some(collection) = state.collection_of(handle) {
                    self.office.closed(&collection, &state);
                }
                drop(state);
                self.replica.shut(handle);
            }
            Call::Submit(requests) => {
                let mut state = self.replica.lock();
                for (token, operation) in requests {
                    match self.refusal_of(&operation, &state) {
                        Some(error) => {
                            self.front.notice(Notice::Failed { token, error });
                            self.front.wake();
                        }
                        None => state.requests.push(Purpose::Caller(token), operation),
                    }
                }
            }
            Call::Reply(replies) => self.take_replies(replies),
            Call::Barrier { token, handle } if Mutation::BarrierWithoutLeader.is_planted() => {
                let index = self.replica.lock().applied_index;
                self.replica.await_index(token, index, handle);
            }
            Call::Barrier { token, handle } => {
                self.sending.questions.insert(token, Question { handle, asked_at_ms: 0 });
            }
            Call::Abandon { token } => {
                self.sending.questions.remove(&token);
                self.replica.abandon(token);
                self.deliveries.abandon(token);
            }
            Call::WatchCommits(watch) => self.replica.lock().watch_commits = watch,
            Call::WatchLog(watch) => self.watch_log(watch),
            Call::Publish(publications) => self.publish(publications),
            Call::AnswerDeliveries(answers) => self.answer_deliveries(answers),
            Call::Forget { peer_id } => self.forget_peer(&peer_id),
            Call::Beat => self.election.loop_alive(self.now_ms()),
        }
    }

    /// Why an operation is not even asked for.
    fn refusal_of(&self, operation: &Operation, state: &ReplicaState) -> Option<Error> {
        let limit = self.options.max_command_bytes;
        if operation.size() > limit {
            let text = format!("{} bytes are more than maxCommandBytes ({limit})", operation.size());
            return Some(Error::new(Code::CommandTooLarge, text));
        }
        let text = "As many operations of the map wait for their execution as maxPendingOperations allows";
        let executed = |id: &str| self.office.executor.as_ref().map_or(0, |executor| executor.unmarked(id, state));
        state.is_backlogged(operation, executed).then(|| Error::new(Code::TooManyPending, text))
    }

    fn handle_signal(&mut self, signal: Signal) {
        match signal {
            Signal::SessionOpened => self.session_open = true,
            Signal::Gap { session } => {
                self.leading.forget_proposals_of(session);
                if session == self.node {
                    self.resend_soon();
                }
            }
            Signal::Unreadable => self.leading.forget_proposals(),
            Signal::UnknownSession => {
                // Its opening was lost with an uncommitted entry, or it was swept away during a long absence.
                if self.grid.as_ref().is_some_and(|grid| grid.session_started) {
                    self.resend_soon();
                }
            }
            Signal::RemoteWork | Signal::Installed => self.office.work = true,
        }
    }

    async fn tick(&mut self) {
        let now_ms = self.now_ms();
        self.view_is_stale = true;
        self.outbox.tick(self.node);
        self.repeat_deliveries(now_ms);
        self.tell_removed_entries();
        self.seek(now_ms).await;
        if self.ended {
            return;
        }
        self.note_quorum(now_ms);
        self.bring_estates(now_ms).await;
        self.lead(now_ms).await;
        let (session_next, awaits) = {
            let state = self.replica.lock();
            (state.session_next(), state.awaits_application())
        };
        if session_next != self.sending.session_next {
            self.sending.session_next = session_next;
            self.sending.progress_at_ms = now_ms;
        }
        if !awaits && now_ms.saturating_sub(self.sending.progress_at_ms) >= CONFIRM_MS {
            self.replica.lock().requests.confirm_when_idle();
        }
        let stuck = awaits && now_ms.saturating_sub(self.sending.progress_at_ms) >= RESEND_MS;
        if stuck || self.sending.resend_at_ms.is_some_and(|at_ms| now_ms >= at_ms) {
            self.sending.resend_at_ms = None;
            self.resend_unapplied().await;
        }
        self.continue_leaving(now_ms).await;
        self.update_status();
    }

    /// Does what follows from all that has happened since the last turn.
    async fn pursue(&mut self) {
        if std::mem::take(&mut self.view_is_stale) {
            self.refresh_view();
        }
        // Users hear of the leader first.
        if self.session_open && self.standing.leader().is_some() {
            self.tell_of_grid();
            self.standing.joined();
        }
        self.drop_covered_estates();
        self.start_session_when_caught_up();
        self.send_requests().await;
        self.ask_questions();
        self.send_publications();
        self.execute_remote_operations().await;
    }

    pub fn refresh_view(&mut self) {
        let Some(grid) = &mut self.grid else { return };
        let before = std::mem::replace(&mut grid.view, grid.raft.view());
        grid.last_leader = grid.view.leader.map(|leader| (grid.view.term, leader)).or(grid.last_leader);
        if !grid.view.running {
            return self.fail("The Raft engine has stopped; the peer starts over".into());
        }
        if before.members != grid.view.members {
            self.members_changed(&before.members);
        }
        self.follow_removal();
        if self.grid.is_none() || self.ended {
            return;
        }
        self.leadership_changed(&before);
        self.show_leader();
        self.change_membership();
    }

    fn update_status(&self) {
        let mut status = lock(&self.status);
        if let Some(grid) = &self.grid {
            status.term = grid.view.term;
            status.commit_index = grid.view.commit_index;
            status.log = grid.raft.extent();
        }
        status.running_remote_operations = self.office.running;
    }
}

fn fresh_id(random: &dyn Random) -> u64 {
    random.next_u64().max(1)
}

/// An id that the next start of a peer has too.
fn lasting_id(peer_id: &str) -> u64 {
    peer_id.bytes().fold(1, |id, byte| id * 31 + u64::from(byte))
}

/// Sets of nodes and of members are small and ordered everywhere.
pub(super) type Members = BTreeMap<NodeId, Member>;
pub(super) type Nodes = BTreeSet<NodeId>;
