//! How a peer without a grid finds one, or takes part in making one.
//!
//! Pure rules: time and randomness come in as arguments, what to do comes out as [`Step`]s.
//!
//! A peer broadcasts a hello each heartbeat. If anybody has a grid, the peer asks to be taken in, and starts none.
//! Otherwise, once it has heard enough peers and nobody new for two heartbeats, the electable peer with the lowest id
//! proposes a grid of all that it has heard. A peer promises itself to one proposal at a time; when all have promised,
//! the grid is initialised. Two proposals can never both be initialised with one peer in them, because promises outlast
//! proposals.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::raft::types::Member;
use crate::wire::packet::{EstateSummary, Hello};
use crate::wire::{GridId, NodeId};

/// Nobody new must have appeared for this many heartbeats, or [`LONGEST_QUIET_MS`].
const QUIET_HEARTBEATS: u64 = 2;
const LONGEST_QUIET_MS: u64 = 1_000;
/// What was heard, and promised, is forgotten after this many heartbeats, but not before [`SHORTEST_MEMORY_MS`]: a
/// promise has to outlast a slow transport's round trip.
const MEMORY_HEARTBEATS: u64 = 10;
const SHORTEST_MEMORY_MS: u64 = 1_000;

/// The rules of one peer that has no grid. See the [module](self).
#[derive(Debug)]
pub struct Discovery {
    node: NodeId,
    me: Member,
    min_peers: usize,
    heartbeat_ms: u64,
    heard: BTreeMap<NodeId, Heard>,
    newest_at_ms: u64,
    next_hello_at_ms: u64,
    /// What this peer holds of a grid that it has given up.
    estate: Option<EstateSummary>,
    /// How many voters were a majority there.
    majority: usize,
    /// Until then peers of that grid that have not given it up are waited for.
    kin_until_ms: u64,
    promise: Option<Promise>,
    proposal: Option<Proposal>,
    /// No proposal starts before: peers are bound by the last one that failed.
    rest_until_ms: u64,
}

#[derive(Debug)]
struct Heard {
    member: Member,
    grid: GridId,
    leader: Option<NodeId>,
    estate: Option<EstateSummary>,
    at_ms: u64,
}

#[derive(Debug)]
struct Promise {
    grid: GridId,
    until_ms: u64,
}

#[derive(Debug)]
struct Proposal {
    grid: GridId,
    members: BTreeMap<NodeId, Member>,
    promised: BTreeSet<NodeId>,
    until_ms: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Hello,
    /// Ask this node to be taken into its grid.
    AskToJoin {
        grid: GridId,
        node: NodeId,
        peer_id: String,
    },
    Propose {
        grid: GridId,
        to: Vec<(NodeId, String)>,
    },
    /// Everybody has promised: start the grid.
    Initialize {
        grid: GridId,
        members: BTreeMap<NodeId, Member>,
        /// The peer ids of those that have given up the grid that this one goes on from.
        kin: Vec<String>,
    },
}

impl Discovery {
    pub fn new(node: NodeId, me: Member, min_peers: usize, heartbeat_ms: u64, now_ms: u64) -> Self {
        Self {
            node,
            me,
            min_peers,
            heartbeat_ms,
            heard: BTreeMap::new(),
            newest_at_ms: now_ms,
            next_hello_at_ms: now_ms,
            estate: None,
            majority: usize::MAX,
            kin_until_ms: 0,
            promise: None,
            proposal: None,
            rest_until_ms: 0,
        }
    }

    /// Takes note of a hello; gives whether its sender is new.
    pub fn heard(&mut self, node: NodeId, grid: GridId, hello: &Hello, now_ms: u64) -> bool {
        // A peer id that comes under a new node id has been started again.
        self.heard.retain(|other, heard| *other == node || heard.member.peer_id != hello.peer_id);
        let member = Member { peer_id: hello.peer_id.clone(), electable: hello.electable };
        let heard = Heard { member, grid, leader: hello.leader, estate: hello.estate, at_ms: now_ms };
        let new = self.heard.insert(node, heard).is_none();
        if new {
            self.newest_at_ms = now_ms;
        }
        new
    }

    /// This peer looks for others to go on from a grid with them. Those that are still in that grid, without a leader, are
    /// waited for until `kin_until_ms`: they may hold more.
    pub fn hold(&mut self, estate: Option<EstateSummary>, majority: usize, kin_until_ms: u64) {
        (self.estate, self.majority, self.kin_until_ms) = (estate, majority, kin_until_ms);
    }

    pub fn forget(&mut self, peer_id: &str) {
        self.heard.retain(|_, heard| heard.member.peer_id != peer_id);
    }

    pub fn forget_node(&mut self, node: NodeId) {
        self.heard.remove(&node);
    }

    /// Another peer proposes a grid; `true` when this one is in.
    pub fn proposed(&mut self, grid: GridId, now_ms: u64) -> bool {
        if self.proposal.is_some() {
            return false;
        }
        let taken = self.promise.as_ref().is_some_and(|promise| promise.grid != grid && now_ms < promise.until_ms);
        if !taken {
            self.promise = Some(Promise { grid, until_ms: now_ms + self.memory_ms() });
        }
        !taken
    }

    pub fn promised_to(&self, grid: GridId, now_ms: u64) -> bool {
        self.promise.as_ref().is_some_and(|promise| promise.grid == grid && now_ms < promise.until_ms)
    }

    /// A peer has promised to be in the grid that this one proposed.
    pub fn promise_arrived(&mut self, node: NodeId, grid: GridId, now_ms: u64) -> Option<Step> {
        let proposal = self.proposal.as_mut().filter(|proposal| proposal.grid == grid && now_ms < proposal.until_ms)?;
        if !proposal.members.contains_key(&node) {
            return None;
        }
        proposal.promised.insert(node);
        if proposal.promised.len() + 1 < proposal.members.len() {
            return None;
        }
        let Proposal { grid, members, .. } = self.proposal.take()?;
        Some(self.initialize(grid, members))
    }

    fn initialize(&self, grid: GridId, members: BTreeMap<NodeId, Member>) -> Step {
        let parent = |estate: Option<EstateSummary>| estate.map(|estate| estate.grid);
        // Who came later may hold more than anybody who has promised.
        let kin = self.heard.iter().filter(|(node, _)| members.contains_key(node)).map(|(_, heard)| heard);
        let kin = kin.filter(|heard| parent(heard.estate) == parent(self.estate)).map(|heard| &heard.member);
        let kin = kin.chain([&self.me]).map(|member| member.peer_id.clone()).collect();
        Step::Initialize { grid, members, kin }
    }

    /// What is due now. `new_grid` is a fresh random id for a proposal.
    pub fn tick(&mut self, now_ms: u64, new_grid: GridId) -> Vec<Step> {
        let memory_ms = self.memory_ms();
        self.heard.retain(|_, heard| now_ms.saturating_sub(heard.at_ms) < memory_ms);
        if self.proposal.as_ref().is_some_and(|proposal| now_ms >= proposal.until_ms) {
            self.proposal = None;
            // Otherwise those that missed a proposal are bound by the next one while the others are free, and so on.
            self.rest_until_ms = now_ms + memory_ms;
        }
        let mut steps = Vec::new();
        if now_ms >= self.next_hello_at_ms {
            self.next_hello_at_ms = now_ms + self.heartbeat_ms;
            steps.push(Step::Hello);
            steps.extend(self.ask_to_join());
            steps.extend(self.propose_again());
        }
        steps.extend(self.propose(now_ms, new_grid));
        steps
    }

    /// Asks at the next tick, rather than at the next heartbeat: somebody with a grid was heard.
    pub fn hurry(&mut self, now_ms: u64) {
        self.next_hello_at_ms = now_ms;
    }

    fn ask_to_join(&self) -> Option<Step> {
        // Of several grids one with a leader, then the one of which most peers were heard, then the lower id.
        let mut grids: BTreeMap<GridId, (bool, usize)> = BTreeMap::new();
        for heard in self.heard.values().filter(|heard| heard.grid != 0) {
            let (led, count) = grids.entry(heard.grid).or_default();
            *led |= heard.leader.is_some();
            *count += 1;
        }
        let (grid, _) = grids.into_iter().min_by_key(|(grid, (led, count))| (!led, usize::MAX - count, *grid))?;
        let members = || self.heard.iter().filter(|(_, heard)| heard.grid == grid);
        let named = members().find_map(|(_, heard)| heard.leader);
        let (node, heard) = members().find(|(node, _)| Some(**node) == named).or_else(|| members().next())?;
        Some(Step::AskToJoin { grid, node: *node, peer_id: heard.member.peer_id.clone() })
    }

    /// Either the proposal or the promise may have been lost.
    fn propose_again(&self) -> Option<Step> {
        let Proposal { grid, members, promised, .. } = self.proposal.as_ref()?;
        let missing = members.iter().filter(|(node, _)| **node != self.node && !promised.contains(node));
        let to = missing.map(|(node, member)| (*node, member.peer_id.clone())).collect();
        Some(Step::Propose { grid: *grid, to })
    }

    fn propose(&mut self, now_ms: u64, grid: GridId) -> Option<Step> {
        let quiet_ms = (self.heartbeat_ms * QUIET_HEARTBEATS).min(LONGEST_QUIET_MS);
        let count = self.heard.values().filter(|heard| heard.grid == 0).count() + 1;
        let enough = count >= self.peers_needed() || count >= self.min_peers && self.kin_are_a_majority();
        let quiet = now_ms.saturating_sub(self.newest_at_ms) >= quiet_ms;
        let bound = self.promise.as_ref().is_some_and(|promise| now_ms < promise.until_ms);
        let free = self.proposal.is_none() && !bound && now_ms >= self.rest_until_ms;
        let nobody_has_one = self.heard.values().all(|heard| heard.grid == 0 || self.is_left_behind(heard, now_ms));
        if !(enough && quiet && free && nobody_has_one && self.is_first()) {
            return None;
        }
        // Who is still in a grid cannot promise itself to another.
        let free = self.heard.iter().filter(|(_, heard)| heard.grid == 0);
        let mut members: BTreeMap<NodeId, Member> = free.map(|(node, heard)| (*node, heard.member.clone())).collect();
        let to: Vec<_> = members.iter().map(|(node, member)| (*node, member.peer_id.clone())).collect();
        members.insert(self.node, self.me.clone());
        if to.is_empty() {
            return Some(self.initialize(grid, members));
        }
        // Shorter than the promises that it asks for, so that none lapses while the proposal still counts on it.
        let until_ms = now_ms + self.memory_ms() / 2;
        self.proposal = Some(Proposal { grid, members, promised: BTreeSet::new(), until_ms });
        Some(Step::Propose { grid, to })
    }

    /// How many peers a grid needs to begin with. To go on from another takes as many as a majority of its voters; a
    /// single one does if the operator says so, to whomever of those that have given that grid up.
    fn peers_needed(&self) -> usize {
        let estates = || self.heard.values().filter_map(|heard| heard.estate).chain(self.estate);
        let Some(newest) = estates().max_by_key(EstateSummary::rank) else { return self.min_peers };
        if estates().any(|estate| estate.grid == newest.grid && estate.needed == 0) {
            return 1;
        }
        usize::try_from(newest.needed).unwrap_or(usize::MAX).max(self.min_peers)
    }

    /// Whether most of the voters of the grid that this one goes on from are here, and have given it up: for one another
    /// grid, say, whose peers did the same for theirs. Then it has ended, and all that was committed there is here.
    fn kin_are_a_majority(&self) -> bool {
        let Some(own) = self.estate else { return false };
        let estates = self.heard.values().filter(|heard| heard.grid == 0).filter_map(|heard| heard.estate);
        estates.chain([own]).filter(|it| it.grid == own.grid && it.had_vote).count() >= self.majority
    }

    /// Whether a peer is still in the grid that this one goes on from, without a leader, and was waited for.
    fn is_left_behind(&self, heard: &Heard, now_ms: u64) -> bool {
        let kin = self.estate.is_some_and(|estate| estate.grid == heard.grid);
        kin && heard.leader.is_none() && now_ms >= self.kin_until_ms
    }

    /// Whether this peer is the one to propose: the one with the newest estate, or else the electable one with the lowest
    /// peer id.
    fn is_first(&self) -> bool {
        let key = |node: NodeId, member: &Member, estate: Option<EstateSummary>| {
            let rank = Reverse(estate.map(|estate| estate.rank()));
            (rank, !member.electable, member.peer_id.clone(), node)
        };
        let mine = key(self.node, &self.me, self.estate);
        let eligible = self.me.electable || self.estate.is_some();
        eligible && self.heard.iter().all(|(node, heard)| mine < key(*node, &heard.member, heard.estate))
    }

    fn memory_ms(&self) -> u64 {
        (self.heartbeat_ms * MEMORY_HEARTBEATS).max(SHORTEST_MEMORY_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::command::LogPosition;

    fn member(peer_id: &str) -> Member {
        Member { peer_id: peer_id.into(), electable: true }
    }

    fn hello(peer_id: &str, leader: Option<NodeId>) -> Hello {
        Hello {
            peer_id: peer_id.into(),
            electable: true,
            leader,
            asks: true,
            estate: None,
            announcement: None,
            quorum_silence_ms: None,
        }
    }

    fn discovery(node: NodeId, peer_id: &str) -> Discovery {
        Discovery::new(node, member(peer_id), 2, 100, 0)
    }

    #[test]
    fn a_majority_that_has_given_its_grid_up_goes_on_even_where_it_would_wait_for_one() {
        let last = LogPosition { term: 1, index: 5 };
        let estate = |grid, had_vote| EstateSummary { grid, epoch: 1, last, needed: u64::MAX, had_vote };
        let proposes = |majority, others: &[(GridId, bool)]| {
            let mut a = discovery(1, "a");
            a.hold(Some(estate(7, true)), majority, 0);
            for (node, (grid, had_vote)) in (2..).zip(others) {
                let hello = Hello { estate: Some(estate(*grid, *had_vote)), ..hello(&format!("b{node}"), None) };
                a.heard(node, 0, &hello, 0);
            }
            a.tick(500, 9).iter().any(|step| matches!(step, Step::Propose { .. }))
        };
        assert!(proposes(2, &[(7, true)]));
        assert!(!proposes(2, &[(7, false)]), "it had no vote");
        assert!(!proposes(2, &[(6, true)]), "it was in another grid");
        assert!(!proposes(3, &[(7, true), (6, true)]));
        assert!(proposes(3, &[(7, true), (7, true)]));
    }

    #[test]
    fn a_lone_peer_starts_no_grid() {
        let mut alone = discovery(1, "a");
        for now_ms in (0..10_000).step_by(50) {
            assert!(alone.tick(now_ms, 9).iter().all(|step| *step == Step::Hello));
        }
    }

    #[test]
    fn the_lowest_peer_proposes_once_nobody_new_appears_and_starts_when_all_have_promised() {
        let mut a = discovery(1, "a");
        a.heard(2, 0, &hello("b", None), 10);
        assert_eq!(a.tick(50, 9), vec![Step::Hello]);
        a.heard(3, 0, &hello("c", None), 150);
        assert_eq!(a.tick(300, 9), vec![Step::Hello]);
        let steps = a.tick(351, 9);
        assert_eq!(steps, vec![Step::Propose { grid: 9, to: vec![(2, "b".into()), (3, "c".into())] }]);
        assert_eq!(a.promise_arrived(2, 9, 400), None);
        assert_eq!(a.promise_arrived(2, 9, 400), None, "one promise counts once");
        assert_eq!(a.promise_arrived(7, 9, 400), None, "a stranger's promise counts nothing");
        assert_eq!(a.promise_arrived(3, 9, 900), None, "too late to count on the others' promises");
        assert!(
            matches!(a.promise_arrived(3, 9, 400), Some(Step::Initialize { grid: 9, members, .. }) if members.len() == 3)
        );
    }

    /// Of the proposals to two peers, in order, those are lost that `is_lost` says; gives when the grid begins.
    fn begins_at_ms(is_lost: impl Fn(usize) -> bool) -> Option<u64> {
        let mut a = discovery(1, "a");
        let mut others = [discovery(2, "b"), discovery(3, "c")];
        let mut sent = 0;
        for now_ms in (0..10_000).step_by(25) {
            a.heard(2, 0, &hello("b", None), now_ms);
            a.heard(3, 0, &hello("c", None), now_ms);
            for step in a.tick(now_ms, 1_000 + now_ms) {
                let Step::Propose { grid, to } = step else { continue };
                for (node, _) in to {
                    sent += 1;
                    let other = &mut others[node as usize - 2];
                    if !is_lost(sent) && other.proposed(grid, now_ms) && a.promise_arrived(node, grid, now_ms).is_some()
                    {
                        return Some(now_ms);
                    }
                }
            }
        }
        None
    }

    #[test]
    fn a_lost_proposal_is_made_again() {
        assert_eq!(begins_at_ms(|_| false), Some(200));
        assert_eq!(begins_at_ms(|sent| sent == 2), Some(300));
    }

    #[test]
    fn peers_that_missed_a_proposal_and_those_that_did_not_come_together() {
        // The whole first proposal passes "c" by.
        let at_ms = begins_at_ms(|sent| (2..=6).contains(&sent));
        assert!(at_ms.is_some_and(|at_ms| at_ms < 4_000), "{at_ms:?}");
    }

    #[test]
    fn what_an_operator_tells_one_peer_holds_for_all_that_have_given_up_the_same_grid() {
        let estate = |grid, needed| {
            Some(EstateSummary { grid, epoch: 1, last: LogPosition { term: 1, index: 5 }, needed, had_vote: false })
        };
        let proposes = |grid, needed| {
            let mut a = discovery(1, "a");
            a.hold(estate(7, u64::MAX), 2, 0);
            a.heard(2, 0, &Hello { estate: estate(grid, needed), ..hello("b", None) }, 0);
            a.tick(500, 9).iter().any(|step| matches!(step, Step::Propose { .. }))
        };
        assert!(proposes(7, 0));
        assert!(!proposes(7, u64::MAX));
        assert!(!proposes(6, 0), "of another grid");
    }

    #[test]
    fn who_comes_after_a_proposal_does_not_take_part_in_it() {
        let estate = |index| EstateSummary {
            grid: 7,
            epoch: 1,
            last: LogPosition { term: 1, index },
            needed: 2,
            had_vote: true,
        };
        let hello = |peer_id, index| Hello { estate: Some(estate(index)), ..hello(peer_id, None) };
        let mut a = discovery(1, "a");
        a.hold(Some(estate(5)), 2, 0);
        a.heard(2, 0, &hello("b", 4), 0);
        assert!(a.tick(500, 9).iter().any(|step| matches!(step, Step::Propose { .. })));
        a.heard(3, 0, &hello("c", 6), 510);
        let Some(Step::Initialize { kin, .. }) = a.promise_arrived(2, 9, 520) else { panic!() };
        assert_eq!(kin, ["b", "a"], "c may hold more");
    }

    #[test]
    fn a_peer_promises_itself_to_one_proposal_at_a_time() {
        let mut b = discovery(2, "b");
        assert!(b.proposed(9, 0));
        assert!(b.proposed(9, 10), "the same proposal again");
        assert!(!b.proposed(8, 20));
        assert!(b.promised_to(9, 500));
        assert!(b.proposed(8, 2_000), "a promise lapses");
        assert!(!b.promised_to(9, 2_001));
    }

    #[test]
    fn a_peer_that_hears_of_a_grid_joins_it_and_starts_none() {
        let mut a = discovery(1, "a");
        a.heard(2, 0, &hello("b", None), 0);
        a.heard(3, 77, &hello("c", Some(3)), 0);
        let steps: Vec<_> = (0..1_000).step_by(100).flat_map(|now_ms| a.tick(now_ms, 9)).collect();
        assert!(steps.contains(&Step::AskToJoin { grid: 77, node: 3, peer_id: "c".into() }));
        assert!(!steps.iter().any(|step| matches!(step, Step::Propose { .. })));
    }
}
