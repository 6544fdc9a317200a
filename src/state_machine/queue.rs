//! What the operations of a queue do.

use serde::{Deserialize, Serialize};

use super::effect::Change;
use super::lineage::{Common, Fork};
use super::map::Map;
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

    /// Drops what `theirs` took, and takes over what it pushed after the fork. Items leave a queue from its head on: of
    /// what both had, either still has the last ones.
    pub(super) fn merge(&mut self, revision: u64, theirs: &Self, fork: &Fork) -> Vec<Change> {
        let mut changes = Vec::new();
        for Common { ours, theirs: known } in &fork.common {
            let left = theirs.items.iter().filter(|(_, item)| known.contains(item.changed_at)).count();
            let common = self.items.iter().filter(|(_, item)| ours.contains(item.changed_at));
            let common: Vec<Blob> = common.map(|(key, _)| key.clone()).collect();
            let taken = common.len().saturating_sub(left);
            changes.append(&mut self.items.remove_all(&common[..taken]).1);
        }
        let left_out = Mutation::MergeWithoutItems.is_planted();
        let moved = theirs.items.iter().filter(|(_, item)| fork.is_new_item(item.changed_at) && !left_out);
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
