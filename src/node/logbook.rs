//! The log for readers: entries as what they ask for, and by whom.

use std::collections::{HashMap, VecDeque};

use super::driver::Driver;
use super::replica::{NodeReplica, is_public};
use crate::ports::{LoggedEntry, Notice};
use crate::raft::log_store::LogRecord;
use crate::state_machine::sessions::Sessions;
use crate::wire::NodeId;
use crate::wire::codec;
use crate::wire::command::{Command, Operation, RequestBatch, RequestsAgain};

/// The most sessions that are remembered by name.
const MAX_NAMES: usize = 4_096;

/// Whose sessions the log speaks of, also when they have ended since. No part of the replicated state.
#[derive(Debug, Default)]
pub struct SessionNames {
    names: HashMap<NodeId, String>,
    /// In the order in which they were learned.
    order: VecDeque<NodeId>,
}

impl SessionNames {
    /// Takes note of a session that this command opens.
    pub fn learn(&mut self, command: &Command) {
        if let Some(RequestBatch { session, first: 0, operations, .. }) = command.requests()
            && let Some(Operation::OpenSession { peer_id, .. }) = operations.first()
        {
            self.insert(*session, peer_id);
        }
    }

    pub fn learn_all(&mut self, sessions: &Sessions) {
        for session in sessions.ids() {
            self.insert(session, sessions.peer_id(session).unwrap_or_default());
        }
    }

    fn insert(&mut self, session: NodeId, peer_id: &str) {
        if self.names.insert(session, peer_id.to_owned()).is_none() {
            self.order.push_back(session);
        }
        if self.order.len() > MAX_NAMES
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
    }

    fn of(&self, session: NodeId) -> &str {
        self.names.get(&session).map(String::as_str).unwrap_or_default()
    }
}

/// Entries with what users may know of them. Decoded before the lock is taken: applying must not wait for readers.
pub fn read(records: Vec<LogRecord>, replica: &NodeReplica) -> Vec<LoggedEntry> {
    let decoded: Vec<_> = records
        .into_iter()
        .map(|LogRecord { index, term, stored_at_ms, command }| {
            let batch = match command.map(|bytes| codec::decode::<Command>(bytes.as_slice())) {
                Some(Ok(Command::Requests(batch) | Command::RequestsAgain(RequestsAgain { batch, .. }))) => Some(batch),
                _ => None,
            };
            (LoggedEntry { index, term, stored_at_ms, operations: Vec::new() }, batch)
        })
        .collect();
    let state = replica.lock();
    let named = decoded.into_iter().map(|(mut entry, batch)| {
        if let Some(batch) = batch {
            let source = state.machine.sessions().peer_id(batch.session).unwrap_or(state.names.of(batch.session));
            let public = batch.operations.into_iter().filter(is_public);
            entry.operations = public.map(|operation| (source.to_owned(), operation)).collect();
        }
        entry
    });
    named.collect()
}

impl Driver {
    pub fn watch_log(&mut self, watch: bool) {
        self.log_is_watched = watch;
        if let Some(grid) = &self.grid {
            grid.raft.watch_removed(watch);
        }
    }

    /// Tells what was dropped from the log since the last look.
    pub fn tell_removed_entries(&self) {
        let Some(grid) = self.grid.as_ref().filter(|_| self.log_is_watched) else { return };
        let removed = grid.raft.take_removed();
        if removed.is_empty() {
            return;
        }
        let old_ms = self.options.log_entries_expiration_ms;
        let oldest_ms = grid.raft.now_ms().saturating_sub(old_ms);
        let is_old = |entry: &LoggedEntry| old_ms > 0 && entry.stored_at_ms <= oldest_ms;
        let (expired, others): (Vec<_>, Vec<_>) = read(removed, &self.replica).into_iter().partition(is_old);
        for (entries, expired) in [(expired, true), (others, false)] {
            if !entries.is_empty() {
                self.front.notice(Notice::LogRemoved { entries, expired });
            }
        }
        self.front.wake();
    }
}
