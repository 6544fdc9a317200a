//! Only one grid acknowledges writes at a time: another one does only if it began with the state of that one, and from
//! then on the former one does no more.

use hamok::wire::GridId;

use super::Invariant;
use crate::facade::{Event, Kind, Settlement};
use crate::scene::Scene;

#[derive(Default)]
pub struct Lineage {
    acknowledging: Option<GridId>,
}

impl Invariant for Lineage {
    fn name(&self) -> &'static str {
        "one grid acknowledges"
    }

    fn observe(&mut self, event: &Event, scene: &Scene) -> Result<(), String> {
        let Event::Settled { process, request, settlement: Settlement::Answered(_) } = event else { return Ok(()) };
        if !matches!(request.kind, Kind::Write(_) | Kind::Compare(_) | Kind::Pop | Kind::Remote(_)) {
            return Ok(());
        }
        let process = &scene.processes[*process];
        let Some(grid) = process.grids.last().copied() else { return Ok(()) };
        match self.acknowledging {
            Some(former) if former == grid => Ok(()),
            Some(former) if !scene.ledger.descends(grid, former) => {
                Err(format!("{} acknowledges in grid {grid:x}, but {former:x} does already", process.name))
            }
            _ => {
                self.acknowledging = Some(grid);
                Ok(())
            }
        }
    }
}
