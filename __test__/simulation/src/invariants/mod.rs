//! What holds in every run, whatever happens.

mod barriers;
mod convergence;
mod durability;
mod election;
mod emitters;
mod faultless;
mod lease;
mod lineage;
mod linearizable;
mod mirrors;
mod promises;
mod remote;
mod states;

use std::fmt;

use crate::facade::Event;
use crate::scene::Scene;
use crate::store::{Stamp, Written};

/// What must not be, and is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: &'static str,
    pub text: String,
}

impl Violation {
    pub fn new(invariant: &'static str, text: impl Into<String>) -> Self {
        Self { invariant, text: text.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.text)
    }
}

/// Texts say what is violated; the runner adds by whom.
pub trait Invariant {
    fn name(&self) -> &'static str;

    /// Something happened on a user's side.
    fn observe(&mut self, _event: &Event, _scene: &Scene) -> Result<(), String> {
        Ok(())
    }

    /// A process has called the store.
    fn called(&mut self, _stamp: &Stamp, _scene: &Scene) -> Result<(), String> {
        Ok(())
    }

    /// The store was changed.
    fn written(&mut self, _written: &Written, _scene: &Scene) -> Result<(), String> {
        Ok(())
    }

    /// After each step. Must be cheap.
    fn check(&mut self, _scene: &Scene) -> Result<(), String> {
        Ok(())
    }

    /// Faults have ended, and all has come to rest.
    fn conclude(&mut self, _scene: &Scene) -> Result<(), String> {
        Ok(())
    }
}

pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(faultless::Faultless),
        Box::new(election::Election::default()),
        Box::new(lineage::Lineage::default()),
        Box::new(durability::Durability::default()),
        Box::new(states::States::default()),
        Box::new(mirrors::Mirrors::default()),
        Box::new(promises::Promises),
        Box::new(barriers::Barriers),
        Box::new(remote::Remote::default()),
        Box::new(lease::Lease::default()),
        Box::new(linearizable::Linearizable::default()),
        Box::new(emitters::Emitters::default()),
        Box::new(convergence::Convergence),
    ]
}
