//! The leader's work on remote maps: which operations the front is to run, and what became of them.
//!
//! Operations of one map are handed over in order, a bounded number ahead of the committed marks: as many as that may
//! run again after a crash. Results become marks as they come in, and are proposed again until they are applied.

use std::collections::BTreeMap;

use super::replica::ReplicaState;
use crate::mutation::Mutation;
use crate::ports::{Handle, Reply};
use crate::state_machine::remote_map::PendingOperation;
use crate::wire::command::{CollectionId, Executed, ExecutedOperation};

/// The most operations of one map that are handed over and not yet marked as executed.
const MAX_UNMARKED: u64 = 64;
/// A mark that was not applied after this time is proposed again.
const REPROPOSE_MS: u64 = 300;

/// See the [module](self). Exists from the moment in which a leader has applied all that was committed before it.
#[derive(Debug)]
pub struct RemoteExecutor {
    pub term: u64,
    maps: BTreeMap<CollectionId, Handed>,
    /// Below these positions an operation may have been started by a former leader.
    inherited: BTreeMap<CollectionId, u64>,
    /// Set when no further operation may start: the positions that were running at that moment.
    halted: Option<BTreeMap<CollectionId, u64>>,
}

#[derive(Debug, Default)]
struct Handed {
    next: u64,
    /// Results that are not known to be applied, by position.
    results: BTreeMap<u64, ExecutedOperation>,
    /// Positions below this one have been proposed…
    proposed: u64,
    /// …the last time at this moment.
    proposed_at_ms: u64,
}

/// An operation for the front to run.
#[derive(Debug, PartialEq)]
pub struct Order {
    pub handle: Handle,
    pub attempt: u8,
    pub operation: PendingOperation,
}

impl RemoteExecutor {
    pub fn take_office(term: u64, state: &ReplicaState) -> Self {
        let inherited = state.remote_maps().map(|(id, map, _)| (id.clone(), map.next_position())).collect();
        Self { term, maps: BTreeMap::new(), inherited, halted: None }
    }

    /// What the front is to run now.
    pub fn hand_out(&mut self, state: &ReplicaState) -> Vec<Order> {
        let mut orders = Vec::new();
        if self.halted.is_some() {
            return orders;
        }
        for (id, map, handle) in state.remote_maps() {
            let Some(handle) = handle.filter(|_| !map.is_empty()) else {
                continue;
            };
            let handed = self.maps.entry(id.clone()).or_default();
            handed.next = handed.next.max(map.executed());
            let end = map.executed().saturating_add(MAX_UNMARKED);
            let inherited = self.inherited.get(id).copied().unwrap_or(0);
            for operation in map.pending_from(handed.next).take_while(|operation| operation.position < end) {
                let again = operation.position < inherited || operation.moved;
                let attempt = if again && !Mutation::AttemptForgotten.is_planted() { 2 } else { 1 };
                orders.push(Order { handle, attempt, operation: operation.clone() });
                handed.next = operation.position.saturating_add(1);
            }
        }
        orders
    }

    /// Starts nothing more. The front runs operations one by one, so of each map the first without a result is running.
    pub fn halt(&mut self, state: &ReplicaState) {
        let running = self.maps.iter().filter_map(|(id, handed)| {
            let executed = state.remote_map(id)?.executed();
            let first = (executed..handed.next).find(|position| !handed.results.contains_key(position))?;
            Some((id.clone(), first))
        });
        self.halted = Some(running.collect());
    }

    pub fn is_halted(&self) -> bool {
        self.halted.is_some()
    }

    /// Whether all that was running when it was halted has ended and is marked.
    pub fn is_settled(&self, state: &ReplicaState) -> bool {
        let executed = |id: &str| state.remote_map(id).map_or(u64::MAX, |map| map.executed());
        let ended = self.halted.iter().flatten().all(|(id, position)| executed(id) > *position);
        let marked = self.maps.iter().all(|(id, handed)| !handed.results.contains_key(&executed(id)));
        ended && marked
    }

    /// How many operations the front has that are not known to be executed.
    pub fn running(&self, state: &ReplicaState) -> usize {
        let under_way = |(id, handed): (&CollectionId, &Handed)| {
            let executed = state.remote_map(id).map_or(handed.next, |map| map.executed());
            usize::try_from(handed.next.saturating_sub(executed)).unwrap_or(0)
        };
        self.maps.iter().map(under_way).sum()
    }

    /// The front closed a map: whoever opens it next gets its operations from the head on.
    pub fn take_back(&mut self, collection: &str) {
        self.maps.remove(collection);
    }

    pub fn replied(&mut self, collection: &CollectionId, reply: Reply) {
        if reply.term != self.term {
            return;
        }
        if let Some(handed) = self.maps.get_mut(collection).filter(|handed| reply.position < handed.next) {
            let Reply { position, outcome, events, .. } = reply;
            handed.results.insert(position, ExecutedOperation { position, outcome, events });
        }
    }

    /// The marks to propose now.
    pub fn marks(&mut self, state: &ReplicaState, now_ms: u64) -> Vec<Executed> {
        let mut marks = Vec::new();
        for (id, handed) in &mut self.maps {
            let executed = state.remote_map(id).map_or(u64::MAX, |map| map.executed());
            handed.results.retain(|position, _| *position >= executed);
            let overdue = now_ms.saturating_sub(handed.proposed_at_ms) >= REPROPOSE_MS;
            // While one mark is under way the results gather for the next: under load, marks grow by themselves.
            if executed < handed.proposed && !overdue {
                continue;
            }
            let mut position = executed;
            let mut results = Vec::new();
            while let Some(result) = handed.results.get(&position) {
                results.push(result.clone());
                position += 1;
            }
            if !results.is_empty() {
                handed.proposed = position;
                handed.proposed_at_ms = now_ms;
                marks.push(Executed { collection: id.clone(), results });
            }
        }
        marks
    }
}
