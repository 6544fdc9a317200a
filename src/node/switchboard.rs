//! Calls to other nodes and their answers, over a transport that may lose either.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{self, Instant};

use super::outbox::Outbox;
use crate::raft::network::Courier;
use crate::wire::blob::Blob;
use crate::wire::packet::{Body, Packet};
use crate::wire::{GridId, NodeId};

/// A call without an answer is made again after this time: Raft's calls may be repeated safely…
const RESEND: Duration = Duration::from_millis(400);
/// …and a millisecond more for each of so many bytes, lest its copies be in its own way.
const RESEND_BYTES_PER_MS: usize = 512;

/// Carries Raft's calls for one node of one grid.
pub struct Switchboard {
    outbox: Arc<Outbox>,
    grid: GridId,
    node: NodeId,
    next_call: AtomicU64,
    /// Who waits for which answer; held for the length of a look-up.
    waiting: Mutex<HashMap<u64, oneshot::Sender<Blob>>>,
}

impl Switchboard {
    pub fn new(outbox: Arc<Outbox>, grid: GridId, node: NodeId) -> Self {
        Self { outbox, grid, node, next_call: AtomicU64::new(1), waiting: Mutex::default() }
    }

    pub fn answered(&self, id: u64, response: Blob) {
        if let Some(waiting) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id) {
            let _ = waiting.send(response);
        }
    }
}

/// Forgets a call when its future is dropped, answered or not.
struct Waiting<'a> {
    switchboard: &'a Switchboard,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.switchboard.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Courier for Switchboard {
    async fn call(&self, target: NodeId, peer_id: &str, request: Vec<u8>, timeout: Duration) -> Option<Blob> {
        let id = self.next_call.fetch_add(1, Ordering::Relaxed);
        let (sender, mut receiver) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
        let _waiting = Waiting { switchboard: self, id };
        let resend = RESEND + Duration::from_millis((request.len() / RESEND_BYTES_PER_MS) as u64);
        let body = Body::RaftRequest { id, request: Blob::from(request) };
        let packet = Packet { grid: self.grid, from: self.node, to: target, body };
        let deadline = Instant::now() + timeout;
        loop {
            let in_pieces = self.outbox.send(peer_id, &packet);
            let until = if in_pieces { deadline } else { deadline.min(Instant::now() + resend) };
            match time::timeout_at(until, &mut receiver).await {
                Ok(answer) => return answer.ok(),
                Err(_) if until >= deadline => return None,
                Err(_) => {}
            }
        }
    }
}
