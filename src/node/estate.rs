//! What a peer keeps of a grid that it has given up, until another grid holds it.

use std::sync::OnceLock;

use crate::mutation::Mutation;
use crate::state_machine::StateMachine;
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
    electorate: Electorate,
    /// How many peers have to take part in going on from it; 0: as many as there are, because the operator says so.
    pub needed: usize,
    /// Made at most once; it may be large.
    snapshot: OnceLock<Blob>,
}

/// The log of an estate, for [`Estate::new`].
#[derive(Clone)]
pub struct EstateLog {
    pub committed: LogPosition,
    pub rest: Vec<(u64, Blob)>,
    pub last: LogPosition,
}

/// Who decided in a grid, for [`Estate::new`].
#[derive(Debug, Clone, Default)]
pub struct Electorate {
    /// The peer ids of the voters that have not said farewell.
    pub voters: Vec<String>,
    /// How many of all voters are a majority.
    pub majority: usize,
    /// Whether this peer had a vote.
    pub had_vote: bool,
}

impl Estate {
    /// `None` when there is nothing to keep.
    pub fn new(
        grid: GridId,
        machine: StateMachine,
        log: EstateLog,
        mut electorate: Electorate,
        needed: usize,
    ) -> Option<Self> {
        electorate.voters.sort_unstable();
        let EstateLog { committed, rest, last } = log;
        let empty = machine.is_pristine() && rest.is_empty();
        (!empty).then(|| Self { grid, machine, committed, rest, last, electorate, needed, snapshot: OnceLock::new() })
    }

    /// The same, where it is certain that all that the log holds is committed.
    pub fn wholly_committed(self) -> Self {
        Self { machine: self.to_the_end(), committed: self.last, rest: Vec::new(), ..self }
    }

    pub fn summary(&self) -> EstateSummary {
        let epoch = self.machine.lineage().epoch();
        EstateSummary {
            grid: self.grid,
            epoch,
            last: self.last,
            needed: self.needed as u64,
            had_vote: self.electorate.had_vote,
        }
    }

    /// How many voters were a majority.
    pub fn majority(&self) -> usize {
        self.electorate.majority
    }

    /// What a grid that goes on from this one begins with; of its voters, `kin` take part with what they hold.
    pub fn inheritance(&self, kin: &[String]) -> Inheritance {
        let missing = self.electorate.voters.iter().filter(|voter| !kin.contains(voter));
        Inheritance {
            parent: self.grid,
            last: self.last,
            committed: self.machine.revision(),
            missing: missing.cloned().collect(),
            state: Blob::from(self.to_the_end().to_snapshot()),
        }
    }

    /// The state after all that the log holds.
    fn to_the_end(&self) -> StateMachine {
        let mut machine = self.machine.clone();
        let dropped = if Mutation::ReformWithoutTail.is_planted() { self.rest.len() } else { 0 };
        for (index, command) in &self.rest[dropped..] {
            if let Ok(command) = codec::decode::<Command>(command.as_slice()) {
                machine.apply(*index, &command, &mut Vec::new());
            }
        }
        machine
    }

    /// Whether a state of a grid holds all of it that is known to be committed. In the grid itself, that of a peer that has
    /// come back may not have got so far.
    pub fn is_covered_by(&self, grid: GridId, state: &StateMachine) -> bool {
        let revision = self.machine.revision();
        let caught_up = grid == self.grid && state.revision() >= revision;
        caught_up || state.lineage().covers(self.grid, revision, self.committed)
    }

    /// Whether it holds no more of the same grid than another one.
    pub fn is_part_of(&self, other: &Self) -> bool {
        self.grid == other.grid && self.machine.revision() <= other.machine.revision() && self.last <= other.last
    }

    /// A snapshot of what is known to be committed.
    pub fn snapshot(&self) -> &Blob {
        self.snapshot.get_or_init(|| Blob::from(self.machine.to_snapshot()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::command::{CollectionKind, Operation, QueueOperation, RequestBatch};

    fn blob(text: &str) -> Blob {
        Blob::from(text.as_bytes())
    }

    fn requests(first: u64, operations: Vec<Operation>) -> Command {
        Command::Requests(RequestBatch { session: 1, first, settled_below: 0, operations })
    }

    fn push(item: &str) -> Operation {
        Operation::Queue { collection: "queue".into(), operation: QueueOperation::Push(vec![blob(item)]) }
    }

    #[test]
    fn the_end_of_a_log_that_is_committed_for_certain_is_brought_into_another_grid() {
        let mut machine = StateMachine::default();
        let opens = Operation::OpenSession { peer_id: "a".into(), replaces: None };
        let attaches = Operation::Attach { collection: "queue".into(), kind: CollectionKind::Queue };
        machine.apply(1, &requests(0, vec![opens, attaches, push("committed")]), &mut Vec::new());
        let end = requests(3, vec![push("last")]);
        let log = EstateLog {
            committed: LogPosition { term: 1, index: 1 },
            rest: vec![(2, Blob::from(codec::encode(&end)))],
            last: LogPosition { term: 1, index: 2 },
        };
        let items = |estate: &Estate| {
            let state = StateMachine::from_snapshot(estate.snapshot().as_slice()).unwrap();
            state.collection("queue").unwrap().content.entries().unwrap().iter().count()
        };
        let estate = || Estate::new(7, machine.clone(), log.clone(), Electorate::default(), 2).unwrap();
        assert_eq!(items(&estate()), 1);
        let certain = estate().wholly_committed();
        assert_eq!(items(&certain), 2);
        assert_eq!(certain.summary(), estate().summary());
        // It may be dropped where its end has arrived, and not before.
        let covers = |estate: &Estate, last: LogPosition| {
            let inheritance = Inheritance { last, ..estate.inheritance(&[]) };
            let mut heir = StateMachine::default();
            heir.apply(1, &Command::Restore(inheritance), &mut Vec::new());
            estate.is_covered_by(8, &heir)
        };
        assert!(covers(&estate(), LogPosition { term: 1, index: 1 }));
        assert!(!covers(&certain, LogPosition { term: 1, index: 1 }));
        assert!(covers(&certain, LogPosition { term: 1, index: 2 }));
        // Or in its own grid, where it has been applied.
        assert!(estate().is_covered_by(7, &machine) && !certain.is_covered_by(7, &machine));
        assert!(!estate().is_covered_by(7, &StateMachine::default()));
        assert!(estate().is_part_of(&certain) && !certain.is_part_of(&estate()));
    }
}
