pub mod error;
pub mod raft;
pub mod state_machine;
pub mod wire;
