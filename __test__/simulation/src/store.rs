//! The users' store behind the remote maps, which all peers call: slow, and in bad times worse than that. It refuses what
//! comes from an earlier epoch or term than it has seen. An exact one also hands the epochs out, remembers what it has
//! carried out, and refuses what comes out of its order; the rules are those of `facade/stores/ExactStore.ts`.

use std::collections::BTreeMap;

use hamok::ports::Handle;
use hamok::state_machine::effect::RequestId;
use hamok::wire::GridId;
use hamok::wire::blob::Blob;
use hamok::wire::command::{Outcome, RemoteMethod, RemoteOperation};

use crate::model::Id;
use crate::random::Rng;

/// Chances in a thousand.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    pub delay_ms: (u64, u64),
    pub fails: u64,
    /// Neither does anything nor answers.
    pub hangs: u64,
    /// Does it, and fails.
    pub fails_after: u64,
    /// Does it, and never answers.
    pub hangs_after: u64,
}

impl Trouble {
    pub fn none() -> Self {
        Self { delay_ms: (1, 8), fails: 0, hangs: 0, fails_after: 0, hangs_after: 0 }
    }
}

/// Who executes what, as a store sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stamp {
    pub process: usize,
    pub handle: Handle,
    pub grid: GridId,
    /// Epoch and term: a store refuses what is older than what it has seen.
    pub fence: (u64, u64),
    /// Place in the order of the grid.
    pub place: u64,
    /// Names the operation.
    pub request: RequestId,
    pub position: u64,
    pub attempt: u8,
    pub id: Option<Id>,
}

#[derive(Debug, Clone)]
pub enum StoreCall {
    Get(Blob),
    Set(Blob, Blob),
    Remove(Blob),
    /// Of an exact store: all of an operation at once…
    Apply(RemoteOperation),
    /// …and the epoch of a claim.
    Acquire(String),
}

/// What a call gives.
#[derive(Debug, Clone)]
pub enum Given {
    Found(Option<Blob>),
    Outcome(Outcome),
    Epoch(u64),
}

impl Given {
    pub fn found(&self) -> Option<&Blob> {
        match self {
            Self::Found(found) => found.as_ref(),
            _ => None,
        }
    }
}

/// Why a call gives nothing.
#[derive(Debug, Clone)]
pub enum Refusal {
    Failed(&'static str),
    /// A later leader has called.
    Stale,
}

impl Refusal {
    pub fn text(&self) -> &'static str {
        match self {
            Self::Failed(text) => text,
            Self::Stale => "a later leader has called",
        }
    }
}

/// A change that a call has made.
#[derive(Debug, Clone)]
pub struct Written {
    pub stamp: Stamp,
    pub key: Blob,
    pub value: Option<Blob>,
}

/// What a process gets.
#[derive(Debug, Clone)]
pub struct StoreReply {
    pub process: usize,
    pub call: u64,
    pub result: Result<Given, Refusal>,
}

enum Stage {
    Act(Stamp, StoreCall, bool),
    Answer(StoreReply),
}

pub struct Store {
    rng: Rng,
    pub trouble: Trouble,
    pub content: BTreeMap<Handle, BTreeMap<Blob, Blob>>,
    fences: BTreeMap<Handle, (u64, u64)>,
    /// The highest place that was carried out in the present epoch.
    places: BTreeMap<Handle, (u64, u64)>,
    records: BTreeMap<(Handle, RequestId), Outcome>,
    /// The claims that have an epoch, which is one more than their place here.
    claims: BTreeMap<Handle, Vec<String>>,
    /// An operation whose place was taken, though nobody has given it up.
    pub misplaced: Option<Stamp>,
    agenda: BTreeMap<(u64, u64), Stage>,
    calls: u64,
    /// Who has called since the last look.
    pub called: Vec<Stamp>,
    /// What has been changed since the last look.
    pub written: Vec<Written>,
}

impl Store {
    pub fn new(rng: Rng) -> Self {
        Self {
            rng,
            trouble: Trouble::none(),
            content: BTreeMap::new(),
            fences: BTreeMap::new(),
            places: BTreeMap::new(),
            records: BTreeMap::new(),
            claims: BTreeMap::new(),
            misplaced: None,
            agenda: BTreeMap::new(),
            calls: 0,
            called: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Gives the call's number.
    pub fn call(&mut self, now_ms: u64, stamp: Stamp, call: StoreCall) -> u64 {
        self.calls += 1;
        self.called.push(stamp);
        let (low, high) = self.trouble.delay_ms;
        let acts_at = now_ms + self.rng.between(low, high);
        let fails =
            |error| StoreReply { process: stamp.process, call: self.calls, result: Err(Refusal::Failed(error)) };
        let die = self.rng.below(1_000);
        let Trouble { fails: failing, hangs, fails_after, hangs_after, .. } = self.trouble;
        let number = self.calls;
        if die < failing {
            self.agenda.insert((acts_at, 2 * number), Stage::Answer(fails("the store fails")));
        } else if die < failing + hangs {
        } else if die < failing + hangs + fails_after {
            self.agenda.insert((acts_at + high, 2 * number + 1), Stage::Answer(fails("the connection broke")));
            self.agenda.insert((acts_at, 2 * number), Stage::Act(stamp, call, false));
        } else {
            let answers = die >= failing + hangs + fails_after + hangs_after;
            self.agenda.insert((acts_at, 2 * number), Stage::Act(stamp, call, answers));
        }
        number
    }

    /// Does what is due; gives the answers.
    pub fn turn(&mut self, now_ms: u64) -> Vec<StoreReply> {
        let mut replies = Vec::new();
        while let Some(entry) = self.agenda.first_entry()
            && entry.key().0 <= now_ms
        {
            let number = entry.key().1 / 2;
            match entry.remove() {
                Stage::Answer(reply) => replies.push(reply),
                Stage::Act(stamp, call, answers) => {
                    let result = self.act(stamp, call);
                    if answers {
                        replies.push(StoreReply { process: stamp.process, call: number, result });
                    }
                }
            }
        }
        replies
    }

    fn act(&mut self, stamp: Stamp, call: StoreCall) -> Result<Given, Refusal> {
        if let StoreCall::Acquire(claim) = call {
            return Ok(Given::Epoch(self.acquire(stamp.handle, claim)));
        }
        let fence = self.fences.entry(stamp.handle).or_default();
        if stamp.fence < *fence {
            return Err(Refusal::Stale);
        }
        *fence = stamp.fence;
        match call {
            StoreCall::Get(key) => Ok(Given::Found(self.get(stamp.handle, &key))),
            StoreCall::Set(key, value) => Ok(Given::Found(self.write(stamp, key, Some(value)))),
            StoreCall::Remove(key) => Ok(Given::Found(self.write(stamp, key, None))),
            StoreCall::Apply(operation) => self.apply(stamp, &operation).map(Given::Outcome),
            StoreCall::Acquire(_) => Err(Refusal::Failed("done above")),
        }
    }

    /// Each claim has the same epoch whenever it is made, and a higher one than all before it.
    fn acquire(&mut self, handle: Handle, claim: String) -> u64 {
        let claims = self.claims.entry(handle).or_default();
        let place = claims.iter().position(|known| *known == claim).unwrap_or_else(|| {
            claims.push(claim);
            claims.len() - 1
        });
        place as u64 + 1
    }

    fn apply(&mut self, stamp: Stamp, operation: &RemoteOperation) -> Result<Outcome, Refusal> {
        let Stamp { handle, request, .. } = stamp;
        if let Some(recorded) = self.records.get(&(handle, request)) {
            return Ok(recorded.clone());
        }
        let place = (stamp.fence.0, stamp.place);
        let last = self.places.entry(handle).or_default();
        if place < *last {
            self.misplaced = self.misplaced.or(Some(stamp));
            return Err(Refusal::Failed("its place is taken"));
        }
        *last = place;
        let RemoteOperation { method, keys, values } = operation;
        let (key, value) = (keys[0].clone(), values.first().cloned());
        let before = self.get(handle, &key);
        let told = |before: Option<Blob>| Outcome::Entries(before.map(|it| (0, Some(it))).into_iter().collect());
        let outcome = match (method, before) {
            (RemoteMethod::Insert, Some(before)) => told(Some(before)),
            (RemoteMethod::UpdateIf, before) if before.is_none() || before.as_ref() != values.get(1) => told(None),
            (RemoteMethod::Remove | RemoteMethod::Delete, _) => told(self.write(stamp, key, None)),
            (RemoteMethod::UpdateIf, _) => {
                self.write(stamp, key, value);
                Outcome::Entries(vec![(0, None)])
            }
            _ => told(self.write(stamp, key, value)),
        };
        self.records.insert((handle, request), outcome.clone());
        Ok(outcome)
    }

    fn get(&self, handle: Handle, key: &Blob) -> Option<Blob> {
        self.content.get(&handle)?.get(key).cloned()
    }

    /// Gives what was there before.
    fn write(&mut self, stamp: Stamp, key: Blob, value: Option<Blob>) -> Option<Blob> {
        self.written.push(Written { stamp, key: key.clone(), value: value.clone() });
        let content = self.content.entry(stamp.handle).or_default();
        match value {
            Some(value) => content.insert(key, value),
            None => content.remove(&key),
        }
    }
}
