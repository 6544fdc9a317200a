//! What is done with bytes that a fuzzer makes up, for each decoder of bytes from outside.
//!
//! The targets of cargo-fuzz run this, and so does the ordinary test in `__test__/fuzz`, which includes this file. A
//! body panics when something is wrong: a decoder of ours must read or refuse whatever it gets, and allocate no more
//! than the size of the input justifies.

pub mod allocations;
pub mod calls;
pub mod grid;
pub mod log;
pub mod packets;
pub mod payloads;
pub mod raft;
pub mod samples;

use hamok::wire::command::Operation;
use hamok::wire::reader::Reader;

/// A decoder, and what its results are for.
pub struct Target {
    pub name: &'static str,
    /// Decodes the bytes and drops what they say. What this allocates is bounded.
    decode: fn(&[u8]),
    /// Decodes the bytes and acts on them as a peer would.
    act: fn(&[u8]),
    /// The most bytes that decoding may allocate in all for each byte of the input.
    pub bytes_per_byte: usize,
}

/// What decoding may allocate besides: the room that is kept for the first items of a list, and the text of an error.
pub const SLACK_BYTES: usize = 64 * 1024;

/// Enough where the densest item takes 16 bytes or less for each of its own: a vector that grows by doubling allocates
/// four times what it holds in the end, in all its sizes together.
const PER_BYTE: usize = 64;

/// A batch of `Operation::Nothing` is the densest of all: it takes one byte, and as much memory as any operation.
const PER_BYTE_OF_OPERATIONS: usize = 4 * size_of::<Operation>();

pub const PAYLOAD: Target =
    Target { name: "payload", decode: payloads::decode, act: payloads::act, bytes_per_byte: PER_BYTE };
pub const TRANSFERS: Target =
    Target { name: "transfers", decode: payloads::transfer, act: payloads::transfer, bytes_per_byte: PER_BYTE };
pub const PACKET: Target =
    Target { name: "packet", decode: packets::decode, act: packets::act, bytes_per_byte: PER_BYTE };
pub const COMMAND: Target =
    Target { name: "command", decode: log::decode, act: log::act, bytes_per_byte: PER_BYTE_OF_OPERATIONS };
pub const LOG: Target =
    Target { name: "log", decode: log::decode_all, act: log::act_on_all, bytes_per_byte: PER_BYTE_OF_OPERATIONS };
pub const RAFT_REQUEST: Target =
    Target { name: "raft_request", decode: raft::decode_request, act: raft::act_on_request, bytes_per_byte: PER_BYTE };
pub const RAFT_RESPONSE: Target = Target {
    name: "raft_response",
    decode: raft::decode_response,
    act: raft::act_on_response,
    bytes_per_byte: PER_BYTE,
};
pub const SNAPSHOT: Target =
    Target { name: "snapshot", decode: log::decode_snapshot, act: log::act_on_snapshot, bytes_per_byte: PER_BYTE };
pub const CALLS: Target = Target { name: "calls", decode: calls::decode, act: calls::act, bytes_per_byte: PER_BYTE };

impl Target {
    /// Panics when the bytes show a fault.
    pub fn run(&self, bytes: &[u8]) {
        let allocated = allocations::of(|| (self.decode)(bytes));
        let limit = self.bytes_per_byte * bytes.len() + SLACK_BYTES;
        // The total bounds what is held at once, too.
        assert!(allocated.total <= limit, "{} bytes made it allocate {allocated:?}, over {limit}", bytes.len());
        (self.act)(bytes);
    }
}

/// An input may be nothing but pieces without a byte.
const MOST_PIECES: usize = 1_000;

/// What a length in front of each of them separates.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut reader = Reader(bytes);
    std::iter::from_fn(move || reader.bytes().ok()).take(MOST_PIECES)
}
