//! One running Raft node, in this crate's own terms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use openraft::alias::{InstantOf, LogIdOf, WatchReceiverOf};
use openraft::async_runtime::watch::WatchReceiver;
use openraft::entry::RaftEntry;
use openraft::errors::ClientWriteError;
use openraft::impls::ProgressResponder;
use openraft::metrics::RaftServerMetrics;
use openraft::raft::{ClientWriteResult, Precondition, TransferLeaderRequest};
use openraft::storage::Snapshot;
use openraft::vote::RaftLeaderId;
use openraft::{Config, EntryPayload, Instant, Membership, Raft, ReadPolicy, ServerState, SnapshotPolicy};

use super::apply::{LatestSnapshot, Replica, StateMachineAdapter};
use super::log_store::{LogExtent, LogRecord, LogStore};
use super::network::{Courier, NetworkFactory, SNAPSHOT_TIMEOUT};
use super::rpc::{Request, Response};
use super::types::{LogData, Member, TypeConfig};
use crate::mutation::Mutation;
use crate::wire::NodeId;
use crate::wire::blob::Blob;
use crate::wire::codec;
use crate::wire::command::LogPosition;

/// Entries per replication message; bytes are limited by the log store.
const MAX_ENTRIES_PER_MESSAGE: u64 = 1_024;
/// Entries that stay in the log behind a snapshot, so that a follower that lags a little needs no snapshot.
const ENTRIES_KEPT_BEHIND_SNAPSHOT: u64 = 1_000;
/// A learner that lags more than this is not yet worth a vote.
const REPLICATION_LAG_THRESHOLD: u64 = 10_000;

/// How long a leader's silence is tolerated: followers and leader alike hold its lease for this long, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Lease(pub u64);

/// A Raft node. Clones share it; the last one does not stop it, [`RaftInstance::shutdown`] does.
#[derive(Clone)]
pub struct RaftInstance {
    raft: Raft<TypeConfig, StateMachineAdapter>,
    log: LogStore,
    snapshot: LatestSnapshot,
}

/// What a node knows of itself and its grid.
#[derive(Debug, Clone)]
pub struct View {
    pub running: bool,
    pub leads: bool,
    pub candidate: bool,
    pub leader: Option<NodeId>,
    pub term: u64,
    pub members: BTreeMap<NodeId, Member>,
    pub voters: BTreeSet<NodeId>,
    /// Whether the members above are committed.
    pub membership_committed: bool,
    /// The log id of the membership above, for changes based on it.
    membership_log_id: Option<LogIdOf<TypeConfig>>,
    /// For a leader: when a quorum was last known to follow it.
    quorum_acked: Option<InstantOf<TypeConfig>>,
    pub last_log_index: u64,
    pub commit_index: Option<u64>,
    /// For a leader: the last index that each node is known to hold.
    pub matched: BTreeMap<NodeId, u64>,
}

impl View {
    /// For a leader: how long ago a quorum was last known to follow it. As of now, however old the view is: a process may
    /// have been stopped since it was taken.
    pub fn quorum_age(&self) -> Option<Duration> {
        self.quorum_acked.map(|acked| acked.elapsed())
    }
}

impl RaftInstance {
    pub async fn start<C: Courier>(
        id: NodeId,
        lease: Lease,
        log: LogStore,
        courier: Arc<C>,
        replica: Arc<dyn Replica>,
    ) -> Result<Self, String> {
        let config = Config {
            cluster_name: "hamok".into(),
            // The engine's lease is `election_timeout_max`. When to stand is decided by `node::election`, and when to
            // send heartbeats by the node's own clock: the engine takes its RPC limits from the heartbeat's period, so
            // that has to be as long as a slow transport may need.
            election_timeout_max: lease.0,
            election_timeout_min: lease.0 - 1,
            heartbeat_interval: (lease.0 * 3 / 4).max(1),
            enable_elect: false,
            enable_heartbeat: false,
            enable_pre_vote: Some(true),
            install_snapshot_timeout: SNAPSHOT_TIMEOUT.as_millis() as u64,
            max_payload_entries: MAX_ENTRIES_PER_MESSAGE,
            max_in_snapshot_log_to_keep: ENTRIES_KEPT_BEHIND_SNAPSHOT,
            replication_lag_threshold: REPLICATION_LAG_THRESHOLD,
            snapshot_policy: SnapshotPolicy::Never,
            ..Config::default()
        };
        let config = Arc::new(config.validate().map_err(|error| error.to_string())?);
        let snapshot = LatestSnapshot::default();
        let adapter = StateMachineAdapter::new(replica, snapshot.clone());
        let raft = Raft::new(id, config, NetworkFactory(courier), log.clone(), adapter)
            .await
            .map_err(|error| error.to_string())?;
        Ok(Self { raft, log, snapshot })
    }

    /// Makes this node the first of a new grid with these members, and lets it stand for election at once.
    pub async fn initialize(&self, members: BTreeMap<NodeId, Member>) -> Result<(), String> {
        self.raft.initialize(members).await.map_err(|error| error.to_string())
    }

    pub async fn shutdown(&self) {
        let _ = self.raft.shutdown().await;
    }

    pub fn watch(&self) -> Watch {
        Watch(self.raft.server_metrics())
    }

    pub fn view(&self) -> View {
        let metrics = self.raft.metrics().borrow_watched().clone();
        let membership = metrics.membership_config.membership();
        let matched = metrics.replication.iter().flatten();
        View {
            running: metrics.running_state.is_ok(),
            leads: metrics.state == ServerState::Leader,
            candidate: metrics.state == ServerState::Candidate,
            leader: metrics.current_leader,
            term: metrics.current_term,
            members: membership.nodes().map(|(id, member)| (*id, member.clone())).collect(),
            voters: membership.voter_ids().collect(),
            membership_committed: metrics.membership_config == metrics.committed_membership_config,
            membership_log_id: *metrics.membership_config.log_id(),
            quorum_acked: metrics.last_quorum_acked.map(|acked| *acked),
            last_log_index: metrics.last_log_index.unwrap_or_default(),
            commit_index: metrics.local_committed.map(|log_id| log_id.index()),
            matched: matched.filter_map(|(id, log_id)| Some((*id, log_id.as_ref()?.index()))).collect(),
        }
    }

    pub fn leads(&self) -> bool {
        self.raft.metrics().borrow_watched().state == ServerState::Leader
    }

    /// Where the log ends.
    pub fn last_position(&self) -> LogPosition {
        self.log.last_position()
    }

    /// The term of the entry at this index, if the log or its last snapshot still tells; zero otherwise.
    pub fn term_at(&self, index: u64) -> u64 {
        let snapshot = || {
            let latest = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
            latest.as_ref().and_then(|it| it.meta.last_log_id).filter(|log_id| log_id.index() == index)
        };
        let term = |log_id: LogIdOf<TypeConfig>| log_id.committed_leader_id().term;
        self.log.term_at(index).or_else(|| snapshot().map(term)).unwrap_or(0)
    }

    /// The time on the log's clock, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.log.now_ms()
    }

    pub fn extent(&self) -> LogExtent {
        self.log.extent()
    }

    /// The commands that the log holds from this index on, committed or not.
    pub fn commands_from(&self, index: u64) -> Vec<(u64, Blob)> {
        self.log.commands_from(index)
    }

    /// The entries from `start` up to `end`, not included, as far as the log has them.
    pub fn records(&self, start: u64, end: u64) -> Vec<LogRecord> {
        self.log.records(start, end)
    }

    /// Whether [`RaftInstance::take_removed`] is to tell what was dropped from the log.
    pub fn watch_removed(&self, watch: bool) {
        self.log.watch_removed(watch);
    }

    /// What was dropped from the front of the log since the last call.
    pub fn take_removed(&self) -> Vec<LogRecord> {
        self.log.take_removed()
    }

    /// How many entries and bytes of the log no snapshot covers, and when the first of them was stored, in milliseconds
    /// since 1970.
    pub fn uncovered(&self) -> (u64, usize, Option<u64>) {
        let covered = self.covered();
        let (entries, bytes) = self.log.after(covered);
        (entries, bytes, self.log.stored_at_ms(covered + 1))
    }

    /// The last index that a snapshot covers.
    pub fn covered(&self) -> u64 {
        let latest = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().and_then(|snapshot| snapshot.meta.last_log_id).map_or(0, |log_id| log_id.index())
    }

    /// Drops what a snapshot covers, was stored at this time or earlier, in milliseconds since 1970, and comes before an
    /// index from which on it is needed.
    pub async fn purge_stored_until(&self, at_ms: u64, needed_from: u64) {
        if let (Some(old), Some(free)) = (self.log.last_stored_until(at_ms), needed_from.checked_sub(1)) {
            let _ = self.raft.trigger().purge_log(old.min(free).min(self.covered())).await;
        }
    }

    /// Drops what a snapshot covers, but for the newest entries of about this many bytes.
    pub async fn purge_keeping(&self, bytes: usize) {
        let _ = self.raft.trigger().purge_log(self.log.index_before_newest(bytes)).await;
    }

    /// The size of the last snapshot that was built or installed.
    pub fn snapshot_bytes(&self) -> usize {
        let snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        snapshot.as_ref().map_or(0, |snapshot| snapshot.snapshot.len())
    }

    /// Hands a command to Raft; the result tells whether it was refused. Proposals keep the order of the calls.
    pub async fn propose(
        &self,
        command: Blob,
    ) -> impl Future<Output = Result<(), ProposalFailed>> + Send + 'static + use<> {
        let (responder, receiver) = ProgressResponder::<TypeConfig, ClientWriteResult<TypeConfig>>::complete_only();
        let handed_over = self.raft.client_write_ff(LogData(command), Some(responder)).await;
        async move {
            handed_over.map_err(|_| ProposalFailed)?;
            match receiver.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(ClientWriteError::ForwardToLeader(_) | ClientWriteError::LogEntryDiscarded(_))) => {
                    Err(ProposalFailed)
                }
                Ok(Err(_)) | Err(_) => Err(ProposalFailed),
            }
        }
    }

    /// Sends heartbeats to all followers.
    pub async fn heartbeat(&self) {
        let _ = self.raft.trigger().heartbeat().await;
    }

    /// Asks the others whether they would vote for this node, and stands if a majority would.
    pub async fn stand(&self) {
        let _ = self.raft.trigger().elect(true).await;
    }

    pub async fn transfer_leader(&self, to: NodeId) {
        let _ = self.raft.trigger().transfer_leader(to).await;
    }

    /// Builds a snapshot and drops the log before it.
    pub async fn compact(&self) {
        let _ = self.raft.trigger().snapshot().await;
    }

    /// The index that must be applied to see everything committed by now; `None` when this node does not lead.
    pub async fn read_index(&self) -> Option<u64> {
        let linearizer = self.raft.get_read_linearizer(ReadPolicy::ReadIndex).await.ok()?;
        Some(linearizer.read_log_id().log_id().index())
    }

    /// Changes the membership in one step from that of `view`: at most one voter more or less. Resolves when it is
    /// committed; `false` when it was refused.
    pub async fn change_membership(
        &self,
        view: &View,
        members: BTreeMap<NodeId, Member>,
        voters: BTreeSet<NodeId>,
    ) -> bool {
        let Ok(membership) = Membership::<NodeId, Member>::new(vec![voters], members) else {
            return false;
        };
        let based_on = Precondition::LastMembershipLogId { last_membership_log_id: view.membership_log_id };
        self.raft.append_membership(membership, EntryPayload::Blank, [based_on]).await.is_ok()
    }

    /// For a leader that stops without waiting: the call that lets the most advanced other voter take over at once.
    pub fn parting_transfer(&self, electable_only: bool) -> Option<(NodeId, Blob)> {
        let metrics = self.raft.metrics().borrow_watched().clone();
        if metrics.state != ServerState::Leader {
            return None;
        }
        let membership = metrics.membership_config.membership();
        let (heir, matched) = metrics
            .replication
            .iter()
            .flatten()
            .filter(|(id, _)| **id != metrics.id && membership.voter_ids().any(|voter| voter == **id))
            .filter(|(id, _)| !electable_only || membership.get_node(id).is_some_and(|member| member.electable))
            .max_by_key(|(_, matched)| **matched)?;
        let request = TransferLeaderRequest::new(metrics.vote, *heir, *matched);
        Some((*heir, Blob::from(codec::encode(&Request::TransferLeader(request)))))
    }

    /// Answers a call from another node. Never fails: malformed calls are refused.
    pub async fn answer(&self, request: &[u8]) -> Vec<u8> {
        let response = match codec::decode::<Request>(request) {
            Ok(request) => self.handle(request).await,
            Err(_) => Response::Refused,
        };
        codec::encode(&response)
    }

    async fn handle(&self, request: Request) -> Response {
        let response = match mutated(request) {
            Request::Append(call) => self.raft.append_entries(call).await.ok().map(Response::Append),
            Request::Vote(call) => self.raft.vote(call).await.ok().map(Response::Vote),
            Request::PreVote(call) => self.raft.pre_vote(call).await.ok().map(Response::Vote),
            Request::Snapshot { vote, meta, data } => {
                let snapshot = Snapshot { meta, snapshot: Arc::new(data.as_slice().to_vec()) };
                self.raft.install_full_snapshot(vote, snapshot).await.ok().map(Response::Snapshot)
            }
            Request::TransferLeader(call) => {
                self.raft.handle_transfer_leader(call).await.ok().map(|_| Response::TransferLeader)
            }
        };
        response.unwrap_or(Response::Refused)
    }
}

/// A call as it is, unless a bug is planted.
fn mutated(mut request: Request) -> Request {
    match &mut request {
        Request::Vote(call) | Request::PreVote(call) if Mutation::VoteWithoutLogCheck.is_planted() => {
            call.last_log_id = Some(LogIdOf::<TypeConfig>::new(call.vote.leader_id().to_committed(), u64::MAX));
        }
        Request::Append(call) if Mutation::CommitWithoutMajority.is_planted() => {
            call.leader_commit = call.entries.last().map(RaftEntry::log_id).or(call.leader_commit);
        }
        _ => {}
    }
    request
}

/// Tells when role, leader, term or membership of a node have changed.
pub struct Watch(WatchReceiverOf<TypeConfig, RaftServerMetrics<TypeConfig>>);

impl Watch {
    /// Resolves at the next change; `false` once the node is gone.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// A proposal was refused, or its entry was overwritten by another leader's; the session protocol sends it again.
#[derive(Debug, Clone, Copy)]
pub struct ProposalFailed;
