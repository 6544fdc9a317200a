//! All peers that have applied the same log hold the same state, and it is the one that the log's commands come to.

use std::collections::HashMap;

use hamok::wire::GridId;

use super::Invariant;
use crate::scene::Scene;

/// How often peers are compared, in milliseconds.
const PERIOD_MS: u64 = 500;

#[derive(Default)]
pub struct States {
    next_ms: u64,
    sums: HashMap<(GridId, u64), u32>,
}

impl States {
    fn compare(&mut self, scene: &Scene) -> Result<(), String> {
        for process in scene.processes.iter().filter(|it| it.is_up()) {
            let (grid, index) = (process.status().grid, process.peer.applied_index());
            if grid == 0 || index == 0 {
                continue;
            }
            let sum = process.peer.with_state(|state| crc32fast::hash(&state.to_snapshot()));
            let known = *self.sums.entry((grid, index)).or_insert(sum);
            if known != sum {
                return Err(format!("{} differs from another peer at {index} of grid {grid:x}", process.name));
            }
            let Some(log) = scene.ledger.grids.get(&grid).filter(|log| log.known == Some(index)) else { continue };
            if let Some(text) = process.peer.with_state(|state| log.model.difference(state)) {
                return Err(format!("{} at {index} of grid {grid:x}: {text}", process.name));
            }
        }
        Ok(())
    }
}

impl Invariant for States {
    fn name(&self) -> &'static str {
        "all peers hold the same state"
    }

    fn check(&mut self, scene: &Scene) -> Result<(), String> {
        if scene.now_ms < self.next_ms {
            return Ok(());
        }
        self.next_ms = scene.now_ms + PERIOD_MS;
        self.compare(scene)
    }

    fn conclude(&mut self, scene: &Scene) -> Result<(), String> {
        self.compare(scene)?;
        for process in scene.processes.iter().filter(|it| it.is_up()) {
            let known = scene.ledger.grids.get(&process.status().grid).and_then(|log| log.known);
            let applied = process.peer.applied_index();
            if known != Some(applied) {
                return Err(format!("{} has applied {applied}, the log holds {known:?}", process.name));
            }
        }
        Ok(())
    }
}
