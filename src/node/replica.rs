//! Where the replicated state meets the front: committed commands in, notices out.
//!
//! The state machine, the collections that the front has open and the peer's own requests share one lock, because what
//! the front hears must match the state at one point of the log: a collection that is opened late is filled from the
//! state at exactly the place in the stream where its changes begin.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use super::logbook::SessionNames;
use super::requests::{Batch, Fate, Orphan, Purpose, Requests};
use crate::error::{Code, Error};
use crate::mutation::Mutation;
use crate::ports::{Front, Handle, Notice, RemoteOptions, Token};
use crate::raft;
use crate::raft::log_store::LogStore;
use crate::state_machine::difference;
use crate::state_machine::effect::{Effect, RequestId};
use crate::state_machine::map::Map;
use crate::state_machine::remote_map::RemoteMap;
use crate::state_machine::{Content, StateMachine};
use crate::wire::blob::Blob;
use crate::wire::codec;
use crate::wire::command::{Claim, CollectionId, CollectionKind, Command, Failure, Operation, Outcome};
use crate::wire::{GridId, NodeId};

/// What the node has to know of what was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// The peer's own session is open, and everything that the front has open is attached and told of.
    SessionOpened,
    /// A session lacks a request: its peer sends again, and the leader must not take that for something that it has
    /// proposed already.
    Gap { session: NodeId },
    /// The own session is not open in this grid.
    UnknownSession,
    /// An entry meant nothing; the leader must not take a retry for something that it has proposed already.
    Unreadable,
    /// Something that may be of interest to the executor of remote operations: queued or executed.
    RemoteWork,
    /// A snapshot replaced the state.
    Installed,
}

/// See the [module](self).
pub struct NodeReplica {
    front: Arc<dyn Front>,
    /// Held by Raft's apply task for a batch of entries, and by the node for a look or a call of the front's.
    state: Mutex<ReplicaState>,
}

#[derive(Default)]
pub struct ReplicaState {
    pub machine: StateMachine,
    /// Which Raft node feeds it; what an earlier one still has to say is ignored.
    source: NodeId,
    pub grid: GridId,
    pub applied_index: u64,
    pub names: SessionNames,
    pub requests: Requests,
    opened: BTreeMap<Handle, Opened>,
    handles: HashMap<CollectionId, Handle>,
    pub watch_commits: bool,
    barriers: BTreeMap<Token, Barrier>,
}

/// A remote map of the state, and who may execute it here.
pub struct RemoteMapInState<'a> {
    pub id: &'a CollectionId,
    pub map: &'a RemoteMap,
    /// That of the front, if it has the map open.
    pub handle: Option<Handle>,
    pub fenced: bool,
}

/// A collection that the front has open.
struct Opened {
    kind: CollectionKind,
    collection: CollectionId,
    remote: RemoteOptions,
    /// Whether its changes are being told.
    ready: bool,
    /// The grid has another kind of collection under this id.
    refused: bool,
    /// The revision that its mirror was last brought to as a whole. A batch applies as a whole before it is told, so what
    /// follows its attachment in one batch is in that already.
    told_at: u64,
    /// What the front's mirror holds while no changes are told; `None` before its first fill.
    mirror: Option<Map>,
}

/// A caller that waits until this peer has applied `index`, and until this map has executed what came before.
struct Barrier {
    handle: Option<Handle>,
    index: u64,
    remote: Option<CollectionId>,
    executed_up_to: Option<(CollectionId, u64)>,
}

impl NodeReplica {
    pub fn new(front: Arc<dyn Front>) -> Self {
        Self { front, state: Mutex::default() }
    }

    pub fn lock(&self) -> MutexGuard<'_, ReplicaState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on `source` feeds this replica, from an empty log of a grid. Mirrors stay as they are until their
    /// collections are attached again. Gives back the barriers, which have to ask the new leader.
    pub fn start_over(&self, source: NodeId) -> Vec<(Token, Option<Handle>)> {
        let mut state = self.lock();
        state.stop_telling();
        state.machine = StateMachine::default();
        state.opened.values_mut().for_each(|opened| opened.told_at = 0);
        state.names = SessionNames::default();
        state.source = source;
        state.applied_index = 0;
        std::mem::take(&mut state.barriers).into_iter().map(|(token, barrier)| (token, barrier.handle)).collect()
    }

    /// Starts a session, and attaches what the front has open.
    pub fn start_session(&self, session: NodeId, peer_id: &str) {
        let mut state = self.lock();
        let attachments = state.opened.iter().map(|(handle, opened)| {
            let operation = Operation::Attach { collection: opened.collection.clone(), kind: opened.kind };
            (Purpose::Attach(*handle), operation)
        });
        let attachments = attachments.collect();
        let grid = state.grid;
        state.requests.start_session(session, grid, peer_id, attachments);
    }

    pub fn open(&self, handle: Handle, kind: CollectionKind, collection: CollectionId, remote: RemoteOptions) {
        let mut state = self.lock();
        let attach = Operation::Attach { collection: collection.clone(), kind };
        state.handles.insert(collection.clone(), handle);
        let opened = Opened { kind, collection, remote, ready: false, refused: false, told_at: 0, mirror: None };
        state.opened.insert(handle, opened);
        if state.requests.session().is_some() {
            state.requests.push(Purpose::Attach(handle), attach);
        }
    }

    pub fn shut(&self, handle: Handle) {
        let mut state = self.lock();
        let Some(Opened { collection, .. }) = state.opened.remove(&handle) else {
            return;
        };
        // The front may have opened it again under another handle.
        if state.handles.get(&collection) == Some(&handle) {
            state.handles.remove(&collection);
            if state.requests.session().is_some() {
                state.requests.push(Purpose::Unwatched, Operation::Detach { collection });
            }
        }
    }

    /// The leader has answered a barrier with `index`.
    pub fn await_index(&self, token: Token, index: u64, handle: Option<Handle>) {
        let mut state = self.lock();
        let remote = handle.and_then(|handle| state.opened.get(&handle)).map(|opened| opened.collection.clone());
        state.barriers.insert(token, Barrier { handle, index, remote, executed_up_to: None });
        state.release_barriers(&*self.front);
        drop(state);
        self.front.wake();
    }

    /// The caller has given up.
    pub fn abandon(&self, token: Token) {
        let mut state = self.lock();
        state.barriers.remove(&token);
        state.requests.abandon(token);
    }
}

impl ReplicaState {
    pub fn collection_of(&self, handle: Handle) -> Option<CollectionId> {
        self.opened.get(&handle).map(|opened| opened.collection.clone())
    }

    pub fn handle_of(&self, collection: &str) -> Option<Handle> {
        self.handles.get(collection).copied()
    }

    /// All remote maps; those that the front has open can be executed here.
    pub fn remote_maps(&self) -> impl Iterator<Item = RemoteMapInState<'_>> {
        self.machine.collections().filter_map(|(id, collection)| match &collection.content {
            Content::RemoteMap(map) => {
                let served = self.handle_of(id).and_then(|handle| Some((handle, self.opened.get(&handle)?)));
                let served = served.filter(|(_, opened)| opened.ready);
                let fenced = served.is_some_and(|(_, opened)| opened.remote.fenced);
                Some(RemoteMapInState { id, map, handle: served.map(|(handle, _)| handle), fenced })
            }
            _ => None,
        })
    }

    /// The present claim of this grid on the store of a map.
    pub fn claim(&self, map: &RemoteMap) -> Claim {
        map.claim(self.grid, self.machine.lineage().epoch())
    }

    /// Whether as many operations of this one's remote map wait as may wait.
    /// @param executed how many of a map are only not known to the grid as executed
    pub fn is_backlogged(&self, operation: &Operation, executed: impl FnOnce(&str) -> usize) -> bool {
        let Operation::RemoteMap { collection, .. } = operation else { return false };
        let opened = self.handle_of(collection).and_then(|handle| self.opened.get(&handle));
        let (Some(opened), Some(map)) = (opened, self.remote_map(collection)) else { return false };
        let (waiting, most) = (map.len(), opened.remote.max_pending);
        waiting >= most && waiting.saturating_sub(executed(collection)) >= most
    }

    pub fn session_next(&self) -> Option<u64> {
        self.machine.sessions().next(self.requests.session()?)
    }

    /// What must be sent (again) from the first request that has not applied here.
    pub fn unapplied(&self) -> Vec<Batch> {
        self.requests.resend(self.session_next().unwrap_or(0))
    }

    pub fn awaits_application(&self) -> bool {
        self.requests.awaits_application(self.session_next().unwrap_or(0))
    }

    fn stop_telling(&mut self) {
        for opened in self.opened.values_mut().filter(|opened| opened.ready) {
            opened.ready = false;
            let content = self.machine.collection(&opened.collection).map(|collection| &collection.content);
            opened.mirror = Some(content.and_then(Content::entries).cloned().unwrap_or_default());
        }
    }

    /// Tells what an applied command did; gives back what the node has to know.
    fn tell(&mut self, effects: Vec<Effect<'_>>, front: &dyn Front, signals: &mut Vec<Signal>) {
        let own = self.requests.session();
        for effect in effects {
            match effect {
                Effect::Changed { collection, revision, changes } => {
                    if let Some(handle) = self.ready_handle(&collection)
                        && self.opened.get(&handle).is_some_and(|opened| revision > opened.told_at)
                    {
                        front.notice(Notice::Changes { handle, revision, changes: &changes });
                    }
                }
                Effect::Committed { request, index, operation } => {
                    if self.watch_commits && is_public(&operation) {
                        let source = self.machine.sessions().peer_id(request.session).unwrap_or_default();
                        front.notice(Notice::Commit { index, source, operation: &operation });
                    }
                }
                Effect::Settled { request, outcome } if Some(request.session) == own => {
                    self.settle(request, outcome, front, signals);
                }
                Effect::Settled { .. } => {}
                Effect::Queued { request } => {
                    if Some(request.session) == own {
                        self.requests.queued_remotely(request.number);
                    }
                    signals.push(Signal::RemoteWork);
                }
                Effect::RemoteWork => signals.push(Signal::RemoteWork),
                Effect::RemoteEvents { collection, origin, events } => {
                    if let Some(handle) = self.ready_handle(&collection) {
                        front.notice(Notice::RemoteEvents { handle, origin, events: &events });
                    }
                }
                Effect::UnknownSession { session } if Some(session) == own => signals.push(Signal::UnknownSession),
                Effect::Gap { session, .. } => signals.push(Signal::Gap { session }),
                Effect::UnknownSession { .. } => {}
                Effect::SessionReplaced { session, mut ended, .. } if Some(session) == own => {
                    if let Some(ended) = ended.as_mut().filter(|_| !self.knows_all_of_former_grid()) {
                        ended.next = u64::MAX;
                    }
                    let orphans = self.requests.session_opened(ended);
                    settle_orphans(orphans, front);
                }
                Effect::SessionReplaced { .. } => {}
                // Who comes to the grid later has nothing to do with what it was made of.
                Effect::Merged { loser, epoch } if own.is_some() => {
                    front.notice(Notice::GridMerged { grid: self.grid, merged: loser, epoch });
                }
                Effect::Merged { .. } => {}
            }
        }
    }

    /// Whether nothing can come to light any more that the former session's grid has applied and this one does not know.
    fn knows_all_of_former_grid(&self) -> bool {
        self.requests.former_grid().is_none_or(|former| {
            former == self.grid
                || self.machine.lineage().ancestor(former).is_some_and(|ancestor| ancestor.missing.is_empty())
        })
    }

    fn ready_handle(&self, collection: &str) -> Option<Handle> {
        let handle = self.handle_of(collection)?;
        self.opened.get(&handle).filter(|opened| opened.ready).map(|_| handle)
    }

    fn settle(&mut self, request: RequestId, outcome: Arc<Outcome>, front: &dyn Front, signals: &mut Vec<Signal>) {
        let Some(purpose) = self.requests.settle(request.number) else { return };
        if Mutation::AnswerLost.is_planted() && request.number % 16 == 9 {
            return;
        }
        match &purpose {
            Purpose::Caller(token) => front.notice(Notice::Completed { token: *token, outcome: &outcome }),
            Purpose::Attach(handle) => match &*outcome {
                Outcome::Failed(failure) => self.refuse(*handle, failure, front),
                _ => self.begin_telling(*handle, front),
            },
            // Where there was a former session, its end has been dealt with before this.
            Purpose::OpenSession => settle_orphans(self.requests.session_opened(None), front),
            Purpose::Unwatched => {}
        }
        if self.requests.opened_further(&purpose) {
            signals.push(Signal::SessionOpened);
        }
    }

    fn refuse(&mut self, handle: Handle, failure: &Failure, front: &dyn Front) {
        if let Some(opened) = self.opened.get_mut(&handle) {
            opened.refused = true;
            front.notice(Notice::Refused { handle, code: &failure.code, text: &failure.text });
        }
    }

    /// The collection is attached: its mirror is brought to the state of this moment, and hears of every change.
    fn begin_telling(&mut self, handle: Handle, front: &dyn Front) {
        let revision = self.machine.revision();
        let Some(opened) = self.opened.get_mut(&handle) else {
            return;
        };
        opened.ready = true;
        opened.refused = false;
        opened.told_at = revision;
        let former = opened.mirror.take();
        let content = self.machine.collection(&opened.collection).map(|collection| &collection.content);
        let fill = match (content.and_then(Content::entries), former) {
            (Some(now), Some(former)) => tell_difference(handle, revision, &former, now, front),
            (Some(now), None) => Some(entries(now)),
            (None, _) => None,
        };
        front.notice(Notice::Ready { handle, revision, fill });
    }

    /// A snapshot took the place of the log: users hear of what differs.
    fn replace(&mut self, machine: StateMachine, front: &dyn Front) {
        let former = std::mem::replace(&mut self.machine, machine);
        let revision = self.machine.revision();
        for (handle, opened) in self.opened.iter().filter(|(_, opened)| opened.ready) {
            let before = former.collection(&opened.collection).map(|collection| &collection.content);
            let after = self.machine.collection(&opened.collection).map(|collection| &collection.content);
            if let (Some(Content::RemoteMap(before)), Some(Content::RemoteMap(after))) = (before, after)
                && before.executed() < after.executed()
            {
                front.notice(Notice::EventsLost { handle: *handle });
            }
            if let (Some(before), Some(after)) = (before.and_then(Content::entries), after.and_then(Content::entries))
                && let Some(fill) = tell_difference(*handle, revision, before, after, front)
            {
                front.notice(Notice::Ready { handle: *handle, revision, fill: Some(fill) });
            }
        }
    }

    /// Settles the own requests that the state shows as applied, though none of them was told to be.
    fn settle_from_state(&mut self, front: &dyn Front, signals: &mut Vec<Signal>) {
        // What became of those of a former session is told when the present one opens.
        let Some(session) = self.requests.session().filter(|session| *session == self.source) else { return };
        let applied = self.requests.applied_below(self.session_next().unwrap_or(0));
        let pending = if applied.is_empty() { HashSet::new() } else { self.pending_of(session) };
        for number in applied {
            let request = RequestId { session, number };
            match self.machine.sessions().outcome(request).cloned() {
                Some(outcome) => self.settle(request, outcome, front, signals),
                None if pending.contains(&number) => self.requests.queued_remotely(number),
                None => {
                    if let Some(purpose) = self.requests.settle(number) {
                        settle_orphans(vec![Orphan { purpose, fate: Fate::Unknown }], front);
                    }
                }
            }
        }
    }

    /// The numbers of a session's requests that wait for their execution.
    fn pending_of(&self, session: NodeId) -> HashSet<u64> {
        let pending = self.remote_maps().flat_map(|it| it.map.pending_from(0)).map(|operation| operation.request);
        pending.filter(|request| request.session == session).map(|request| request.number).collect()
    }

    fn release_barriers(&mut self, front: &dyn Front) {
        // Whoever waits reads mirrors, so these have to be told of before.
        let told = self.opened.values().all(|opened| opened.ready || opened.refused);
        if self.barriers.is_empty() || !told {
            return;
        }
        for (token, mut barrier) in std::mem::take(&mut self.barriers) {
            if self.applied_index >= barrier.index
                && let Some(collection) = barrier.remote.take()
            {
                // What is queued at this moment includes all that was committed when the caller asked.
                let queued = self.remote_map(&collection).map_or(0, RemoteMap::next_position);
                barrier.executed_up_to = Some((collection, queued));
            }
            let executed = barrier.executed_up_to.as_ref().is_none_or(|(collection, position)| {
                self.remote_map(collection).is_none_or(|map| map.executed() >= *position)
            });
            if self.applied_index >= barrier.index && executed {
                front.notice(Notice::Completed { token, outcome: &Outcome::Done });
            } else {
                self.barriers.insert(token, barrier);
            }
        }
    }

    pub fn remote_map(&self, collection: &str) -> Option<&RemoteMap> {
        match &self.machine.collection(collection)?.content {
            Content::RemoteMap(map) => Some(map),
            _ => None,
        }
    }
}

/// Tells what has changed in a collection; gives back all of its entries if their order has, too.
fn tell_difference(
    handle: Handle,
    revision: u64,
    before: &Map,
    after: &Map,
    front: &dyn Front,
) -> Option<Vec<(Blob, Blob)>> {
    let difference = difference::between_maps(before, after);
    if !difference.changes.is_empty() {
        front.notice(Notice::Changes { handle, revision, changes: &difference.changes });
    }
    difference.reordered.then(|| entries(after))
}

fn entries(map: &Map) -> Vec<(Blob, Blob)> {
    map.iter().map(|(key, entry)| (key.clone(), entry.value.clone())).collect()
}

/// Whether `commit` listeners hear of it: sessions and attachments are the grid's own business.
pub fn is_public(operation: &Operation) -> bool {
    match operation {
        Operation::Map { .. }
        | Operation::RemoteMap { .. }
        | Operation::Record { .. }
        | Operation::Queue { .. }
        | Operation::Emitter { .. }
        | Operation::Message(_) => true,
        Operation::Nothing
        | Operation::OpenSession { .. }
        | Operation::Attach { .. }
        | Operation::Detach { .. }
        | Operation::Reclaim { .. } => false,
    }
}

fn settle_orphans(orphans: Vec<Orphan>, front: &dyn Front) {
    for Orphan { purpose, fate } in orphans {
        let Purpose::Caller(token) = purpose else { continue };
        match fate {
            Fate::Settled(outcome) => front.notice(Notice::Completed { token, outcome: &outcome }),
            Fate::Unknown => {
                let text = "The peer was out of the grid for too long to tell whether this was applied";
                front.notice(Notice::Failed { token, error: Error::new(Code::OutcomeUnknown, text) });
            }
        }
    }
}

/// What one Raft node feeds into the replica; later nodes make it deaf.
pub struct Feed {
    pub replica: Arc<NodeReplica>,
    pub source: NodeId,
    pub log: LogStore,
    pub signals: UnboundedSender<Signal>,
}

impl Feed {
    fn signal(&self, mut signals: Vec<Signal>) {
        signals.dedup();
        for signal in signals {
            // Nobody listens any more once the node has stopped.
            let _ = self.signals.send(signal);
        }
    }
}

impl raft::apply::Replica for Feed {
    fn apply(&self, entries: Vec<(u64, Option<Blob>)>) {
        let front = &*self.replica.front;
        let mut signals = Vec::new();
        let mut state = self.replica.lock();
        if state.source != self.source {
            return;
        }
        for (index, command) in entries {
            match command.map(|bytes| codec::decode::<Command>(bytes.as_slice())) {
                Some(Ok(mut command)) => {
                    if Mutation::PeersDisagree.is_planted() && self.source.is_multiple_of(2) {
                        command.insert_over_existing();
                    }
                    self.log.count(index, command.data_bytes());
                    state.names.learn(&command);
                    let mut effects = Vec::new();
                    state.machine.apply(index, &command, &mut effects);
                    state.tell(effects, front, &mut signals);
                    // The other grid may have applied what its caller here has not heard of.
                    if matches!(command, Command::Merge(_)) {
                        state.settle_from_state(front, &mut signals);
                    }
                }
                // Nothing to all peers of this release alike: its sender will see that it is missing, and try again.
                Some(Err(error)) => {
                    signals.push(Signal::Unreadable);
                    let text = format!("The log entry {index} could not be read: {error}");
                    front.notice(Notice::Error(Error::new(Code::Internal, text)));
                }
                None => {}
            }
            state.applied_index = index;
        }
        state.release_barriers(front);
        drop(state);
        front.wake();
        self.signal(signals);
    }

    fn freeze(&self) -> Box<dyn FnOnce() -> Vec<u8> + Send + Sync> {
        let machine = self.replica.lock().machine.clone();
        Box::new(move || machine.to_snapshot())
    }

    fn install(&self, index: u64, snapshot: &[u8]) -> Result<(), io::Error> {
        let machine = StateMachine::from_snapshot(snapshot).map_err(io::Error::other)?;
        let front = &*self.replica.front;
        let mut signals = vec![Signal::Installed, Signal::RemoteWork];
        let mut state = self.replica.lock();
        if state.source != self.source {
            return Ok(());
        }
        state.names.learn_all(machine.sessions());
        state.replace(machine, front);
        state.applied_index = index;
        state.settle_from_state(front, &mut signals);
        state.release_barriers(front);
        drop(state);
        front.wake();
        self.signal(signals);
        Ok(())
    }
}
