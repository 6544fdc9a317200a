//! Whole grids in one process, without Node: peers of the core over a hub that can lose, delay and cut.

mod decoders;
mod hub;
mod reforms;

use std::time::Duration;

use hamok::ports::{Call, State};
use hamok::wire::blob::Blob;
use hamok::wire::command::{CollectionKind, MapOperation, Operation, Outcome};
use hub::{Hub, Told};

fn set(collection: &str, key: &str, value: &str) -> Operation {
    let entry = (Blob::from(key.as_bytes()), Blob::from(value.as_bytes()));
    Operation::Map { collection: collection.into(), operation: MapOperation::SetAll(vec![entry]) }
}

/// Opens a map and joins.
fn start(peer: &hub::HubPeer) {
    peer.call(Call::Open {
        handle: 1,
        kind: CollectionKind::Map,
        collection: "map".into(),
        remote: Default::default(),
    });
    peer.start();
}

/// Three peers that share a map.
async fn joined() -> Hub {
    let hub = Hub::new(["a", "b", "c"]);
    hub.peers().for_each(start);
    for peer in hub.peers() {
        peer.wait("ready", |told| told.contains(&Told::Ready(1))).await;
    }
    hub
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_peers_elect_a_leader_and_share_a_map() {
    let hub = joined().await;
    for peer in hub.peers() {
        peer.wait("joined", |told| told.contains(&Told::Joined)).await;
    }
    let leaders = hub.peers().filter(|peer| peer.told().contains(&Told::State(State::Leader))).count();
    assert_eq!(leaders, 1);
    for (token, peer) in (1..).zip(hub.peers()) {
        peer.call(Call::Submit(vec![(token, set("map", "key", &format!("value-{token}")))]));
        peer.wait("the answer", |told| {
            told.iter().any(|it| matches!(it, Told::Completed(answered, _) if *answered == token))
        })
        .await;
    }
    for peer in hub.peers() {
        peer.wait("three changes", |told| told.iter().filter(|it| matches!(it, Told::Changes(_))).count() == 3).await;
    }
    let old = |token: u32| Outcome::Entries(vec![(0, Some(Blob::from(format!("value-{token}").as_bytes())))]);
    assert!(hub.peer("c").told().contains(&Told::Completed(3, old(2))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_one_peer_apply_in_order_over_a_lossy_network_and_a_change_of_leader() {
    let hub = joined().await;
    hub.lose_every(7);
    let leader = hub.leader();
    let writer = hub.peers().find(|peer| peer.id != leader).unwrap();
    for token in 1..=2_000u32 {
        writer.call(Call::Submit(vec![(token, set("map", "key", &token.to_string()))]));
        if token == 700 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            hub.cut(&leader);
        }
    }
    writer
        .wait("all answers", |told| told.iter().filter(|it| matches!(it, Told::Completed(..))).count() == 2_000)
        .await;
    let told = writer.told();
    let values: Vec<u32> = told
        .iter()
        .filter_map(|it| match it {
            Told::Changes(values) => values.last().map(|value| value.parse().unwrap()),
            _ => None,
        })
        .collect();
    assert_eq!(values, (1..=2_000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_leaves_is_replaced_and_can_come_back() {
    let hub = joined().await;
    let leader = hub.leader();
    let leaver = hub.peer(&leader);
    leaver.peer.leave();
    leaver.wait("left", |told| told.contains(&Told::Left)).await;
    let others: Vec<_> = hub.peers().filter(|peer| peer.id != leader).collect();
    for peer in &others {
        peer.wait("the leaver is gone", |told| told.contains(&Told::PeerLeft(leader.clone()))).await;
    }
    others[0].call(Call::Submit(vec![(9, set("map", "meanwhile", "1"))]));
    others[0].wait("an answer", |told| told.iter().any(|it| matches!(it, Told::Completed(9, _)))).await;
    leaver.clear();
    leaver.start();
    leaver.wait("what it missed", |told| told.contains(&Told::Changes(vec!["1".into()]))).await;
    leaver.wait("joined again", |told| told.contains(&Told::Joined)).await;
}

/// Two peers, of which the leader stops so long after a third began to join.
async fn leader_stops_while_a_newcomer_joins(after: Duration) {
    let hub = Hub::new(["a", "b", "c"]);
    let (first, last): (Vec<_>, Vec<_>) = hub.peers().partition(|peer| peer.id != "c");
    first.iter().copied().for_each(start);
    for peer in &first {
        peer.wait("ready", |told| told.contains(&Told::Ready(1))).await;
    }
    first[1].call(Call::Submit(vec![(1, set("map", "key", "kept"))]));
    first[1].wait("the answer", |told| told.iter().any(|it| matches!(it, Told::Completed(1, _)))).await;
    let leader = hub.leader();
    let newcomer = last[0];
    start(newcomer);
    tokio::time::sleep(after).await;
    hub.peer(&leader).peer.stop();
    // It may have joined before.
    newcomer.clear();
    newcomer.call(Call::Submit(vec![(1, set("map", "key", "new"))]));
    let kept = Outcome::Entries(vec![(0, Some(Blob::from(b"kept".as_slice())))]);
    newcomer.wait("the old value", |told| told.contains(&Told::Completed(1, kept.clone()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_peer_keeps_the_state_for_those_that_come_after_it() {
    let moments = [0, 1, 2, 3, 5, 8, 12, 20, 40, 80, 160].map(Duration::from_millis);
    futures::future::join_all(moments.map(leader_stops_while_a_newcomer_joins)).await;
}
