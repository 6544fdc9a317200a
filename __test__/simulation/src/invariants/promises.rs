//! Every promise settles within its time, once faults have ended.

use super::Invariant;
use crate::scene::Scene;

/// How much later than its limit.
const GRACE_MS: u64 = 1_000;

pub struct Promises;

impl Invariant for Promises {
    fn name(&self) -> &'static str {
        "every promise settles in time"
    }

    fn check(&mut self, scene: &Scene) -> Result<(), String> {
        let Some(healed_ms) = scene.healed_ms else { return Ok(()) };
        for process in scene.processes.iter().filter(|it| it.is_well()) {
            for request in process.facade.requests.values() {
                let limit_ms = request.deadline_ms.max(healed_ms) + GRACE_MS;
                if scene.now_ms > limit_ms {
                    return Err(format!("{}: {request:?} is open", process.name));
                }
            }
        }
        Ok(())
    }

    fn conclude(&mut self, scene: &Scene) -> Result<(), String> {
        let open = |process: &&crate::process::Process| process.is_up() && !process.facade.requests.is_empty();
        match scene.processes.iter().find(open) {
            Some(process) => Err(format!("{} has open promises in the end", process.name)),
            None => Ok(()),
        }
    }
}
