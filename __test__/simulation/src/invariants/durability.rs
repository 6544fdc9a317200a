//! What was acknowledged had taken effect, with the outcome that the caller got, and stays.

use std::collections::{BTreeMap, HashMap, HashSet};

use hamok::wire::GridId;
use hamok::wire::command::Outcome;

use super::Invariant;
use crate::facade::{EXACT, Event, Kind, QUEUE, Request, Settlement, collection_id};
use crate::ledger::{GridLog, Placed};
use crate::model::Id;
use crate::process::Process;
use crate::scene::Scene;

#[derive(Default)]
pub struct Durability {
    acknowledged: BTreeMap<Id, u64>,
    /// Acknowledged, but in no log that was read.
    unseen: Vec<(Id, Outcome)>,
    /// Items whose push was acknowledged.
    pushed: Vec<Id>,
    /// Whether anybody has ever asked for a queue to be cleared.
    cleared: bool,
    /// In which grids, and when.
    popped: HashMap<Id, BTreeMap<GridId, u64>>,
    /// Items that came out of a log which nobody has read so far: the process, and when.
    unplaced_pops: Vec<(Id, usize, u64)>,
    /// How many callers of a pop have not heard what became of it, some of them because they died.
    unheard_pops: usize,
}

fn agree(id: Id, placed: &Placed, got: &Outcome) -> Result<(), String> {
    match &placed.outcome {
        Some(outcome) if outcome == got => Ok(()),
        None if placed.unsure => Ok(()),
        outcome => Err(format!("{got:?} came for {id}, not {outcome:?}")),
    }
}

/// The grid in which a process has taken an item, as far as logs are known. It may hear of it when it has left that grid.
fn popped_in(item: Id, process: &Process, scene: &Scene) -> Option<GridId> {
    let by = |grid: &GridId| scene.ledger.grids.get(grid)?.popped.get(&item);
    let is_own = |grid: &&GridId| by(grid).is_some_and(|(session, _)| process.nodes.contains(session));
    process.grids.iter().rev().find(is_own).copied()
}

impl Durability {
    /// Two grids that parted hold the same items; one of them gives each once.
    fn popped(&mut self, item: Id, grid: GridId, process: &Process, at_ms: u64) -> Result<(), String> {
        let name = &process.name;
        match self.popped.entry(item).or_default().insert(grid, at_ms) {
            Some(at_ms) => Err(format!("the item {item} was given twice in {grid:x}, at {at_ms} ms and to {name}")),
            None => Ok(()),
        }
    }

    fn answered(&mut self, process: &Process, request: &Request, got: &Outcome, scene: &Scene) -> Result<(), String> {
        let grid = process.grids.last().copied().unwrap_or_default();
        let logs = || process.grids.iter().rev().filter_map(|grid| scene.ledger.grids.get(grid));
        match (&request.kind, request.id) {
            (Kind::Write(_) | Kind::Compare(_) | Kind::Remote(_), Some(id)) => {
                self.acknowledged.insert(id, scene.now_ms);
                // It may hear of it when it has left that grid.
                let placed: Vec<_> = logs().filter_map(|log: &GridLog| log.applied.get(&id)).collect();
                if request.kind == Kind::Write(QUEUE) {
                    self.pushed.push(id);
                }
                if placed.iter().all(|placed| placed.is_pending()) {
                    // The peer may have applied its last entries and left the grid in one turn: then others know. What the
                    // store makes of a repeat is not what it made of the first one, unless it is exact.
                    if !matches!(request.kind, Kind::Remote(handle) if handle != EXACT) {
                        self.unseen.push((id, got.clone()));
                    }
                } else if placed.iter().all(|placed| agree(id, placed, got).is_err()) {
                    agree(id, placed[0], got).map_err(|text| format!("{}: {text}", process.name))?;
                }
            }
            (Kind::Pop, _) => {
                let Outcome::Entries(entries) = got else { return Err(format!("a pop gave {got:?}")) };
                for item in entries.iter().filter_map(|(_, value)| Id::parse(value.as_ref()?)) {
                    let by = |grid: &GridId| scene.ledger.grids.get(grid).and_then(|log| log.popped.get(&item));
                    match (popped_in(item, process, scene), by(&grid)) {
                        (Some(grid), _) => self.popped(item, grid, process, scene.now_ms)?,
                        // It took it in the last entries of a former grid, perhaps.
                        (None, _) if process.grids.len() > 1 => {
                            self.unplaced_pops.push((item, process.index, scene.now_ms));
                        }
                        (None, None) => self.popped(item, grid, process, scene.now_ms)?,
                        (None, Some(by)) => {
                            return Err(format!("{} got the item {item}, taken by {by:x?}", process.name));
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Invariant for Durability {
    fn name(&self) -> &'static str {
        "no acknowledged write is lost"
    }

    fn observe(&mut self, event: &Event, scene: &Scene) -> Result<(), String> {
        match event {
            Event::Asked { request, .. } => {
                self.cleared |= request.kind == Kind::Write(QUEUE) && request.id.is_none();
                self.unheard_pops += usize::from(request.kind == Kind::Pop);
                Ok(())
            }
            Event::Settled { process, request, settlement: Settlement::Answered(outcome) } => {
                self.unheard_pops -= usize::from(request.kind == Kind::Pop);
                self.answered(&scene.processes[*process], request, outcome, scene)
            }
            _ => Ok(()),
        }
    }

    fn conclude(&mut self, scene: &Scene) -> Result<(), String> {
        let Some(grid) = scene.final_grid() else { return Err("there is no grid".into()) };
        let Some(log) = scene.ledger.grids.get(&grid) else { return Err("nobody knows the log".into()) };
        for (id, got) in &self.unseen {
            log.applied.get(id).map_or(Ok(()), |placed| agree(*id, placed, got))?;
        }
        for (item, process, at_ms) in std::mem::take(&mut self.unplaced_pops) {
            let process = &scene.processes[process];
            match popped_in(item, process, scene) {
                Some(grid) => self.popped(item, grid, process, at_ms)?,
                // Others know of it only by what came out of it.
                None => drop(self.popped.entry(item).or_default()),
            }
        }
        // What was taken may have been so by a caller who never heard of it, or in the last entries of a grid that others
        // know of only by what came out of them.
        let taken = |item: &Id| {
            let in_log = |log: &GridLog| log.popped.contains_key(item) || log.vanished.contains(item);
            self.popped.contains_key(item) || scene.ledger.grids.values().any(in_log)
        };
        let queue = log.model.collections.get(collection_id(QUEUE));
        let mut queued = HashSet::new();
        for item in queue.iter().flat_map(|it| &it.entries).filter_map(|it| Id::parse(&it.value)) {
            if !queued.insert(item) {
                return Err(format!("the item {item} is in the queue twice"));
            }
        }
        let is_gone = |item: &&Id| !self.cleared && !queued.contains(item) && !taken(item);
        // Some of those that nobody heard of may have taken theirs in those last entries, here or in a grid that came over.
        let reformed = scene.ledger.grids.values().any(|log| log.parent.is_some());
        let unheard = if reformed { self.unheard_pops } else { 0 };
        if let Some(item) = self.pushed.iter().filter(is_gone).nth(unheard) {
            return Err(format!("the item {item} is neither in the queue nor taken"));
        }
        match self.acknowledged.iter().find(|(id, _)| !log.applied.contains_key(id)) {
            Some((id, at_ms)) => Err(format!("{id}, acknowledged at {at_ms} ms, is not in grid {grid:x}")),
            None => Ok(()),
        }
    }
}
