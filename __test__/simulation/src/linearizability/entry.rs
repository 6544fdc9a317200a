//! What one key of a map does, as `state_machine::map` defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{Operation, OperationId, Outcome, Recorded};
use super::search::{Line, Lines, Model, Placed, in_line, narrow, pipelining};

/// Values by number.
type Value = u32;

/// All values that no result and no comparison names: nothing tells them apart.
const UNSEEN: Value = 0;

#[derive(Debug, Clone)]
pub struct Entry;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    before: Before,
    /// What the key holds then; nothing if it keeps what it has.
    then: Option<Option<Value>>,
    /// Whether `before` is known to have been so. Otherwise the step does nothing where it is not.
    certain: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Before {
    Any,
    Is(Option<Value>),
    IsNot(Option<Value>),
}

impl Model for Entry {
    type State = Option<Value>;
    type Step = Step;

    fn apply(state: &Option<Value>, step: &Step) -> Option<Option<Value>> {
        let fits = match step.before {
            Before::Any => true,
            Before::Is(value) => *state == value,
            Before::IsNot(value) => *state != value,
        };
        match step.then {
            Some(then) if fits => Some(then),
            _ if fits || !step.certain => Some(*state),
            _ => None,
        }
    }
}

/// What a key's operations tell of its values.
#[derive(Default)]
struct Values<'a> {
    numbers: BTreeMap<&'a str, Value>,
    writers: BTreeMap<&'a str, usize>,
    met: BTreeSet<&'a str>,
    /// Values that an operation met with and replaced or removed, and that were written once.
    ended: BTreeSet<&'a str>,
    /// The last end of a comparison that did not hold for a reason not known from `ended`.
    last_conflict: u64,
}

impl<'a> Values<'a> {
    fn of(operations: &[&'a Recorded]) -> Self {
        let mut values = Self::default();
        for operation in operations {
            if let Some(value) = written(operation) {
                *values.writers.entry(value).or_default() += 1;
            }
            if let Some(value) = expected(operation) {
                values.name(value);
            }
            if let Some(value) = met(operation) {
                values.name(value);
                values.met.insert(value);
                if ends(operation) {
                    values.ended.insert(value);
                }
            }
        }
        let writers = &values.writers;
        values.ended.retain(|value| writers.get(value) == Some(&1));
        let conflicts = operations.iter().filter(|operation| {
            operation.outcome() == Some(&Outcome::Held(false))
                && expected(operation).is_none_or(|value| !values.ended.contains(value))
        });
        values.last_conflict = conflicts.filter_map(|operation| operation.ended()).max().unwrap_or(0);
        values
    }

    fn name(&mut self, value: &'a str) {
        let next = self.numbers.len() as Value + 1;
        self.numbers.entry(value).or_insert(next);
    }

    fn number(&self, value: &str) -> Value {
        self.numbers.get(value).copied().unwrap_or(UNSEEN)
    }

    fn numbered(&self, value: &Option<String>) -> Option<Value> {
        value.as_deref().map(|value| self.number(value))
    }

    /// Whether a value was met with that only one operation can have written.
    fn was_met(&self, value: &str) -> bool {
        self.writers.get(value) == Some(&1) && self.met.contains(value)
    }

    /// Operations of which one took effect before the other: who wrote a value, who met with it, who ended it.
    fn pairs(&self, operations: &[&Recorded]) -> Vec<(OperationId, OperationId)> {
        let writers: BTreeMap<&str, OperationId> = operations
            .iter()
            .filter_map(|operation| Some((written(operation)?, operation.id)))
            .filter(|(value, _)| self.was_met(value))
            .collect();
        let enders: BTreeMap<&str, OperationId> = operations
            .iter()
            .filter(|operation| ends(operation))
            .filter_map(|operation| Some((met(operation)?, operation.id)))
            .collect();
        let mut pairs = Vec::new();
        for operation in operations {
            let Some((value, writer)) = met(operation).and_then(|value| writers.get_key_value(value)) else { continue };
            pairs.push((*writer, operation.id));
            if let Some(ender) = enders.get(value).filter(|ender| **ender != operation.id && !ends(operation)) {
                pairs.push((operation.id, *ender));
            }
        }
        pairs
    }

    fn is_ambiguous(&self, value: &Option<String>) -> bool {
        value.as_deref().is_some_and(|value| self.writers.get(value).is_some_and(|writers| *writers > 1))
    }
}

fn written(operation: &Recorded) -> Option<&str> {
    match &operation.operation {
        Operation::Set(value) | Operation::Insert(value) | Operation::UpdateIf { value, .. } => Some(value),
        _ => None,
    }
}

/// The value that an operation was told to be there.
fn met(operation: &Recorded) -> Option<&str> {
    match operation.outcome()? {
        Outcome::Value(value) => value.as_deref(),
        Outcome::Held(true) => expected(operation),
        _ => None,
    }
}

/// Whether nothing is left of a value that the operation met with.
fn ends(operation: &Recorded) -> bool {
    !matches!(operation.operation, Operation::Get | Operation::Insert(_))
}

/// The value, not the absence of one, that a comparison looks for.
fn expected(operation: &Recorded) -> Option<&str> {
    match &operation.operation {
        Operation::UpdateIf { expected, .. } | Operation::RemoveIf { expected } => expected.as_deref(),
        _ => None,
    }
}

/// The steps to be ordered. What the results say of operations without one is used beforehand, which keeps the search
/// small and changes no verdict:
///
/// - Who alone wrote a value that was met with did so before that was told.
/// - A comparison with a value that is known to have ended otherwise took no effect.
/// - A value that nobody met with need not have been written, unless it may be why a comparison did not hold: whoever
///   came next either was told the value, or does the same whatever was there, or need not have taken effect.
/// - Operations that are alike can exchange their places, up to their invocations.
pub fn prepare(operations: &[&Recorded]) -> Vec<Placed<Step>> {
    let values = Values::of(operations);
    let writes = || operations.iter().copied().filter(|operation| operation.operation != Operation::Get);
    let pipelining = pipelining(writes());
    let mut lines = Lines::new();
    let mut steps = Vec::new();
    let mut places = BTreeMap::new();
    for operation in operations {
        let Recorded { client, invoked, .. } = **operation;
        let mut step = step(operation, &values);
        let ended = operation.ended();
        let is_write = operation.operation != Operation::Get;
        let mut turn =
            (ended.is_some() && is_write && pipelining.contains(&client)).then(|| lines.next(Line::Client(client)));
        if ended.is_none() {
            let value = written(operation);
            let is_needless =
                value.is_some_and(|value| values.number(value) == UNSEEN) && values.last_conflict < invoked;
            if value.is_some_and(|value| values.was_met(value)) {
                step.certain = true;
            } else if !is_write || is_needless || expected(operation).is_some_and(|value| values.ended.contains(value))
            {
                continue;
            } else {
                turn = Some(lines.next(Line::Alike(step.clone())));
            }
        }
        places.insert(operation.id, steps.len());
        steps.push(Placed { step, invoked, ended, turn });
    }
    let mut pairs = in_line(&steps);
    pairs.extend(values.pairs(operations).iter().filter_map(|(a, b)| Some((*places.get(a)?, *places.get(b)?))));
    narrow(&mut steps, &pairs);
    steps
}

fn step(operation: &Recorded, values: &Values<'_>) -> Step {
    let outcome = operation.outcome();
    let told = match outcome {
        Some(Outcome::Value(value)) => Some(Before::Is(values.numbered(value))),
        _ => None,
    };
    let value = written(operation).map(|value| values.number(value));
    let (before, then) = match &operation.operation {
        Operation::Set(_) => (told.unwrap_or(Before::Any), Some(value)),
        Operation::Insert(_) => match told {
            Some(Before::Is(Some(there))) => (Before::Is(Some(there)), None),
            _ => (Before::Is(None), Some(value)),
        },
        // With values that come again, a key may have been touched and hold what is expected.
        Operation::UpdateIf { expected, .. } | Operation::RemoveIf { expected }
            if outcome == Some(&Outcome::Held(false)) =>
        {
            let unlike = Before::IsNot(values.numbered(expected));
            (if values.is_ambiguous(expected) { Before::Any } else { unlike }, None)
        }
        Operation::UpdateIf { expected, .. } => (Before::Is(values.numbered(expected)), Some(value)),
        Operation::RemoveIf { expected } => (Before::Is(values.numbered(expected)), Some(None)),
        Operation::Remove => (told.unwrap_or(Before::Any), Some(None)),
        Operation::Get | Operation::Push(_) | Operation::Pop | Operation::Clear => (told.unwrap_or(Before::Any), None),
    };
    Step { before, then, certain: outcome.is_some() }
}
