//! Giving a grid up, going on from one that was given up, and bringing what it held into another.
//!
//! Whoever gives a grid up stops its Raft node for good: it neither votes nor appends there any more. What it held is its
//! [`Estate`]. Of the peers that gather without a grid, the one with the newest estate starts a grid with that state, by
//! itself; the others join it, and vote once they hold it. The rules of when are in [`super::quorum`].

use std::collections::BTreeMap;

use tokio::time;

use super::driver::{Driver, Nodes, SHUTDOWN_TIMEOUT};
use super::estate::{Electorate, Estate, EstateLog};
use super::joining::LONGEST_ABSENCE_HEARTBEATS;
use super::quorum::{self, GridStanding, Survey};
use crate::ports::Notice;
use crate::state_machine::StateMachine;
use crate::wire::blob::Blob;
use crate::wire::command::{Command, LogPosition, Merge};
use crate::wire::packet::{Announcement, Body, Hello};
use crate::wire::{GridId, NodeId};

/// A leader announces its grid to others this often, in heartbeats, but not more often than [`SHORTEST_ANNOUNCE_MS`].
const ANNOUNCE_HEARTBEATS: u64 = 5;
const SHORTEST_ANNOUNCE_MS: u64 = 1_000;
/// A grid gives way when it has heard a better one twice within this time.
const MEETING_MS: u64 = 10_000;
/// What a peer brings along is sent again after this time.
const BRING_MS: u64 = 2_000;
/// What was proposed to be merged is not proposed again before this time…
const MERGE_MS: u64 = 5_000;
/// …and a millisecond more for each of so many bytes.
const MERGE_BYTES_PER_MS: usize = 1_024;
/// Peers without a grid that were not heard for so long are forgotten.
const NEWCOMER_MS: u64 = 600_000;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Reforming {
    /// Grids that were given up and are in no other yet.
    estates: Vec<Estate>,
    /// Peers without a grid that were heard lately.
    newcomers: BTreeMap<NodeId, Newcomer>,
    next_announcement_at_ms: u64,
    /// A better grid that was heard once, and when.
    met: Option<(GridId, u64)>,
    next_bring_at_ms: u64,
    /// For a leader: what was proposed to be merged, by grid: its revision, and until when it is waited for.
    merging: BTreeMap<GridId, (u64, u64)>,
    quorum_lost: bool,
    /// The grid in which this peer was last.
    former: GridId,
}

struct Newcomer {
    peer_id: String,
    /// Whether it has given up the grid that this peer is in.
    kin: bool,
    at_ms: u64,
}

impl Reforming {
    /// The estate to go on from.
    pub fn newest(&self) -> Option<&Estate> {
        self.estates.iter().max_by_key(|estate| estate.summary().rank())
    }

    pub fn holds_estates(&self) -> bool {
        !self.estates.is_empty()
    }

    pub fn newcomer_heard(&mut self, node: NodeId, hello: &Hello, own: GridId, now_ms: u64) {
        let recent = |newcomer: &Newcomer| now_ms.saturating_sub(newcomer.at_ms) < NEWCOMER_MS;
        self.newcomers.retain(|other, it| *other == node || it.peer_id != hello.peer_id && recent(it));
        let kin = hello.estate.is_some_and(|estate| estate.grid == own);
        self.newcomers.insert(node, Newcomer { peer_id: hello.peer_id.clone(), kin, at_ms: now_ms });
    }

    pub fn newcomer_gone(&mut self, node: NodeId) {
        self.newcomers.remove(&node);
    }
}

impl Driver {
    /// Whether to give the grid up in order to re-form it.
    pub fn should_reform(&mut self, now_ms: u64) -> bool {
        if self.quorum_silence_ms(now_ms) <= self.options.follower_max_idle_ms {
            return false;
        }
        let memory_ms = self.options.heartbeat_ms * LONGEST_ABSENCE_HEARTBEATS;
        let memory_ms = memory_ms.max(self.options.follower_max_idle_ms);
        let election_timeout_ms = self.options.election_timeout_ms;
        let (reforming, leading) = (&mut self.reforming, &self.leading);
        reforming.newcomers.retain(|_, newcomer| now_ms.saturating_sub(newcomer.at_ms) < memory_ms);
        let Some(grid) = &self.grid else { return false };
        let view = &grid.view;
        let newcomers = &self.reforming.newcomers;
        let comes_back = |node: &NodeId| {
            let peer_id = view.members.get(node).map(|member| &member.peer_id);
            newcomers.values().any(|newcomer| Some(&newcomer.peer_id) == peer_id)
        };
        let heard_lately = |node: &NodeId| leading.is_heard_since(*node, now_ms.saturating_sub(election_timeout_ms));
        let others = view.members.keys().filter(|node| **node != self.node && !leading.farewells.contains(node));
        let present: Nodes = others.copied().filter(|node| heard_lately(node) && !comes_back(node)).collect();
        quorum::should_reform(&Survey {
            me: self.node,
            voters: &view.voters,
            farewells: &leading.farewells,
            present: &present,
            returned: &view.voters.iter().copied().filter(comes_back).collect(),
            newcomers: newcomers.len(),
            kin_among_newcomers: newcomers.values().any(|newcomer| newcomer.kin),
            silence_ms: self.quorum_silence_ms(now_ms),
            lease_ms: self.options.follower_max_idle_ms,
            election_timeout_ms,
            min_peers: self.options.min_peers,
            policy: self.options.quorum_loss,
        })
    }

    /// The operator says so: goes on with what this peer holds.
    pub async fn force_reform(&mut self) {
        if self.standing.leader().is_some() || self.leaving.is_some() {
            return;
        }
        if self.grid.is_some() {
            self.give_up_grid().await;
        }
        self.reforming.estates.iter_mut().for_each(|estate| estate.needed = 0);
        self.seek_with_estate();
    }

    /// Leaves the grid for good, and keeps what it held.
    pub async fn give_up_grid(&mut self) {
        let estate = self.freeze().await;
        self.start_over();
        if let Some(estate) = estate {
            // It may have come back to this grid, and given it up again before it held what it had held.
            let estates = &mut self.reforming.estates;
            estates.retain(|other| !other.is_part_of(&estate));
            if !estates.iter().any(|other| estate.is_part_of(other)) {
                estates.push(estate);
            }
        }
        self.seek_with_estate();
    }

    pub fn seek_with_estate(&mut self) {
        let kin_until_ms = self.now_ms() + self.options.election_timeout_ms;
        let newest = self.reforming.newest();
        let majority = newest.map_or(usize::MAX, Estate::majority);
        self.discovery.hold(newest.map(Estate::summary), majority, kin_until_ms);
    }

    async fn freeze(&mut self) -> Option<Estate> {
        let grid = self.grid.as_ref()?;
        let view = grid.raft.view();
        // What the node has granted or stored until it stops, it has answered for.
        let _ = time::timeout(SHUTDOWN_TIMEOUT, grid.raft.shutdown()).await;
        let (machine, applied_index) = {
            let state = self.replica.lock();
            (state.machine.clone(), state.applied_index)
        };
        let log = EstateLog {
            committed: LogPosition { term: grid.raft.term_at(applied_index), index: applied_index },
            rest: grid.raft.commands_from(applied_index + 1),
            last: grid.raft.last_position(),
        };
        let last_leader = view.leader.map(|leader| (view.term, leader)).or(grid.last_leader);
        let sender = last_leader.filter(|(term, _)| *term == log.last.term).map(|(_, leader)| leader);
        let all_committed = view.membership_committed && quorum::decides_with_leader(self.node, sender, &view.voters);
        let farewells = &self.leading.farewells;
        let policy = self.options.quorum_loss;
        let needed = quorum::participants_needed(&view.voters, farewells, self.options.min_peers, policy);
        let voters = view.voters.iter().filter(|node| !farewells.contains(node));
        let voters = voters.filter_map(|node| Some(view.members.get(node)?.peer_id.clone())).collect();
        let (majority, had_vote) = (quorum::majority(view.voters.len()), view.voters.contains(&self.node));
        let electorate = Electorate { voters, majority, had_vote };
        let estate = Estate::new(grid.id, machine, log, electorate, needed)?;
        Some(if all_committed { estate.wholly_committed() } else { estate })
    }

    /// For how long no quorum has been heard of: by a leader itself, by the others through their leader.
    pub fn quorum_silence_ms(&self, now_ms: u64) -> u64 {
        match self.view().filter(|view| view.leads) {
            Some(view) if view.voters.len() == 1 => 0,
            Some(view) => view.quorum_age().map_or(self.leading.led_for_ms(now_ms), |age| age.as_millis() as u64),
            None => self.election.silence_ms(now_ms),
        }
    }

    /// Whether this node leads, and no quorum has answered it for so long that the others should look for another.
    pub fn is_out_of_touch(&self) -> bool {
        let leads = self.view().is_some_and(|view| view.leads);
        leads && self.quorum_silence_ms(self.now_ms()) > self.options.election_timeout_ms
    }

    /// A leader says that it is out of touch: its followers are, too.
    pub fn leader_out_of_touch(&mut self, from: NodeId, silence_ms: u64) {
        if self.view().is_some_and(|view| view.leader == Some(from)) {
            let now_ms = self.now_ms();
            self.election.leader_lost(now_ms.saturating_sub(silence_ms), now_ms);
        }
    }

    /// Whether those that were heard lately are a majority without this node.
    pub fn can_elect_without(&self, node: NodeId, now_ms: u64) -> bool {
        let since_ms = now_ms.saturating_sub(self.options.follower_max_idle_ms);
        let is_there = |other: &NodeId| *other == self.node || self.leading.is_heard_since(*other, since_ms);
        self.view().is_some_and(|view| quorum::can_elect(&view.voters, |other| *other != node && is_there(other)))
    }

    /// Tells once that the majority is gone.
    pub fn note_quorum(&mut self, now_ms: u64) {
        let member = self.grid.as_ref().is_some_and(|grid| grid.session_started);
        let silent = self.quorum_silence_ms(now_ms) > self.options.election_timeout_ms;
        if member && silent && self.standing.leader().is_none() && !self.reforming.quorum_lost {
            self.reforming.quorum_lost = true;
            self.front.notice(Notice::QuorumLost);
            self.front.wake();
        }
    }

    /// This peer is in a grid with a leader: users hear what has become of the one before.
    pub fn tell_of_grid(&mut self) {
        let grid = self.grid_id();
        let former = std::mem::replace(&mut self.reforming.former, grid);
        let lost = std::mem::take(&mut self.reforming.quorum_lost);
        if former == grid && !lost {
            return;
        }
        let state = self.replica.lock();
        let lineage = state.machine.lineage();
        let goes_on = former != grid && lineage.ancestor(former).is_some();
        if let Some(ancestor) = lineage.ancestors().last().filter(|_| goes_on) {
            let (parent, epoch, missing) = (ancestor.grid, lineage.epoch(), &ancestor.missing[..]);
            self.front.notice(Notice::Reformed { grid, parent, epoch, missing });
        } else if lost && former == grid {
            self.front.notice(Notice::QuorumRestored);
        }
        self.front.wake();
    }

    /// What a leader that is in touch says of its grid.
    pub fn announcement(&self) -> Option<Announcement> {
        let view = self.view().filter(|view| view.leads)?;
        if self.is_lease_over() || self.leaving.is_some() || self.inheritance.is_some() {
            return None;
        }
        let ancestors = self.replica.lock().machine.lineage().ancestors().iter().map(|it| it.grid).collect();
        Some(Announcement { members: view.members.len() as u64, ancestors })
    }

    pub fn announce_grid(&mut self, now_ms: u64) {
        let leads = self.view().is_some_and(|view| view.leads);
        if leads && now_ms >= self.reforming.next_announcement_at_ms {
            let period_ms = (self.options.heartbeat_ms * ANNOUNCE_HEARTBEATS).max(SHORTEST_ANNOUNCE_MS);
            self.reforming.next_announcement_at_ms = now_ms + period_ms;
            self.outbox.broadcast(&self.packet(0, self.hello(false)));
        }
    }

    /// Another grid's leader was heard.
    pub async fn grid_met(&mut self, from: NodeId, other: GridId, hello: &Hello) {
        let Some(announcement) = hello.announcement.as_ref().filter(|_| self.leaving.is_none()) else { return };
        let now_ms = self.now_ms();
        let led = self.quorum_silence_ms(now_ms) <= self.options.election_timeout_ms;
        let own = GridStanding {
            grid: self.grid_id(),
            led,
            members: self.view().map_or(0, |view| view.members.len()),
            ancestors: self.replica.lock().machine.lineage().ancestors().iter().map(|it| it.grid).collect(),
        };
        let members = usize::try_from(announcement.members).unwrap_or(usize::MAX);
        let other_standing =
            GridStanding { grid: other, led: true, members, ancestors: announcement.ancestors.clone() };
        if !own.gives_way_to(&other_standing) {
            return;
        }
        match self.reforming.met {
            Some((grid, at_ms)) if grid == other && now_ms.saturating_sub(at_ms) <= MEETING_MS => {
                self.reforming.met = None;
                self.give_up_grid().await;
                self.discovery.heard(from, other, hello, now_ms);
                self.discovery.hurry(now_ms);
            }
            _ => self.reforming.met = Some((other, now_ms)),
        }
    }

    /// What this peer holds of grids that it gave up has to be in the present one before it takes part.
    pub fn drop_covered_estates(&mut self) {
        if self.reforming.estates.is_empty() {
            return;
        }
        let grid = self.grid_id();
        let state = self.replica.lock();
        self.reforming.estates.retain(|estate| grid == 0 || !estate.is_covered_by(grid, &state.machine));
    }

    pub async fn bring_estates(&mut self, now_ms: u64) {
        let ready = self.inheritance.is_none() && now_ms >= self.reforming.next_bring_at_ms;
        let Some(view) = self.view().filter(|view| ready && view.members.contains_key(&self.node)) else { return };
        let own = self.grid_id();
        let brought = self.reforming.estates.iter().find(|estate| estate.grid != own);
        let (Some(leader), Some(estate)) = (view.leader, brought) else { return };
        let (grid, state) = (estate.grid, estate.snapshot().clone());
        self.reforming.next_bring_at_ms = now_ms + BRING_MS;
        if leader == self.node {
            self.merge(grid, state).await;
        } else if self.peer_id_of(leader).is_some_and(|peer_id| !self.outbox.is_transferring(peer_id)) {
            self.send_to_node(leader, Body::Estate { grid, state });
        }
    }

    /// A leader takes in what another peer knows of a grid that ended. To bring it again is harmless, but not cheap.
    pub async fn merge(&mut self, loser: GridId, state: Blob) {
        let Some(revision) = StateMachine::revision_of(state.as_slice()) else { return };
        let now_ms = self.now_ms();
        let winner = self.grid_id();
        let leads = self.view().is_some_and(|view| view.leads) && self.inheritance.is_none();
        let merging = &mut self.reforming.merging;
        merging.retain(|_, (_, until_ms)| now_ms < *until_ms);
        let is_under_way = merging.get(&loser).is_some_and(|(proposed, _)| *proposed >= revision);
        let is_known = || self.replica.lock().machine.lineage().has_merged(loser, revision);
        if leads && loser != winner && !is_under_way && !is_known() {
            merging.insert(loser, (revision, now_ms + MERGE_MS + (state.len() / MERGE_BYTES_PER_MS) as u64));
            self.propose(&Command::Merge(Merge { winner, loser, state })).await;
        }
    }
}
