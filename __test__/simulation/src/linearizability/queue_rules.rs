//! What must hold of every queue with unique items, and is told without a search: what is taken was pushed, and is taken
//! once; items leave in the order in which they came; a queue is empty only when nothing must lie in it.
//!
//! These rules are sound for all histories. They are complete for those in which every operation ended, without `Clear`,
//! with pushes of one item each, and one write at a time per client. With operations that take items without telling,
//! the search knows more: how many items they can have taken, and when.

use std::collections::BTreeMap;

use super::history::{OperationId, Outcome, Recorded};
use super::queue::{is_silent, pushed};

pub struct Broken {
    pub reason: String,
    pub culprit: OperationId,
}

/// When an item came and left at the earliest and the latest.
struct Stay<'a> {
    item: &'a str,
    came: (u64, u64),
    left: (u64, u64),
    taken_by: Option<OperationId>,
    pushed_by: OperationId,
}

pub fn check(operations: &[&Recorded]) -> Result<(), Broken> {
    let stays = stays(operations)?;
    in_order(&stays)?;
    for operation in operations {
        if operation.outcome() == Some(&Outcome::Value(None)) {
            found_empty(&stays, operation)?;
        }
    }
    Ok(())
}

fn stays<'a>(operations: &[&'a Recorded]) -> Result<Vec<Stay<'a>>, Broken> {
    let silent = operations.iter().filter(|operation| is_silent(operation)).map(|operation| operation.invoked).min();
    let unseen = (silent.unwrap_or(u64::MAX), u64::MAX);
    let mut stays: BTreeMap<&str, Stay<'a>> = BTreeMap::new();
    for operation in operations {
        let came = (operation.invoked, operation.ended().unwrap_or(u64::MAX));
        for item in pushed(operation) {
            stays.insert(item, Stay { item, came, left: unseen, taken_by: None, pushed_by: operation.id });
        }
    }
    for operation in operations {
        let (Some(Outcome::Value(Some(item))), Some(ended)) = (operation.outcome(), operation.ended()) else {
            continue;
        };
        let broken = |what: &str| Broken { reason: format!("{item:?} {what}"), culprit: operation.id };
        let Some(stay) = stays.get_mut(item.as_str()) else { return Err(broken("is taken, but was never pushed")) };
        if let Some(other) = stay.taken_by {
            return Err(broken(&format!("is taken twice, also by #{other}")));
        }
        if ended < stay.came.0 {
            return Err(broken("is taken before it is pushed"));
        }
        stay.left = (operation.invoked, ended);
        stay.came.1 = stay.came.1.min(ended);
        stay.taken_by = Some(operation.id);
    }
    // Those that surely never came into the queue matter to nobody.
    Ok(stays.into_values().collect())
}

fn in_order(stays: &[Stay<'_>]) -> Result<(), Broken> {
    for later in stays {
        let Some(culprit) = later.taken_by else { continue };
        let overtaken = stays.iter().find(|earlier| earlier.came.1 < later.came.0 && later.left.1 < earlier.left.0);
        if let Some(Stay { item, pushed_by, .. }) = overtaken {
            let reason = format!("{:?} is taken before {item:?}, which #{pushed_by} had pushed before it", later.item);
            return Err(Broken { reason, culprit });
        }
    }
    Ok(())
}

/// Whether at some moment of the operation nothing must lie in the queue.
fn found_empty(stays: &[Stay<'_>], operation: &Recorded) -> Result<(), Broken> {
    let Some(ended) = operation.ended() else { return Ok(()) };
    let mut filled: Vec<(u64, u64)> = stays.iter().map(|stay| (stay.came.1, stay.left.0)).collect();
    filled.sort_unstable();
    let mut clear_from = operation.invoked;
    for (from, until) in filled {
        if from <= clear_from {
            clear_from = clear_from.max(until);
        }
    }
    if clear_from < ended {
        return Ok(());
    }
    let reason = "the queue is told to be empty, but all that time something was in it".to_owned();
    Err(Broken { reason, culprit: operation.id })
}
