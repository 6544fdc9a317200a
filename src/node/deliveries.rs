//! Events that go directly from peer to peer: who has received what.
//!
//! An event whose sender waits is sent again to whoever has not answered, until that has left the grid; the receiver
//! knows it by its number and passes it on once. An event that nobody waits for is sent once; its number keeps a
//! transport that doubles messages from doubling it. The two kinds are numbered apart.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::mutation::Mutation;
use crate::ports::{DeliveryId, Publication, Token};
use crate::wire::NodeId;
use crate::wire::frame::WHOLE_PACKET_BYTES;
use crate::wire::packet::Delivery;

/// What was not answered is sent again after this time.
const RESEND_MS: u64 = 700;
/// A large one, of which each piece was acknowledged, is sent again only when its receiver must have dropped it.
const LARGE_RESEND_MS: u64 = 10_000;
const LARGE_BYTES: usize = WHOLE_PACKET_BYTES / 2;
/// The most unanswered deliveries of one sender that a receiver keeps in mind; more are not taken in, and so sent again.
const MAX_OPEN_PER_SENDER: usize = 65_536;
/// The most events of ours that are under way at once; more wait. Fewer than a receiver keeps in mind.
const MAX_OPEN: usize = 16_384;
/// How many numbers back an event that nobody waits for may arrive and still be told from a double.
const RECENT_NUMBERS: u64 = 65_536;
/// What came from a node that is gone is kept in mind for this time, because a transport may double it late.
const REMEMBER_MS: u64 = 60_000;
/// The most nodes that are no members, but whose events are taken in: newcomers that this peer has not heard of yet.
const MAX_STRANGERS: usize = 256;

/// See the [module](self).
#[derive(Default)]
pub struct Deliveries {
    /// The number of the next event that somebody waits for.
    next_awaited: u64,
    /// For each receiver, the number of the next event that nobody waits for.
    next_unawaited: HashMap<NodeId, u64>,
    /// Not sent yet.
    held: VecDeque<Publication>,
    open: BTreeMap<u64, Open>,
    numbers: HashMap<Token, u64>,
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
    heard_at_ms: u64,
    /// What it waits for: the answer, or none yet.
    awaited: BTreeMap<u64, Option<bool>>,
    /// Numbers below this one are settled: answered, left out or given up.
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
    /// Keeps an event until it can be sent.
    pub fn hold(&mut self, publication: Publication) {
        self.held.push_back(publication);
    }

    /// The next event that may be sent, if not too many are under way.
    pub fn take_held(&mut self) -> Option<Publication> {
        if self.open.len() < MAX_OPEN { self.held.pop_front() } else { None }
    }

    /// Numbers an event for these nodes, each with its position in the caller's list, of which there must be one. Gives
    /// what each of them is to be sent.
    pub fn publish(
        &mut self,
        publication: Publication,
        targets: BTreeMap<NodeId, u32>,
        now_ms: u64,
    ) -> Vec<(NodeId, Delivery)> {
        let Publication { token, collection, event, payload, .. } = publication;
        let mut delivery = Delivery { number: self.next_awaited, awaited: token.is_some(), collection, event, payload };
        let Some(token) = token else {
            let numbered = targets.into_keys().map(|node| {
                let next = self.next_unawaited.entry(node).or_default();
                delivery.number = *next;
                *next += 1;
                (node, delivery.clone())
            });
            return numbered.collect();
        };
        self.next_awaited += 1;
        let parcels = targets.keys().map(|node| (*node, delivery.clone())).collect();
        self.numbers.insert(token, delivery.number);
        let number = delivery.number;
        let open = Open { token, delivery, missing: targets, received: Vec::new(), sent_at_ms: now_ms };
        self.open.insert(number, open);
        parcels
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
        self.next_unawaited.retain(|node, _| !is_gone(*node));
        self.open.values_mut().for_each(|open| open.missing.retain(|node, _| !is_gone(*node)));
        let complete = self.open.iter().filter(|(_, open)| open.missing.is_empty()).map(|(number, _)| *number);
        let complete: Vec<u64> = complete.collect();
        complete.into_iter().filter_map(|number| self.complete(number)).collect()
    }

    /// Forgets what came from nodes that are no members and have been silent for long.
    pub fn forget_senders(&mut self, is_member: impl Fn(NodeId) -> bool, now_ms: u64) {
        let recent = |sender: &Sender| now_ms.saturating_sub(sender.heard_at_ms) < REMEMBER_MS;
        self.senders.retain(|node, sender| is_member(*node) || recent(sender));
    }

    fn complete(&mut self, number: u64) -> Option<Completion> {
        let Open { token, mut received, .. } = self.open.remove(&number)?;
        self.numbers.remove(&token);
        received.sort_unstable();
        Some(Completion { token, received })
    }

    /// The caller has given up.
    pub fn abandon(&mut self, token: Token) {
        match self.numbers.remove(&token) {
            Some(number) => drop(self.open.remove(&number)),
            None if self.held.is_empty() => {}
            None => self.held.retain(|publication| publication.token != Some(token)),
        }
    }

    /// What has to be sent again by now, and to whom; not to those to whom a large packet is still on its way.
    pub fn due(&mut self, now_ms: u64, is_busy: impl Fn(NodeId) -> bool) -> Vec<(NodeId, Delivery)> {
        let mut due = Vec::new();
        let late = |open: &&mut Open| {
            let large = open.delivery.payload.len() > LARGE_BYTES;
            now_ms.saturating_sub(open.sent_at_ms) >= if large { LARGE_RESEND_MS } else { RESEND_MS }
        };
        for open in self.open.values_mut().filter(late) {
            open.sent_at_ms = now_ms;
            let missing = open.missing.keys().filter(|node| !is_busy(**node));
            due.extend(missing.map(|node| (*node, open.delivery.clone())));
        }
        due
    }

    /// Whether events of this node are taken in.
    pub fn admits(&self, from: NodeId, is_member: bool) -> bool {
        is_member || self.senders.contains_key(&from) || self.senders.len() < MAX_STRANGERS
    }

    /// Takes note of a delivery from a node.
    pub fn arrived(&mut self, from: NodeId, settled_below: u64, number: u64, awaited: bool, now_ms: u64) -> Arrival {
        let sender = self.senders.entry(from).or_default();
        sender.heard_at_ms = now_ms;
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
            Some(_) if Mutation::EventHeardTwice.is_planted() => {}
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

/// Tells which of the last [`RECENT_NUMBERS`] numbers have come before.
#[derive(Default)]
struct RecentNumbers {
    /// The highest number so far, and one.
    end: u64,
    /// One bit for each of them, at its number modulo that; empty before the first.
    seen: Vec<u64>,
}

impl RecentNumbers {
    /// Whether this number has not come before. One that is too old to tell counts as known.
    fn is_new(&mut self, number: u64) -> bool {
        if number.saturating_add(RECENT_NUMBERS) < self.end || number == u64::MAX {
            return false;
        }
        self.seen.resize((RECENT_NUMBERS / 64) as usize, 0);
        if number >= self.end {
            let skipped = (self.end..=number).take(RECENT_NUMBERS as usize);
            skipped.for_each(|number| self.set(number, false));
            self.set(number, false);
            self.end = number + 1;
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
        let parcels = deliveries.publish(publication(Some(7)), BTreeMap::from([(1, 0), (2, 1), (3, 2)]), 0);
        let (_, delivery) = parcels[0].clone();
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
        let parcels = deliveries.publish(publication(Some(7)), BTreeMap::from([(1, 0), (2, 1)]), 0);
        let (_, delivery) = parcels[0].clone();
        deliveries.answered(1, delivery.number, true);
        assert_eq!(deliveries.due(RESEND_MS - 1, |_| false), []);
        assert_eq!(deliveries.due(RESEND_MS, |_| false), [(2, delivery)]);
        assert_eq!(deliveries.due(RESEND_MS, |_| false), []);
        assert_eq!(deliveries.due(2 * RESEND_MS, |node| node == 2), [], "it is still on its way");
        assert_eq!(deliveries.leave_out(|node| node == 2), [Completion { token: 7, received: vec![0] }]);
        assert_eq!(deliveries.due(9 * RESEND_MS, |_| false), []);
    }

    #[test]
    fn a_delivery_is_handed_on_once_and_its_answer_is_given_again() {
        let mut deliveries = Deliveries::default();
        let Arrival::New(id) = deliveries.arrived(1, 0, 4, true, 0) else { panic!() };
        assert_eq!(deliveries.arrived(1, 0, 4, true, 0), Arrival::Ignore);
        assert_eq!(deliveries.front_answered(id, true), Some((1, 4)));
        assert_eq!(deliveries.front_answered(id, true), None);
        assert_eq!(deliveries.arrived(1, 0, 4, true, 0), Arrival::Answered(true));
        assert_eq!(deliveries.arrived(2, 0, 4, true, 0), Arrival::New(id + 1));
        assert_eq!(deliveries.arrived(1, 6, 5, true, 0), Arrival::Ignore, "settled before it came");
    }

    #[test]
    fn what_a_node_has_sent_is_remembered_when_it_is_gone() {
        let mut deliveries = Deliveries::default();
        assert_eq!(deliveries.arrived(1, 0, 0, false, 0), Arrival::New(0));
        assert!(matches!(deliveries.arrived(1, 0, 0, true, 0), Arrival::New(_)));
        deliveries.leave_out(|node| node == 1);
        deliveries.forget_senders(|_| false, REMEMBER_MS - 1);
        assert_eq!(deliveries.arrived(1, 0, 0, false, 1), Arrival::Ignore);
        assert_eq!(deliveries.arrived(1, 0, 0, true, 1), Arrival::Ignore);
        deliveries.forget_senders(|_| false, 2 * REMEMBER_MS);
        assert_eq!(deliveries.senders.len(), 0);
    }

    #[test]
    fn what_a_caller_has_given_up_is_not_sent_again() {
        let mut deliveries = Deliveries::default();
        deliveries.publish(publication(Some(7)), BTreeMap::from([(1, 0)]), 0);
        deliveries.hold(publication(Some(8)));
        deliveries.abandon(7);
        deliveries.abandon(8);
        assert_eq!(deliveries.due(RESEND_MS, |_| false), []);
        assert!(deliveries.take_held().is_none());
        assert_eq!(deliveries.settled_below(), 1);
    }

    proptest! {
        #[test]
        fn recent_numbers_are_told_from_doubles(
            numbers in proptest::collection::vec(prop_oneof![0..200u64, 0..300_000u64], 0..400),
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
