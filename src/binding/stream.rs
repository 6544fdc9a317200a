//! Notices, packed into records as they come, and the one wake-up that makes the event loop fetch them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::description::{Description, describe};
use crate::node::outbox::Outgoing;
use crate::ports::{Front, LoggedEntry, Notice, State};
use crate::state_machine::effect::Change;
use crate::state_machine::remote_map::PendingOperation;
use crate::wire::GridId;
use crate::wire::blob::Blob;
use crate::wire::command::{Operation, Outcome, RemoteEvent, RemoteMethod, RemoteOperation};

/// Wakes the event loop; it calls `drain` some time later.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// The records that wait for the event loop.
#[derive(Default)]
pub struct Stream {
    /// Filled by the core's tasks, swapped out by the event loop.
    records: Mutex<Records>,
    /// Set while the peer runs; that it is set keeps the process alive.
    wake: Mutex<Option<Wake>>,
    woken: AtomicBool,
    /// The peer has left: once that is drained, nothing keeps the process alive for it.
    left: AtomicBool,
}

impl Stream {
    pub fn set_wake(&self, wake: Option<Wake>) {
        self.left.store(false, Ordering::SeqCst);
        *self.wake.lock().unwrap_or_else(PoisonError::into_inner) = wake;
        self.woken.store(false, Ordering::SeqCst);
    }

    /// Everything since the last call: messages first, because others wait for them.
    pub fn drain(&self, messages: impl FnOnce() -> Vec<Outgoing>) -> Vec<u8> {
        // Whatever comes from here on wakes again.
        self.woken.store(false, Ordering::SeqCst);
        let mut drained = Records::default();
        for Outgoing { destination, payload } in messages() {
            drained.u8(1);
            drained.optional_str((!destination.is_empty()).then_some(&destination));
            drained.bytes(&payload);
        }
        let mut records = self.lock();
        if drained.0.is_empty() {
            std::mem::swap(&mut drained, &mut records);
        } else {
            drained.0.append(&mut records.0);
        }
        // Set together with its record, so the record has been taken too.
        let left = self.left.swap(false, Ordering::SeqCst);
        drop(records);
        if left {
            self.set_wake(None);
        }
        drained.0
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Front for Stream {
    fn notice(&self, notice: Notice<'_>) {
        let left = matches!(notice, Notice::Left);
        let mut records = self.lock();
        records.write(notice);
        if left {
            self.left.store(true, Ordering::SeqCst);
        }
    }

    fn wake(&self) {
        if !self.woken.swap(true, Ordering::SeqCst)
            && let Some(wake) = &*self.wake.lock().unwrap_or_else(PoisonError::into_inner)
        {
            wake();
        }
    }
}

/// Entries of the log, packed as a list.
pub fn pack_log_entries(entries: &[LoggedEntry]) -> Vec<u8> {
    let mut records = Records::default();
    records.list(entries, Records::logged_entry);
    records.0
}

/// A grid's id as users see it.
fn id_text(id: GridId) -> String {
    format!("{id:016x}")
}

/// Little-endian numbers, and bytes and text with their length in front; the facade reads the same layout.
#[derive(Default)]
struct Records(Vec<u8>);

impl Records {
    fn write(&mut self, notice: Notice<'_>) {
        match notice {
            Notice::State(state) => {
                self.u8(2);
                self.u8(match state {
                    State::Empty => 0,
                    State::Follower => 1,
                    State::Candidate => 2,
                    State::Leader => 3,
                });
            }
            Notice::Leader(leader) => {
                self.u8(3);
                self.optional_str(leader);
            }
            Notice::PeerJoined(peer_id) => self.named(4, peer_id),
            Notice::PeerLeft(peer_id) => self.named(5, peer_id),
            Notice::NoHeartbeat(peer_id) => self.named(6, peer_id),
            Notice::Joined => self.u8(7),
            Notice::Rejoining => self.u8(8),
            Notice::Left => self.u8(9),
            Notice::QuorumLost => self.u8(23),
            Notice::QuorumRestored => self.u8(24),
            Notice::Reformed { grid, parent, epoch, missing } => {
                self.named(25, &id_text(grid));
                self.bytes(id_text(parent).as_bytes());
                self.number(epoch);
                self.list(missing, |records, peer_id| records.bytes(peer_id.as_bytes()));
            }
            Notice::GridMerged { grid, merged, epoch } => {
                self.named(26, &id_text(grid));
                self.bytes(id_text(merged).as_bytes());
                self.number(epoch);
            }
            Notice::Ready { handle, revision, fill } => {
                self.u8(10);
                self.u32(handle);
                self.u8(1);
                self.number(revision);
                self.u8(fill.is_some().into());
                if let Some(fill) = fill {
                    self.list(&fill, |records, (key, value)| {
                        records.blob(key);
                        records.blob(value);
                    });
                }
            }
            Notice::Refused { handle, code, text } => {
                self.u8(10);
                self.u32(handle);
                self.u8(0);
                self.bytes(code.as_bytes());
                self.bytes(text.as_bytes());
            }
            Notice::Changes { handle, revision, changes } => {
                self.u8(11);
                self.u32(handle);
                self.number(revision);
                self.list(changes, Self::change);
            }
            Notice::Completed { token, outcome } => {
                self.u8(12);
                self.u32(token);
                self.outcome(outcome);
            }
            Notice::Failed { token, error } => {
                self.u8(12);
                self.u32(token);
                self.failure(error.code.as_str(), &error.text);
            }
            Notice::Commit { index, source, operation } => {
                self.u8(13);
                self.number(index);
                self.operation(source, operation);
            }
            Notice::Claim { handle, term, claim } => {
                self.u8(27);
                self.u32(handle);
                self.number(term);
                self.bytes(claim.to_string().as_bytes());
            }
            Notice::Execute { handle, term, epoch, attempt, operation, caller } => {
                let PendingOperation { position, origin, revision, operation, .. } = operation;
                self.u8(14);
                self.u32(handle);
                self.number(term);
                self.number(epoch);
                self.number(*position);
                self.number(*revision);
                self.bytes(origin.to_string().as_bytes());
                self.u8(attempt);
                self.u32(caller.unwrap_or(0));
                let RemoteOperation { method, keys, values } = operation;
                self.u8(method_code(*method));
                self.list(keys, Self::blob);
                self.list(values, Self::blob);
            }
            Notice::Halt { term } => {
                self.u8(15);
                self.u32(0);
                self.number(term);
            }
            Notice::RemoteEvents { handle, origin, events } => {
                self.u8(16);
                self.u32(handle);
                self.bytes(origin.to_string().as_bytes());
                self.within_bytes(|records| events.iter().for_each(|event| records.remote_event(event)));
            }
            Notice::Progress { handle, head } => {
                self.u8(17);
                self.u32(handle);
                self.u32(head.unwrap_or(0));
            }
            Notice::EventsLost { handle } => {
                self.u8(18);
                self.u32(handle);
            }
            Notice::Delivery { handle, id, source, event, payload } => {
                self.u8(21);
                self.u32(handle);
                self.u32(id);
                self.bytes(source.as_bytes());
                self.bytes(event.as_bytes());
                self.blob(payload);
            }
            Notice::LogRemoved { entries, expired } => {
                self.u8(22);
                self.u8(expired.into());
                self.list(&entries, Self::logged_entry);
            }
            Notice::Error(error) => {
                self.u8(19);
                self.bytes(error.code.as_str().as_bytes());
                self.bytes(error.text.as_bytes());
            }
        }
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Inserted { key, value } => self.fields(1, &[key, value]),
            Change::Updated { key, value } => self.fields(2, &[key, value]),
            Change::Removed { key } => self.fields(3, &[key]),
            Change::Cleared => self.fields(4, &[]),
        }
    }

    fn operation(&mut self, source: &str, operation: &Operation) {
        let Description { message_type, storage, keys, values } = describe(operation);
        self.u32(message_type);
        self.bytes(source.as_bytes());
        self.bytes(storage.as_bytes());
        self.list(&keys, Self::blob);
        self.list(&values, Self::blob);
    }

    fn logged_entry(&mut self, entry: &LoggedEntry) {
        self.number(entry.index);
        self.number(entry.term);
        self.number(entry.stored_at_ms);
        self.list(&entry.operations, |records, (source, operation)| records.operation(source, operation));
    }

    fn remote_event(&mut self, event: &RemoteEvent) {
        match event {
            RemoteEvent::Inserted { key, value } => self.fields(1, &[key, value]),
            RemoteEvent::Updated { key, old_value, new_value } => self.fields(2, &[key, old_value, new_value]),
            RemoteEvent::Removed { key, value } => self.fields(3, &[key, value]),
            RemoteEvent::Cleared => self.fields(4, &[]),
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Done => self.u8(0),
            Outcome::Entries(entries) => {
                self.u8(1);
                self.list(entries, |records, (index, value)| {
                    records.u32(*index);
                    records.u8(value.is_some().into());
                    if let Some(value) = value {
                        records.blob(value);
                    }
                });
            }
            Outcome::Conflict => self.u8(2),
            Outcome::Failed(failure) => self.failure(&failure.code, &failure.text),
        }
    }

    fn failure(&mut self, code: &str, text: &str) {
        self.u8(3);
        self.bytes(code.as_bytes());
        self.bytes(text.as_bytes());
    }

    fn named(&mut self, kind: u8, name: &str) {
        self.u8(kind);
        self.bytes(name.as_bytes());
    }

    fn fields(&mut self, kind: u8, fields: &[&Blob]) {
        self.u8(kind);
        fields.iter().for_each(|field| self.blob(field));
    }

    fn optional_str(&mut self, text: Option<&str>) {
        self.u8(text.is_some().into());
        if let Some(text) = text {
            self.bytes(text.as_bytes());
        }
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.u32(items.len() as u32);
        items.iter().for_each(|item| write(self, item));
    }

    /// What is written, behind its length.
    fn within_bytes(&mut self, write: impl FnOnce(&mut Self)) {
        let length_at = self.0.len();
        self.u32(0);
        let start = self.0.len();
        write(self);
        let length = (self.0.len() - start) as u32;
        self.0[length_at..start].copy_from_slice(&length.to_le_bytes());
    }

    fn blob(&mut self, blob: &Blob) {
        self.bytes(blob.as_slice());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.u32(bytes.len() as u32);
        self.0.extend_from_slice(bytes);
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A number that may pass 2^32 travels as a double, which is what JavaScript makes of it anyway.
    fn number(&mut self, value: u64) {
        self.0.extend_from_slice(&(value as f64).to_le_bytes());
    }
}

fn method_code(method: RemoteMethod) -> u8 {
    match method {
        RemoteMethod::Set => 1,
        RemoteMethod::SetAll => 2,
        RemoteMethod::Insert => 3,
        RemoteMethod::InsertAll => 4,
        RemoteMethod::Delete => 5,
        RemoteMethod::DeleteAll => 6,
        RemoteMethod::Remove => 7,
        RemoteMethod::RemoveAll => 8,
        RemoteMethod::UpdateIf => 9,
        RemoteMethod::Clear => 10,
    }
}
