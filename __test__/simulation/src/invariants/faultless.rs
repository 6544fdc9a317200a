//! Nobody hears of a fault of ours, and nothing panics.

use super::Invariant;
use crate::facade::{Event, Facade};
use crate::panics;
use crate::scene::Scene;
use crate::told::Told;

pub struct Faultless;

impl Invariant for Faultless {
    fn name(&self) -> &'static str {
        "no faults of our own"
    }

    fn observe(&mut self, event: &Event, scene: &Scene) -> Result<(), String> {
        match event {
            Event::Told { process, told: Told::Error(error) } if Facade::is_fault(error) => {
                Err(format!("{}: {error}", scene.processes[*process].name))
            }
            Event::Told { process, told: Told::Refused { handle, code } } => {
                Err(format!("{}: the collection {handle} is refused: {code}", scene.processes[*process].name))
            }
            _ => Ok(()),
        }
    }

    fn check(&mut self, _scene: &Scene) -> Result<(), String> {
        panics::take().map_or(Ok(()), Err)
    }
}
