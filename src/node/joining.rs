//! The driver's way into a grid and out of it.

use super::discovery::Step;
use super::driver::{Driver, Grid, Members};
use crate::error::{Code, Error};
use crate::ports::Notice;
use crate::raft::types::Member;
use crate::wire::blob::Blob;
use crate::wire::packet::{Body, Hello};
use crate::wire::{GridId, NodeId};

/// Between two requests of a leaving peer.
const LEAVE_RETRY_MS: u64 = 50;
/// A grid in which this peer has no vote, or never saw a leader, is given up after this many silent heartbeats…
const FRUITLESS_HEARTBEATS: u64 = 20;
/// …but not before this time.
const SHORTEST_FRUITLESS_MS: u64 = 2_000;
/// A peer without a grid that was not heard for this many heartbeats is not there.
pub(super) const LONGEST_ABSENCE_HEARTBEATS: u64 = 10;
/// A node that is no member and was not heard for this long is forgotten.
const FORGET_MS: u64 = 60_000;

/// A peer on its way out.
#[derive(Debug)]
pub(super) struct Leaving {
    deadline_ms: u64,
    asked_at_ms: u64,
}

impl Driver {
    /// Looks for a grid while there is none, or for its leader while there is no leader.
    pub async fn seek(&mut self, now_ms: u64) {
        if self.leaving.is_some() {
            return;
        }
        if self.grid.is_none() {
            let new_grid = self.random_id();
            for step in self.discovery.tick(now_ms, new_grid) {
                self.take_step(step).await;
            }
        } else {
            self.seek_leader(now_ms).await;
        }
        self.drop_silent_peers(now_ms, self.options.election_timeout_ms);
    }

    async fn take_step(&mut self, step: Step) {
        match step {
            Step::Hello => self.outbox.broadcast(&self.packet(0, self.hello(true))),
            Step::AskToJoin { grid, node, peer_id } => {
                self.asked = Some(grid);
                let body =
                    Body::JoinRequest { peer_id: self.options.peer_id.clone(), electable: self.options.electable() };
                let mut packet = self.packet(node, body);
                packet.grid = grid;
                self.outbox.send(&peer_id, &packet);
            }
            Step::Propose { grid, to } => {
                for (node, peer_id) in to {
                    let mut packet = self.packet(node, Body::Propose);
                    packet.grid = grid;
                    self.outbox.send(&peer_id, &packet);
                }
            }
            Step::Initialize { grid, members, kin } => {
                // Who goes on from another grid starts alone: nobody else leads before it has passed on what it holds.
                let heir = self.reforming.newest().map(|estate| estate.inheritance(&kin));
                let own = |members: Members| members.into_iter().filter(|(node, _)| *node == self.node).collect();
                let members = if heir.is_some() { own(members) } else { members };
                self.adopt(grid, 0).await;
                self.inheritance = heir;
                if let Some(grid) = &self.grid
                    && let Err(text) = grid.raft.initialize(members).await
                {
                    self.fail(text);
                }
            }
        }
    }

    async fn seek_leader(&mut self, now_ms: u64) {
        let Some(grid) = &self.grid else { return };
        let view = &grid.view;
        let heartbeat_ms = self.options.heartbeat_ms;
        let fruitless_ms = (heartbeat_ms * FRUITLESS_HEARTBEATS).max(SHORTEST_FRUITLESS_MS);
        let silence_ms = self.election.silence_ms(now_ms);
        let voter = view.voters.contains(&self.node);
        let leads = view.leads;
        let raft = grid.raft.clone();
        let patience_ms =
            if grid.session_started { fruitless_ms.max(2 * self.options.election_timeout_ms) } else { fruitless_ms };
        let came_to_nothing = !grid.session_started && view.leader.is_none();
        // Who has no vote cannot help to elect another leader, and keeps a sole heir from going on: it asks anew.
        if self.is_sole_heir(now_ms) {
            return self.go_on_alone().await;
        }
        if (!voter || came_to_nothing) && silence_ms > patience_ms || self.should_reform(now_ms) {
            return self.give_up_grid().await;
        }
        if !leads && voter {
            let random = self.random_id();
            let reluctant = !self.options.electable();
            if self.election.should_stand(now_ms, random, reluctant) {
                raft.stand().await;
            }
        }
        if self.standing.leader().is_none() && now_ms >= self.leading.next_hello_at_ms {
            self.leading.next_hello_at_ms = now_ms + heartbeat_ms;
            self.outbox.broadcast(&self.packet(0, self.hello(true)));
        }
    }

    /// Whether every other voter has said farewell. None of them will vote or append again, so nobody can disagree with
    /// what this peer makes of their grid. A follower's log may lack the latest voters: whoever else has spoken for this
    /// grid lately may have a vote in it. A leader knows all voters; but one that was elected by the last vote of a peer
    /// that has gone since commits nothing any more.
    fn is_sole_heir(&self, now_ms: u64) -> bool {
        let Some(view) = self.view() else { return false };
        let farewells = &self.leading.farewells;
        let others_left = view.voters.iter().all(|node| *node == self.node || farewells.contains(node));
        let voter = view.voters.contains(&self.node);
        // Where no voter is left, the first of the others keeps the state for them.
        let first = view.members.keys().find(|node| !farewells.contains(node)) == Some(&self.node);
        let alone = others_left && if voter { view.voters.len() > 1 } else { first && !view.voters.is_empty() };
        let lease_ms = self.options.follower_max_idle_ms;
        let unheard = if view.leads {
            let unfollowed = view.quorum_age().is_none_or(|age| age.as_millis() > u128::from(lease_ms));
            unfollowed && self.leading.led_for_ms(now_ms) > lease_ms
        } else {
            let kin_silent = now_ms.saturating_sub(self.leading.kin_heard_at_ms) > lease_ms;
            (kin_silent || !voter) && self.election.silence_ms(now_ms) > lease_ms
        };
        alone && unheard && !self.replica.lock().machine.is_pristine()
    }

    /// Starts a grid of its own that goes on from the one whose voters are gone. It has a leader in users' eyes as soon as
    /// enough others have joined it.
    async fn go_on_alone(&mut self) {
        self.give_up_grid().await;
        let (grid, node) = (self.random_id(), self.node);
        let me = Member { peer_id: self.options.peer_id.clone(), electable: self.options.electable() };
        let (members, kin) = (Members::from([(node, me.clone())]), vec![me.peer_id]);
        self.take_step(Step::Initialize { grid, members, kin }).await;
    }

    /// Peers outside the membership are gone once they are silent; so is everybody for a peer that hears nobody.
    pub fn drop_silent_peers(&mut self, now_ms: u64, limit_ms: u64) {
        self.note_silence(now_ms, limit_ms);
        let Some(before_ms) = now_ms.checked_sub(limit_ms) else {
            return;
        };
        let alone = self.standing.last_heard_at_ms() < before_ms;
        let members = self.view().map(|view| view.members.clone()).unwrap_or_default();
        for peer_id in self.standing.silent_since(before_ms) {
            let member = members.values().any(|member| member.peer_id == peer_id);
            if !member || alone {
                self.standing.gone(&peer_id);
            }
        }
        // Former starts of a peer that is still there are forgotten after a while, too.
        let (standing, leading) = (&self.standing, &mut self.leading);
        self.directory.retain(|node, peer_id| {
            let recent = || leading.heard_at_ms(*node).is_some_and(|at_ms| now_ms.saturating_sub(at_ms) < FORGET_MS);
            members.contains_key(node) || (standing.heard_at_ms(peer_id).is_some() && recent())
        });
        leading.forget_unless(|node| self.directory.contains_key(&node));
    }

    pub async fn hello_arrived(&mut self, source: &str, from: NodeId, grid: GridId, hello: &Hello) {
        let now_ms = self.now_ms();
        if hello.peer_id == self.options.peer_id {
            return;
        }
        if hello.asks && self.leaving.is_none() {
            self.outbox.send(source, &self.packet(from, self.hello(false)));
        }
        match &self.grid {
            None => {
                self.discovery.heard(from, grid, hello, now_ms);
                if grid != 0 && self.asked != Some(grid) {
                    self.discovery.hurry(now_ms);
                }
            }
            Some(own) => {
                let own = own.id;
                if grid == 0 {
                    self.reforming.newcomer_heard(from, hello, own, now_ms);
                } else if grid != own {
                    self.grid_met(from, grid, hello).await;
                } else if self.is_surely_removed(from) {
                    self.outbox.send(source, &self.packet(from, Body::Removed));
                } else if let Some(silence_ms) = hello.quorum_silence_ms {
                    self.leader_out_of_touch(from, silence_ms);
                }
            }
        }
    }

    pub fn proposal_arrived(&mut self, from: NodeId, grid: GridId) {
        let now_ms = self.now_ms();
        if self.grid.is_none() && self.leaving.is_none() && self.discovery.proposed(grid, now_ms) {
            let Some(peer_id) = self.directory.get(&from).cloned() else {
                return;
            };
            let mut packet = self.packet(from, Body::Promise);
            packet.grid = grid;
            self.outbox.send(&peer_id, &packet);
        }
    }

    pub async fn promise_arrived(&mut self, from: NodeId, grid: GridId) {
        let now_ms = self.now_ms();
        if self.grid.is_none()
            && let Some(step) = self.discovery.promise_arrived(from, grid, now_ms)
        {
            self.take_step(step).await;
        }
    }

    pub async fn join_accepted(&mut self, grid: GridId, commit_index: u64) {
        self.refused_since_ms = None;
        if self.asked != Some(grid) || self.leaving.is_some() {
            return;
        }
        if self.grid.is_none() {
            self.adopt(grid, commit_index).await;
        } else if let Some(own) = self.grid.as_mut().filter(|own| own.id == grid && !own.session_started) {
            own.catch_up_to = own.catch_up_to.max(commit_index);
        }
    }

    /// A refusal is final only when it lasts: a peer that was killed and started again has to outwait its former self.
    pub fn join_refused(&mut self, grid: GridId) {
        if self.grid.is_some() || self.asked != Some(grid) {
            return;
        }
        let now_ms = self.now_ms();
        let since_ms = *self.refused_since_ms.get_or_insert(now_ms);
        if now_ms - since_ms >= self.options.election_timeout_ms {
            self.refused_since_ms = None;
            let text = format!("Another running peer of the grid has the peer id {}", self.options.peer_id);
            self.front.notice(Notice::Error(Error::new(Code::PeerIdInUse, text)));
            self.front.wake();
        }
    }

    /// Opens the session once this node is a member and has applied what was committed when it was taken in.
    pub fn start_session_when_caught_up(&mut self) {
        let node = self.node;
        let Some(grid) = &mut self.grid else { return };
        let view = &grid.view;
        let inherits = self.inheritance.is_some();
        let incomplete = inherits || self.reforming.holds_estates();
        if incomplete || grid.session_started || view.leader.is_none() || !view.members.contains_key(&node) {
            return;
        }
        if self.replica.lock().applied_index < grid.catch_up_to {
            return;
        }
        grid.session_started = true;
        self.replica.start_session(node, &self.options.peer_id);
    }

    pub fn members_changed(&mut self, before: &Members) {
        let now_ms = self.now_ms();
        let members = self.view().map(|view| view.members.clone()).unwrap_or_default();
        for Member { peer_id, .. } in members.iter().filter(|(node, _)| !before.contains_key(node)).map(|(_, it)| it) {
            self.standing.heard(peer_id, now_ms);
        }
        for (node, Member { peer_id, .. }) in before.iter().filter(|(node, _)| !members.contains_key(node)) {
            if *node != self.node && !members.values().any(|member| member.peer_id == *peer_id) {
                self.standing.gone(peer_id);
            }
        }
        self.leave_out_the_departed();
    }

    /// A node that finds itself removed by a log that it has followed needs no further word.
    pub fn follow_removal(&mut self) {
        let Some(grid) = self.grid.as_ref().filter(|grid| grid.session_started) else { return };
        if grid.view.members.contains_key(&self.node) {
            return;
        }
        if self.leaving.is_some() {
            self.ended = true;
        } else if grid.view.membership_committed {
            self.start_over();
        }
    }

    /// The leader says that this node is no longer a member.
    pub fn removed(&mut self, from: NodeId) {
        if self.leaving.is_some() {
            self.ended = true;
            return;
        }
        // A leader that has been deposed and removed may not have heard of it.
        let leads = self.view().is_some_and(|view| view.leads) && !self.is_lease_over();
        // A newcomer hears this from a leader that has not taken it in yet; it goes on asking. One that was taken in may
        // have been removed before it had a session: it would wait for one forever.
        let is_member = |grid: &Grid| grid.session_started || grid.view.members.contains_key(&self.node);
        let was_member = self.grid.as_ref().is_some_and(is_member) && !leads;
        if was_member && from != self.node {
            self.start_over();
        }
    }

    pub fn farewell_arrived(&mut self, source: &str, from: NodeId, same_grid: bool, transfer: Option<Blob>) {
        self.discovery.forget_node(from);
        self.reforming.newcomer_gone(from);
        if let Some(raft) = self.grid.as_ref().filter(|_| same_grid).map(|grid| grid.raft.clone()) {
            if self.view().is_some_and(|view| view.members.contains_key(&from)) {
                self.leading.departed.insert(from);
                self.leading.farewells.insert(from);
            }
            if let Some(transfer) = transfer {
                // Ends when the engine has taken note.
                tokio::spawn(async move { raft.answer(transfer.as_slice()).await });
            }
        }
        let current = self.directory.get(&from).is_some_and(|peer_id| peer_id == source);
        let newer = self.directory.iter().any(|(node, peer_id)| *node != from && peer_id == source);
        if current && !newer {
            self.standing.gone(source);
        }
        self.directory.remove(&from);
        self.leave_out(from);
    }

    pub fn forget_peer(&mut self, peer_id: &str) {
        self.discovery.forget(peer_id);
        self.standing.gone(peer_id);
    }

    pub async fn begin_leaving(&mut self) {
        if self.leaving.is_some() {
            return;
        }
        let now_ms = self.now_ms();
        self.leaving = Some(Leaving { deadline_ms: now_ms + self.options.election_timeout_ms, asked_at_ms: 0 });
        self.leave_office();
        self.continue_leaving(now_ms).await;
    }

    /// A leader hands over first; then the new leader removes this node. Whatever happens, it ends at the deadline.
    pub async fn continue_leaving(&mut self, now_ms: u64) {
        let Some(leaving) = &mut self.leaving else { return };
        let farewells = &self.leading.farewells;
        let others = self
            .grid
            .as_ref()
            .is_some_and(|grid| grid.view.members.keys().any(|node| *node != self.node && !farewells.contains(node)));
        if now_ms >= leaving.deadline_ms || !others {
            self.tell_who_has_left();
            self.outbox.broadcast(&self.packet(0, Body::Farewell { transfer: None }));
            self.ended = true;
            return;
        }
        if leaving.asked_at_ms != 0 && now_ms - leaving.asked_at_ms < LEAVE_RETRY_MS {
            return;
        }
        leaving.asked_at_ms = now_ms.max(1);
        let Some(grid) = &self.grid else { return };
        if grid.view.leads {
            self.hand_over().await;
        } else if let Some(leader) = grid.view.leader {
            self.send_to_node(leader, Body::LeaveRequest);
        }
    }
}
