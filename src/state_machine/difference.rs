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
