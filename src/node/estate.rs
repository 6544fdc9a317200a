//! What a peer keeps of a grid that it has given up, until another grid holds it.

use std::sync::OnceLock;

use crate::mutation::Mutation;
use crate::state_machine::StateMachine;
use crate::state_machine::lineage::Lineage;
use crate::wire::GridId;
use crate::wire::blob::Blob;
use crate::wire::codec;
use crate::wire::command::{Command, Inheritance, LogPosition};
use crate::wire::packet::EstateSummary;

/// See the [module](self).
pub struct Estate {
    pub grid: GridId,
    /// What is known to be committed, and how far that is.
    machine: StateMachine,
    committed: LogPosition,
    /// What else the log holds: it may have been committed, and whoever goes on has to take it for that.
    rest: Vec<(u64, Blob)>,
    last: LogPosition,
    /// The peer ids of the voters that have not said farewell.
    voters: Vec<String>,
    /// How many peers have to take part in going on from it.
    pub needed: usize,
    /// Made at most once; it may be large.
    snapshot: OnceLock<Blob>,
}

/// The log of an estate, for [`Estate::new`].
pub struct EstateLog {
    pub committed: LogPosition,
    pub rest: Vec<(u64, Blob)>,
    pub last: LogPosition,
}

impl Estate {
    /// `None` when there is nothing to keep.
    pub fn new(
        grid: GridId,
        machine: StateMachine,
        log: EstateLog,
        mut voters: Vec<String>,
        needed: usize,
    ) -> Option<Self> {
        voters.sort_unstable();
        let EstateLog { committed, rest, last } = log;
        let empty = machine.is_pristine() && rest.is_empty();
        (!empty).then(|| Self { grid, machine, committed, rest, last, voters, needed, snapshot: OnceLock::new() })
    }

    pub fn summary(&self) -> EstateSummary {
        let epoch = self.machine.lineage().epoch();
        EstateSummary { grid: self.grid, epoch, last: self.last, needed: self.needed as u64 }
    }

    /// What a grid that goes on from this one begins with; of its voters, `kin` take part with what they hold.
    pub fn inheritance(&self, kin: &[String]) -> Inheritance {
        let mut machine = self.machine.clone();
        let dropped = if Mutation::ReformWithoutTail.is_planted() { self.rest.len() } else { 0 };
        for (index, command) in &self.rest[dropped..] {
            if let Ok(command) = codec::decode::<Command>(command.as_slice()) {
                machine.apply(*index, &command, &mut Vec::new());
            }
        }
        let missing = self.voters.iter().filter(|voter| !kin.contains(voter));
        Inheritance {
            parent: self.grid,
            last: self.last,
            committed: self.machine.revision(),
            missing: missing.cloned().collect(),
            state: Blob::from(machine.to_snapshot()),
        }
    }

    /// Whether a grid holds all of it that is known to be committed.
    pub fn is_covered_by(&self, grid: GridId, lineage: &Lineage) -> bool {
        grid == self.grid || lineage.covers(self.grid, self.machine.revision(), self.committed)
    }

    /// A snapshot of what is known to be committed.
    pub fn snapshot(&self) -> &Blob {
        self.snapshot.get_or_init(|| Blob::from(self.machine.to_snapshot()))
    }
}
