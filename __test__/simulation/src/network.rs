//! The application's transport: carries messages between peer ids, late, twice, damaged or not at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::random::Rng;

/// How the transport treats what nothing cuts.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditions {
    pub delay_ms: (u64, u64),
    /// Chances in a thousand.
    pub loses: u64,
    pub doubles: u64,
    pub damages: u64,
    /// Whether messages between two peers may overtake one another.
    pub reorders: bool,
    /// Now and then a message takes this much longer.
    pub straggles_ms: u64,
}

impl Conditions {
    pub fn calm() -> Self {
        Self { delay_ms: (0, 4), loses: 0, doubles: 0, damages: 0, reorders: false, straggles_ms: 0 }
    }
}

/// Who does not reach whom.
#[derive(Debug, Clone, PartialEq)]
pub enum Cut {
    /// These, and all others.
    Group(BTreeSet<String>),
    /// From the first to the second.
    OneWay(String, String),
    /// All but neighbours.
    Ring(Vec<String>),
    /// It hears nobody.
    Deaf(String),
    /// Nobody hears it.
    Mute(String),
}

impl Cut {
    fn stops(&self, from: &str, to: &str) -> bool {
        match self {
            Self::Group(group) => group.contains(from) != group.contains(to),
            Self::OneWay(source, destination) => source == from && destination == to,
            Self::Ring(ring) => {
                let place = |peer_id: &str| ring.iter().position(|it| it == peer_id);
                let (Some(a), Some(b)) = (place(from), place(to)) else { return false };
                let distance = a.abs_diff(b);
                distance > 1 && distance + 1 < ring.len()
            }
            Self::Deaf(peer_id) => peer_id == to,
            Self::Mute(peer_id) => peer_id == from,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Message {
    pub from: String,
    pub to: String,
    pub payload: Vec<u8>,
}

pub struct Network {
    rng: Rng,
    pub conditions: Conditions,
    cuts: BTreeMap<u64, Cut>,
    under_way: BTreeMap<(u64, u64), Message>,
    sent: u64,
    /// When the last message of a pair arrives, for as long as none overtakes another.
    last: BTreeMap<(String, String), u64>,
}

impl Network {
    pub fn new(rng: Rng) -> Self {
        Self {
            rng,
            conditions: Conditions::calm(),
            cuts: BTreeMap::new(),
            under_way: BTreeMap::new(),
            sent: 0,
            last: BTreeMap::new(),
        }
    }

    pub fn cut(&mut self, id: u64, cut: Cut) {
        self.cuts.insert(id, cut);
    }

    pub fn mend(&mut self, id: u64) {
        self.cuts.remove(&id);
    }

    /// Everything works from now on.
    pub fn heal(&mut self) {
        self.cuts.clear();
        self.conditions = Conditions::calm();
    }

    pub fn reaches(&self, from: &str, to: &str) -> bool {
        !self.cuts.values().any(|cut| cut.stops(from, to))
    }

    pub fn send(&mut self, now_ms: u64, message: Message) {
        if !self.reaches(&message.from, &message.to) || self.rng.chance(self.conditions.loses) {
            return;
        }
        let copies = if self.rng.chance(self.conditions.doubles) { 2 } else { 1 };
        for _ in 0..copies {
            let mut message = message.clone();
            if self.rng.chance(self.conditions.damages) {
                self.damage(&mut message.payload);
            }
            let (low, high) = self.conditions.delay_ms;
            let mut due_ms = now_ms + self.rng.between(low, high);
            if self.conditions.straggles_ms > 0 && self.rng.chance(20) {
                due_ms += self.rng.below(self.conditions.straggles_ms);
            }
            let last = self.last.entry((message.from.clone(), message.to.clone())).or_default();
            if !self.conditions.reorders {
                due_ms = due_ms.max(*last);
            }
            *last = due_ms.max(*last);
            self.sent += 1;
            self.under_way.insert((due_ms, self.sent), message);
        }
    }

    fn damage(&mut self, payload: &mut Vec<u8>) {
        if payload.is_empty() || self.rng.chance(300) {
            payload.truncate(self.rng.below(payload.len() as u64) as usize);
            return;
        }
        for _ in 0..self.rng.between(1, 4) {
            let place = self.rng.below(payload.len() as u64) as usize;
            payload[place] ^= self.rng.between(1, 255) as u8;
        }
    }

    /// What has arrived by now.
    pub fn arrived(&mut self, now_ms: u64) -> Vec<Message> {
        let mut arrived = Vec::new();
        while let Some(entry) = self.under_way.first_entry()
            && entry.key().0 <= now_ms
        {
            let message = entry.remove();
            if self.reaches(&message.from, &message.to) {
                arrived.push(message);
            }
        }
        arrived
    }

    pub fn sent(&self) -> u64 {
        self.sent
    }
}
