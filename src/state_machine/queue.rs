//! What the operations of a queue do.

use serde::{Deserialize, Serialize};

use super::effect::Change;
use super::lineage::Fork;
use super::map::{Entry, Map};
use crate::mutation::Mutation;
use crate::wire::blob::Blob;
use crate::wire::command::{Outcome, QueueOperation};

/// Items from head to tail. Each has a number, one more than the item before it; it is the item's key, in eight bytes,
/// the highest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Counts the items that were ever pushed.
    pushed: u64,
    items: Map,
}

impl Queue {
    pub fn apply(&mut self, revision: u64, operation: &QueueOperation) -> (Outcome, Vec<Change>) {
        match operation {
            QueueOperation::Push(items) => {
                let changes = items.iter().map(|item| self.push(revision, item)).collect();
                (Outcome::Done, changes)
            }
            QueueOperation::Pop if Mutation::PopWithoutRemoval.is_planted() => {
                let head = self.items.iter().next().map(|(_, item)| (0, Some(item.value.clone())));
                (Outcome::Entries(head.into_iter().collect()), Vec::new())
            }
            QueueOperation::Pop => match self.items.take_first() {
                Some((key, item)) => (Outcome::Entries(vec![(0, Some(item))]), vec![Change::Removed { key }]),
                None => (Outcome::Entries(Vec::new()), Vec::new()),
            },
            QueueOperation::Clear => (Outcome::Done, self.items.clear()),
        }
    }

    /// Drops what `theirs` took from the common head, and takes over what it pushed after the fork.
    pub(super) fn merge(&mut self, revision: u64, theirs: &Self, fork: &Fork) -> Vec<Change> {
        let mut changes = Vec::new();
        let head = theirs.items.iter().next().map_or(theirs.pushed, |(key, _)| number_of(key));
        let common = |(key, item): &(&Blob, &Entry)| number_of(key) < head && item.changed_at <= fork.kept_after;
        let taken = if fork.shared { self.items.iter().take_while(common).count() } else { 0 };
        for _ in 0..taken {
            changes.extend(self.items.take_first().map(|(key, _)| Change::Removed { key }));
        }
        let left_out = Mutation::MergeWithoutItems.is_planted();
        let moved = theirs.items.iter().filter(|(_, item)| item.changed_at > fork.pushed_after && !left_out);
        for (_, item) in moved {
            changes.push(self.push(revision, &item.value));
        }
        changes
    }

    /// The items by their keys.
    pub fn items(&self) -> &Map {
        &self.items
    }

    fn push(&mut self, revision: u64, item: &Blob) -> Change {
        let key = Blob::from(self.pushed.to_be_bytes().as_slice());
        self.pushed = self.pushed.saturating_add(1);
        self.items.put(revision, &key, item);
        Change::Inserted { key, value: item.clone() }
    }
}

fn number_of(key: &Blob) -> u64 {
    <[u8; 8]>::try_from(key.as_slice()).map_or(0, u64::from_be_bytes)
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
                let (outcome, changes) = queue.apply(revision, operation);
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
