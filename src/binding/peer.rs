//! The class that the facade holds, one per `Hamok` instance.

use std::sync::{Arc, OnceLock};

use napi::bindgen_prelude::{Buffer, Function};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Error as NapiError, Result, Status as NapiStatus};
use napi_derive::napi;
use tokio::runtime::{Builder, Runtime};

use super::operations::{self, Collections};
use super::stream::{self, Stream};
use crate::config::{Options, QuorumLoss};
use crate::error::{Code, Error};
use crate::node::Peer;
use crate::ports::{Call, OsRandom, RemoteOptions};
use crate::wire::command::CollectionId;

/// Threads for all peers of a process. Node's own does most of the work, and each time that one wakes another costs some
/// of the half millisecond that a write takes. Snapshots are encoded elsewhere.
const WORKER_THREADS: usize = 1;

/// One runtime for the process, never dropped: peers in terminated workers may still be shutting down on it.
fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let make = || Builder::new_multi_thread().worker_threads(WORKER_THREADS).thread_name("hamok").enable_time().build();
    let failed = || NapiError::from_reason("INTERNAL: the threads of the native library could not be started");
    RUNTIME.get_or_init(|| make().ok()).as_ref().ok_or_else(failed)
}

fn refused(error: Error) -> NapiError {
    NapiError::new(NapiStatus::InvalidArg, error.to_string())
}

#[napi(object)]
pub struct NativePeerOptions {
    pub peer_id: String,
    pub election_timeout_in_ms: f64,
    pub follower_max_idle_in_ms: f64,
    pub heartbeat_in_ms: f64,
    pub only_follower: bool,
    pub log_entries_expiration_time_in_ms: f64,
    pub ongoing_requests_sending_period_in_ms: f64,
    pub min_peers: f64,
    pub max_command_bytes: f64,
    /// 0: re-form, 1: wait, 2: available.
    pub quorum_loss: Option<u32>,
}

#[napi]
pub struct NativePeer {
    peer: Peer,
    stream: Arc<Stream>,
    collections: Collections,
}

#[napi]
impl NativePeer {
    #[napi(constructor)]
    pub fn new(options: NativePeerOptions) -> Result<Self> {
        let options = Options {
            peer_id: options.peer_id,
            election_timeout_ms: options.election_timeout_in_ms as u64,
            follower_max_idle_ms: options.follower_max_idle_in_ms as u64,
            heartbeat_ms: options.heartbeat_in_ms as u64,
            only_follower: options.only_follower,
            log_entries_expiration_ms: options.log_entries_expiration_time_in_ms as u64,
            progress_period_ms: options.ongoing_requests_sending_period_in_ms as u64,
            min_peers: options.min_peers as usize,
            max_command_bytes: options.max_command_bytes as usize,
            quorum_loss: match options.quorum_loss {
                Some(1) => QuorumLoss::Wait,
                Some(2) => QuorumLoss::Available,
                _ => QuorumLoss::Reform,
            },
        };
        let stream = Arc::new(Stream::default());
        let peer = Peer::new(options, stream.clone(), Arc::new(OsRandom)).map_err(refused)?;
        Ok(Self { peer, stream, collections: Collections::new() })
    }

    /// Begins discovery. `wake` keeps the process alive until the peer has left or is stopped.
    #[napi]
    pub fn start(&self, wake: Function<(), ()>) -> Result<()> {
        let wake = wake.build_threadsafe_function::<()>().callee_handled::<false>().build()?;
        self.stream.set_wake(Some(Box::new(move || {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        })));
        self.peer.start(runtime()?.handle());
        Ok(())
    }

    #[napi]
    pub fn leave(&self) {
        self.peer.leave();
    }

    #[napi]
    pub fn force_reform(&self) {
        self.peer.force_reform();
    }

    #[napi]
    pub fn stop(&self) {
        self.peer.stop();
        self.stream.set_wake(None);
    }

    #[napi]
    pub fn accept(&self, source: String, payload: &[u8]) {
        self.peer.accept(source, payload.to_vec());
    }

    #[napi]
    pub fn submit(&self, operations: &[u8]) -> Result<()> {
        let operations = operations::read_operations(operations, &self.collections).map_err(refused)?;
        self.peer.call(Call::Submit(operations));
        Ok(())
    }

    #[napi]
    pub fn reply(&self, results: &[u8]) -> Result<()> {
        let replies = operations::read_replies(results).map_err(refused)?;
        self.peer.call(Call::Reply(replies));
        Ok(())
    }

    #[napi]
    pub fn open(&mut self, handle: u32, kind: u32, id: String, fenced: bool, max_pending: f64) -> Result<()> {
        let remote = RemoteOptions { fenced, max_pending: max_pending as usize };
        let (kind, collection) = (operations::kind(kind).map_err(refused)?, CollectionId::from(id));
        self.collections.insert(handle, (kind, collection.clone()));
        self.peer.call(Call::Open { handle, kind, collection, remote });
        Ok(())
    }

    #[napi]
    pub fn shut(&mut self, handle: u32) {
        self.collections.remove(&handle);
        self.peer.call(Call::Shut { handle });
    }

    #[napi]
    pub fn barrier(&self, token: u32, handle: u32) -> Result<()> {
        if handle != 0 && !self.collections.contains_key(&handle) {
            return Err(refused(Error::new(Code::InvalidArgument, "The barrier names an unknown handle")));
        }
        self.peer.call(Call::Barrier { token, handle: (handle != 0).then_some(handle) });
        Ok(())
    }

    /// How many operations of a remote map wait for their execution.
    #[napi]
    pub fn waiting_remote_operations(&self, handle: u32) -> u32 {
        let waiting = |(_, id): &(_, CollectionId)| self.peer.waiting_remote_operations(id);
        self.collections.get(&handle).map_or(0, |found| waiting(found).try_into().unwrap_or(u32::MAX))
    }

    #[napi]
    pub fn abandon(&self, token: u32) {
        self.peer.call(Call::Abandon { token });
    }

    #[napi]
    pub fn watch_commits(&self, enabled: bool) {
        self.peer.call(Call::WatchCommits(enabled));
    }

    #[napi]
    pub fn watch_log(&self, enabled: bool) {
        self.peer.call(Call::WatchLog(enabled));
    }

    #[napi]
    pub fn log_entries(&self, start: f64, end: f64) -> Buffer {
        // Negative and fractional numbers name no other entries than their whole part.
        stream::pack_log_entries(&self.peer.log_entries(start as u64, end as u64)).into()
    }

    #[napi]
    pub fn deliver(&self, calls: &[u8]) -> Result<()> {
        for call in operations::read_deliveries(calls, &self.collections).map_err(refused)? {
            self.peer.call(call);
        }
        Ok(())
    }

    #[napi]
    pub fn forget(&self, peer_id: String) {
        self.peer.call(Call::Forget { peer_id });
    }

    #[napi]
    pub fn beat(&self) {
        self.peer.call(Call::Beat);
    }

    #[napi]
    pub fn drain(&self) -> Option<Buffer> {
        let drained = self.stream.drain(|| self.peer.outgoing());
        (!drained.is_empty()).then(|| drained.into())
    }

    /// Term, commit index, first index, next index, entries and bytes of the log, pending requests, running remote
    /// operations.
    #[napi]
    pub fn status(&self) -> Vec<f64> {
        let status = self.peer.status();
        let log = status.log;
        let commit_index = status.commit_index.map_or(-1.0, |index| index as f64);
        vec![
            status.term as f64,
            commit_index,
            log.first as f64,
            log.next as f64,
            log.entries() as f64,
            log.data_bytes as f64,
            status.pending_requests as f64,
            status.running_remote_operations as f64,
        ]
    }
}

/// The version of the native library.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
