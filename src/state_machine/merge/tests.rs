//! Two grids that become one, in every order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::state_machine::effect::RequestId;
use crate::wire::NodeId;
use crate::wire::blob::Blob;
use crate::wire::command::{
    Acquired, CollectionKind, Command, Executed, ExecutedOperation, Failure, Inheritance, LogPosition, MapOperation,
    Operation, Outcome, QueueOperation, RemoteMethod, RemoteOperation, RequestBatch, RequestsAgain, Sweep,
};

pub(super) const PARENT: u64 = 1;
pub(super) const WINNER: u64 = 2;
pub(super) const LOSER: u64 = 3;

fn blob(text: &str) -> Blob {
    Blob::from(text.as_bytes())
}

pub(super) fn set(key: &str, value: &str) -> Operation {
    let operation = MapOperation::SetAll(vec![(blob(key), blob(value))]);
    Operation::Map { collection: "map".into(), operation }
}

pub(super) fn remove(key: &str) -> Operation {
    Operation::Map { collection: "map".into(), operation: MapOperation::RemoveAll(vec![blob(key)]) }
}

pub(super) fn push(item: &str) -> Operation {
    Operation::Queue { collection: "queue".into(), operation: QueueOperation::Push(vec![blob(item)]) }
}

pub(super) fn pop() -> Operation {
    Operation::Queue { collection: "queue".into(), operation: QueueOperation::Pop }
}

pub(super) fn remote_set(key: &str) -> Operation {
    let operation = RemoteOperation { method: RemoteMethod::Set, keys: vec![blob(key)], values: vec![blob("v")] };
    Operation::RemoteMap { collection: "remote".into(), operation }
}

pub(super) fn run(machine: &mut StateMachine, session: NodeId, operations: Vec<Operation>) {
    let first = machine.sessions.next(session).unwrap_or(0);
    let mut all = Vec::new();
    if first == 0 {
        all.push(Operation::OpenSession { peer_id: format!("peer-{session}"), replaces: None });
        let kinds = [CollectionKind::Map, CollectionKind::Queue, CollectionKind::RemoteMap];
        for (id, kind) in ["map", "queue", "remote"].into_iter().zip(kinds) {
            all.push(Operation::Attach { collection: id.into(), kind });
        }
    }
    all.extend(operations);
    let command = Command::Requests(RequestBatch { session, first, settled_below: 0, operations: all });
    machine.apply(1, &command, &mut Vec::new());
}

/// A peer comes back under another session and asks again for what the former one had asked from a number on.
pub(super) fn ask_again(
    machine: &mut StateMachine,
    former: NodeId,
    session: NodeId,
    operations: Vec<Operation>,
) -> u64 {
    let next = machine.sessions.next(former).unwrap_or(0);
    let opening = Operation::OpenSession { peer_id: format!("peer-{former}"), replaces: Some(former) };
    let all: Vec<_> = [opening].into_iter().chain(operations).collect();
    let again = (next..).map(|number| Some(RequestId { session: former, number }));
    let origins = [None].into_iter().chain(again).take(all.len()).collect();
    let batch = RequestBatch { session, first: 0, settled_below: 0, operations: all };
    machine.apply(1, &Command::RequestsAgain(RequestsAgain { batch, origins }), &mut Vec::new());
    next
}

pub(super) fn sweep(machine: &mut StateMachine, sessions: Vec<NodeId>, collections: &[&str]) {
    machine.apply(1, &Command::Sweep(Sweep { sessions, collections: Vec::new() }), &mut Vec::new());
    let abandoned = |id: &&str| Some((CollectionId::from(*id), machine.collection(id)?.abandoned_at));
    let collections = collections.iter().filter_map(abandoned).collect();
    machine.apply(1, &Command::Sweep(Sweep { sessions: Vec::new(), collections }), &mut Vec::new());
}

/// A grid that goes on with what `machine` holds, of which the parent knew `committed` to be committed.
pub(super) fn reformed(machine: &StateMachine, committed: u64) -> StateMachine {
    reformed_from(PARENT, machine, committed)
}

pub(super) fn reformed_from(parent: u64, machine: &StateMachine, committed: u64) -> StateMachine {
    let inheritance = Inheritance {
        parent,
        last: LogPosition { term: 1, index: 9 },
        committed,
        missing: vec!["peer-9".into()],
        state: Blob::from(machine.to_snapshot()),
    };
    let mut fresh = StateMachine::default();
    fresh.apply(1, &Command::Restore(inheritance), &mut Vec::new());
    fresh
}

pub(super) fn merge(winner: &mut StateMachine, loser: &StateMachine, ids: (u64, u64)) -> Vec<Effect<'static>> {
    let merge = Merge { winner: ids.0, loser: ids.1, state: Blob::from(loser.to_snapshot()) };
    let mut effects = Vec::new();
    winner.apply(7, Box::leak(Box::new(Command::Merge(merge))), &mut effects);
    effects
}

pub(super) fn map(machine: &StateMachine) -> Vec<(String, String)> {
    let text = |blob: &Blob| String::from_utf8_lossy(blob.as_slice()).into_owned();
    let content = &machine.collection("map").unwrap().content;
    let mut entries: Vec<_> =
        content.entries().unwrap().iter().map(|(key, entry)| (text(key), text(&entry.value))).collect();
    entries.sort();
    entries
}

pub(super) fn queue(machine: &StateMachine) -> Vec<String> {
    let content = &machine.collection("queue").unwrap().content;
    let text = |blob: &Blob| String::from_utf8_lossy(blob.as_slice()).into_owned();
    content.entries().unwrap().iter().map(|(_, entry)| text(&entry.value)).collect()
}

pub(super) fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

#[test]
fn what_changed_after_the_fork_moves_and_the_winners_own_changes_stay() {
    let mut parent = StateMachine::default();
    let common = vec![set("a", "0"), set("b", "0"), set("c", "0"), set("d", "0"), push("1"), push("2"), push("3")];
    run(&mut parent, 9, common);
    let mut loser = reformed(&parent, parent.revision());
    run(&mut parent, 9, vec![set("a", "winner"), push("w")]);
    run(&mut loser, 5, vec![set("a", "loser"), set("b", "loser"), remove("c"), set("new", "1"), pop(), push("l")]);
    let effects = merge(&mut parent, &loser, (PARENT, LOSER));
    assert_eq!(map(&parent), pairs([("a", "winner"), ("b", "loser"), ("d", "0"), ("new", "1")]));
    assert_eq!(queue(&parent), ["2", "3", "w", "l"]);
    assert!(effects.contains(&Effect::Merged { loser: LOSER, epoch: 3 }));
    let before = parent.clone();
    assert_eq!(merge(&mut parent, &loser, (PARENT, LOSER)), []);
    assert!(parent == before, "a repeat is nothing");
}

#[test]
fn a_straggler_of_the_parent_brings_what_the_reform_did_not_hold() {
    let mut parent = StateMachine::default();
    run(&mut parent, 9, vec![set("a", "0"), push("1")]);
    let mut winner = reformed(&parent, parent.revision());
    run(&mut winner, 5, vec![set("b", "winner")]);
    run(&mut parent, 9, vec![set("a", "late"), set("b", "late"), push("late")]);
    merge(&mut winner, &parent, (WINNER, PARENT));
    assert_eq!(map(&winner), pairs([("a", "late"), ("b", "winner")]));
    assert_eq!(queue(&winner), ["1", "late"]);
    // Another one held less, a third one more.
    run(&mut parent, 9, vec![set("c", "later"), push("later")]);
    merge(&mut winner, &parent, (WINNER, PARENT));
    assert_eq!(map(&winner), pairs([("a", "late"), ("b", "winner"), ("c", "later")]));
    assert_eq!(queue(&winner), ["1", "late", "later"]);
}

#[test]
fn what_another_grid_has_brought_of_the_parent_does_not_come_again_with_a_straggler() {
    let mut parent = StateMachine::default();
    run(&mut parent, 9, vec![push("1")]);
    let mut winner = reformed(&parent, parent.revision());
    run(&mut parent, 9, vec![push("2"), push("3"), set("a", "0")]);
    let mut loser = reformed(&parent, parent.revision());
    run(&mut loser, 5, vec![pop(), pop(), push("l"), set("a", "loser")]);
    run(&mut winner, 6, vec![push("w")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(queue(&winner), ["w", "3", "l"]);
    let before = winner.clone();
    assert_eq!(merge(&mut winner, &parent, (WINNER, PARENT)), []);
    assert!(winner == before, "all that it knows has come over");
    run(&mut parent, 9, vec![push("late"), set("a", "late"), set("b", "late")]);
    let effects = merge(&mut winner, &parent, (WINNER, PARENT));
    assert_eq!(queue(&winner), ["w", "3", "l", "late"]);
    assert_eq!(map(&winner), pairs([("a", "loser"), ("b", "late")]));
    assert!(effects.contains(&Effect::Merged { loser: PARENT, epoch: 4 }));
    // The parent goes on after all.
    let mut elder = parent.clone();
    merge(&mut elder, &winner, (PARENT, WINNER));
    assert_eq!(queue(&elder).iter().filter(|item| *item == "late").count(), 1);
    // Or somebody else has gone on from it in the meantime.
    run(&mut parent, 9, vec![push("last")]);
    let mut third = reformed(&parent, parent.revision());
    run(&mut third, 7, vec![push("t")]);
    merge(&mut winner, &third, (WINNER, 4));
    assert_eq!(queue(&winner), ["w", "3", "l", "late", "last", "t"]);
    assert_eq!(merge(&mut winner, &parent, (WINNER, PARENT)), []);
}

#[test]
fn without_a_common_past_what_the_winner_lacks_is_added() {
    let (mut winner, mut loser) = (StateMachine::default(), StateMachine::default());
    run(&mut winner, 1, vec![set("a", "winner"), push("w")]);
    run(&mut loser, 2, vec![set("a", "loser"), set("b", "loser"), push("l")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(map(&winner), pairs([("a", "winner"), ("b", "loser")]));
    assert_eq!(queue(&winner), ["w", "l"]);
}

#[test]
fn what_came_over_is_common_from_then_on() {
    let (mut winner, mut loser) = (StateMachine::default(), StateMachine::default());
    run(&mut winner, 1, vec![set("w", "0"), push("w")]);
    run(&mut loser, 2, vec![set("a", "0"), set("b", "0"), push("1"), push("2"), push("3")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(queue(&winner), ["w", "1", "2", "3"]);
    run(&mut loser, 2, vec![remove("a"), set("b", "1"), pop(), push("4")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(map(&winner), pairs([("b", "1"), ("w", "0")]));
    assert_eq!(queue(&winner), ["w", "2", "3", "4"]);
}

#[test]
fn a_grid_that_took_over_a_part_of_another_may_still_give_way_to_it() {
    let (mut winner, mut loser) = (StateMachine::default(), StateMachine::default());
    run(&mut winner, 1, vec![set("a", "0"), set("b", "0"), set("c", "0"), push("1"), push("2"), push("3")]);
    run(&mut loser, 2, vec![set("l", "0"), push("l")]);
    merge(&mut loser, &winner, (LOSER, WINNER));
    assert_eq!(queue(&loser), ["l", "1", "2", "3"]);
    run(&mut winner, 1, vec![set("a", "winner"), push("4"), pop()]);
    run(&mut loser, 2, vec![set("a", "loser"), set("b", "loser"), remove("c"), pop(), pop(), pop(), push("5")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(map(&winner), pairs([("a", "winner"), ("b", "loser"), ("l", "0")]));
    assert_eq!(queue(&winner), ["3", "4", "5"]);
    // It does not matter how often, nor that another one saw more.
    run(&mut loser, 2, vec![push("6"), set("d", "0")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(queue(&winner), ["3", "4", "5", "6"]);
    assert_eq!(map(&winner), pairs([("a", "winner"), ("b", "loser"), ("d", "0"), ("l", "0")]));
}

/// A queue's item and a map's key of the same name come and go together in one of two grids.
struct Twin {
    machine: StateMachine,
    session: NodeId,
    gone: BTreeSet<String>,
}

impl Twin {
    fn new(mut machine: StateMachine, session: NodeId) -> Self {
        run(&mut machine, session, Vec::new());
        Self { machine, session, gone: BTreeSet::new() }
    }

    fn put(&mut self, name: &str) {
        run(&mut self.machine, self.session, vec![push(name), set(name, "")]);
    }

    fn take(&mut self) {
        let Some(head) = queue(&self.machine).into_iter().next() else { return };
        run(&mut self.machine, self.session, vec![pop(), remove(&head)]);
        self.gone.insert(head);
    }
}

/// What two grids begin with.
#[derive(Debug, Clone, Copy)]
enum Past {
    None,
    /// Both go on from a third one, or the second one from the first.
    Common {
        parent_lives: bool,
    },
}

fn past() -> impl Strategy<Value = Past> {
    prop_oneof![Just(Past::None), any::<bool>().prop_map(|parent_lives| Past::Common { parent_lives })]
}

proptest! {
    #[test]
    fn whichever_grid_gives_way_in_the_end_each_item_is_there_once_or_was_taken(
        past in past(),
        steps in proptest::collection::vec(0u8..6, 0..60),
        turned in 0usize..60,
        elder in 0usize..60,
    ) {
        // The first one gives way at first, by older states of it too; then it turns out that the second one does.
        let mut names = BTreeSet::new();
        let mut parent = Twin::new(StateMachine::default(), 9);
        ["p1", "p2", "p3"].into_iter().filter(|_| !matches!(past, Past::None)).for_each(|name| {
            parent.put(name);
            names.insert(name.to_owned());
        });
        let (winner, mut first, mut second) = match past {
            Past::None => (WINNER, Twin::new(StateMachine::default(), 1), Twin::new(StateMachine::default(), 2)),
            Past::Common { parent_lives } => {
                let committed = parent.machine.revision();
                let child = || reformed(&parent.machine, committed);
                let (second, other) = (Twin::new(child(), 2), Twin::new(child(), 1));
                if parent_lives { (PARENT, parent, second) } else { (WINNER, other, second) }
            }
        };
        let mut straggler = first.machine.clone();
        for (step, action) in steps.iter().enumerate() {
            let twin = if action % 2 == 0 { &mut first } else { &mut second };
            match action {
                0 | 1 => {
                    twin.put(&format!("{step:02}"));
                    names.insert(format!("{step:02}"));
                }
                2 | 3 => twin.take(),
                _ if step >= turned => drop(merge(&mut first.machine, &second.machine, (winner, LOSER))),
                4 => drop(merge(&mut second.machine, &straggler, (LOSER, winner))),
                _ => drop(merge(&mut second.machine, &first.machine, (LOSER, winner))),
            }
            if step == elder {
                straggler = first.machine.clone();
            }
        }
        merge(&mut first.machine, &second.machine, (winner, LOSER));
        let is_gone = |name: &String| first.gone.contains(name) || second.gone.contains(name);
        let left: Vec<String> = names.into_iter().filter(|name| !is_gone(name)).collect();
        let mut items = queue(&first.machine);
        items.sort();
        prop_assert_eq!(items, left.clone());
        let keys: Vec<String> = map(&first.machine).into_iter().map(|(key, _)| key).collect();
        prop_assert_eq!(keys, left);
    }
}

/// A grid that goes on, and one that took over the end of its log, in which a peer had pushed "x" and "y".
fn parted() -> (StateMachine, StateMachine) {
    let mut parent = StateMachine::default();
    run(&mut parent, 8, vec![push("1")]);
    run(&mut parent, 9, Vec::new());
    let mut elder = parent.clone();
    run(&mut parent, 9, vec![push("x"), push("y")]);
    run(&mut elder, 8, vec![push("e")]);
    (elder.clone(), reformed(&parent, elder.revision() - 1))
}

#[test]
fn an_item_of_an_end_that_was_taken_over_moves_where_the_other_grid_went_on_without_it() {
    let (mut elder, mut reform) = parted();
    let (old_elder, old_reform) = (elder.clone(), reform.clone());
    merge(&mut elder, &old_reform, (PARENT, LOSER));
    assert_eq!(queue(&elder), ["1", "e", "x", "y"]);
    merge(&mut reform, &old_elder, (WINNER, PARENT));
    assert_eq!(queue(&reform), ["1", "x", "y", "e"]);
}

#[test]
fn an_item_that_both_have_applied_at_places_of_their_own_is_there_once() {
    let (mut elder, mut reform) = parted();
    // The caller, which lives on in the elder grid, has asked there again.
    run(&mut elder, 9, vec![push("x")]);
    run(&mut reform, 5, vec![pop()]);
    let (old_elder, old_reform) = (elder.clone(), reform.clone());
    merge(&mut elder, &old_reform, (PARENT, LOSER));
    assert_eq!(queue(&elder), ["e", "x", "y"]);
    merge(&mut reform, &old_elder, (WINNER, PARENT));
    assert_eq!(queue(&reform), ["x", "y", "e"]);
    // Or it has been taken in one of the two, whose caller has gone since.
    let (mut elder, mut reform) = (old_elder, old_reform);
    run(&mut reform, 5, vec![pop()]);
    reform.apply(1, &Command::Sweep(Sweep { sessions: vec![9], collections: Vec::new() }), &mut Vec::new());
    let (old_elder, old_reform) = (elder.clone(), reform.clone());
    merge(&mut elder, &old_reform, (PARENT, LOSER));
    assert_eq!(queue(&elder), ["e", "y"]);
    merge(&mut reform, &old_elder, (WINNER, PARENT));
    assert_eq!(queue(&reform), ["y", "e"]);
}

#[test]
fn of_items_that_were_pushed_together_those_stay_that_neither_has_taken() {
    let mut parent = StateMachine::default();
    let items = ["1", "2", "3"].map(blob).to_vec();
    let all = Operation::Queue { collection: "queue".into(), operation: QueueOperation::Push(items) };
    run(&mut parent, 9, vec![all]);
    let mut loser = reformed(&parent, parent.revision());
    run(&mut loser, 5, vec![pop(), pop()]);
    run(&mut parent, 9, vec![pop(), push("4")]);
    merge(&mut parent, &loser, (PARENT, LOSER));
    assert_eq!(queue(&parent), ["3", "4"]);
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Push,
    Pop,
    /// What the former peer of both had asked for, and one of them has not heard yet, arrives there.
    Arrival,
    /// That peer is gone.
    Departure,
    /// That peer comes back to the grid that it was in, and asks again there for all that it has not heard of.
    Return,
    Merge,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => Just(Deed::Push),
        3 => Just(Deed::Pop),
        2 => Just(Deed::Arrival),
        1 => Just(Deed::Departure),
        1 => Just(Deed::Return),
        2 => Just(Deed::Merge),
    ]
}

proptest! {
    #[test]
    fn whatever_the_end_of_the_log_was_that_a_reform_took_over_each_item_is_there_once_or_was_taken(
        (asked, kept) in (0u64..6).prop_flat_map(|asked| (Just(asked), 0..=asked)),
        deeds in proptest::collection::vec((any::<bool>(), deed()), 0..40),
        elder_wins in any::<bool>(),
    ) {
        let mut parent = Twin::new(StateMachine::default(), 9);
        run(&mut parent.machine, 9, vec![push("p")]);
        let committed = parent.machine.revision();
        let elder = parent.machine.clone();
        let mut names: BTreeSet<String> = ["p".to_owned()].into();
        let mut arrive = |machine: &mut StateMachine, up_to: u64| {
            let next = machine.sessions.next(9).filter(|next| *next < up_to);
            if let Some(name) = next.map(|next| format!("a{next:02}")) {
                run(machine, 9, vec![push(&name)]);
                names.insert(name);
            }
        };
        let heard = parent.machine.sessions.next(9).unwrap();
        (0..kept).for_each(|_| arrive(&mut parent.machine, heard + kept));
        let mut twins = [Twin::new(elder, 1), Twin::new(reformed(&parent.machine, committed), 2)];
        // The one that gives way is the second one of these.
        let (winner, loser) = if elder_wins { (0, 1) } else { (1, 0) };
        let ids = if elder_wins { (PARENT, LOSER) } else { (WINNER, PARENT) };
        let mut pushed = Vec::new();
        let join = |twins: &mut [Twin; 2]| {
            let state = twins[loser].machine.clone();
            merge(&mut twins[winner].machine, &state, ids);
        };
        for (step, (second, deed)) in deeds.iter().enumerate() {
            let twin = &mut twins[usize::from(*second)];
            match deed {
                Deed::Push => {
                    let name = format!("{step:02}");
                    run(&mut twin.machine, twin.session, vec![push(&name)]);
                    pushed.push(name);
                }
                Deed::Pop => {
                    if let Some(head) = queue(&twin.machine).into_iter().next() {
                        run(&mut twin.machine, twin.session, vec![pop()]);
                        twin.gone.insert(head);
                    }
                }
                Deed::Arrival => arrive(&mut twin.machine, heard + asked),
                Deed::Departure => sweep(&mut twin.machine, vec![9], &[]),
                Deed::Return => {
                    let elder = &mut twins[0].machine;
                    let Some(next) = elder.sessions.next(9) else { continue };
                    let again: Vec<_> = (next..heard + asked).map(|number| format!("a{number:02}")).collect();
                    ask_again(elder, 9, 19, again.iter().map(|name| push(name)).collect());
                    pushed.extend(again);
                }
                Deed::Merge => join(&mut twins),
            }
        }
        join(&mut twins);
        names.extend(pushed);
        let is_gone = |name: &String| twins.iter().any(|twin| twin.gone.contains(name));
        let left: Vec<String> = names.into_iter().filter(|name| !is_gone(name)).collect();
        let mut items = queue(&twins[winner].machine);
        items.sort();
        prop_assert_eq!(items, left);
    }
}

#[test]
fn what_is_asked_again_under_another_session_happens_once() {
    let (mut elder, mut reform) = parted();
    run(&mut reform, 9, vec![remote_set("k")]);
    run(&mut reform, 5, vec![pop(), pop()]);
    ask_again(&mut elder, 9, 19, vec![push("x"), push("y"), remote_set("k")]);
    let (old_elder, old_reform) = (elder.clone(), reform.clone());
    merge(&mut elder, &old_reform, (PARENT, LOSER));
    assert_eq!((queue(&elder), pending(&elder)), (vec!["e".to_owned(), "y".to_owned()], 1));
    merge(&mut reform, &old_elder, (WINNER, PARENT));
    assert_eq!((queue(&reform), pending(&reform)), (vec!["y".to_owned(), "e".to_owned()], 1));
}

#[test]
fn what_comes_over_before_its_caller_asks_again_is_answered_from_there() {
    let (mut elder, mut reform) = parted();
    run(&mut reform, 9, vec![remote_set("k"), remote_set("l")]);
    let next = ask_again(&mut elder, 9, 19, Vec::new());
    merge(&mut elder, &reform, (PARENT, LOSER));
    let operations = vec![push("x"), push("y"), remote_set("k"), remote_set("l"), push("z")];
    let origins = (next..next + 5).map(|number| Some(RequestId { session: 9, number })).collect();
    let batch = RequestBatch { session: 19, first: 1, settled_below: 0, operations };
    let again = Command::RequestsAgain(RequestsAgain { batch, origins });
    let mut effects = Vec::new();
    elder.apply(8, &again, &mut effects);
    assert_eq!(queue(&elder), ["1", "e", "x", "y", "z"]);
    let Content::RemoteMap(remote) = &elder.collection("remote").unwrap().content else { panic!() };
    let waiting: Vec<_> = remote.pending_from(0).map(|it| (it.request, it.origin)).collect();
    let name = |number| RequestId { session: 19, number };
    let origin = |offset| RequestId { session: 9, number: next + offset };
    assert_eq!(waiting, [(name(3), origin(2)), (name(4), origin(3))]);
    let settled = effects.iter().filter_map(|effect| match effect {
        Effect::Settled { request, outcome } => Some((request.number, (**outcome).clone())),
        _ => None,
    });
    assert_eq!(settled.collect::<Vec<_>>(), [1, 2, 5].map(|number| (number, Outcome::Done)));
}

pub(super) fn pending(machine: &StateMachine) -> usize {
    let Content::RemoteMap(remote) = &machine.collection("remote").unwrap().content else { panic!() };
    remote.len()
}

#[test]
fn items_of_the_end_that_a_reform_took_over_stay_when_a_merge_is_turned_around() {
    let mut parent = StateMachine::default();
    run(&mut parent, 9, vec![push("1")]);
    let committed = parent.revision();
    run(&mut parent, 9, vec![push("x")]);
    let (mut winner, mut loser) = (reformed(&parent, committed), reformed(&parent, committed));
    run(&mut winner, 1, vec![push("w")]);
    merge(&mut loser, &winner, (LOSER, WINNER));
    assert_eq!(queue(&loser), ["1", "x", "w"]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(queue(&winner), ["1", "x", "w"]);
    run(&mut loser, 2, vec![push("2")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(queue(&winner), ["1", "x", "w", "2"]);
}

#[test]
fn a_grid_that_lagged_behind_brings_what_it_did_since() {
    let mut parent = StateMachine::default();
    run(&mut parent, 9, vec![push("1")]);
    let mut loser = reformed(&parent, parent.revision());
    let committed = parent.revision();
    run(&mut parent, 9, vec![push("2"), push("3"), push("4"), push("5"), push("6"), push("7"), push("8")]);
    let mut winner = reformed(&parent, committed);
    run(&mut loser, 5, vec![push("l")]);
    assert!(loser.revision() < parent.revision());
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(queue(&winner), ["1", "2", "3", "4", "5", "6", "7", "8", "l"]);
}

#[test]
fn a_grid_that_took_over_an_ancestor_gives_way_to_what_that_became() {
    let (mut parent, mut loser) = (StateMachine::default(), StateMachine::default());
    run(&mut parent, 9, vec![set("a", "0"), push("1"), push("2")]);
    merge(&mut loser, &parent, (LOSER, PARENT));
    let mut winner = reformed(&parent, parent.revision());
    run(&mut loser, 5, vec![pop(), push("l")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(queue(&winner), ["2", "l"]);
}

#[test]
fn a_key_that_the_winner_has_changed_itself_stays_however_many_come() {
    let (mut winner, mut loser) = (StateMachine::default(), StateMachine::default());
    run(&mut winner, 1, vec![set("a", "winner")]);
    run(&mut loser, 2, vec![set("a", "0"), set("b", "0")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    run(&mut loser, 2, vec![set("a", "1"), set("b", "1")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(map(&winner), pairs([("a", "winner"), ("b", "1")]));
}

#[test]
fn a_grid_that_goes_on_from_one_that_came_over_brings_only_the_rest() {
    let (mut winner, mut parent) = (StateMachine::default(), StateMachine::default());
    run(&mut winner, 1, vec![push("w")]);
    run(&mut parent, 9, vec![set("a", "0"), push("1"), push("2")]);
    merge(&mut winner, &parent, (WINNER, PARENT));
    let mut loser = reformed(&parent, parent.revision());
    run(&mut loser, 5, vec![pop(), push("3"), set("b", "0")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(queue(&winner), ["w", "2", "3"]);
    assert_eq!(map(&winner), pairs([("a", "0"), ("b", "0")]));
}

#[test]
fn a_straggler_that_is_far_behind_takes_nothing_away() {
    let mut parent = StateMachine::default();
    run(&mut parent, 9, vec![set("a", "0"), push("1")]);
    let behind = parent.clone();
    run(&mut parent, 9, vec![set("b", "0"), push("2")]);
    let mut winner = reformed(&parent, parent.revision());
    merge(&mut winner, &behind, (WINNER, PARENT));
    assert_eq!(map(&winner), pairs([("a", "0"), ("b", "0")]));
    assert_eq!(queue(&winner), ["1", "2"]);
    run(&mut parent, 9, vec![push("3"), pop()]);
    merge(&mut winner, &parent, (WINNER, PARENT));
    assert_eq!(queue(&winner), ["2", "3"]);
}

#[test]
fn pending_remote_operations_and_sessions_move_once() {
    let mut parent = StateMachine::default();
    run(&mut parent, 9, vec![remote_set("common")]);
    let mut loser = reformed(&parent, parent.revision());
    run(&mut loser, 5, vec![remote_set("x"), remote_set("y")]);
    merge(&mut parent, &loser, (PARENT, LOSER));
    let Content::RemoteMap(remote) = &parent.collection("remote").unwrap().content else { panic!() };
    let pending: Vec<_> = remote.pending_from(0).map(|it| (it.request.session, it.begun_elsewhere)).collect();
    assert_eq!(pending, [(9, true), (5, true), (5, true)]);
    // The caller asks again under its old session's numbers, and is known.
    assert_eq!(parent.sessions.next(5), loser.sessions.next(5));
    assert_eq!(parent.sessions.outcome(RequestId { session: 5, number: 0 }).map(|it| &**it), Some(&Outcome::Done));
}

#[test]
fn a_store_that_the_loser_has_claimed_last_is_claimed_again_however_often_it_was_merged() {
    let acquire = |machine: &mut StateMachine, grid, epoch| {
        let lineage_epoch = machine.lineage().epoch();
        let Content::RemoteMap(map) = &machine.collection("remote").unwrap().content else { panic!() };
        let claim = map.claim(grid, lineage_epoch);
        let acquired = Acquired { collection: "remote".into(), claim, epoch };
        machine.apply(1, &Command::Acquired(acquired), &mut Vec::new());
    };
    let epoch = |machine: &StateMachine| {
        let Content::RemoteMap(map) = &machine.collection("remote").unwrap().content else { panic!() };
        map.epoch_for(map.claim(WINNER, machine.lineage().epoch()))
    };
    let (mut winner, mut loser) = (StateMachine::default(), StateMachine::default());
    run(&mut winner, 1, Vec::new());
    run(&mut loser, 2, Vec::new());
    acquire(&mut winner, WINNER, 1);
    assert_eq!(epoch(&winner), Some(1));
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(epoch(&winner), None, "it may have claimed later");
    acquire(&mut winner, WINNER, 2);
    acquire(&mut loser, LOSER, 3);
    let effects = merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(epoch(&winner), None, "it has");
    assert!(effects.contains(&Effect::RemoteWork));
    acquire(&mut winner, WINNER, 4);
    run(&mut loser, 2, vec![set("a", "0")]);
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(epoch(&winner), Some(4), "nothing new was claimed");
}

#[test]
fn what_was_executed_in_the_loser_after_it_moved_ends_as_it_does_here() {
    let mut loser = StateMachine::default();
    run(&mut loser, 5, vec![remote_set("x")]);
    let request = RequestId { session: 5, number: 4 };
    let mut winner = StateMachine::default();
    merge(&mut winner, &loser, (WINNER, LOSER));
    // Another peer of the loser has seen more of its log.
    let failed = Outcome::Failed(Failure { code: "CALLBACK_FAILED".into(), text: "a later leader".into() });
    let result = ExecutedOperation { position: 0, outcome: failed.clone(), events: Vec::new() };
    let executed = Executed { collection: "remote".into(), results: vec![result] };
    loser.apply(2, &Command::Executed(executed), &mut Vec::new());
    run(&mut loser, 5, vec![set("a", "1")]);
    assert_eq!(loser.sessions.outcome(request).map(|it| &**it), Some(&failed));
    merge(&mut winner, &loser, (WINNER, LOSER));
    assert_eq!(winner.sessions.outcome(request), None, "it waits for its execution");
    assert_eq!(winner.sessions.next(5), loser.sessions.next(5));
    assert_eq!(map(&winner), pairs([("a", "1")]));
}

#[test]
fn what_an_ancestor_held_is_covered() {
    let mut parent = StateMachine::default();
    run(&mut parent, 9, vec![set("a", "0")]);
    let winner = reformed(&parent, 1);
    assert!(winner.lineage().covers(PARENT, 99, LogPosition { term: 1, index: 9 }));
    assert!(!winner.lineage().covers(PARENT, 99, LogPosition { term: 1, index: 10 }));
    assert!(!winner.lineage().covers(LOSER, 1, LogPosition { term: 0, index: 0 }));
    assert_eq!(winner.lineage().epoch(), 2);
}
