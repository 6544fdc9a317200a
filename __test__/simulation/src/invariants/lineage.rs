//! Grids that acknowledge are kin: of two, one goes on from the other, or both from a third. But for one that was founded
//! when nobody could hear of any other: such grids are strangers until they meet.

use hamok::wire::GridId;

use super::Invariant;
use crate::facade::{Event, Kind, Settlement};
use crate::scene::Scene;

#[derive(Default)]
pub struct Lineage {
    acknowledging: Vec<GridId>,
}

impl Invariant for Lineage {
    fn name(&self) -> &'static str {
        "grids that acknowledge are kin"
    }

    fn observe(&mut self, event: &Event, scene: &Scene) -> Result<(), String> {
        let Event::Settled { process, request, settlement: Settlement::Answered(_) } = event else { return Ok(()) };
        if !matches!(request.kind, Kind::Write(_) | Kind::Compare(_) | Kind::Pop | Kind::Remote(_)) {
            return Ok(());
        }
        let process = &scene.processes[*process];
        let Some(grid) = process.grids.last().copied().filter(|grid| !self.acknowledging.contains(grid)) else {
            return Ok(());
        };
        let origin = scene.ledger.origin(grid);
        let is_stranger = |other: &&GridId| {
            let its = scene.ledger.origin(**other);
            its != origin && !scene.ledger.was_founded_alone(its) && !scene.ledger.was_founded_alone(origin)
        };
        if let Some(other) = self.acknowledging.iter().find(is_stranger) {
            return Err(format!("{} acknowledges in grid {grid:x}, but {other:x} does already", process.name));
        }
        self.acknowledging.push(grid);
        Ok(())
    }
}
