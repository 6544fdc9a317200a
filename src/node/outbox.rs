//! Packets on their way out, and the pieces of large ones on their way in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::ports::Front;
use crate::wire::NodeId;
use crate::wire::codec;
use crate::wire::frame::{self, Fragment, IncomingTransfers, OutgoingTransfers, WHOLE_PACKET_BYTES};
use crate::wire::packet::Packet;

/// Collects packets until the front fetches them, so that all packets for one peer share a message.
pub struct Outbox {
    front: Arc<dyn Front>,
    peer_id: String,
    started: Instant,
    /// Filled by Raft's tasks and the node, emptied by the front's thread; held for the length of a push or a swap.
    queues: Mutex<Queues>,
}

#[derive(Default)]
struct Queues {
    /// By destination peer id; the empty one is everybody.
    packets: BTreeMap<String, Vec<Vec<u8>>>,
    /// Payloads that are complete already.
    payloads: Vec<(String, Vec<u8>)>,
    outgoing: BTreeMap<String, OutgoingTransfers>,
    incoming: IncomingTransfers,
}

/// One message for the application's transport; an empty destination means everybody.
pub struct Outgoing {
    pub destination: String,
    pub payload: Vec<u8>,
}

impl Outbox {
    pub fn new(front: Arc<dyn Front>, peer_id: String) -> Self {
        Self { front, peer_id, started: Instant::now(), queues: Mutex::default() }
    }

    /// Gives whether it travels in pieces, each of which is sent again until it is acknowledged.
    pub fn send(&self, peer_id: &str, packet: &Packet) -> bool {
        let encoded = codec::encode(packet);
        let in_pieces = encoded.len() > WHOLE_PACKET_BYTES && !peer_id.is_empty();
        self.send_encoded(peer_id, packet.from, encoded);
        in_pieces
    }

    pub fn broadcast(&self, packet: &Packet) {
        self.send_encoded("", packet.from, codec::encode(packet));
    }

    fn send_encoded(&self, peer_id: &str, from: NodeId, packet: Vec<u8>) {
        let now_ms = self.now_ms();
        let mut queues = self.lock();
        if packet.len() > WHOLE_PACKET_BYTES && !peer_id.is_empty() {
            let first_transfer = now_ms << 20;
            let outgoing =
                queues.outgoing.entry(peer_id.to_owned()).or_insert_with(|| OutgoingTransfers::new(first_transfer));
            outgoing.push(packet, now_ms);
            let payloads = outgoing.poll(from, now_ms);
            queues.payloads.extend(payloads.into_iter().map(|payload| (peer_id.to_owned(), payload)));
        } else {
            match queues.packets.get_mut(peer_id) {
                Some(waiting) => waiting.push(packet),
                None => drop(queues.packets.insert(peer_id.to_owned(), vec![packet])),
            }
        }
        drop(queues);
        self.front.wake();
    }

    /// Takes all that waits, as messages.
    pub fn take(&self) -> Vec<Outgoing> {
        let (packets, payloads) = {
            let mut queues = self.lock();
            // In reverse, so that what is for everybody, such as a farewell, comes after what was for each.
            let packets: Vec<_> = std::mem::take(&mut queues.packets).into_iter().rev().collect();
            (packets, std::mem::take(&mut queues.payloads))
        };
        let packed = packets.into_iter().flat_map(|(destination, packets)| {
            frame::pack(&packets).into_iter().map(move |payload| Outgoing { destination: destination.clone(), payload })
        });
        let all = packed.chain(payloads.into_iter().map(|(destination, payload)| Outgoing { destination, payload }));
        all.map(|Outgoing { destination, payload }| Outgoing {
            destination,
            payload: frame::seal(payload, &self.peer_id),
        })
        .collect()
    }

    /// Whether a large packet is on its way to a peer, and not acknowledged yet.
    pub fn is_transferring(&self, peer_id: &str) -> bool {
        self.lock().outgoing.contains_key(peer_id)
    }

    /// Takes in a piece of a large packet from `source`, acknowledges it, and gives the packet when it is whole.
    pub fn accept_fragment(&self, source: &str, fragment: &Fragment<'_>) -> Option<Vec<u8>> {
        let now_ms = self.now_ms();
        let mut queues = self.lock();
        let packet = queues.incoming.accept(fragment, now_ms);
        queues.payloads.push((source.to_owned(), frame::acknowledgement(fragment)));
        drop(queues);
        self.front.wake();
        packet
    }

    pub fn accept_acknowledgement(&self, source: &str, from: NodeId, transfer: u64, index: u32) {
        let now_ms = self.now_ms();
        let mut queues = self.lock();
        let Some(outgoing) = queues.outgoing.get_mut(source) else {
            return;
        };
        outgoing.acknowledge(transfer, index, now_ms);
        self.poll_transfers(&mut queues, from, now_ms);
    }

    /// Sends again what was not acknowledged in time.
    pub fn tick(&self, from: NodeId) {
        let now_ms = self.now_ms();
        let mut queues = self.lock();
        queues.incoming.forget_idle(now_ms);
        self.poll_transfers(&mut queues, from, now_ms);
    }

    fn poll_transfers(&self, queues: &mut Queues, from: NodeId, now_ms: u64) {
        let mut due = Vec::new();
        for (peer_id, outgoing) in &mut queues.outgoing {
            due.extend(outgoing.poll(from, now_ms).into_iter().map(|payload| (peer_id.clone(), payload)));
        }
        queues.outgoing.retain(|_, outgoing| !outgoing.is_empty());
        if !due.is_empty() {
            queues.payloads.append(&mut due);
            self.front.wake();
        }
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
