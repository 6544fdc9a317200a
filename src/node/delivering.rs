//! An emitter's events on their way to other peers, and those that come from them.

use std::collections::BTreeMap;

use super::deliveries::{Arrival, Completion};
use super::driver::Driver;
use crate::error::{Code, Error};
use crate::ports::{DeliveryId, Notice, Publication};
use crate::wire::NodeId;
use crate::wire::command::Outcome;
use crate::wire::packet::{Body, Delivery};

/// A packet carries about this many bytes of events, so that it travels whole if they are small: packets keep their order.
const PACKET_BYTES: usize = 128 * 1024;
/// What an event takes beside its texts and its payload, at most.
const OVERHEAD_BYTES: usize = 40;

/// Events for some nodes, in the order in which they are to be sent.
#[derive(Default)]
struct Parcels(BTreeMap<NodeId, Vec<Delivery>>);

impl Driver {
    pub fn publish(&mut self, publications: Vec<Publication>) {
        for publication in publications {
            let limit = self.options.max_command_bytes;
            if publication.payload.len() <= limit {
                self.deliveries.hold(publication);
                continue;
            }
            let text =
                format!("{} bytes of an event are more than maxCommandBytes ({limit})", publication.payload.len());
            let error = Error::new(Code::CommandTooLarge, text);
            self.front.notice(match publication.token {
                Some(token) => Notice::Failed { token, error },
                None => Notice::Error(error),
            });
            self.front.wake();
        }
        self.send_publications();
    }

    /// Sends what waits, as soon as this peer is in a grid and knows who else is.
    pub fn send_publications(&mut self) {
        if !self.view().is_some_and(|view| view.members.contains_key(&self.node)) {
            return;
        }
        let now_ms = self.now_ms();
        let mut parcels = Parcels::default();
        while let Some(mut publication) = self.deliveries.take_held() {
            let peers = std::mem::take(&mut publication.peers);
            let targets: BTreeMap<NodeId, u32> = (0u32..)
                .zip(&peers)
                .filter_map(|(position, peer_id)| Some((self.member(peer_id)?, position)))
                .collect();
            if targets.is_empty() {
                self.complete(publication.token.map(|token| Completion { token, received: Vec::new() }));
                continue;
            }
            for (node, delivery) in self.deliveries.publish(publication, targets, now_ms) {
                parcels.0.entry(node).or_default().push(delivery);
            }
        }
        self.send_parcels(parcels);
    }

    /// Sends again what was not answered.
    pub fn repeat_deliveries(&mut self, now_ms: u64) {
        let mut parcels = Parcels::default();
        let (outbox, view) = (&self.outbox, self.grid.as_ref().map(|grid| &grid.view));
        let member = |node: NodeId| view.and_then(|view| view.members.get(&node));
        let is_busy = |node: NodeId| member(node).is_some_and(|member| outbox.is_transferring(&member.peer_id));
        for (node, delivery) in self.deliveries.due(now_ms, is_busy) {
            parcels.0.entry(node).or_default().push(delivery);
        }
        self.deliveries.forget_senders(|node| member(node).is_some(), now_ms);
        self.send_parcels(parcels);
    }

    /// Waits no longer for those that are no members.
    pub fn leave_out_the_departed(&mut self) {
        let members = self.grid.as_ref().map(|grid| &grid.view.members);
        let gone = self.deliveries.leave_out(|node| members.is_none_or(|members| !members.contains_key(&node)));
        self.complete(gone);
    }

    pub fn leave_out(&mut self, gone: NodeId) {
        let completions = self.deliveries.leave_out(|node| node == gone);
        self.complete(completions);
    }

    pub fn deliveries_arrived(&mut self, source: &str, from: NodeId, settled_below: u64, deliveries: Vec<Delivery>) {
        let now_ms = self.now_ms();
        let is_member = self.view().is_some_and(|view| view.members.contains_key(&from));
        if !self.deliveries.admits(from, is_member) {
            return;
        }
        let mut answers = Vec::new();
        let replica = self.replica.lock();
        for Delivery { number, awaited, collection, event, payload } in deliveries {
            match (
                self.deliveries.arrived(from, settled_below, number, awaited, now_ms),
                replica.handle_of(&collection),
            ) {
                (Arrival::New(id), Some(handle)) => {
                    self.front.notice(Notice::Delivery { handle, id, source, event: &event, payload: &payload });
                }
                (Arrival::New(id), None) => {
                    self.deliveries.front_answered(id, false);
                    answers.extend(awaited.then_some((number, false)));
                }
                (Arrival::Answered(received), _) => answers.push((number, received)),
                (Arrival::Ignore, _) => {}
            }
        }
        drop(replica);
        self.front.wake();
        if !answers.is_empty() {
            self.send_to_node(from, Body::DeliveryAnswers(answers));
        }
    }

    /// The front has dealt with deliveries.
    pub fn answer_deliveries(&mut self, answers: Vec<(DeliveryId, bool)>) {
        let mut by_node: BTreeMap<NodeId, Vec<(u64, bool)>> = BTreeMap::new();
        for (id, received) in answers {
            if let Some((node, number)) = self.deliveries.front_answered(id, received) {
                by_node.entry(node).or_default().push((number, received));
            }
        }
        for (node, answers) in by_node {
            self.send_to_node(node, Body::DeliveryAnswers(answers));
        }
    }

    pub fn delivery_answers_arrived(&mut self, from: NodeId, answers: Vec<(u64, bool)>) {
        for (number, received) in answers {
            let completion = self.deliveries.answered(from, number, received);
            self.complete(completion);
        }
    }

    fn complete(&self, completions: impl IntoIterator<Item = Completion>) {
        for Completion { token, received } in completions {
            let outcome = Outcome::Entries(received.into_iter().map(|position| (position, None)).collect());
            self.front.notice(Notice::Completed { token, outcome: &outcome });
            self.front.wake();
        }
    }

    fn member(&self, peer_id: &str) -> Option<NodeId> {
        let members = &self.view()?.members;
        members.iter().find(|(_, member)| member.peer_id == peer_id).map(|(node, _)| *node)
    }

    fn send_parcels(&self, parcels: Parcels) {
        let settled_below = self.deliveries.settled_below();
        for (node, deliveries) in parcels.0 {
            let (mut batch, mut bytes) = (Vec::new(), 0);
            for delivery in deliveries {
                bytes += delivery.payload.len() + delivery.event.len() + delivery.collection.len() + OVERHEAD_BYTES;
                batch.push(delivery);
                if bytes >= PACKET_BYTES {
                    let deliveries = std::mem::take(&mut batch);
                    self.send_to_node(node, Body::Deliveries { settled_below, deliveries });
                    bytes = 0;
                }
            }
            if !batch.is_empty() {
                self.send_to_node(node, Body::Deliveries { settled_below, deliveries: batch });
            }
        }
    }
}
