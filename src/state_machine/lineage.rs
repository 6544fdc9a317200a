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
    /// Up to this revision that log was known to be committed…
    pub committed: u64,
    /// …and up to this one it was taken over.
    pub inherited: u64,
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
    /// What the winner changed after this revision stays.
    pub kept_after: u64,
    pub common: Vec<Common>,
    /// Queue items that the loser pushed up to this revision do not move: an item must not be taken twice.
    pub pushed_after: u64,
}

/// What both had, from one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// What the winner changed last at one of these revisions, the loser had too: where it lacks it now, it was removed.
    pub ours: Revisions,
    /// What the loser changed last at one of these revisions, the winner had too: it does not move.
    pub theirs: Revisions,
}

impl Fork {
    /// Whether the winner had what the loser changed last at this revision.
    pub fn is_known(&self, revision: u64) -> bool {
        self.common.iter().any(|common| common.theirs.contains(revision))
    }

    /// Whether the loser had what the winner changed last at this revision.
    pub fn was_known(&self, revision: u64) -> bool {
        self.common.iter().any(|common| common.ours.contains(revision))
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
        let merged = self.merged.get(&grid).is_some_and(|merged| merged.up_to >= revision);
        merged || self.ancestor(grid).is_some_and(|ancestor| ancestor.last >= committed)
    }

    /// The state of another grid was taken over, up to its revision `inherited`.
    pub(super) fn descend(&mut self, from: &Inheritance, inherited: u64) {
        self.epoch = self.epoch.saturating_add(1);
        self.ancestors.push(Ancestor {
            grid: from.parent,
            last: from.last,
            committed: from.committed,
            inherited,
            missing: from.missing.clone(),
        });
        let surplus = self.ancestors.len().saturating_sub(MAX_ANCESTORS);
        self.ancestors.drain(..surplus);
    }

    /// Where the state `other` of the grid `loser`, at `revision`, parts from this one of the grid `winner`; `None` when
    /// it holds nothing new.
    pub(super) fn fork(&self, winner: GridId, loser: GridId, other: &Self, revision: u64) -> Option<Fork> {
        if self.merged.get(&loser).is_some_and(|merged| revision <= merged.up_to) {
            return None;
        }
        let elder = || other.ancestors.iter().rev().find_map(|it| self.fork_of_copies(it.grid, it.inherited));
        let mut fork = self.fork_of_copies(loser, u64::MAX);
        fork = fork.or_else(|| self.fork_of_ancestors(winner, loser, other, revision)).or_else(elder);
        // The loser may have copies of the winner's, from when it looked as if it would win.
        if let Some(Merged { up_to, copies, .. }) = other.merged.get(&winner).filter(|it| !it.copies.is_empty()) {
            let fork = fork.get_or_insert_with(|| Fork { kept_after: *up_to, ..Fork::default() });
            let mut ours = Revisions::up_to(*up_to);
            for common in &mut fork.common {
                ours = ours.without(&common.ours);
                common.theirs = std::mem::take(&mut common.theirs).without(copies);
            }
            fork.common.push(Common { ours, theirs: copies.clone() });
        }
        Some(fork.unwrap_or_default())
    }

    /// When the loser, or a grid that it goes on from since its revision `last`, was merged before.
    fn fork_of_copies(&self, grid: GridId, last: u64) -> Option<Fork> {
        let Merged { up_to, at, copies } = self.merged.get(&grid)?;
        let ours = if *up_to <= last { copies.clone() } else { Revisions::default() };
        let common = Common { ours, theirs: Revisions::up_to(last.min(*up_to)) };
        Some(Fork { kept_after: *at, common: vec![common], pushed_after: 0 })
    }

    /// When one of the two goes on from the other, or both from a third one. The loser is at `revision`.
    fn fork_of_ancestors(&self, winner: GridId, loser: GridId, other: &Self, revision: u64) -> Option<Fork> {
        let one = self.ancestor(loser).or(other.ancestor(winner));
        let two = || self.ancestors.iter().rev().find_map(|own| Some((own, other.ancestor(own.grid)?)));
        let one = one.map(|ancestor| (ancestor, ancestor));
        let (own, theirs) = one.or_else(two)?;
        // A straggler may not have come that far.
        let committed = own.committed.min(theirs.committed).min(revision);
        let inherited = own.inherited.max(theirs.inherited);
        let common = Common { ours: Revisions::up_to(committed), theirs: Revisions::up_to(committed) };
        Some(Fork { kept_after: committed, common: vec![common], pushed_after: inherited })
    }

    /// Takes note of a merge whose copies were made at these revisions; `true` when it is the first one of that grid.
    pub(super) fn merge(
        &mut self,
        (winner, loser): (GridId, GridId),
        up_to: u64,
        copied: RangeInclusive<u64>,
        other: &Self,
    ) -> bool {
        let at = *copied.end();
        for (grid, merged) in other.merged.iter().filter(|(grid, _)| **grid != winner) {
            let up_to = merged.up_to;
            self.merged.entry(*grid).or_insert(Merged { up_to, at, copies: Revisions::default() });
        }
        let first = !self.merged.contains_key(&loser);
        let merged = self.merged.entry(loser).or_default();
        (merged.up_to, merged.at) = (up_to, at);
        // Some copies may have come by a third grid, and cannot be told from others: then none can.
        if first || !merged.copies.is_empty() {
            merged.copies.0.push(copied);
        }
        if first {
            self.epoch = self.epoch.max(other.epoch).saturating_add(1);
        }
        first
    }
}
