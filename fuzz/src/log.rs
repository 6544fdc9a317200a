//! What the log holds, and snapshots of what it has led to.

use std::hint::black_box;

use hamok::binding::description;
use hamok::state_machine::StateMachine;
use hamok::wire::codec;
use hamok::wire::command::{self, Command};

use super::grid::Grid;
use super::{pieces, samples};

pub fn decode(bytes: &[u8]) {
    let _ = black_box(codec::decode::<Command>(bytes));
    black_box(command::is_batch_of(bytes, 1, 1));
}

/// Applies it as the first one of a grid, and twice as a later one.
pub fn act(bytes: &[u8]) {
    if let Ok(command) = codec::decode::<Command>(bytes) {
        let encoded = codec::encode(&command);
        assert_eq!(codec::decode::<Command>(&encoded).ok().as_ref(), Some(&command));
        black_box(command.data_bytes());
        if let Some(batch) = command.requests() {
            assert!(command::is_batch_of(&encoded, batch.session, batch.first));
            for operation in &batch.operations {
                black_box((operation.size(), description::describe(operation)));
            }
        }
    }
    for (mut grid, times) in [(Grid::new(), 1), (Grid::opened(), 2)] {
        (0..times).for_each(|_| grid.apply(bytes));
        grid.apply_own();
        grid.lead();
    }
}

pub fn decode_all(bytes: &[u8]) {
    pieces(bytes).for_each(decode);
}

/// Applies one after the other.
pub fn act_on_all(bytes: &[u8]) {
    let mut grid = Grid::new();
    for command in pieces(bytes) {
        grid.apply(command);
        grid.apply_own();
    }
    grid.lead();
}

pub fn decode_snapshot(bytes: &[u8]) {
    let _ = black_box(StateMachine::from_snapshot(bytes));
}

/// Goes on from there with commands of every kind.
pub fn act_on_snapshot(bytes: &[u8]) {
    if StateMachine::from_snapshot(bytes).is_err() {
        return;
    }
    let mut grid = Grid::opened();
    grid.install(bytes);
    grid.lead();
    for command in samples::commands() {
        grid.apply(&codec::encode(&command));
    }
    grid.apply_own();
    grid.lead();
}
