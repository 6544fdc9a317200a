//! What the operations of a queue do.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::effect::{Change, RequestId};
use super::map::Map;
use super::merge::Meeting;
use crate::mutation::Mutation;
use crate::wire::blob::Blob;
use crate::wire::command::{Outcome, QueueOperation};

/// Items from head to tail. Each has a number, more than the item before it; it is the item's key, in eight bytes,
/// the highest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Counts the items that were ever pushed.
    pushed: u64,
    items: Map,
    /// The requests that pushed them.
    pushed_by: VecDeque<RequestId>,
}

impl Queue {
    pub fn apply(&mut self, revision: u64, request: RequestId, operation: &QueueOperation) -> (Outcome, Vec<Change>) {
        match operation {
            QueueOperation::Push(items) => {
                let changes = items.iter().map(|item| self.push(revision, request, item)).collect();
                (Outcome::Done, changes)
            }
            QueueOperation::Pop if Mutation::PopWithoutRemoval.is_planted() => {
                let head = self.items.iter().next().map(|(_, item)| (0, Some(item.value.clone())));
                (Outcome::Entries(head.into_iter().collect()), Vec::new())
            }
            QueueOperation::Pop => match self.items.take_first() {
                Some((key, item)) => {
                    self.pushed_by.pop_front();
                    (Outcome::Entries(vec![(0, Some(item))]), vec![Change::Removed { key }])
                }
                None => (Outcome::Entries(Vec::new()), Vec::new()),
            },
            QueueOperation::Clear => {
                self.pushed_by.clear();
                (Outcome::Done, self.items.clear())
            }
        }
    }

    /// Drops what `theirs` took, and takes over what it holds and this grid has not had: the requests that pushed the
    /// items tell. Each of the two may have an item that neither knew to be committed, at different revisions.
    pub(super) fn merge(&mut self, revision: u64, theirs: &Self, meeting: &Meeting<'_>) -> Vec<Change> {
        let Meeting { fork, made, here, there } = meeting;
        let is_made_anew = fork.is_made_anew(*made);
        let was_there =
            |changed_at, request| fork.would_have(*made, changed_at) || !is_made_anew && there.has_applied(request);
        let mut taken: BTreeMap<RequestId, usize> = BTreeMap::new();
        let own = self.items.iter().zip(&self.pushed_by);
        let were_there = own.filter(|((_, item), request)| was_there(item.changed_at, **request));
        were_there.for_each(|(_, request)| *taken.entry(*request).or_default() += 1);
        for request in &theirs.pushed_by {
            taken.entry(*request).and_modify(|count| *count = count.saturating_sub(1));
        }
        let mut changes = self.remove_first(taken);
        let left_out = Mutation::MergeWithoutItems.is_planted();
        let is_new = |changed_at, request| {
            let was_here = fork.is_new(changed_at) && here.has_applied(request);
            fork.is_new_to(*made, changed_at) && !was_here && !left_out
        };
        let items = theirs.items.iter().zip(&theirs.pushed_by);
        for ((_, item), request) in items.filter(|((_, item), request)| is_new(item.changed_at, **request)) {
            changes.push(self.push(revision, *request, &item.value));
        }
        changes
    }

    /// Removes as many of the items that a request pushed, from the head on, as `counts` says.
    fn remove_first(&mut self, mut counts: BTreeMap<RequestId, usize>) -> Vec<Change> {
        let takes_one = |count: &mut usize| count.checked_sub(1).map(|rest| *count = rest).is_some();
        let is_gone = |request: &RequestId| counts.get_mut(request).is_some_and(takes_one);
        let gone: Vec<bool> = self.pushed_by.iter().map(is_gone).collect();
        let keys = self.items.iter().zip(&gone).filter(|(_, gone)| **gone).map(|((key, _), _)| key.clone());
        let keys: Vec<Blob> = keys.collect();
        let mut stays = gone.iter().map(|gone| !gone);
        self.pushed_by.retain(|_| stays.next().unwrap_or(true));
        self.items.remove_all(&keys).1
    }

    /// The items by their keys.
    pub fn items(&self) -> &Map {
        &self.items
    }

    fn push(&mut self, revision: u64, request: RequestId, item: &Blob) -> Change {
        let key = Blob::from(self.pushed.to_be_bytes().as_slice());
        self.pushed = self.pushed.saturating_add(1);
        self.pushed_by.push_back(request);
        self.items.put(revision, &key, item);
        Change::Inserted { key, value: item.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    fn operation() -> impl Strategy<Value = QueueOperation> {
        let item = proptest::collection::vec(any::<u8>(), 0..3).prop_map(Blob::from);
        prop_oneof![
            3 => proptest::collection::vec(item, 0..4).prop_map(QueueOperation::Push),
            4 => Just(QueueOperation::Pop),
            1 => Just(QueueOperation::Clear),
        ]
    }

    proptest! {
        #[test]
        fn behaves_like_a_queue_and_tells_all_its_changes(
            operations in proptest::collection::vec(operation(), 0..40),
        ) {
            let (mut queue, mut model) = (Queue::default(), VecDeque::new());
            let mut mirror: VecDeque<(Blob, Blob)> = VecDeque::new();
            for (revision, operation) in (1..).zip(&operations) {
                let (outcome, changes) = queue.apply(revision, RequestId { session: 1, number: revision }, operation);
                match operation {
                    QueueOperation::Push(items) => model.extend(items.iter().cloned()),
                    QueueOperation::Pop => {
                        let popped = model.pop_front().map(|item| (0, Some(item)));
                        prop_assert_eq!(outcome, Outcome::Entries(popped.into_iter().collect()));
                    }
                    QueueOperation::Clear => model.clear(),
                }
                for change in changes {
                    match change {
                        Change::Inserted { key, value } => {
                            prop_assert!(mirror.back().is_none_or(|(last, _)| last < &key));
                            mirror.push_back((key, value));
                        }
                        Change::Removed { key } => prop_assert_eq!(mirror.pop_front().map(|it| it.0), Some(key)),
                        Change::Cleared => mirror.clear(),
                        Change::Updated { .. } => prop_assert!(false),
                    }
                }
                prop_assert!(mirror.iter().map(|it| &it.1).eq(&model));
                prop_assert!(queue.items().iter().map(|(_, entry)| &entry.value).eq(&model));
            }
        }
    }
}
