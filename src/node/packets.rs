//! Where packets go.

use super::driver::{Driver, ReadIndexAsker};
use super::requests::Batch;
use crate::error::{Code, Error};
use crate::ports::{Notice, Token};
use crate::raft::rpc;
use crate::raft::types::Member;
use crate::wire::NodeId;
use crate::wire::blob::Blob;
use crate::wire::codec;
use crate::wire::frame::{self, Frame};
use crate::wire::packet::{Body, Packet};

impl Driver {
    pub async fn handle_payload(&mut self, source: &str, payload: &[u8]) {
        match frame::unpack(payload, source) {
            Ok(Frame::Packets(packets)) => {
                for packet in packets {
                    self.handle_packet_bytes(source, packet).await;
                }
            }
            Ok(Frame::Fragment(fragment)) => {
                if fragment.from != self.node
                    && let Some(packet) = self.outbox.accept_fragment(source, &fragment)
                {
                    self.handle_packet_bytes(source, &packet).await;
                }
            }
            Ok(Frame::Acknowledgement { to, transfer, index }) if to == self.node => {
                self.outbox.accept_acknowledgement(source, self.node, transfer, index);
            }
            Ok(Frame::Acknowledgement { .. }) => {}
            Err(error) => self.refuse_bytes(source, &error.to_string()),
        }
    }

    async fn handle_packet_bytes(&mut self, source: &str, bytes: &[u8]) {
        match codec::decode::<Packet>(bytes) {
            Ok(packet) if packet.from == self.node => {}
            Ok(packet) if packet.to != 0 && packet.to != self.node => {}
            Ok(packet) => self.handle_packet(source, packet).await,
            Err(error) => self.refuse_bytes(source, &error.to_string()),
        }
    }

    fn refuse_bytes(&self, source: &str, reason: &str) {
        let text = format!("A message from {source} could not be read: {reason}");
        self.front.notice(Notice::Error(Error::new(Code::InvalidMessage, text)));
        self.front.wake();
    }

    async fn handle_packet(&mut self, source: &str, packet: Packet) {
        let Packet { grid, from, body, .. } = packet;
        let now_ms = self.now_ms();
        self.heard(source, from, &body, now_ms);
        let same_grid = grid != 0 && grid == self.grid_id();
        // Who asks to be taken in names this grid without being in it.
        let outsider = matches!(body, Body::Farewell { .. } | Body::JoinRequest { .. });
        if same_grid && !outsider && !self.leading.farewells.contains(&from) {
            self.leading.kin_heard_at_ms = now_ms;
        }
        match body {
            Body::Hello(hello) => self.hello_arrived(source, from, grid, &hello).await,
            Body::Propose => self.proposal_arrived(from, grid),
            Body::Promise => self.promise_arrived(from, grid).await,
            Body::JoinRequest { peer_id, electable } if same_grid => {
                self.join_request_arrived(from, Member { peer_id, electable });
            }
            Body::JoinRequest { .. } => {}
            Body::JoinAccepted { commit_index } => self.join_accepted(grid, commit_index).await,
            Body::JoinRefused => self.join_refused(grid),
            Body::LeaveRequest if same_grid => self.leave_request_arrived(from),
            Body::LeaveRequest => {}
            Body::LeaveDone => self.ended |= self.leaving.is_some() && same_grid,
            Body::Farewell { transfer } => self.farewell_arrived(source, from, same_grid, transfer),
            Body::RaftRequest { id, request } => {
                if self.grid.is_none() && (self.discovery.promised_to(grid, now_ms) || self.asked == Some(grid)) {
                    self.adopt(grid, 0).await;
                }
                if grid == self.grid_id() {
                    self.answer(source, from, id, request);
                }
            }
            Body::RaftResponse { id, response } => {
                if let Some(grid) = self.grid.as_ref().filter(|_| same_grid) {
                    grid.switchboard.answered(id, response);
                }
            }
            Body::Submit { first, count, command } if same_grid => {
                self.accept_batch(from, Batch { first, count, command }).await;
            }
            Body::Submit { .. } => {}
            Body::Resend if same_grid => self.resend_soon(),
            Body::Resend => {}
            Body::ReadIndex { id } if same_grid => self.confirm_lead(ReadIndexAsker::Peer { node: from, id }),
            Body::ReadIndex { .. } => {}
            Body::ReadIndexReply { id, index } if same_grid => self.question_answered(id as Token, index),
            Body::ReadIndexReply { .. } => {}
            Body::Progress { collection, head } if same_grid => self.progress_arrived(&collection, head),
            Body::Progress { .. } => {}
            Body::Deliveries { settled_below, deliveries } if same_grid => {
                self.deliveries_arrived(source, from, settled_below, deliveries);
            }
            Body::DeliveryAnswers(answers) if same_grid => self.delivery_answers_arrived(from, answers),
            Body::Deliveries { .. } | Body::DeliveryAnswers(_) => {}
            Body::Estate { grid: loser, state } if same_grid => self.merge(loser, state).await,
            Body::Estate { .. } => {}
            Body::Removed if same_grid => self.removed(from),
            Body::Removed => {}
        }
    }

    fn heard(&mut self, source: &str, from: NodeId, body: &Body, now_ms: u64) {
        // The last words of a node that leaves, and late ones of a node that has left, do not bring it back.
        let seeks = matches!(body, Body::Hello(_) | Body::Propose | Body::Promise | Body::JoinRequest { .. });
        let member = self.view().is_some_and(|view| view.members.contains_key(&from));
        if !(seeks || member) || matches!(body, Body::Farewell { .. }) {
            return self.remember(source, from);
        }
        self.remember(source, from);
        self.standing.heard(source, now_ms);
        self.leading.heard(from, now_ms);
    }

    fn remember(&mut self, source: &str, node: NodeId) {
        if self.directory.get(&node).is_none_or(|peer_id| peer_id != source) {
            self.directory.insert(node, source.to_owned());
        }
    }

    fn answer(&mut self, source: &str, from: NodeId, id: u64, request: Blob) {
        let now_ms = self.now_ms();
        let Some(grid) = &self.grid else { return };
        let leader_term = rpc::leader_term(request.as_slice());
        // One that is out of touch still sends, and would keep the others from electing another.
        if leader_term.is_some_and(|term| term <= grid.view.term) && self.election.is_leader_lost(now_ms) {
            if self.can_elect_without(from, now_ms) {
                return;
            }
        } else if leader_term.is_some_and(|term| term >= grid.view.term) {
            // A deposed leader that has not heard of it is nobody's leader.
            self.election.leader_heard(now_ms);
        }
        if self.is_surely_removed(from) {
            self.outbox.send(source, &self.packet(from, Body::Removed));
            return;
        }
        let (raft, outbox, peer_id) = (grid.raft.clone(), self.outbox.clone(), source.to_owned());
        let mut packet = self.packet(from, Body::Removed);
        // Ends when the engine has answered or is stopped.
        tokio::spawn(async move {
            let response = Blob::from(raft.answer(request.as_slice()).await);
            packet.body = Body::RaftResponse { id, response };
            outbox.send(&peer_id, &packet);
        });
    }
}
