//! The one place that names openraft: how its log, state machine and network are provided.
//!
//! - [`types`]: the type configuration and its aliases
//! - [`log_store`]: the log, in memory
//! - [`apply`]: committed entries and snapshots, handed to a [`apply::Replica`]
//! - [`network`]: Raft's RPCs over a [`network::Courier`]
//! - [`rpc`]: what those RPCs look like in packets
//! - [`instance`]: one running Raft node
//! - `runtime`: an asynchronous runtime for simulations

pub mod apply;
pub mod instance;
pub mod log_store;
pub mod network;
pub mod rpc;
#[cfg(feature = "simulation")]
pub mod runtime;
pub mod types;
