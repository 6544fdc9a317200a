//! Payloads of the transport's messages.

use std::hint::black_box;

use hamok::wire::frame::{self, Frame, IncomingTransfers, OutgoingTransfers};

use super::{packets, pieces};

/// The peer id that the checksums cover.
pub const SOURCE: &str = "a";
const HEADER_BYTES: usize = 5;

/// A fuzzer cannot guess checksums.
fn resealed(payload: &[u8]) -> Vec<u8> {
    if payload.len() < HEADER_BYTES {
        return payload.to_vec();
    }
    frame::seal(payload.to_vec(), SOURCE)
}

pub fn decode(payload: &[u8]) {
    let _ = black_box(frame::unpack(payload, SOURCE));
    let _ = black_box(frame::unpack(&resealed(payload), SOURCE));
}

pub fn act(payload: &[u8]) {
    match frame::unpack(&resealed(payload), SOURCE) {
        Ok(Frame::Packets(packets)) => {
            packets.iter().for_each(|packet| packets::act(packet));
            let packets: Vec<Vec<u8>> = packets.into_iter().map(<[u8]>::to_vec).collect();
            let repacked = frame::pack(&packets).into_iter().map(|payload| frame::seal(payload, SOURCE));
            let again = repacked.flat_map(|payload| match frame::unpack(&payload, SOURCE) {
                Ok(Frame::Packets(packets)) => packets.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>(),
                other => panic!("packets became {other:?}"),
            });
            assert!(again.eq(packets));
        }
        Ok(Frame::Fragment(fragment)) => {
            if let Some(packet) = IncomingTransfers::default().accept(&fragment, 0) {
                packets::act(&packet);
            }
        }
        Ok(Frame::Acknowledgement { .. }) | Err(_) => {}
    }
}

/// Several payloads for one peer that has packets under way itself.
pub fn transfer(bytes: &[u8]) {
    const STEP_MS: u64 = 1_000;
    let (mut incoming, mut outgoing) = (IncomingTransfers::default(), OutgoingTransfers::new(0));
    outgoing.push(b"first".to_vec(), 0);
    outgoing.push(b"second".to_vec(), 0);
    for (now_ms, payload) in (0..).step_by(STEP_MS as usize).zip(pieces(bytes)) {
        black_box(outgoing.poll(1, now_ms));
        match frame::unpack(&resealed(payload), SOURCE) {
            Ok(Frame::Fragment(fragment)) => {
                let packet = incoming.accept(&fragment, now_ms);
                assert!(packet.is_none_or(|packet| packet.len() <= bytes.len()), "a packet of more than what came");
                let answer = frame::seal(frame::acknowledgement(&fragment), SOURCE);
                let (to, transfer, index) = (fragment.from, fragment.transfer, fragment.index);
                let wanted = Frame::Acknowledgement { to, transfer, index };
                assert_eq!(frame::unpack(&answer, SOURCE).ok(), Some(wanted));
            }
            Ok(Frame::Acknowledgement { transfer, index, .. }) => outgoing.acknowledge(transfer, index, now_ms),
            Ok(Frame::Packets(_)) | Err(_) => {}
        }
    }
}
