//! What clients ask of each key and queue, and what they were told, in the terms of the checker of histories.

use std::collections::BTreeMap;

use hamok::ports::Handle;
use hamok::wire::blob::Blob;
use hamok::wire::command::{CompareAction, MapOperation, Operation, Outcome, QueueOperation};

use crate::facade::{COLLECTIONS, MAP, Mirror};
use crate::linearizability::{Operation as Asked, Outcome as Answer};

/// A part of an operation: what it does to one key, or to a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    pub collection: Handle,
    /// Empty for a queue.
    pub key: Blob,
    pub operation: Asked,
}

impl Ask {
    /// Names the object within the whole run.
    pub fn object(&self) -> String {
        format!("{}/{}", self.collection, text(&self.key))
    }
}

fn text(blob: &Blob) -> String {
    String::from_utf8_lossy(blob.as_slice()).into_owned()
}

/// A look at a key of the map.
pub fn get(key: Blob) -> Ask {
    Ask { collection: MAP, key, operation: Asked::Get }
}

/// What an operation asks of its keys, in their order. Comparisons are with what is seen in the mirrors at this moment.
pub fn asks(operation: &Operation, mirrors: &BTreeMap<Handle, Mirror>) -> Vec<Ask> {
    let of = |id: &str| COLLECTIONS.iter().find(|(_, _, other)| *other == id).map_or(0, |(handle, ..)| *handle);
    match operation {
        Operation::Map { collection, operation } | Operation::Record { collection, operation } => {
            let handle = of(collection);
            asks_of_map(handle, operation, mirrors.get(&handle))
        }
        Operation::Queue { collection, operation } => {
            let operation = match operation {
                QueueOperation::Push(items) => Asked::Push(items.iter().map(text).collect()),
                QueueOperation::Pop => Asked::Pop,
                QueueOperation::Clear => Asked::Clear,
            };
            vec![Ask { collection: of(collection), key: Blob::default(), operation }]
        }
        _ => Vec::new(),
    }
}

fn asks_of_map(collection: Handle, operation: &MapOperation, mirror: Option<&Mirror>) -> Vec<Ask> {
    let ask = |key: &Blob, operation: Asked| Ask { collection, key: key.clone(), operation };
    let seen = |key: &Blob| mirror.and_then(|mirror| mirror.get(key)).map(text);
    let update = |key: &Blob, value: &Blob| ask(key, Asked::UpdateIf { expected: seen(key), value: text(value) });
    match operation {
        MapOperation::SetAll(entries) => entries.iter().map(|(key, value)| ask(key, Asked::Set(text(value)))).collect(),
        MapOperation::InsertAll(entries) => {
            entries.iter().map(|(key, value)| ask(key, Asked::Insert(text(value)))).collect()
        }
        MapOperation::RemoveAll(keys) => keys.iter().map(|key| ask(key, Asked::Remove)).collect(),
        MapOperation::Compare { key, action: CompareAction::Set(value), .. } => vec![update(key, value)],
        MapOperation::Compare { key, action: CompareAction::Remove, .. } => {
            vec![ask(key, Asked::RemoveIf { expected: seen(key) })]
        }
        MapOperation::CompareAll { entries, .. } => entries.iter().map(|(key, value)| update(key, value)).collect(),
        MapOperation::Compare { action: CompareAction::Check, .. } | MapOperation::Clear => Vec::new(),
    }
}

/// What the `place`th of the asks of an operation with this outcome was told. None if the operation had no effect.
pub fn answer(ask: &Ask, place: usize, outcome: &Outcome) -> Option<Answer> {
    match (&ask.operation, outcome) {
        // A comparison that is made anew in another session conflicts, whatever the key holds.
        (_, Outcome::Conflict) => None,
        (Asked::UpdateIf { .. } | Asked::RemoveIf { .. }, _) => Some(Answer::Held(true)),
        (Asked::Push(_) | Asked::Clear, _) => Some(Answer::Done),
        (_, Outcome::Entries(entries)) => {
            let found = entries.iter().find(|(number, _)| *number as usize == place);
            Some(Answer::Value(found.and_then(|(_, value)| value.as_ref()).map(text)))
        }
        _ => Some(Answer::Done),
    }
}
