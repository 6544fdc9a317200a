//! Where a grid's state comes from: the grids that it goes on from, and those that were merged into it.
//!
//! A grid that lost its majority may be re-formed: one of its peers starts another grid with the state that it holds.
//! The old grid is then an *ancestor* of the new one, and where the two part is the *fork*. Revisions up to the fork mean
//! the same in both.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::wire::GridId;
use crate::wire::command::{Inheritance, LogPosition};

/// More ancestors than this are forgotten, the eldest first.
const MAX_ANCESTORS: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// Rises with each reform and each merge.
    epoch: u64,
    /// The eldest first.
    ancestors: Vec<Ancestor>,
    merged: BTreeMap<GridId, Merged>,
}

/// A grid that this one goes on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    pub grid: GridId,
    /// The end of the log that was taken over.
    pub last: LogPosition,
    /// Up to this revision it was known to be committed.
    pub committed: u64,
    /// The peers that had a vote there and took no part in going on.
    pub missing: Vec<String>,
}

/// A grid that was merged into this one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Merged {
    /// How far, in revisions of that grid.
    up_to: u64,
    /// When, as a revision of this grid.
    at: u64,
    /// What was changed last at one of these revisions of this grid is a copy of what was there. Empty when a third grid
    /// brought it, among other things.
    copies: Revisions,
    /// What was changed last at one of these revisions of that grid was copied.
    originals: Revisions,
}

/// Some revisions of a grid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisions(Vec<RangeInclusive<u64>>);

impl Revisions {
    fn up_to(last: u64) -> Self {
        Self(vec![1..=last])
    }

    pub fn contains(&self, revision: u64) -> bool {
        self.0.iter().any(|range| range.contains(&revision))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn without(self, others: &Self) -> Self {
        let cut = |ranges: Vec<RangeInclusive<u64>>, hole: &RangeInclusive<u64>| {
            let before = |it: &RangeInclusive<u64>| *it.start()..=*it.end().min(&hole.start().saturating_sub(1));
            let after = |it: &RangeInclusive<u64>| *it.start().max(&hole.end().saturating_add(1))..=*it.end();
            ranges.iter().flat_map(|it| [before(it), after(it)]).filter(|it| !it.is_empty()).collect()
        };
        Self(others.0.iter().fold(self.0, cut))
    }
}

/// What two states have in common, for merging one into the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fork {
    /// From several origins.
    pub common: Vec<Common>,
    /// What the winner changed up to this revision may be a copy: what the loser changed since takes its place.
    kept_after: u64,
}

/// What both had, from one origin. Entries that have not changed since are told by the revision of their last change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Common {
    /// The winner's: where the loser has them no more, they were removed there.
    pub ours: Revisions,
    /// The loser's: they do not move.
    pub theirs: Revisions,
    /// When the two had it, as revisions of the winner and of the loser.
    pub met_at: (u64, u64),
}

/// When a collection was made, as a revision of the grid that has it. It may have been dropped and made anew since the
/// two grids met, because nobody there had it open: then it says nothing of what was in it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// Where the winner does not have it, it has dropped it, if it ever had it.
    pub ours: Option<u64>,
    pub theirs: u64,
}

impl Made {
    fn since_we_met(&self, common: &Common) -> bool {
        self.ours.is_none_or(|made| made > common.met_at.0)
    }

    fn since_they_met_us(&self, common: &Common) -> bool {
        self.theirs > common.met_at.1
    }
}

impl Fork {
    /// Whether the winner has nothing of its own where it has what it changed last at this revision.
    pub fn is_untouched(&self, revision: u64) -> bool {
        revision <= self.kept_after || self.was_common(revision)
    }

    /// Whether the loser had what the winner changed last at this revision.
    fn was_common(&self, revision: u64) -> bool {
        self.common.iter().any(|common| common.ours.contains(revision))
    }

    /// Whether the loser's collection would still have what the winner changed last at this revision, had it not been
    /// removed there.
    pub fn would_have(&self, made: Made, revision: u64) -> bool {
        self.common.iter().any(|common| common.ours.contains(revision) && !made.since_they_met_us(common))
    }

    /// Whether the loser has dropped a collection that both had, and made it anew.
    pub fn is_made_anew(&self, made: Made) -> bool {
        let both_had = |common: &Common| !common.ours.is_empty() && !made.since_we_met(common);
        self.common.iter().any(|common| both_had(common) && made.since_they_met_us(common))
    }

    /// Whether what the loser changed last at this revision is new to the winner.
    pub fn is_new(&self, revision: u64) -> bool {
        !self.common.iter().any(|common| common.theirs.contains(revision))
    }

    /// Whether it is new to the winner's collection.
    pub fn is_new_to(&self, made: Made, revision: u64) -> bool {
        !self.common.iter().any(|common| common.theirs.contains(revision) && !made.since_we_met(common))
    }

    /// The revisions of a loser that is at `revision`, whose items move.
    fn originals(&self, revision: u64) -> Revisions {
        self.common.iter().map(|common| &common.theirs).fold(Revisions::up_to(revision), Revisions::without)
    }
}

impl Default for Lineage {
    fn default() -> Self {
        Self { epoch: 1, ancestors: Vec::new(), merged: BTreeMap::new() }
    }
}

impl Lineage {
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn ancestors(&self) -> &[Ancestor] {
        &self.ancestors
    }

    pub fn ancestor(&self, grid: GridId) -> Option<&Ancestor> {
        self.ancestors.iter().rev().find(|ancestor| ancestor.grid == grid)
    }

    /// Whether all that a peer of `grid` knew to be committed, up to this revision and place in the log, is here.
    pub fn covers(&self, grid: GridId, revision: u64, committed: LogPosition) -> bool {
        self.has_merged(grid, revision) || self.ancestor(grid).is_some_and(|ancestor| ancestor.last >= committed)
    }

    /// Whether a grid was merged as it was at this revision, or later.
    pub fn has_merged(&self, grid: GridId, revision: u64) -> bool {
        self.merged.get(&grid).is_some_and(|merged| merged.up_to >= revision)
    }

    /// The state of another grid was taken over.
    pub(super) fn descend(&mut self, from: &Inheritance) {
        self.epoch = self.epoch.saturating_add(1);
        self.ancestors.push(Ancestor {
            grid: from.parent,
            last: from.last,
            committed: from.committed,
            missing: from.missing.clone(),
        });
        let surplus = self.ancestors.len().saturating_sub(MAX_ANCESTORS);
        self.ancestors.drain(..surplus);
    }

    /// Where the state `other` of the grid `loser`, at `revision`, parts from this one of the grid `winner`.
    pub(super) fn fork(&self, winner: GridId, loser: GridId, other: &Self, revision: u64) -> Fork {
        let mut fork = Fork::default();
        self.add_ancestors(&mut fork, winner, loser, other, revision);
        self.add_copies(&mut fork, loser, other);
        self.add_returned(&mut fork, winner, other);
        fork
    }

    /// One of the two goes on from the other, or both from a third one.
    fn add_ancestors(&self, fork: &mut Fork, winner: GridId, loser: GridId, other: &Self, revision: u64) {
        let one = self.ancestor(loser).or(other.ancestor(winner));
        let two = || self.ancestors.iter().rev().find_map(|own| Some((own, other.ancestor(own.grid)?)));
        let Some((own, theirs)) = one.map(|ancestor| (ancestor, ancestor)).or_else(two) else { return };
        // A straggler may not have come that far.
        let committed = own.committed.min(theirs.committed).min(revision);
        let both = Revisions::up_to(committed);
        fork.common.push(Common { ours: both.clone(), theirs: both, met_at: (committed, committed) });
    }

    /// The loser, or a grid that it goes on from, was merged before.
    fn add_copies(&self, fork: &mut Fork, loser: GridId, other: &Self) {
        let elder = || other.ancestors.iter().rev().find_map(|it| Some((self.merged.get(&it.grid)?, it.committed)));
        let Some((merged, committed)) = self.merged.get(&loser).map(|it| (it, u64::MAX)).or_else(elder) else { return };
        let Merged { up_to, at, copies, .. } = merged;
        if copies.is_empty() && fork.common.is_empty() {
            fork.kept_after = *at;
        }
        // What was looked at before does not move; of a grid that has not seen all of that, no copy can be told.
        let (theirs, whole) = (committed.min(*up_to), *up_to <= committed);
        let ours = if whole { copies.clone() } else { Revisions::default() };
        fork.common.push(Common { ours, theirs: Revisions::up_to(theirs), met_at: (*at, theirs) });
    }

    /// The loser has copies of what the winner, or an ancestor of it, had: it looked as if it would win.
    fn add_returned(&self, fork: &mut Fork, winner: GridId, other: &Self) {
        let known = |grid: &GridId| other.merged.get(grid).filter(|merged| !merged.copies.is_empty());
        let elder = |it: &Ancestor| known(&it.grid).filter(|merged| merged.up_to <= it.committed);
        let merged = known(&winner).or_else(|| self.ancestors.iter().rev().find_map(elder));
        if let Some(Merged { up_to, at, copies, originals }) = merged {
            fork.common.push(Common { ours: originals.clone(), theirs: copies.clone(), met_at: (*up_to, *at) });
        }
    }

    /// Takes note of a merge whose copies were made at these revisions; `true` when it is the first one of that grid.
    pub(super) fn merge(
        &mut self,
        (winner, loser): (GridId, GridId),
        (up_to, fork): (u64, &Fork),
        copied: RangeInclusive<u64>,
        other: &Self,
    ) -> bool {
        let at = *copied.end();
        let third = other.merged.iter().map(|(grid, it)| (*grid, it.up_to));
        let third = third.chain(other.ancestors.iter().map(|it| (it.grid, it.committed)));
        for (grid, up_to) in third.filter(|(grid, _)| *grid != winner) {
            let known = self.merged.entry(grid).or_insert(Merged { at, ..Merged::default() });
            known.up_to = known.up_to.max(up_to);
        }
        let ancestor = self.ancestor(loser).is_some();
        let merged = self.merged.entry(loser).or_default();
        // Of an ancestor, the common past is known, and what a third grid brought of it counts as changed here.
        let first = merged.up_to == 0 || ancestor && merged.copies.is_empty();
        (merged.up_to, merged.at) = (up_to, at);
        // Some copies may have come by a third grid, and cannot be told from others: then none can.
        if first || !merged.copies.is_empty() {
            merged.copies.0.push(copied);
            merged.originals.0.extend(fork.originals(up_to).0);
        }
        if first {
            self.epoch = self.epoch.max(other.epoch).saturating_add(1);
        }
        first
    }
}
