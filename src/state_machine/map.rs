//! What the operations of a map do.

use hashlink::LinkedHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::effect::Change;
use super::merge::Meeting;
use crate::mutation::Mutation;
use crate::wire::blob::Blob;
use crate::wire::command::{CompareAction, MapOperation, Outcome};

/// Entries in insertion order, as in JavaScript's `Map`: a value that is set again keeps its place.
#[derive(Debug, Clone, Default)]
pub struct Map {
    entries: LinkedHashMap<Blob, Entry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub value: Blob,
    /// The revision of its last change.
    pub changed_at: u64,
}

impl Map {
    /// Applies one operation; the changes come with all insertions before all updates.
    pub fn apply(&mut self, revision: u64, operation: &MapOperation) -> (Outcome, Vec<Change>) {
        match operation {
            MapOperation::SetAll(entries) => self.set_all(revision, entries),
            MapOperation::InsertAll(entries) => self.insert_all(revision, entries),
            MapOperation::RemoveAll(keys) => self.remove_all(keys),
            MapOperation::Clear => (Outcome::Done, self.clear()),
            MapOperation::Compare { key, seen_revision, present, action } => {
                self.compare(revision, key, *seen_revision, *present, action)
            }
            MapOperation::CompareAll { seen_revision, expected, entries } => {
                if expected.iter().all(|(key, present)| self.is_untouched(key, *seen_revision, *present)) {
                    (Outcome::Done, self.set_all(revision, entries).1)
                } else {
                    (Outcome::Conflict, Vec::new())
                }
            }
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn get(&self, key: &Blob) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Blob, &Entry)> {
        self.entries.iter()
    }

    /// Takes the entry that was inserted first.
    pub(super) fn take_first(&mut self) -> Option<(Blob, Blob)> {
        self.entries.pop_front().map(|(key, entry)| (key, entry.value))
    }

    pub(super) fn clear(&mut self) -> Vec<Change> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        self.entries.clear();
        vec![Change::Cleared]
    }

    /// Whether a key is as a caller saw it at a revision. One that was absent then and is absent now counts as untouched.
    fn is_untouched(&self, key: &Blob, seen_revision: u64, present: bool) -> bool {
        match self.entries.get(key) {
            Some(entry) => present && entry.changed_at <= seen_revision,
            None => !present,
        }
    }

    /// Sets an entry in its place, or at the end when it is new; gives back what was there.
    pub(super) fn put(&mut self, revision: u64, key: &Blob, value: &Blob) -> Option<Blob> {
        let entry = Entry { value: value.clone(), changed_at: revision };
        match self.entries.get_mut(key) {
            Some(existing) => Some(std::mem::replace(existing, entry).value),
            None => {
                self.entries.insert(key.clone(), entry);
                None
            }
        }
    }

    /// Takes over what `theirs` changed after the fork and this map did not; the changes come as from
    /// [`super::difference`]: removals, insertions, updates.
    pub(super) fn merge(&mut self, revision: u64, theirs: &Self, meeting: &Meeting<'_>) -> Vec<Change> {
        let Meeting { fork, made, .. } = meeting;
        let gone = |key: &Blob, own: &Entry| fork.would_have(*made, own.changed_at) && theirs.get(key).is_none();
        let gone: Vec<Blob> = self.iter().filter(|(key, own)| gone(key, own)).map(|(key, _)| key.clone()).collect();
        let mut changes = self.remove_all(&gone).1;
        let moved = theirs.iter().filter(|(_, entry)| fork.is_new_to(*made, entry.changed_at));
        let untouched = |key: &Blob| self.entries.get(key).is_none_or(|own| fork.is_untouched(own.changed_at));
        let moved: Vec<_> =
            moved.filter(|(key, _)| untouched(key)).map(|(key, it)| (key.clone(), it.value.clone())).collect();
        changes.extend(self.set_all(revision, &moved).1);
        changes
    }

    fn set_all(&mut self, revision: u64, entries: &[(Blob, Blob)]) -> (Outcome, Vec<Change>) {
        let mut old_values = Vec::new();
        let mut inserted = Vec::new();
        let mut updated = Vec::new();
        for (index, (key, value)) in (0u32..).zip(entries) {
            match self.put(revision, key, value) {
                Some(old_value) => {
                    old_values.push((index, Some(old_value)));
                    updated.push(Change::Updated { key: key.clone(), value: value.clone() });
                }
                None => inserted.push(Change::Inserted { key: key.clone(), value: value.clone() }),
            }
        }
        inserted.append(&mut updated);
        (Outcome::Entries(old_values), inserted)
    }

    fn insert_all(&mut self, revision: u64, entries: &[(Blob, Blob)]) -> (Outcome, Vec<Change>) {
        let mut existing = Vec::new();
        let mut inserted = Vec::new();
        for (index, (key, value)) in (0u32..).zip(entries) {
            match self.entries.get(key) {
                Some(entry) => existing.push((index, Some(entry.value.clone()))),
                None => {
                    self.put(revision, key, value);
                    inserted.push(Change::Inserted { key: key.clone(), value: value.clone() });
                }
            }
        }
        (Outcome::Entries(existing), inserted)
    }

    pub(super) fn remove_all(&mut self, keys: &[Blob]) -> (Outcome, Vec<Change>) {
        let mut removed = Vec::new();
        let mut changes = Vec::new();
        for (index, key) in (0u32..).zip(keys) {
            if let Some(entry) = self.entries.remove(key) {
                removed.push((index, Some(entry.value)));
                changes.push(Change::Removed { key: key.clone() });
            }
        }
        (Outcome::Entries(removed), changes)
    }

    /// The caller compared the value that it had seen with the user's own equality; what it found is still true if
    /// nothing has touched the key since.
    fn compare(
        &mut self,
        revision: u64,
        key: &Blob,
        seen_revision: u64,
        present: bool,
        action: &CompareAction,
    ) -> (Outcome, Vec<Change>) {
        if !self.is_untouched(key, seen_revision, present) {
            return (Outcome::Conflict, Vec::new());
        }
        let changes = match action {
            CompareAction::Check => Vec::new(),
            CompareAction::Set(value) => match self.put(revision, key, value) {
                Some(_) => vec![Change::Updated { key: key.clone(), value: value.clone() }],
                None => vec![Change::Inserted { key: key.clone(), value: value.clone() }],
            },
            CompareAction::Remove => match self.entries.remove(key) {
                Some(_) => vec![Change::Removed { key: key.clone() }],
                None => Vec::new(),
            },
        };
        (Outcome::Done, changes)
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.entries.iter().eq(other.entries.iter())
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tail = usize::from(Mutation::SnapshotWithoutTail.is_planted());
        serializer.collect_seq(self.entries.iter().take(self.len().saturating_sub(tail)))
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<(Blob, Entry)>::deserialize(deserializer)?;
        Ok(Self { entries: entries.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blob(text: &str) -> Blob {
        Blob::from(text.as_bytes())
    }

    fn key() -> impl Strategy<Value = Blob> {
        (0u8..6).prop_map(|key| Blob::from([key].as_slice()))
    }

    fn value() -> impl Strategy<Value = Blob> {
        proptest::collection::vec(any::<u8>(), 0..3).prop_map(Blob::from)
    }

    fn operation() -> impl Strategy<Value = MapOperation> {
        let entries = || proptest::collection::vec((key(), value()), 0..4);
        prop_oneof![
            4 => entries().prop_map(MapOperation::SetAll),
            2 => entries().prop_map(MapOperation::InsertAll),
            2 => proptest::collection::vec(key(), 0..4).prop_map(MapOperation::RemoveAll),
            1 => Just(MapOperation::Clear),
        ]
    }

    /// JavaScript's `Map` in the plainest form: entries in insertion order.
    fn apply_to_model(model: &mut Vec<(Blob, Blob)>, operation: &MapOperation) -> Vec<(u32, Option<Blob>)> {
        let mut outcome = Vec::new();
        let position = |model: &Vec<(Blob, Blob)>, key: &Blob| model.iter().position(|(other, _)| other == key);
        match operation {
            MapOperation::SetAll(entries) | MapOperation::InsertAll(entries) => {
                for (index, (key, value)) in entries.iter().enumerate() {
                    match position(model, key) {
                        None => model.push((key.clone(), value.clone())),
                        Some(place) => {
                            outcome.push((index as u32, Some(model[place].1.clone())));
                            if matches!(operation, MapOperation::SetAll(_)) {
                                model[place].1 = value.clone();
                            }
                        }
                    }
                }
            }
            MapOperation::RemoveAll(keys) => {
                for (index, key) in keys.iter().enumerate() {
                    if let Some(place) = position(model, key) {
                        outcome.push((index as u32, Some(model.remove(place).1)));
                    }
                }
            }
            MapOperation::Clear => model.clear(),
            MapOperation::Compare { .. } | MapOperation::CompareAll { .. } => {}
        }
        outcome
    }

    /// What a front that starts from `mirror` makes of the changes.
    fn mirror_changes(mirror: &mut Vec<(Blob, Blob)>, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Inserted { key, value } => {
                    assert!(!mirror.iter().any(|(other, _)| other == key));
                    mirror.push((key.clone(), value.clone()));
                }
                Change::Updated { key, value } => {
                    mirror.iter_mut().filter(|(other, _)| other == key).for_each(|entry| entry.1 = value.clone());
                }
                Change::Removed { key } => mirror.retain(|(other, _)| other != key),
                Change::Cleared => mirror.clear(),
            }
        }
    }

    fn entries(map: &Map) -> Vec<(Blob, Blob)> {
        map.iter().map(|(key, entry)| (key.clone(), entry.value.clone())).collect()
    }

    proptest! {
        #[test]
        fn behaves_like_an_ordered_map_and_tells_all_its_changes(
            operations in proptest::collection::vec(operation(), 0..30),
        ) {
            let (mut map, mut model, mut mirror) = (Map::default(), Vec::new(), Vec::new());
            for (revision, operation) in (1..).zip(&operations) {
                let (outcome, changes) = map.apply(revision, operation);
                let expected = apply_to_model(&mut model, operation);
                mirror_changes(&mut mirror, &changes);
                prop_assert_eq!(&entries(&map), &model);
                prop_assert_eq!(&mirror, &model);
                match outcome {
                    Outcome::Entries(entries) => prop_assert_eq!(entries, expected),
                    outcome => prop_assert_eq!(outcome, Outcome::Done),
                }
            }
        }
    }

    #[test]
    fn a_comparison_holds_until_its_key_changes() {
        let mut map = Map::default();
        let compare =
            |seen_revision, present, action| MapOperation::Compare { key: blob("k"), seen_revision, present, action };
        map.apply(1, &MapOperation::SetAll(vec![(blob("k"), blob("1")), (blob("other"), blob("1"))]));
        map.apply(2, &MapOperation::SetAll(vec![(blob("other"), blob("2"))]));
        assert_eq!(map.apply(3, &compare(1, true, CompareAction::Check)).0, Outcome::Done);
        assert_eq!(map.apply(4, &compare(1, true, CompareAction::Set(blob("2")))).0, Outcome::Done);
        assert_eq!(map.apply(5, &compare(3, true, CompareAction::Set(blob("3")))).0, Outcome::Conflict);
        assert_eq!(map.apply(6, &compare(6, false, CompareAction::Check)).0, Outcome::Conflict, "it is there now");
        assert_eq!(map.apply(7, &compare(4, true, CompareAction::Remove)).0, Outcome::Done);
        assert_eq!(map.apply(8, &compare(6, true, CompareAction::Remove)).0, Outcome::Conflict, "it is gone");
        assert_eq!(map.apply(9, &compare(0, false, CompareAction::Check)).0, Outcome::Done, "absent then and now");
        assert_eq!(map.len(), 1);
    }

    #[test]
    fn entries_are_set_together_or_not_at_all() {
        let mut map = Map::default();
        let compare = |seen_revision, expected: &[(&str, bool)], entries: &[(&str, &str)]| MapOperation::CompareAll {
            seen_revision,
            expected: expected.iter().map(|(key, present)| (blob(key), *present)).collect(),
            entries: entries.iter().map(|(key, value)| (blob(key), blob(value))).collect(),
        };
        map.apply(1, &MapOperation::SetAll(vec![(blob("a"), blob("1")), (blob("b"), blob("1"))]));
        let both = [("a", true), ("b", true)];
        let (outcome, changes) = map.apply(2, &compare(1, &both, &[("b", "2"), ("c", "1")]));
        assert_eq!(outcome, Outcome::Done);
        assert!(matches!(&changes[..], [Change::Inserted { .. }, Change::Updated { .. }]), "{changes:?}");
        assert_eq!(map.apply(3, &compare(1, &both, &[("a", "3"), ("d", "1")])), (Outcome::Conflict, Vec::new()));
        assert_eq!(map.apply(4, &compare(2, &[("a", true), ("d", false)], &[])), (Outcome::Done, Vec::new()));
        assert_eq!(map.apply(5, &compare(2, &[("c", false)], &[])).0, Outcome::Conflict, "it is there now");
        assert_eq!(map.len(), 3);
    }
}
