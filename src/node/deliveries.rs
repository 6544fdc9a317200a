//! Events that go directly from peer to peer: who has received what.
//!
//! An event whose sender waits is sent again to whoever has not answered, until that has left the grid; the receiver
//! knows it by its number and passes it on once. An event that nobody waits for is sent once; its number keeps a
//! transport that doubles messages from doubling it. The two kinds are numbered apart.

use std::collections::{BTreeMap, HashMap};

use crate::ports::{DeliveryId, Publication, Token};
use crate::wire::NodeId;
use crate::wire::packet::Delivery;

/// What was not answered is sent again after this time.
const RESEND_MS: u64 = 700;
/// The most unanswered deliveries of one sender that a receiver keeps in mind; more are not taken in, and so sent again.
const MAX_OPEN_PER_SENDER: usize = 65_536;
/// How many numbers back an event that nobody waits for may arrive and still be told from a double.
const RECENT_NUMBERS: u64 = 4_096;

/// See the [module](self).
#[derive(Default)]
pub struct Deliveries {
    /// The numbers of the next event that somebody waits for, and of the next that nobody does.
    next_awaited: u64,
    next_unawaited: u64,
    open: BTreeMap<u64, Open>,
    senders: HashMap<NodeId, Sender>,
    /// Handed to the front, and not answered yet.
    handed: HashMap<DeliveryId, (NodeId, u64)>,
    last_id: DeliveryId,
}

/// An event of ours whose caller waits.
struct Open {
    token: Token,
    delivery: Delivery,
    /// Who has not answered, with its position in the caller's list.
    missing: BTreeMap<NodeId, u32>,
    received: Vec<u32>,
    sent_at_ms: u64,
}

/// What has come from one node.
#[derive(Default)]
struct Sender {
    /// What it waits for: the answer, or none yet.
    awaited: BTreeMap<u64, Option<bool>>,
    /// Numbers below this one have been answered.
    settled_below: u64,
    unawaited: RecentNumbers,
}

/// The caller's answer: the positions of the peers that have received its event.
#[derive(Debug, PartialEq, Eq)]
pub struct Completion {
    pub token: Token,
    pub received: Vec<u32>,
}

/// What to do with a delivery.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Hand it to the front. Zero: no answer is wanted.
    New(DeliveryId),
    /// It came before, and this was the answer.
    Answered(bool),
    Ignore,
}

impl Deliveries {
    /// Numbers an event for these nodes, each with its position in the caller's list, of which there must be one.
    pub fn publish(&mut self, publication: Publication, targets: BTreeMap<NodeId, u32>, now_ms: u64) -> Delivery {
        let Publication { token, collection, event, payload, .. } = publication;
        let next = if token.is_some() { &mut self.next_awaited } else { &mut self.next_unawaited };
        let delivery = Delivery { number: *next, awaited: token.is_some(), collection, event, payload };
        *next += 1;
        if let Some(token) = token {
            let open =
                Open { token, delivery: delivery.clone(), missing: targets, received: Vec::new(), sent_at_ms: now_ms };
            self.open.insert(delivery.number, open);
        }
        delivery
    }

    /// All awaited events with lower numbers are settled.
    pub fn settled_below(&self) -> u64 {
        self.open.first_key_value().map_or(self.next_awaited, |(number, _)| *number)
    }

    pub fn answered(&mut self, from: NodeId, number: u64, received: bool) -> Option<Completion> {
        let open = self.open.get_mut(&number)?;
        let position = open.missing.remove(&from)?;
        if received {
            open.received.push(position);
        }
        if open.missing.is_empty() { self.complete(number) } else { None }
    }

    /// Waits no longer for nodes that are gone.
    pub fn leave_out(&mut self, is_gone: impl Fn(NodeId) -> bool) -> Vec<Completion> {
        self.senders.retain(|node, _| !is_gone(*node));
        self.open.values_mut().for_each(|open| open.missing.retain(|node, _| !is_gone(*node)));
        let complete = self.open.iter().filter(|(_, open)| open.missing.is_empty()).map(|(number, _)| *number);
        let complete: Vec<u64> = complete.collect();
        complete.into_iter().filter_map(|number| self.complete(number)).collect()
    }

    fn complete(&mut self, number: u64) -> Option<Completion> {
        let Open { token, mut received, .. } = self.open.remove(&number)?;
        received.sort_unstable();
        Some(Completion { token, received })
    }

    pub fn abandon(&mut self, token: Token) {
        self.open.retain(|_, open| open.token != token);
    }

    /// What has to be sent again by now, and to whom.
    pub fn due(&mut self, now_ms: u64) -> Vec<(NodeId, Delivery)> {
        let mut due = Vec::new();
        let late = |open: &&mut Open| now_ms.saturating_sub(open.sent_at_ms) >= RESEND_MS;
        for open in self.open.values_mut().filter(late) {
            open.sent_at_ms = now_ms;
            due.extend(open.missing.keys().map(|node| (*node, open.delivery.clone())));
        }
        due
    }

    /// Takes note of a delivery from a node.
    pub fn arrived(&mut self, from: NodeId, settled_below: u64, number: u64, awaited: bool) -> Arrival {
        let sender = self.senders.entry(from).or_default();
        if !awaited {
            return if sender.unawaited.is_new(number) { Arrival::New(0) } else { Arrival::Ignore };
        }
        if settled_below > sender.settled_below {
            sender.settled_below = settled_below;
            sender.awaited = sender.awaited.split_off(&settled_below);
        }
        if number < sender.settled_below {
            return Arrival::Ignore;
        }
        match sender.awaited.get(&number) {
            Some(Some(received)) => return Arrival::Answered(*received),
            Some(None) => return Arrival::Ignore,
            None if sender.awaited.len() >= MAX_OPEN_PER_SENDER => return Arrival::Ignore,
            None => {}
        }
        sender.awaited.insert(number, None);
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.handed.insert(self.last_id, (from, number));
        Arrival::New(self.last_id)
    }

    /// The front has dealt with a delivery; gives back whom to tell.
    pub fn front_answered(&mut self, id: DeliveryId, received: bool) -> Option<(NodeId, u64)> {
        let (from, number) = self.handed.remove(&id)?;
        if let Some(answer) = self.senders.get_mut(&from).and_then(|sender| sender.awaited.get_mut(&number)) {
            *answer = Some(received);
        }
        Some((from, number))
    }
}

/// Tells which of the last few thousand numbers have come before.
struct RecentNumbers {
    /// The highest number so far, and one.
    end: u64,
    /// One bit for each of the last [`RECENT_NUMBERS`], at its number modulo that.
    seen: [u64; (RECENT_NUMBERS / 64) as usize],
}

impl Default for RecentNumbers {
    fn default() -> Self {
        Self { end: 0, seen: [0; (RECENT_NUMBERS / 64) as usize] }
    }
}

impl RecentNumbers {
    /// Whether this number has not come before. One that is too old to tell counts as known.
    fn is_new(&mut self, number: u64) -> bool {
        if number.saturating_add(RECENT_NUMBERS) < self.end {
            return false;
        }
        if number >= self.end {
            let skipped = (self.end..=number).take(RECENT_NUMBERS as usize);
            skipped.for_each(|number| self.set(number, false));
            self.set(number, false);
            self.end = number.saturating_add(1);
        }
        let known = self.seen[Self::word(number)] & Self::bit(number) != 0;
        self.set(number, true);
        !known
    }

    fn set(&mut self, number: u64, seen: bool) {
        if seen {
            self.seen[Self::word(number)] |= Self::bit(number);
        } else {
            self.seen[Self::word(number)] &= !Self::bit(number);
        }
    }

    fn word(number: u64) -> usize {
        (number % RECENT_NUMBERS / 64) as usize
    }

    fn bit(number: u64) -> u64 {
        1 << (number % 64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::blob::Blob;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn publication(token: Option<Token>) -> Publication {
        let payload = Blob::from(b"[]".as_slice());
        Publication { token, collection: "e".into(), event: "ping".into(), payload, peers: Vec::new() }
    }

    #[test]
    fn a_caller_learns_who_has_received_its_event() {
        let mut deliveries = Deliveries::default();
        let delivery = deliveries.publish(publication(Some(7)), BTreeMap::from([(1, 0), (2, 1), (3, 2)]), 0);
        assert_eq!(deliveries.answered(3, delivery.number, true), None);
        assert_eq!(deliveries.answered(3, delivery.number, true), None, "a repeated answer");
        assert_eq!(deliveries.answered(2, delivery.number, false), None);
        assert_eq!(deliveries.settled_below(), 0);
        let completion = deliveries.answered(1, delivery.number, true);
        assert_eq!(completion, Some(Completion { token: 7, received: vec![0, 2] }));
        assert_eq!(deliveries.settled_below(), 1);
    }

    #[test]
    fn who_does_not_answer_gets_it_again_until_it_is_gone() {
        let mut deliveries = Deliveries::default();
        let delivery = deliveries.publish(publication(Some(7)), BTreeMap::from([(1, 0), (2, 1)]), 0);
        deliveries.answered(1, delivery.number, true);
        assert_eq!(deliveries.due(RESEND_MS - 1), []);
        assert_eq!(deliveries.due(RESEND_MS), [(2, delivery)]);
        assert_eq!(deliveries.due(RESEND_MS), []);
        assert_eq!(deliveries.leave_out(|node| node == 2), [Completion { token: 7, received: vec![0] }]);
        assert_eq!(deliveries.due(9 * RESEND_MS), []);
    }

    #[test]
    fn a_delivery_is_handed_on_once_and_its_answer_is_given_again() {
        let mut deliveries = Deliveries::default();
        let Arrival::New(id) = deliveries.arrived(1, 0, 4, true) else { panic!() };
        assert_eq!(deliveries.arrived(1, 0, 4, true), Arrival::Ignore);
        assert_eq!(deliveries.front_answered(id, true), Some((1, 4)));
        assert_eq!(deliveries.front_answered(id, true), None);
        assert_eq!(deliveries.arrived(1, 0, 4, true), Arrival::Answered(true));
        assert_eq!(deliveries.arrived(2, 0, 4, true), Arrival::New(id + 1));
        assert_eq!(deliveries.arrived(1, 6, 5, true), Arrival::Ignore, "settled before it came");
    }

    proptest! {
        #[test]
        fn recent_numbers_are_told_from_doubles(
            numbers in proptest::collection::vec(prop_oneof![0..200u64, 0..20_000u64], 0..400),
        ) {
            let (mut recent, mut seen, mut end) = (RecentNumbers::default(), BTreeSet::new(), 0);
            for number in numbers {
                let too_old = number + RECENT_NUMBERS < end;
                prop_assert_eq!(recent.is_new(number), seen.insert(number) && !too_old);
                end = end.max(number + 1);
            }
        }
    }
}
