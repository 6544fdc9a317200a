//! From packets to the payload of one message of the application's transport, and back.
//!
//! Several packets for one destination share a payload. A packet that is larger than [`WHOLE_PACKET_BYTES`] is cut into
//! fragments that are acknowledged one by one, with at most [`WINDOW_FRAGMENTS`] under way to one destination, so that
//! a snapshot neither exceeds a transport's message size nor drowns it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::NodeId;
use super::codec::DecodeError;
use super::reader::Reader;
use crate::mutation::Mutation;

/// The first byte of every payload; then come the checksum and the kind of frame.
const VERSION: u8 = 1;
const HEADER: [u8; 5] = [VERSION, 0, 0, 0, 0];
/// A larger packet is cut into fragments.
pub const WHOLE_PACKET_BYTES: usize = 512 * 1024;
const FRAGMENT_BYTES: usize = 256 * 1024;
/// 1 MiB under way per destination.
const WINDOW_FRAGMENTS: usize = 4;
/// A fragment that is not acknowledged within this time is sent again.
const FRAGMENT_RESEND_MS: u64 = 1_500;
/// A transfer that made no progress for this long is given up; whatever needed it tries again.
const TRANSFER_IDLE_MS: u64 = 30_000;
/// 1 GiB: a larger packet is refused on both sides.
pub const MAX_FRAGMENTS: u32 = 4_096;
/// How many unfinished transfers of one sender are kept.
const MAX_TRANSFERS_PER_SENDER: usize = 16;
/// How many finished transfers are remembered, so that a late duplicate is acknowledged rather than collected again.
const MAX_REMEMBERED: usize = 256;
/// A payload is closed once it holds this much.
const PAYLOAD_BYTES: usize = 512 * 1024;

const KIND_PACKETS: u8 = 0;
const KIND_FRAGMENT: u8 = 1;
const KIND_ACKNOWLEDGEMENT: u8 = 2;

/// A payload, understood.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Encoded packets.
    Packets(Vec<&'a [u8]>),
    Fragment(Fragment<'a>),
    Acknowledgement {
        to: NodeId,
        transfer: u64,
        index: u32,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    pub from: NodeId,
    pub transfer: u64,
    pub index: u32,
    pub count: u32,
    pub bytes: &'a [u8],
}

/// Packs encoded packets into as few payloads as their sizes allow.
pub fn pack(packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut payloads: Vec<Vec<u8>> = Vec::new();
    for packet in packets {
        let length = (packet.len() as u32).to_le_bytes();
        match payloads.last_mut() {
            Some(payload) if payload.len() + packet.len() <= PAYLOAD_BYTES => {
                payload.extend_from_slice(&length);
                payload.extend_from_slice(packet);
            }
            _ => {
                let mut payload = Vec::with_capacity(packet.len() + 64);
                payload.extend_from_slice(&HEADER);
                payload.push(KIND_PACKETS);
                payload.extend_from_slice(&length);
                payload.extend_from_slice(packet);
                payloads.push(payload);
            }
        }
    }
    payloads
}

/// Completes a payload with its checksum. It covers the sender's peer id too, which travels beside the payload.
pub fn seal(mut payload: Vec<u8>, source: &str) -> Vec<u8> {
    let checksum = checksum(&payload[HEADER.len()..], source).to_le_bytes();
    payload[1..HEADER.len()].copy_from_slice(&checksum);
    payload
}

fn checksum(body: &[u8], source: &str) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(body);
    hasher.update(source.as_bytes());
    hasher.finalize()
}

/// Reads a payload that came from outside. A transport may damage what it carries: Raft is not made for that, so the
/// checksum comes first.
pub fn unpack<'a>(payload: &'a [u8], source: &str) -> Result<Frame<'a>, DecodeError> {
    let mut reader = Reader(payload);
    match reader.u8()? {
        VERSION => {}
        version => return Err(DecodeError::UnknownVersion(version)),
    }
    if reader.u32()? != checksum(reader.0, source) && !Mutation::ChecksumIgnored.is_planted() {
        return Err(DecodeError::WrongChecksum);
    }
    match reader.u8()? {
        KIND_PACKETS => {
            let mut packets = Vec::new();
            while !reader.0.is_empty() {
                packets.push(reader.bytes()?);
            }
            Ok(Frame::Packets(packets))
        }
        KIND_FRAGMENT => {
            let (from, transfer, index, count) = (reader.u64()?, reader.u64()?, reader.u32()?, reader.u32()?);
            if count == 0 || count > MAX_FRAGMENTS || index >= count || reader.0.len() > FRAGMENT_BYTES {
                return Err(DecodeError::Malformed("a fragment out of bounds".into()));
            }
            Ok(Frame::Fragment(Fragment { from, transfer, index, count, bytes: reader.0 }))
        }
        KIND_ACKNOWLEDGEMENT => {
            let (to, transfer, index) = (reader.u64()?, reader.u64()?, reader.u32()?);
            Ok(Frame::Acknowledgement { to, transfer, index })
        }
        kind => Err(DecodeError::Malformed(format!("a frame of kind {kind}"))),
    }
}

pub fn acknowledgement(fragment: &Fragment<'_>) -> Vec<u8> {
    let mut payload = HEADER.to_vec();
    payload.push(KIND_ACKNOWLEDGEMENT);
    payload.extend_from_slice(&fragment.from.to_le_bytes());
    payload.extend_from_slice(&fragment.transfer.to_le_bytes());
    payload.extend_from_slice(&fragment.index.to_le_bytes());
    payload
}

/// The large packets on their way to one destination, one after the other.
#[derive(Debug, Default)]
pub struct OutgoingTransfers {
    next_transfer: u64,
    transfers: VecDeque<OutgoingTransfer>,
}

#[derive(Debug)]
struct OutgoingTransfer {
    id: u64,
    packet: Vec<u8>,
    /// The first fragment that was never sent.
    next: u32,
    /// Sent and not acknowledged, with the time of sending in milliseconds.
    under_way: BTreeMap<u32, u64>,
    progress_at_ms: u64,
}

impl OutgoingTransfers {
    /// `first_transfer` should differ from one start of a peer to the next.
    pub fn new(first_transfer: u64) -> Self {
        Self { next_transfer: first_transfer, transfers: VecDeque::new() }
    }

    pub fn push(&mut self, packet: Vec<u8>, now_ms: u64) {
        let id = self.next_transfer;
        self.next_transfer += 1;
        let transfer = OutgoingTransfer { id, packet, next: 0, under_way: BTreeMap::new(), progress_at_ms: now_ms };
        self.transfers.push_back(transfer);
    }

    pub fn is_empty(&self) -> bool {
        self.transfers.is_empty()
    }

    /// The payloads that may be sent now.
    pub fn poll(&mut self, from: NodeId, now_ms: u64) -> Vec<Vec<u8>> {
        self.transfers.retain(|transfer| now_ms.saturating_sub(transfer.progress_at_ms) < TRANSFER_IDLE_MS);
        let Some(transfer) = self.transfers.front_mut() else {
            return Vec::new();
        };
        let count = transfer.count();
        let mut due: Vec<u32> = transfer
            .under_way
            .iter()
            .filter(|(_, sent_at_ms)| now_ms.saturating_sub(**sent_at_ms) >= FRAGMENT_RESEND_MS)
            .map(|(index, _)| *index)
            .collect();
        while transfer.next < count && transfer.under_way.len() < WINDOW_FRAGMENTS {
            transfer.under_way.insert(transfer.next, now_ms);
            due.push(transfer.next);
            transfer.next += 1;
        }
        for index in &due {
            transfer.under_way.insert(*index, now_ms);
        }
        due.into_iter().map(|index| transfer.fragment(from, index, count)).collect()
    }

    pub fn acknowledge(&mut self, transfer: u64, index: u32, now_ms: u64) {
        let Some(front) = self.transfers.front_mut().filter(|front| front.id == transfer) else {
            return;
        };
        if front.under_way.remove(&index).is_some() {
            front.progress_at_ms = now_ms;
        }
        if front.under_way.is_empty() && front.next == front.count() {
            self.transfers.pop_front();
            if let Some(next) = self.transfers.front_mut() {
                next.progress_at_ms = now_ms;
            }
        }
    }
}

impl OutgoingTransfer {
    fn count(&self) -> u32 {
        self.packet.len().div_ceil(FRAGMENT_BYTES) as u32
    }

    fn fragment(&self, from: NodeId, index: u32, count: u32) -> Vec<u8> {
        let start = index as usize * FRAGMENT_BYTES;
        let end = (start + FRAGMENT_BYTES).min(self.packet.len());
        let mut payload = Vec::with_capacity(end - start + 32);
        payload.extend_from_slice(&HEADER);
        payload.push(KIND_FRAGMENT);
        payload.extend_from_slice(&from.to_le_bytes());
        payload.extend_from_slice(&self.id.to_le_bytes());
        payload.extend_from_slice(&index.to_le_bytes());
        payload.extend_from_slice(&count.to_le_bytes());
        payload.extend_from_slice(&self.packet[start..end]);
        payload
    }
}

/// The large packets that are arriving.
#[derive(Debug, Default)]
pub struct IncomingTransfers {
    transfers: HashMap<(NodeId, u64), IncomingTransfer>,
    finished: VecDeque<(NodeId, u64)>,
}

#[derive(Debug)]
struct IncomingTransfer {
    count: u32,
    /// Memory grows with what arrived, never with what `count` claims.
    fragments: BTreeMap<u32, Vec<u8>>,
    progress_at_ms: u64,
}

impl IncomingTransfers {
    /// Drops what its sender has given up.
    pub fn forget_idle(&mut self, now_ms: u64) {
        self.transfers.retain(|_, transfer| now_ms.saturating_sub(transfer.progress_at_ms) < TRANSFER_IDLE_MS);
    }

    /// Takes a fragment in; gives the packet when it was the last one missing.
    pub fn accept(&mut self, fragment: &Fragment<'_>, now_ms: u64) -> Option<Vec<u8>> {
        let key = (fragment.from, fragment.transfer);
        if self.finished.contains(&key) {
            return None;
        }
        self.forget_idle(now_ms);
        if !self.transfers.contains_key(&key)
            && self.transfers.keys().filter(|(from, _)| *from == fragment.from).count() >= MAX_TRANSFERS_PER_SENDER
        {
            return None;
        }
        let transfer = self.transfers.entry(key).or_insert_with(|| IncomingTransfer {
            count: fragment.count,
            fragments: BTreeMap::new(),
            progress_at_ms: now_ms,
        });
        if transfer.count != fragment.count {
            return None;
        }
        transfer.progress_at_ms = now_ms;
        transfer.fragments.entry(fragment.index).or_insert_with(|| fragment.bytes.to_vec());
        if transfer.fragments.len() < transfer.count as usize {
            return None;
        }
        let transfer = self.transfers.remove(&key)?;
        self.finished.push_back(key);
        if self.finished.len() > MAX_REMEMBERED {
            self.finished.pop_front();
        }
        Some(transfer.fragments.into_values().collect::<Vec<_>>().concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deliver(packet: Vec<u8>, mut lost: impl FnMut(usize) -> bool) -> (Option<Vec<u8>>, usize) {
        let mut outgoing = OutgoingTransfers::new(7);
        let mut incoming = IncomingTransfers::default();
        outgoing.push(packet, 0);
        let (mut now_ms, mut sent, mut arrived) = (0, 0, None);
        while !outgoing.is_empty() && sent < 10_000 {
            let payloads = outgoing.poll(1, now_ms);
            assert!(payloads.len() <= WINDOW_FRAGMENTS);
            for payload in payloads {
                sent += 1;
                if lost(sent) {
                    continue;
                }
                let payload = seal(payload, "a");
                let Ok(Frame::Fragment(fragment)) = unpack(&payload, "a") else { panic!("not a fragment") };
                arrived = incoming.accept(&fragment, now_ms).or(arrived);
                let Ok(Frame::Acknowledgement { transfer, index, .. }) =
                    unpack(&seal(acknowledgement(&fragment), "b"), "b")
                else {
                    panic!("not an acknowledgement")
                };
                if !lost(sent * 3) {
                    outgoing.acknowledge(transfer, index, now_ms);
                }
            }
            now_ms += 500;
        }
        (arrived, sent)
    }

    #[test]
    fn a_large_packet_arrives_whole_over_a_lossy_transport() {
        let packet: Vec<u8> = (0..3_000_000u32).map(|index| index as u8).collect();
        let (arrived, sent) = deliver(packet.clone(), |count| count % 5 == 0);
        assert!(arrived == Some(packet));
        assert!(sent > 12);
    }

    #[test]
    fn packets_share_payloads_up_to_the_limit() {
        let packets: Vec<Vec<u8>> = (0..40).map(|length| vec![1; length * 1_000]).collect();
        let payloads = pack(&packets);
        assert!(payloads.len() < 4);
        let unpacked: Vec<Vec<u8>> = payloads
            .iter()
            .flat_map(|payload| match unpack(&seal(payload.clone(), "a"), "a") {
                Ok(Frame::Packets(packets)) => packets.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(unpacked, packets);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes, "a");
            for kind in 0..4 {
                let mut framed = HEADER.to_vec();
                framed.push(kind);
                framed.extend(&bytes);
                let _ = unpack(&seal(framed, "a"), "a");
            }
        }

        #[test]
        fn a_changed_byte_or_sender_is_noticed(
            packet in proptest::collection::vec(any::<u8>(), 1..200),
            position in any::<proptest::sample::Index>(),
            change in 1u8..,
        ) {
            let mut payload = seal(pack(&[packet]).remove(0), "a");
            prop_assert!(unpack(&payload, "b").is_err());
            let position = position.index(payload.len());
            payload[position] ^= change;
            prop_assert!(unpack(&payload, "a").is_err());
        }
    }
}
