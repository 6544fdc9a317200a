//! The application's own code: what it asks of a peer, drawn by the seed.

use hamok::ports::Handle;
use hamok::wire::GridId;
use hamok::wire::blob::Blob;
use hamok::wire::command::{CompareAction, MapOperation, Operation, QueueOperation, RemoteMethod, RemoteOperation};

use crate::facade::{Facade, Kind, MAP, RECORD, Request, collection_id};
use crate::model::Id;
use crate::random::Rng;

/// So many keys are fought for.
const KEYS: u64 = 6;

pub struct Client {
    rng: Rng,
    next_ms: u64,
    /// The most promises at once, and the longest pause between two.
    eagerness: (usize, u64),
    timeout_ms: u64,
}

/// What a client can know of the world.
pub struct Surroundings<'a> {
    pub now_ms: u64,
    /// Other peers' ids.
    pub others: &'a [String],
    /// The last index that each grid has acknowledged a write at.
    pub acknowledged: &'a [(GridId, u64)],
}

impl Client {
    pub fn new(mut rng: Rng, now_ms: u64) -> Self {
        let eagerness = *rng.pick(&[(1, 200), (3, 100), (8, 60), (30, 400)]);
        let timeout_ms = rng.between(1_500, 5_000);
        Self { rng, next_ms: now_ms, eagerness, timeout_ms }
    }

    /// Asks for something if it is time to; gives whether it did.
    pub fn turn(&mut self, facade: &mut Facade, world: &Surroundings<'_>) -> bool {
        let (most, pause_ms) = self.eagerness;
        if world.now_ms < self.next_ms || facade.requests.len() >= most || !facade.is_usable() {
            return false;
        }
        self.next_ms = world.now_ms + self.rng.between(1, pause_ms);
        // Several at once share a batch.
        for _ in 0..if self.rng.chance(150) { self.rng.between(2, 6) } else { 1 } {
            self.ask(facade, world);
        }
        true
    }

    fn key(&mut self) -> Blob {
        Blob::from(format!("k{}", self.rng.below(KEYS)).as_bytes())
    }

    fn ask(&mut self, facade: &mut Facade, world: &Surroundings<'_>) {
        let (now_ms, timeout_ms) = (world.now_ms, self.timeout_ms);
        match self.rng.below(100) {
            0..=24 => {
                let id = facade.next_id();
                let operation = self.map_operation(id);
                facade.submit(now_ms, timeout_ms, Some(id), Kind::Write(MAP), map(MAP, operation));
            }
            25..=34 => self.compare(facade, now_ms, MAP),
            35..=40 => self.compare(facade, now_ms, RECORD),
            41..=50 => {
                let ids: Vec<Id> = (0..self.rng.between(1, 3)).map(|_| facade.next_id()).collect();
                // Its first item marks the operation.
                let push = QueueOperation::Push(ids.iter().map(|id| id.blob()).collect());
                facade.submit(now_ms, timeout_ms, Some(ids[0]), Kind::Write(2), queue(push));
            }
            51..=58 => facade.submit(now_ms, timeout_ms, None, Kind::Pop, queue(QueueOperation::Pop)),
            // In few runs: a queue that is cleared tells less of what becomes of its items.
            59..=60 if timeout_ms % 10 == 0 => {
                facade.submit(now_ms, timeout_ms, None, Kind::Write(2), queue(QueueOperation::Clear))
            }
            59..=63 => {
                let id = facade.next_id();
                facade.submit(now_ms, timeout_ms, Some(id), Kind::Write(0), Operation::Message(id.blob()));
            }
            64..=80 => self.remote(facade, now_ms),
            81..=90 => {
                let id = facade.next_id();
                let peers = world.others.iter().filter(|_| self.rng.chance(700)).cloned().collect();
                let awaited = self.rng.chance(700);
                facade.publish(now_ms, timeout_ms, id, peers, awaited);
            }
            _ => {
                let handle = self.rng.chance(300).then_some(4);
                let key = self.key();
                facade.read_after_barrier(now_ms, timeout_ms, handle, key, world.acknowledged.to_vec());
            }
        }
    }

    fn map_operation(&mut self, id: Id) -> MapOperation {
        let entries = |client: &mut Self| {
            // Its first value marks the operation. Values are unique, so that it can be told where they come from.
            let others = client.rng.below(3);
            let mut entries = vec![(client.key(), id.blob())];
            for other in 0..others {
                let key = client.key();
                if entries.iter().all(|(known, _)| *known != key) {
                    entries.push((key, Blob::from(format!("{id}.{other}").as_bytes())));
                }
            }
            entries
        };
        match self.rng.below(10) {
            0..=5 => MapOperation::SetAll(entries(self)),
            6..=7 => MapOperation::InsertAll(entries(self)),
            // The last key, which nobody has, marks the operation.
            _ => MapOperation::RemoveAll(vec![self.key(), id.blob()]),
        }
    }

    fn compare(&mut self, facade: &mut Facade, now_ms: u64, handle: Handle) {
        let (id, key) = (facade.next_id(), self.key());
        let operation = look(facade, handle, id, key);
        facade.submit(now_ms, self.timeout_ms, Some(id), Kind::Compare(handle), operation);
    }

    /// A comparison met with a conflict.
    pub fn compare_again(&mut self, facade: &mut Facade, now_ms: u64, request: &Request) {
        if let Kind::Compare(handle) = request.kind {
            let (id, key) = (facade.next_id(), self.key());
            let operation = look(facade, handle, id, key);
            facade.submit_again(now_ms, request, id, operation);
        }
    }

    fn remote(&mut self, facade: &mut Facade, now_ms: u64) {
        let (id, handle) = (facade.next_id(), self.rng.between(4, 5) as Handle);
        let method = *self.rng.pick(&[
            RemoteMethod::Set,
            RemoteMethod::Set,
            RemoteMethod::Set,
            RemoteMethod::Insert,
            RemoteMethod::Remove,
            RemoteMethod::UpdateIf,
        ]);
        let mut values = vec![id.blob()];
        if method == RemoteMethod::UpdateIf {
            values.push(Blob::from(b"unlikely".as_slice()));
        }
        let operation = RemoteOperation { method, keys: vec![self.key()], values };
        let operation = Operation::RemoteMap { collection: collection_id(handle).into(), operation };
        facade.submit(now_ms, self.timeout_ms, Some(id), Kind::Remote(handle), operation);
    }
}

/// What to ask after a look at the mirror.
fn look(facade: &Facade, handle: Handle, id: Id, key: Blob) -> Operation {
    let mirror = &facade.mirrors[&handle];
    let (seen_revision, present) = (mirror.revision, mirror.get(&key).is_some());
    let collection = collection_id(handle).into();
    if handle == RECORD {
        let operation = MapOperation::CompareAll {
            seen_revision,
            expected: vec![(key.clone(), present)],
            entries: vec![(key, id.blob())],
        };
        return Operation::Record { collection, operation };
    }
    let action = CompareAction::Set(id.blob());
    Operation::Map { collection, operation: MapOperation::Compare { key, seen_revision, present, action } }
}

fn map(handle: Handle, operation: MapOperation) -> Operation {
    Operation::Map { collection: collection_id(handle).into(), operation }
}

fn queue(operation: QueueOperation) -> Operation {
    Operation::Queue { collection: collection_id(2).into(), operation }
}
