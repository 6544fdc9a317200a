//! Packets from other peers, with what they carry encoded.

use std::hint::black_box;

use hamok::node::deliveries::{Arrival, Deliveries};
use hamok::wire::codec;
use hamok::wire::packet::{Body, Delivery, Packet};

use super::{log, raft};

pub fn decode(bytes: &[u8]) {
    let _ = black_box(codec::decode::<Packet>(bytes));
}

pub fn act(bytes: &[u8]) {
    let Ok(packet) = codec::decode::<Packet>(bytes) else { return };
    let again = codec::decode::<Packet>(&codec::encode(&packet));
    assert_eq!(again.ok().as_ref(), Some(&packet));
    match packet.body {
        Body::RaftRequest { request, .. } | Body::Farewell { transfer: Some(request) } => {
            raft::act_on_request(request.as_slice());
        }
        Body::RaftResponse { response, .. } => raft::act_on_response(response.as_slice()),
        Body::Submit { command, .. } => log::act(command.as_slice()),
        Body::Estate { state, .. } => log::act_on_snapshot(state.as_slice()),
        Body::Deliveries { settled_below, deliveries } => deliver(settled_below, &deliveries),
        Body::DeliveryAnswers(answers) => {
            let mut deliveries = Deliveries::default();
            for (number, received) in answers {
                assert_eq!(deliveries.answered(packet.from, number, received), None, "nothing was published");
            }
        }
        _ => {}
    }
}

/// Twice: the second time nothing is new.
fn deliver(settled_below: u64, arriving: &[Delivery]) {
    let mut deliveries = Deliveries::default();
    for delivery in arriving {
        black_box(deliveries.arrived(1, settled_below, delivery.number, delivery.awaited, 0));
    }
    for delivery in arriving {
        let again = deliveries.arrived(1, settled_below, delivery.number, delivery.awaited, 0);
        assert_eq!(again, Arrival::Ignore);
    }
}
