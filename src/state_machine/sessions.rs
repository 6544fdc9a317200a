//! Each peer's requests apply in the order of their numbers, each once.
//!
//! A peer opens a session with its request 0 and numbers what follows. Retries are harmless: a number that was applied
//! is skipped. A gap is refused, and the caller sends again from where the session stands. The outcomes that the caller
//! has not confirmed yet are kept, so that a caller that caught up by snapshot still gets its answers
//! (Ongaro, *Consensus: Bridging Theory and Practice*, section 6.3).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::effect::RequestId;
use crate::mutation::Mutation;
use crate::wire::NodeId;
use crate::wire::command::{Operation, Outcome};

/// The most unconfirmed outcomes that a session keeps; a caller keeps no more requests than that under way.
pub const MAX_KEPT_OUTCOMES: usize = 65_536;

/// Of more sessions that have ended, nothing is known.
const MAX_ENDED: usize = 1_024;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    open: BTreeMap<NodeId, Session>,
    /// Those that have ended.
    ended: BTreeMap<NodeId, Ended>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Ended {
    opened_here: bool,
    /// Its requests below this number were applied.
    next: u64,
    /// The higher, the later.
    order: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Session {
    /// Not in a grid that this one goes on from, or that came over.
    opened_here: bool,
    peer_id: String,
    next: u64,
    outcomes: BTreeMap<u64, Arc<Outcome>>,
}

/// The names of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub request: RequestId,
    /// The one under which it was first asked: another, if that was in a session that has ended since.
    pub origin: RequestId,
}

/// What a session had done when it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedSession {
    /// Requests from this number on were not applied, and never will be.
    pub next: u64,
    pub outcomes: BTreeMap<u64, Arc<Outcome>>,
}

/// Whether a request may apply.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    Apply,
    Duplicate,
    Gap { expected: u64 },
    UnknownSession,
}

impl Sessions {
    /// Takes note of a request that is about to apply.
    pub fn admit(&mut self, request: RequestId, operation: &Operation) -> Admission {
        if let Some(session) = self.open.get_mut(&request.session) {
            if request.number < session.next {
                let again = Mutation::AppliedTwice.is_planted() && request.number > 0;
                return if again { Admission::Apply } else { Admission::Duplicate };
            }
            if request.number > session.next && Mutation::AppliedOutOfOrder.is_planted() {
                session.next = request.number;
            }
            if request.number > session.next {
                return Admission::Gap { expected: session.next };
            }
            session.next = session.next.saturating_add(1);
            return Admission::Apply;
        }
        match operation {
            Operation::OpenSession { peer_id, .. } if request.number == 0 => {
                let (peer_id, outcomes) = (peer_id.clone(), BTreeMap::new());
                let session = Session { opened_here: true, peer_id, next: 1, outcomes };
                self.open.insert(request.session, session);
                Admission::Apply
            }
            _ => Admission::UnknownSession,
        }
    }

    /// Takes note of a request that is asked again, under the name that it had first; `false` when it has applied under
    /// that name.
    pub fn admit_again(&mut self, origin: RequestId) -> bool {
        if self.has_applied(origin) {
            return false;
        }
        let next = origin.number.saturating_add(1);
        match (self.open.get_mut(&origin.session), self.ended.get_mut(&origin.session)) {
            (Some(session), _) => session.next = next,
            (None, Some(ended)) => ended.next = next,
            (None, None) => {
                let order = self.next_order();
                self.remember(origin.session, Ended { opened_here: false, next, order });
            }
        }
        true
    }

    pub fn keep_outcome(&mut self, request: RequestId, outcome: &Arc<Outcome>) {
        if let Some(session) = self.open.get_mut(&request.session) {
            session.outcomes.insert(request.number, outcome.clone());
            while session.outcomes.len() > MAX_KEPT_OUTCOMES {
                session.outcomes.pop_first();
            }
        }
    }

    pub fn forget_outcomes_below(&mut self, session: NodeId, number: u64) {
        if let Some(session) = self.open.get_mut(&session) {
            while session.outcomes.first_key_value().is_some_and(|(first, _)| *first < number) {
                session.outcomes.pop_first();
            }
        }
    }

    pub fn end(&mut self, session: NodeId) -> Option<EndedSession> {
        let Session { opened_here, next, outcomes, .. } = self.open.remove(&session)?;
        self.remember(session, Ended { opened_here, next, order: self.next_order() });
        Some(EndedSession { next, outcomes })
    }

    pub fn has_applied(&self, request: RequestId) -> bool {
        let ended = self.ended.get(&request.session).map(|ended| ended.next);
        self.next(request.session).max(ended).is_some_and(|next| request.number < next)
    }

    /// Whether a session was opened in this grid: then what did not apply here applied nowhere.
    pub fn opened_here(&self, session: NodeId) -> bool {
        let ended = || self.ended.get(&session).map(|ended| ended.opened_here);
        self.open.get(&session).map(|open| open.opened_here).or_else(ended).unwrap_or(false)
    }

    /// This grid goes on from another.
    pub(super) fn descend(&mut self) {
        self.open.values_mut().for_each(|session| session.opened_here = false);
        self.ended.values_mut().for_each(|ended| ended.opened_here = false);
    }

    fn next_order(&self) -> u64 {
        self.ended.values().map(|ended| ended.order.saturating_add(1)).max().unwrap_or(0)
    }

    fn remember(&mut self, session: NodeId, ended: Ended) {
        let known = self.ended.entry(session).or_insert(ended);
        known.next = known.next.max(ended.next);
        known.order = known.order.max(ended.order);
        while self.ended.len() > MAX_ENDED {
            let eldest = self.ended.iter().min_by_key(|(_, ended)| ended.order).map(|(id, _)| *id);
            eldest.and_then(|eldest| self.ended.remove(&eldest));
        }
    }

    /// Takes over the sessions of another grid, and what is known of those that have ended there. What became of requests
    /// that were known here is what became of them here: remote operations that moved are executed here.
    pub(super) fn merge(&mut self, other: &Self) {
        for (id, theirs) in &other.open {
            let ended = self.ended.remove(id).map_or(0, |ended| ended.next);
            let fresh = || Session { opened_here: false, next: ended, outcomes: BTreeMap::new(), ..theirs.clone() };
            let own = self.open.entry(*id).or_insert_with(fresh);
            if own.next < theirs.next {
                let new = theirs.outcomes.range(own.next..);
                own.outcomes.extend(new.map(|(number, outcome)| (*number, outcome.clone())));
                own.next = theirs.next;
            }
        }
        // The last to end there counts for as late as the last here.
        let latest = |sessions: &Self| sessions.ended.values().map(|ended| ended.order).max().unwrap_or(0);
        let (own_latest, their_latest) = (latest(self), latest(other));
        let later = own_latest.max(their_latest);
        self.ended.values_mut().for_each(|own| own.order = own.order.saturating_add(later - own_latest));
        for (id, theirs) in &other.ended {
            match self.open.get_mut(id) {
                Some(own) => own.next = theirs.next.max(own.next),
                None => {
                    let order = theirs.order.saturating_add(later - their_latest);
                    self.remember(*id, Ended { opened_here: false, next: theirs.next, order });
                }
            }
        }
    }

    /// The number that a session's next request must have; `None` when it is not open.
    pub fn next(&self, session: NodeId) -> Option<u64> {
        self.open.get(&session).map(|session| session.next)
    }

    pub fn outcome(&self, request: RequestId) -> Option<&Arc<Outcome>> {
        self.open.get(&request.session)?.outcomes.get(&request.number)
    }

    pub fn peer_id(&self, session: NodeId) -> Option<&str> {
        self.open.get(&session).map(|session| session.peer_id.as_str())
    }

    /// Those that have ended, and the numbers below which their requests were applied.
    pub fn ended(&self) -> impl Iterator<Item = (NodeId, u64)> {
        self.ended.iter().map(|(id, ended)| (*id, ended.next))
    }

    pub fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.open.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_session_had_applied_is_known_until_many_others_have_ended() {
        let mut sessions = Sessions::default();
        let opening = Operation::OpenSession { peer_id: "a".into(), replaces: None };
        let last = 2 * MAX_ENDED as u64;
        for session in 0..last {
            let request = RequestId { session, number: 0 };
            assert_eq!(sessions.admit(request, &opening), Admission::Apply);
            sessions.end(session);
        }
        let known = (0..last).filter(|session| sessions.has_applied(RequestId { session: *session, number: 0 }));
        assert!(known.eq(MAX_ENDED as u64..last));
        assert!(!sessions.has_applied(RequestId { session: last - 1, number: 1 }));
    }

    #[test]
    fn of_sessions_that_ended_in_two_grids_the_latest_of_both_are_known() {
        let opening = Operation::OpenSession { peer_id: "a".into(), replaces: None };
        let ended = |ids: std::ops::Range<u64>| {
            let mut sessions = Sessions::default();
            for session in ids {
                sessions.admit(RequestId { session, number: 0 }, &opening);
                sessions.end(session);
            }
            sessions
        };
        let (few, most) = (4, MAX_ENDED as u64 - 4);
        for (own, theirs) in [(0..most + 8, 10_000..10_000 + few), (0..few, 10_000..10_000 + most + 8)] {
            let mut sessions = ended(own.clone());
            sessions.merge(&ended(theirs.clone()));
            assert_eq!(sessions.ended.len(), MAX_ENDED);
            let latest = [own, theirs].map(|ids| ids.end - few..ids.end);
            let names = latest.into_iter().flatten().map(|session| RequestId { session, number: 0 });
            assert!(names.into_iter().all(|name| sessions.has_applied(name)));
        }
    }
}
