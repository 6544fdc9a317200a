//! What the Raft log holds.
//!
//! Every enum here is append-only: a variant is never moved, changed or removed, because its number is in the logs and
//! messages of peers that run another release. Golden bytes in the tests pin what exists.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::blob::Blob;
use super::codec;
use super::{GridId, NodeId};
use crate::state_machine::effect::RequestId;

/// The id of a collection, as users chose it.
pub type CollectionId = Arc<str>;

/// One log entry's content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Consecutive requests of one session.
    Requests(RequestBatch),
    /// The leader's report of remote operations that it has executed.
    Executed(Executed),
    /// Leader's housekeeping: drops what nobody has used for long.
    Sweep(Sweep),
    /// The first command of a grid that goes on from another.
    Restore(Inheritance),
    /// Another grid becomes part of this one.
    Merge(Merge),
    /// The store of a remote map has answered the leader's claim.
    Acquired(Acquired),
    /// Consecutive requests of one session, some of them for the second time.
    RequestsAgain(RequestsAgain),
}

/// Consecutive requests of one session, numbered from `first`.
///
/// A session applies its requests strictly in the order of their numbers, each once: numbers that were applied are
/// skipped, and a batch that would leave a gap is not applied at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestBatch {
    pub session: NodeId,
    pub first: u64,
    /// All outcomes below this number have reached the caller and need not be kept.
    pub settled_below: u64,
    pub operations: Vec<Operation>,
}

/// Requests of which some were asked before, under sessions of the same caller that had ended when they came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestsAgain {
    pub batch: RequestBatch,
    /// For each request the name under which it was first asked, if that was another: it may be in another grid's log
    /// under that name, and is applied once if the two become one.
    pub origins: Vec<Option<RequestId>>,
}

impl Command {
    /// The requests that it holds.
    pub fn requests(&self) -> Option<&RequestBatch> {
        match self {
            Self::Requests(batch) | Self::RequestsAgain(RequestsAgain { batch, .. }) => Some(batch),
            Self::Executed(_) | Self::Sweep(_) | Self::Restore(_) | Self::Merge(_) | Self::Acquired(_) => None,
        }
    }

    /// The bytes of the keys and values that it carries for users.
    pub fn data_bytes(&self) -> usize {
        self.requests().map_or(0, |batch| batch.operations.iter().map(Operation::data_bytes).sum())
    }
}

impl Command {
    /// Makes sets of its inserts, see [`crate::mutation`].
    pub fn insert_over_existing(&mut self) {
        let Self::Requests(batch) = self else { return };
        for operation in &mut batch.operations {
            if let Operation::Map { operation, .. } = operation
                && let MapOperation::InsertAll(entries) = operation
            {
                *operation = MapOperation::SetAll(std::mem::take(entries));
            }
        }
    }
}

/// Whether an encoded command is a batch of this session from this number on. Looks at its first bytes only: the rest
/// is read when it applies.
pub fn is_batch_of(command: &[u8], session: NodeId, first: u64) -> bool {
    #[derive(Deserialize)]
    enum Start {
        Requests { session: NodeId, first: u64 },
        Executed,
        Sweep,
        Restore,
        Merge,
        Acquired,
        RequestsAgain { session: NodeId, first: u64 },
    }
    match codec::decode_start::<Start>(command) {
        Ok(
            Start::Requests { session: found, first: number } | Start::RequestsAgain { session: found, first: number },
        ) => (found, number) == (session, first),
        Ok(Start::Executed | Start::Sweep | Start::Restore | Start::Merge | Start::Acquired) | Err(_) => false,
    }
}

/// What one request asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Operation {
    /// Takes the place of a request that its caller has given up.
    Nothing,
    /// Number 0 of every session. `replaces` is the caller's former session, which ends with this.
    OpenSession {
        peer_id: String,
        replaces: Option<NodeId>,
    },
    /// The caller has this collection open from now on; makes it when it does not exist.
    Attach {
        collection: CollectionId,
        kind: CollectionKind,
    },
    /// The caller has closed it.
    Detach {
        collection: CollectionId,
    },
    Map {
        collection: CollectionId,
        operation: MapOperation,
    },
    RemoteMap {
        collection: CollectionId,
        operation: RemoteOperation,
    },
    /// A message of the user's own, passed to everybody's `commit` listeners.
    Message(Blob),
    /// A record's fields are entries like a map's.
    Record {
        collection: CollectionId,
        operation: MapOperation,
    },
    Queue {
        collection: CollectionId,
        operation: QueueOperation,
    },
    /// An emitter's subscriptions are entries like a map's.
    Emitter {
        collection: CollectionId,
        operation: MapOperation,
    },
    /// The grid is to claim the store of this remote map anew.
    Reclaim {
        collection: CollectionId,
    },
}

impl Operation {
    /// About how many bytes it takes in the log.
    pub fn size(&self) -> usize {
        const OVERHEAD: usize = 16;
        const OVERHEAD_OF_BLOB: usize = 4;
        let mut size = OVERHEAD;
        self.visit(&mut |blob| size += blob.len() + OVERHEAD_OF_BLOB);
        size
    }

    /// The bytes of its keys and values alone.
    pub fn data_bytes(&self) -> usize {
        let mut bytes = 0;
        self.visit(&mut |blob| bytes += blob.len());
        bytes
    }

    /// What a caller saw in another grid is no ground to act on: a key that it found is taken for changed.
    pub fn forget_revision(&mut self) {
        let (Self::Map { operation, .. } | Self::Record { operation, .. } | Self::Emitter { operation, .. }) = self
        else {
            return;
        };
        if let MapOperation::Compare { seen_revision, .. } | MapOperation::CompareAll { seen_revision, .. } = operation
        {
            *seen_revision = 0;
        }
    }

    fn visit(&self, visit: &mut impl FnMut(&Blob)) {
        match self {
            Self::Nothing
            | Self::OpenSession { .. }
            | Self::Attach { .. }
            | Self::Detach { .. }
            | Self::Reclaim { .. } => {}
            Self::Map { operation, .. } | Self::Record { operation, .. } | Self::Emitter { operation, .. } => {
                operation.visit(visit);
            }
            Self::RemoteMap { operation, .. } => operation.keys.iter().chain(&operation.values).for_each(visit),
            Self::Queue { operation: QueueOperation::Push(items), .. } => items.iter().for_each(visit),
            Self::Queue { operation: QueueOperation::Pop | QueueOperation::Clear, .. } => {}
            Self::Message(bytes) => visit(bytes),
        }
    }
}

/// The kind of a collection; an id belongs to one kind only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CollectionKind {
    Map,
    RemoteMap,
    Record,
    Queue,
    Emitter,
}

impl CollectionKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::RemoteMap => "remote map",
            Self::Record => "record",
            Self::Queue => "queue",
            Self::Emitter => "emitter",
        }
    }

    /// Its name with the article.
    pub fn a_name(self) -> &'static str {
        match self {
            Self::Map => "a map",
            Self::RemoteMap => "a remote map",
            Self::Record => "a record",
            Self::Queue => "a queue",
            Self::Emitter => "an emitter",
        }
    }
}

/// A change of a map, of a record's fields or of an emitter's subscriptions. Batches are one command: they apply as a
/// whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MapOperation {
    SetAll(Vec<(Blob, Blob)>),
    InsertAll(Vec<(Blob, Blob)>),
    RemoveAll(Vec<Blob>),
    Clear,
    /// Acts only if `key` has not changed since `seen_revision`, when the caller looked at it and found it `present`
    /// or not.
    Compare {
        key: Blob,
        seen_revision: u64,
        present: bool,
        action: CompareAction,
    },
    /// Sets `entries` only if none of the `expected` keys has changed since `seen_revision`, when the caller found them
    /// present or not.
    CompareAll {
        seen_revision: u64,
        expected: Vec<(Blob, bool)>,
        entries: Vec<(Blob, Blob)>,
    },
}

impl MapOperation {
    fn visit(&self, visit: &mut impl FnMut(&Blob)) {
        match self {
            Self::SetAll(entries) | Self::InsertAll(entries) => visit_entries(entries, visit),
            Self::RemoveAll(keys) => keys.iter().for_each(visit),
            Self::Clear => {}
            Self::Compare { key, action, .. } => {
                visit(key);
                if let CompareAction::Set(value) = action {
                    visit(value);
                }
            }
            Self::CompareAll { expected, entries, .. } => {
                expected.iter().for_each(|(key, _)| visit(key));
                visit_entries(entries, visit);
            }
        }
    }
}

fn visit_entries(entries: &[(Blob, Blob)], visit: &mut impl FnMut(&Blob)) {
    for (key, value) in entries {
        visit(key);
        visit(value);
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CompareAction {
    Check,
    Set(Blob),
    Remove,
}

/// A change of a queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum QueueOperation {
    /// Appends items at the tail, in their order.
    Push(Vec<Blob>),
    /// Takes what is at the head when this applies.
    Pop,
    Clear,
}

/// An operation that the leader executes on the user's own store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoteOperation {
    pub method: RemoteMethod,
    pub keys: Vec<Blob>,
    pub values: Vec<Blob>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RemoteMethod {
    Set,
    SetAll,
    Insert,
    InsertAll,
    Delete,
    DeleteAll,
    Remove,
    RemoveAll,
    UpdateIf,
    Clear,
}

/// Results of remote operations of one map, from the head of its pending list on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Executed {
    pub collection: CollectionId,
    pub results: Vec<ExecutedOperation>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutedOperation {
    /// The operation's place in the order of its map, see [`crate::state_machine::remote_map`].
    pub position: u64,
    pub outcome: Outcome,
    pub events: Vec<RemoteEvent>,
}

impl ExecutedOperation {
    /// The bytes of the keys and values in it.
    pub fn data_bytes(&self) -> usize {
        let found = match &self.outcome {
            Outcome::Entries(entries) => entries.iter().flat_map(|(_, value)| value).map(Blob::len).sum(),
            Outcome::Failed(failure) => failure.text.len(),
            Outcome::Done | Outcome::Conflict => 0,
        };
        let told = self.events.iter().map(|event| match event {
            RemoteEvent::Inserted { key, value } | RemoteEvent::Removed { key, value } => key.len() + value.len(),
            RemoteEvent::Updated { key, old_value, new_value } => key.len() + old_value.len() + new_value.len(),
            RemoteEvent::Cleared => 0,
        });
        told.fold(found, usize::saturating_add)
    }
}

/// What a grid asks the store of a remote map for an epoch with. A new grid claims anew, and so does one that another
/// was merged into, whose leader may have written under a higher epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub grid: GridId,
    /// Of the grid's [`crate::state_machine::lineage::Lineage`].
    pub lineage_epoch: u64,
    /// How often an operator has asked for a new one.
    pub number: u64,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}-{}", self.grid, self.lineage_epoch, self.number)
    }
}

/// The epoch that a store has given for a claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acquired {
    pub collection: CollectionId,
    pub claim: Claim,
    pub epoch: u64,
}

/// What an executed remote operation did to the user's store, for the listeners on every peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RemoteEvent {
    Inserted { key: Blob, value: Blob },
    Updated { key: Blob, old_value: Blob, new_value: Blob },
    Removed { key: Blob, value: Blob },
    Cleared,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Done,
    /// Values by the position of their key in the request: old, existing or removed ones.
    Entries(Vec<(u32, Option<Blob>)>),
    /// A [`MapOperation::Compare`] found that its key had changed.
    Conflict,
    Failed(Failure),
}

/// A business failure: not an error of ours, but an answer that the caller gets as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub code: String,
    pub text: String,
}

/// Drops what is named here, where it is still as unused as the leader saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Sessions of peers that left the grid long ago; their attachments go with them.
    pub sessions: Vec<NodeId>,
    /// Collections that nobody has open, each with the revision at which the last peer closed it.
    pub collections: Vec<(CollectionId, u64)>,
}

/// A place in Raft's log. Of two logs of one grid the one with the higher last place holds all that is committed in the
/// other (Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm*, section 5.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogPosition {
    pub term: u64,
    pub index: u64,
}

/// What a grid that goes on from another takes over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inheritance {
    pub parent: GridId,
    /// Where the log that was taken over ends.
    pub last: LogPosition,
    /// The parent's revision up to which that log was known to be committed.
    pub committed: u64,
    /// The peers that had a vote in the parent and took no part.
    pub missing: Vec<String>,
    /// A snapshot of the state after all of that log.
    pub state: Blob,
}

/// What a peer of a grid that ended knows to be committed there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Merge {
    pub winner: GridId,
    pub loser: GridId,
    /// A snapshot of the loser's state.
    pub state: Blob,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of variants and the order of fields are in other peers' logs: these bytes must never change.
    #[test]
    fn commands_keep_their_bytes() {
        let blob = |text: &str| Blob::from(text.as_bytes());
        let map = |operation| Operation::Map { collection: "m".into(), operation };
        let compare = |action| MapOperation::Compare { key: blob("k"), seen_revision: 300, present: true, action };
        let compare_all = MapOperation::CompareAll {
            seen_revision: 300,
            expected: vec![(blob("k"), true)],
            entries: vec![(blob("k"), blob("v"))],
        };
        let remote = RemoteOperation { method: RemoteMethod::UpdateIf, keys: vec![blob("k")], values: vec![blob("v")] };
        let operations = vec![
            Operation::Nothing,
            Operation::OpenSession { peer_id: "a".into(), replaces: Some(1) },
            Operation::Attach { collection: "m".into(), kind: CollectionKind::Emitter },
            Operation::Detach { collection: "m".into() },
            map(MapOperation::SetAll(vec![(blob("k"), blob("v"))])),
            map(MapOperation::InsertAll(vec![])),
            map(MapOperation::RemoveAll(vec![blob("k")])),
            map(MapOperation::Clear),
            map(compare(CompareAction::Check)),
            map(compare(CompareAction::Set(blob("v")))),
            map(compare(CompareAction::Remove)),
            Operation::RemoteMap { collection: "m".into(), operation: remote },
            Operation::Message(blob("x")),
            Operation::Record { collection: "m".into(), operation: compare_all },
            Operation::Queue { collection: "m".into(), operation: QueueOperation::Push(vec![blob("i"), blob("j")]) },
            Operation::Queue { collection: "m".into(), operation: QueueOperation::Pop },
            Operation::Queue { collection: "m".into(), operation: QueueOperation::Clear },
            Operation::Emitter { collection: "m".into(), operation: MapOperation::Clear },
            Operation::Reclaim { collection: "m".into() },
        ];
        let batch = RequestBatch { session: 7, first: 1, settled_below: 0, operations };
        let executed = ExecutedOperation {
            position: 3,
            outcome: Outcome::Failed(Failure { code: "C".into(), text: "t".into() }),
            events: vec![
                RemoteEvent::Inserted { key: blob("k"), value: blob("v") },
                RemoteEvent::Updated { key: blob("k"), old_value: blob("o"), new_value: blob("n") },
                RemoteEvent::Removed { key: blob("k"), value: blob("v") },
                RemoteEvent::Cleared,
            ],
        };
        let inheritance = Inheritance {
            parent: 5,
            last: LogPosition { term: 2, index: 3 },
            committed: 4,
            missing: vec!["a".into()],
            state: blob("s"),
        };
        let claim = Claim { grid: 1, lineage_epoch: 2, number: 3 };
        let operations = vec![Operation::Nothing, Operation::Nothing];
        let again = RequestsAgain {
            batch: RequestBatch { session: 7, first: 1, settled_below: 0, operations },
            origins: vec![Some(RequestId { session: 6, number: 5 }), None],
        };
        let golden = [
            (Command::Requests(batch), REQUESTS),
            (Command::RequestsAgain(again), REQUESTS_AGAIN),
            (Command::Executed(Executed { collection: "m".into(), results: vec![executed] }), EXECUTED),
            (Command::Restore(inheritance), RESTORE),
            (Command::Merge(Merge { winner: 1, loser: 2, state: blob("s") }), MERGE),
            (Command::Acquired(Acquired { collection: "m".into(), claim, epoch: 4 }), ACQUIRED),
            (Command::Sweep(Sweep { sessions: vec![7], collections: vec![("m".into(), 9)] }), SWEEP),
        ];
        for (command, bytes) in golden {
            let encoded = codec::encode(&command);
            let hex: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, bytes);
            assert_eq!(codec::decode::<Command>(&encoded).unwrap(), command);
            assert_eq!(is_batch_of(&encoded, 7, 1), command.requests().is_some());
            assert!(!is_batch_of(&encoded, 7, 2) && !is_batch_of(&encoded, 8, 1));
        }
    }

    const REQUESTS: &str = "000701001300010161010102016d0403016d04016d0001016b017604016d010004016d0201016b04016d0304016d04016bfb2c01010004016d04016bfb2c010101017604016d04016bfb2c01010205016d0801016b01017606017807016d05fb2c0101016b0101016b017608016d00020169016a08016d0108016d0209016d030a016d";
    const REQUESTS_AGAIN: &str = "060701000200000201060500";
    const EXECUTED: &str = "01016d010303014301740400016b017601016b016f016e02016b017603";
    const RESTORE: &str = "03050203040101610173";
    const MERGE: &str = "0401020173";
    const ACQUIRED: &str = "05016d01020304";
    const SWEEP: &str = "02010701016d09";
}
