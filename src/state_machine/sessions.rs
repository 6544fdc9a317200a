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

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sessions(BTreeMap<NodeId, Session>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Session {
    peer_id: String,
    next: u64,
    outcomes: BTreeMap<u64, Arc<Outcome>>,
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
        if let Some(session) = self.0.get_mut(&request.session) {
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
                let session = Session { peer_id: peer_id.clone(), next: 1, outcomes: BTreeMap::new() };
                self.0.insert(request.session, session);
                Admission::Apply
            }
            _ => Admission::UnknownSession,
        }
    }

    pub fn keep_outcome(&mut self, request: RequestId, outcome: &Arc<Outcome>) {
        if let Some(session) = self.0.get_mut(&request.session) {
            session.outcomes.insert(request.number, outcome.clone());
            while session.outcomes.len() > MAX_KEPT_OUTCOMES {
                session.outcomes.pop_first();
            }
        }
    }

    pub fn forget_outcomes_below(&mut self, session: NodeId, number: u64) {
        if let Some(session) = self.0.get_mut(&session) {
            while session.outcomes.first_key_value().is_some_and(|(first, _)| *first < number) {
                session.outcomes.pop_first();
            }
        }
    }

    pub fn end(&mut self, session: NodeId) -> Option<EndedSession> {
        let Session { next, outcomes, .. } = self.0.remove(&session)?;
        Some(EndedSession { next, outcomes })
    }

    pub fn has_applied(&self, request: RequestId) -> bool {
        self.next(request.session).is_some_and(|next| request.number < next)
    }

    /// Takes over the sessions of another grid. A session that both know went on in one of them only. What became of its
    /// requests that were known here is what became of them here: remote operations that moved are executed here.
    pub(super) fn merge(&mut self, other: &Self) {
        for (id, theirs) in &other.0 {
            let Some(own) = self.0.get_mut(id) else {
                self.0.insert(*id, theirs.clone());
                continue;
            };
            if own.next < theirs.next {
                let new = theirs.outcomes.range(own.next..);
                own.outcomes.extend(new.map(|(number, outcome)| (*number, outcome.clone())));
                own.next = theirs.next;
            }
        }
    }

    /// The number that a session's next request must have; `None` when it is not open.
    pub fn next(&self, session: NodeId) -> Option<u64> {
        self.0.get(&session).map(|session| session.next)
    }

    pub fn outcome(&self, request: RequestId) -> Option<&Arc<Outcome>> {
        self.0.get(&request.session)?.outcomes.get(&request.number)
    }

    pub fn peer_id(&self, session: NodeId) -> Option<&str> {
        self.0.get(&session).map(|session| session.peer_id.as_str())
    }

    pub fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.0.keys().copied()
    }
}
