//! Raft's calls as bytes.

use openraft::alias::{SnapshotMetaOf, VoteOf};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, VoteRequest, VoteResponse,
};
use serde::{Deserialize, Serialize};

use super::types::TypeConfig;
use crate::wire::blob::Blob;
use crate::wire::codec;

#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Request {
    Append(AppendEntriesRequest<TypeConfig>),
    Vote(VoteRequest<TypeConfig>),
    PreVote(VoteRequest<TypeConfig>),
    Snapshot { vote: VoteOf<TypeConfig>, meta: SnapshotMetaOf<TypeConfig>, data: Blob },
    TransferLeader(TransferLeaderRequest<TypeConfig>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Response {
    Append(AppendEntriesResponse<TypeConfig>),
    Vote(VoteResponse<TypeConfig>),
    Snapshot(SnapshotResponse<TypeConfig>),
    TransferLeader,
    /// The receiver's Raft is stopped or refused the call.
    Refused,
}

/// The term of the leader that an encoded call comes from, if it is a call of a leader at work. Looks at its first bytes
/// only.
pub fn leader_term(request: &[u8]) -> Option<u64> {
    /// The beginnings of [`Request`]'s variants, of which the first field is the vote.
    #[derive(Deserialize)]
    #[serde(bound = "")]
    enum Start {
        Append { vote: VoteOf<TypeConfig> },
        Vote,
        PreVote,
        Snapshot { vote: VoteOf<TypeConfig> },
        TransferLeader,
    }
    match codec::decode_start(request).ok()? {
        Start::Append { vote } | Start::Snapshot { vote } => Some(vote.leader_id().term),
        Start::Vote | Start::PreVote | Start::TransferLeader => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openraft::Vote;

    #[test]
    fn calls_of_leaders_tell_their_term() {
        let (vote, candidate) = (Vote::new_committed(7, 1), Vote::new(9, 2));
        let append = AppendEntriesRequest { vote, prev_log_id: None, entries: Vec::new(), leader_commit: None };
        let snapshot = Request::Snapshot { vote, meta: SnapshotMetaOf::<TypeConfig>::default(), data: Blob::default() };
        assert_eq!(leader_term(&codec::encode(&Request::Append(append))), Some(7));
        assert_eq!(leader_term(&codec::encode(&snapshot)), Some(7));
        assert_eq!(leader_term(&codec::encode(&Request::Vote(VoteRequest::new(candidate, None)))), None);
        assert_eq!(leader_term(&[]), None);
    }
}
