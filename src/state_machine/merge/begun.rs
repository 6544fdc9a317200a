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

fn acquire(machine: &mut StateMachine, grid: u64, epoch: u64) {
    let claim = remote(machine).claim(grid, machine.lineage().epoch());
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
fn what_is_asked_again_may_have_been_started_in_the_grid_of_its_former_session() {
    let mut grid = StateMachine::default();
    run(&mut grid, 1, Vec::new());
    ask_again(&mut grid, 1, 2, vec![remote_set("again")]);
    assert_eq!(begun_elsewhere(&grid), [false], "this grid knows that it did not apply");
    ask_again(&mut grid, 7, 3, vec![remote_set("another's")]);
    assert_eq!(begun_elsewhere(&grid), [false, true]);

    let mut reform = reformed_from(WINNER, &grid, grid.revision());
    ask_again(&mut reform, 2, 4, vec![remote_set("again")]);
    run(&mut reform, 5, vec![remote_set("new")]);
    assert_eq!(begun_elsewhere(&reform), [true, true, true, false]);

    let mut loser = StateMachine::default();
    run(&mut loser, 8, Vec::new());
    merge(&mut grid, &loser, (WINNER, LOSER));
    ask_again(&mut grid, 8, 9, vec![remote_set("the loser's")]);
    ask_again(&mut grid, 2, 10, vec![remote_set("own")]);
    assert_eq!(begun_elsewhere(&grid), [false, true, true, false]);
}

#[test]
fn what_waits_when_a_store_is_claimed_again_may_have_been_started_between_the_claims() {
    let mut grid = StateMachine::default();
    run(&mut grid, 1, vec![remote_set("first")]);
    acquire(&mut grid, WINNER, 1);
    assert_eq!(begun_elsewhere(&grid), [false], "nobody had the store before");
    run(&mut grid, 1, vec![Operation::Reclaim { collection: "remote".into() }]);
    assert_eq!(begun_elsewhere(&grid), [false]);
    acquire(&mut grid, WINNER, 3);
    run(&mut grid, 1, vec![remote_set("second")]);
    acquire(&mut grid, WINNER, 4);
    assert_eq!(begun_elsewhere(&grid), [true, false], "the second answer to one claim counts for nothing");

    let mut reform = reformed_from(WINNER, &grid, grid.revision());
    run(&mut reform, 2, vec![remote_set("third")]);
    acquire(&mut reform, LOSER, 5);
    assert_eq!(begun_elsewhere(&reform), [true, true, false], "this grid had not claimed before");
}
