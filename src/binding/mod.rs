//! The Node.js side: the one place that names napi, and the one from which JavaScript is called.
//!
//! There are no rules here. Calls come in as packed buffers and leave as [`crate::ports::Call`]s; notices come in one
//! by one, are packed as they come, and leave in one buffer per turn of the event loop.
//!
//! - [`peer`]: the class that the facade holds
//! - [`operations`]: packed calls, read; [`description`]: operations, for readers
//! - [`stream`]: notices, packed

pub mod description;
pub mod operations;
pub mod peer;
pub mod stream;
