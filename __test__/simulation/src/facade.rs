//! What the TypeScript facade makes of a peer: mirrors of its collections, promises with their time limits, and the
//! execution of remote operations.

use std::collections::BTreeMap;

use hamok::error::{Code, Error};
use hamok::ports::{Answer, Call, Handle, Publication, State, Token};
use hamok::state_machine::effect::{Change, RequestId};
use hamok::state_machine::remote_map::PendingOperation;
use hamok::wire::blob::Blob;
use hamok::wire::command::{CollectionKind, Operation, Outcome, RemoteMethod};
use hamok::wire::{GridId, NodeId};

use crate::executor::{self, Answered, Executor, Order};
use crate::linearizability::Operation as LinearOperation;
use crate::model::Id;
use crate::store::{Stamp, Store, StoreReply};
use crate::told::Told;
use crate::witness::{self, Ask};

/// The collections that every process opens, by handle.
pub const COLLECTIONS: [(Handle, CollectionKind, &str); 6] = [
    (1, CollectionKind::Map, "map"),
    (2, CollectionKind::Queue, "queue"),
    (3, CollectionKind::Record, "record"),
    (4, CollectionKind::RemoteMap, "remote"),
    (5, CollectionKind::RemoteMap, "exact"),
    (6, CollectionKind::Emitter, "emitter"),
];
pub const MAP: Handle = 1;
pub const QUEUE: Handle = 2;
pub const RECORD: Handle = 3;
/// The remote map whose store is exact.
pub const EXACT: Handle = 5;

pub fn collection_id(handle: Handle) -> &'static str {
    COLLECTIONS[handle as usize - 1].2
}

/// A timer later than this was held up, and what it would end gets as much time again.
const STALL_MS: u64 = 250;

/// What this process shows of a collection.
#[derive(Debug, Default)]
pub struct Mirror {
    /// Whether it was filled once.
    pub filled: bool,
    /// Whether it is being kept up to date.
    pub live: bool,
    /// The Raft node that it was brought up to date by.
    pub node: NodeId,
    pub revision: u64,
    pub entries: Vec<(Blob, Blob)>,
}

impl Mirror {
    pub fn get(&self, key: &Blob) -> Option<&Blob> {
        self.entries.iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    fn change(&mut self, change: &Change) -> Result<(), String> {
        let place = |key: &Blob| self.entries.iter().position(|(other, _)| other == key);
        match change {
            Change::Inserted { key, value } => match place(key) {
                Some(_) => return Err(format!("{key:?} is inserted, but there")),
                None => self.entries.push((key.clone(), value.clone())),
            },
            Change::Updated { key, value } => match place(key) {
                Some(place) => self.entries[place].1 = value.clone(),
                None => return Err(format!("{key:?} is updated, but not there")),
            },
            Change::Removed { key } => match place(key) {
                Some(place) => drop(self.entries.remove(place)),
                None => return Err(format!("{key:?} is removed, but not there")),
            },
            Change::Cleared => self.entries.clear(),
        }
        Ok(())
    }
}

/// A promise.
#[derive(Debug, Clone)]
pub struct Request {
    pub token: Token,
    pub id: Option<Id>,
    pub kind: Kind,
    pub began_ms: u64,
    pub deadline_ms: u64,
    timeout_ms: u64,
    /// Whether a remote operation that succeeds has changed the store for certain.
    pub changes_store: bool,
    /// What it asks of which keys and queues.
    pub asks: Vec<Ask>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// An operation of a map, a record or a queue, or a message.
    Write(Handle),
    /// Like that, and asked anew with another look when it meets with a conflict.
    Compare(Handle),
    Pop,
    Remote(Handle),
    /// With what each grid had acknowledged when it was asked.
    Barrier(Vec<(GridId, u64)>),
    /// To these peers.
    Publish(Vec<String>),
}

/// How a promise ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    Answered(Outcome),
    Failed(Error),
    TimedOut,
    Closed,
    /// Its process is no more.
    Died,
}

/// What happened on the user's side of a process.
#[derive(Debug)]
pub enum Event {
    Asked {
        process: usize,
        request: Request,
    },
    Settled {
        process: usize,
        request: Request,
        settlement: Settlement,
    },
    /// What the map held of the key that a barrier was asked for, once that was answered.
    Read {
        process: usize,
        token: Token,
        value: Option<Blob>,
    },
    /// A listener was called.
    Heard {
        process: usize,
        event: Id,
        awaited: bool,
    },
    /// An operation was handed over to this process.
    Ordered {
        process: usize,
        stamp: Stamp,
    },
    Told {
        process: usize,
        told: Told,
    },
}

/// Where a peer is in the world of grids.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub grid: GridId,
    pub epoch: u64,
}

pub struct Facade {
    process: usize,
    /// Who tells.
    node: NodeId,
    pub mirrors: BTreeMap<Handle, Mirror>,
    pub requests: BTreeMap<Token, Request>,
    pub executors: BTreeMap<Handle, Executor>,
    pub joined: bool,
    pub leader: Option<String>,
    pub state: State,
    pub leaving: bool,
    pub left: bool,
    pub closed: bool,
    last_token: Token,
    last_id: u32,
    /// When the event loop was last there.
    turned_ms: u64,
    pub calls: Vec<Call>,
    pub events: Vec<Event>,
    /// A change that does not fit the mirror.
    pub misfit: Option<String>,
}

impl Facade {
    pub fn new(process: usize, now_ms: u64) -> Self {
        let remote = COLLECTIONS.iter().filter(|(_, kind, _)| *kind == CollectionKind::RemoteMap);
        Self {
            process,
            node: 0,
            mirrors: COLLECTIONS.iter().map(|(handle, ..)| (*handle, Mirror::default())).collect(),
            requests: BTreeMap::new(),
            executors: remote.map(|(handle, ..)| (*handle, Executor::new(*handle, *handle == EXACT))).collect(),
            joined: false,
            leader: None,
            state: State::Empty,
            leaving: false,
            left: false,
            closed: false,
            last_token: 0,
            last_id: 0,
            turned_ms: now_ms,
            calls: Vec::new(),
            events: Vec::new(),
            misfit: None,
        }
    }

    /// Whether every collection has been ready once: users' operations wait until then.
    pub fn is_usable(&self) -> bool {
        self.mirrors.values().all(|mirror| mirror.filled) && !self.closed && !self.left
    }

    pub fn next_id(&mut self) -> Id {
        self.last_id += 1;
        Id { process: self.process as u32, number: self.last_id }
    }

    pub fn executing(&self) -> bool {
        self.executors.values().any(|executor| !executor.is_idle())
    }

    /// A promise that begins now.
    fn request(&self, now_ms: u64, timeout_ms: u64, id: Option<Id>, kind: Kind) -> Request {
        let (token, deadline_ms) = (self.last_token + 1, now_ms + timeout_ms);
        let (changes_store, asks) = (false, Vec::new());
        Request { token, id, kind, began_ms: now_ms, deadline_ms, timeout_ms, changes_store, asks }
    }

    fn ask(&mut self, request: Request) -> Token {
        self.last_token = request.token;
        self.events.push(Event::Asked { process: self.process, request: request.clone() });
        self.requests.insert(self.last_token, request);
        self.last_token
    }

    pub fn submit(&mut self, now_ms: u64, timeout_ms: u64, id: Option<Id>, kind: Kind, operation: Operation) {
        let mut request = self.request(now_ms, timeout_ms, id, kind);
        request.changes_store =
            matches!(&operation, Operation::RemoteMap { operation, .. } if operation.method == RemoteMethod::Set);
        request.asks = witness::asks(&operation, &self.mirrors);
        let token = self.ask(request);
        self.calls.push(Call::Submit(vec![(token, operation)]));
    }

    /// Asks again with a new look, within the time of the first.
    pub fn submit_again(&mut self, now_ms: u64, first: &Request, id: Id, operation: Operation) {
        let mut request = self.request(now_ms, first.timeout_ms, Some(id), first.kind.clone());
        request.deadline_ms = first.deadline_ms;
        request.asks = witness::asks(&operation, &self.mirrors);
        let token = self.ask(request);
        self.calls.push(Call::Submit(vec![(token, operation)]));
    }

    pub fn barrier(&mut self, now_ms: u64, timeout_ms: u64, handle: Option<Handle>, seen: Vec<(GridId, u64)>) {
        let token = self.ask(self.request(now_ms, timeout_ms, None, Kind::Barrier(seen)));
        self.calls.push(Call::Barrier { token, handle });
    }

    /// Looks at a key of the map once a barrier is answered.
    pub fn read_after_barrier(
        &mut self,
        now_ms: u64,
        timeout_ms: u64,
        handle: Option<Handle>,
        key: Blob,
        seen: Vec<(GridId, u64)>,
    ) {
        let mut request = self.request(now_ms, timeout_ms, None, Kind::Barrier(seen));
        request.asks = vec![witness::get(key)];
        let token = self.ask(request);
        self.calls.push(Call::Barrier { token, handle });
    }

    pub fn publish(&mut self, now_ms: u64, timeout_ms: u64, id: Id, peers: Vec<String>, awaited: bool) {
        let token = awaited.then(|| self.ask(self.request(now_ms, timeout_ms, Some(id), Kind::Publish(peers.clone()))));
        let collection = collection_id(6).into();
        let publication = Publication { token, collection, event: "event".into(), payload: id.blob(), peers };
        self.calls.push(Call::Publish(vec![publication]));
    }

    fn settle(&mut self, token: Token, settlement: Settlement) {
        if let Some(request) = self.requests.remove(&token) {
            let key = request.asks.first().filter(|ask| ask.operation == LinearOperation::Get).map(|ask| &ask.key);
            if let (Some(key), Settlement::Answered(_)) = (key, &settlement) {
                let value = self.mirrors[&MAP].get(key).cloned();
                self.events.push(Event::Read { process: self.process, token, value });
            }
            self.events.push(Event::Settled { process: self.process, request, settlement });
        }
    }

    fn settle_all(&mut self, settlement: &Settlement) {
        for token in self.requests.keys().copied().collect::<Vec<_>>() {
            self.settle(token, settlement.clone());
        }
    }

    /// The peer was closed: whoever waits is told.
    pub fn close(&mut self) {
        self.closed = true;
        self.settle_all(&Settlement::Closed);
    }

    pub fn die(&mut self) {
        self.closed = true;
        self.settle_all(&Settlement::Died);
    }

    /// Takes in what the peer tells. `place` is where the peer is.
    pub fn hear(&mut self, now_ms: u64, told: Told, place: Place, store: &mut Store) {
        match &told {
            Told::Node(node) => self.node = *node,
            Told::State(state) => self.state = *state,
            Told::Leader(leader) => self.leader = leader.clone(),
            Told::Joined => self.joined = true,
            Told::Rejoining => self.joined = false,
            Told::Left => self.hear_left(),
            Told::Ready { handle, revision, fill } => {
                if let Some(mirror) = self.mirrors.get_mut(handle) {
                    (mirror.filled, mirror.live, mirror.revision) = (true, true, *revision);
                    mirror.node = self.node;
                    if let Some(fill) = fill {
                        mirror.entries = fill.clone();
                    }
                }
            }
            Told::Refused { .. } => {}
            Told::Changes { handle, revision, changes } => {
                if let Some(mirror) = self.mirrors.get_mut(handle) {
                    mirror.revision = *revision;
                    let misfit = changes.iter().find_map(|change| mirror.change(change).err());
                    let text = misfit.map(|text| format!("{} at revision {revision}: {text}", collection_id(*handle)));
                    self.misfit = self.misfit.take().or(text);
                }
            }
            Told::Completed { token, outcome } => self.settle(*token, Settlement::Answered(outcome.clone())),
            Told::Failed { token, error } => self.settle(*token, Settlement::Failed(error.clone())),
            Told::Execute { handle, term, epoch, attempt, operation, caller } if !self.closed => {
                let PendingOperation { position, request, revision, operation, .. } = operation;
                let (term, position, attempt) = (*term, *position, *attempt);
                let (process, handle, grid) = (self.process, *handle, place.grid);
                let (fence, place, request) = ((*epoch, term), *revision, *request);
                let id = executor::id_of(operation);
                let stamp = Stamp { process, handle, grid, fence, place, request, position, attempt, id };
                self.events.push(Event::Ordered { process, stamp });
                if let Some(executor) = self.executors.get_mut(&handle) {
                    let order = Order::Execute { term, stamp, operation: operation.clone(), caller: *caller };
                    let refusal = executor.take(now_ms, order, store);
                    self.reply(refusal.into_iter().collect());
                }
            }
            Told::Claim { handle, term, claim } if !self.closed => {
                let (process, handle, term, grid) = (self.process, *handle, *term, place.grid);
                let request = RequestId { session: 0, number: 0 };
                let (fence, place, position, attempt, id) = ((0, term), 0, 0, 1, None);
                let stamp = Stamp { process, handle, grid, fence, place, request, position, attempt, id };
                if let Some(executor) = self.executors.get_mut(&handle) {
                    let _ = executor.take(now_ms, Order::Claim { term, claim: claim.clone(), stamp }, store);
                }
            }
            Told::Execute { .. } | Told::Claim { .. } => {}
            Told::Halt { term } => {
                let leaving = self.leaving;
                self.executors.values_mut().for_each(|executor| executor.halt(*term, leaving));
            }
            Told::Progress { handle, head } => {
                for request in self.requests.values_mut() {
                    if request.kind == Kind::Remote(*handle) && Some(request.token) != *head {
                        request.deadline_ms = now_ms + request.timeout_ms;
                    }
                }
            }
            Told::Delivery { id, payload, .. } => {
                if let Some(event) = Id::parse(payload) {
                    self.events.push(Event::Heard { process: self.process, event, awaited: *id != 0 });
                }
                if *id != 0 {
                    self.calls.push(Call::AnswerDeliveries(vec![(*id, true)]));
                }
            }
            Told::Error(_) | Told::Other(_) => {}
        }
        self.events.push(Event::Told { process: self.process, told });
    }

    fn hear_left(&mut self) {
        self.executors.values_mut().for_each(|executor| executor.halt(u64::MAX, false));
        (self.left, self.joined, self.leaving) = (true, false, false);
        self.mirrors.values_mut().for_each(|mirror| mirror.live = false);
    }

    pub fn store_answered(&mut self, now_ms: u64, reply: &StoreReply, store: &mut Store) {
        let replies = self.executors.values_mut().filter_map(|executor| executor.answered(now_ms, reply, store));
        let replies: Vec<Answered> = replies.collect();
        self.reply(replies);
    }

    fn reply(&mut self, answered: Vec<Answered>) {
        if answered.is_empty() || self.closed {
            return;
        }
        for Answered { reply, caller } in &answered {
            if let (Some(token), Answer::Executed { outcome: done @ Outcome::Entries(_), .. }) = (caller, &reply.answer)
            {
                self.settle(*token, Settlement::Answered(done.clone()));
            }
        }
        self.calls.push(Call::Reply(answered.into_iter().map(|it| it.reply).collect()));
    }

    /// The event loop is there: what is overdue ends.
    pub fn turn(&mut self, now_ms: u64, store: &mut Store) {
        let away_ms = now_ms.saturating_sub(std::mem::replace(&mut self.turned_ms, now_ms));
        if away_ms > STALL_MS {
            self.requests.values_mut().for_each(|it| it.deadline_ms = it.deadline_ms.max(now_ms + away_ms));
            self.executors.values_mut().for_each(|executor| executor.excuse(away_ms));
        }
        let replies: Vec<Answered> =
            self.executors.values_mut().filter_map(|executor| executor.turn(now_ms, store)).collect();
        self.reply(replies);
        let due: Vec<Token> = self.requests.values().filter(|it| it.deadline_ms <= now_ms).map(|it| it.token).collect();
        for token in due {
            self.calls.push(Call::Abandon { token });
            self.settle(token, Settlement::TimedOut);
        }
    }

    /// Whether an error is one that users should never see.
    pub fn is_fault(error: &Error) -> bool {
        error.code == Code::Internal
    }
}
