//! What a leader changes in the membership, one step at a time.
//!
//! Pure: from what is so and what is wished to the next change. Every change adds or removes at most one voter, so that
//! any majority before meets any majority after. Votes go to those first that may lead.

use std::collections::{BTreeMap, BTreeSet};

use crate::raft::types::Member;
use crate::wire::NodeId;

/// More peers than this take part as learners, and are promoted when a voter goes: every voter makes a commit dearer.
pub const MAX_VOTERS: usize = 7;
/// A learner gets a vote once it lacks no more than this many entries.
const CAUGHT_UP_ENTRIES: u64 = 64;

/// The members and voters to have next.
#[derive(Debug, PartialEq, Eq)]
pub struct MembershipChange {
    pub members: BTreeMap<NodeId, Member>,
    pub voters: BTreeSet<NodeId>,
}

/// What the leader knows.
pub struct Situation<'a> {
    pub leader: NodeId,
    pub members: &'a BTreeMap<NodeId, Member>,
    pub voters: &'a BTreeSet<NodeId>,
    pub last_log_index: u64,
    pub matched: &'a BTreeMap<NodeId, u64>,
    /// Want to be taken in.
    pub joining: &'a BTreeMap<NodeId, Member>,
    /// Have left, said farewell, or been silent for too long.
    pub departed: &'a BTreeSet<NodeId>,
}

pub fn next_change(situation: &Situation<'_>) -> Option<MembershipChange> {
    let Situation { leader, members, voters, last_log_index, matched, joining, departed } = situation;
    let change = |edit: &dyn Fn(&mut MembershipChange)| {
        let mut change = MembershipChange { members: (*members).clone(), voters: (*voters).clone() };
        edit(&mut change);
        Some(change)
    };
    if let Some(gone) = members.keys().find(|node| departed.contains(node) && *node != leader) {
        return change(&|change| {
            change.members.remove(gone);
            change.voters.remove(gone);
        });
    }
    let newcomer = joining.iter().find(|(node, newcomer)| {
        // The old start of a peer that came back goes first.
        let taken = members.values().any(|member| member.peer_id == newcomer.peer_id);
        !members.contains_key(node) && !departed.contains(node) && !taken
    });
    if let Some((node, member)) = newcomer {
        return change(&|change| change.members.extend([(*node, member.clone())]));
    }
    let caught_up =
        |node: &&NodeId| matched.get(*node).is_some_and(|matched| matched + CAUGHT_UP_ENTRIES >= *last_log_index);
    // Who may lead needs a vote more than who may not.
    let may_lead = |node: &&NodeId| members.get(*node).is_some_and(|member| member.electable);
    let waiting = || members.keys().filter(|node| !voters.contains(node)).filter(caught_up);
    let promoted = waiting().find(may_lead).or_else(|| waiting().next())?;
    if voters.len() >= MAX_VOTERS {
        let demoted = voters.iter().find(|node| !may_lead(node) && *node != leader).filter(|_| may_lead(&promoted))?;
        return change(&|change| change.voters.retain(|node| node != demoted));
    }
    change(&|change| change.voters.extend([*promoted]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every fourth one only follows.
    fn member(node: NodeId) -> Member {
        Member { peer_id: format!("peer-{node}"), electable: !node.is_multiple_of(4) }
    }

    fn members(nodes: impl IntoIterator<Item = NodeId>) -> BTreeMap<NodeId, Member> {
        nodes.into_iter().map(|node| (node, member(node))).collect()
    }

    #[test]
    fn a_newcomer_with_a_members_peer_id_waits_until_the_old_node_is_removed() {
        let (two, matched) = (members([1, 2]), BTreeMap::new());
        let voters = BTreeSet::from([1, 2]);
        let joining = BTreeMap::from([(9, member(2))]);
        let mut situation = Situation {
            leader: 1,
            members: &two,
            voters: &voters,
            last_log_index: 5,
            matched: &matched,
            joining: &joining,
            departed: &BTreeSet::new(),
        };
        assert_eq!(next_change(&situation), None);
        let departed = BTreeSet::from([2]);
        situation.departed = &departed;
        assert_eq!(next_change(&situation).map(|it| it.voters), Some(BTreeSet::from([1])));
    }

    proptest! {
        #[test]
        fn changes_one_voter_at_a_time_and_come_to_an_end(
            current in proptest::collection::btree_set(2u64..12, 0..6),
            joining in proptest::collection::btree_set(2u64..20, 0..10),
            departed in proptest::collection::btree_set(2u64..20, 0..6),
        ) {
            let mut members = members(current.iter().copied().chain([1]));
            let mut voters: BTreeSet<NodeId> = members.keys().copied().collect();
            let joining: BTreeMap<NodeId, Member> = joining.into_iter().map(|node| (node, member(node))).collect();
            for _ in 0..100 {
                let matched = members.keys().map(|node| (*node, 100)).collect();
                let situation = Situation {
                    leader: 1, members: &members, voters: &voters, last_log_index: 100, matched: &matched,
                    joining: &joining, departed: &departed,
                };
                let Some(change) = next_change(&situation) else {
                    prop_assert!(members.keys().all(|node| !departed.contains(node)));
                    prop_assert!(voters.len() >= members.len().min(MAX_VOTERS));
                    let waits = members.iter().any(|(node, it)| it.electable && !voters.contains(node));
                    let follows = |node: &NodeId| !members[node].electable;
                    prop_assert!(!waits || !voters.iter().any(follows), "one that may lead waits for a vote");
                    return Ok(());
                };
                prop_assert!(change.voters.symmetric_difference(&voters).count() <= 1);
                prop_assert!(change.voters.contains(&1));
                prop_assert!(change.voters.iter().all(|node| change.members.contains_key(node)));
                MembershipChange { members, voters } = change;
            }
            prop_assert!(false, "the changes never end");
        }
    }
}
