//! How the leader gets an epoch for a remote map from its store, before it runs anything there.
//!
//! A store that fences asks every writer for its epoch, and refuses one that is lower than what it has seen. It hands the
//! epochs out itself, a higher one to each claim, so that a grid outranks all that wrote before it: one that was stopped
//! as a whole, one that it goes on from, one that it has swallowed. The epoch is committed before it is used, so that all
//! leaders of a grid write under the same one, and their terms tell them apart.

use crate::state_machine::remote_map::RemoteMap;
use crate::wire::command::{Acquired, Claim, CollectionId};

/// An answer that was not applied after this time is proposed again.
const REPROPOSE_MS: u64 = 300;

/// What one leader knows of its claim on the store of one map.
#[derive(Debug, Default)]
pub struct Claiming {
    /// Given to the front, which asks the store.
    asked: Option<Claim>,
    /// What the store has answered.
    answer: Option<(Claim, u64)>,
    proposed_at_ms: Option<u64>,
    /// A later writer than this claim's has been there. Whoever that is, this grid does not push it out by itself.
    refused: Option<Claim>,
}

/// What is to be done before operations can run.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// They run under this epoch.
    Go {
        epoch: u64,
    },
    /// The front is to ask the store.
    Ask(Claim),
    Wait,
}

impl Claiming {
    /// @param claim the present one
    pub fn step(&mut self, map: &RemoteMap, claim: Claim) -> Step {
        if self.refused == Some(claim) {
            return Step::Wait;
        }
        if let Some(epoch) = map.epoch_for(claim) {
            return Step::Go { epoch };
        }
        if self.asked.replace(claim) == Some(claim) { Step::Wait } else { Step::Ask(claim) }
    }

    /// The store has answered the front. An answer to another question than the last is of no use.
    pub fn answered(&mut self, claim: &str, epoch: u64) {
        if let Some(asked) = self.asked.filter(|asked| asked.to_string() == claim) {
            self.answer = Some((asked, epoch));
            self.proposed_at_ms = None;
        }
    }

    /// What is to be proposed now.
    pub fn proposal(&mut self, id: &CollectionId, map: &RemoteMap, now_ms: u64) -> Option<Acquired> {
        let (claim, epoch) = self.answer?;
        if map.epoch_for(claim).is_some() {
            self.answer = None;
            return None;
        }
        if self.proposed_at_ms.is_some_and(|at_ms| now_ms.saturating_sub(at_ms) < REPROPOSE_MS) {
            return None;
        }
        self.proposed_at_ms = Some(now_ms);
        Some(Acquired { collection: id.clone(), claim, epoch })
    }

    /// The store has refused a write of `epoch`, because of a later writer. If this grid has a later epoch by now, that
    /// writer may be itself.
    pub fn refused(&mut self, map: &RemoteMap, claim: Claim, epoch: u64) {
        if map.epoch_for(claim).is_some_and(|present| present <= epoch) {
            self.refused = Some(claim);
        }
    }

    /// Whether it waits for a new claim.
    pub fn is_refused(&self, claim: Claim) -> bool {
        self.refused == Some(claim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(number: u64) -> Claim {
        Claim { grid: 7, lineage_epoch: 1, number }
    }

    /// A map whose grid has claimed `number` times.
    fn map(number: u64) -> RemoteMap {
        let mut map = RemoteMap::default();
        (0..number).for_each(|_| map.reclaim());
        map
    }

    fn acquire(map: &mut RemoteMap, claim: Claim, epoch: u64) {
        map.acquired(&Acquired { collection: "m".into(), claim, epoch }, 1);
    }

    #[test]
    fn an_epoch_is_committed_before_it_is_used() {
        let (mut claiming, mut map) = (Claiming::default(), map(0));
        assert_eq!(claiming.step(&map, claim(0)), Step::Ask(claim(0)));
        assert_eq!(claiming.step(&map, claim(0)), Step::Wait);
        claiming.answered("another", 3);
        assert_eq!(claiming.proposal(&"m".into(), &map, 0), None);
        claiming.answered(&claim(0).to_string(), 4);
        let proposal = claiming.proposal(&"m".into(), &map, 0);
        assert_eq!(proposal.as_ref().map(|it| (it.claim, it.epoch)), Some((claim(0), 4)));
        assert_eq!(claiming.proposal(&"m".into(), &map, REPROPOSE_MS - 1), None);
        assert_eq!(claiming.proposal(&"m".into(), &map, REPROPOSE_MS), proposal, "it was lost");
        assert_eq!(claiming.step(&map, claim(0)), Step::Wait);
        acquire(&mut map, claim(0), 4);
        assert_eq!(claiming.step(&map, claim(0)), Step::Go { epoch: 4 });
        assert_eq!(claiming.proposal(&"m".into(), &map, 10 * REPROPOSE_MS), None);
    }

    #[test]
    fn whoever_is_refused_waits_for_a_new_claim() {
        let (mut claiming, mut map) = (Claiming::default(), map(0));
        acquire(&mut map, claim(0), 4);
        claiming.refused(&map, claim(0), 3);
        assert_eq!(claiming.step(&map, claim(0)), Step::Go { epoch: 4 }, "an earlier epoch of its own was refused");
        claiming.refused(&map, claim(0), 4);
        assert_eq!(claiming.step(&map, claim(0)), Step::Wait);
        assert_eq!(claiming.step(&map, claim(1)), Step::Ask(claim(1)));
    }

    #[test]
    fn the_first_answer_that_is_committed_stays() {
        let mut map = map(1);
        acquire(&mut map, claim(0), 3);
        assert_eq!(map.epoch_for(claim(0)), None, "too late");
        acquire(&mut map, claim(1), 4);
        acquire(&mut map, claim(1), 5);
        assert_eq!(map.epoch_for(claim(1)), Some(4));
    }
}
