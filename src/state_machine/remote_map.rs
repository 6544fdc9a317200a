//! The operations of a remote map that wait for the leader.
//!
//! The data live in the user's store; what is replicated is the order of the operations. Committed operations queue up
//! here, on every peer and in every snapshot. The leader executes them from the head on, and its marks
//! ([`crate::wire::command::Executed`]) take them off: so a new leader knows exactly what is left to do, and in which
//! order.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::effect::RequestId;
use super::sessions::Asked;
use crate::wire::GridId;
use crate::wire::command::{Acquired, Claim, RemoteOperation};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RemoteMap {
    /// Counts the operations that were ever queued; an operation's position is the count before it.
    queued: u64,
    pending: VecDeque<PendingOperation>,
    /// How often somebody has asked for a new claim on the store.
    claims: u64,
    /// The last claim that the store has answered, and the epoch that it gave.
    acquired: Option<(Claim, u64)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingOperation {
    pub position: u64,
    pub request: RequestId,
    /// The name under which it was first asked: whatever grids it comes through, and whoever asks again, it keeps that.
    pub origin: RequestId,
    /// The log index at which it was committed.
    pub index: u64,
    /// The grid's revision at which it was: unlike the index, no two operations share one.
    pub revision: u64,
    pub operation: RemoteOperation,
    /// Whether the leader of another grid may have started it.
    pub begun_elsewhere: bool,
}

impl RemoteMap {
    /// @param pending at the next position
    pub fn push(&mut self, pending: PendingOperation) {
        self.pending.push_back(pending);
        self.queued = self.queued.saturating_add(1);
    }

    /// Takes over an operation that is pending in another grid.
    pub(super) fn push_moved(&mut self, from: &PendingOperation, index: u64, revision: u64) {
        let position = self.next_position();
        self.push(PendingOperation { position, index, revision, begun_elsewhere: true, ..from.clone() });
    }

    /// Whoever waits for the operation that was first asked as `origin` waits under another name from now on; gives
    /// whether there is one.
    pub(super) fn hand_over(&mut self, asked: Asked) -> bool {
        let pending = self.pending.iter_mut().find(|operation| operation.origin == asked.origin);
        pending.map(|operation| operation.request = asked.request).is_some()
    }

    /// The claim that the store has to have answered before anything runs.
    pub fn claim(&self, grid: GridId, lineage_epoch: u64) -> Claim {
        Claim { grid, lineage_epoch, number: self.claims }
    }

    /// What the store has given for this claim.
    pub fn epoch_for(&self, claim: Claim) -> Option<u64> {
        self.acquired.filter(|(answered, _)| *answered == claim).map(|(_, epoch)| epoch)
    }

    pub fn reclaim(&mut self) {
        self.claims = self.claims.saturating_add(1);
    }

    /// Another grid, which has become part of this one, may have written under an epoch that this one's does not outrank:
    /// then there is to be a new claim. Gives whether there is.
    pub(super) fn outrank(&mut self, other: &Self) -> bool {
        let Some((_, theirs)) = other.acquired else { return false };
        let outranked = self.acquired.is_none_or(|(_, own)| own <= theirs);
        if outranked {
            self.reclaim();
        }
        outranked
    }

    /// An answer to another claim than the present one comes too late, and a second one to the same changes nothing: the
    /// first may be in use. Between two claims of a grid another may have had the store, and what waits here on its list.
    pub fn acquired(&mut self, acquired: &Acquired, lineage_epoch: u64) {
        let Acquired { claim, epoch, .. } = *acquired;
        if claim != self.claim(claim.grid, lineage_epoch) || self.epoch_for(claim).is_some() {
            return;
        }
        if self.acquired.replace((claim, epoch)).is_some_and(|(former, _)| former.grid == claim.grid) {
            self.begun_elsewhere(|_| true);
        }
    }

    /// The leader of another grid may have started these operations.
    pub(super) fn begun_elsewhere(&mut self, which: impl Fn(&PendingOperation) -> bool) {
        self.pending.iter_mut().for_each(|operation| operation.begun_elsewhere |= which(operation));
    }

    /// Takes the head off if its position is this one.
    pub fn take_head(&mut self, position: u64) -> Option<PendingOperation> {
        if self.head_position() == Some(position) { self.pending.pop_front() } else { None }
    }

    pub fn head_position(&self) -> Option<u64> {
        self.pending.front().map(|operation| operation.position)
    }

    /// The position that the next operation will have.
    pub fn next_position(&self) -> u64 {
        self.queued
    }

    /// How many operations were ever taken off.
    pub fn executed(&self) -> u64 {
        self.head_position().unwrap_or(self.queued)
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// The pending operations from this position on, in order.
    pub fn pending_from(&self, position: u64) -> impl Iterator<Item = &PendingOperation> {
        let skipped = self.head_position().map_or(0, |head| position.saturating_sub(head));
        self.pending.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX))
    }
}
