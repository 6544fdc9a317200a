//! The leader's work on remote maps: which operations the front is to run, and what became of them.
//!
//! Operations of one map are handed over in order, a bounded number ahead of the committed marks: as many as that may
//! run again after a crash. Results become marks as they come in, and are proposed again until they are applied. A store
//! that fences gives the grid an epoch first, see [`super::claiming`].

use std::collections::{BTreeMap, BTreeSet};

use super::claiming::{Claiming, Step};
use super::replica::{RemoteMapInState, ReplicaState};
use crate::mutation::Mutation;
use crate::ports::{Answer, Handle, Reply, Token};
use crate::state_machine::remote_map::PendingOperation;
use crate::wire::command::{Acquired, Claim, CollectionId, Executed, ExecutedOperation};

/// The most operations of one map that are handed over and not yet marked as executed.
const MAX_UNMARKED: u64 = 64;
/// The same for a store that recognises what it has carried out. Such a store remembers 1,024 operations, see
/// `facade/stores/ExactStore.ts`.
const MAX_UNMARKED_FENCED: u64 = 768;
/// The results of one mark take about so many bytes at most, or it is of one operation: what it found in the store, and
/// what the others are to hear, may be large.
const MAX_MARK_BYTES: usize = 1024 * 1024;
/// A mark that was not applied after this time is proposed again…
const REPROPOSE_MS: u64 = 300;
/// …and a millisecond more for each of so many bytes: one that is on its way must not be in its own.
const REPROPOSE_BYTES_PER_MS: usize = 1024;

/// See the [module](self). Exists from the moment in which a leader has applied all that was committed before it.
#[derive(Debug)]
pub struct RemoteExecutor {
    pub term: u64,
    maps: BTreeMap<CollectionId, Handed>,
    claims: BTreeMap<CollectionId, Claiming>,
    /// Maps whose stores fail.
    standing: BTreeSet<CollectionId>,
    /// Below these positions an operation may have been started by a former leader.
    inherited: BTreeMap<CollectionId, u64>,
    /// Set when no further operation may start: the positions that were running at that moment.
    halted: Option<BTreeMap<CollectionId, u64>>,
}

#[derive(Debug, Default)]
struct Handed {
    next: u64,
    /// The epoch of what was handed over last.
    epoch: u64,
    /// Results that are not known to be applied, by position.
    results: BTreeMap<u64, ExecutedOperation>,
    /// Positions below this one have been proposed…
    proposed: u64,
    /// …and will be again at this moment.
    overdue_at_ms: u64,
}

impl Handed {
    /// Whether operations may be handed over with this epoch: not while some are under way with another. The store may
    /// refuse these, and what came after them would have overtaken them.
    fn begins(&mut self, epoch: u64, executed: u64) -> bool {
        let is_under_way = || (executed..self.next).any(|position| !self.results.contains_key(&position));
        let begins = self.epoch == epoch || !is_under_way();
        if begins {
            self.epoch = epoch;
        }
        begins
    }

    /// Forgets what has no result, and what comes after it; gives the position that would have been next.
    fn let_go(&mut self, executed: u64) -> u64 {
        let is_open = |position: &u64| !self.results.contains_key(position);
        let end = (executed..self.next).find(is_open).unwrap_or(self.next);
        self.results.split_off(&end);
        std::mem::replace(&mut self.next, end)
    }

    /// The results of one mark, and how many bytes they have.
    fn results_from(&self, executed: u64) -> (Vec<ExecutedOperation>, usize) {
        let mut results: Vec<ExecutedOperation> = Vec::new();
        let mut bytes = 0;
        for (position, (_, result)) in (executed..).zip(self.results.range(executed..)) {
            let more = result.data_bytes();
            if result.position != position || bytes + more > MAX_MARK_BYTES && !results.is_empty() {
                break;
            }
            bytes += more;
            results.push(result.clone());
        }
        (results, bytes)
    }
}

/// What the front is to do on a store.
#[derive(Debug, PartialEq)]
pub enum Order {
    Claim { handle: Handle, claim: Claim },
    Execute { handle: Handle, epoch: u64, attempt: u8, operation: PendingOperation, caller: Option<Token> },
}

impl RemoteExecutor {
    pub fn take_office(term: u64, state: &ReplicaState) -> Self {
        let inherited = state.remote_maps().map(|it| (it.id.clone(), it.map.next_position())).collect();
        let (maps, claims, standing) = Default::default();
        Self { term, maps, claims, standing, inherited, halted: None }
    }

    /// What the front is to run now.
    pub fn hand_out(&mut self, state: &ReplicaState) -> Vec<Order> {
        let mut orders = Vec::new();
        if self.halted.is_some() {
            return orders;
        }
        for RemoteMapInState { id, map, handle, fenced } in state.remote_maps() {
            let Some(handle) = handle.filter(|_| !map.is_empty()) else {
                continue;
            };
            let epoch = if fenced {
                match self.claims.entry(id.clone()).or_default().step(map, state.claim(map)) {
                    Step::Go { epoch } => epoch,
                    Step::Wait => continue,
                    Step::Ask(claim) => {
                        orders.push(Order::Claim { handle, claim });
                        continue;
                    }
                }
            } else {
                state.machine.lineage().epoch()
            };
            let handed = self.maps.entry(id.clone()).or_default();
            handed.next = handed.next.max(map.executed());
            if !handed.begins(epoch, map.executed()) {
                continue;
            }
            let end = map.executed().saturating_add(if fenced { MAX_UNMARKED_FENCED } else { MAX_UNMARKED });
            let inherited = self.inherited.get(id).copied().unwrap_or(0);
            for operation in map.pending_from(handed.next).take_while(|operation| operation.position < end) {
                handed.next = operation.position.saturating_add(1);
                let again = operation.position < inherited || operation.begun_elsewhere;
                let attempt = if again && !Mutation::AttemptForgotten.is_planted() { 2 } else { 1 };
                let (operation, caller) = (operation.clone(), state.requests.token_of(operation.request));
                orders.push(Order::Execute { handle, epoch, attempt, operation, caller });
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

    /// How many operations of a map have been executed and are not marked.
    pub fn unmarked(&self, collection: &str, state: &ReplicaState) -> usize {
        let (handed, map) = (self.maps.get(collection), state.remote_map(collection));
        handed.zip(map).map_or(0, |(handed, map)| handed.results.range(map.executed()..).count())
    }

    /// How many operations the front has that are not known to be executed.
    pub fn running(&self, state: &ReplicaState) -> usize {
        let under_way = |(id, handed): (&CollectionId, &Handed)| {
            let executed = state.remote_map(id).map_or(handed.next, |map| map.executed());
            usize::try_from(handed.next.saturating_sub(executed)).unwrap_or(0)
        };
        self.maps.iter().map(under_way).sum()
    }

    /// The front has let go of the operations of a map: it gets those again, as of a former leader, that have not been
    /// executed, and all after them.
    pub fn take_back(&mut self, collection: &CollectionId, state: &ReplicaState) {
        let (handed, map) = (self.maps.get_mut(collection), state.remote_map(collection));
        if let Some((handed, map)) = handed.zip(map) {
            let inherited = self.inherited.entry(collection.clone()).or_default();
            *inherited = handed.let_go(map.executed()).max(*inherited);
        }
    }

    /// The front has closed a map; what it was asking the store, nobody hears.
    pub fn closed(&mut self, collection: &CollectionId, state: &ReplicaState) {
        self.take_back(collection, state);
        self.claims.remove(collection);
    }

    pub fn replied(&mut self, collection: &CollectionId, reply: Reply, state: &ReplicaState) {
        if reply.term != self.term {
            return;
        }
        if matches!(reply.answer, Answer::StandsStill) {
            self.standing.insert(collection.clone());
        } else {
            self.standing.remove(collection);
        }
        match reply.answer {
            Answer::StandsStill => {}
            Answer::Executed { position, outcome, events } => {
                if let Some(handed) = self.maps.get_mut(collection).filter(|handed| position < handed.next) {
                    handed.results.insert(position, ExecutedOperation { position, outcome, events });
                }
            }
            Answer::Acquired { claim, epoch } => {
                self.claims.entry(collection.clone()).or_default().answered(&claim, epoch);
            }
            Answer::Refused { epoch } => {
                if let Some(map) = state.remote_map(collection) {
                    self.claims.entry(collection.clone()).or_default().refused(map, state.claim(map), epoch);
                    // What was handed over with a later epoch is not refused.
                    if self.maps.get(collection).is_some_and(|handed| handed.epoch <= epoch) {
                        self.take_back(collection, state);
                    }
                }
            }
        }
    }

    /// Whether the front may still be expected to get on with a map.
    pub fn serves(&self, collection: &str, state: &ReplicaState) -> bool {
        let refused = |map| self.claims.get(collection).is_some_and(|claiming| claiming.is_refused(state.claim(map)));
        !self.standing.contains(collection) && state.remote_map(collection).is_some_and(|map| !refused(map))
    }

    /// The answers of stores to propose now.
    pub fn acquisitions(&mut self, state: &ReplicaState, now_ms: u64) -> Vec<Acquired> {
        let claims = self.claims.iter_mut();
        claims.filter_map(|(id, claiming)| claiming.proposal(id, state.remote_map(id)?, now_ms)).collect()
    }

    /// The marks to propose now.
    pub fn marks(&mut self, state: &ReplicaState, now_ms: u64) -> Vec<Executed> {
        let mut marks = Vec::new();
        for (id, handed) in &mut self.maps {
            let executed = state.remote_map(id).map_or(u64::MAX, |map| map.executed());
            handed.results.retain(|position, _| *position >= executed);
            // While one mark is under way the results gather for the next: under load, marks grow by themselves.
            if executed < handed.proposed && now_ms < handed.overdue_at_ms {
                continue;
            }
            let (results, bytes) = handed.results_from(executed);
            if let Some(last) = results.last() {
                handed.proposed = last.position.saturating_add(1);
                handed.overdue_at_ms = now_ms + REPROPOSE_MS + (bytes / REPROPOSE_BYTES_PER_MS) as u64;
                marks.push(Executed { collection: id.clone(), results });
            }
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::command::Outcome;

    #[test]
    fn a_new_epoch_begins_when_all_that_was_handed_over_with_the_former_one_is_answered() {
        let mut handed = Handed { next: 3, epoch: 1, ..Handed::default() };
        let answer = |handed: &mut Handed, position| {
            handed.results.insert(position, ExecutedOperation { position, outcome: Outcome::Done, events: Vec::new() });
        };
        assert!(handed.begins(1, 0));
        assert!(!handed.begins(2, 0));
        answer(&mut handed, 1);
        assert!(!handed.begins(2, 1), "position 2 is under way");
        assert!(handed.begins(1, 1));
        answer(&mut handed, 2);
        assert!(handed.begins(2, 1));
        assert!(!handed.begins(1, 0), "position 0 is under way with epoch 2");
    }

    #[test]
    fn what_is_let_go_is_handed_over_again_and_what_was_executed_is_not() {
        let mut handed = Handed { next: 6, ..Handed::default() };
        for position in [2, 3, 5] {
            let result = ExecutedOperation { position, outcome: Outcome::Done, events: Vec::new() };
            handed.results.insert(position, result);
        }
        assert_eq!(handed.let_go(2), 6);
        assert_eq!(handed.next, 4);
        assert_eq!(handed.results_from(2).0.len(), 2);
        assert_eq!(handed.let_go(2), 4, "all of it is executed");
        assert_eq!((handed.next, handed.results.len()), (4, 2));
    }

    #[test]
    fn a_mark_is_no_larger_than_it_must_be() {
        let mut handed = Handed::default();
        let mut found = |position, bytes| {
            let outcome = Outcome::Entries(vec![(0, Some(vec![0; bytes].into()))]);
            handed.results.insert(position, ExecutedOperation { position, outcome, events: Vec::new() });
        };
        (0..3).for_each(|position| found(position, MAX_MARK_BYTES / 2));
        found(3, 2 * MAX_MARK_BYTES);
        [4, 5, 7].into_iter().for_each(|position| found(position, 1));
        let marked = |executed| handed.results_from(executed).0.len();
        assert_eq!([0, 2, 3, 4, 6].map(marked), [2, 1, 1, 2, 0]);
    }
}
