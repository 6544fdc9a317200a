//! Whole grids of the core, everything right of the binding, in virtual time: with clients, a store and a transport, and
//! with faults that a seed draws. The same seed does the same again, step by step.
//!
//! - [`world`]: the steps of a run
//! - [`process`]: a process with its peer, on a thread and a clock of its own; [`facade`], [`executor`], [`client`]: what
//!   is JavaScript in it
//! - [`network`], [`store`]: what is around
//! - [`faults`]: what goes wrong, and when; [`happenings`]: how
//! - [`ledger`], [`model`]: what is committed, and what that must come to
//! - [`invariants`]: what holds in every run
//! - [`linearizability`]: whether what clients saw has an explanation; [`witness`]: what they asked and saw of each key

pub mod client;
pub mod executor;
pub mod facade;
pub mod faults;
pub mod happenings;
pub mod invariants;
pub mod ledger;
pub mod linearizability;
pub mod model;
pub mod network;
mod panics;
pub mod process;
pub mod random;
pub mod scene;
pub mod store;
pub mod told;
pub mod trace;
pub mod witness;
pub mod world;

pub use faults::Profile;
pub use trace::Detail;
pub use world::{Report, run, run_with};
