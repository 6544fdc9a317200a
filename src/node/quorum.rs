//! When a grid that has lost its majority may be re-formed, and which of two grids gives way.
//!
//! Pure rules. A majority that is silent may still be at work elsewhere: so a reform waits, and asks for as many peers as
//! a majority has. Peers that have said farewell, or came back as newcomers with nothing, will not be in any majority.

use std::collections::BTreeSet;

use crate::config::QuorumLoss;
use crate::mutation::Mutation;
use crate::wire::{GridId, NodeId};

/// The majority of the former grid must have been silent for this many election timeouts.
const SILENT_ELECTION_TIMEOUTS: u64 = 3;

/// What a peer without a leader sees.
pub struct Survey<'a> {
    pub me: NodeId,
    pub voters: &'a BTreeSet<NodeId>,
    /// Have said that they will not be back.
    pub farewells: &'a BTreeSet<NodeId>,
    /// Members that were heard lately, and have no leader either.
    pub present: &'a BTreeSet<NodeId>,
    /// Voters whose peer ids are heard from newcomers.
    pub returned: &'a BTreeSet<NodeId>,
    /// How many peers without a grid are heard.
    pub newcomers: usize,
    /// Whether one of these has left this grid to re-form it.
    pub kin_among_newcomers: bool,
    pub silence_ms: u64,
    pub lease_ms: u64,
    pub election_timeout_ms: u64,
    pub min_peers: usize,
    pub policy: QuorumLoss,
}

/// How many peers have to take part in a reform of a grid with these voters; no number is enough where the operator
/// decides.
pub fn participants_needed(
    voters: &BTreeSet<NodeId>,
    farewells: &BTreeSet<NodeId>,
    min_peers: usize,
    policy: QuorumLoss,
) -> usize {
    match policy {
        _ if Mutation::ReformOnBothSides.is_planted() => 0,
        QuorumLoss::Available => min_peers,
        QuorumLoss::Reform => majority(voters.difference(farewells).count()).max(min_peers),
        QuorumLoss::Wait => usize::MAX,
    }
}

/// Whether those who are there are a majority.
pub fn can_elect(voters: &BTreeSet<NodeId>, is_there: impl Fn(&NodeId) -> bool) -> bool {
    voters.iter().filter(|node| is_there(node)).count() >= majority(voters.len())
}

/// Whether a follower and its leader are a majority. What the follower has of the leader's own term is committed then, though
/// nobody has said so yet, and the term may be over (Ongaro, *Consensus: Bridging Theory and Practice*, section 3.6.2).
pub fn decides_with_leader(me: NodeId, leader: Option<NodeId>, voters: &BTreeSet<NodeId>) -> bool {
    leader.is_some_and(|leader| leader != me && can_elect(voters, |node| *node == me || *node == leader))
}

/// Whether this peer should give its grid up in order to re-form it.
pub fn should_reform(survey: &Survey<'_>) -> bool {
    let Survey { me, voters, farewells, present, returned, newcomers, policy, .. } = survey;
    let is_there = |node: &NodeId| node == me || present.contains(node);
    if can_elect(voters, is_there) {
        return false;
    }
    if Mutation::ReformOnBothSides.is_planted() {
        return survey.silence_ms > survey.election_timeout_ms;
    }
    let participants = 1 + present.len() + newcomers;
    let all_accounted_for =
        voters.iter().all(|node| is_there(node) || farewells.contains(node) || returned.contains(node));
    let patience_ms = if all_accounted_for {
        survey.lease_ms
    } else if survey.kin_among_newcomers {
        survey.election_timeout_ms
    } else {
        SILENT_ELECTION_TIMEOUTS * survey.election_timeout_ms
    };
    let needed = participants_needed(voters, farewells, survey.min_peers, *policy);
    participants >= needed && survey.silence_ms > patience_ms
}

/// A grid as the peers of another have to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridStanding {
    pub grid: GridId,
    /// Whether it has a leader that a quorum follows.
    pub led: bool,
    pub members: usize,
    /// The grids that it goes on from.
    pub ancestors: Vec<GridId>,
}

impl GridStanding {
    /// Whether this grid gives way to another, which has a leader. A grid that went on by ordinary quorum outranks every
    /// reform of it; then the one with more members, then the lower id.
    pub fn gives_way_to(&self, other: &Self) -> bool {
        if !self.led || self.ancestors.contains(&other.grid) {
            return true;
        }
        if other.ancestors.contains(&self.grid) {
            return false;
        }
        (other.members, self.grid) > (self.members, other.grid)
    }
}

pub fn majority(voters: usize) -> usize {
    voters / 2 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEASE_MS: u64 = 1_000;
    const ELECTION_TIMEOUT_MS: u64 = 3_000;

    /// A peer with id 1 among voters 1 to `voters`, of which those up to `present` are there.
    struct Case {
        voters: u64,
        present: u64,
        farewells: Vec<NodeId>,
        returned: Vec<NodeId>,
        newcomers: usize,
        silence_ms: u64,
        policy: QuorumLoss,
    }

    impl Case {
        fn new(voters: u64, present: u64) -> Self {
            let (farewells, returned, policy) = (Vec::new(), Vec::new(), QuorumLoss::Reform);
            Self { voters, present, farewells, returned, newcomers: 0, silence_ms: 60_000, policy }
        }

        fn reforms(&self) -> bool {
            should_reform(&Survey {
                me: 1,
                voters: &(1..=self.voters).collect(),
                farewells: &self.farewells.iter().copied().collect(),
                present: &(2..=self.present).collect(),
                returned: &self.returned.iter().copied().collect(),
                newcomers: self.newcomers,
                kin_among_newcomers: false,
                silence_ms: self.silence_ms,
                lease_ms: LEASE_MS,
                election_timeout_ms: ELECTION_TIMEOUT_MS,
                min_peers: 2,
                policy: self.policy,
            })
        }
    }

    #[test]
    fn a_follower_decides_with_its_leader_where_two_are_a_majority() {
        let voters = |nodes: &[NodeId]| nodes.iter().copied().collect();
        assert!(decides_with_leader(1, Some(2), &voters(&[1, 2])));
        assert!(decides_with_leader(1, Some(2), &voters(&[1, 2, 3])));
        assert!(!decides_with_leader(1, Some(2), &voters(&[1, 2, 3, 4])));
        assert!(!decides_with_leader(1, Some(1), &voters(&[1, 2])), "nobody else has what a leader has not sent");
        assert!(!decides_with_leader(1, None, &voters(&[1, 2])));
        assert!(!decides_with_leader(1, Some(9), &voters(&[1, 2, 3])), "the leader has no vote");
        assert!(!decides_with_leader(9, Some(1), &voters(&[1, 2, 3])), "it has no vote itself");
    }

    #[test]
    fn survivors_need_newcomers_to_reach_the_majority_of_the_voters_last_known() {
        for (voters, present, newcomers, reforms) in [
            (2, 1, 0, false),
            (2, 1, 1, true),
            (3, 1, 0, false),
            (3, 1, 1, true),
            (4, 2, 0, false),
            (4, 2, 1, true),
            (5, 2, 0, false),
            (5, 2, 1, true),
            (5, 1, 1, false),
        ] {
            assert_eq!(Case { newcomers, ..Case::new(voters, present) }.reforms(), reforms, "{voters} {present}");
        }
    }

    #[test]
    fn waits_for_three_election_timeouts_unless_the_missing_are_accounted_for() {
        let silent = |silence_ms| Case { newcomers: 1, silence_ms, ..Case::new(3, 1) };
        assert!(!silent(9_000).reforms());
        assert!(silent(9_001).reforms());
        let returned = |silence_ms| Case { newcomers: 2, returned: vec![2, 3], ..silent(silence_ms) };
        assert!(!returned(1_000).reforms());
        assert!(returned(1_001).reforms());
        assert!(Case { farewells: vec![2], returned: vec![3], ..silent(1_001) }.reforms());
    }

    #[test]
    fn who_said_farewell_does_not_count() {
        assert!(Case { farewells: vec![3, 4], silence_ms: 1_001, ..Case::new(4, 2) }.reforms());
        assert!(!Case { farewells: vec![4], ..Case::new(5, 2) }.reforms());
    }

    #[test]
    fn the_policy_decides_how_much_is_risked() {
        let alone = |policy| Case { newcomers: 1, policy, ..Case::new(5, 1) };
        assert!(alone(QuorumLoss::Available).reforms());
        assert!(!alone(QuorumLoss::Reform).reforms());
        assert!(!Case { newcomers: 4, ..alone(QuorumLoss::Wait) }.reforms());
        assert!(!Case { policy: QuorumLoss::Available, ..Case::new(5, 1) }.reforms(), "a lone peer never leads");
    }

    #[test]
    fn a_grid_with_a_majority_in_sight_is_not_given_up() {
        assert!(!Case { newcomers: 5, ..Case::new(5, 3) }.reforms());
    }

    fn standing() -> impl Strategy<Value = GridStanding> {
        (1u64..4, 1usize..4, proptest::collection::vec(1u64..4, 0..2)).prop_map(|(grid, members, ancestors)| {
            let ancestors = ancestors.into_iter().filter(|ancestor| *ancestor < grid).collect();
            GridStanding { grid, led: true, members, ancestors }
        })
    }

    proptest! {
        #[test]
        fn of_two_grids_exactly_one_gives_way(a in standing(), b in standing()) {
            prop_assume!(a.grid != b.grid);
            prop_assert!(a.gives_way_to(&b) != b.gives_way_to(&a));
        }
    }
}
