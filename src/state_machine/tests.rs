//! The state machine as a whole: sessions, attachments, remote operations, snapshots.

use super::*;
use crate::wire::blob::Blob;
use crate::wire::command::{ExecutedOperation, LogPosition, RemoteEvent, RemoteMethod, RemoteOperation};

fn blob(text: &str) -> Blob {
    Blob::from(text.as_bytes())
}

fn open(peer_id: &str, replaces: Option<NodeId>) -> Operation {
    Operation::OpenSession { peer_id: peer_id.into(), replaces }
}

fn attach(id: &str, kind: CollectionKind) -> Operation {
    Operation::Attach { collection: id.into(), kind }
}

fn set(key: &str, value: &str) -> Operation {
    let operation = MapOperation::SetAll(vec![(blob(key), blob(value))]);
    Operation::Map { collection: "map".into(), operation }
}

fn push(item: &str) -> Operation {
    Operation::Queue { collection: "queue".into(), operation: QueueOperation::Push(vec![blob(item)]) }
}

fn pop() -> Operation {
    Operation::Queue { collection: "queue".into(), operation: QueueOperation::Pop }
}

fn set_field(key: &str, value: &str) -> Operation {
    let operation = MapOperation::SetAll(vec![(blob(key), blob(value))]);
    Operation::Record { collection: "record".into(), operation }
}

fn remote_set(key: &str) -> Operation {
    let operation = RemoteOperation { method: RemoteMethod::Set, keys: vec![blob(key)], values: vec![blob("v")] };
    Operation::RemoteMap { collection: "remote".into(), operation }
}

/// A state machine with the log index that comes next.
#[derive(Default)]
struct Log {
    machine: StateMachine,
    index: u64,
}

impl Log {
    fn apply<'a>(&mut self, command: &'a Command) -> Vec<Effect<'a>> {
        let mut effects = Vec::new();
        self.index += 1;
        self.machine.apply(self.index, command, &mut effects);
        effects
    }

    fn request(&mut self, session: NodeId, first: u64, operations: Vec<Operation>) -> Vec<Effect<'static>> {
        let batch = RequestBatch { session, first, settled_below: 0, operations };
        self.apply(Box::leak(Box::new(Command::Requests(batch))))
    }

    fn value(&self, key: &str) -> Option<String> {
        match &self.machine.collection("map")?.content {
            Content::Map(map) => {
                map.get(&blob(key)).map(|it| String::from_utf8_lossy(it.value.as_slice()).into_owned())
            }
            _ => None,
        }
    }

    fn executed(&mut self, positions: impl IntoIterator<Item = u64>) -> Vec<Effect<'static>> {
        let result = |position| ExecutedOperation {
            position,
            outcome: Outcome::Entries(Vec::new()),
            events: vec![RemoteEvent::Inserted { key: blob("k"), value: blob("v") }],
        };
        let results = positions.into_iter().map(result).collect();
        let executed = Executed { collection: "remote".into(), results };
        self.apply(Box::leak(Box::new(Command::Executed(executed))))
    }
}

fn settled(effects: &[Effect]) -> Vec<u64> {
    let number = |effect: &Effect| match effect {
        Effect::Settled { request, .. } => Some(request.number),
        _ => None,
    };
    effects.iter().filter_map(number).collect()
}

#[test]
fn requests_apply_once_and_in_their_order_however_often_they_come() {
    let mut log = Log::default();
    assert_eq!(settled(&log.request(1, 0, vec![open("a", None), attach("map", CollectionKind::Map)])), [0, 1]);
    assert_eq!(settled(&log.request(1, 2, vec![set("k", "1"), set("k", "2")])), [2, 3]);
    assert_eq!(log.request(1, 5, vec![set("k", "4")]), [Effect::Gap { session: 1, expected: 4 }]);
    assert_eq!(settled(&log.request(1, 2, vec![set("k", "1"), set("k", "2"), set("k", "3")])), [4]);
    assert_eq!(settled(&log.request(1, 2, vec![set("k", "1")])), [] as [u64; 0]);
    assert_eq!(log.value("k").as_deref(), Some("3"));
}

#[test]
fn a_request_of_an_unknown_session_does_not_apply() {
    let mut log = Log::default();
    assert_eq!(log.request(9, 4, vec![set("k", "1")]), [Effect::UnknownSession { session: 9 }]);
    assert_eq!(log.machine, StateMachine::default());
}

#[test]
fn a_session_that_replaces_another_learns_what_that_one_had_done() {
    let mut log = Log::default();
    log.request(1, 0, vec![open("a", None), attach("map", CollectionKind::Map), set("k", "1")]);
    let effects = log.request(2, 0, vec![open("a", Some(1))]);
    let Effect::SessionReplaced { ended: Some(ended), .. } = &effects[0] else { panic!("{effects:?}") };
    assert_eq!(ended.next, 3);
    assert_eq!(ended.outcomes.get(&2), Some(&Arc::new(Outcome::Entries(Vec::new()))));
    assert_eq!(log.request(1, 3, vec![set("k", "late")]), [Effect::UnknownSession { session: 1 }]);
    assert!(log.machine.collection("map").is_some_and(|it| it.attached.contains(&2)));
}

#[test]
fn an_id_belongs_to_one_kind_of_collection() {
    let mut log = Log::default();
    log.request(1, 0, vec![open("a", None), attach("map", CollectionKind::Map)]);
    let effects = log.request(1, 2, vec![attach("map", CollectionKind::RemoteMap)]);
    let Some(Effect::Settled { outcome, .. }) = effects.last() else { panic!("{effects:?}") };
    let Outcome::Failed(failure) = &**outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.code, "KIND_MISMATCH");
    assert!(failure.text.contains("map") && failure.text.contains("remote map"), "{}", failure.text);
}

#[test]
fn an_operation_of_another_kind_does_nothing_but_fail() {
    let mut log = Log::default();
    log.request(
        1,
        0,
        vec![open("a", None), attach("record", CollectionKind::Map), attach("queue", CollectionKind::Emitter)],
    );
    for (number, operation) in (3..).zip([set_field("k", "v"), push("1"), pop()]) {
        let before = log.machine.collections.clone();
        let effects = log.request(1, number, vec![operation]);
        let Some(Effect::Settled { outcome, .. }) = effects.last() else { panic!("{effects:?}") };
        assert!(matches!(&**outcome, Outcome::Failed(failure) if failure.code == "KIND_MISMATCH"), "{outcome:?}");
        assert_eq!(log.machine.collections, before);
    }
}

#[test]
fn each_item_of_a_queue_goes_to_the_one_whose_pop_applies_first() {
    let mut log = Log::default();
    log.request(1, 0, vec![open("a", None), attach("queue", CollectionKind::Queue), push("1"), push("2")]);
    log.request(2, 0, vec![open("b", None), attach("queue", CollectionKind::Queue)]);
    let popped = |effects: &[Effect]| -> Vec<Option<String>> {
        let text = |item: &Blob| String::from_utf8_lossy(item.as_slice()).into_owned();
        let item = |effect: &Effect| match effect {
            Effect::Settled { outcome, .. } => match &**outcome {
                Outcome::Entries(items) => Some(items.first().and_then(|(_, item)| item.as_ref().map(text))),
                _ => None,
            },
            _ => None,
        };
        effects.iter().filter_map(item).collect()
    };
    assert_eq!(popped(&log.request(2, 2, vec![pop()])), [Some("1".into())]);
    assert_eq!(popped(&log.request(1, 4, vec![pop(), pop()])), [Some("2".into()), None]);
    assert_eq!(popped(&log.request(1, 4, vec![pop(), pop()])), [], "a retry takes nothing");
}

#[test]
fn remote_operations_are_settled_by_marks_from_the_head_on_and_by_nothing_else() {
    let mut log = Log::default();
    log.request(1, 0, vec![open("a", None), attach("remote", CollectionKind::RemoteMap)]);
    assert_eq!(settled(&log.request(1, 2, vec![remote_set("a"), remote_set("b"), remote_set("c")])), [] as [u64; 0]);
    assert_eq!(settled(&log.executed([1])), [] as [u64; 0], "not the head");
    let effects = log.executed([0, 1]);
    assert_eq!(settled(&effects), [2, 3]);
    let order: Vec<_> = effects
        .iter()
        .take(3)
        .map(|effect| matches!(effect, Effect::RemoteEvents { .. } | Effect::Committed { .. } | Effect::Settled { .. }))
        .collect();
    assert_eq!(order, [true; 3], "events, then the commit, then the answer");
    assert_eq!(settled(&log.executed([0, 1])), [] as [u64; 0], "a repeated mark");
    assert_eq!(settled(&log.executed([2])), [4]);
}

#[test]
fn a_snapshot_is_the_state_and_goes_on_like_it() {
    let mut log = Log::default();
    let kinds = [
        attach("map", CollectionKind::Map),
        attach("remote", CollectionKind::RemoteMap),
        attach("record", CollectionKind::Record),
        attach("queue", CollectionKind::Queue),
    ];
    log.request(1, 0, [vec![open("a", None)], kinds.to_vec()].concat());
    log.request(1, 5, vec![set("b", "1"), set("a", "2"), remote_set("x"), set("b", "3")]);
    log.request(1, 9, vec![set_field("f", "1"), push("1"), push("2"), pop()]);
    let copy = StateMachine::from_snapshot(&log.machine.to_snapshot()).unwrap();
    assert_eq!(copy, log.machine);
    let mut copied = Log { machine: copy, index: log.index };
    assert_eq!(copied.executed([0]), log.executed([0]));
    assert_eq!(
        copied.request(1, 13, vec![set("c", "1"), push("3"), pop()]),
        log.request(1, 13, vec![set("c", "1"), push("3"), pop()])
    );
    assert_eq!(copied.machine.to_snapshot(), log.machine.to_snapshot());
}

#[test]
fn what_nobody_has_open_is_swept_unless_it_was_opened_again() {
    let mut log = Log::default();
    log.request(1, 0, vec![open("a", None), attach("map", CollectionKind::Map), set("k", "1")]);
    log.request(1, 3, vec![Operation::Detach { collection: "map".into() }]);
    let abandoned_at = log.machine.collection("map").map(|it| it.abandoned_at).unwrap();
    let sweep = Command::Sweep(Sweep { sessions: vec![], collections: vec![("map".into(), abandoned_at)] });
    log.request(1, 4, vec![attach("map", CollectionKind::Map)]);
    log.apply(&sweep);
    assert_eq!(log.value("k").as_deref(), Some("1"));
    log.request(1, 5, vec![Operation::Detach { collection: "map".into() }]);
    log.apply(&sweep);
    assert_eq!(log.value("k").as_deref(), Some("1"), "closed later than the sweep knows");
    let abandoned_at = log.machine.collection("map").map(|it| it.abandoned_at).unwrap();
    log.apply(&Command::Sweep(Sweep { sessions: vec![], collections: vec![("map".into(), abandoned_at)] }));
    assert!(log.machine.collection("map").is_none());
}

#[test]
fn a_grid_may_begin_with_the_state_of_another_and_only_begin_with_it() {
    let mut log = Log::default();
    log.request(1, 0, vec![open("a", None), attach("map", CollectionKind::Map), set("k", "1")]);
    let restore = Command::Restore(Inheritance {
        parent: 1,
        last: LogPosition::default(),
        committed: 0,
        missing: Vec::new(),
        state: Blob::from(log.machine.to_snapshot()),
    });
    let mut heir = Log::default();
    heir.apply(&restore);
    assert!(heir.machine.collections().eq(log.machine.collections()));
    let next = |log: &Log| log.machine.sessions().next(1);
    assert_eq!(next(&heir), next(&log));
    assert!(log.machine.sessions().opened_here(1) && !heir.machine.sessions().opened_here(1));
    heir.request(2, 0, vec![open("a", Some(1)), set("k", "2")]);
    heir.apply(&restore);
    assert_eq!(heir.value("k").as_deref(), Some("2"));
}
