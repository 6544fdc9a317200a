//! An event is heard at most once by a peer, and by each that is said to have received it.

use std::collections::HashMap;

use hamok::wire::command::Outcome;

use super::Invariant;
use crate::facade::{Event, Kind, Settlement};
use crate::model::Id;
use crate::scene::Scene;

#[derive(Default)]
pub struct Emitters {
    /// By event: the processes that have heard it.
    heard: HashMap<Id, Vec<usize>>,
}

impl Invariant for Emitters {
    fn name(&self) -> &'static str {
        "events are heard once"
    }

    fn observe(&mut self, event: &Event, scene: &Scene) -> Result<(), String> {
        match event {
            Event::Heard { process, event, .. } => {
                let heard = self.heard.entry(*event).or_default();
                if heard.contains(process) {
                    return Err(format!("{} heard {event} twice", scene.processes[*process].name));
                }
                heard.push(*process);
                Ok(())
            }
            Event::Settled { request, settlement: Settlement::Answered(Outcome::Entries(received)), .. } => {
                let (Kind::Publish(peers), Some(id)) = (&request.kind, request.id) else { return Ok(()) };
                for (position, _) in received {
                    let peer_id = &peers[*position as usize];
                    let heard = self.heard.get(&id).into_iter().flatten();
                    if !heard.into_iter().any(|process| scene.processes[*process].peer_id == *peer_id) {
                        return Err(format!("{peer_id} is said to have heard {id}"));
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
