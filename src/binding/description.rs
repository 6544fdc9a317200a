//! Operations in terms of `HamokMessage`, for `commit` listeners and readers of the log.

use crate::wire::blob::Blob;
use crate::wire::command::{CompareAction, MapOperation, Operation, QueueOperation, RemoteMethod};

/// The fields of an operation's message.
pub struct Description<'a> {
    /// A `HamokMessage_MessageType`. 0 stands for a message of the user's own, which is the only value.
    pub message_type: u32,
    pub storage: &'a str,
    pub keys: Vec<Blob>,
    pub values: Vec<Blob>,
}

const SUBMITTED: u32 = 0;
const CLEAR: u32 = 24;
const DELETE: u32 = 40;
const REMOVE: u32 = 44;
const INSERT: u32 = 52;
const UPDATE: u32 = 56;

pub fn describe(operation: &Operation) -> Description<'_> {
    let (message_type, storage, keys, values) = match operation {
        Operation::Map { collection, operation }
        | Operation::Record { collection, operation }
        | Operation::Emitter { collection, operation } => {
            let (message_type, keys, values) = of_entries(operation);
            (message_type, &**collection, keys, values)
        }
        Operation::Queue { collection, operation } => {
            let (message_type, values) = match operation {
                QueueOperation::Push(items) => (INSERT, items.clone()),
                QueueOperation::Pop => (REMOVE, Vec::new()),
                QueueOperation::Clear => (CLEAR, Vec::new()),
            };
            (message_type, &**collection, Vec::new(), values)
        }
        Operation::RemoteMap { collection, operation } => {
            let message_type = match operation.method {
                RemoteMethod::Set | RemoteMethod::SetAll | RemoteMethod::UpdateIf => UPDATE,
                RemoteMethod::Insert | RemoteMethod::InsertAll => INSERT,
                RemoteMethod::Delete | RemoteMethod::DeleteAll => DELETE,
                RemoteMethod::Remove | RemoteMethod::RemoveAll => REMOVE,
                RemoteMethod::Clear => CLEAR,
            };
            (message_type, &**collection, operation.keys.clone(), operation.values.clone())
        }
        Operation::Message(bytes) => (SUBMITTED, "", Vec::new(), vec![bytes.clone()]),
        // Nobody is told of these.
        Operation::Nothing
        | Operation::OpenSession { .. }
        | Operation::Attach { .. }
        | Operation::Detach { .. }
        | Operation::Reclaim { .. } => (SUBMITTED, "", Vec::new(), Vec::new()),
    };
    Description { message_type, storage, keys, values }
}

fn of_entries(operation: &MapOperation) -> (u32, Vec<Blob>, Vec<Blob>) {
    match operation {
        MapOperation::SetAll(entries) => (UPDATE, keys(entries), values(entries)),
        MapOperation::InsertAll(entries) => (INSERT, keys(entries), values(entries)),
        MapOperation::RemoveAll(keys) => (REMOVE, keys.clone(), Vec::new()),
        MapOperation::Clear => (CLEAR, Vec::new(), Vec::new()),
        MapOperation::Compare { key, action, .. } => match action {
            CompareAction::Remove => (REMOVE, vec![key.clone()], Vec::new()),
            CompareAction::Set(value) => (UPDATE, vec![key.clone()], vec![value.clone()]),
            CompareAction::Check => (UPDATE, vec![key.clone()], Vec::new()),
        },
        MapOperation::CompareAll { entries, .. } => (UPDATE, keys(entries), values(entries)),
    }
}

fn keys(entries: &[(Blob, Blob)]) -> Vec<Blob> {
    entries.iter().map(|(key, _)| key.clone()).collect()
}

fn values(entries: &[(Blob, Blob)]) -> Vec<Blob> {
    entries.iter().map(|(_, value)| value.clone()).collect()
}
