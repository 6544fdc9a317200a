//! The log for readers: entries as what they ask for, and by whom.

use super::driver::Driver;
use super::replica::{ReplicaState, is_public};
use crate::ports::{LoggedEntry, Notice};
use crate::raft::log_store::{self, LogRecord};
use crate::wire::codec;
use crate::wire::command::Command;

/// An entry with what users may know of it.
pub fn read(record: &LogRecord, state: &ReplicaState) -> LoggedEntry {
    let LogRecord { index, term, stored_at_ms, command } = record;
    let operations = match command.as_ref().map(|bytes| codec::decode::<Command>(bytes.as_slice())) {
        Some(Ok(Command::Requests(batch))) => {
            let source = state.machine.sessions().peer_id(batch.session).unwrap_or_default();
            let public = batch.operations.into_iter().filter(is_public);
            public.map(|operation| (source.to_owned(), operation)).collect()
        }
        _ => Vec::new(),
    };
    LoggedEntry { index: *index, term: *term, stored_at_ms: *stored_at_ms, operations }
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
        let oldest_ms = log_store::now_ms().saturating_sub(old_ms);
        let state = self.replica.lock();
        let (mut expired, mut others) = (Vec::new(), Vec::new());
        for record in &removed {
            let is_old = old_ms > 0 && record.stored_at_ms <= oldest_ms;
            let list = if is_old { &mut expired } else { &mut others };
            list.push(read(record, &state));
        }
        drop(state);
        for (entries, expired) in [(expired, true), (others, false)] {
            if !entries.is_empty() {
                self.front.notice(Notice::LogRemoved { entries, expired });
            }
        }
        self.front.wake();
    }
}
