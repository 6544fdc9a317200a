use super::*;
use Operation::{Clear, Pop};
use Outcome::Done;

#[test]
fn one_after_the_other_passes() {
    let mut story = Story::default();
    story.run(1, Pop, NOTHING);
    story.run(1, push(&["a", "b"]), Done);
    story.run(2, push(&["c"]), Done);
    for item in ["a", "b", "c"] {
        story.run(2, Pop, value(item));
    }
    story.run(1, Pop, NOTHING);
    story.run(1, push(&["d"]), Done);
    story.run(1, Clear, Done);
    story.run(1, Pop, NOTHING);
    story.passes();
}

#[test]
fn operations_at_once_may_take_effect_in_any_order() {
    let mut story = Story::default();
    let [a, b, first] = [story.begin(1, push(&["a"])), story.begin(2, push(&["b"])), story.begin(3, Pop)];
    story.run(4, Pop, NOTHING);
    story.run(4, Pop, value("b"));
    story.end(first, value("a"));
    story.end(a, Done);
    story.end(b, Done);
    story.passes();
}

#[test]
fn an_item_that_two_were_given_fails() {
    let mut story = Story::default();
    story.run(1, push(&["a"]), Done);
    let [first, second] = [story.begin(1, Pop), story.begin(2, Pop)];
    story.end(first, value("a"));
    story.end(second, value("a"));
    assert!(story.fails_at(second).reason.contains("taken twice, also by #1"));
}

#[test]
fn an_item_that_was_never_pushed_fails() {
    let mut story = Story::default();
    let pop = story.run(1, Pop, value("a"));
    assert!(story.fails_at(pop).reason.contains("never pushed"));
    story.run(2, push(&["a"]), Done);
    assert!(story.fails_at(pop).reason.contains("before it is pushed"));
}

#[test]
fn an_overtaken_item_fails() {
    let mut story = Story::default();
    story.run(1, push(&["a"]), Done);
    story.run(2, push(&["b"]), Done);
    let pop = story.run(3, Pop, value("b"));
    assert!(story.fails_at(pop).reason.contains("taken before \"a\""));
    story.run(3, Pop, value("a"));
    story.fails_at(pop);
}

#[test]
fn items_of_one_push_keep_their_order() {
    let mut story = Story::default();
    story.run(1, push(&["a", "b"]), Done);
    let pop = story.run(3, Pop, value("b"));
    story.run(3, Pop, value("a"));
    story.fails_at(pop);
}

#[test]
fn nothing_comes_between_the_items_of_one_push() {
    let mut story = Story::default();
    let [both, other] = [story.begin(1, push(&["a", "b"])), story.begin(2, push(&["c"]))];
    story.end(both, Done);
    story.end(other, Done);
    story.run(3, Pop, value("a"));
    let between = story.run(3, Pop, value("c"));
    story.run(3, Pop, value("b"));
    story.fails_at(between);
}

#[test]
fn a_client_s_pushes_keep_their_order() {
    for clients in [[1, 1], [1, 2]] {
        let mut story = Story::default();
        let [a, b] = [story.begin(clients[0], push(&["a"])), story.begin(clients[1], push(&["b"]))];
        story.end(a, Done);
        story.end(b, Done);
        let first = story.run(3, Pop, value("b"));
        story.run(3, Pop, value("a"));
        if clients[0] == clients[1] { drop(story.fails_at(first)) } else { story.passes() }
    }
}

#[test]
fn a_queue_told_to_be_empty_that_is_not_fails() {
    let mut story = Story::default();
    story.run(1, push(&["a"]), Done);
    let empty = story.run(2, Pop, NOTHING);
    story.run(2, Pop, value("a"));
    assert!(story.fails_at(empty).reason.contains("told to be empty"));
}

/// One item leaves only after the next has come.
#[test]
fn a_queue_that_is_never_empty_while_it_is_told_to_be_fails() {
    let mut story = Story::default();
    story.run(1, push(&["a"]), Done);
    let empty = story.begin(2, Pop);
    story.run(1, push(&["b"]), Done);
    story.run(3, Pop, value("a"));
    story.run(1, push(&["c"]), Done);
    story.end(empty, NOTHING);
    assert!(story.fails_at(empty).reason.contains("told to be empty"));
}

#[test]
fn an_item_that_nobody_took_and_is_gone_fails() {
    let mut story = Story::default();
    story.run(1, push(&["a"]), Done);
    story.run(1, push(&["b"]), Done);
    let pop = story.run(2, Pop, value("b"));
    assert!(story.fails_at(pop).reason.contains("taken before \"a\""));
}

#[test]
fn an_unknown_pop_may_have_taken_one_item_or_none() {
    let mut story = Story::default();
    story.run(1, push(&["a", "b", "c", "d"]), Done);
    story.lose(2, Pop);
    story.run(3, Pop, value("a"));
    story.passes();
    story.run(3, Pop, value("c"));
    story.passes();
    story.run(3, push(&["e"]), Done);
    let second = story.run(3, Pop, value("e"));
    story.fails_at(second);
}

#[test]
fn an_unknown_pop_takes_nothing_before_it_was_invoked() {
    let mut story = Story::default();
    story.run(1, push(&["a", "b"]), Done);
    let pop = story.run(3, Pop, value("b"));
    story.lose(2, Pop);
    story.fails_at(pop);
}

#[test]
fn an_unknown_push_may_take_effect_late_or_never() {
    let mut story = Story::default();
    story.lose(1, push(&["a"]));
    story.lose(1, push(&["never"]));
    story.run(2, push(&["b"]), Done);
    story.run(2, Pop, value("b"));
    story.run(2, Pop, NOTHING);
    story.run(2, Pop, value("a"));
    story.run(2, Pop, NOTHING);
    story.passes();
}

#[test]
fn an_unknown_push_takes_effect_as_a_whole() {
    let mut story = Story::default();
    story.lose(1, push(&["a", "b"]));
    story.run(2, Pop, value("a"));
    let empty = story.run(2, Pop, NOTHING);
    story.fails_at(empty);
}

#[test]
fn an_unknown_clear_may_have_taken_all() {
    let mut story = Story::default();
    story.run(1, push(&["a", "b"]), Done);
    story.lose(1, Clear);
    story.run(2, push(&["c"]), Done);
    story.run(2, Pop, value("c"));
    story.run(2, Pop, NOTHING);
    story.passes();
}

#[test]
#[should_panic(expected = "the item a is pushed twice")]
fn items_are_unique() {
    let mut story = Story::default();
    story.run(1, push(&["a"]), Done);
    story.run(1, push(&["a"]), Done);
    story.passes();
}
