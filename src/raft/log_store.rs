//! Raft's log, in memory.
//!
//! A peer that restarts comes back as a new node with an empty log, so nothing here needs a disk: what the grid has
//! acknowledged is held by a majority of its peers.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openraft::alias::{EntryOf, LogIdOf, VoteOf};
use openraft::entry::RaftEntry;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use openraft::{EntryPayload, OptionalSend};

use super::types::TypeConfig;
use crate::wire::blob::Blob;

type Entry = EntryOf<TypeConfig>;
type LogId = LogIdOf<TypeConfig>;
type Vote = VoteOf<TypeConfig>;

/// One replication message carries entries of at most this many bytes, or one entry.
const MAX_READ_BYTES: usize = 256 * 1024;
/// What an entry costs beside its data.
const ENTRY_OVERHEAD_BYTES: usize = 64;

/// How much the log holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogExtent {
    /// The index of the first entry held.
    pub first: u64,
    /// The index after the last entry held.
    pub next: u64,
    pub bytes: usize,
}

/// A handle to the log; clones share it.
#[derive(Debug, Clone, Default)]
pub struct LogStore {
    /// Shared by openraft's core and one replication task per follower; held for the length of a copy only.
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    first: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl LogStore {
    pub fn extent(&self) -> LogExtent {
        let log = self.lock();
        LogExtent { first: log.first, next: log.first + log.entries.len() as u64, bytes: log.bytes }
    }

    /// The commands held from this index on, committed or not.
    pub fn commands_from(&self, index: u64) -> Vec<(u64, Blob)> {
        let log = self.lock();
        let commands = log.range(index, u64::MAX).filter_map(|entry| match &entry.payload {
            EntryPayload::Normal(data) => Some((entry.log_id().index(), data.0.clone())),
            EntryPayload::Blank | EntryPayload::Membership(_) => None,
        });
        commands.collect()
    }

    /// How many entries and bytes come after this index.
    pub fn after(&self, index: u64) -> (u64, usize) {
        let log = self.lock();
        log.range(index + 1, u64::MAX).fold((0, 0), |(count, bytes), entry| (count + 1, bytes + size_of(entry)))
    }

    /// The index before the newest entries of about this many bytes.
    pub fn index_before_newest(&self, bytes: usize) -> u64 {
        let log = self.lock();
        let mut rest = bytes;
        let kept = log.entries.iter().rev().take_while(|entry| {
            let fits = size_of(entry) <= rest;
            rest = rest.saturating_sub(size_of(entry));
            fits
        });
        (log.first + log.entries.len() as u64).saturating_sub(kept.count() as u64 + 1)
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn position(&self, index: u64) -> usize {
        usize::try_from(index.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.entries.len())
    }

    fn range(&self, start: u64, end: u64) -> impl Iterator<Item = &Entry> {
        let (start, end) = (self.position(start), self.position(end));
        self.entries.range(start..end.max(start))
    }
}

fn size_of(entry: &Entry) -> usize {
    let data = match &entry.payload {
        EntryPayload::Normal(data) => data.0.len(),
        EntryPayload::Blank | EntryPayload::Membership(_) => 0,
    };
    data + ENTRY_OVERHEAD_BYTES
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, io::Error> {
        let start = match range.start_bound() {
            Bound::Included(index) => *index,
            Bound::Excluded(index) => index + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(index) => index + 1,
            Bound::Excluded(index) => *index,
            Bound::Unbounded => u64::MAX,
        };
        Ok(self.lock().range(start, end).cloned().collect())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.lock().vote)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, io::Error> {
        let mut bytes = 0;
        let log = self.lock();
        let fitting = log.range(start, end).take_while(|entry| {
            let first = bytes == 0;
            bytes += size_of(entry);
            first || bytes <= MAX_READ_BYTES
        });
        Ok(fitting.cloned().collect())
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        let log = self.lock();
        let last_log_id = log.entries.back().map(Entry::log_id).or(log.purged);
        Ok(LogState { last_purged_log_id: log.purged, last_log_id })
    }

    async fn get_log_reader(&mut self) -> Self::LogReader {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        self.lock().vote = Some(*vote);
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        self.lock().committed = committed;
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        Ok(self.lock().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        {
            let mut log = self.lock();
            for entry in entries {
                if log.entries.is_empty() {
                    log.first = entry.log_id().index();
                }
                log.bytes += size_of(&entry);
                log.entries.push_back(entry);
            }
        }
        callback.io_completed(Ok(()));
        Ok(())
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> Result<(), io::Error> {
        let mut log = self.lock();
        let keep = last_log_id.map_or(0, |log_id| log.position(log_id.index() + 1));
        let dropped: usize = log.entries.drain(keep..).map(|entry| size_of(&entry)).sum();
        log.bytes -= dropped;
        Ok(())
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), io::Error> {
        let mut log = self.lock();
        let dropped = log.position(log_id.index() + 1);
        let bytes: usize = log.entries.drain(..dropped).map(|entry| size_of(&entry)).sum();
        log.bytes -= bytes;
        log.first = log_id.index() + 1;
        log.purged = Some(log_id);
        Ok(())
    }
}
