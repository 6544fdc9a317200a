//! Shared state for the instances of a Node.js service, ordered by Raft.
//!
//! What happens on `map.set(key, value)`:
//!
//! ```text
//!  facade     encodes key and value, packs the operations of one turn into a buffer
//!  binding    reads them                                              binding::operations
//!  node       numbers them, sends them to the leader                  node::requests, node::driver
//!  raft       orders, replicates and commits them                     raft::instance
//!  raft       hands committed entries over                            raft::apply
//!  node       applies them under one lock                             node::replica
//!  state      decides what they do                                    state_machine
//!  node       tells of changes, then of the commit, then the answer   node::replica
//!  binding    packs these in that order                               binding::stream
//!  facade     changes the mirror, calls listeners, settles the promise
//! ```
//!
//! Layers, each of which knows only those below it:
//!
//! - [`binding`]: napi, the one place from which JavaScript is called
//! - [`node`]: a peer: discovery, membership, requests, remote execution
//! - [`raft`]: openraft's storage and network
//! - [`state_machine`]: what the grid agrees on; pure
//! - [`wire`]: bytes on the wire and in the log; pure
//!
//! [`config`], [`error`] and [`ports`] (what the core needs from outside) belong to all; [`mutation`] is for tests.

pub mod binding;
pub mod config;
pub mod error;
pub mod mutation;
pub mod node;
pub mod ports;
pub mod raft;
pub mod state_machine;
pub mod wire;
