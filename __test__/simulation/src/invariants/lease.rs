//! A leader calls the store only while nobody else can have been elected: while a quorum has answered it lately, and no
//! newer term has a leader.
//!
//! One that was away itself, stopped or busy, starts what it was given before it hears that its lease is over: the store
//! refuses. What a leaving leader has begun it ends.

use std::collections::BTreeMap;

use hamok::raft::instance::View;
use hamok::wire::GridId;

use super::Invariant;
use crate::scene::Scene;
use crate::store::Stamp;

/// A leader looks at its clock now and then only, and its event loop hears of it a little later.
const GRACE_MS: u64 = 100;

#[derive(Default)]
pub struct Lease {
    /// The newest term in which each grid had a leader, and since when.
    newest: BTreeMap<GridId, (u64, u64)>,
    /// When each process last had its lease. It may end at once, with a member that has answered lately.
    leased_ms: BTreeMap<usize, u64>,
}

impl Invariant for Lease {
    fn name(&self) -> &'static str {
        "no call without a lease"
    }

    fn called(&mut self, stamp: &Stamp, scene: &Scene) -> Result<(), String> {
        let process = &scene.processes[stamp.process];
        let (name, (_, term)) = (&process.name, stamp.fence);
        let was_there_since = |since_ms: u64| scene.now_ms > process.well_since_ms.max(since_ms) + GRACE_MS;
        if !process.is_well() || process.facade.leaving || !was_there_since(0) {
            return Ok(());
        }
        if let Some((newest, since_ms)) = self.newest.get(&stamp.grid).filter(|(newest, _)| term < *newest)
            && was_there_since(*since_ms)
        {
            return Err(format!("{name} calls in term {term}, and term {newest} has a leader since {since_ms} ms"));
        }
        let leads = |view: &View| view.leads && view.term == term && view.voters.len() > 1;
        let age_ms = process.view().filter(leads).and_then(|_| Some(process.quorum_age()?.as_millis() as u64));
        let leased_ms = self.leased_ms.get(&stamp.process).copied().unwrap_or(0);
        match age_ms {
            Some(age_ms) if age_ms > process.lease_ms + GRACE_MS && scene.now_ms > leased_ms + GRACE_MS => {
                Err(format!("{name} calls in term {term}, and has heard of no quorum for {age_ms} ms"))
            }
            _ => Ok(()),
        }
    }

    fn check(&mut self, scene: &Scene) -> Result<(), String> {
        for (index, process) in scene.processes.iter().enumerate().filter(|(_, it)| it.is_up()) {
            let status = process.status();
            if !status.leads {
                continue;
            }
            let Some(view) = process.view().filter(|view| view.leads) else { continue };
            if process.quorum_age().is_some_and(|age| age.as_millis() as u64 <= process.lease_ms) {
                self.leased_ms.insert(index, scene.now_ms);
            }
            let newest = self.newest.entry(status.grid).or_default();
            if view.term > newest.0 {
                *newest = (view.term, scene.now_ms);
            }
        }
        Ok(())
    }
}
