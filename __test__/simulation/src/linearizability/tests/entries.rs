use super::*;
use Operation::{Get, Remove, RemoveIf};
use Outcome::{Done, Held};

#[test]
fn one_after_the_other_passes() {
    let mut story = Story::default();
    story.run(1, Get, NOTHING);
    story.run(1, insert("a"), NOTHING);
    story.run(2, insert("b"), value("a"));
    story.run(2, update_if("a", "c"), Held(true));
    story.run(1, update_if("a", "d"), Held(false));
    story.run(1, set("e"), value("c"));
    story.run(1, set("f"), Done);
    story.run(2, Get, value("f"));
    story.run(2, RemoveIf { expected: Some("f".to_owned()) }, Held(true));
    story.run(2, Remove, NOTHING);
    story.run(3, update_if("f", "g"), Held(false));
    story.run(3, Operation::UpdateIf { expected: None, value: "h".to_owned() }, Held(true));
    story.run(3, Remove, value("h"));
    story.passes();
}

#[test]
fn operations_at_once_may_take_effect_in_any_order() {
    let mut story = Story::default();
    let [a, b] = [story.begin(1, set("a")), story.begin(2, set("b"))];
    story.run(3, Get, value("b"));
    story.run(3, Get, value("a"));
    story.end(a, value("b"));
    story.end(b, NOTHING);
    story.passes();
}

#[test]
fn a_stale_read_fails() {
    let mut story = Story::default();
    story.run(1, set("a"), Done);
    story.run(1, set("b"), Done);
    let stale = story.run(2, Get, value("a"));
    story.run(2, Get, value("b"));
    let violation = story.fails_at(stale);
    let text = violation.to_string();
    assert_eq!(violation.operations.len(), 3, "what came later does not matter");
    assert!(text.contains(r#"  #0 client 1, 10..20 ms: Set("a"): Done"#), "{text}");
    assert!(text.contains(r#"> #2 client 2, 50..60 ms: Get: Value(Some("a"))"#), "{text}");
}

#[test]
fn a_value_that_comes_back_fails() {
    let mut story = Story::default();
    let [a, b] = [story.begin(1, set("a")), story.begin(2, set("b"))];
    story.run(3, Get, value("a"));
    story.run(3, Get, value("b"));
    let again = story.run(3, Get, value("a"));
    story.end(a, Done);
    story.end(b, Done);
    story.fails_at(again);
}

#[test]
fn a_lost_update_fails() {
    let mut story = Story::default();
    story.run(1, set("a"), Done);
    let [b, c] = [story.begin(1, update_if("a", "b")), story.begin(2, update_if("a", "c"))];
    story.end(b, Held(true));
    story.end(c, Held(true));
    story.fails_at(c);
}

#[test]
fn a_write_that_is_gone_fails() {
    let mut story = Story::default();
    story.run(1, set("a"), NOTHING);
    story.run(1, set("b"), value("a"));
    let other = story.run(2, set("c"), value("a"));
    story.fails_at(other);
}

#[test]
fn an_insert_that_overwrote_fails() {
    let mut story = Story::default();
    story.run(1, insert("a"), NOTHING);
    let other = story.run(2, insert("b"), NOTHING);
    story.fails_at(other);
}

#[test]
fn a_refused_insert_that_took_effect_fails() {
    let mut story = Story::default();
    story.run(1, insert("a"), NOTHING);
    story.run(2, insert("b"), value("a"));
    let read = story.run(3, Get, value("b"));
    story.fails_at(read);
}

#[test]
fn a_remove_of_what_is_not_there_fails() {
    let mut story = Story::default();
    story.run(1, set("a"), Done);
    story.run(1, Remove, value("a"));
    let again = story.run(2, Remove, value("a"));
    story.fails_at(again);
}

#[test]
fn a_conflict_without_a_cause_fails() {
    let mut story = Story::default();
    story.run(1, set("a"), Done);
    let conflict = story.run(2, update_if("a", "b"), Held(false));
    story.fails_at(conflict);
}

/// Set to the same value by two, a key may have been touched and be as before.
#[test]
fn a_conflict_over_a_value_that_comes_again_passes() {
    let mut story = Story::default();
    story.run(1, set("a"), Done);
    let conflict = story.begin(2, update_if("a", "b"));
    story.run(1, set("a"), Done);
    story.end(conflict, Held(false));
    story.run(1, Get, value("a"));
    story.passes();
}

#[test]
fn an_unknown_comparison_may_meet_with_a_value_that_comes_again() {
    let mut story = Story::default();
    story.run(1, set("a"), Done);
    story.lose(2, RemoveIf { expected: Some("a".to_owned()) });
    story.run(1, set("b"), value("a"));
    story.run(1, set("a"), value("b"));
    story.run(1, Get, NOTHING);
    story.passes();
}

#[test]
fn a_client_s_writes_keep_their_order() {
    let mut story = Story::default();
    let [a, b] = [story.begin(1, set("a")), story.begin(1, set("b"))];
    story.end(b, Done);
    story.end(a, Done);
    let read = story.run(2, Get, value("a"));
    story.fails_at(read);
}

#[test]
fn different_clients_writes_need_not() {
    let mut story = Story::default();
    let [a, b] = [story.begin(1, set("a")), story.begin(2, set("b"))];
    story.end(b, Done);
    story.end(a, Done);
    story.run(3, Get, value("a"));
    story.passes();
}

#[test]
fn a_read_of_the_same_client_is_free_of_the_order() {
    let mut story = Story::default();
    let read = story.begin(1, Get);
    let write = story.begin(1, set("a"));
    story.end(read, value("a"));
    story.end(write, NOTHING);
    story.passes();
}

#[test]
fn an_unknown_write_may_take_effect_late() {
    let mut story = Story::default();
    story.lose(1, set("a"));
    story.run(2, set("b"), NOTHING);
    story.run(2, Get, value("b"));
    story.run(1, Get, value("a"));
    story.passes();
}

#[test]
fn an_unknown_write_may_never_take_effect() {
    let mut story = Story::default();
    story.lose(1, set("a"));
    story.lose(1, Remove);
    story.lose(1, update_if("b", "c"));
    story.run(2, set("b"), NOTHING);
    story.run(2, Get, value("b"));
    story.passes();
}

#[test]
fn an_unknown_write_takes_effect_once() {
    let mut story = Story::default();
    story.lose(1, set("a"));
    story.run(2, Get, value("a"));
    story.run(2, set("b"), value("a"));
    let again = story.run(2, Get, value("a"));
    story.fails_at(again);
}

#[test]
fn an_unknown_write_takes_no_effect_before_it_was_invoked() {
    let mut story = Story::default();
    let read = story.run(2, Get, value("a"));
    story.lose(1, set("a"));
    story.fails_at(read);
}

#[test]
fn an_unknown_remove_may_be_why_nothing_is_there() {
    let mut story = Story::default();
    story.run(1, set("a"), Done);
    story.lose(1, Remove);
    story.run(2, Get, value("a"));
    story.run(2, Get, NOTHING);
    story.run(1, insert("b"), NOTHING);
    story.passes();
    let gone = story.run(2, Get, NOTHING);
    story.fails_at(gone);
}

#[test]
fn an_unknown_write_that_nobody_saw_may_be_why_a_comparison_failed() {
    let mut story = Story::default();
    story.run(1, set("a"), Done);
    story.lose(1, set("b"));
    story.run(2, update_if("a", "c"), Held(false));
    story.passes();
}

#[test]
fn what_is_in_flight_at_the_end_is_unknown() {
    let mut story = Story::default();
    story.begin(1, set("a"));
    story.run(2, Get, value("a"));
    story.passes();
}

#[test]
fn keys_are_checked_one_by_one() {
    let mut story = Story::default();
    story.run(1, set("a"), Done);
    let write = story.history.invoke(1, "other", set("b"), 100);
    story.history.complete(write, Done, 110);
    story.run(2, Get, value("a"));
    story.passes();
    let read = story.history.invoke(1, "other", Get, 120);
    story.history.complete(read, value("a"), 130);
    let violation = story.fails_at(read);
    assert_eq!((violation.object.as_str(), violation.operations.len()), ("other", 2));
}

#[test]
#[should_panic(expected = "ends twice")]
fn an_operation_ends_once() {
    let mut story = Story::default();
    let write = story.run(1, set("a"), Done);
    story.end(write, Done);
}

#[test]
#[should_panic(expected = "cannot end with")]
fn an_operation_ends_as_its_kind_does() {
    Story::default().run(1, insert("a"), Held(true));
}
