//! Two grids become one: what the loser's state has and the winner's lacks moves.
//!
//! With a common past only what changed after the fork moves, key by key, and the winner's own changes stay. Without
//! one, what the winner lacks is added, and is what they have in common from then on. A merge that brings nothing new
//! does nothing. A collection that one of the two has dropped since, because nobody there had it open, is as the other
//! has it.

use super::effect::{Change, Effect};
use super::lineage::{Fork, Made};
use super::remote_map::PendingOperation;
use super::sessions::Sessions;
use super::{Collection, Content, StateMachine};
use crate::wire::command::{CollectionId, Merge};

/// What is known of a collection that two grids have.
pub(super) struct Meeting<'a> {
    pub fork: &'a Fork,
    pub made: Made,
    /// Which requests have applied here, and there.
    pub here: &'a Sessions,
    pub there: &'a Sessions,
}

impl StateMachine {
    pub(super) fn apply_merge(&mut self, index: u64, merge: &Merge, effects: &mut Vec<Effect<'_>>) {
        let Merge { winner, loser, ref state } = *merge;
        // Several peers bring what one grid had, and to read all of it takes long.
        if Self::revision_of(state.as_slice()).is_none_or(|revision| self.lineage.has_merged(loser, revision)) {
            return;
        }
        let Ok(other) = Self::from_snapshot(state.as_slice()) else { return };
        let fork = self.lineage.fork(winner, loser, &other.lineage, other.revision);
        self.revision = self.revision.saturating_add(1);
        let first = self.revision;
        let (here, there) = (&self.sessions, &other.sessions);
        for (id, theirs) in &other.collections {
            let made = Made { ours: self.collections.get(id).map(|own| own.made_at), theirs: theirs.made_at };
            let meeting = Meeting { fork: &fork, made, here, there };
            let fresh = || Collection::new(theirs.content.kind(), first);
            let own = self.collections.entry(id.clone()).or_insert_with(fresh);
            own.attached.extend(&theirs.attached);
            if let (Content::RemoteMap(own), Content::RemoteMap(theirs)) = (&mut own.content, &theirs.content) {
                // What has applied in a grid is on its list, or was executed.
                let is_known =
                    |to: &Sessions, it: &PendingOperation| to.has_applied(it.origin) || to.has_applied(it.request);
                own.begun_elsewhere(|pending| is_known(there, pending));
                for pending in theirs.pending_from(0).filter(|it| !is_known(here, it)) {
                    self.revision = self.revision.saturating_add(1);
                    own.push_moved(pending, index, self.revision);
                    effects.push(Effect::Queued { request: pending.request });
                }
                if own.outrank(theirs) {
                    effects.push(Effect::RemoteWork);
                }
            }
            let changes = own.content.merge(self.revision, &theirs.content, &meeting);
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
    fn merge(&mut self, revision: u64, theirs: &Self, meeting: &Meeting<'_>) -> Vec<Change> {
        match (self, theirs) {
            (Self::Map(own), Self::Map(theirs))
            | (Self::Record(own), Self::Record(theirs))
            | (Self::Emitter(own), Self::Emitter(theirs)) => own.merge(revision, theirs, meeting),
            (Self::Queue(own), Self::Queue(theirs)) => own.merge(revision, theirs, meeting),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod begun;
#[cfg(test)]
mod chains;
#[cfg(test)]
mod dropped;
#[cfg(test)]
mod tests;
