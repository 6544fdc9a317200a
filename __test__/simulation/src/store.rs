//! The users' store behind the remote maps, which all peers call: slow, and in bad times worse than that.

use std::collections::BTreeMap;

use hamok::ports::Handle;
use hamok::wire::GridId;
use hamok::wire::blob::Blob;

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
    /// The epoch of the executing peer's grid, and its term: a store refuses what is older than what it has seen.
    pub fence: (u64, u64),
    pub position: u64,
    pub attempt: u8,
    pub id: Option<Id>,
}

#[derive(Debug, Clone)]
pub enum StoreCall {
    Get(Blob),
    Set(Blob, Blob),
    Remove(Blob),
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
    pub result: Result<Option<Blob>, String>,
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
        let fails = |error: &str| StoreReply { process: stamp.process, call: self.calls, result: Err(error.into()) };
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

    fn act(&mut self, stamp: Stamp, call: StoreCall) -> Result<Option<Blob>, String> {
        let fence = self.fences.entry(stamp.handle).or_default();
        if stamp.fence < *fence {
            return Err("a newer leader has called".into());
        }
        *fence = stamp.fence;
        let content = self.content.entry(stamp.handle).or_default();
        match call {
            StoreCall::Get(key) => Ok(content.get(&key).cloned()),
            StoreCall::Set(key, value) => {
                self.written.push(Written { stamp, key: key.clone(), value: Some(value.clone()) });
                Ok(content.insert(key, value))
            }
            StoreCall::Remove(key) => {
                self.written.push(Written { stamp, key: key.clone(), value: None });
                Ok(content.remove(&key))
            }
        }
    }
}
