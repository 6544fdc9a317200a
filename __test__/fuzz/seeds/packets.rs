//! Packets of every kind.

use hamok::state_machine::effect::RequestId;
use hamok::wire::blob::Blob;
use hamok::wire::codec;
use hamok::wire::command::LogPosition;
use hamok::wire::packet::{Announcement, Body, Delivery, EstateSummary, Hello, Packet};

use super::super::fuzz::samples;
use super::{Seeds, named, raft};

pub fn packets() -> Seeds {
    let packet = |body| codec::encode(&Packet { grid: 0x1234_5678_9abc_def0, from: 2, to: 1, body });
    named("packet", bodies().into_iter().map(packet))
}

fn first(seeds: Seeds) -> Blob {
    Blob::from(seeds.into_iter().next().unwrap().1)
}

fn bodies() -> Vec<Body> {
    let delivery = |number, awaited| Delivery {
        number,
        awaited,
        collection: "emitter".into(),
        event: "event".into(),
        payload: samples::blob("[1]"),
    };
    let estate =
        EstateSummary { grid: 9, epoch: 2, last: LogPosition { term: 3, index: 4 }, needed: 2, had_vote: true };
    let announcement = Announcement { members: 3, ancestors: vec![8, 9] };
    let hello = |leader: Option<u64>| Hello {
        peer_id: "b".into(),
        electable: true,
        leader,
        asks: true,
        estate: leader.is_none().then_some(estate),
        announcement: leader.map(|_| announcement.clone()),
        quorum_silence_ms: leader,
    };
    let request = || first(raft::requests());
    let command = Blob::from(samples::encoded_commands().remove(1));
    vec![
        Body::Hello(hello(None)),
        Body::Hello(hello(Some(3))),
        Body::Propose,
        Body::Promise,
        Body::JoinRequest { peer_id: "b".into(), electable: false },
        Body::JoinAccepted { commit_index: 300 },
        Body::JoinRefused,
        Body::LeaveRequest,
        Body::LeaveDone,
        Body::Farewell { transfer: None },
        Body::Farewell { transfer: Some(request()) },
        Body::RaftRequest { id: 5, request: request() },
        Body::RaftResponse { id: 5, response: first(raft::responses()) },
        Body::Submit { first: 6, count: 34, command },
        Body::Resend,
        Body::ReadIndex { id: 70_000 },
        Body::ReadIndexReply { id: 70_000, index: 12 },
        Body::Progress { collection: "remote".into(), head: RequestId { session: 2, number: 30 } },
        Body::Removed,
        Body::Estate { grid: 9, state: Blob::from(samples::state().to_snapshot()) },
        Body::Deliveries { settled_below: 3, deliveries: vec![delivery(3, true), delivery(9, false)] },
        Body::DeliveryAnswers(vec![(3, true), (300, false)]),
    ]
}
