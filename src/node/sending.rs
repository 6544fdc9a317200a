//! The peer's own requests and questions, on their way to the leader.

use std::collections::BTreeMap;

use super::driver::{Driver, ReadIndexAsker};
use super::requests::Batch;
use crate::ports::{Handle, Token};
use crate::wire::NodeId;
use crate::wire::frame::WHOLE_PACKET_BYTES;
use crate::wire::packet::Body;

/// What was sent to the leader and has not applied here after this time is sent again.
pub(super) const RESEND_MS: u64 = 700;
/// Outcomes that no further request has confirmed after this time are confirmed by themselves.
pub(super) const CONFIRM_MS: u64 = 1_000;
/// More than what a packet has besides the batch in it.
const PACKET_OVERHEAD_BYTES: usize = 64;
/// After a refusal, before the next attempt.
const RETRY_MS: u64 = 20;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Sending {
    pub questions: BTreeMap<Token, Question>,
    /// The leader that requests went to last.
    pub to: Option<NodeId>,
    /// How far this peer's session had applied at the last look.
    pub session_next: Option<u64>,
    /// When something was sent last, or the session had applied more.
    pub progress_at_ms: u64,
    pub resend_at_ms: Option<u64>,
    /// Whether the last batch that was too large for one message may be on its way still.
    pub in_pieces: bool,
}

/// A caller that waits for the leader's word on how far the log is.
pub(super) struct Question {
    pub handle: Option<Handle>,
    pub asked_at_ms: u64,
}

impl Driver {
    /// The leader's node, when there is one that requests can go to.
    fn destination(&self) -> Option<NodeId> {
        let view = self.view()?;
        let enough = self.is_large_enough(view);
        view.leader.filter(|_| enough && self.grid.as_ref().is_some_and(|grid| grid.session_started))
    }

    pub async fn send_requests(&mut self) {
        let Some(leader) = self.destination() else {
            self.sending.to = None;
            return;
        };
        if self.sending.to != Some(leader) {
            self.sending.to = Some(leader);
            self.sending.questions.values_mut().for_each(|question| question.asked_at_ms = 0);
            self.resend_unapplied().await;
        }
        while !self.is_in_pieces(leader) {
            let batch = self.replica.lock().requests.take_batch();
            let Some(batch) = batch else { break };
            self.send_batch(leader, batch).await;
        }
    }

    /// Whether a batch travels in pieces. What is sent after it would overtake it, and be refused; and each piece is sent
    /// again until it is acknowledged.
    fn is_in_pieces(&mut self, leader: NodeId) -> bool {
        let is_transferring = || self.peer_id_of(leader).is_some_and(|peer_id| self.outbox.is_transferring(peer_id));
        let in_pieces = self.sending.in_pieces && is_transferring();
        self.sending.in_pieces = in_pieces;
        in_pieces
    }

    async fn send_batch(&mut self, leader: NodeId, batch: Batch) {
        self.sending.progress_at_ms = self.now_ms();
        if leader == self.node {
            self.accept_batch(leader, batch).await;
        } else {
            let Batch { first, count, command } = batch;
            self.sending.in_pieces |= command.len() + PACKET_OVERHEAD_BYTES > WHOLE_PACKET_BYTES;
            self.send_to_node(leader, Body::Submit { first, count, command });
        }
    }

    pub async fn resend_unapplied(&mut self) {
        let Some(leader) = self.destination() else { return };
        if self.is_in_pieces(leader) {
            return self.resend_soon();
        }
        let batches = self.replica.lock().unapplied();
        for batch in batches {
            self.send_batch(leader, batch).await;
        }
    }

    /// The leader, or the state machine, lacks a request of this peer's session. What has applied here need not be sent
    /// again, even if the leader is behind: it will get there.
    pub fn resend_soon(&mut self) {
        self.sending.resend_at_ms.get_or_insert(self.now_ms() + RETRY_MS);
    }

    pub fn ask_questions(&mut self) {
        let Some(leader) = self.destination() else { return };
        let now_ms = self.now_ms();
        let due = |(_, question): &(&Token, &mut Question)| {
            question.asked_at_ms == 0 || now_ms.saturating_sub(question.asked_at_ms) >= RESEND_MS
        };
        let mut tokens = Vec::new();
        for (token, question) in self.sending.questions.iter_mut().filter(due) {
            question.asked_at_ms = now_ms.max(1);
            tokens.push(*token);
        }
        for token in tokens {
            if leader == self.node {
                self.confirm_lead(ReadIndexAsker::Barrier(token));
            } else {
                self.send_to_node(leader, Body::ReadIndex { id: token.into() });
            }
        }
    }

    /// What the leader of another grid answered means nothing in the next.
    pub fn ask_again_after(&mut self, unanswered: Vec<(Token, Option<Handle>)>) {
        let questions = unanswered.into_iter().map(|(token, handle)| (token, Question { handle, asked_at_ms: 0 }));
        self.sending.questions.extend(questions);
    }

    pub fn question_answered(&mut self, token: Token, index: u64) {
        if let Some(Question { handle, .. }) = self.sending.questions.remove(&token) {
            self.replica.await_index(token, index, handle);
        }
    }
}
