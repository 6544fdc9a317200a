//! Runs what the leader's peer hands over on the store, as the facade does: one order of a map at a time.
//!
//! On a plain store each operation ends, if only by being given up. An exact store carries an operation out in one call,
//! recognises a repetition, and is asked again until it answers.

use std::collections::VecDeque;

use hamok::ports::{Answer, Handle, Reply, Token};
use hamok::wire::blob::Blob;
use hamok::wire::command::{Failure, Outcome, RemoteMethod, RemoteOperation};

use crate::model::Id;
use crate::store::{Given, Refusal, Stamp, Store, StoreCall, StoreReply};

/// After this time a plain operation is given up, and an exact store is asked again.
const ABANDON_AFTER_MS: u64 = 2_500;

#[derive(Debug, Clone)]
pub enum Order {
    Claim { term: u64, claim: String, stamp: Stamp },
    Execute { term: u64, stamp: Stamp, operation: RemoteOperation, caller: Option<Token> },
}

impl Order {
    fn term(&self) -> u64 {
        match self {
            Self::Claim { term, .. } | Self::Execute { term, .. } => *term,
        }
    }

    fn caller(&self) -> Option<Token> {
        match self {
            Self::Claim { .. } => None,
            Self::Execute { caller, .. } => *caller,
        }
    }

    fn stamp(&self) -> Stamp {
        match self {
            Self::Claim { stamp, .. } | Self::Execute { stamp, .. } => *stamp,
        }
    }
}

/// What a peer is to hear, and who waits in its process for what an exact store has done.
pub struct Answered {
    pub reply: Reply,
    pub caller: Option<Token>,
}

struct Running {
    order: Order,
    stopped: bool,
    /// When the present attempt began.
    began_ms: u64,
    call: u64,
    /// What is done when the present call has been answered.
    then: Then,
}

#[derive(Clone, Copy)]
enum Then {
    /// The call's result is the operation's.
    End,
    /// It was a look: now the change, if it is due.
    Change,
}

pub struct Executor {
    handle: Handle,
    exact: bool,
    queue: VecDeque<Order>,
    running: Option<Running>,
    /// What comes with this fence, or a lower one, would be refused again.
    refused: Option<(u64, u64)>,
}

impl Executor {
    pub fn new(handle: Handle, exact: bool) -> Self {
        Self { handle, exact, queue: VecDeque::new(), running: None, refused: None }
    }

    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.running.is_none()
    }

    /// Gives what the peer is to hear of it at once.
    pub fn take(&mut self, now_ms: u64, order: Order, store: &mut Store) -> Option<Answered> {
        match &order {
            Order::Claim { .. } => self.refused = None,
            Order::Execute { term, stamp, .. } if Some(stamp.fence) <= self.refused => {
                let answer = Answer::Refused { epoch: stamp.fence.0 };
                let reply = Reply { handle: self.handle, term: *term, answer };
                return Some(Answered { reply, caller: None });
            }
            Order::Execute { .. } => {}
        }
        self.queue.push_back(order);
        if self.running.is_none() {
            self.next(now_ms, store);
        }
        None
    }

    pub fn halt(&mut self, term: u64, let_running_finish: bool) {
        self.queue.retain(|order| order.term() > term);
        if let Some(running) = self.running.as_mut().filter(|it| !let_running_finish && it.order.term() <= term) {
            running.stopped = true;
        }
    }

    fn next(&mut self, now_ms: u64, store: &mut Store) {
        let Some(order) = self.queue.pop_front() else { return };
        let (call, then) = self.first_call(&order);
        let call = store.call(now_ms, order.stamp(), call);
        self.running = Some(Running { order, stopped: false, began_ms: now_ms, call, then });
    }

    fn first_call(&self, order: &Order) -> (StoreCall, Then) {
        let operation = match order {
            Order::Claim { claim, .. } => return (StoreCall::Acquire(claim.clone()), Then::End),
            Order::Execute { operation, .. } if self.exact => return (StoreCall::Apply(operation.clone()), Then::End),
            Order::Execute { operation, .. } => operation,
        };
        let RemoteOperation { method, keys, values } = operation;
        let key = keys[0].clone();
        match method {
            RemoteMethod::Set => (StoreCall::Set(key, values[0].clone()), Then::End),
            RemoteMethod::Remove | RemoteMethod::Delete => (StoreCall::Remove(key), Then::End),
            _ => (StoreCall::Get(key), Then::Change),
        }
    }

    /// The store has answered a call of this process; gives what the peer is to hear.
    pub fn answered(&mut self, now_ms: u64, reply: &StoreReply, store: &mut Store) -> Option<Answered> {
        let running = self.running.as_mut().filter(|running| running.call == reply.call)?;
        if self.exact && !running.stopped && matches!(reply.result, Err(Refusal::Failed(_))) {
            self.ask_again(now_ms, store);
            return None;
        }
        let answer = match (&reply.result, running.then) {
            (Err(_), _) if running.stopped => None,
            (Err(Refusal::Stale), _) if self.exact => {
                let fence = running.order.stamp().fence;
                self.refused = Some(fence);
                self.queue.retain(|order| matches!(order, Order::Claim { .. }) || order.stamp().fence > fence);
                Some(Answer::Refused { epoch: fence.0 })
            }
            (Err(refusal), _) => running.failed("CALLBACK_FAILED", refusal.text()),
            (Ok(given), Then::End) => running.answer(given.clone()),
            (Ok(given), Then::Change) => match running.change(given.found()) {
                Err(outcome) => running.executed(outcome),
                // It was stopped between two steps.
                Ok(_) if running.stopped => None,
                Ok(call) => {
                    running.call = store.call(now_ms, running.order.stamp(), call);
                    running.then = Then::End;
                    return None;
                }
            },
        };
        let Running { order, stopped, .. } = self.running.take()?;
        self.next(now_ms, store);
        let caller = order.caller().filter(|_| self.exact && !stopped);
        let reply = |answer| Reply { handle: self.handle, term: order.term(), answer };
        answer.map(|answer| Answered { reply: reply(answer), caller })
    }

    /// Gives up what has taken too long.
    pub fn turn(&mut self, now_ms: u64, store: &mut Store) -> Option<Answered> {
        let running = self.running.as_ref().filter(|running| now_ms >= running.began_ms + ABANDON_AFTER_MS)?;
        if self.exact && !running.stopped {
            self.ask_again(now_ms, store);
            return None;
        }
        let running = self.running.take()?;
        self.next(now_ms, store);
        let answer = if running.stopped { None } else { running.failed("ABANDONED", "") };
        let reply = |answer| Reply { handle: self.handle, term: running.order.term(), answer };
        answer.map(|answer| Answered { reply: reply(answer), caller: None })
    }

    fn ask_again(&mut self, now_ms: u64, store: &mut Store) {
        if let Some(Running { order, .. }) = self.running.take() {
            let (call, then) = self.first_call(&order);
            let call = store.call(now_ms, order.stamp(), call);
            self.running = Some(Running { order, stopped: false, began_ms: now_ms, call, then });
        }
    }

    /// A process was not there for a while: what it counts starts again.
    pub fn excuse(&mut self, for_ms: u64) {
        if let Some(running) = &mut self.running {
            running.began_ms += for_ms;
        }
    }
}

impl Running {
    fn answer(&self, given: Given) -> Option<Answer> {
        match (&self.order, given) {
            (Order::Claim { claim, .. }, Given::Epoch(epoch)) => Some(Answer::Acquired { claim: claim.clone(), epoch }),
            (_, Given::Outcome(outcome)) => self.executed(outcome),
            (Order::Execute { operation, .. }, Given::Found(found)) => self.executed(match operation.method {
                RemoteMethod::Insert => Outcome::Entries(Vec::new()),
                RemoteMethod::UpdateIf => Outcome::Entries(vec![(0, None)]),
                _ => Outcome::Entries(found.map(|found| (0, Some(found))).into_iter().collect()),
            }),
            _ => None,
        }
    }

    fn failed(&self, code: &str, text: &str) -> Option<Answer> {
        self.executed(Outcome::Failed(Failure { code: code.into(), text: text.into() }))
    }

    fn executed(&self, outcome: Outcome) -> Option<Answer> {
        let Order::Execute { stamp, .. } = self.order else { return None };
        Some(Answer::Executed { position: stamp.position, outcome, events: Vec::new() })
    }

    /// The change that follows a look, or the outcome when there is none.
    fn change(&self, found: Option<&Blob>) -> Result<StoreCall, Outcome> {
        let Order::Execute { operation: RemoteOperation { method, keys, values }, stamp, .. } = &self.order else {
            return Err(Outcome::Done);
        };
        let own = stamp.attempt > 1 && found == values.first();
        let set = || StoreCall::Set(keys[0].clone(), values[0].clone());
        match (method, found) {
            (RemoteMethod::Insert, None) => Ok(set()),
            (RemoteMethod::Insert, Some(_)) if own => Err(Outcome::Entries(Vec::new())),
            (RemoteMethod::Insert, Some(found)) => Err(Outcome::Entries(vec![(0, Some(found.clone()))])),
            (_, Some(found)) if Some(found) == values.get(1) => Ok(set()),
            (_, Some(_)) if own => Err(Outcome::Entries(vec![(0, None)])),
            (_, _) => Err(Outcome::Entries(Vec::new())),
        }
    }
}

pub fn id_of(operation: &RemoteOperation) -> Option<Id> {
    operation.values.first().and_then(Id::parse)
}
