//! Collections that one of two grids has dropped, and sessions that have ended there, before the two become one.

use super::tests::{LOSER, PARENT, WINNER, map, merge, pairs, pop, push, queue, reformed, remove, run, set, sweep};
use crate::state_machine::StateMachine;
use crate::state_machine::effect::RequestId;

/// A grid and one that goes on from it, with a queue and a map that only the session 9 had open.
fn parted_with_all_in_use_by_one() -> (StateMachine, StateMachine) {
    let mut parent = StateMachine::default();
    run(&mut parent, 9, vec![push("1"), push("2"), set("a", "0"), set("b", "0")]);
    let reform = reformed(&parent, parent.revision());
    (parent, reform)
}

#[test]
fn a_collection_that_the_loser_has_dropped_and_made_anew_takes_nothing_away() {
    let (mut parent, mut loser) = parted_with_all_in_use_by_one();
    sweep(&mut loser, vec![9], &["queue", "map"]);
    run(&mut loser, 5, vec![push("l"), set("b", "loser")]);
    run(&mut parent, 9, vec![push("3")]);
    merge(&mut parent, &loser, (PARENT, LOSER));
    assert_eq!(queue(&parent), ["1", "2", "3", "l"]);
    assert_eq!(map(&parent), pairs([("a", "0"), ("b", "loser")]));
    // What came over is in both from then on.
    run(&mut loser, 5, vec![pop()]);
    merge(&mut parent, &loser, (PARENT, LOSER));
    assert_eq!(queue(&parent), ["1", "2", "3"]);
}

#[test]
fn a_collection_that_was_made_in_the_end_that_a_reform_took_over_is_not_made_anew() {
    let (mut parent, mut winner) = (StateMachine::default(), StateMachine::default());
    run(&mut parent, 9, vec![push("1"), push("2")]);
    let mut loser = reformed(&parent, 0);
    merge(&mut winner, &parent, (WINNER, PARENT));
    assert_eq!(queue(&winner), ["1", "2"]);
    run(&mut loser, 5, vec![pop(), push("3")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(queue(&winner), ["2", "3"]);
}

#[test]
fn a_collection_that_the_winner_has_dropped_comes_back_as_a_whole() {
    let (mut parent, mut loser) = parted_with_all_in_use_by_one();
    run(&mut loser, 5, vec![push("3")]);
    sweep(&mut parent, vec![9], &["queue", "map"]);
    let mut anew = parent.clone();
    merge(&mut parent, &loser, (PARENT, LOSER));
    assert_eq!(queue(&parent), ["1", "2", "3"]);
    assert_eq!(map(&parent), pairs([("a", "0"), ("b", "0")]));
    run(&mut anew, 8, vec![push("w"), set("a", "winner")]);
    merge(&mut anew, &loser, (PARENT, LOSER));
    assert_eq!(queue(&anew), ["w", "1", "2", "3"]);
    assert_eq!(map(&anew), pairs([("a", "winner"), ("b", "0")]));
    run(&mut loser, 5, vec![pop(), remove("b")]);
    merge(&mut anew, &loser, (PARENT, LOSER));
    assert_eq!(queue(&anew), ["w", "2", "3"]);
    assert_eq!(map(&anew), pairs([("a", "winner")]));
}

#[test]
fn what_the_loser_took_of_the_common_past_is_known_however_many_sessions_have_ended_since() {
    let mut parent = StateMachine::default();
    run(&mut parent, 9, vec![push("1"), push("2")]);
    let mut loser = reformed(&parent, parent.revision());
    run(&mut loser, 5, vec![pop()]);
    sweep(&mut loser, vec![9], &[]);
    for session in 100..2_200 {
        run(&mut loser, session, Vec::new());
        sweep(&mut loser, vec![session], &[]);
    }
    assert!(!loser.sessions.has_applied(RequestId { session: 9, number: 4 }));
    merge(&mut parent, &loser, (PARENT, LOSER));
    assert_eq!(queue(&parent), ["2"]);
}
