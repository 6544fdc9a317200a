//! What the grid's state must be after the commands of a log: the rules once more, in their plainest form.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hamok::state_machine::effect::RequestId;
use hamok::state_machine::{Content as MachineContent, StateMachine};
use hamok::wire::NodeId;
use hamok::wire::blob::Blob;
use hamok::wire::command::{
    CollectionKind, Command, CompareAction, MapOperation, Operation, Outcome, QueueOperation, RequestBatch,
};

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub revision: u64,
    /// The number of each session's next request.
    pub sessions: BTreeMap<NodeId, u64>,
    /// The same for those that have ended.
    ended: BTreeMap<NodeId, u64>,
    pub collections: BTreeMap<String, Collection>,
}

#[derive(Debug, Clone)]
pub struct Collection {
    pub kind: CollectionKind,
    /// Of all kinds but remote maps, in order; a queue's items have empty keys.
    pub entries: VecDeque<Entry>,
    /// How many remote operations were ever queued.
    pub queued: u64,
    pub pending: VecDeque<Pending>,
    attached: BTreeSet<NodeId>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: Blob,
    pub value: Blob,
    changed_at: u64,
}

#[derive(Debug, Clone)]
pub struct Pending {
    pub position: u64,
    pub session: NodeId,
    pub number: u64,
    /// The name under which it was first asked.
    origin: RequestId,
    pub id: Option<Id>,
}

/// Marks an operation of a client: its process, and its place in that process's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    pub process: u32,
    pub number: u32,
}

impl Id {
    pub fn blob(self) -> Blob {
        Blob::from(self.to_string().as_bytes())
    }

    pub fn parse(blob: &Blob) -> Option<Self> {
        let (process, number) = std::str::from_utf8(blob.as_slice()).ok()?.split_once('.')?;
        Some(Self { process: process.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.process, self.number)
    }
}

/// The mark that an operation carries, if any.
pub fn id_of(operation: &Operation) -> Option<Id> {
    match operation {
        Operation::Map { operation, .. }
        | Operation::Record { operation, .. }
        | Operation::Emitter { operation, .. } => match operation {
            MapOperation::SetAll(entries) | MapOperation::InsertAll(entries) => Id::parse(&entries.first()?.1),
            MapOperation::RemoveAll(keys) => Id::parse(keys.last()?),
            MapOperation::Compare { action: CompareAction::Set(value), .. } => Id::parse(value),
            MapOperation::CompareAll { entries, .. } => Id::parse(&entries.first()?.1),
            MapOperation::Compare { .. } | MapOperation::Clear => None,
        },
        Operation::Queue { operation: QueueOperation::Push(items), .. } => Id::parse(items.first()?),
        Operation::RemoteMap { operation, .. } => Id::parse(operation.values.first()?),
        Operation::Message(bytes) => Id::parse(bytes),
        _ => None,
    }
}

/// A request that took effect.
#[derive(Debug, Clone)]
pub struct Applied {
    pub session: NodeId,
    pub number: u64,
    pub id: Option<Id>,
    /// `None`: it waits for its execution.
    pub outcome: Option<Outcome>,
    /// Of remote operations.
    pub position: Option<(String, u64)>,
}

impl Model {
    pub fn of(machine: &StateMachine) -> Self {
        let collection = |found: &hamok::state_machine::Collection| {
            let kind = found.content.kind();
            let mut collection = Collection::new(kind);
            collection.attached = found.attached.clone();
            let keyed = kind != CollectionKind::Queue;
            collection.entries = found.content.entries().map_or_else(VecDeque::new, |map| {
                let entry = |(key, entry): (&Blob, &hamok::state_machine::map::Entry)| Entry {
                    key: if keyed { key.clone() } else { Blob::default() },
                    value: entry.value.clone(),
                    changed_at: entry.changed_at,
                };
                map.iter().map(entry).collect()
            });
            if let MachineContent::RemoteMap(map) = &found.content {
                collection.queued = map.next_position();
                let pending = map.pending_from(0).map(|it| Pending {
                    position: it.position,
                    session: it.request.session,
                    number: it.request.number,
                    origin: it.origin,
                    id: it.operation.values.first().and_then(Id::parse),
                });
                collection.pending = pending.collect();
            }
            collection
        };
        let sessions = machine.sessions();
        Self {
            revision: machine.revision(),
            sessions: sessions.ids().map(|id| (id, sessions.next(id).unwrap_or(0))).collect(),
            ended: sessions.ended().collect(),
            collections: machine.collections().map(|(id, found)| (id.to_string(), collection(found))).collect(),
        }
    }

    /// Applies a command; gives what took effect or was executed, in order.
    pub fn apply(&mut self, command: &Command) -> Vec<Applied> {
        match command {
            Command::Requests(batch) => self.requests(batch, &[]),
            Command::RequestsAgain(again) => self.requests(&again.batch, &again.origins),
            Command::Executed(executed) => {
                let Some(collection) = self.collections.get_mut(&*executed.collection) else { return Vec::new() };
                let mut applied = Vec::new();
                for result in &executed.results {
                    if collection.pending.front().is_some_and(|head| head.position == result.position)
                        && let Some(Pending { position, session, number, id, .. }) = collection.pending.pop_front()
                    {
                        let position = Some((executed.collection.to_string(), position));
                        applied.push(Applied { session, number, id, outcome: Some(result.outcome.clone()), position });
                    }
                }
                applied
            }
            Command::Sweep(sweep) => {
                for session in &sweep.sessions {
                    self.end(*session);
                    self.collections.values_mut().for_each(|it| {
                        it.attached.remove(session);
                    });
                }
                for (id, _) in &sweep.collections {
                    if self.collections.get(&**id).is_some_and(|it| it.attached.is_empty() && it.pending.is_empty()) {
                        self.collections.remove(&**id);
                    }
                }
                Vec::new()
            }
            Command::Restore(inheritance) => {
                if self.revision == 0
                    && let Ok(machine) = StateMachine::from_snapshot(inheritance.state.as_slice())
                {
                    *self = Self::of(&machine);
                    self.revision += 1;
                }
                Vec::new()
            }
            // The ledger knows.
            Command::Acquired(_) => {
                self.revision += 1;
                Vec::new()
            }
            Command::Merge(_) => Vec::new(),
        }
    }

    fn end(&mut self, session: NodeId) {
        if let Some(next) = self.sessions.remove(&session) {
            let known = self.ended.entry(session).or_default();
            *known = next.max(*known);
        }
    }

    /// Whether what was first asked under this name has not applied yet; from now on it has.
    fn is_first(&mut self, RequestId { session, number }: RequestId) -> bool {
        let known = |sessions: &BTreeMap<NodeId, u64>| sessions.get(&session).is_some_and(|next| number < *next);
        if known(&self.sessions) || known(&self.ended) {
            return false;
        }
        let next = if self.sessions.contains_key(&session) { &mut self.sessions } else { &mut self.ended };
        next.insert(session, number + 1);
        true
    }

    fn requests(&mut self, batch: &RequestBatch, origins: &[Option<RequestId>]) -> Vec<Applied> {
        let mut applied = Vec::new();
        let session = batch.session;
        let origins = origins.iter().copied().chain(std::iter::repeat(None));
        for ((number, operation), origin) in (batch.first..).zip(&batch.operations).zip(origins) {
            let opens = matches!(operation, Operation::OpenSession { .. }) && number == 0;
            let Some(next) = self.sessions.get(&session).copied().or(opens.then_some(0)) else { break };
            if number < next {
                continue;
            }
            if number > next {
                break;
            }
            self.sessions.insert(session, next + 1);
            self.revision += 1;
            if let Some(origin) = origin.filter(|origin| !self.is_first(*origin)) {
                self.hand_over(origin, RequestId { session, number }, operation);
                continue;
            }
            let request = RequestId { session, number };
            let (outcome, position) = self.operation(request, origin.unwrap_or(request), operation);
            applied.push(Applied { session, number, id: id_of(operation), outcome, position });
        }
        applied
    }

    /// Whoever waits for a remote operation is told under another name.
    fn hand_over(&mut self, origin: RequestId, to: RequestId, operation: &Operation) {
        let Operation::RemoteMap { collection, .. } = operation else { return };
        let pending = self.collections.get_mut(&**collection).into_iter().flat_map(|found| &mut found.pending);
        for operation in pending.filter(|operation| operation.origin == origin) {
            (operation.session, operation.number) = (to.session, to.number);
        }
    }

    fn operation(
        &mut self,
        request: RequestId,
        origin: RequestId,
        operation: &Operation,
    ) -> (Option<Outcome>, Option<(String, u64)>) {
        let (revision, RequestId { session, number }) = (self.revision, request);
        let done = Some(Outcome::Done);
        let outcome = match operation {
            Operation::Nothing | Operation::Message(_) | Operation::Reclaim { .. } => done,
            Operation::OpenSession { replaces, .. } => {
                if let Some(former) = replaces {
                    self.end(*former);
                    for collection in self.collections.values_mut() {
                        if collection.attached.remove(former) {
                            collection.attached.insert(session);
                        }
                    }
                }
                done
            }
            Operation::Attach { collection, kind } => {
                let found = self.collections.entry(collection.to_string()).or_insert_with(|| Collection::new(*kind));
                found.attached.insert(session);
                done
            }
            Operation::Detach { collection } => {
                if let Some(found) = self.collections.get_mut(&**collection) {
                    found.attached.remove(&session);
                }
                done
            }
            Operation::Map { collection, operation }
            | Operation::Record { collection, operation }
            | Operation::Emitter { collection, operation } => {
                self.collections.get_mut(&**collection).map(|found| found.change(revision, operation))
            }
            Operation::Queue { collection, operation } => {
                self.collections.get_mut(&**collection).map(|found| found.queue(revision, operation))
            }
            Operation::RemoteMap { collection, operation } => {
                let Some(found) = self.collections.get_mut(&**collection) else { return (None, None) };
                let position = found.queued;
                found.queued += 1;
                let id = operation.values.first().and_then(Id::parse);
                found.pending.push_back(Pending { position, session, number, origin, id });
                return (None, Some((collection.to_string(), position)));
            }
        };
        (outcome, None)
    }

    /// What differs from a peer's state; `None` when nothing does.
    pub fn difference(&self, machine: &StateMachine) -> Option<String> {
        let other = Self::of(machine);
        if self.revision != other.revision {
            return Some(format!("the revision is {}, not {}", other.revision, self.revision));
        }
        if self.sessions != other.sessions {
            return Some(format!("the sessions are {:?}, not {:?}", other.sessions, self.sessions));
        }
        if !self.collections.keys().eq(other.collections.keys()) {
            return Some("there are other collections".into());
        }
        for (id, mine) in &self.collections {
            let its = &other.collections[id];
            if mine.entries != its.entries {
                return Some(format!("{id} holds {}, not {}", its.text(), mine.text()));
            }
            let pending = |it: &Collection| it.pending.iter().map(|it| it.position).collect::<Vec<_>>();
            if mine.queued != its.queued || pending(mine) != pending(its) {
                return Some(format!("{id} waits for {:?}, not {:?}", pending(its), pending(mine)));
            }
        }
        None
    }
}

impl Collection {
    fn new(kind: CollectionKind) -> Self {
        let (entries, pending, attached) = (VecDeque::new(), VecDeque::new(), BTreeSet::new());
        Self { kind, entries, queued: 0, pending, attached }
    }

    fn text(&self) -> String {
        let text = |blob: &Blob| String::from_utf8_lossy(blob.as_slice()).into_owned();
        let entries: Vec<_> = self.entries.iter().map(|it| format!("{}={}", text(&it.key), text(&it.value))).collect();
        format!("[{}]", entries.join(" "))
    }

    fn find(&self, key: &Blob) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key == *key)
    }

    fn put(&mut self, revision: u64, key: &Blob, value: &Blob) -> Option<Blob> {
        let entry = Entry { key: key.clone(), value: value.clone(), changed_at: revision };
        match self.find(key) {
            Some(place) => Some(std::mem::replace(&mut self.entries[place], entry).value),
            None => {
                self.entries.push_back(entry);
                None
            }
        }
    }

    fn untouched(&self, key: &Blob, seen: u64, present: bool) -> bool {
        self.find(key).map_or(!present, |place| present && self.entries[place].changed_at <= seen)
    }

    fn change(&mut self, revision: u64, operation: &MapOperation) -> Outcome {
        let numbered = |entries: Vec<(usize, Blob)>| {
            Outcome::Entries(entries.into_iter().map(|(place, value)| (place as u32, Some(value))).collect())
        };
        match operation {
            MapOperation::SetAll(entries) => numbered(
                (0..)
                    .zip(entries)
                    .filter_map(|(place, (key, value))| Some((place, self.put(revision, key, value)?)))
                    .collect(),
            ),
            MapOperation::InsertAll(entries) => {
                let mut existing = Vec::new();
                for (place, (key, value)) in (0..).zip(entries) {
                    match self.find(key) {
                        Some(found) => existing.push((place, self.entries[found].value.clone())),
                        None => drop(self.put(revision, key, value)),
                    }
                }
                numbered(existing)
            }
            MapOperation::RemoveAll(keys) => {
                let mut removed = Vec::new();
                for (place, key) in (0..).zip(keys) {
                    if let Some(entry) = self.find(key).and_then(|found| self.entries.remove(found)) {
                        removed.push((place, entry.value));
                    }
                }
                numbered(removed)
            }
            MapOperation::Clear => {
                self.entries.clear();
                Outcome::Done
            }
            MapOperation::Compare { key, seen_revision, present, action } => {
                if !self.untouched(key, *seen_revision, *present) {
                    return Outcome::Conflict;
                }
                match action {
                    CompareAction::Check => {}
                    CompareAction::Set(value) => drop(self.put(revision, key, value)),
                    CompareAction::Remove => {
                        if let Some(found) = self.find(key) {
                            self.entries.remove(found);
                        }
                    }
                }
                Outcome::Done
            }
            MapOperation::CompareAll { seen_revision, expected, entries } => {
                if !expected.iter().all(|(key, present)| self.untouched(key, *seen_revision, *present)) {
                    return Outcome::Conflict;
                }
                for (key, value) in entries {
                    self.put(revision, key, value);
                }
                Outcome::Done
            }
        }
    }

    fn queue(&mut self, revision: u64, operation: &QueueOperation) -> Outcome {
        match operation {
            QueueOperation::Push(items) => {
                for item in items {
                    let entry = Entry { key: Blob::default(), value: item.clone(), changed_at: revision };
                    self.entries.push_back(entry);
                }
                Outcome::Done
            }
            QueueOperation::Pop => {
                let popped = self.entries.pop_front().map(|entry| (0, Some(entry.value)));
                Outcome::Entries(popped.into_iter().collect())
            }
            QueueOperation::Clear => {
                self.entries.clear();
                Outcome::Done
            }
        }
    }
}
