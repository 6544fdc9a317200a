//! Where a grid's state comes from: the grids that it goes on from, and those that were merged into it.
//!
//! A grid that lost its majority may be re-formed: one of its peers starts another grid with the state that it holds.
//! The old grid is then an *ancestor* of the new one, and where the two part is the *fork*. Revisions up to the fork mean
//! the same in both.

use std::collections::BTreeMap;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// How far, in revisions of that grid.
    pub up_to: u64,
    /// When, as a revision of this grid.
    pub at: u64,
}

/// What two states have in common, for merging one into the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    /// What the winner changed after this revision stays.
    pub kept_after: u64,
    /// What the loser changed after this revision moves…
    pub moved_after: u64,
    /// …but queue items only if they were pushed after this one: an item must not be taken twice.
    pub pushed_after: u64,
    /// Whether what one side lacks tells that it was removed there.
    pub shared: bool,
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
        if let Some(merged) = self.merged.get(&loser) {
            let Merged { up_to, at } = *merged;
            let fork = Fork { kept_after: at, moved_after: up_to, pushed_after: up_to, shared: false };
            return (revision > up_to).then_some(fork);
        }
        let at = |committed, inherited| Fork {
            kept_after: committed,
            moved_after: committed,
            pushed_after: inherited,
            shared: true,
        };
        if let Some(Ancestor { committed, inherited, .. }) = self.ancestor(loser).or(other.ancestor(winner)) {
            return Some(at(*committed, *inherited));
        }
        let common = self.ancestors.iter().rev().find_map(|own| Some((own, other.ancestor(own.grid)?)));
        Some(match common {
            Some((own, theirs)) => at(own.committed.min(theirs.committed), own.inherited.max(theirs.inherited)),
            None => Fork { kept_after: 0, moved_after: 0, pushed_after: 0, shared: false },
        })
    }

    /// Takes note of a merge; `true` when it is the first one of that grid.
    pub(super) fn merge(&mut self, loser: GridId, up_to: u64, at: u64, other: &Self) -> bool {
        for (grid, merged) in &other.merged {
            self.merged.entry(*grid).or_insert(Merged { up_to: merged.up_to, at });
        }
        let first = self.merged.insert(loser, Merged { up_to, at }).is_none();
        if first {
            self.epoch = self.epoch.max(other.epoch).saturating_add(1);
        }
        first
    }
}
