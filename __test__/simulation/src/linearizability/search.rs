//! The search for an order, done by a crate that nothing else here knows.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History as Checked};
use todc_utils::specifications::Specification;

use super::history::Recorded;

/// The most steps of a search: about a tenth of a second where the compiler optimises.
pub const STEPS: u64 = 100_000;

/// What one object does, seen from outside.
pub trait Model: Clone + Debug + Send + Sync + 'static {
    type State: Clone + Debug + Default + Eq + Hash + Send + Sync;
    type Step: Clone + Debug + Send + Sync;

    /// The state after a step; none if the step's result does not fit the state.
    fn apply(state: &Self::State, step: &Self::Step) -> Option<Self::State>;
}

/// A step that is to find its place.
#[derive(Debug, Clone)]
pub struct Placed<S> {
    pub step: S,
    pub invoked: u64,
    /// None for what may take effect at any later time, or never: a step at the end of all is as good as none.
    pub ended: Option<u64>,
    /// Steps of one line take effect in order of their turns.
    pub turn: Option<Turn>,
}

impl<S> Placed<S> {
    fn cannot_be(&self) -> bool {
        self.ended.is_some_and(|ended| ended < self.invoked)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    pub line: usize,
    pub number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Explained,
    Impossible,
    /// The search was given up.
    Undecided,
}

/// Lines of steps that must keep their order.
#[derive(Debug)]
pub struct Lines<K: Ord> {
    known: BTreeMap<Line<K>, Turn>,
}

impl<K: Ord> Lines<K> {
    pub fn new() -> Self {
        Self { known: BTreeMap::new() }
    }

    /// The next turn in a line.
    pub fn next(&mut self, line: Line<K>) -> Turn {
        let fresh = Turn { line: self.known.len(), number: 0 };
        let next = self.known.entry(line).or_insert(fresh);
        let turn = *next;
        next.number += 1;
        turn
    }
}

/// Narrows the times of steps of which one is known to take effect before the other; gives whether that told anything.
/// The fewer steps overlap, the smaller is the search.
pub fn narrow<S>(steps: &mut [Placed<S>], pairs: &[(usize, usize)]) -> bool {
    let mut narrowed = false;
    let mut changes = true;
    while changes {
        changes = false;
        for (earlier, later) in pairs {
            let (invoked, ended) = (steps[*earlier].invoked, steps[*later].ended);
            if steps[*later].invoked < invoked {
                steps[*later].invoked = invoked;
                changes = true;
            }
            if ended.is_some_and(|ended| steps[*earlier].ended.is_none_or(|own| own > ended)) {
                steps[*earlier].ended = ended;
                changes = true;
            }
        }
        // Times that cannot be would narrow each other for ever.
        changes &= !steps.iter().any(Placed::cannot_be);
        narrowed |= changes;
    }
    narrowed
}

/// Steps of one line that follow each other.
pub fn in_line<S>(steps: &[Placed<S>]) -> Vec<(usize, usize)> {
    let mut last = BTreeMap::new();
    let standing = steps.iter().enumerate().filter_map(|(place, step)| Some((place, step.ended.and(step.turn)?.line)));
    standing.filter_map(|(place, line)| Some((last.insert(line, place)?, place))).collect()
}

/// Who stands in line: a client's writes that have ended, and steps without an end that are alike in all but their
/// invocations, of which the search need not try all orders.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line<K: Ord> {
    Client(u64),
    Alike(K),
}

/// Clients that invoked a write before the one before it had ended: only their order is not told by time alone.
pub fn pipelining<'a>(writes: impl Iterator<Item = &'a Recorded>) -> Vec<u64> {
    let mut last_end: BTreeMap<u64, u64> = BTreeMap::new();
    let mut clients = Vec::new();
    for write in writes {
        let Some(ended) = write.ended() else { continue };
        let last = last_end.entry(write.client).or_default();
        if *last > write.invoked && !clients.contains(&write.client) {
            clients.push(write.client);
        }
        *last = ended.max(*last);
    }
    clients
}

#[derive(Debug, Clone)]
struct Adapter<M>(PhantomData<M>);

#[derive(Debug, Clone)]
struct Attempt<M: Model> {
    placed: Placed<M::Step>,
    /// How many steps have an end.
    all_ended: usize,
    steps_left: Arc<AtomicU64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Reached<S> {
    state: S,
    /// How many of the steps that have an end were taken.
    ended: usize,
    /// How many of each line have had their turn.
    turns: Vec<u32>,
}

impl<M: Model> Specification for Adapter<M> {
    type State = Reached<M::State>;
    type Operation = Arc<Attempt<M>>;

    fn init() -> Self::State {
        Reached { state: M::State::default(), ended: 0, turns: Vec::new() }
    }

    fn apply(attempt: &Self::Operation, reached: &Self::State) -> (bool, Self::State) {
        // Without steps left nothing fits any more, so the search comes to its end.
        let left = attempt.steps_left.load(Ordering::Relaxed);
        attempt.steps_left.store(left.saturating_sub(1), Ordering::Relaxed);
        let placed = &attempt.placed;
        let had = |line: usize| reached.turns.get(line).copied().unwrap_or(0);
        if left == 0 || placed.turn.is_some_and(|turn| had(turn.line) != turn.number) {
            return (false, reached.clone());
        }
        let Some(state) = M::apply(&reached.state, &placed.step) else { return (false, reached.clone()) };
        // What changes nothing and needs no place has it at the end of all.
        if placed.ended.is_none() && state == reached.state && reached.ended < attempt.all_ended {
            return (false, reached.clone());
        }
        let mut turns = reached.turns.clone();
        if let Some(Turn { line, number }) = placed.turn {
            turns.resize(turns.len().max(line + 1), 0);
            turns[line] = number + 1;
        }
        let ended = reached.ended + usize::from(placed.ended.is_some());
        (true, Reached { state, ended, turns })
    }
}

/// Looks for an order of all these steps.
pub fn explain<M: Model>(steps: Vec<Placed<M::Step>>, most: u64) -> Verdict {
    if steps.is_empty() {
        return Verdict::Explained;
    }
    if steps.iter().any(Placed::cannot_be) {
        return Verdict::Impossible;
    }
    let steps_left = Arc::new(AtomicU64::new(most));
    let all_ended = steps.iter().filter(|placed| placed.ended.is_some()).count();
    let mut actions = Vec::new();
    for (number, placed) in steps.into_iter().enumerate() {
        let (invoked, ended) = (placed.invoked, placed.ended.unwrap_or(u64::MAX));
        let attempt = Arc::new(Attempt::<M> { placed, all_ended, steps_left: steps_left.clone() });
        actions.push((invoked, (number, Action::Call(attempt.clone()))));
        actions.push((ended, (number, Action::Response(attempt))));
    }
    actions.sort_by_key(|(moment, _)| *moment);
    let actions = actions.into_iter().map(|(_, action)| action).collect();
    if WGLChecker::<Adapter<M>>::is_linearizable(Checked::from_actions(actions)) {
        Verdict::Explained
    } else if steps_left.load(Ordering::Relaxed) == 0 {
        Verdict::Undecided
    } else {
        Verdict::Impossible
    }
}
