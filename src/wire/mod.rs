//! Bytes on the wire and in the log: what they look like, and how much of them is believed.
//!
//! Everything here is pure. A decoder never panics and never allocates more than a small multiple of the bytes it was
//! given, whatever their length fields claim: bytes come from the application's transport, and anybody may have written
//! them.
//!
//! - [`blob`]: a shared, immutable byte string, the form of every key and value
//! - [`codec`]: bincode with the limits above
//! - [`command`]: what the Raft log holds
//! - [`packet`]: what peers send to one another
//! - [`reader`]: numbers and bytes of packed data
//! - [`frame`]: several packets for one destination in one payload, and large packets cut into fragments

pub mod blob;
pub mod codec;
pub mod command;
pub mod frame;
pub mod packet;
pub mod reader;

/// Identifies one start of a peer: fresh whenever a peer joins, so that a process that lost its memory never votes as
/// its old self. Users only see peer ids.
pub type NodeId = u64;

/// Identifies a grid, that is, one Raft history. Zero means no grid.
pub type GridId = u64;
