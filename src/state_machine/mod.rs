//! What the grid agrees on: the collections, the pending remote operations and the sessions.
//!
//! [`StateMachine::apply`] is the only way in which any of it changes. It is pure and deterministic: no clock, no
//! randomness, no iteration in hash order, so that every peer that applies the same log has the same state, byte for
//! byte. Counts stop at their end rather than overflow: only a forged snapshot gets there. It never fails: what a caller
//! asked in vain is an [`Outcome`] like any other.
//!
//! - [`sessions`]: each peer's requests apply in their order, each once
//! - [`map`]: what `set`, `insert`, `remove` and `updateIf` do exactly
//! - [`queue`]: who gets which item
//! - [`remote_map`]: the list of operations that wait for the leader to execute them
//! - [`effect`]: what an applied command means for this peer's JavaScript side
//! - [`lineage`] and `merge`: grids that go on from another, and grids that become one
//! - [`difference`]: from one state to another in terms of events, for when a snapshot takes the place of a log

pub mod difference;
pub mod effect;
pub mod lineage;
pub mod map;
mod merge;
pub mod queue;
pub mod remote_map;
pub mod sessions;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Code;
use crate::mutation::Mutation;
use crate::wire::NodeId;
use crate::wire::codec::{self, DecodeError};
use crate::wire::command::{
    Acquired, CollectionId, CollectionKind, Command, Executed, Failure, Inheritance, MapOperation, Operation, Outcome,
    QueueOperation, RequestBatch, Sweep,
};
use effect::{Change, Effect, RequestId};
use lineage::Lineage;
use map::Map;
use queue::Queue;
use remote_map::{PendingOperation, RemoteMap};
use sessions::{Admission, Asked, Sessions};

/// The replicated state of one grid. See the [module](self).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StateMachine {
    /// Counts the requests that were applied. Finer than log indexes, since one entry may hold many requests.
    revision: u64,
    lineage: Lineage,
    sessions: Sessions,
    collections: BTreeMap<CollectionId, Collection>,
}

/// One collection, whether or not this peer has opened it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collection {
    pub content: Content,
    /// When it was made, as a revision.
    pub made_at: u64,
    /// The sessions that have it open.
    pub attached: BTreeSet<NodeId>,
    /// When the last of them closed it, as a revision.
    pub abandoned_at: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Content {
    Map(Map),
    RemoteMap(RemoteMap),
    /// Values by the names of the fields.
    Record(Map),
    Queue(Queue),
    /// Subscriptions; what a key and a value say is the front's matter.
    Emitter(Map),
}

/// An operation on what a collection holds.
enum Step<'a> {
    Entries(&'a MapOperation),
    /// With the name of the request, as it was first asked.
    Items(RequestId, &'a QueueOperation),
}

impl Content {
    fn new(kind: CollectionKind) -> Self {
        match kind {
            CollectionKind::Map => Self::Map(Map::default()),
            CollectionKind::RemoteMap => Self::RemoteMap(RemoteMap::default()),
            CollectionKind::Record => Self::Record(Map::default()),
            CollectionKind::Queue => Self::Queue(Queue::default()),
            CollectionKind::Emitter => Self::Emitter(Map::default()),
        }
    }

    pub fn kind(&self) -> CollectionKind {
        match self {
            Self::Map(_) => CollectionKind::Map,
            Self::RemoteMap(_) => CollectionKind::RemoteMap,
            Self::Record(_) => CollectionKind::Record,
            Self::Queue(_) => CollectionKind::Queue,
            Self::Emitter(_) => CollectionKind::Emitter,
        }
    }

    fn apply(&mut self, revision: u64, step: Step<'_>) -> (Outcome, Vec<Change>) {
        match (self, step) {
            (Self::Map(entries) | Self::Record(entries) | Self::Emitter(entries), Step::Entries(operation)) => {
                entries.apply(revision, operation)
            }
            (Self::Queue(queue), Step::Items(origin, operation)) => queue.apply(revision, origin, operation),
            // Operations are only applied to their own kind.
            (_, Step::Entries(_) | Step::Items(..)) => (Outcome::Done, Vec::new()),
        }
    }

    /// What it holds, for all kinds but remote maps, whose entries are in the user's store.
    pub fn entries(&self) -> Option<&Map> {
        match self {
            Self::Map(entries) | Self::Record(entries) | Self::Emitter(entries) => Some(entries),
            Self::Queue(queue) => Some(queue.items()),
            Self::RemoteMap(_) => None,
        }
    }
}

impl StateMachine {
    /// Applies the entry at log index `index`; `effects` gets what happened, in order.
    pub fn apply<'a>(&mut self, index: u64, command: &'a Command, effects: &mut Vec<Effect<'a>>) {
        match command {
            Command::Requests(batch) => self.apply_batch(index, batch, &[], effects),
            Command::RequestsAgain(again) => self.apply_batch(index, &again.batch, &again.origins, effects),
            Command::Executed(executed) => self.apply_executed(executed, effects),
            Command::Sweep(sweep) => self.apply_sweep(sweep),
            Command::Restore(inheritance) => self.restore(inheritance),
            Command::Merge(merge) => self.apply_merge(index, merge, effects),
            Command::Acquired(acquired) => self.apply_acquired(acquired, effects),
        }
    }

    /// Whether nothing has applied yet.
    pub fn is_pristine(&self) -> bool {
        self.revision == 0
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub fn collection(&self, id: &str) -> Option<&Collection> {
        self.collections.get(id)
    }

    pub fn collections(&self) -> impl Iterator<Item = (&CollectionId, &Collection)> {
        self.collections.iter()
    }

    /// The whole state as a snapshot.
    pub fn to_snapshot(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads a snapshot that another peer made.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes)
    }

    /// The revision of a snapshot. Looks at its first bytes only.
    pub fn revision_of(snapshot: &[u8]) -> Option<u64> {
        codec::decode_start(snapshot).ok()
    }

    fn restore(&mut self, inheritance: &Inheritance) {
        if self.is_pristine()
            && let Ok(restored) = Self::from_snapshot(inheritance.state.as_slice())
        {
            *self = restored;
            self.lineage.descend(inheritance);
            self.sessions.descend();
            for collection in self.collections.values_mut() {
                if let Content::RemoteMap(map) = &mut collection.content {
                    map.begun_elsewhere(|_| true);
                }
            }
            self.revision = self.revision.saturating_add(1);
        }
    }

    fn apply_batch<'a>(
        &mut self,
        index: u64,
        batch: &'a RequestBatch,
        origins: &[Option<RequestId>],
        effects: &mut Vec<Effect<'a>>,
    ) {
        self.sessions.forget_outcomes_below(batch.session, batch.settled_below);
        let origins = origins.iter().copied().chain(std::iter::repeat(None));
        for ((offset, operation), origin) in (0..).zip(&batch.operations).zip(origins) {
            let request = RequestId { session: batch.session, number: batch.first.saturating_add(offset) };
            match self.sessions.admit(request, operation) {
                Admission::Apply => {}
                Admission::Duplicate => continue,
                Admission::Gap { expected } => {
                    effects.push(Effect::Gap { session: batch.session, expected });
                    return;
                }
                Admission::UnknownSession => {
                    effects.push(Effect::UnknownSession { session: batch.session });
                    return;
                }
            }
            self.revision = self.revision.saturating_add(1);
            let asked = Asked { request, origin: origin.unwrap_or(request) };
            if origin.is_some_and(|origin| !self.sessions.admit_again(origin)) {
                self.answer_again(asked, operation, effects);
                continue;
            }
            let outcome = self.apply_operation(index, asked, operation, effects);
            if let Some(outcome) = outcome {
                effects.push(Effect::Committed { request, index, operation: Cow::Borrowed(operation) });
                self.settle(request, outcome, effects);
            }
        }
    }

    /// What is asked again has applied, in a grid that came over since its caller was told that it had not.
    fn answer_again(&mut self, asked: Asked, operation: &Operation, effects: &mut Vec<Effect<'_>>) {
        let Asked { request, origin } = asked;
        if let Operation::RemoteMap { collection, .. } = operation
            && let Ok(Content::RemoteMap(map)) = self.content(collection, CollectionKind::RemoteMap)
            && map.hand_over(asked)
        {
            return effects.push(Effect::Queued { request });
        }
        let outcome = self.sessions.outcome(origin).map(|outcome| Outcome::clone(outcome));
        self.settle(request, outcome.unwrap_or_else(|| Outcome::Failed(outcome_unknown())), effects);
    }

    /// `None` when the outcome comes later, from [`Command::Executed`].
    fn apply_operation(
        &mut self,
        index: u64,
        asked: Asked,
        operation: &Operation,
        effects: &mut Vec<Effect<'_>>,
    ) -> Option<Outcome> {
        let (revision, Asked { request, origin }) = (self.revision, asked);
        match operation {
            Operation::Nothing | Operation::Message(_) => Some(Outcome::Done),
            Operation::OpenSession { replaces, .. } => {
                if let Some(former) = replaces {
                    let ended = self.sessions.end(*former);
                    self.move_attachments(*former, Some(request.session));
                    effects.push(Effect::SessionReplaced { session: request.session, former: *former, ended });
                }
                Some(Outcome::Done)
            }
            Operation::Attach { collection, kind } => Some(self.attach(revision, request.session, collection, *kind)),
            Operation::Detach { collection } => {
                if let Some(found) = self.collections.get_mut(collection) {
                    found.attached.remove(&request.session);
                    if found.attached.is_empty() {
                        found.abandoned_at = revision;
                    }
                }
                Some(Outcome::Done)
            }
            Operation::Map { collection, operation } => {
                Some(self.change(collection, CollectionKind::Map, Step::Entries(operation), effects))
            }
            Operation::Record { collection, operation } => {
                Some(self.change(collection, CollectionKind::Record, Step::Entries(operation), effects))
            }
            Operation::Emitter { collection, operation } => {
                Some(self.change(collection, CollectionKind::Emitter, Step::Entries(operation), effects))
            }
            Operation::Queue { collection, operation } => {
                Some(self.change(collection, CollectionKind::Queue, Step::Items(origin, operation), effects))
            }
            Operation::Reclaim { collection } => match self.content(collection, CollectionKind::RemoteMap) {
                Ok(Content::RemoteMap(map)) => {
                    map.reclaim();
                    effects.push(Effect::RemoteWork);
                    Some(Outcome::Done)
                }
                Ok(_) => Some(Outcome::Done),
                Err(failure) => Some(Outcome::Failed(failure)),
            },
            Operation::RemoteMap { collection, operation } => {
                let begun_elsewhere = origin != request && !self.sessions.opened_here(origin.session);
                match self.content(collection, CollectionKind::RemoteMap) {
                    Ok(Content::RemoteMap(map)) => {
                        let (position, operation) = (map.next_position(), operation.clone());
                        map.push(PendingOperation {
                            position,
                            request,
                            origin,
                            index,
                            revision,
                            operation,
                            begun_elsewhere,
                        });
                        effects.push(Effect::Queued { request });
                        None
                    }
                    Ok(_) => Some(Outcome::Done),
                    Err(failure) => Some(Outcome::Failed(failure)),
                }
            }
        }
    }

    /// Applies an operation to a collection that keeps its content here.
    fn change(
        &mut self,
        id: &CollectionId,
        kind: CollectionKind,
        step: Step<'_>,
        effects: &mut Vec<Effect<'_>>,
    ) -> Outcome {
        let revision = self.revision;
        match self.content(id, kind) {
            Ok(content) => {
                let (outcome, changes) = content.apply(revision, step);
                if !changes.is_empty() {
                    effects.push(Effect::Changed { collection: id.clone(), revision, changes });
                }
                outcome
            }
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn apply_executed(&mut self, executed: &Executed, effects: &mut Vec<Effect<'_>>) {
        let Some(Collection { content: Content::RemoteMap(map), .. }) = self.collections.get_mut(&executed.collection)
        else {
            return;
        };
        let mut taken = Vec::new();
        let skipped = usize::from(Mutation::MarkSkipped.is_planted() && executed.results.len() > 1);
        for result in &executed.results[..executed.results.len() - skipped] {
            // A mark that repeats, or that a deposed leader made, names a position that is no longer the head.
            taken.extend(map.take_head(result.position).map(|operation| (operation, result)));
        }
        for (operation, result) in &taken {
            let collection = executed.collection.clone();
            if !result.events.is_empty() {
                let (origin, events) = (operation.origin, result.events.clone());
                effects.push(Effect::RemoteEvents { collection: collection.clone(), origin, events });
            }
            let (request, index) = (operation.request, operation.index);
            let operation = Operation::RemoteMap { collection, operation: operation.operation.clone() };
            effects.push(Effect::Committed { request, index, operation: Cow::Owned(operation) });
            self.settle(request, result.outcome.clone(), effects);
        }
        if !taken.is_empty() {
            effects.push(Effect::RemoteWork);
        }
    }

    /// It is a change: who brings this state to another grid brings something new.
    fn apply_acquired(&mut self, acquired: &Acquired, effects: &mut Vec<Effect<'_>>) {
        self.revision = self.revision.saturating_add(1);
        if let Some(Collection { content: Content::RemoteMap(map), .. }) =
            self.collections.get_mut(&acquired.collection)
        {
            map.acquired(acquired, self.lineage.epoch());
            effects.push(Effect::RemoteWork);
        }
    }

    fn apply_sweep(&mut self, sweep: &Sweep) {
        for session in &sweep.sessions {
            self.sessions.end(*session);
            self.move_attachments(*session, None);
        }
        for (id, abandoned_at) in &sweep.collections {
            let unused = self.collections.get(id).is_some_and(|collection| {
                collection.attached.is_empty() && collection.abandoned_at == *abandoned_at && collection.is_idle()
            });
            if unused {
                self.collections.remove(id);
            }
        }
    }

    fn settle(&mut self, request: RequestId, outcome: Outcome, effects: &mut Vec<Effect<'_>>) {
        let outcome = Arc::new(outcome);
        self.sessions.keep_outcome(request, &outcome);
        effects.push(Effect::Settled { request, outcome });
    }

    fn attach(&mut self, revision: u64, session: NodeId, id: &CollectionId, kind: CollectionKind) -> Outcome {
        if !self.collections.contains_key(id) {
            self.collections.insert(id.clone(), Collection::new(kind, revision));
        }
        match self.collections.get_mut(id) {
            Some(found) if found.content.kind() == kind => {
                found.attached.insert(session);
                Outcome::Done
            }
            Some(found) => Outcome::Failed(kind_mismatch(id, found.content.kind(), kind)),
            None => Outcome::Done,
        }
    }

    fn content(&mut self, id: &CollectionId, kind: CollectionKind) -> Result<&mut Content, Failure> {
        match self.collections.get_mut(id) {
            Some(found) if found.content.kind() == kind => Ok(&mut found.content),
            Some(found) => Err(kind_mismatch(id, found.content.kind(), kind)),
            None => Err(Failure {
                code: "CLOSED".into(),
                text: format!("The {} {id} was dropped, because no peer had it open", kind.name()),
            }),
        }
    }

    fn move_attachments(&mut self, from: NodeId, to: Option<NodeId>) {
        let revision = self.revision;
        for collection in self.collections.values_mut() {
            if collection.attached.remove(&from) {
                collection.attached.extend(to);
                if collection.attached.is_empty() {
                    collection.abandoned_at = revision;
                }
            }
        }
    }
}

impl Collection {
    fn new(kind: CollectionKind, revision: u64) -> Self {
        Self { content: Content::new(kind), made_at: revision, attached: BTreeSet::new(), abandoned_at: 0 }
    }

    /// Whether dropping it would lose an operation that somebody waits for.
    fn is_idle(&self) -> bool {
        match &self.content {
            Content::RemoteMap(map) => map.is_empty(),
            Content::Map(_) | Content::Record(_) | Content::Queue(_) | Content::Emitter(_) => true,
        }
    }
}

fn outcome_unknown() -> Failure {
    let text = "The grid that applied this came over, and told nobody of its outcome";
    Failure { code: Code::OutcomeUnknown.as_str().into(), text: text.into() }
}

fn kind_mismatch(id: &str, existing: CollectionKind, asked: CollectionKind) -> Failure {
    Failure {
        code: "KIND_MISMATCH".into(),
        text: format!("{id} is {} in this grid, not {}", existing.a_name(), asked.a_name()),
    }
}
