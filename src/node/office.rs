//! The leader's office: to execute remote operations, from when it has applied all that was committed before it until it
//! no longer leads for certain. The rules of what to run are in [`super::remote_executor`].

use super::driver::{Driver, Event, ReadIndexAsker};
use super::remote_executor::{Order, RemoteExecutor};
use super::replica::ReplicaState;
use crate::error::{Code, Error};
use crate::mutation::Mutation;
use crate::ports::{Notice, Reply};
use crate::state_machine::effect::RequestId;
use crate::wire::NodeId;
use crate::wire::command::{CollectionId, Command, Executed};
use crate::wire::packet::Body;

/// How long a remote map's operations wait for the leader to create the map before the lead moves.
const HOMELESS_GRACE_MS: u64 = 1_000;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Office {
    /// Something was queued, executed or answered since the executor last looked.
    pub work: bool,
    pub executor: Option<RemoteExecutor>,
    /// The term whose confirmation is under way, and the index that must be applied once it is there.
    confirmation: Option<(u64, Option<u64>)>,
    homeless_since_ms: Option<u64>,
    homelessness_told: bool,
    /// The lead is about to move: nothing more is started.
    handing_over: bool,
    next_progress_at_ms: u64,
    /// Operations that the front has and that are not known to be executed.
    pub running: usize,
}

impl Office {
    /// The front closed a map.
    pub fn closed(&mut self, collection: &CollectionId, state: &ReplicaState) {
        if let Some(executor) = &mut self.executor {
            executor.closed(collection, state);
        }
    }
}

impl Driver {
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
            (ReadIndexAsker::Office { term }, Some(index)) => self.office.confirmation = Some((term, Some(index))),
            (ReadIndexAsker::Office { .. }, None) => self.office.confirmation = None,
            (_, None) => {}
        }
    }

    /// Whether the others may have elected another leader by now. The age of the quorum's last word counts from when it
    /// was asked for, so this comes true before any of them may.
    pub fn is_lease_over(&self) -> bool {
        let lease_ms = u128::from(self.options.follower_max_idle_ms);
        if Mutation::OfficeWithoutLease.is_planted() {
            return self.view().is_none();
        }
        self.view()
            .is_none_or(|view| view.voters.len() > 1 && view.quorum_age().is_none_or(|age| age.as_millis() >= lease_ms))
    }

    /// A leader executes remote operations once it has applied all that was committed before it.
    pub fn take_office_when_due(&mut self) {
        let Some(term) = self.view().filter(|view| view.leads).map(|view| view.term) else {
            return;
        };
        if self.office.executor.is_some() || self.leaving.is_some() || !self.options.electable() {
            return;
        }
        if Mutation::OfficeWithoutQuorum.is_planted() {
            self.office.confirmation = Some((term, Some(0)));
        }
        match self.office.confirmation {
            Some((confirmed, Some(index))) if confirmed == term => {
                let state = self.replica.lock();
                if state.applied_index >= index {
                    self.office.executor = Some(RemoteExecutor::take_office(term, &state));
                    self.office.work = true;
                }
            }
            Some((asked, None)) if asked == term => {}
            _ => {
                self.office.confirmation = Some((term, None));
                self.confirm_lead(ReadIndexAsker::Office { term });
            }
        }
    }

    /// Starts no remote operation any more. A leaving leader still takes the results of those that run.
    pub fn leave_office(&mut self) {
        self.office.confirmation = None;
        let leads = self.view().is_some_and(|view| view.leads);
        let Some(mut executor) = self.office.executor.take() else {
            return;
        };
        if !executor.is_halted() {
            self.front.notice(Notice::Halt { term: executor.term });
            self.front.wake();
        }
        if leads && self.leaving.is_some() {
            executor.halt(&self.replica.lock());
            self.office.executor = Some(executor);
        }
    }

    /// Hands the lead to the most advanced peer that may have it, once what runs on a store has ended.
    pub async fn hand_over(&mut self) {
        let settled = match &self.office.executor {
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
            // One that is leaving too would hand the lead back; it is removed first.
            .filter(|(node, _)| !self.leading.departed.contains(node))
            .max_by_key(|(node, matched)| (electable(node), **matched));
        if let Some((heir, _)) = heir {
            grid.raft.transfer_leader(*heir).await;
        }
    }

    pub fn take_replies(&mut self, replies: Vec<Reply>) {
        self.office.work = true;
        let Some(executor) = &mut self.office.executor else { return };
        let state = self.replica.lock();
        for reply in replies {
            if let Some(collection) = state.collection_of(reply.handle) {
                executor.replied(&collection, reply, &state);
            }
        }
    }

    pub async fn execute_remote_operations(&mut self) {
        if !std::mem::take(&mut self.office.work) || self.is_lease_over() {
            return;
        }
        let now_ms = self.now_ms();
        let Some(executor) = &mut self.office.executor else {
            return;
        };
        let term = executor.term;
        let (orders, marks, acquisitions) = {
            let state = self.replica.lock();
            let marks = executor.marks(&state, now_ms);
            let acquisitions = executor.acquisitions(&state, now_ms);
            let orders = if self.office.handing_over { Vec::new() } else { executor.hand_out(&state) };
            self.office.running = executor.running(&state);
            (orders, marks, acquisitions)
        };
        for order in &orders {
            self.front.notice(match order {
                Order::Claim { handle, claim } => Notice::Claim { handle: *handle, term, claim: *claim },
                Order::Execute { handle, epoch, attempt, operation, caller } => {
                    let (handle, epoch, attempt, caller) = (*handle, *epoch, *attempt, *caller);
                    Notice::Execute { handle, term, epoch, attempt, operation, caller }
                }
            });
        }
        if !orders.is_empty() {
            self.front.wake();
        }
        for Executed { collection, results } in marks {
            self.propose(&Command::Executed(Executed { collection, results })).await;
        }
        for acquired in acquisitions {
            self.propose(&Command::Acquired(acquired)).await;
        }
    }

    /// Operations whose map the leader has not created go to a peer that has created all maps with operations.
    pub async fn find_home_for_remote_work(&mut self, now_ms: u64) {
        self.office.work |= self.office.executor.is_some();
        let (homeless, able) = {
            let state = self.replica.lock();
            let waiting: Vec<_> = state.remote_maps().filter(|it| !it.map.is_empty()).collect();
            let homeless = waiting.iter().any(|it| it.handle.is_none());
            let attached = |node: &NodeId| {
                waiting.iter().all(|it| state.machine.collection(it.id).is_some_and(|it| it.attached.contains(node)))
            };
            let view = self.view();
            let able = view.filter(|_| homeless).and_then(|view| {
                let others = view.voters.iter().filter(|node| **node != self.node);
                others.filter(|node| view.members.get(node).is_some_and(|it| it.electable)).find(|node| attached(node))
            });
            (homeless, able.copied())
        };
        if !homeless {
            self.office.homeless_since_ms = None;
            self.office.homelessness_told = false;
            self.office.handing_over = false;
            return;
        }
        let since_ms = *self.office.homeless_since_ms.get_or_insert(now_ms);
        if now_ms - since_ms < HOMELESS_GRACE_MS {
            return;
        }
        if let (Some(heir), Some(grid)) = (able, &self.grid) {
            // What the front has been given ends and is marked here first: the heir would run it again.
            self.office.handing_over = true;
            let running = self.office.executor.as_ref().map_or(0, |executor| executor.running(&self.replica.lock()));
            if running > 0 {
                return;
            }
            let raft = grid.raft.clone();
            self.office.homeless_since_ms = None;
            self.office.handing_over = false;
            raft.transfer_leader(heir).await;
        } else if !std::mem::replace(&mut self.office.homelessness_told, true) {
            let text = "Operations of remote maps wait, but no peer that may lead has created all of these maps";
            self.front.notice(Notice::Error(Error::new(Code::NoExecutor, text)));
            self.front.wake();
        }
    }

    /// Callers whose operations wait behind others are told that work goes on.
    pub fn tell_progress(&mut self, now_ms: u64) {
        let Some(executor) = &self.office.executor else { return };
        if now_ms < self.office.next_progress_at_ms {
            return;
        }
        self.office.next_progress_at_ms = now_ms + self.options.progress_period_ms.max(1);
        let heads: Vec<(CollectionId, RequestId)> = {
            let state = self.replica.lock();
            let served = state.remote_maps().filter(|it| it.handle.is_some() && executor.serves(it.id, &state));
            served.filter_map(|it| Some((it.id.clone(), it.map.pending_from(0).next()?.request))).collect()
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
        self.front.notice(Notice::Progress { handle, head: state.requests.token_of(head) });
        self.front.wake();
    }
}
