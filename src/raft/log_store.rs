//! Raft's log, in memory.
//!
//! A peer that restarts comes back as a new node with an empty log, so nothing here needs a disk: what the grid has
//! acknowledged is held by a majority of its peers.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use openraft::alias::{EntryOf, LogIdOf, VoteOf};
use openraft::entry::RaftEntry;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use openraft::{EntryPayload, OptionalSend};
use tokio::time::Instant;

use super::types::TypeConfig;
use crate::wire::blob::Blob;
use crate::wire::command::LogPosition;

type Entry = EntryOf<TypeConfig>;
type LogId = LogIdOf<TypeConfig>;
type Vote = VoteOf<TypeConfig>;

/// One replication message carries entries of at most this many bytes, or one entry.
const MAX_READ_BYTES: usize = 256 * 1024;
/// What an entry costs beside its data.
const ENTRY_OVERHEAD_BYTES: usize = 64;

/// An entry as it is stored.
#[derive(Debug, Clone)]
pub struct LogRecord {
    pub index: u64,
    pub term: u64,
    /// Milliseconds since 1970.
    pub stored_at_ms: u64,
    /// `None` for entries of the engine's own.
    pub command: Option<Blob>,
}

/// How much the log holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogExtent {
    /// The index of the first entry held.
    pub first: u64,
    /// The index after the last entry held.
    pub next: u64,
    /// What the entries take in memory, about.
    pub bytes: usize,
    /// What [`LogStore::count`] was told of them.
    pub data_bytes: usize,
}

impl LogExtent {
    pub fn entries(&self) -> u64 {
        self.next - self.first
    }
}

/// A handle to the log; clones share it.
#[derive(Debug, Clone)]
pub struct LogStore {
    /// A moment on the clock of timers, and the same on the wall's, in milliseconds since 1970: what happens to the wall
    /// clock later does not touch the age of entries.
    started: (Instant, u64),
    /// Shared by openraft's core and one replication task per follower; held for the length of a copy only.
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    first: u64,
    entries: VecDeque<Stored>,
    bytes: usize,
    data_bytes: usize,
    /// What was dropped from the front, while somebody wants to know.
    removed: Option<Vec<LogRecord>>,
}

#[derive(Debug)]
struct Stored {
    entry: Entry,
    at_ms: u64,
    /// Zero until it is applied.
    data_bytes: usize,
}

impl Default for LogStore {
    fn default() -> Self {
        let wall_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as u64);
        Self { started: (Instant::now(), wall_ms), log: Arc::default() }
    }
}

impl LogStore {
    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        let (started, wall_ms) = self.started;
        wall_ms + started.elapsed().as_millis() as u64
    }

    pub fn extent(&self) -> LogExtent {
        let log = self.lock();
        let next = log.first + log.entries.len() as u64;
        LogExtent { first: log.first, next, bytes: log.bytes, data_bytes: log.data_bytes }
    }

    /// Where the log ends.
    pub fn last_position(&self) -> LogPosition {
        let log = self.lock();
        log.entries.back().map(|it| it.entry.log_id()).or(log.purged).map(position).unwrap_or_default()
    }

    /// The term of the entry at this index, if it is held or was the last one to be dropped.
    pub fn term_at(&self, index: u64) -> Option<u64> {
        let log = self.lock();
        let held = log.stored(index, index.saturating_add(1)).next().map(|it| it.entry.log_id());
        held.or(log.purged).map(position).filter(|it| it.index == index).map(|it| it.term)
    }

    /// The commands held from this index on, committed or not.
    pub fn commands_from(&self, index: u64) -> Vec<(u64, Blob)> {
        let log = self.lock();
        let commands = log.stored(index, u64::MAX).filter_map(|it| Some((it.entry.log_id().index(), it.command()?)));
        commands.collect()
    }

    /// The entries from `start` up to `end`, not included, as far as they are held.
    pub fn records(&self, start: u64, end: u64) -> Vec<LogRecord> {
        self.lock().stored(start, end).map(Stored::record).collect()
    }

    /// Takes note of how many bytes of users' data an entry carries; who applies it knows.
    pub fn count(&self, index: u64, data_bytes: usize) {
        let mut log = self.lock();
        let log = &mut *log;
        let position = index.checked_sub(log.first).and_then(|position| usize::try_from(position).ok());
        if let Some(stored) = position.and_then(|position| log.entries.get_mut(position)) {
            log.data_bytes = log.data_bytes + data_bytes - std::mem::replace(&mut stored.data_bytes, data_bytes);
        }
    }

    /// Whether to keep what is dropped from the front until it is taken by [`LogStore::take_removed`].
    pub fn watch_removed(&self, watch: bool) {
        let mut log = self.lock();
        log.removed = watch.then(|| log.removed.take().unwrap_or_default());
    }

    pub fn take_removed(&self) -> Vec<LogRecord> {
        self.lock().removed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// When the entry at this index, or the first one held after it, was stored, in milliseconds since 1970.
    pub fn stored_at_ms(&self, index: u64) -> Option<u64> {
        self.lock().stored(index, u64::MAX).next().map(|it| it.at_ms)
    }

    /// The last index whose entry, and all before it, were stored at this time or earlier.
    pub fn last_stored_until(&self, at_ms: u64) -> Option<u64> {
        let log = self.lock();
        log.entries.iter().take_while(|it| it.at_ms <= at_ms).last().map(|it| it.entry.log_id().index())
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
        let kept = log.entries.iter().rev().take_while(|Stored { entry, .. }| {
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

    fn stored(&self, start: u64, end: u64) -> impl Iterator<Item = &Stored> {
        let (start, end) = (self.position(start), self.position(end));
        self.entries.range(start..end.max(start))
    }

    fn range(&self, start: u64, end: u64) -> impl Iterator<Item = &Entry> {
        self.stored(start, end).map(|stored| &stored.entry)
    }
}

impl Stored {
    fn command(&self) -> Option<Blob> {
        match &self.entry.payload {
            EntryPayload::Normal(data) => Some(data.0.clone()),
            EntryPayload::Blank | EntryPayload::Membership(_) => None,
        }
    }

    fn record(&self) -> LogRecord {
        let log_id = self.entry.log_id();
        let term = log_id.committed_leader_id().term;
        LogRecord { index: log_id.index(), term, stored_at_ms: self.at_ms, command: self.command() }
    }
}

fn position(log_id: LogId) -> LogPosition {
    LogPosition { term: log_id.committed_leader_id().term, index: log_id.index() }
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
        let last_log_id = log.entries.back().map(|it| it.entry.log_id()).or(log.purged);
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
            let at_ms = self.now_ms();
            let mut log = self.lock();
            for entry in entries {
                if log.entries.is_empty() {
                    log.first = entry.log_id().index();
                }
                log.bytes += size_of(&entry);
                log.entries.push_back(Stored { entry, at_ms, data_bytes: 0 });
            }
        }
        callback.io_completed(Ok(()));
        Ok(())
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> Result<(), io::Error> {
        let mut log = self.lock();
        let keep = last_log_id.map_or(0, |log_id| log.position(log_id.index() + 1));
        let dropped: usize = log.entries.drain(keep..).map(|it| size_of(&it.entry)).sum();
        log.bytes -= dropped;
        Ok(())
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), io::Error> {
        let mut log = self.lock();
        let log = &mut *log;
        let dropped = log.position(log_id.index() + 1);
        for stored in log.entries.drain(..dropped) {
            log.bytes -= size_of(&stored.entry);
            log.data_bytes -= stored.data_bytes;
            log.removed.as_mut().into_iter().for_each(|removed| removed.push(stored.record()));
        }
        log.first = log_id.index() + 1;
        log.purged = Some(log_id);
        Ok(())
    }
}
