//! What users see of a collection is what the peer holds.

use super::Invariant;
use crate::facade::{Event, collection_id};
use crate::process::Process;
use crate::scene::Scene;

/// How often mirrors are compared, in milliseconds.
const PERIOD_MS: u64 = 250;

#[derive(Default)]
pub struct Mirrors {
    next_ms: u64,
}

fn compare(process: &Process) -> Result<(), String> {
    // A peer that looks for another grid, as another node, keeps its mirrors as they are.
    let node = process.status().node;
    process.peer.with_state(|state| {
        let live = process.facade.mirrors.iter().filter(|(_, mirror)| mirror.live && mirror.node == node);
        for (handle, mirror) in live {
            let id = collection_id(*handle);
            let Some(entries) = state.collection(id).and_then(|it| it.content.entries()) else { continue };
            let same = entries.iter().map(|(key, entry)| (key, &entry.value));
            if !same.eq(mirror.entries.iter().map(|(key, value)| (key, value))) {
                let (seen, held) = (mirror.entries.len(), entries.len());
                return Err(format!("{} sees {seen} entries of {id}, and holds {held}, or others", process.name));
            }
        }
        Ok(())
    })
}

impl Invariant for Mirrors {
    fn name(&self) -> &'static str {
        "mirrors show the state"
    }

    fn observe(&mut self, event: &Event, scene: &Scene) -> Result<(), String> {
        match event {
            Event::Told { process, .. } => {
                let Process { facade, name, .. } = &scene.processes[*process];
                facade.misfit.as_ref().map_or(Ok(()), |text| Err(format!("{name}: {text}")))
            }
            _ => Ok(()),
        }
    }

    fn check(&mut self, scene: &Scene) -> Result<(), String> {
        if scene.now_ms < self.next_ms {
            return Ok(());
        }
        self.next_ms = scene.now_ms + PERIOD_MS;
        let settled = |it: &&Process| it.is_well() && !it.facade.closed && it.peer.applied_index() > 0;
        scene.processes.iter().filter(settled).try_for_each(compare)
    }

    fn conclude(&mut self, scene: &Scene) -> Result<(), String> {
        scene.processes.iter().filter(|it| it.is_well()).try_for_each(compare)
    }
}
