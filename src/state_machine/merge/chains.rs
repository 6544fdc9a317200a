//! Several grids that come from one another, or from nowhere, and meet in any order, as they are or as they were.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::tests::{ask_again, map, merge, pending, pop, queue, reformed_from, remote_set, remove, run, set};
use crate::state_machine::StateMachine;
use crate::wire::command::{Operation, QueueOperation};
use crate::wire::{GridId, NodeId};

const MOST_GRIDS: usize = 4;

#[derive(Debug, Clone)]
enum Deed {
    /// Pushes two items, sets a key and asks for a remote operation, all of one name.
    Put(usize),
    /// Takes an item, and the key of its name.
    Take(usize),
    /// Another grid goes on from this one, with so many requests more than this one knows to be committed. Their caller may
    /// ask again here.
    Reform {
        from: usize,
        uncommitted: usize,
        asks_again: bool,
    },
    Merge(usize, usize),
    Remember(usize),
    /// Somebody comes late, with what was remembered.
    MergeRemembered(usize, usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    let grid = || 0..MOST_GRIDS;
    prop_oneof![
        4 => grid().prop_map(Deed::Put),
        3 => grid().prop_map(Deed::Take),
        1 => (grid(), 0usize..3, any::<bool>())
            .prop_map(|(from, uncommitted, asks_again)| Deed::Reform { from, uncommitted, asks_again }),
        2 => (grid(), grid()).prop_map(|(winner, loser)| Deed::Merge(winner, loser)),
        1 => grid().prop_map(Deed::Remember),
        1 => (grid(), grid()).prop_map(|(winner, which)| Deed::MergeRemembered(winner, which)),
    ]
}

struct Grid {
    id: GridId,
    machine: StateMachine,
    /// Of the peer that puts. Another one takes.
    session: NodeId,
}

#[derive(Default)]
struct World {
    grids: Vec<Grid>,
    remembered: Vec<(GridId, StateMachine)>,
    names: BTreeSet<String>,
    /// Items that somebody took.
    taken: BTreeSet<String>,
    sessions: NodeId,
}

fn put(name: &str) -> Vec<Operation> {
    let second = QueueOperation::Push(vec![name.as_bytes().to_vec().into(), second(name).into_bytes().into()]);
    vec![set(name, ""), remote_set(name), Operation::Queue { collection: "queue".into(), operation: second }]
}

fn second(name: &str) -> String {
    format!("{name}+")
}

impl World {
    fn session(&mut self) -> NodeId {
        self.sessions += 1;
        self.sessions
    }

    fn add(&mut self, machine: StateMachine) {
        let (id, session) = (self.grids.len() as GridId + 1, self.session());
        self.grids.push(Grid { id, machine, session });
        run(&mut self.grids.last_mut().unwrap().machine, session, Vec::new());
    }

    fn name(&mut self) -> String {
        let name = format!("{:03}", self.names.len());
        self.names.insert(name.clone());
        name
    }

    fn merge(&mut self, winner: usize, (id, state): (GridId, StateMachine)) {
        let winner = &mut self.grids[winner];
        if winner.id != id {
            merge(&mut winner.machine, &state, (winner.id, id));
        }
    }

    fn state_of(&self, grid: usize) -> (GridId, StateMachine) {
        (self.grids[grid].id, self.grids[grid].machine.clone())
    }

    fn reform(&mut self, from: usize, uncommitted: usize, asks_again: bool) {
        let (parent, mut machine) = self.state_of(from);
        let (committed, former) = (machine.revision(), self.grids[from].session);
        let asked: Vec<Operation> = (0..uncommitted).flat_map(|_| put(&self.name())).collect();
        run(&mut machine, former, asked.clone());
        self.add(reformed_from(parent, &machine, committed));
        let session = self.session();
        let from = &mut self.grids[from];
        if asks_again {
            ask_again(&mut from.machine, former, session, asked);
        }
        run(&mut from.machine, session, Vec::new());
        from.session = session;
    }

    fn take(&mut self, grid: usize) {
        let session = self.session();
        let machine = &mut self.grids[grid].machine;
        if let Some(head) = queue(machine).into_iter().next() {
            run(machine, session, vec![pop(), remove(&head)]);
            self.taken.insert(head);
        }
    }

    fn happens(&mut self, deed: Deed) {
        let count = self.grids.len();
        match deed {
            Deed::Put(grid) if grid < count => {
                let name = self.name();
                let Grid { machine, session, .. } = &mut self.grids[grid];
                run(machine, *session, put(&name));
            }
            Deed::Take(grid) if grid < count => self.take(grid),
            Deed::Reform { from, uncommitted, asks_again } if from < count && count < MOST_GRIDS => {
                self.reform(from, uncommitted, asks_again);
            }
            Deed::Merge(winner, loser) if winner.max(loser) < count => self.merge(winner, self.state_of(loser)),
            Deed::Remember(grid) if grid < count => self.remembered.push(self.state_of(grid)),
            Deed::MergeRemembered(winner, which) if winner < count && which < self.remembered.len() => {
                self.merge(winner, self.remembered[which].clone());
            }
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn in_the_end_there_is_once_what_was_put_anywhere_and_taken_nowhere(
        deeds in proptest::collection::vec(deed(), 0..40),
    ) {
        let mut world = World { sessions: 100, ..World::default() };
        (0..2).for_each(|_| world.add(StateMachine::default()));
        for deed in deeds {
            world.happens(deed);
        }
        for loser in 1..world.grids.len() {
            world.merge(0, world.state_of(loser));
        }
        let machine = &world.grids[0].machine;
        let all = world.names.iter().flat_map(|name| [name.clone(), second(name)]);
        let left: Vec<String> = all.filter(|name| !world.taken.contains(name)).collect();
        let mut items = queue(machine);
        items.sort();
        prop_assert_eq!(items, left);
        prop_assert_eq!(pending(machine), world.names.len());
        let keys: BTreeSet<String> = map(machine).into_iter().map(|(key, _)| key).collect();
        prop_assert!(world.names.iter().all(|name| keys.contains(name) || world.taken.contains(name)));
    }
}
