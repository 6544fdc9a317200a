//! A grid has at most one leader in a term.

use std::collections::HashMap;

use hamok::wire::{GridId, NodeId};

use super::Invariant;
use crate::scene::Scene;

#[derive(Default)]
pub struct Election {
    leaders: HashMap<(GridId, u64), NodeId>,
}

impl Invariant for Election {
    fn name(&self) -> &'static str {
        "one leader in a term"
    }

    fn check(&mut self, scene: &Scene) -> Result<(), String> {
        for process in scene.processes.iter().filter(|it| it.is_up()) {
            let status = process.status();
            if !status.leads {
                continue;
            }
            let Some(view) = process.view().filter(|view| view.leads) else { continue };
            let leader = *self.leaders.entry((status.grid, view.term)).or_insert(status.node);
            if leader != status.node {
                let Scene { .. } = scene;
                return Err(format!(
                    "{} leads grid {:x} in term {}, as {leader:x} does",
                    process.name, status.grid, view.term
                ));
            }
        }
        Ok(())
    }
}
