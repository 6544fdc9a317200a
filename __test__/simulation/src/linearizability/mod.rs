//! Whether what clients saw has an explanation: some order of all operations, each taking effect at one moment between
//! its invocation and its end, that gives every result. Each key of a map is checked alone, each queue as a whole.
//!
//! An operation without a result (its outcome is unknown, or it was in flight at the end) may take effect at any moment
//! after its invocation, or never. Writes of one client take effect in the order of their invocations, even when none
//! waited for the one before; those without a result are free of this.
//!
//! What is not checked here: that operations on several keys take effect together, and the order of one client's writes
//! to different keys.
//!
//! The order is found by the search of the crate `todc-utils`; [`search`] alone knows it. The search is complete, but
//! bounded: an object that exceeds the bound is named in [`Summary::undecided`]. For queues there are [`queue_rules`]
//! too, which are never undecided.

mod entry;
mod history;
mod queue;
mod queue_rules;
mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

pub use history::{Ended, History, Operation, OperationId, Outcome, Recorded};
use search::Verdict;

/// What was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub objects: usize,
    pub operations: usize,
    /// Objects whose search exceeded its bound: nothing wrong was found, but it was not ruled out.
    pub undecided: Vec<String>,
}

/// An object whose results have no explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The key, or the queue's id.
    pub object: String,
    pub reason: String,
    /// The operation that has no explanation together with all that ended before it.
    pub culprit: Option<OperationId>,
    /// All operations on the object that were invoked before the culprit ended, in this order.
    pub operations: Vec<Recorded>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is not linearizable: {}", self.object, self.reason)?;
        for operation in &self.operations {
            let mark = if Some(operation.id) == self.culprit { '>' } else { ' ' };
            writeln!(f, "{mark} {operation}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Violation {}

/// Checks every object of a history.
///
/// # Panics
///
/// When a queue was given one item twice: items must be unique to be told apart.
pub fn check(history: &History) -> Result<Summary, Violation> {
    check_within(history, search::STEPS)
}

fn check_within(history: &History, steps: u64) -> Result<Summary, Violation> {
    let mut objects: BTreeMap<&str, Vec<&Recorded>> = BTreeMap::new();
    for operation in history.operations() {
        objects.entry(&operation.key).or_default().push(operation);
    }
    let mut summary = Summary { objects: objects.len(), operations: history.operations().len(), undecided: Vec::new() };
    for (object, operations) in objects {
        let violation = |reason: String, culprit: Option<OperationId>| Violation {
            object: object.to_owned(),
            reason,
            culprit,
            operations: begun_by(&operations, culprit).cloned().collect(),
        };
        if operations[0].operation.is_of_queue()
            && let Err(broken) = queue_rules::check(&operations)
        {
            return Err(violation(broken.reason, Some(broken.culprit)));
        }
        match explain(&operations, steps) {
            Verdict::Explained => {}
            Verdict::Undecided => summary.undecided.push(object.to_owned()),
            Verdict::Impossible => {
                let culprit = first_without_explanation(&operations, steps);
                let reason = "no order of these operations gives these results".to_owned();
                return Err(violation(reason, Some(culprit)));
            }
        }
    }
    Ok(summary)
}

fn explain(operations: &[&Recorded], steps: u64) -> Verdict {
    if operations.first().is_some_and(|operation| operation.operation.is_of_queue()) {
        search::explain::<queue::Queue>(queue::prepare(operations), steps)
    } else {
        search::explain::<entry::Entry>(entry::prepare(operations), steps)
    }
}

fn begun_by<'a>(operations: &[&'a Recorded], culprit: Option<OperationId>) -> impl Iterator<Item = &'a Recorded> {
    let end = operations.iter().find(|operation| Some(operation.id) == culprit).and_then(|operation| operation.ended());
    operations.iter().copied().filter(move |operation| end.is_none_or(|end| operation.invoked < end))
}

/// The operation whose end makes the history inexplicable. Whatever begins a history that can be explained can be
/// explained, so this can be found by halving.
fn first_without_explanation(operations: &[&Recorded], steps: u64) -> OperationId {
    let mut ends: Vec<(u64, OperationId)> =
        operations.iter().filter_map(|operation| Some((operation.ended()?, operation.id))).collect();
    ends.sort_unstable();
    let first = ends.partition_point(|(end, _)| {
        let begun: Vec<Recorded> = operations.iter().filter_map(|operation| operation.as_of(*end)).collect();
        explain(&begun.iter().collect::<Vec<_>>(), steps) != Verdict::Impossible
    });
    ends[first.min(ends.len() - 1)].1
}
