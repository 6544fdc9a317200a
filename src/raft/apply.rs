//! Committed entries and snapshots, handed over to a [`Replica`].

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{Stream, StreamExt};
use openraft::alias::{LogIdOf, SnapshotMetaOf, SnapshotOf, StoredMembershipOf};
use openraft::entry::RaftEntry;
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine, Snapshot, SnapshotMeta};
use openraft::{EntryPayload, OptionalSend};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::spawn_blocking;

use super::types::{SnapshotData, TypeConfig};
use crate::wire::blob::Blob;

/// Holds the replicated state.
///
/// Calls come from one task, in log order. They must not block for long: Raft waits for them.
pub trait Replica: Send + Sync + 'static {
    /// Applies consecutive committed entries; `None` stands for an entry without a command. All in one call, so that
    /// the receiver wakes others once.
    fn apply(&self, entries: Vec<(u64, Option<Blob>)>);

    /// Takes a copy of the state as it is now, for [`Replica::encode`] elsewhere.
    fn freeze(&self) -> Box<dyn FnOnce() -> Vec<u8> + Send + Sync>;

    /// Replaces the state by that of a snapshot up to `index`.
    fn install(&self, index: u64, snapshot: &[u8]) -> Result<(), io::Error>;
}

/// The adapter that openraft drives.
pub struct StateMachineAdapter {
    replica: Arc<dyn Replica>,
    applied: Option<LogIdOf<TypeConfig>>,
    membership: StoredMembershipOf<TypeConfig>,
    latest: LatestSnapshot,
}

/// The newest snapshot that was built or installed. Shared with the builder, which finishes on a task of its own; held
/// for the length of a copy only.
pub type LatestSnapshot = Arc<Mutex<Option<SnapshotOf<TypeConfig, SnapshotData>>>>;

impl StateMachineAdapter {
    pub fn new(replica: Arc<dyn Replica>, latest: LatestSnapshot) -> Self {
        let membership = StoredMembershipOf::<TypeConfig>::default();
        Self { replica, applied: None, membership, latest }
    }
}

impl RaftStateMachine<TypeConfig> for StateMachineAdapter {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(
        &mut self,
    ) -> Result<(Option<LogIdOf<TypeConfig>>, StoredMembershipOf<TypeConfig>), io::Error> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<Strm>(&mut self, entries: Strm) -> Result<(), io::Error>
    where
        Strm: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        let mut entries = entries;
        let (mut batch, mut responders) = (Vec::new(), Vec::new());
        while let Some(item) = entries.next().await {
            let (entry, responder) = item?;
            let log_id = entry.log_id();
            let command = match entry.payload {
                EntryPayload::Normal(data) => Some(data.0),
                EntryPayload::Blank => None,
                EntryPayload::Membership(membership) => {
                    self.membership = StoredMembershipOf::<TypeConfig>::new(Some(log_id), membership);
                    None
                }
            };
            self.applied = Some(log_id);
            batch.push((log_id.index(), command));
            responders.extend(responder);
        }
        self.replica.apply(batch);
        responders.into_iter().for_each(|responder| responder.send(()));
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Self::SnapshotBuilder {
        SnapshotBuilder {
            meta: SnapshotMeta { last_log_id: self.applied, last_membership: self.membership.clone() },
            encode: Some(self.replica.freeze()),
            latest: self.latest.clone(),
        }
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMetaOf<TypeConfig>,
        snapshot: SnapshotData,
    ) -> Result<(), io::Error> {
        self.replica.install(meta.last_log_id.map_or(0, |log_id| log_id.index()), &snapshot)?;
        self.applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        set_latest(&self.latest, Snapshot { meta: meta.clone(), snapshot });
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<SnapshotOf<TypeConfig, SnapshotData>>, io::Error> {
        Ok(self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Encodes a frozen state away from the tasks that keep Raft alive.
pub struct SnapshotBuilder {
    meta: SnapshotMetaOf<TypeConfig>,
    encode: Option<Box<dyn FnOnce() -> Vec<u8> + Send + Sync>>,
    latest: LatestSnapshot,
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    type SnapshotData = SnapshotData;

    async fn build_snapshot(&mut self) -> Result<SnapshotOf<TypeConfig, SnapshotData>, io::Error> {
        let encode = self.encode.take().ok_or_else(|| io::Error::other("a builder builds once"))?;
        // A current-thread runtime has none to spare: nothing goes on meanwhile, which makes simulations exact.
        let alone = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
        let bytes = if alone { encode() } else { spawn_blocking(encode).await.map_err(io::Error::other)? };
        let snapshot = Snapshot { meta: self.meta.clone(), snapshot: Arc::new(bytes) };
        set_latest(&self.latest, snapshot.clone());
        Ok(snapshot)
    }
}

/// Keeps the newer one: a build may end after a later snapshot was installed.
fn set_latest(latest: &LatestSnapshot, snapshot: SnapshotOf<TypeConfig, SnapshotData>) {
    let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
    if latest.as_ref().is_none_or(|kept| kept.meta.last_log_id <= snapshot.meta.last_log_id) {
        *latest = Some(snapshot);
    }
}
