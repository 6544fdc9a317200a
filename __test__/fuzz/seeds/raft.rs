//! Raft's calls and answers of every kind.

use std::collections::{BTreeMap, BTreeSet};

use hamok::raft::rpc::{Request, Response};
use hamok::raft::types::{LogData, Member, TypeConfig};
use hamok::wire::blob::Blob;
use hamok::wire::codec;
use openraft::alias::{EntryOf, LogIdOf, SnapshotMetaOf, StoredMembershipOf, VoteOf};
use openraft::entry::RaftEntry;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, VoteRequest, VoteResponse,
};
use openraft::vote::RaftLeaderId;
use openraft::{EntryPayload, Membership, Vote};

use super::super::fuzz::samples;
use super::{Seeds, named};

type LeaderId = openraft::alias::LeaderIdOf<TypeConfig>;

fn log_id(index: u64) -> LogIdOf<TypeConfig> {
    LogIdOf::<TypeConfig>::new(LeaderId::new(7, 1).to_committed(), index)
}

fn vote() -> VoteOf<TypeConfig> {
    Vote::new_committed(7, 1)
}

fn membership() -> Membership<u64, Member> {
    let members = ["a", "b", "c"].map(|peer_id| Member { peer_id: peer_id.into(), electable: peer_id != "c" });
    let voters = vec![BTreeSet::from([1, 2]), BTreeSet::from([1, 2, 300])];
    Membership::new(voters, BTreeMap::from_iter([1, 2, 300].into_iter().zip(members))).unwrap()
}

fn entries() -> Vec<EntryOf<TypeConfig>> {
    let commands = samples::encoded_commands().into_iter().take(3).map(Blob::from);
    let commands = commands.map(|command| EntryPayload::Normal(LogData(command)));
    let payloads = [EntryPayload::Blank, EntryPayload::Membership(membership())].into_iter().chain(commands);
    (4..).zip(payloads).map(|(index, payload)| EntryOf::<TypeConfig>::new(log_id(index), payload)).collect()
}

pub fn requests() -> Seeds {
    let append = |entries| AppendEntriesRequest {
        vote: vote(),
        prev_log_id: Some(log_id(3)),
        entries,
        leader_commit: Some(log_id(2)),
    };
    let meta = SnapshotMetaOf::<TypeConfig> {
        last_log_id: Some(log_id(300)),
        last_membership: StoredMembershipOf::<TypeConfig>::new(Some(log_id(3)), membership()),
    };
    let data = Blob::from(samples::state().to_snapshot());
    let candidate = VoteRequest::new(Vote::new(9, 2), Some(log_id(3)));
    let requests = [
        Request::Append(append(entries())),
        Request::Append(append(Vec::new())),
        Request::Vote(candidate.clone()),
        Request::PreVote(candidate),
        Request::Snapshot { vote: vote(), meta, data },
        Request::TransferLeader(TransferLeaderRequest::new(vote(), 2, Some(log_id(3)))),
    ];
    named("request", requests.iter().map(codec::encode))
}

pub fn responses() -> Seeds {
    let responses = [
        Response::Append(AppendEntriesResponse::Success),
        Response::Append(AppendEntriesResponse::PartialSuccess(Some(log_id(3)))),
        Response::Append(AppendEntriesResponse::Conflict),
        Response::Append(AppendEntriesResponse::HigherVote(vote())),
        Response::Vote(VoteResponse::new(vote(), Some(log_id(3)), true)),
        Response::Snapshot(SnapshotResponse::new(vote())),
        Response::TransferLeader,
        Response::Refused,
    ];
    named("response", responses.iter().map(codec::encode))
}
