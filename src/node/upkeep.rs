//! Dropping what nobody needs any more: state that nobody has open, and the log behind a snapshot.

use std::collections::HashMap;

use super::driver::{Driver, Nodes};
use crate::wire::NodeId;
use crate::wire::command::{CollectionId, Command, Sweep};

const SWEEP_PERIOD_MS: u64 = 5_000;
/// State that nobody has open is dropped after this time.
const ABANDONED_COLLECTION_MS: u64 = 60_000;
/// Sessions of peers that left are dropped after this time.
const ABANDONED_SESSION_MS: u64 = 300_000;
const COMPACT_PERIOD_MS: u64 = 1_000;
/// The log is compacted when it holds this many bytes and no less than the last snapshot, so that the work of making
/// snapshots stays in proportion to the writes…
const COMPACT_BYTES: usize = 16 * 1024 * 1024;
/// …or this many entries.
const COMPACT_ENTRIES: u64 = 50_000;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Upkeep {
    next_sweep_at_ms: u64,
    next_compaction_at_ms: u64,
    /// Collections that nobody has open: since which revision, and since when.
    abandoned_collections: HashMap<CollectionId, (u64, u64)>,
    /// Sessions of nodes that are no members, and since when.
    abandoned_sessions: HashMap<NodeId, u64>,
}

impl Driver {
    /// Drops what nobody has used for long. The leader's clock decides when; the command says what, so that all peers
    /// drop the same.
    pub async fn sweep(&mut self, now_ms: u64) {
        if now_ms < self.upkeep.next_sweep_at_ms {
            return;
        }
        self.upkeep.next_sweep_at_ms = now_ms + SWEEP_PERIOD_MS;
        let members: Nodes = self.view().map(|view| view.members.keys().copied().collect()).unwrap_or_default();
        let mut sweep = Sweep { sessions: Vec::new(), collections: Vec::new() };
        {
            let state = self.replica.lock();
            let gone: Nodes = state.machine.sessions().ids().filter(|session| !members.contains(session)).collect();
            self.upkeep.abandoned_sessions.retain(|session, _| gone.contains(session));
            for session in gone {
                let since_ms = *self.upkeep.abandoned_sessions.entry(session).or_insert(now_ms);
                if now_ms - since_ms >= ABANDONED_SESSION_MS {
                    sweep.sessions.push(session);
                }
            }
            let mut abandoned = HashMap::new();
            for (id, collection) in state.machine.collections().filter(|(_, it)| it.attached.is_empty()) {
                let known = self.upkeep.abandoned_collections.get(id).copied();
                let (at, since_ms) =
                    known.filter(|(at, _)| *at == collection.abandoned_at).unwrap_or((collection.abandoned_at, now_ms));
                abandoned.insert(id.clone(), (at, since_ms));
                if now_ms - since_ms >= ABANDONED_COLLECTION_MS {
                    sweep.collections.push((id.clone(), at));
                }
            }
            self.upkeep.abandoned_collections = abandoned;
        }
        if !(sweep.sessions.is_empty() && sweep.collections.is_empty()) {
            self.propose(&Command::Sweep(sweep)).await;
        }
    }

    /// For a leader: the first index that a member still has to be sent, so that it is not sent a snapshot instead.
    fn needed_from(&self) -> u64 {
        let Some(view) = self.view().filter(|view| view.leads) else { return u64::MAX };
        let followers = view.members.keys().filter(|node| **node != self.node && !self.leading.departed.contains(node));
        followers.map(|node| view.matched.get(node).map_or(0, |matched| matched + 1)).min().unwrap_or(u64::MAX)
    }

    /// Every peer compacts its own log, when it is worth a snapshot's work or its entries are old.
    pub async fn compact_when_due(&mut self, now_ms: u64) {
        if now_ms < self.upkeep.next_compaction_at_ms {
            return;
        }
        self.upkeep.next_compaction_at_ms = now_ms + COMPACT_PERIOD_MS;
        let Some(grid) = &self.grid else { return };
        let raft = grid.raft.clone();
        let (entries, bytes, stored_at_ms) = raft.uncovered();
        let old_ms = self.options.log_entries_expiration_ms;
        let oldest_ms = raft.now_ms().saturating_sub(old_ms);
        let old = old_ms > 0 && stored_at_ms.is_some_and(|stored_at_ms| stored_at_ms <= oldest_ms);
        if old_ms > 0 {
            raft.purge_stored_until(oldest_ms, self.needed_from()).await;
        }
        // What has not applied may never be committed, and no snapshot covers it.
        let coverable = raft.covered() < self.replica.lock().applied_index;
        let large = bytes >= COMPACT_BYTES.max(raft.snapshot_bytes());
        if raft.extent().bytes >= COMPACT_BYTES {
            raft.purge_keeping(COMPACT_BYTES / 2).await;
        }
        if coverable && (old || large || entries >= COMPACT_ENTRIES) {
            raft.compact().await;
        }
    }
}
