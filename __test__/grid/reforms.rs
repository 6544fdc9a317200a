//! Grids that lose their majority, go on from what is left, and meet again.

use hamok::config::{Options, QuorumLoss};
use hamok::ports::Call;
use hamok::wire::blob::Blob;
use hamok::wire::command::Outcome;

use super::hub::{Hub, HubPeer, Told};
use super::{set, start};

/// Faster than the defaults, so that three election timeouts pass soon.
fn fast(options: &mut Options) {
    options.election_timeout_ms = 900;
    options.follower_max_idle_ms = 300;
    options.heartbeat_ms = 50;
}

async fn ready(peers: impl IntoIterator<Item = &HubPeer>) {
    for peer in peers {
        peer.wait("ready", |told| told.contains(&Told::Ready(1))).await;
    }
}

fn latest_leader(told: &[Told]) -> Option<String> {
    let mut leaders =
        told.iter().filter_map(|it| if let Told::Leader(leader) = it { Some(leader.clone()) } else { None });
    leaders.next_back().flatten()
}

/// The change has come to this peer.
async fn has(peer: &HubPeer, value: &str) {
    peer.wait("the change", |told| told.contains(&Told::Changes(vec![value.into()]))).await;
}

async fn write(peer: &HubPeer, token: u32, key: &str, value: &str) {
    peer.call(Call::Submit(vec![(token, set("map", key, value))]));
    answer(peer, token).await;
}

async fn answer(peer: &HubPeer, token: u32) -> Outcome {
    let answer = |told: &[Told]| {
        told.iter().find_map(|it| match it {
            Told::Completed(answered, outcome) if *answered == token => Some(outcome.clone()),
            _ => None,
        })
    };
    peer.wait("an answer", |told| answer(told).is_some()).await;
    answer(&peer.told()).unwrap()
}

/// What a key held, which is overwritten.
async fn value(peer: &HubPeer, token: u32, key: &str) -> Option<String> {
    write(peer, token, key, "read").await;
    match answer(peer, token).await {
        Outcome::Entries(entries) => entries
            .into_iter()
            .find_map(|(_, value)| value)
            .map(|value| String::from_utf8_lossy(value.as_slice()).into_owned()),
        _ => None,
    }
}

fn of<'a>(hub: &'a Hub, ids: &'a [&'a str]) -> impl Iterator<Item = &'a HubPeer> {
    ids.iter().map(|id| hub.peer(id))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_goes_on_with_a_newcomer_and_keeps_everything() {
    let hub = Hub::with(["a", "b", "c", "d"], fast);
    of(&hub, &["a", "b", "c"]).for_each(start);
    ready(of(&hub, &["a", "b", "c"])).await;
    write(hub.peer("b"), 1, "key", "kept").await;
    has(hub.peer("c"), "kept").await;
    hub.cut("a");
    hub.cut("b");
    hub.peer("c").wait("loss of quorum", |told| told.contains(&Told::QuorumLost)).await;
    start(hub.peer("d"));
    assert_eq!(value(hub.peer("d"), 2, "key").await.as_deref(), Some("kept"));
    let missing = Told::Reformed(vec!["a".into(), "b".into()]);
    hub.peer("c").wait("the reform", |told| told.contains(&missing)).await;
    // The others come back. They may have been a majority again for a moment: then the reform gives way to them.
    hub.heal();
    let one = |told: &Told| matches!(told, Told::Reformed(_) | Told::GridMerged);
    hub.peer("a").wait("one grid", |told| told.iter().any(one)).await;
    hub.peer("d").wait("the same leader", |told| latest_leader(told) == latest_leader(&hub.peer("a").told())).await;
    write(hub.peer("a"), 3, "after", "1").await;
    assert_eq!(value(hub.peer("d"), 4, "after").await.as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minority_waits_and_is_restored() {
    let hub = Hub::with(["a", "b", "c"], fast);
    hub.peers().for_each(start);
    ready(hub.peers()).await;
    hub.part(&["c"]);
    hub.peer("c").wait("loss of quorum", |told| told.contains(&Told::QuorumLost)).await;
    hub.peer("c").call(Call::Submit(vec![(1, set("map", "key", "c"))]));
    write(hub.peer("a"), 1, "key", "a").await;
    assert!(!hub.peer("c").told().iter().any(|told| matches!(told, Told::Completed(..))));
    hub.heal();
    let old = Outcome::Entries(vec![(0, Some(Blob::from(b"a".as_slice())))]);
    assert_eq!(answer(hub.peer("c"), 1).await, old);
    hub.peer("c").wait("quorum", |told| told.contains(&Told::QuorumRestored)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sides_that_both_went_on_become_one_and_keep_what_each_acknowledged() {
    let hub = Hub::with(["a", "b", "c", "d"], |options| {
        fast(options);
        options.quorum_loss = QuorumLoss::Available;
    });
    hub.peers().for_each(start);
    ready(hub.peers()).await;
    write(hub.peer("a"), 1, "common", "1").await;
    has(hub.peer("d"), "1").await;
    hub.part(&["a", "b"]);
    write(hub.peer("a"), 2, "left", "1").await;
    write(hub.peer("d"), 2, "right", "1").await;
    hub.heal();
    for peer in hub.peers() {
        peer.wait("the merge", |told| {
            told.contains(&Told::GridMerged) || told.iter().filter(|it| matches!(it, Told::Reformed(_))).count() > 1
        })
        .await;
    }
    for (token, key) in (10..).zip(["left", "right", "common"]) {
        assert_eq!(value(hub.peer("b"), token, key).await.as_deref(), Some("1"), "{key}");
        assert_eq!(value(hub.peer("c"), token, key).await.as_deref(), Some("read"), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_may_go_on_with_one_peer() {
    let hub = Hub::with(["a", "b", "c", "d"], |options| {
        fast(options);
        options.quorum_loss = QuorumLoss::Wait;
    });
    of(&hub, &["a", "b", "c"]).for_each(start);
    ready(of(&hub, &["a", "b", "c"])).await;
    write(hub.peer("b"), 1, "key", "kept").await;
    has(hub.peer("c"), "kept").await;
    hub.cut("a");
    hub.cut("b");
    start(hub.peer("d"));
    hub.peer("c").wait("loss of quorum", |told| told.contains(&Told::QuorumLost)).await;
    hub.peer("c").peer.force_reform();
    assert_eq!(value(hub.peer("d"), 2, "key").await.as_deref(), Some("kept"));
}
