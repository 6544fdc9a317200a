//! A hub that carries every message as bytes between peers of one process.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hamok::config::{Options, QuorumLoss};
use hamok::node::Peer;
use hamok::ports::{Call, Front, Notice, OsRandom, State};
use hamok::state_machine::effect::Change;
use hamok::wire::command::Outcome;
use tokio::sync::Notify;

/// What a peer told its front, in a form that can be kept and compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    State(State),
    Leader(Option<String>),
    PeerJoined(String),
    PeerLeft(String),
    Joined,
    Rejoining,
    Left,
    QuorumLost,
    QuorumRestored,
    /// With the peers that took no part.
    Reformed(Vec<String>),
    GridMerged,
    Ready(u32),
    /// The values that were inserted or updated.
    Changes(Vec<String>),
    Completed(u32, Outcome),
    Failed(u32),
    Other(String),
}

#[derive(Default)]
struct Recorder {
    told: Mutex<Vec<Told>>,
    woken: Notify,
    changed: Notify,
}

impl Front for Recorder {
    fn notice(&self, notice: Notice<'_>) {
        let text = |value: &hamok::wire::blob::Blob| String::from_utf8_lossy(value.as_slice()).into_owned();
        let told = match notice {
            Notice::State(state) => Told::State(state),
            Notice::Leader(leader) => Told::Leader(leader.map(str::to_owned)),
            Notice::PeerJoined(peer_id) => Told::PeerJoined(peer_id.to_owned()),
            Notice::PeerLeft(peer_id) => Told::PeerLeft(peer_id.to_owned()),
            Notice::Joined => Told::Joined,
            Notice::Rejoining => Told::Rejoining,
            Notice::Left => Told::Left,
            Notice::QuorumLost => Told::QuorumLost,
            Notice::QuorumRestored => Told::QuorumRestored,
            Notice::Reformed { missing, .. } => Told::Reformed(missing.to_vec()),
            Notice::GridMerged { .. } => Told::GridMerged,
            Notice::Ready { handle, .. } => Told::Ready(handle),
            Notice::Changes { changes, .. } => Told::Changes(
                changes
                    .iter()
                    .filter_map(|change| match change {
                        Change::Inserted { value, .. } | Change::Updated { value, .. } => Some(text(value)),
                        _ => None,
                    })
                    .collect(),
            ),
            Notice::Completed { token, outcome } => Told::Completed(token, outcome.clone()),
            Notice::Failed { token, .. } => Told::Failed(token),
            other => Told::Other(format!("{other:?}")),
        };
        self.told.lock().unwrap().push(told);
        self.changed.notify_waiters();
    }

    fn wake(&self) {
        self.woken.notify_one();
    }
}

pub struct HubPeer {
    pub id: String,
    pub peer: Peer,
    recorder: Arc<Recorder>,
}

impl HubPeer {
    pub fn start(&self) {
        self.peer.start(&tokio::runtime::Handle::current());
    }

    pub fn call(&self, call: Call) {
        self.peer.call(call);
    }

    pub fn told(&self) -> Vec<Told> {
        self.recorder.told.lock().unwrap().clone()
    }

    pub fn clear(&self) {
        self.recorder.told.lock().unwrap().clear();
    }

    pub async fn wait(&self, what: &str, condition: impl Fn(&[Told]) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !condition(&self.recorder.told.lock().unwrap()) {
            assert!(
                Instant::now() < deadline,
                "{}: no {what} in {:#?}",
                self.id,
                self.told().iter().rev().take(40).collect::<Vec<_>>()
            );
            let _ = tokio::time::timeout(Duration::from_millis(20), self.recorder.changed.notified()).await;
        }
    }
}

pub struct Hub {
    peers: Arc<Vec<HubPeer>>,
    faults: Arc<Faults>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

#[derive(Default)]
struct Faults {
    cut: Mutex<BTreeSet<String>>,
    parted: Mutex<BTreeSet<String>>,
    lose_every: AtomicU64,
    sent: AtomicU64,
}

impl Hub {
    pub fn new<const N: usize>(ids: [&str; N]) -> Self {
        Self::with(ids, |_| {})
    }

    /// Of peers whose options differ from the defaults.
    pub fn with<const N: usize>(ids: [&str; N], configure: impl Fn(&mut Options)) -> Self {
        let peers: Vec<HubPeer> = ids.iter().map(|id| make(id, &configure)).collect();
        let (peers, faults) = (Arc::new(peers), Arc::new(Faults::default()));
        let tasks = (0..N).map(|index| tokio::spawn(carry(index, peers.clone(), faults.clone()))).collect();
        Self { peers, faults, tasks }
    }

    pub fn peers(&self) -> impl Iterator<Item = &HubPeer> {
        self.peers.iter()
    }

    pub fn peer(&self, id: &str) -> &HubPeer {
        self.peers.iter().find(|peer| peer.id == id).unwrap()
    }

    pub fn leader(&self) -> String {
        let leads = |peer: &&HubPeer| {
            let last = peer.told().into_iter().rev().find_map(|told| match told {
                Told::State(state) => Some(state),
                _ => None,
            });
            last == Some(State::Leader)
        };
        self.peers.iter().find(leads).unwrap().id.clone()
    }

    /// Nothing reaches this peer any more, and nothing comes from it.
    pub fn cut(&self, id: &str) {
        self.faults.cut.lock().unwrap().insert(id.to_owned());
    }

    /// Everybody hears everybody again.
    pub fn heal(&self) {
        self.faults.cut.lock().unwrap().clear();
        self.faults.parted.lock().unwrap().clear();
    }

    /// These hear only one another, and so do the others.
    pub fn part(&self, group: &[&str]) {
        *self.faults.parted.lock().unwrap() = group.iter().map(|id| (*id).to_owned()).collect();
    }

    /// Every n-th message is lost.
    pub fn lose_every(&self, n: u64) {
        self.faults.lose_every.store(n, Ordering::Relaxed);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
        self.peers.iter().for_each(|peer| peer.peer.stop());
    }
}

fn make(id: &str, configure: &impl Fn(&mut Options)) -> HubPeer {
    let mut options = Options {
        peer_id: id.to_owned(),
        election_timeout_ms: 3_000,
        follower_max_idle_ms: 1_000,
        heartbeat_ms: 100,
        only_follower: false,
        log_entries_expiration_ms: 300_000,
        progress_period_ms: 1_000,
        min_peers: 2,
        quorum_loss: QuorumLoss::Reform,
        max_command_bytes: 16 * 1024 * 1024,
    };
    configure(&mut options);
    let recorder = Arc::new(Recorder::default());
    HubPeer { id: id.to_owned(), peer: Peer::new(options, recorder.clone(), Arc::new(OsRandom)).unwrap(), recorder }
}

async fn carry(index: usize, peers: Arc<Vec<HubPeer>>, faults: Arc<Faults>) {
    let sender = &peers[index];
    loop {
        let _ = tokio::time::timeout(Duration::from_millis(50), sender.recorder.woken.notified()).await;
        sender.peer.call(Call::Beat);
        for message in sender.peer.outgoing() {
            let sent = faults.sent.fetch_add(1, Ordering::Relaxed) + 1;
            let lose_every = faults.lose_every.load(Ordering::Relaxed);
            if lose_every > 0 && sent.is_multiple_of(lose_every) {
                continue;
            }
            for receiver in peers.iter().filter(|receiver| receiver.id != sender.id) {
                let cut = faults.cut.lock().unwrap();
                let parted = faults.parted.lock().unwrap();
                let apart = parted.contains(&sender.id) != parted.contains(&receiver.id);
                if apart || cut.contains(&sender.id) || cut.contains(&receiver.id) {
                    continue;
                }
                if message.destination.is_empty() || message.destination == receiver.id {
                    receiver.peer.accept(sender.id.clone(), message.payload.clone());
                }
            }
        }
    }
}
