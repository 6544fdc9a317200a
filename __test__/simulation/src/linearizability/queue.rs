//! What one queue does, as `state_machine::queue` defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::history::{Operation, Outcome, Recorded};
use super::search::{Line, Lines, Model, Placed, in_line, narrow, pipelining};

/// Items by number.
type Item = u32;

/// All items that nobody was told to have taken: nothing tells them apart.
const UNTOLD: Item = 0;

#[derive(Debug, Clone)]
pub struct Queue;

#[derive(Debug, Clone)]
pub enum Step {
    Push {
        items: Vec<Item>,
        leaves: Arc<Leaves>,
    },
    /// With its result.
    Pop(Option<Item>),
    /// Whether it took something is not known.
    PopUnknown,
    Clear,
}

/// How items leave.
#[derive(Debug, Default)]
pub struct Leaves {
    /// When each told item left, at the earliest and the latest, by number. The first stands for all others.
    times: Vec<(u64, u64)>,
    /// When pops without a result were invoked.
    unknown_pops: Vec<u64>,
}

impl Leaves {
    /// First in, first out: an item that left before another could was pushed before it.
    fn may_follow(&self, item: Item, other: Item) -> bool {
        self.times[item as usize].1 >= self.times[other as usize].0
    }

    /// Whether pops without a result can take what nobody was told to have taken, so that this item can be.
    fn may_wait_behind(&self, item: Item, state: &Waiting) -> bool {
        let ahead = state.items.iter().filter(|other| **other == UNTOLD).count();
        let latest = self.times[item as usize].1;
        let pops = self.unknown_pops.iter().filter(|invoked| **invoked < latest).count();
        item == UNTOLD || ahead + state.taken <= pops
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Waiting {
    items: Vec<Item>,
    /// By pops without a result.
    taken: usize,
}

impl Model for Queue {
    type State = Waiting;
    type Step = Step;

    fn apply(state: &Waiting, step: &Step) -> Option<Waiting> {
        let mut state = state.clone();
        let head = state.items.first().copied();
        match step {
            Step::Push { items, leaves } => {
                for item in items {
                    let fits = state.items.iter().all(|other| leaves.may_follow(*item, *other));
                    if !fits || !leaves.may_wait_behind(*item, &state) {
                        return None;
                    }
                    state.items.push(*item);
                }
            }
            Step::Pop(item) if head != *item => return None,
            // Others were told that they took these.
            Step::PopUnknown if head.is_some_and(|head| head != UNTOLD) => return None,
            Step::Clear if state.items.iter().any(|item| *item != UNTOLD) => return None,
            Step::Clear => state.items.clear(),
            Step::Pop(_) | Step::PopUnknown if head.is_none() => {}
            Step::Pop(_) => drop(state.items.remove(0)),
            Step::PopUnknown => {
                state.items.remove(0);
                state.taken += 1;
            }
        }
        Some(state)
    }
}

/// The steps to be ordered. What the results say of operations without one is used beforehand, which keeps the search
/// small and changes no verdict:
///
/// - A push whose item was taken took effect before that was told; one of whose items nobody was told need not have.
/// - Operations that are alike can exchange their places, up to their invocations.
///
/// # Panics
///
/// When an item was pushed twice.
pub fn prepare(operations: &[&Recorded]) -> Vec<Placed<Step>> {
    let mut items = BTreeSet::new();
    for item in operations.iter().flat_map(|operation| pushed(operation)) {
        assert!(items.insert(item), "the item {item} is pushed twice");
    }
    let silent = operations.iter().filter(|operation| is_silent(operation)).map(|operation| operation.invoked).min();
    let mut times = vec![(silent.unwrap_or(u64::MAX), u64::MAX)];
    let mut told: BTreeMap<&str, Item> = BTreeMap::new();
    for operation in operations {
        if let (Some(Outcome::Value(Some(item))), Some(ended)) = (operation.outcome(), operation.ended()) {
            told.insert(item, times.len() as Item);
            times.push((operation.invoked, ended));
        }
    }
    let number = |item: &str| told.get(item).map_or(UNTOLD, |number| *number);
    let pipelining = pipelining(operations.iter().copied());
    let mut lines = Lines::new();
    let mut steps = Vec::new();
    for operation in operations {
        let Recorded { client, invoked, .. } = **operation;
        let ended = operation.ended();
        let mut turn = (ended.is_some() && pipelining.contains(&client)).then(|| lines.next(Line::Client(client)));
        let step = match (&operation.operation, operation.outcome()) {
            (Operation::Push(items), outcome) => {
                let items: Vec<Item> = items.iter().map(|item| number(item)).collect();
                if outcome.is_none() && items.iter().all(|item| *item == UNTOLD) {
                    continue;
                }
                Step::Push { items, leaves: Arc::default() }
            }
            (Operation::Pop, Some(Outcome::Value(item))) => Step::Pop(item.as_deref().map(number)),
            (Operation::Pop, _) => Step::PopUnknown,
            _ => Step::Clear,
        };
        if ended.is_none() && !matches!(step, Step::Push { .. }) {
            turn = Some(lines.next(Line::Alike(matches!(step, Step::PopUnknown))));
        }
        steps.push(Placed { step, invoked, ended, turn });
    }
    let stays = stays(&steps);
    loop {
        let mut pairs = in_line(&steps);
        pairs.extend(stays.iter().copied());
        pairs.extend(followers(&steps, &stays));
        if !narrow(&mut steps, &pairs) {
            break;
        }
    }
    for (_, pop) in &stays {
        if let (Step::Pop(Some(item)), Some(ended)) = (&steps[*pop].step, steps[*pop].ended) {
            times[*item as usize] = (steps[*pop].invoked, ended);
        }
    }
    let silent_pops =
        operations.iter().filter(|operation| operation.operation == Operation::Pop && is_silent(operation));
    let unknown_pops = silent_pops.map(|operation| operation.invoked).collect();
    let all = Arc::new(Leaves { times, unknown_pops });
    for placed in &mut steps {
        if let Step::Push { leaves, .. } = &mut placed.step {
            *leaves = all.clone();
        }
    }
    steps
}

/// The push and the pop of each item that was told.
fn stays(steps: &[Placed<Step>]) -> Vec<(usize, usize)> {
    let mut pushes = BTreeMap::new();
    for (place, placed) in steps.iter().enumerate() {
        if let Step::Push { items, .. } = &placed.step {
            pushes.extend(items.iter().map(|item| (*item, place)));
        }
    }
    let pops = steps.iter().enumerate().filter_map(|(place, placed)| match placed.step {
        Step::Pop(Some(item)) => Some((*pushes.get(&item)?, place)),
        _ => None,
    });
    pops.collect()
}

/// Who came first leaves first, and who left first came first.
fn followers(steps: &[Placed<Step>], stays: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let is_before = |one: usize, other: usize| steps[one].ended.is_some_and(|ended| ended < steps[other].invoked);
    let mut pairs = Vec::new();
    for (push, pop) in stays {
        for (other_push, other_pop) in stays {
            if is_before(*push, *other_push) {
                pairs.push((*pop, *other_pop));
            }
            if push != other_push && is_before(*pop, *other_pop) {
                pairs.push((*push, *other_push));
            }
        }
    }
    pairs
}

/// The items that an operation pushes.
pub fn pushed(operation: &Recorded) -> impl Iterator<Item = &str> {
    let items: &[String] = match &operation.operation {
        Operation::Push(items) => items,
        _ => &[],
    };
    items.iter().map(String::as_str)
}

/// Whether an operation may take items without telling which.
pub fn is_silent(operation: &Recorded) -> bool {
    match operation.operation {
        Operation::Pop => operation.outcome().is_none(),
        Operation::Clear => true,
        _ => false,
    }
}
