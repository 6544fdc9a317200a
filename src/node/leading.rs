//! What the leader does beside leading: takes proposals and tends the membership. Also who leads in users' eyes.

use std::collections::HashMap;

use super::driver::{Driver, Event, Members, Nodes};
use super::membership::{self, Situation};
use super::requests::{Batch, MAX_BATCH_OPERATIONS};
use crate::mutation::Mutation;
use crate::raft::instance::View;
use crate::raft::types::Member;
use crate::wire::NodeId;
use crate::wire::blob::Blob;
use crate::wire::codec;
use crate::wire::command::{self, Command};
use crate::wire::packet::Body;

/// A member with the peer id of a newcomer counts as gone when it has been silent for this share of the time after
/// which others would seek a new leader.
const SILENCE_DIVISOR: u64 = 2;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Leading {
    pub change_under_way: bool,
    /// A change that was refused is not tried again before.
    pub next_change_at_ms: u64,
    pub departed: Nodes,
    /// Of those, the ones that have said themselves that they will not be back.
    pub farewells: Nodes,
    pub next_hello_at_ms: u64,
    /// When another node of this grid was heard last that has not said farewell.
    pub kin_heard_at_ms: u64,
    joining: Members,
    /// Members that asked to be removed, and wait for the word that they are.
    leaving: Nodes,
    silent: Nodes,
    heard: HashMap<NodeId, u64>,
    since_ms: u64,
    next_heartbeat_at_ms: u64,
    /// Per session, the number after the last one that was proposed in this term.
    proposed: HashMap<NodeId, u64>,
}

impl Leading {
    pub fn heard(&mut self, node: NodeId, now_ms: u64) {
        self.heard.insert(node, now_ms);
        if self.silent.remove(&node) {
            self.departed.remove(&node);
        }
    }

    pub fn heard_at_ms(&self, node: NodeId) -> Option<u64> {
        self.heard.get(&node).copied()
    }

    pub fn is_heard_since(&self, node: NodeId, since_ms: u64) -> bool {
        self.heard_at_ms(node).is_some_and(|at_ms| at_ms >= since_ms)
    }

    /// How long this node has led, if it does.
    pub fn led_for_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.since_ms)
    }

    pub fn forget_unless(&mut self, is_known: impl Fn(NodeId) -> bool) {
        self.heard.retain(|node, _| is_known(*node));
    }

    pub fn forget_proposals(&mut self) {
        self.proposed.clear();
    }

    pub fn forget_proposals_of(&mut self, session: NodeId) {
        self.proposed.remove(&session);
    }
}

impl Driver {
    /// A session's requests, on their way into the log. Each is proposed once a term; retries beyond that are the
    /// state machine's to recognise.
    pub async fn accept_batch(&mut self, session: NodeId, batch: Batch) {
        let Batch { first, count, command } = batch;
        if self.view().is_some_and(|view| !view.leads) {
            // It may be the leader without having noticed yet: others hear of an election first.
            self.refresh_view();
        }
        let takes = |view: &View| view.leads && self.inheritance.is_none();
        let Some(grid) = self.grid.as_ref().filter(|grid| takes(&grid.view)) else {
            return self.ask_to_resend(session);
        };
        let applied = self.replica.lock().machine.sessions().next(session).unwrap_or(0);
        let expected = self.leading.proposed.get(&session).copied().unwrap_or(0).max(applied);
        if first > expected && !Mutation::AppliedOutOfOrder.is_planted() {
            return self.ask_to_resend(session);
        }
        let Some(end) = first.checked_add(count) else { return };
        if end <= expected || count > MAX_BATCH_OPERATIONS || !command::is_batch_of(command.as_slice(), session, first)
        {
            return;
        }
        let raft = grid.raft.clone();
        self.leading.proposed.insert(session, end);
        let ending = raft.propose(command).await;
        self.proposals.push(Box::pin(async move { ending.await.is_err().then_some(session) }));
    }

    pub async fn propose(&mut self, command: &Command) {
        let Some(grid) = &self.grid else { return };
        let ending = grid.raft.clone().propose(Blob::from(codec::encode(command))).await;
        self.proposals.push(Box::pin(async move {
            // What it was for will be seen to be missing, and is proposed again.
            let _ = ending.await;
            None
        }));
    }

    pub fn proposal_ended(&mut self, failed: Option<NodeId>) {
        if let Some(session) = failed {
            self.leading.proposed.remove(&session);
            self.ask_to_resend(session);
        }
    }

    fn ask_to_resend(&mut self, session: NodeId) {
        if session == self.node {
            self.resend_soon();
        } else {
            self.send_to_node(session, Body::Resend);
        }
    }

    pub fn leadership_changed(&mut self, before: &View) {
        let now_ms = self.now_ms();
        let Some(grid) = &self.grid else { return };
        let (leads, term) = (grid.view.leads, grid.view.term);
        if before.leads == leads && before.term == term {
            return;
        }
        self.leading.proposed.clear();
        self.leave_office();
        // What an earlier lead made of silence is out of date.
        self.leading.silent.clear();
        if leads {
            self.leading.since_ms = now_ms;
            // Who asked to leave still does.
            self.leading.departed = &self.leading.farewells | &self.leading.leaving;
        } else {
            self.leading.joining.clear();
        }
    }

    /// Who leads in the eyes of users: nobody, while too few peers are there or the leader is known to be out of touch.
    pub fn show_leader(&mut self) {
        if self.leaving.is_some() {
            return;
        }
        let now_ms = self.now_ms();
        let leader = self.visible_leader(now_ms);
        // A leader that no quorum has answered yet is still a candidate to users.
        let limit_ms = u128::from(self.options.election_timeout_ms);
        let candidate = self.view().is_some_and(|view| {
            let elected = view.leads && view.quorum_age().is_none_or(|age| age.as_millis() <= limit_ms);
            (view.candidate || elected) && self.is_large_enough(view)
        });
        if leader.is_none() {
            if self.standing.leader().is_some() {
                self.tell_why_there_is_no_leader(now_ms);
            }
            self.standing.set_leader(None);
            self.standing.set_candidate(candidate && self.options.electable());
        } else {
            if self.standing.leader().is_none() {
                self.welcome_members(now_ms);
                if self.is_session_open() {
                    self.tell_of_grid();
                }
            }
            self.standing.set_leader(leader.as_deref());
        }
    }

    /// Users hear first of the peers that are not heard any more.
    fn tell_why_there_is_no_leader(&mut self, now_ms: u64) {
        // A quorum's answer counts from when it was asked for, so it is older than what was heard of the members.
        let leads = self.view().is_some_and(|view| view.leads);
        let options = &self.options;
        self.drop_silent_peers(now_ms, if leads { options.follower_max_idle_ms } else { options.election_timeout_ms });
    }

    /// Who is a member is there until the leader says otherwise: followers need not hear each other.
    fn welcome_members(&mut self, now_ms: u64) {
        let members = self.view().map(|view| view.members.clone()).unwrap_or_default();
        let gone = &self.leading.farewells | &self.leading.silent;
        for (node, member) in members {
            if node != self.node && !gone.contains(&node) && self.standing.heard_at_ms(&member.peer_id).is_none() {
                self.standing.heard(&member.peer_id, now_ms);
            }
        }
    }

    /// Whether the grid has as many peers as it needs, and what it acknowledges is held by more than one of them.
    pub fn is_large_enough(&self, view: &View) -> bool {
        let min_peers = self.options.min_peers;
        view.members.len() >= min_peers && view.voters.len() >= min_peers.min(2)
    }

    fn visible_leader(&self, now_ms: u64) -> Option<String> {
        let view = self.view()?;
        let leader = view.leader?;
        let gone = self.leading.farewells.contains(&leader);
        let member = view.members.get(&leader).filter(|member| member.electable && !gone)?;
        if !self.is_large_enough(view) || !view.members.contains_key(&self.node) {
            return None;
        }
        let out_of_touch = if leader == self.node {
            let limit_ms = u128::from(self.options.election_timeout_ms);
            view.voters.len() > 1 && view.quorum_age().is_none_or(|age| age.as_millis() > limit_ms)
        } else {
            // A silent leader is gone if others are there; if nobody is, it is this peer that is cut off.
            let silence_ms = self.election.silence_ms(now_ms);
            let lease_ms = self.options.follower_max_idle_ms;
            let others_are_there = self.standing.last_heard_at_ms() + lease_ms > now_ms;
            silence_ms > self.options.election_timeout_ms || (silence_ms > lease_ms && others_are_there)
        };
        (!out_of_touch).then(|| member.peer_id.clone())
    }

    /// What a leader does at every tick.
    pub async fn lead(&mut self, now_ms: u64) {
        self.compact_when_due(now_ms).await;
        let Some(grid) = self.grid.as_ref().filter(|grid| grid.view.leads) else {
            return;
        };
        let raft = grid.raft.clone();
        if now_ms >= self.leading.next_heartbeat_at_ms {
            self.leading.next_heartbeat_at_ms = now_ms + self.options.heartbeat_ms;
            raft.heartbeat().await;
        }
        self.change_membership();
        self.announce_grid(now_ms);
        self.pass_on_inheritance().await;
        if self.is_lease_over() {
            self.leave_office();
        } else {
            self.take_office_when_due();
        }
        if !self.options.electable() && self.leaving.is_none() {
            self.hand_over().await;
        }
        self.find_home_for_remote_work(now_ms).await;
        self.tell_progress(now_ms);
        self.sweep(now_ms).await;
    }

    /// The state that this grid goes on with is its first command.
    async fn pass_on_inheritance(&mut self) {
        if !self.replica.lock().machine.is_pristine() {
            self.inheritance = None;
        }
        if let Some(inheritance) = self.inheritance.clone() {
            self.propose(&Command::Restore(inheritance)).await;
        }
    }

    /// Tells of members that have been silent for too long, and lets them be removed.
    pub fn note_silence(&mut self, now_ms: u64, limit_ms: u64) {
        let tells = |view: &&View| view.leads && !Mutation::SilentMembersStay.is_planted();
        let Some(view) = self.view().filter(tells) else { return };
        let since_ms = self.leading.since_ms;
        let silent: Vec<(NodeId, String)> = view
            .members
            .iter()
            .filter(|(node, _)| **node != self.node && !self.leading.silent.contains(node))
            .filter(|(node, _)| {
                let heard_at_ms = self.leading.heard_at_ms(**node).unwrap_or(0).max(since_ms);
                now_ms.saturating_sub(heard_at_ms) > limit_ms
            })
            .map(|(node, member)| (*node, member.peer_id.clone()))
            .collect();
        for (node, peer_id) in silent {
            self.leading.silent.insert(node);
            if self.leading.departed.insert(node) {
                self.standing.no_heartbeat(&peer_id);
            }
        }
    }

    /// Members that asked to be removed, and are, hear of it.
    pub fn tell_who_has_left(&mut self) {
        let Some(view) = self.view().filter(|view| view.membership_committed) else { return };
        let waiting = self.leading.leaving.iter().copied();
        let done: Vec<NodeId> = waiting.filter(|node| !view.members.contains_key(node)).collect();
        for node in done {
            self.leading.leaving.remove(&node);
            self.send_to_node(node, Body::LeaveDone);
        }
    }

    pub fn change_membership(&mut self) {
        self.tell_who_has_left();
        let Some(grid) = self.grid.as_ref().filter(|grid| grid.view.leads) else {
            return;
        };
        let view = grid.view.clone();
        let members = &view.members;
        self.leading.departed.retain(|node| members.contains_key(node));
        self.leading.joining.retain(|node, _| !members.contains_key(node));
        let too_early = self.now_ms() < self.leading.next_change_at_ms;
        if self.leading.change_under_way || too_early || !view.membership_committed {
            return;
        }
        let situation = Situation {
            leader: self.node,
            members,
            voters: &view.voters,
            last_log_index: view.last_log_index,
            matched: &view.matched,
            joining: &self.leading.joining,
            departed: &self.leading.departed,
        };
        let Some(change) = membership::next_change(&situation) else {
            return;
        };
        self.leading.change_under_way = true;
        let (raft, events) = (grid.raft.clone(), self.events.clone());
        // Ends when the change is committed or refused, or the Raft node is stopped.
        tokio::spawn(async move {
            let made = raft.change_membership(&view, change.members, change.voters).await;
            let _ = events.send(Event::MembershipChanged { made });
        });
    }

    /// Whether another node is no member for certain: by a committed membership, and in the eyes of a leader that a
    /// quorum follows.
    pub fn is_surely_removed(&self, node: NodeId) -> bool {
        let view = self.view().filter(|view| view.leads && view.membership_committed);
        let absent = view.is_some_and(|view| !view.members.contains_key(&node));
        // One that is being taken in is on its way to become a member.
        absent && !self.leading.joining.contains_key(&node) && !self.is_lease_over()
    }

    pub fn join_request_arrived(&mut self, from: NodeId, newcomer: Member) {
        let now_ms = self.now_ms();
        let Some(view) = self.view() else { return };
        if !view.leads {
            return self.send_to_node(from, self.hello(false));
        }
        if self.leaving.is_some() {
            return;
        }
        let commit_index = view.commit_index.unwrap_or(0);
        let former = view.members.iter().find(|(node, member)| **node != from && member.peer_id == newcomer.peer_id);
        if let Some(former) = former.map(|(node, _)| *node) {
            let heard_at_ms = self.leading.heard_at_ms(former).unwrap_or(0);
            let silent = now_ms.saturating_sub(heard_at_ms) > self.options.follower_max_idle_ms / SILENCE_DIVISOR;
            if former == self.node || !(silent || self.leading.departed.contains(&former)) {
                return self.send_to_node(from, Body::JoinRefused);
            }
            self.leading.departed.insert(former);
        }
        self.leading.joining.insert(from, newcomer);
        self.send_to_node(from, Body::JoinAccepted { commit_index });
    }

    pub fn leave_request_arrived(&mut self, from: NodeId) {
        let Some(view) = self.view().filter(|view| view.leads) else {
            return;
        };
        if view.members.contains_key(&from) {
            self.leading.departed.insert(from);
            self.leading.leaving.insert(from);
        } else if view.membership_committed {
            self.send_to_node(from, Body::LeaveDone);
        }
    }
}
