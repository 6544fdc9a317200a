//! After a barrier, a peer has applied all that was acknowledged to anybody before the barrier was asked for.

use super::Invariant;
use crate::facade::{Event, Kind, Settlement};
use crate::scene::Scene;

pub struct Barriers;

impl Invariant for Barriers {
    fn name(&self) -> &'static str {
        "barriers show what was acknowledged"
    }

    fn observe(&mut self, event: &Event, scene: &Scene) -> Result<(), String> {
        let Event::Settled { process, request, settlement: Settlement::Answered(_) } = event else { return Ok(()) };
        let Kind::Barrier(acknowledged) = &request.kind else { return Ok(()) };
        let process = &scene.processes[*process];
        // The answer may be older than the grid that the peer is in by now.
        let Some(grid) = process.grids.last().filter(|grid| **grid == process.status().grid) else { return Ok(()) };
        let Some((_, index)) = acknowledged.iter().find(|(it, _)| it == grid) else { return Ok(()) };
        let applied = process.peer.applied_index();
        if applied < *index {
            return Err(format!("{} has applied {applied} after a barrier, not {index}", process.name));
        }
        Ok(())
    }
}
