//! Runs what the leader's peer hands over on the store, as the facade does: one operation of a map at a time, in order,
//! and each of them ends, if only by being given up.

use std::collections::VecDeque;

use hamok::ports::{Handle, Reply};
use hamok::wire::blob::Blob;
use hamok::wire::command::{Failure, Outcome, RemoteMethod, RemoteOperation};

use crate::model::Id;
use crate::store::{Stamp, Store, StoreCall, StoreReply};

/// After this time an operation is given up.
const ABANDON_AFTER_MS: u64 = 2_500;

#[derive(Debug, Clone)]
pub struct Execution {
    pub term: u64,
    pub stamp: Stamp,
    pub operation: RemoteOperation,
}

struct Running {
    execution: Execution,
    stopped: bool,
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
    queue: VecDeque<Execution>,
    running: Option<Running>,
}

impl Executor {
    pub fn new(handle: Handle) -> Self {
        Self { handle, queue: VecDeque::new(), running: None }
    }

    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.running.is_none()
    }

    pub fn execute(&mut self, now_ms: u64, execution: Execution, store: &mut Store) {
        self.queue.push_back(execution);
        if self.running.is_none() {
            self.next(now_ms, store);
        }
    }

    pub fn halt(&mut self, term: u64, let_running_finish: bool) {
        self.queue.retain(|execution| execution.term > term);
        if let Some(running) = self.running.as_mut().filter(|it| !let_running_finish && it.execution.term <= term) {
            running.stopped = true;
        }
    }

    fn next(&mut self, now_ms: u64, store: &mut Store) {
        let Some(execution) = self.queue.pop_front() else { return };
        let RemoteOperation { method, keys, values } = &execution.operation;
        let key = keys[0].clone();
        let (call, then) = match method {
            RemoteMethod::Set => (StoreCall::Set(key, values[0].clone()), Then::End),
            RemoteMethod::Remove | RemoteMethod::Delete => (StoreCall::Remove(key), Then::End),
            _ => (StoreCall::Get(key), Then::Change),
        };
        let call = store.call(now_ms, execution.stamp, call);
        self.running = Some(Running { execution, stopped: false, began_ms: now_ms, call, then });
    }

    /// The store has answered a call of this process; gives what the peer is to hear.
    pub fn answered(&mut self, now_ms: u64, reply: &StoreReply, store: &mut Store) -> Option<Reply> {
        let running = self.running.as_mut().filter(|running| running.call == reply.call)?;
        let outcome = match (&reply.result, running.then) {
            (Err(_), _) if running.stopped => None,
            (Err(text), _) => Some(failed("CALLBACK_FAILED", text)),
            (Ok(found), Then::End) => Some(running.outcome(found.clone())),
            (Ok(found), Then::Change) => match running.change(found.as_ref()) {
                Err(outcome) => Some(outcome),
                // It was stopped between two steps.
                Ok(_) if running.stopped => None,
                Ok(call) => {
                    running.call = store.call(now_ms, running.execution.stamp, call);
                    running.then = Then::End;
                    return None;
                }
            },
        };
        let Running { execution, .. } = self.running.take()?;
        self.next(now_ms, store);
        outcome.map(|outcome| self.reply(&execution, outcome))
    }

    /// Gives up what has taken too long.
    pub fn turn(&mut self, now_ms: u64, store: &mut Store) -> Option<Reply> {
        self.running.as_ref().filter(|running| now_ms >= running.began_ms + ABANDON_AFTER_MS)?;
        let Running { execution, stopped, .. } = self.running.take()?;
        self.next(now_ms, store);
        (!stopped).then(|| self.reply(&execution, failed("ABANDONED", "")))
    }

    /// A process was not there for a while: what it counts starts again.
    pub fn excuse(&mut self, for_ms: u64) {
        if let Some(running) = &mut self.running {
            running.began_ms += for_ms;
        }
    }

    fn reply(&self, execution: &Execution, outcome: Outcome) -> Reply {
        let Execution { term, stamp, .. } = execution;
        Reply { handle: self.handle, term: *term, position: stamp.position, outcome, events: Vec::new() }
    }
}

impl Running {
    /// The change that follows a look, or the outcome when there is none.
    fn change(&self, found: Option<&Blob>) -> Result<StoreCall, Outcome> {
        let RemoteOperation { method, keys, values } = &self.execution.operation;
        let own = self.execution.stamp.attempt > 1 && found == values.first();
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

    fn outcome(&self, found: Option<Blob>) -> Outcome {
        match self.execution.operation.method {
            RemoteMethod::Insert => Outcome::Entries(Vec::new()),
            RemoteMethod::UpdateIf => Outcome::Entries(vec![(0, None)]),
            _ => Outcome::Entries(found.map(|found| (0, Some(found))).into_iter().collect()),
        }
    }
}

fn failed(code: &str, text: &str) -> Outcome {
    Outcome::Failed(Failure { code: code.into(), text: text.into() })
}

pub fn id_of(operation: &RemoteOperation) -> Option<Id> {
    operation.values.first().and_then(Id::parse)
}
