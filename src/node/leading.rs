//! What the leader does beside leading: takes proposals, tends the membership, executes remote operations and keeps
//! the state tidy. Also what the others have to know of that.

use std::collections::HashMap;

use super::driver::{Driver, Event, Members, Nodes, ReadIndexAsker};
use super::membership::{self, Situation};
use super::remote_executor::RemoteExecutor;
use super::requests::Batch;
use crate::error::{Code, Error};
use crate::ports::{Notice, Reply};
use crate::raft::instance::View;
use crate::raft::types::Member;
use crate::state_machine::effect::RequestId;
use crate::wire::NodeId;
use crate::wire::blob::Blob;
use crate::wire::codec;
use crate::wire::command::{self, CollectionId, Command, Executed, Sweep};
use crate::wire::packet::Body;

/// A member with the peer id of a newcomer counts as gone when it has been silent for this share of the time after
/// which others would seek a new leader.
const SILENCE_DIVISOR: u64 = 2;
/// How long a remote map's operations wait for the leader to create the map before the lead moves.
const HOMELESS_GRACE_MS: u64 = 1_000;
const SWEEP_PERIOD_MS: u64 = 5_000;
/// State that nobody has open is dropped after this time.
const ABANDONED_COLLECTION_MS: u64 = 60_000;
/// Sessions of peers that left are dropped after this time.
const ABANDONED_SESSION_MS: u64 = 300_000;
/// The log is compacted when it holds this much, and at least [`COMPACT_SHARE`] times what the last snapshot held.
const COMPACT_BYTES: usize = 16 * 1024 * 1024;
const COMPACT_SHARE: usize = 1;
const COMPACT_ENTRIES: u64 = 50_000;
const COMPACT_PERIOD_MS: u64 = 1_000;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Leading {
    pub change_under_way: bool,
    pub departed: Nodes,
    /// Of those, the ones that have said themselves that they will not be back.
    pub farewells: Nodes,
    pub remote_work: bool,
    pub next_hello_at_ms: u64,
    joining: Members,
    /// Members that asked to be removed, and wait for the word that they are.
    leaving: Nodes,
    silent: Nodes,
    heard: HashMap<NodeId, u64>,
    since_ms: u64,
    next_heartbeat_at_ms: u64,
    /// Per session, the number after the last one that was proposed in this term.
    proposed: HashMap<NodeId, u64>,
    executor: Option<RemoteExecutor>,
    /// The term whose confirmation is under way, and the index that must be applied once it is there.
    office: Option<(u64, Option<u64>)>,
    homeless_since_ms: Option<u64>,
    homelessness_told: bool,
    next_progress_at_ms: u64,
    next_sweep_at_ms: u64,
    next_compaction_at_ms: u64,
    compacted_at_ms: u64,
    abandoned_collections: HashMap<CollectionId, (u64, u64)>,
    abandoned_sessions: HashMap<NodeId, u64>,
    running_remote_operations: usize,
}

impl Leading {
    pub fn heard(&mut self, node: NodeId, now_ms: u64) {
        self.heard.insert(node, now_ms);
        if self.silent.remove(&node) {
            self.departed.remove(&node);
        }
    }

    pub fn take_back(&mut self, collection: &str) {
        if let Some(executor) = &mut self.executor {
            executor.take_back(collection);
        }
    }

    pub fn forget_proposals(&mut self) {
        self.proposed.clear();
    }

    pub fn forget_proposals_of(&mut self, session: NodeId) {
        self.proposed.remove(&session);
    }

    pub fn running_remote_operations(&self) -> usize {
        self.running_remote_operations
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
        if first > expected {
            return self.ask_to_resend(session);
        }
        if first + count <= expected || !command::is_batch_of(command.as_slice(), session, first) {
            return;
        }
        let raft = grid.raft.clone();
        self.leading.proposed.insert(session, first + count);
        let ending = raft.propose(command).await;
        self.proposals.push(Box::pin(async move { ending.await.is_err().then_some(session) }));
    }

    async fn propose(&mut self, command: &Command) {
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
        if leads {
            self.leading.since_ms = now_ms;
            self.leading.silent.clear();
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
            let elected = view.leads && view.quorum_age.is_none_or(|age| age.as_millis() <= limit_ms);
            (view.candidate || elected) && view.members.len() >= self.options.min_peers
        });
        if leader.is_none() {
            self.standing.set_leader(None);
            self.standing.set_candidate(candidate && self.options.electable());
        } else {
            self.standing.set_leader(leader.as_deref());
        }
    }

    fn visible_leader(&self, now_ms: u64) -> Option<String> {
        let view = self.view()?;
        let leader = view.leader?;
        let gone = self.leading.farewells.contains(&leader);
        let member = view.members.get(&leader).filter(|member| member.electable && !gone)?;
        if view.members.len() < self.options.min_peers || !view.members.contains_key(&self.node) {
            return None;
        }
        let out_of_touch = if leader == self.node {
            let limit_ms = u128::from(self.options.election_timeout_ms);
            view.voters.len() > 1 && view.quorum_age.is_none_or(|age| age.as_millis() > limit_ms)
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
        if let Some(snapshot) = self.inheritance.clone() {
            self.propose(&Command::Restore(snapshot)).await;
        }
    }

    /// Tells of members that have been silent for too long, and lets them be removed.
    pub fn note_silence(&mut self, now_ms: u64) {
        let Some(view) = self.view().filter(|view| view.leads) else { return };
        let limit_ms = self.options.election_timeout_ms;
        let since_ms = self.leading.since_ms;
        let silent: Vec<(NodeId, String)> = view
            .members
            .iter()
            .filter(|(node, _)| **node != self.node && !self.leading.silent.contains(node))
            .filter(|(node, _)| {
                let heard_at_ms = self.leading.heard.get(node).copied().unwrap_or(0).max(since_ms);
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

    pub fn change_membership(&mut self) {
        let Some(grid) = self.grid.as_ref().filter(|grid| grid.view.leads) else {
            return;
        };
        let view = grid.view.clone();
        let members = &view.members;
        self.leading.departed.retain(|node| members.contains_key(node));
        self.leading.joining.retain(|node, _| !members.contains_key(node));
        let done: Vec<NodeId> =
            self.leading.leaving.iter().copied().filter(|node| !members.contains_key(node)).collect();
        if view.membership_committed {
            for node in done {
                self.leading.leaving.remove(&node);
                self.send_to_node(node, Body::LeaveDone);
            }
        }
        if self.leading.change_under_way || !view.membership_committed {
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
            raft.change_membership(&view, change.members, change.voters).await;
            let _ = events.send(Event::MembershipChanged);
        });
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
            let heard_at_ms = self.leading.heard.get(&former).copied().unwrap_or(0);
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

    /// Hands the lead to the most advanced peer that may have it, once what runs on a store has ended.
    pub async fn hand_over(&mut self) {
        let settled = match &self.leading.executor {
            Some(executor) => executor.is_settled(&self.replica.lock()),
            None => true,
        };
        let Some(grid) = self.grid.as_ref().filter(|_| settled) else {
            return;
        };
        let view = &grid.view;
        let others = view.matched.iter().filter(|(node, _)| **node != self.node && view.voters.contains(node));
        let electable = |node: &NodeId| view.members.get(node).is_some_and(|member| member.electable);
        // A leaving leader would rather be followed by a peer that may not lead than by nobody.
        let heir = others
            .filter(|(node, _)| electable(node) || self.leaving.is_some())
            .max_by_key(|(node, matched)| (electable(node), **matched));
        if let Some((heir, _)) = heir {
            grid.raft.transfer_leader(*heir).await;
        }
    }

    pub fn confirm_lead(&mut self, asker: ReadIndexAsker) {
        let Some(grid) = self.grid.as_ref().filter(|grid| grid.view.leads) else {
            return;
        };
        let (raft, events) = (grid.raft.clone(), self.events.clone());
        // Ends when a quorum has answered, or the engine's own limit has passed.
        tokio::spawn(async move {
            let index = raft.read_index().await;
            let _ = events.send(Event::ReadIndex { asker, index });
        });
    }

    pub fn read_index_known(&mut self, asker: ReadIndexAsker, index: Option<u64>) {
        match (asker, index) {
            (ReadIndexAsker::Barrier(token), Some(index)) => self.question_answered(token, index),
            (ReadIndexAsker::Peer { node, id }, Some(index)) => {
                self.send_to_node(node, Body::ReadIndexReply { id, index });
            }
            (ReadIndexAsker::Office { term }, Some(index)) => self.leading.office = Some((term, Some(index))),
            (ReadIndexAsker::Office { .. }, None) => self.leading.office = None,
            (_, None) => {}
        }
    }

    /// Whether the others may have elected another leader by now. The age of the quorum's last word counts from when it
    /// was asked for, so this comes true before any of them may.
    fn is_lease_over(&self) -> bool {
        let lease_ms = u128::from(self.options.follower_max_idle_ms);
        self.view()
            .is_none_or(|view| view.voters.len() > 1 && view.quorum_age.is_none_or(|age| age.as_millis() >= lease_ms))
    }

    /// A leader executes remote operations once it has applied all that was committed before it.
    fn take_office_when_due(&mut self) {
        let Some(term) = self.view().filter(|view| view.leads).map(|view| view.term) else {
            return;
        };
        if self.leading.executor.is_some() || self.leaving.is_some() || !self.options.electable() {
            return;
        }
        match self.leading.office {
            Some((confirmed, Some(index))) if confirmed == term => {
                let state = self.replica.lock();
                if state.applied_index >= index {
                    self.leading.executor = Some(RemoteExecutor::take_office(term, &state));
                    self.leading.remote_work = true;
                }
            }
            Some((asked, None)) if asked == term => {}
            _ => {
                self.leading.office = Some((term, None));
                self.confirm_lead(ReadIndexAsker::Office { term });
            }
        }
    }

    /// Starts no remote operation any more. A leaving leader still takes the results of those that run.
    pub fn leave_office(&mut self) {
        self.leading.office = None;
        let leads = self.view().is_some_and(|view| view.leads);
        let Some(mut executor) = self.leading.executor.take() else {
            return;
        };
        if !executor.is_halted() {
            self.front.notice(Notice::Halt { term: executor.term });
            self.front.wake();
        }
        if leads && self.leaving.is_some() {
            executor.halt(&self.replica.lock());
            self.leading.executor = Some(executor);
        }
    }

    pub fn take_replies(&mut self, replies: Vec<Reply>) {
        for reply in replies {
            let collection = self.replica.lock().collection_of(reply.handle);
            if let (Some(collection), Some(executor)) = (collection, &mut self.leading.executor) {
                executor.replied(&collection, reply);
            }
        }
        self.leading.remote_work = true;
    }

    pub async fn execute_remote_operations(&mut self) {
        if !std::mem::take(&mut self.leading.remote_work) || self.is_lease_over() {
            return;
        }
        let now_ms = self.now_ms();
        let Some(executor) = &mut self.leading.executor else {
            return;
        };
        let term = executor.term;
        let (orders, marks) = {
            let state = self.replica.lock();
            let marks = executor.marks(&state, now_ms);
            let orders = executor.hand_out(&state);
            self.leading.running_remote_operations = executor.running(&state);
            (orders, marks)
        };
        for order in &orders {
            self.front.notice(Notice::Execute {
                handle: order.handle,
                term,
                position: order.operation.position,
                index: order.operation.index,
                attempt: order.attempt,
                operation: &order.operation.operation,
            });
        }
        if !orders.is_empty() {
            self.front.wake();
        }
        for Executed { collection, results } in marks {
            self.propose(&Command::Executed(Executed { collection, results })).await;
        }
    }

    /// Operations whose map the leader has not created go to a peer that has created all maps with operations.
    async fn find_home_for_remote_work(&mut self, now_ms: u64) {
        self.leading.remote_work |= self.leading.executor.is_some();
        let (homeless, able) = {
            let state = self.replica.lock();
            let waiting: Vec<_> = state.remote_maps().filter(|(_, map, _)| !map.is_empty()).collect();
            let homeless = waiting.iter().any(|(_, _, handle)| handle.is_none());
            let attached = |node: &NodeId| {
                waiting.iter().all(|(id, ..)| state.machine.collection(id).is_some_and(|it| it.attached.contains(node)))
            };
            let view = self.view();
            let able = view.filter(|_| homeless).and_then(|view| {
                let others = view.voters.iter().filter(|node| **node != self.node);
                others.filter(|node| view.members.get(node).is_some_and(|it| it.electable)).find(|node| attached(node))
            });
            (homeless, able.copied())
        };
        if !homeless {
            self.leading.homeless_since_ms = None;
            self.leading.homelessness_told = false;
            return;
        }
        let since_ms = *self.leading.homeless_since_ms.get_or_insert(now_ms);
        if now_ms - since_ms < HOMELESS_GRACE_MS {
            return;
        }
        if let (Some(heir), Some(grid)) = (able, &self.grid) {
            let raft = grid.raft.clone();
            self.leading.homeless_since_ms = None;
            raft.transfer_leader(heir).await;
        } else if !std::mem::replace(&mut self.leading.homelessness_told, true) {
            let text = "Operations of remote maps wait, but no peer that may lead has created all of these maps";
            self.front.notice(Notice::Error(Error::new(Code::NoExecutor, text)));
            self.front.wake();
        }
    }

    /// Callers whose operations wait behind others are told that work goes on.
    fn tell_progress(&mut self, now_ms: u64) {
        if self.leading.executor.is_none() || now_ms < self.leading.next_progress_at_ms {
            return;
        }
        self.leading.next_progress_at_ms = now_ms + self.options.progress_period_ms.max(1);
        let heads: Vec<(CollectionId, RequestId)> = {
            let state = self.replica.lock();
            let served = state.remote_maps().filter(|(_, _, handle)| handle.is_some());
            served.filter_map(|(id, map, _)| Some((id.clone(), map.pending_from(0).next()?.request))).collect()
        };
        let nodes: Vec<NodeId> = self.view().map(|view| view.members.keys().copied().collect()).unwrap_or_default();
        for (collection, head) in heads {
            for node in nodes.iter().filter(|node| **node != self.node) {
                self.send_to_node(*node, Body::Progress { collection: collection.clone(), head });
            }
            self.progress_arrived(&collection, head);
        }
    }

    pub fn progress_arrived(&mut self, collection: &str, head: RequestId) {
        let state = self.replica.lock();
        let Some(handle) = state.handle_of(collection) else {
            return;
        };
        let own = state.requests.session() == Some(head.session);
        let head = own.then(|| state.requests.token_of(head.number)).flatten();
        self.front.notice(Notice::Progress { handle, head });
        self.front.wake();
    }

    /// Drops what nobody has used for long. The leader's clock decides when; the command says what, so that all peers
    /// drop the same.
    async fn sweep(&mut self, now_ms: u64) {
        if now_ms < self.leading.next_sweep_at_ms {
            return;
        }
        self.leading.next_sweep_at_ms = now_ms + SWEEP_PERIOD_MS;
        let members: Nodes = self.view().map(|view| view.members.keys().copied().collect()).unwrap_or_default();
        let mut sweep = Sweep { sessions: Vec::new(), collections: Vec::new() };
        {
            let state = self.replica.lock();
            let gone: Nodes = state.machine.sessions().ids().filter(|session| !members.contains(session)).collect();
            self.leading.abandoned_sessions.retain(|session, _| gone.contains(session));
            for session in gone {
                let since_ms = *self.leading.abandoned_sessions.entry(session).or_insert(now_ms);
                if now_ms - since_ms >= ABANDONED_SESSION_MS {
                    sweep.sessions.push(session);
                }
            }
            let mut abandoned = HashMap::new();
            for (id, collection) in state.machine.collections().filter(|(_, it)| it.attached.is_empty()) {
                let known = self.leading.abandoned_collections.get(id).copied();
                let (at, since_ms) =
                    known.filter(|(at, _)| *at == collection.abandoned_at).unwrap_or((collection.abandoned_at, now_ms));
                abandoned.insert(id.clone(), (at, since_ms));
                if now_ms - since_ms >= ABANDONED_COLLECTION_MS {
                    sweep.collections.push((id.clone(), at));
                }
            }
            self.leading.abandoned_collections = abandoned;
        }
        if !(sweep.sessions.is_empty() && sweep.collections.is_empty()) {
            self.propose(&Command::Sweep(sweep)).await;
        }
    }

    /// Every peer compacts its own log, when it is worth a snapshot's work or its entries are old.
    async fn compact_when_due(&mut self, now_ms: u64) {
        if now_ms < self.leading.next_compaction_at_ms {
            return;
        }
        self.leading.next_compaction_at_ms = now_ms + COMPACT_PERIOD_MS;
        let Some(grid) = &self.grid else { return };
        let extent = grid.raft.extent();
        let entries = extent.next - extent.first;
        let old_ms = self.options.log_entries_expiration_ms;
        let old = old_ms > 0 && entries > 0 && now_ms.saturating_sub(self.leading.compacted_at_ms) >= old_ms;
        let large = extent.bytes >= COMPACT_BYTES.max(COMPACT_SHARE * grid.raft.snapshot_bytes());
        if old || large || entries >= COMPACT_ENTRIES {
            self.leading.compacted_at_ms = now_ms;
            let raft = grid.raft.clone();
            raft.compact().await;
        }
    }
}
