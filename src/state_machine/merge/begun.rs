//! Which operations of a remote map may have been started in another grid.

use super::tests::{LOSER, WINNER, ask_again, merge, reformed_from, remote_set, run};
use super::*;
use crate::state_machine::remote_map::RemoteMap;
use crate::wire::command::{Acquired, Command, Operation};

fn remote(machine: &StateMachine) -> &RemoteMap {
    let Content::RemoteMap(map) = &machine.collection("remote").unwrap().content else { panic!() };
    map
}

fn begun_elsewhere(machine: &StateMachine) -> Vec<bool> {
    remote(machine).pending_from(0).map(|it| it.begun_elsewhere).collect()
}

fn acquire(machine: &mut StateMachine, epoch: u64) {
    let claim = remote(machine).claim(WINNER, machine.lineage().epoch());
    let acquired = Acquired { collection: "remote".into(), claim, epoch };
    machine.apply(1, &Command::Acquired(acquired), &mut Vec::new());
}

#[test]
fn what_a_grid_has_that_comes_over_may_have_been_started_there() {
    let mut winner = StateMachine::default();
    run(&mut winner, 1, vec![remote_set("common")]);
    let loser = reformed_from(WINNER, &winner, winner.revision());
    run(&mut winner, 1, vec![remote_set("own")]);
    assert_eq!(begun_elsewhere(&winner), [false, false]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(begun_elsewhere(&winner), [true, false]);
}

#[test]
fn what_is_asked_again_may_have_been_started_under_its_former_name() {
    let mut grid = StateMachine::default();
    run(&mut grid, 1, Vec::new());
    ask_again(&mut grid, 1, 2, vec![remote_set("again")]);
    run(&mut grid, 2, vec![remote_set("new")]);
    assert_eq!(begun_elsewhere(&grid), [true, false]);
}

#[test]
fn what_waits_when_a_store_is_claimed_again_may_have_been_started_between_the_claims() {
    let mut grid = StateMachine::default();
    run(&mut grid, 1, vec![remote_set("first")]);
    acquire(&mut grid, 1);
    assert_eq!(begun_elsewhere(&grid), [false], "nobody had the store before");
    run(&mut grid, 1, vec![Operation::Reclaim { collection: "remote".into() }]);
    assert_eq!(begun_elsewhere(&grid), [false]);
    acquire(&mut grid, 3);
    run(&mut grid, 1, vec![remote_set("second")]);
    acquire(&mut grid, 4);
    assert_eq!(begun_elsewhere(&grid), [true, false], "the second answer to one claim counts for nothing");
}
