//! What clients asked and what they were told.

use std::fmt;

/// Operations are numbered in the order of their invocations.
pub type OperationId = usize;

/// Values of one key should be unique, each written by one operation: then more wrong histories can be told from right
/// ones, and faster. The items of a queue must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `Done`, or the value that was there before.
    Set(String),
    /// The value that was there already; none if it was inserted.
    Insert(String),
    /// `Held(false)` when the key was touched since the caller looked at it, and held what is expected.
    UpdateIf {
        expected: Option<String>,
        value: String,
    },
    RemoveIf {
        expected: Option<String>,
    },
    /// `Done`, or the value that was removed.
    Remove,
    /// The value after a barrier.
    Get,
    Push(Vec<String>),
    /// The head that was taken; none if there was none.
    Pop,
    /// Of a queue.
    Clear,
}

impl Operation {
    pub fn is_of_queue(&self) -> bool {
        matches!(self, Self::Push(_) | Self::Pop | Self::Clear)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Value(Option<String>),
    /// Whether a comparison held.
    Held(bool),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Nobody knows, or will know, what became of it.
    Unknown,
    With {
        outcome: Outcome,
        order: u64,
        at_ms: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub id: OperationId,
    pub client: u64,
    pub key: String,
    pub operation: Operation,
    /// Orders invocations and ends, since many may share a millisecond.
    pub invoked: u64,
    pub invoked_at_ms: u64,
    pub end: Ended,
}

impl Recorded {
    pub fn ended(&self) -> Option<u64> {
        match &self.end {
            Ended::With { order, .. } => Some(*order),
            Ended::Unknown => None,
        }
    }

    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.end {
            Ended::With { outcome, .. } => Some(outcome),
            Ended::Unknown => None,
        }
    }

    /// What one knew of it at a moment.
    pub(super) fn as_of(&self, moment: u64) -> Option<Self> {
        let known = self.ended().is_some_and(|end| end <= moment);
        let end = if known { self.end.clone() } else { Ended::Unknown };
        (self.invoked <= moment).then(|| Self { end, ..self.clone() })
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, client, operation, invoked_at_ms, end, .. } = self;
        let from = format!("#{id} client {client}, {invoked_at_ms}");
        match end {
            Ended::Unknown => write!(f, "{from}.. ms: {operation:?}: unknown"),
            Ended::With { outcome, at_ms, .. } => write!(f, "{from}..{at_ms} ms: {operation:?}: {outcome:?}"),
        }
    }
}

/// Records in the order in which things happen: of two calls of its methods, the earlier one is what happened first.
/// Whatever was invoked and neither completed nor called unknown counts as unknown.
#[derive(Debug, Default)]
pub struct History {
    operations: Vec<Recorded>,
    moments: u64,
}

impl History {
    /// A client is whoever can rely on the order of its own writes: one process with its peer. Keys name objects of the
    /// whole history, so those of several collections need the collection's name in them.
    pub fn invoke(&mut self, client: u64, key: &str, operation: Operation, at_ms: u64) -> OperationId {
        let id = self.operations.len();
        let invoked = self.moment();
        let key = key.to_owned();
        self.operations.push(Recorded {
            id,
            client,
            key,
            operation,
            invoked,
            invoked_at_ms: at_ms,
            end: Ended::Unknown,
        });
        id
    }

    /// # Panics
    ///
    /// When it has ended already, or an operation of this kind has no such outcome.
    pub fn complete(&mut self, id: OperationId, outcome: Outcome, at_ms: u64) {
        let order = self.moment();
        let recorded = &mut self.operations[id];
        assert_eq!(recorded.end, Ended::Unknown, "{recorded} ends twice");
        let fits = match (&recorded.operation, &outcome) {
            (Operation::Set(_) | Operation::Remove, outcome) => !matches!(outcome, Outcome::Held(_)),
            (Operation::Insert(_) | Operation::Get | Operation::Pop, outcome) => matches!(outcome, Outcome::Value(_)),
            (Operation::UpdateIf { .. } | Operation::RemoveIf { .. }, outcome) => matches!(outcome, Outcome::Held(_)),
            (Operation::Push(_) | Operation::Clear, outcome) => *outcome == Outcome::Done,
        };
        assert!(fits, "{recorded} cannot end with {outcome:?}");
        recorded.end = Ended::With { outcome, order, at_ms };
    }

    /// It may have taken effect, may do so later, or never.
    pub fn unknown(&mut self, id: OperationId) {
        let recorded = &self.operations[id];
        assert_eq!(recorded.end, Ended::Unknown, "{recorded} ends twice");
    }

    pub fn operations(&self) -> &[Recorded] {
        &self.operations
    }

    fn moment(&mut self) -> u64 {
        self.moments += 1;
        self.moments
    }
}
