//! Two grids become one: what the loser's state has and the winner's lacks moves.
//!
//! With a common past only what changed after the fork moves, key by key, and the winner's own changes stay. Without
//! one, what the winner lacks is added, and is what they have in common from then on. A merge that brings nothing new
//! does nothing.

use super::effect::{Change, Effect};
use super::lineage::Fork;
use super::sessions::Sessions;
use super::{Collection, Content, StateMachine};
use crate::wire::command::{CollectionId, Merge};

/// Which requests have applied in either grid.
pub(super) struct Had<'a> {
    pub here: &'a Sessions,
    pub there: &'a Sessions,
}

impl StateMachine {
    pub(super) fn apply_merge(&mut self, index: u64, merge: &Merge, effects: &mut Vec<Effect<'_>>) {
        let Ok(other) = Self::from_snapshot(merge.state.as_slice()) else { return };
        let Merge { winner, loser, .. } = *merge;
        let Some(fork) = self.lineage.fork(winner, loser, &other.lineage, other.revision) else { return };
        self.revision = self.revision.saturating_add(1);
        let first = self.revision;
        let had = Had { here: &self.sessions, there: &other.sessions };
        for (id, theirs) in &other.collections {
            let fresh = || Collection {
                content: Content::new(theirs.content.kind()),
                attached: Default::default(),
                abandoned_at: 0,
            };
            let own = self.collections.entry(id.clone()).or_insert_with(fresh);
            own.attached.extend(&theirs.attached);
            if let (Content::RemoteMap(own), Content::RemoteMap(theirs)) = (&mut own.content, &theirs.content) {
                // What has applied here is on this list, or was executed.
                for pending in theirs.pending_from(0).filter(|it| !had.here.has_applied(it.request)) {
                    self.revision = self.revision.saturating_add(1);
                    own.push_moved(pending, index, self.revision);
                    effects.push(Effect::Queued { request: pending.request });
                }
                if own.outrank(theirs) {
                    effects.push(Effect::RemoteWork);
                }
            }
            let changes = own.content.merge(self.revision, &theirs.content, &fork, &had);
            if !changes.is_empty() {
                effects.push(changed(id, self.revision, changes));
            }
        }
        self.sessions.merge(&other.sessions);
        if self.lineage.merge((winner, loser), (other.revision, &fork), first..=self.revision, &other.lineage) {
            effects.push(Effect::Merged { loser, epoch: self.lineage.epoch() });
        }
    }
}

fn changed<'a>(collection: &CollectionId, revision: u64, changes: Vec<Change>) -> Effect<'a> {
    Effect::Changed { collection: collection.clone(), revision, changes }
}

impl Content {
    /// Collections of different kinds under one id cannot become one: the winner's stays.
    fn merge(&mut self, revision: u64, theirs: &Self, fork: &Fork, had: &Had<'_>) -> Vec<Change> {
        match (self, theirs) {
            (Self::Map(own), Self::Map(theirs))
            | (Self::Record(own), Self::Record(theirs))
            | (Self::Emitter(own), Self::Emitter(theirs)) => own.merge(revision, theirs, fork),
            (Self::Queue(own), Self::Queue(theirs)) => own.merge(revision, theirs, fork, had),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
