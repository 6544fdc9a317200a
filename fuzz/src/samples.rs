//! One of everything that the log can hold.

use hamok::state_machine::StateMachine;
use hamok::state_machine::effect::RequestId;
use hamok::wire::blob::Blob;
use hamok::wire::codec;
use hamok::wire::command::{
    Acquired, Claim, CollectionKind, Command, CompareAction, Executed, ExecutedOperation, Failure, Inheritance,
    LogPosition, MapOperation, Merge, Operation, Outcome, QueueOperation, RemoteEvent, RemoteMethod, RemoteOperation,
    RequestBatch, RequestsAgain, Sweep,
};

/// One collection of each kind, with its id.
pub const COLLECTIONS: [(CollectionKind, &str); 5] = [
    (CollectionKind::Map, "map"),
    (CollectionKind::RemoteMap, "remote"),
    (CollectionKind::Record, "record"),
    (CollectionKind::Queue, "queue"),
    (CollectionKind::Emitter, "emitter"),
];

/// Whose requests these are.
pub const SESSION: u64 = 2;

pub fn blob(text: &str) -> Blob {
    Blob::from(text.as_bytes())
}

fn entry(key: &str, value: &str) -> (Blob, Blob) {
    (blob(key), blob(value))
}

pub fn entry_operations() -> Vec<MapOperation> {
    let compare = |action| MapOperation::Compare { key: blob("key"), seen_revision: 300, present: true, action };
    vec![
        MapOperation::SetAll(vec![entry("key", "value"), entry("other", "")]),
        MapOperation::InsertAll(vec![entry("key", "late"), entry("new", "value")]),
        compare(CompareAction::Check),
        compare(CompareAction::Set(blob("compared"))),
        MapOperation::CompareAll {
            seen_revision: 70_000,
            expected: vec![(blob("key"), true), (blob("absent"), false)],
            entries: vec![entry("key", "both")],
        },
        MapOperation::RemoveAll(vec![blob("other"), blob("absent")]),
        compare(CompareAction::Remove),
        MapOperation::Clear,
    ]
}

pub fn operations() -> Vec<Operation> {
    let mut operations = vec![Operation::Nothing, Operation::Message(blob("message"))];
    for operation in entry_operations() {
        operations.push(Operation::Map { collection: "map".into(), operation: operation.clone() });
        operations.push(Operation::Record { collection: "record".into(), operation: operation.clone() });
        operations.push(Operation::Emitter { collection: "emitter".into(), operation });
    }
    for operation in [
        QueueOperation::Push(vec![blob("first"), blob("second")]),
        QueueOperation::Pop,
        QueueOperation::Clear,
        QueueOperation::Push(vec![blob("third")]),
    ] {
        operations.push(Operation::Queue { collection: "queue".into(), operation });
    }
    for method in [RemoteMethod::SetAll, RemoteMethod::UpdateIf, RemoteMethod::Clear] {
        let operation = RemoteOperation { method, keys: vec![blob("key")], values: vec![blob("value")] };
        operations.push(Operation::RemoteMap { collection: "remote".into(), operation });
    }
    operations.push(Operation::Reclaim { collection: "remote".into() });
    operations.push(Operation::Map { collection: "none".into(), operation: MapOperation::Clear });
    operations.push(Operation::Detach { collection: "emitter".into() });
    operations
}

pub fn requests(first: u64, operations: Vec<Operation>) -> Command {
    Command::Requests(RequestBatch { session: SESSION, first, settled_below: first.saturating_sub(3), operations })
}

/// Opens the session, with a collection of each kind.
pub fn opening() -> Command {
    let mut operations = vec![Operation::OpenSession { peer_id: "b".into(), replaces: Some(7) }];
    for (kind, id) in COLLECTIONS {
        operations.push(Operation::Attach { collection: id.into(), kind });
    }
    requests(0, operations)
}

pub fn executed() -> Command {
    let result = |position, outcome, events| ExecutedOperation { position, outcome, events };
    let events = vec![
        RemoteEvent::Inserted { key: blob("key"), value: blob("value") },
        RemoteEvent::Updated { key: blob("key"), old_value: blob("value"), new_value: blob("new") },
        RemoteEvent::Removed { key: blob("key"), value: blob("new") },
        RemoteEvent::Cleared,
    ];
    let failure = Failure { code: "CODE".into(), text: "text".into() };
    let results = vec![
        result(0, Outcome::Entries(vec![(0, Some(blob("old"))), (1, None)]), events),
        result(1, Outcome::Failed(failure), Vec::new()),
        result(9, Outcome::Conflict, Vec::new()),
    ];
    Command::Executed(Executed { collection: "remote".into(), results })
}

fn acquired() -> Command {
    let claim = Claim { grid: 1, lineage_epoch: 1, number: 1 };
    Command::Acquired(Acquired { collection: "remote".into(), claim, epoch: 4 })
}

/// A history that leaves something in every collection.
pub fn commands() -> Vec<Command> {
    let operations = operations();
    let next = COLLECTIONS.len() as u64 + 1;
    let sweep = Sweep { sessions: vec![9], collections: vec![("emitter".into(), 40)] };
    let again = next + operations.len() as u64;
    let last = operations[2..8].to_vec();
    let sweep = Command::Sweep(sweep);
    let others = vec![requests(again, last), asked_again()];
    [vec![opening(), requests(next, operations), executed(), acquired(), sweep], others].concat()
}

/// The peer comes back under another session.
fn asked_again() -> Command {
    let session = SESSION + 1;
    let opening = Operation::OpenSession { peer_id: "b".into(), replaces: Some(SESSION) };
    let asked = [opening].into_iter().chain(operations().drain(..3)).collect();
    let batch = RequestBatch { session, first: 0, settled_below: 0, operations: asked };
    let origins =
        [None, Some(1), Some(1_000), None].map(|number| Some(RequestId { session: SESSION, number: number? }));
    Command::RequestsAgain(RequestsAgain { batch, origins: origins.to_vec() })
}

/// What the history leads to.
pub fn state() -> StateMachine {
    let mut machine = StateMachine::default();
    for (index, command) in (1..).zip(&commands()) {
        machine.apply(index, command, &mut Vec::new());
    }
    machine
}

/// One command of each kind, encoded.
pub fn encoded_commands() -> Vec<Vec<u8>> {
    let mut commands: Vec<Vec<u8>> = commands().iter().map(codec::encode).collect();
    let state = Blob::from(state().to_snapshot());
    commands.push(codec::encode(&Command::Restore(Inheritance {
        parent: 1,
        last: LogPosition { term: 2, index: 3 },
        committed: 4,
        missing: vec!["b".into()],
        state: state.clone(),
    })));
    commands.push(codec::encode(&Command::Merge(Merge { winner: 1, loser: 2, state })));
    commands
}
