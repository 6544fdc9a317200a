//! Raft's network over the application's transport.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use openraft::alias::{EntryOf, SnapshotOf, VoteOf};
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{Backoff, RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, VoteRequest, VoteResponse,
};
use openraft::{EntryPayload, OptionalSend};

use super::rpc::{Request, Response};
use super::types::{Member, SnapshotData, TypeConfig};
use crate::wire::NodeId;
use crate::wire::blob::Blob;
use crate::wire::codec;

/// How long an append may take. Appends are sent again until then, so this only bounds how long a gone peer is tried.
const APPEND_TIMEOUT: Duration = Duration::from_millis(5_000);
/// The slowest transport that large entries and snapshots are made for.
const SLOWEST_BYTES_PER_MS: u64 = 128;
const VOTE_TIMEOUT: Duration = Duration::from_millis(1_000);
/// A snapshot travels in fragments, one window at a time.
pub const SNAPSHOT_TIMEOUT: Duration = Duration::from_millis(120_000);
/// How long to leave a peer alone that does not answer.
const BACKOFF: Duration = Duration::from_millis(200);

/// Carries one call to a node and its answer back.
pub trait Courier: Send + Sync + 'static {
    /// Resolves to the encoded response, or to `None` when none came in time.
    fn call(
        &self,
        target: NodeId,
        peer_id: &str,
        request: Vec<u8>,
        timeout: Duration,
    ) -> impl Future<Output = Option<Blob>> + Send;
}

pub struct NetworkFactory<C>(pub Arc<C>);

impl<C: Courier> RaftNetworkFactory<TypeConfig> for NetworkFactory<C> {
    type Network = Network<C>;

    async fn new_client(&mut self, target: NodeId, node: &Member) -> Network<C> {
        Network { courier: self.0.clone(), target, peer_id: node.peer_id.clone() }
    }
}

/// The way to one node.
pub struct Network<C> {
    courier: Arc<C>,
    target: NodeId,
    peer_id: String,
}

impl<C: Courier> Network<C> {
    async fn call(&self, request: Request, timeout: Duration) -> Result<Response, RPCError<TypeConfig>> {
        let encoded = codec::encode(&request);
        drop(request);
        let Some(answer) = self.courier.call(self.target, &self.peer_id, encoded, timeout).await else {
            return Err(Unreachable::from_string(format!("{} does not answer", self.peer_id)).into());
        };
        match codec::decode::<Response>(answer.as_slice()) {
            Ok(Response::Refused) => Err(Unreachable::from_string(format!("{} refused", self.peer_id)).into()),
            Ok(response) => Ok(response),
            Err(error) => Err(NetworkError::from_string(error.to_string()).into()),
        }
    }
}

fn data_bytes(entry: &EntryOf<TypeConfig>) -> u64 {
    match &entry.payload {
        EntryPayload::Normal(data) => data.0.len() as u64,
        EntryPayload::Blank | EntryPayload::Membership(_) => 0,
    }
}

/// An answer of another kind than its question's.
fn misfit() -> RPCError<TypeConfig> {
    NetworkError::from_string("the answer is not one to this call").into()
}

impl<C: Courier> RaftNetworkV2<TypeConfig> for Network<C> {
    type SnapshotData = SnapshotData;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        // The engine derives its limit from the heartbeat's period, which says nothing about the transport.
        let carriage = Duration::from_millis(rpc.entries.iter().map(data_bytes).sum::<u64>() / SLOWEST_BYTES_PER_MS);
        let timeout = if rpc.entries.is_empty() { option.hard_ttl() } else { APPEND_TIMEOUT + carriage };
        match self.call(Request::Append(rpc), timeout).await? {
            Response::Append(response) => Ok(response),
            _ => Err(misfit()),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        match self.call(Request::Vote(rpc), VOTE_TIMEOUT).await? {
            Response::Vote(response) => Ok(response),
            _ => Err(misfit()),
        }
    }

    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        match self.call(Request::PreVote(rpc), VOTE_TIMEOUT).await? {
            Response::Vote(response) => Ok(response),
            _ => Err(misfit()),
        }
    }

    async fn full_snapshot(
        &mut self,
        vote: VoteOf<TypeConfig>,
        snapshot: SnapshotOf<TypeConfig, SnapshotData>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let data = Blob::from(snapshot.snapshot.as_slice());
        let timeout = SNAPSHOT_TIMEOUT + Duration::from_millis(data.len() as u64 / SLOWEST_BYTES_PER_MS);
        let call = self.call(Request::Snapshot { vote, meta: snapshot.meta, data }, timeout);
        tokio::select! {
            biased;
            closed = cancel => Err(StreamingError::Closed(closed)),
            answer = call => match answer {
                Ok(Response::Snapshot(response)) => Ok(response),
                Ok(_) => Err(StreamingError::Network(NetworkError::from_string("the answer is not one to this call"))),
                Err(RPCError::Network(error)) => Err(StreamingError::Network(error)),
                Err(error) => Err(StreamingError::Unreachable(Unreachable::from_string(error.to_string()))),
            },
        }
    }

    async fn transfer_leader(
        &mut self,
        rpc: TransferLeaderRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<openraft::raft::TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        match self.call(Request::TransferLeader(rpc), VOTE_TIMEOUT).await? {
            Response::TransferLeader => Ok(Ok(())),
            _ => Err(misfit()),
        }
    }

    fn backoff(&self) -> Option<Backoff> {
        Some(Backoff::new(std::iter::repeat(BACKOFF)))
    }
}
