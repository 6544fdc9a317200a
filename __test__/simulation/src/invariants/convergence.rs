//! Once faults have ended, all peers are in one grid, follow one leader, and know one another.

use std::collections::BTreeSet;

use super::Invariant;
use crate::facade::{Event, Settlement};
use crate::scene::Scene;

pub struct Convergence;

impl Invariant for Convergence {
    fn name(&self) -> &'static str {
        "all peers come together"
    }

    fn observe(&mut self, event: &Event, scene: &Scene) -> Result<(), String> {
        match event {
            Event::Settled { process, request, settlement } if scene.probing => match settlement {
                Settlement::Answered(_) => Ok(()),
                _ => Err(format!("{}: {request:?} ended in {settlement:?}", scene.processes[*process].name)),
            },
            _ => Ok(()),
        }
    }

    fn conclude(&mut self, scene: &Scene) -> Result<(), String> {
        scene.unsettled().map_or(Ok(()), Err)?;
        let up = || scene.processes.iter().filter(|it| it.is_up());
        let wanted: BTreeSet<&str> = up().map(|it| it.peer_id.as_str()).collect();
        for process in up() {
            let (name, view) = (&process.name, process.view());
            let members = view.iter().flat_map(|it| it.members.values().map(|member| member.peer_id.as_str()));
            let members: BTreeSet<&str> = members.collect();
            if members != wanted {
                return Err(format!("{name} sees {members:?} as members, not {wanted:?}"));
            }
        }
        Ok(())
    }
}
