//! A peer's own requests, from the call to the answer.
//!
//! Requests get their numbers in the order of the calls and keep them until they are settled, however often they have
//! to be sent. See [`crate::state_machine::sessions`] for what the numbers are good for.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use crate::ports::{Handle, Token};
use crate::state_machine::effect::RequestId;
use crate::state_machine::sessions::EndedSession;
use crate::wire::blob::Blob;
use crate::wire::codec;
use crate::wire::command::{CollectionId, Command, Operation, Outcome, RequestBatch, RequestsAgain};
use crate::wire::{GridId, NodeId};

/// The most requests under way at once; more wait in the queue. No more than the outcomes that a session keeps.
const MAX_UNDER_WAY: usize = 32_768;
/// The most bytes of keys and values under way at once: what is sent may have to be sent again.
const MAX_BYTES_UNDER_WAY: usize = 16 * 1024 * 1024;
/// So many requests of callers that have given up stay in the queue, and half of all that are in it.
const MOST_ABANDONED: usize = 1_024;
/// A batch is closed once it has this many operations…
pub const MAX_BATCH_OPERATIONS: u64 = 1_024;
/// …or about this many bytes of keys and values.
const MAX_BATCH_BYTES: usize = 128 * 1024;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    OpenSession,
    Attach(Handle),
    /// Nobody waits for the answer.
    Unwatched,
    Caller(Token),
}

#[derive(Debug)]
struct Request {
    purpose: Purpose,
    operation: Operation,
    /// The name under which it was first asked, in a session that has ended.
    origin: Option<RequestId>,
    /// In its remote map's pending list: applied, but not settled.
    queued_remotely: bool,
    /// What it counts for in the bytes under way.
    weight: usize,
}

/// Consecutive requests, ready to be proposed.
#[derive(Debug)]
pub struct Batch {
    pub first: u64,
    pub count: u64,
    pub command: Blob,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Requests {
    session: Option<NodeId>,
    /// Whether the session is known to be open; until then nothing but its opening is sent, because what its former
    /// session left undone goes first.
    open: bool,
    /// Until the session is open and what its peer had open is attached again: how many of these are still missing.
    opening: Option<usize>,
    /// The number of the next request to be sent for the first time.
    next: u64,
    queue: VecDeque<Request>,
    under_way: BTreeMap<u64, Request>,
    /// How many of them wait for their execution.
    queued_remotely: usize,
    /// The numbers of those under way whose callers wait.
    numbers: HashMap<Token, u64>,
    /// Callers that have given up what is in the queue or set aside.
    abandoned: HashSet<Token>,
    bytes_under_way: usize,
    /// Whether outcomes have come that no batch has confirmed yet.
    unconfirmed: bool,
    grid: GridId,
    /// The last session that is known to have opened, while the present one is not, and its grid.
    former: Option<(NodeId, GridId)>,
    /// Sent under that session, and not settled.
    aside: BTreeMap<u64, Request>,
}

/// Encodes like [`crate::wire::command::Command::Requests`], without copying the operations first.
#[derive(Serialize)]
enum CommandRef<'a> {
    Requests(BatchRef<'a>),
}

#[derive(Serialize)]
struct BatchRef<'a> {
    session: NodeId,
    first: u64,
    settled_below: u64,
    operations: Vec<&'a Operation>,
}

/// A request that a session's end has left without an answer.
pub struct Orphan {
    pub purpose: Purpose,
    pub fate: Fate,
}

pub enum Fate {
    Settled(Arc<Outcome>),
    Unknown,
}

impl Request {
    fn new(purpose: Purpose, operation: Operation) -> Self {
        Self { purpose, operation, origin: None, queued_remotely: false, weight: 0 }
    }
}

impl Requests {
    pub fn session(&self) -> Option<NodeId> {
        self.session
    }

    /// Starts a session. What was sent under the former one is set aside until [`Requests::session_opened`] tells what
    /// became of it; the attachments go before all that waits.
    pub fn start_session(
        &mut self,
        session: NodeId,
        grid: GridId,
        peer_id: &str,
        attachments: Vec<(Purpose, Operation)>,
    ) {
        let last = self.session.replace(session).map(|session| (session, self.grid));
        self.grid = grid;
        let sent = std::mem::take(&mut self.under_way);
        // A session that is not known to have opened has sent nothing but its opening. Whether that was applied in the
        // end, nobody here knows; if it was, the session before it is no more, and the answer is "unknown".
        if self.open {
            self.former = last;
            self.aside = sent;
        }
        let replaces = self.former.map(|(session, _)| session);
        self.open = false;
        self.opening = Some(attachments.len());
        self.next = 0;
        (self.bytes_under_way, self.queued_remotely) = (0, 0);
        self.numbers.clear();
        // Another grid counts its revisions anew: whoever compared with what it saw has to look again.
        self.aside.values_mut().chain(&mut self.queue).for_each(|request| request.operation.forget_revision());
        // The former session's attachments move to this one, so what was closed since has to be detached still.
        let attached = |id: &CollectionId| {
            attachments.iter().any(|(_, it)| matches!(it, Operation::Attach { collection, .. } if collection == id))
        };
        let lasts = |request: &Request| match (&request.purpose, &request.operation) {
            (Purpose::Caller(_), _) => true,
            (_, Operation::Detach { collection }) => !attached(collection),
            _ => false,
        };
        self.aside.retain(|_, request| lasts(request));
        self.queue.retain(lasts);
        for (purpose, operation) in attachments.into_iter().rev() {
            self.queue.push_front(Request::new(purpose, operation));
        }
        let operation = Operation::OpenSession { peer_id: peer_id.to_owned(), replaces };
        self.queue.push_front(Request::new(Purpose::OpenSession, operation));
    }

    /// The grid of the session that the present one replaces.
    pub fn former_grid(&self) -> Option<GridId> {
        self.former.map(|(_, grid)| grid)
    }

    /// Counts the opening of the session and what it attaches; `true` when that was the last of it.
    pub fn opened_further(&mut self, purpose: &Purpose) -> bool {
        if let (Some(missing), Purpose::Attach(_)) = (&mut self.opening, purpose) {
            *missing = missing.saturating_sub(1);
        }
        let complete = self.open && self.opening == Some(0);
        if complete {
            self.opening = None;
        }
        complete
    }

    /// The session is open. What its former one had applied is settled now; what it had not will be asked again, first
    /// of all and in its old order. Without `ended` nobody knows what it had applied.
    pub fn session_opened(&mut self, ended: Option<EndedSession>) -> Vec<Orphan> {
        self.open = true;
        let former = self.former.map(|(session, _)| session);
        let mut orphans = Vec::new();
        let mut again = Vec::new();
        for (number, mut request) in std::mem::take(&mut self.aside) {
            let given_up = matches!(request.purpose, Purpose::Caller(token) if self.abandoned.remove(&token));
            match &ended {
                _ if given_up => {}
                Some(ended) if number >= ended.next => {
                    request.origin = request.origin.or(former.map(|session| RequestId { session, number }));
                    again.push(request);
                }
                Some(ended) => {
                    let fate = ended.outcomes.get(&number).cloned().map_or(Fate::Unknown, Fate::Settled);
                    orphans.push(Orphan { purpose: request.purpose, fate });
                }
                None => orphans.push(Orphan { purpose: request.purpose, fate: Fate::Unknown }),
            }
        }
        let attachments = self.queue.iter().take_while(|it| !matches!(it.purpose, Purpose::Caller(_))).count();
        for (offset, request) in again.into_iter().enumerate() {
            self.queue.insert(attachments + offset, request);
        }
        orphans
    }

    pub fn push(&mut self, purpose: Purpose, operation: Operation) {
        self.queue.push_back(Request::new(purpose, operation));
    }

    /// Takes requests from the queue and numbers them.
    pub fn take_batch(&mut self) -> Option<Batch> {
        let session = self.session?;
        let first = self.next;
        let mut bytes = 0;
        while !self.queue.is_empty() {
            let full = self.next - first >= MAX_BATCH_OPERATIONS || bytes >= MAX_BATCH_BYTES;
            let too_early = !self.open && self.next > 0;
            let unapplied = self.under_way.len() - self.queued_remotely;
            let enough = unapplied >= MAX_UNDER_WAY || self.bytes_under_way >= MAX_BYTES_UNDER_WAY;
            if full || too_early || enough {
                break;
            }
            let Some(mut request) = self.queue.pop_front() else { break };
            if let Purpose::Caller(token) = request.purpose {
                if self.abandoned.remove(&token) {
                    continue;
                }
                self.numbers.insert(token, self.next);
            }
            request.weight = request.operation.size();
            bytes += request.weight;
            self.bytes_under_way += request.weight;
            self.under_way.insert(self.next, request);
            self.next += 1;
        }
        if self.queue.is_empty() && self.aside.is_empty() {
            self.abandoned.clear();
        }
        self.encode(session, first, self.next)
    }

    /// What was sent before, from the request `from` on, to be sent again.
    pub fn resend(&self, from: u64) -> Vec<Batch> {
        let Some(session) = self.session else { return Vec::new() };
        let mut batches = Vec::new();
        let mut rest = self.under_way.range(from..).peekable();
        while let Some((first, _)) = rest.peek() {
            let first = **first;
            let (mut end, mut bytes) = (first, 0);
            while let Some((_, request)) = rest.next_if(|(number, _)| **number == end) {
                end += 1;
                bytes += request.operation.size();
                if end - first >= MAX_BATCH_OPERATIONS || bytes >= MAX_BATCH_BYTES {
                    break;
                }
            }
            batches.extend(self.encode(session, first, end));
        }
        batches
    }

    fn encode(&self, session: NodeId, first: u64, end: u64) -> Option<Batch> {
        let operations: Vec<&Operation> = self.under_way.range(first..end).map(|(_, it)| &it.operation).collect();
        if operations.is_empty() {
            return None;
        }
        let count = operations.len() as u64;
        let settled_below = self.under_way.first_key_value().map_or(first, |(number, _)| *number);
        let origins: Vec<_> = self.under_way.range(first..end).map(|(_, it)| it.origin).collect();
        let command = if origins.iter().any(Option::is_some) {
            let operations = operations.into_iter().cloned().collect();
            let batch = RequestBatch { session, first, settled_below, operations };
            codec::encode(&Command::RequestsAgain(RequestsAgain { batch, origins }))
        } else {
            codec::encode(&CommandRef::Requests(BatchRef { session, first, settled_below, operations }))
        };
        Some(Batch { first, count, command: Blob::from(command) })
    }

    /// Whether something was sent that has not applied here yet.
    pub fn awaits_application(&self, session_next: u64) -> bool {
        session_next < self.next
    }

    pub fn settle(&mut self, number: u64) -> Option<Purpose> {
        let request = self.under_way.remove(&number)?;
        self.bytes_under_way -= request.weight;
        self.queued_remotely -= usize::from(request.queued_remotely);
        if let Purpose::Caller(token) = request.purpose {
            self.numbers.remove(&token);
            self.unconfirmed = true;
        }
        Some(request.purpose)
    }

    pub fn queued_remotely(&mut self, number: u64) {
        if let Some(request) = self.under_way.get_mut(&number) {
            self.queued_remotely += usize::from(!std::mem::replace(&mut request.queued_remotely, true));
            self.bytes_under_way -= std::mem::take(&mut request.weight);
        }
    }

    /// Which caller of this peer waits for a request.
    pub fn token_of(&self, request: RequestId) -> Option<Token> {
        let own = self.session().filter(|session| *session == request.session);
        match self.under_way.get(&own.map(|_| request.number)?)?.purpose {
            Purpose::Caller(token) => Some(token),
            _ => None,
        }
    }

    /// The caller has given up: what has not been sent will be dropped, what may have to be sent again becomes nothing.
    pub fn abandon(&mut self, token: Token) {
        match self.numbers.remove(&token).and_then(|number| self.under_way.get_mut(&number)) {
            Some(request) => {
                request.purpose = Purpose::Unwatched;
                if !request.queued_remotely {
                    request.operation = Operation::Nothing;
                }
            }
            None if self.queue.is_empty() && self.aside.is_empty() => {}
            None => {
                self.abandoned.insert(token);
                self.drop_abandoned();
            }
        }
    }

    /// While there is no leader, nothing is taken from the queue, and callers go on giving up.
    fn drop_abandoned(&mut self) {
        if self.abandoned.len() >= MOST_ABANDONED.max(self.queue.len() / 2) {
            let abandoned = &mut self.abandoned;
            let is_left = |request: &Request| !matches!(request.purpose, Purpose::Caller(it) if abandoned.remove(&it));
            self.queue.retain(is_left);
        }
    }

    /// The peer has been idle: lets go of the outcomes that its session still keeps, because nothing has confirmed them.
    pub fn confirm_when_idle(&mut self) {
        if self.is_empty() && self.open && std::mem::take(&mut self.unconfirmed) {
            self.push(Purpose::Unwatched, Operation::Nothing);
        }
    }

    /// The numbers of the requests that a snapshot shows as applied and that are not in a remote map's pending list.
    pub fn applied_below(&self, session_next: u64) -> Vec<u64> {
        self.under_way.range(..session_next).map(|(number, _)| *number).collect()
    }

    /// How many requests have no answer yet.
    pub fn len(&self) -> usize {
        (self.queue.len() + self.under_way.len() + self.aside.len()).saturating_sub(self.abandoned.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::command::CollectionKind;

    fn message(text: &str) -> Operation {
        Operation::Message(Blob::from(text.as_bytes()))
    }

    fn opened() -> Requests {
        let mut requests = Requests::default();
        requests.start_session(1, 7, "a", Vec::new());
        assert_eq!(requests.take_batch().map(|batch| batch.count), Some(1));
        assert_eq!(requests.settle(0), Some(Purpose::OpenSession));
        requests.session_opened(None);
        requests
    }

    fn decoded(batch: &Batch) -> (u64, Vec<Operation>) {
        match codec::decode::<Command>(batch.command.as_slice()) {
            Ok(Command::Requests(decoded)) => (decoded.first, decoded.operations),
            other => panic!("{other:?}"),
        }
    }

    fn decoded_again(batch: &Batch) -> RequestsAgain {
        match codec::decode::<Command>(batch.command.as_slice()) {
            Ok(Command::RequestsAgain(decoded)) => decoded,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn encodes_what_the_log_decodes_and_sends_again_from_any_request_on() {
        let mut requests = opened();
        for token in 1..=5 {
            requests.push(Purpose::Caller(token), message(&token.to_string()));
        }
        let batch = requests.take_batch().unwrap();
        assert_eq!(decoded(&batch), (1, (1..=5).map(|token: u32| message(&token.to_string())).collect()));
        assert!(requests.take_batch().is_none());
        requests.settle(1);
        requests.settle(2);
        let again: Vec<_> = requests.resend(3).iter().map(decoded).collect();
        assert_eq!(again, [(3, vec![message("3"), message("4"), message("5")])]);
    }

    #[test]
    fn an_abandoned_request_is_not_sent_or_sent_again_as_nothing() {
        let mut requests = opened();
        requests.push(Purpose::Caller(1), message("1"));
        requests.take_batch();
        requests.push(Purpose::Caller(2), message("2"));
        requests.abandon(1);
        requests.abandon(2);
        assert!(requests.take_batch().is_none());
        assert_eq!(requests.resend(1).iter().map(decoded).collect::<Vec<_>>(), [(1, vec![Operation::Nothing])]);
        assert_eq!(requests.settle(1), Some(Purpose::Unwatched));
    }

    #[test]
    fn a_new_session_asks_again_for_what_the_former_one_left_undone_before_anything_else() {
        let mut requests = opened();
        for token in 1..=3 {
            requests.push(Purpose::Caller(token), message(&token.to_string()));
        }
        requests.take_batch();
        requests.push(Purpose::Caller(4), message("4"));
        requests.start_session(2, 7, "a", vec![(Purpose::Attach(1), Operation::Nothing)]);
        let opening = requests.take_batch().unwrap();
        assert_eq!(decoded(&opening), (0, vec![Operation::OpenSession { peer_id: "a".into(), replaces: Some(1) }]));
        assert!(requests.take_batch().is_none(), "nothing before the former session's end is known");
        let outcomes = BTreeMap::from([(1, Arc::new(Outcome::Done))]);
        let orphans = requests.session_opened(Some(EndedSession { next: 2, outcomes }));
        assert!(matches!(&orphans[..], [Orphan { purpose: Purpose::Caller(1), fate: Fate::Settled(_) }]));
        let rest = decoded_again(&requests.take_batch().unwrap());
        assert_eq!(rest.batch.first, 1);
        assert_eq!(rest.batch.operations, [Operation::Nothing, message("2"), message("3"), message("4")]);
        let first = |number| Some(RequestId { session: 1, number });
        assert_eq!(rest.origins, [None, first(2), first(3), None]);
        // Once more: each keeps the name that it had first.
        requests.settle(0);
        requests.settle(1);
        requests.start_session(3, 7, "a", Vec::new());
        requests.take_batch();
        requests.session_opened(Some(EndedSession { next: 3, outcomes: BTreeMap::new() }));
        let rest = decoded_again(&requests.take_batch().unwrap());
        assert_eq!(rest.batch.operations, [message("3"), message("4")]);
        assert_eq!(rest.origins, [first(3), Some(RequestId { session: 2, number: 4 })]);
    }

    #[test]
    fn a_session_that_nobody_saw_open_does_not_speak_for_the_one_before_it() {
        let mut requests = opened();
        requests.push(Purpose::Caller(1), message("1"));
        requests.take_batch();
        requests.start_session(2, 7, "a", Vec::new());
        requests.take_batch();
        requests.start_session(3, 7, "a", Vec::new());
        let opening = decoded(&requests.take_batch().unwrap());
        assert_eq!(opening, (0, vec![Operation::OpenSession { peer_id: "a".into(), replaces: Some(1) }]));
        let orphans = requests.session_opened(None);
        assert!(matches!(&orphans[..], [Orphan { purpose: Purpose::Caller(1), fate: Fate::Unknown }]));
    }

    #[test]
    fn callers_that_give_up_while_nothing_can_be_sent_leave_nothing_behind() {
        let mut requests = Requests::default();
        for token in 1..=50_000 {
            requests.push(Purpose::Caller(token), message("x"));
            if token > 10 {
                requests.abandon(token - 10);
            }
        }
        assert!(requests.queue.len() <= MOST_ABANDONED + 10);
        assert_eq!(requests.len(), 10);
        requests.start_session(1, 7, "a", Vec::new());
        requests.take_batch();
        requests.settle(0);
        requests.session_opened(None);
        assert_eq!(requests.take_batch().map(|batch| batch.count), Some(10));
    }

    #[test]
    fn what_waits_for_its_execution_keeps_nothing_else_from_being_sent() {
        let mut requests = opened();
        let sent =
            |requests: &mut Requests| std::iter::from_fn(|| requests.take_batch()).map(|it| it.count).sum::<u64>();
        (0..40_000).for_each(|token| requests.push(Purpose::Caller(token), message("x")));
        assert_eq!(sent(&mut requests), MAX_UNDER_WAY as u64);
        (1..=MAX_UNDER_WAY as u64).for_each(|number| requests.queued_remotely(number));
        (1..=MAX_UNDER_WAY as u64).for_each(|number| requests.queued_remotely(number));
        assert_eq!(sent(&mut requests), 40_000 - MAX_UNDER_WAY as u64);
        requests.settle(1);
        (0..MAX_UNDER_WAY as u64).for_each(|token| requests.push(Purpose::Caller(50_000 + token as u32), message("x")));
        assert_eq!(sent(&mut requests), 2 * MAX_UNDER_WAY as u64 - 40_000);
    }

    #[test]
    fn what_was_closed_between_two_sessions_is_detached_in_the_new_one() {
        let detach = |id: &str| Operation::Detach { collection: id.into() };
        let mut requests = opened();
        requests.push(Purpose::Unwatched, detach("closed"));
        requests.push(Purpose::Unwatched, detach("opened again"));
        let attach = Operation::Attach { collection: "opened again".into(), kind: CollectionKind::Map };
        requests.start_session(2, 7, "a", vec![(Purpose::Attach(1), attach.clone())]);
        requests.take_batch();
        requests.session_opened(None);
        assert_eq!(decoded(&requests.take_batch().unwrap()), (1, vec![attach, detach("closed")]));
    }

    #[test]
    fn no_more_than_so_many_bytes_are_under_way() {
        let mut requests = opened();
        let large = Operation::Message(Blob::from(vec![0; MAX_BYTES_UNDER_WAY / 2]));
        for token in 1..=4 {
            requests.push(Purpose::Caller(token), large.clone());
        }
        assert_eq!([requests.take_batch(), requests.take_batch()].map(|it| it.map(|it| it.first)), [Some(1), Some(2)]);
        assert!(requests.take_batch().is_none());
        requests.settle(1);
        assert_eq!(requests.take_batch().map(|batch| batch.first), Some(3));
    }
}
