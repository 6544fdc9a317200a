//! What clients saw has an explanation: some order in which all operations on a key or a queue took effect, each at one
//! moment between its call and its answer. Without an answer it may have done so at any time, or never.
//!
//! This holds for a grid that goes on by ordinary quorum. Where one was re-formed or merged, two may have acknowledged at
//! once by design; what is acknowledged then is the business of the other invariants.

use std::collections::{BTreeMap, BTreeSet};

use hamok::ports::Token;
use hamok::wire::blob::Blob;
use hamok::wire::command::Outcome as Told;

use super::Invariant;
use crate::facade::{Event, Request, Settlement};
use crate::linearizability::{self, History, Operation, Outcome};
use crate::scene::Scene;
use crate::witness;

/// A promise: by process and token.
type Promise = (usize, Token);

#[derive(Default)]
pub struct Linearizable {
    /// Calls and answers, in the order in which they came.
    moments: Vec<(Promise, u64, Moment)>,
    /// Comparisons that had no effect.
    refused: BTreeSet<Promise>,
}

enum Moment {
    Asked(Request),
    Told(Told),
    Read(Option<Blob>),
}

impl Linearizable {
    fn history(&self) -> History {
        let mut history = History::default();
        let mut calls = BTreeMap::new();
        for (promise, at_ms, moment) in self.moments.iter().filter(|(promise, ..)| !self.refused.contains(promise)) {
            match moment {
                Moment::Asked(request) => {
                    let client = promise.0 as u64;
                    let invoke = |ask: &witness::Ask| {
                        (ask.clone(), history.invoke(client, &ask.object(), ask.operation.clone(), *at_ms))
                    };
                    calls.insert(*promise, request.asks.iter().map(invoke).collect::<Vec<_>>());
                }
                Moment::Told(told) => {
                    for (place, (ask, id)) in calls.remove(promise).into_iter().flatten().enumerate() {
                        if let Some(outcome) = witness::answer(&ask, place, told) {
                            history.complete(id, outcome, *at_ms);
                        }
                    }
                }
                Moment::Read(value) => {
                    let text = |value: &Blob| String::from_utf8_lossy(value.as_slice()).into_owned();
                    for (_, id) in calls.remove(promise).into_iter().flatten() {
                        history.complete(id, Outcome::Value(value.as_ref().map(text)), *at_ms);
                    }
                }
            }
        }
        history
    }
}

impl Invariant for Linearizable {
    fn name(&self) -> &'static str {
        "what clients saw is linearizable"
    }

    fn observe(&mut self, event: &Event, scene: &Scene) -> Result<(), String> {
        let (promise, moment) = match event {
            Event::Asked { process, request } if !request.asks.is_empty() => {
                ((*process, request.token), Moment::Asked(request.clone()))
            }
            Event::Read { process, token, value } => ((*process, *token), Moment::Read(value.clone())),
            Event::Settled { process, request, settlement: Settlement::Answered(told) } if !request.asks.is_empty() => {
                let promise = (*process, request.token);
                if *told == Told::Conflict {
                    self.refused.insert(promise);
                }
                if request.asks[0].operation == Operation::Get {
                    return Ok(());
                }
                (promise, Moment::Told(told.clone()))
            }
            _ => return Ok(()),
        };
        self.moments.push((promise, scene.now_ms, moment));
        Ok(())
    }

    fn conclude(&mut self, scene: &Scene) -> Result<(), String> {
        let log = scene.final_grid().and_then(|grid| scene.ledger.grids.get(&grid));
        if !log.is_some_and(|log| log.parent.is_none() && log.merged.is_empty()) {
            return Ok(());
        }
        linearizability::check(&self.history()).map_or_else(|violation| Err(violation.to_string()), |_| Ok(()))
    }
}
