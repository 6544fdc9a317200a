//! From one state to another in terms of events.
//!
//! When a snapshot takes the place of a log, or a peer comes back after an absence, users still hear of exactly what
//! changed: removals first, then insertions, then updates.

use super::effect::Change;
use super::map::Map;

/// What turned `old` into `new`.
#[derive(Debug, Default, PartialEq)]
pub struct MapDifference {
    pub changes: Vec<Change>,
    /// Whether applying the changes to `old` gives the entries of `new`, but in another order.
    pub reordered: bool,
}

pub fn between_maps(old: &Map, new: &Map) -> MapDifference {
    let mut changes = Vec::new();
    for (key, _) in old.iter().filter(|(key, _)| new.get(key).is_none()) {
        changes.push(Change::Removed { key: key.clone() });
    }
    let mut updates = Vec::new();
    for (key, entry) in new.iter() {
        match old.get(key) {
            None => changes.push(Change::Inserted { key: key.clone(), value: entry.value.clone() }),
            Some(former) if former.value != entry.value => {
                updates.push(Change::Updated { key: key.clone(), value: entry.value.clone() });
            }
            Some(_) => {}
        }
    }
    changes.append(&mut updates);
    let kept = old.iter().map(|(key, _)| key).filter(|key| new.get(key).is_some());
    let inserted = new.iter().map(|(key, _)| key).filter(|key| old.get(key).is_none());
    let reordered = !kept.chain(inserted).eq(new.iter().map(|(key, _)| key));
    MapDifference { changes, reordered }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::blob::Blob;
    use crate::wire::command::MapOperation;
    use proptest::prelude::*;

    fn map(entries: &[(u8, u8)]) -> Map {
        let mut map = Map::default();
        for (revision, (key, value)) in (1..).zip(entries) {
            let entry = (Blob::from([*key].as_slice()), Blob::from([*value].as_slice()));
            map.apply(revision, &MapOperation::SetAll(vec![entry]));
        }
        map
    }

    proptest! {
        #[test]
        fn applied_to_the_old_state_it_gives_the_new_one(
            old in proptest::collection::vec((0u8..6, 0u8..3), 0..8),
            new in proptest::collection::vec((0u8..6, 0u8..3), 0..8),
        ) {
            let (old, new) = (map(&old), map(&new));
            let difference = between_maps(&old, &new);
            let mut mirror: Vec<(Blob, Blob)> = old.iter().map(|(key, it)| (key.clone(), it.value.clone())).collect();
            for change in &difference.changes {
                match change {
                    Change::Removed { key } => mirror.retain(|(other, _)| other != key),
                    Change::Inserted { key, value } => mirror.push((key.clone(), value.clone())),
                    Change::Updated { key, value } => {
                        let entry = mirror.iter_mut().find(|(other, _)| other == key);
                        prop_assert!(entry.as_ref().is_some_and(|entry| entry.1 != *value));
                        entry.into_iter().for_each(|entry| entry.1 = value.clone());
                    }
                    Change::Cleared => mirror.clear(),
                }
            }
            let mut wanted: Vec<(Blob, Blob)> = new.iter().map(|(key, it)| (key.clone(), it.value.clone())).collect();
            prop_assert_eq!(difference.reordered, mirror != wanted);
            mirror.sort();
            wanted.sort();
            prop_assert_eq!(mirror, wanted);
        }
    }
}
