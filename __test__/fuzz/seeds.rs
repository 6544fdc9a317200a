//! One message of each kind, as it is on the wire.

mod calls;
mod packets;
mod raft;

use hamok::state_machine::StateMachine;
use hamok::wire::frame::{self, Fragment};

use super::fuzz::payloads::SOURCE;
use super::fuzz::samples;

type Seeds = Vec<(String, Vec<u8>)>;

/// The seeds of a target, by names.
pub fn of(target: &str) -> Seeds {
    match target {
        "payload" => named("payload", payloads()),
        "transfers" => named("payloads", [joined(&payloads()), joined(&out_of_order())]),
        "packet" => packets::packets(),
        "command" => named("command", samples::encoded_commands()),
        "log" => named("log", [joined(&samples::encoded_commands())]),
        "raft_request" => raft::requests(),
        "raft_response" => raft::responses(),
        "snapshot" => named("snapshot", [StateMachine::default().to_snapshot(), samples::state().to_snapshot()]),
        "calls" => calls::calls(),
        _ => panic!("there are no seeds for {target}"),
    }
}

fn named(name: &str, seeds: impl IntoIterator<Item = Vec<u8>>) -> Seeds {
    seeds.into_iter().enumerate().map(|(number, bytes)| (format!("{name}-{number}"), bytes)).collect()
}

/// With its length in front of each.
fn joined(pieces: &[Vec<u8>]) -> Vec<u8> {
    let lengths = pieces.iter().map(|piece| (piece.len() as u32).to_le_bytes());
    lengths.zip(pieces).flat_map(|(length, piece)| [&length[..], piece].concat()).collect()
}

fn payloads() -> Vec<Vec<u8>> {
    let packets: Vec<Vec<u8>> = packets::packets().into_iter().map(|(_, packet)| packet).collect();
    let mut payloads = frame::pack(&packets[..2]);
    payloads.extend(frame::pack(&packets));
    payloads.push(fragment(7, 0, 1, &packets[0]));
    payloads.push(fragment(7, 1, 3, b"middle"));
    payloads.push(frame::acknowledgement(&Fragment { from: 1, transfer: 0, index: 0, count: 1, bytes: &[] }));
    payloads.into_iter().map(|payload| frame::seal(payload, SOURCE)).collect()
}

/// Fragments of two packets, one of them doubled, and one of a packet that is complete already.
fn out_of_order() -> Vec<Vec<u8>> {
    let places = [(7, 2, 3), (8, 0, 2), (7, 0, 3), (7, 2, 3), (7, 1, 3), (7, 1, 3), (8, 1, 2)];
    let fragments = places.map(|(transfer, index, count)| fragment(transfer, index, count, &[index as u8; 9]));
    fragments.map(|payload| frame::seal(payload, SOURCE)).to_vec()
}

/// Real ones hold 256 KiB, which is no size for a seed.
fn fragment(transfer: u64, index: u32, count: u32, bytes: &[u8]) -> Vec<u8> {
    const VERSION: u8 = 1;
    const KIND_FRAGMENT: u8 = 1;
    let mut payload = vec![VERSION, 0, 0, 0, 0, KIND_FRAGMENT];
    payload.extend_from_slice(&2u64.to_le_bytes());
    payload.extend_from_slice(&transfer.to_le_bytes());
    payload.extend_from_slice(&index.to_le_bytes());
    payload.extend_from_slice(&count.to_le_bytes());
    payload.extend_from_slice(bytes);
    payload
}
