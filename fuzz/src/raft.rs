//! Raft's calls and answers.

use std::hint::black_box;

use hamok::raft::rpc::{self, Request, Response};
use hamok::wire::codec;

pub fn decode_request(bytes: &[u8]) {
    let _ = black_box(codec::decode::<Request>(bytes));
    black_box(rpc::leader_term(bytes));
}

pub fn act_on_request(bytes: &[u8]) {
    let Ok(request) = codec::decode::<Request>(bytes) else { return };
    let encoded = codec::encode(&request);
    let term = match &request {
        Request::Append(call) => Some(call.vote.leader_id().term),
        Request::Snapshot { vote, .. } => Some(vote.leader_id().term),
        Request::Vote(_) | Request::PreVote(_) | Request::TransferLeader(_) => None,
    };
    assert_eq!(rpc::leader_term(&encoded), term);
    let again = codec::decode::<Request>(&encoded).map(|request| codec::encode(&request));
    assert_eq!(again.ok(), Some(encoded));
}

pub fn decode_response(bytes: &[u8]) {
    let _ = black_box(codec::decode::<Response>(bytes));
}

pub fn act_on_response(bytes: &[u8]) {
    let Ok(response) = codec::decode::<Response>(bytes) else { return };
    let encoded = codec::encode(&response);
    let again = codec::decode::<Response>(&encoded).map(|response| codec::encode(&response));
    assert_eq!(again.ok(), Some(encoded));
}
