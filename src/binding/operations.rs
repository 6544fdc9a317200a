//! Packed calls of the facade, read.

use std::collections::HashMap;

use crate::error::{Code, Error};
use crate::ports::{Answer, Call, DeliveryId, Handle, Publication, Reply, Token};
use crate::wire::blob::Blob;
use crate::wire::codec::DecodeError;
use crate::wire::command::{
    CollectionId, CollectionKind, CompareAction, Failure, MapOperation, Operation, Outcome, QueueOperation,
    RemoteEvent, RemoteMethod, RemoteOperation,
};
use crate::wire::reader::Reader;

/// What the front has open.
pub type Collections = HashMap<Handle, (CollectionKind, CollectionId)>;

/// Reads a sequence of operations with the tokens of their callers.
pub fn read_operations(bytes: &[u8], collections: &Collections) -> Result<Vec<(Token, Operation)>, Error> {
    let mut reader = Reader(bytes);
    let mut operations = Vec::new();
    while !reader.0.is_empty() {
        let (opcode, token, handle) = (reader.u8()?, reader.u32()?, reader.u32()?);
        let collection = || collections.get(&handle).cloned().ok_or_else(|| malformed("an unknown handle"));
        let entries = |operation| of_entries(collection()?, operation);
        let queue = |operation| match collection()? {
            (CollectionKind::Queue, collection) => Ok(Operation::Queue { collection, operation }),
            _ => Err(malformed("an operation of another kind")),
        };
        let operation = match opcode {
            1 => entries(MapOperation::SetAll(reader.list(Reader::entry)?)),
            2 => entries(MapOperation::InsertAll(reader.list(Reader::entry)?)),
            3 => entries(MapOperation::RemoveAll(reader.list(Reader::blob)?)),
            4 if matches!(collections.get(&handle), Some((CollectionKind::Queue, _))) => queue(QueueOperation::Clear),
            4 => entries(MapOperation::Clear),
            5 => {
                let (key, seen_revision, present) = (reader.blob()?, reader.number()?, reader.u8()? != 0);
                let (action, value) = (reader.u8()?, reader.blob()?);
                let action = match action {
                    0 => CompareAction::Check,
                    1 => CompareAction::Set(value),
                    2 => CompareAction::Remove,
                    _ => return Err(malformed("an unknown action")),
                };
                entries(MapOperation::Compare { key, seen_revision, present, action })
            }
            6 => {
                let method = method(reader.u8()?)?;
                let (keys, values) = (reader.list(Reader::blob)?, reader.list(Reader::blob)?);
                let operation = RemoteOperation { method, keys, values };
                Ok(Operation::RemoteMap { collection: collection()?.1, operation })
            }
            7 => Ok(Operation::Message(reader.blob()?)),
            8 => {
                let seen_revision = reader.number()?;
                let expected = reader.list(|reader| Ok((reader.blob()?, reader.u8()? != 0)))?;
                let set = reader.list(Reader::entry)?;
                entries(MapOperation::CompareAll { seen_revision, expected, entries: set })
            }
            9 => queue(QueueOperation::Push(reader.list(Reader::blob)?)),
            10 => queue(QueueOperation::Pop),
            11 => Ok(Operation::Reclaim { collection: collection()?.1 }),
            _ => Err(malformed("an unknown operation")),
        };
        operations.push((token, operation?));
    }
    Ok(operations)
}

fn of_entries((kind, collection): (CollectionKind, CollectionId), operation: MapOperation) -> Result<Operation, Error> {
    match kind {
        CollectionKind::Map => Ok(Operation::Map { collection, operation }),
        CollectionKind::Record => Ok(Operation::Record { collection, operation }),
        CollectionKind::Emitter => Ok(Operation::Emitter { collection, operation }),
        CollectionKind::RemoteMap | CollectionKind::Queue => Err(malformed("an operation of another kind")),
    }
}

/// Reads events of emitters and answers to those of others, each sort in its order.
pub fn read_deliveries(bytes: &[u8], collections: &Collections) -> Result<[Call; 2], Error> {
    let mut reader = Reader(bytes);
    let (mut publications, mut answers) = (Vec::new(), Vec::<(DeliveryId, bool)>::new());
    while !reader.0.is_empty() {
        match reader.u8()? {
            1 => {
                let (token, handle) = (reader.u32()?, reader.u32()?);
                let (_, collection) =
                    collections.get(&handle).cloned().ok_or_else(|| malformed("an unknown handle"))?;
                publications.push(Publication {
                    token: (token != 0).then_some(token),
                    collection,
                    event: reader.text()?,
                    payload: reader.blob()?,
                    peers: reader.list(Reader::text)?,
                });
            }
            2 => answers.push((reader.u32()?, reader.u8()? != 0)),
            _ => return Err(malformed("an unknown delivery")),
        }
    }
    Ok([Call::Publish(publications), Call::AnswerDeliveries(answers)])
}

/// Reads the results of executed operations.
pub fn read_replies(bytes: &[u8]) -> Result<Vec<Reply>, Error> {
    let mut reader = Reader(bytes);
    let mut replies = Vec::new();
    while !reader.0.is_empty() {
        let (handle, term, tag) = (reader.u32()?, reader.number()?, reader.u8()?);
        let answer = match tag {
            0 => {
                let (position, code, text) = (reader.number()?, reader.text()?, reader.text()?);
                let outcome = Outcome::Failed(Failure { code, text });
                Answer::Executed { position, outcome, events: Vec::new() }
            }
            1 => {
                let position = reader.number()?;
                let entries = reader.list(|reader| {
                    let (index, has_value) = (reader.u32()?, reader.u8()? != 0);
                    Ok((index, if has_value { Some(reader.blob()?) } else { None }))
                })?;
                Answer::Executed { position, outcome: Outcome::Entries(entries), events: reader.list(Reader::event)? }
            }
            2 => Answer::Acquired { claim: reader.text()?, epoch: reader.number()? },
            3 => Answer::Refused { epoch: reader.number()? },
            4 => Answer::StandsStill,
            _ => return Err(malformed("an unknown answer")),
        };
        replies.push(Reply { handle, term, answer });
    }
    Ok(replies)
}

pub fn kind(code: u32) -> Result<CollectionKind, Error> {
    match code {
        1 => Ok(CollectionKind::Map),
        2 => Ok(CollectionKind::RemoteMap),
        3 => Ok(CollectionKind::Record),
        4 => Ok(CollectionKind::Queue),
        5 => Ok(CollectionKind::Emitter),
        _ => Err(malformed("an unknown kind of collection")),
    }
}

fn method(code: u8) -> Result<RemoteMethod, Error> {
    match code {
        1 => Ok(RemoteMethod::Set),
        2 => Ok(RemoteMethod::SetAll),
        3 => Ok(RemoteMethod::Insert),
        4 => Ok(RemoteMethod::InsertAll),
        5 => Ok(RemoteMethod::Delete),
        6 => Ok(RemoteMethod::DeleteAll),
        7 => Ok(RemoteMethod::Remove),
        8 => Ok(RemoteMethod::RemoveAll),
        9 => Ok(RemoteMethod::UpdateIf),
        10 => Ok(RemoteMethod::Clear),
        _ => Err(malformed("an unknown method")),
    }
}

fn malformed(what: &str) -> Error {
    Error::new(Code::InvalidArgument, format!("The packed call is malformed: {what}"))
}

/// What is packed in calls, on top of what the reader knows.
impl Reader<'_> {
    fn number(&mut self) -> Result<u64, DecodeError> {
        self.f64().map(|number| number as u64)
    }

    fn blob(&mut self) -> Result<Blob, DecodeError> {
        self.bytes().map(Blob::from)
    }

    fn text(&mut self) -> Result<String, DecodeError> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    fn entry(&mut self) -> Result<(Blob, Blob), DecodeError> {
        Ok((self.blob()?, self.blob()?))
    }

    fn event(&mut self) -> Result<RemoteEvent, DecodeError> {
        Ok(match self.u8()? {
            1 => RemoteEvent::Inserted { key: self.blob()?, value: self.blob()? },
            2 => RemoteEvent::Updated { key: self.blob()?, old_value: self.blob()?, new_value: self.blob()? },
            3 => RemoteEvent::Removed { key: self.blob()?, value: self.blob()? },
            4 => RemoteEvent::Cleared,
            _ => return Err(DecodeError::Malformed("an unknown event".into())),
        })
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
        let count = self.u32()? as usize;
        // Each item takes at least four bytes, which bounds what a wrong count can make us reserve.
        let mut items = Vec::with_capacity(count.min(self.0.len() / 4));
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        malformed(&error.to_string())
    }
}
