//! The store sees the operations of a remote map in their order. Some of the last may be repeated, marked as such; what
//! was acknowledged was done. On an exact store each takes effect once, in whatever grid, and none comes out of its order.

use std::collections::{BTreeMap, HashSet};

use hamok::ports::Handle;
use hamok::state_machine::effect::RequestId;
use hamok::wire::GridId;
use hamok::wire::command::Outcome;

use super::Invariant;
use crate::facade::{EXACT, Event, Kind, Settlement, collection_id};
use crate::model::Id;
use crate::scene::Scene;
use crate::store::{Stamp, Written};

/// How many of the last operations may be repeated.
const MOST_REPEATED: u64 = 64;
/// The same on an exact store.
const MOST_REPEATED_EXACTLY: u64 = 512;

#[derive(Default)]
pub struct Remote {
    /// The highest position that was ordered, and written, in each grid and map.
    ordered: BTreeMap<(GridId, Handle), u64>,
    written: BTreeMap<(GridId, Handle), u64>,
    /// What was ordered, in whatever grid.
    begun: HashSet<Id>,
    /// The newest leader of each map.
    newest: BTreeMap<Handle, (u64, u64)>,
    done: HashSet<Id>,
    /// What has changed an exact store.
    effective: HashSet<RequestId>,
}

fn in_order(highest: &mut BTreeMap<(GridId, Handle), u64>, stamp: &Stamp, what: &str) -> Result<(), String> {
    let Stamp { grid, handle, position, attempt, .. } = *stamp;
    match highest.get_mut(&(grid, handle)) {
        Some(highest) if position <= *highest => {
            if attempt < 2 {
                return Err(format!("{what} after {highest}, as if for the first time: {stamp:?}"));
            }
            let most = if handle == EXACT { MOST_REPEATED_EXACTLY } else { MOST_REPEATED };
            if position + most <= *highest {
                return Err(format!("{what} long after {highest}: {stamp:?}"));
            }
        }
        _ => drop(highest.insert((grid, handle), position)),
    }
    Ok(())
}

impl Invariant for Remote {
    fn name(&self) -> &'static str {
        "remote operations in order"
    }

    fn observe(&mut self, event: &Event, scene: &Scene) -> Result<(), String> {
        match event {
            Event::Ordered { process, stamp } => {
                let place = (collection_id(stamp.handle).to_owned(), stamp.position);
                let grid = scene.processes[*process].grids.last();
                let known = grid.and_then(|grid| scene.ledger.grids.get(grid)?.queued.get(&place));
                if known.is_some_and(|(known, _)| Some(*known) != stamp.id) {
                    return Err(format!("{known:?} is in the place of {stamp:?}"));
                }
                // A process that was away starts what it was given before it hears that it no longer leads; the store refuses.
                let newest = self.newest.entry(stamp.handle).or_default();
                if stamp.fence < *newest {
                    return Ok(());
                }
                *newest = stamp.fence;
                let again = stamp.id.is_some_and(|id| !self.begun.insert(id));
                if again && stamp.attempt < 2 {
                    return Err(format!("ordered again, as if for the first time: {stamp:?}"));
                }
                in_order(&mut self.ordered, stamp, "ordered")
            }
            Event::Settled { request, settlement: Settlement::Answered(outcome), .. } => {
                let (Kind::Remote(_), Some(id)) = (&request.kind, request.id) else { return Ok(()) };
                // A set that succeeds leaves no doubt: other methods may have found nothing to do.
                let must_be_done = matches!(outcome, Outcome::Entries(_)) && request.changes_store;
                if must_be_done && !self.done.contains(&id) {
                    return Err(format!("{id} was acknowledged, and not done"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn written(&mut self, written: &Written, scene: &Scene) -> Result<(), String> {
        let Stamp { handle, request, id, .. } = written.stamp;
        self.done.extend(id);
        if handle == EXACT && !self.effective.insert(request) {
            return Err(format!("it took effect twice: {:?}", written.stamp));
        }
        if let Some(stamp) = scene.store.misplaced {
            return Err(format!("its place is taken: {stamp:?}"));
        }
        let highest = self.written.get(&(written.stamp.grid, handle));
        if handle == EXACT && highest.is_some_and(|highest| written.stamp.position <= *highest) {
            return Err(format!("it took effect after {highest:?}: {:?}", written.stamp));
        }
        in_order(&mut self.written, &written.stamp, "written")
    }

    fn conclude(&mut self, scene: &Scene) -> Result<(), String> {
        let Some(log) = scene.final_grid().and_then(|grid| scene.ledger.grids.get(&grid)) else { return Ok(()) };
        let waiting = |(_, it): &(&String, &crate::model::Collection)| !it.pending.is_empty();
        match log.model.collections.iter().find(waiting) {
            Some((id, it)) => Err(format!("{} operations of {id} were not executed", it.pending.len())),
            None => Ok(()),
        }
    }
}
