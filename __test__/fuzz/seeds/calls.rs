//! What the facade packs: operations, events of emitters, and what came of remote operations.

use super::Seeds;

/// Little-endian numbers and bytes, as `facade/node/` packs them.
#[derive(Default)]
struct Packer(Vec<u8>);

impl Packer {
    fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    fn int(mut self, int: u32) -> Self {
        self.0.extend_from_slice(&int.to_le_bytes());
        self
    }

    fn number(mut self, number: f64) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn text(self, text: &str) -> Self {
        let mut packer = self.int(text.len() as u32);
        packer.0.extend_from_slice(text.as_bytes());
        packer
    }

    /// A list of texts or, with two for each item, of entries.
    fn list(self, count: u32, texts: &[&str]) -> Self {
        texts.iter().fold(self.int(count), |packer, text| packer.text(text))
    }

    fn operation(self, opcode: u8, token: u32, handle: u32) -> Self {
        self.byte(opcode).int(token).int(handle)
    }
}

// Handles of the collections in `fuzz/src/samples.rs`.
const MAP: u32 = 1;
const REMOTE: u32 = 2;
const RECORD: u32 = 3;
const QUEUE: u32 = 4;
const EMITTER: u32 = 5;

pub fn calls() -> Seeds {
    let seeds = [
        ("entries", entries()),
        ("compare", comparisons()),
        ("queue", queue()),
        ("remote", remote()),
        ("deliveries", deliveries()),
        ("replies", replies()),
    ];
    seeds.into_iter().map(|(name, Packer(bytes))| (name.to_owned(), bytes)).collect()
}

fn entries() -> Packer {
    let entries = ["key", "value", "other", ""];
    [MAP, RECORD, EMITTER].into_iter().fold(Packer::default(), |packer, handle| {
        let packer = packer.operation(1, 1, handle).list(2, &entries).operation(2, 2, handle).list(2, &entries);
        packer.operation(3, 3, handle).list(2, &["key", "absent"]).operation(4, 4, handle)
    })
}

fn comparisons() -> Packer {
    (0..3).fold(Packer::default(), |packer, action| {
        let packer = packer.operation(5, 1, MAP).text("key").number(300.0).byte(1).byte(action).text("value");
        let packer = packer.operation(8, 2, RECORD).number(70_000.0).int(2).text("key").byte(1).text("absent").byte(0);
        packer.list(1, &["key", "value"])
    })
}

fn queue() -> Packer {
    let packer = Packer::default().operation(9, 1, QUEUE).list(2, &["first", "second"]);
    packer.operation(10, 2, QUEUE).operation(4, 3, QUEUE)
}

fn remote() -> Packer {
    let packer = (1..=10).fold(Packer::default(), |packer, method| {
        packer.operation(6, 1, REMOTE).byte(method).list(1, &["key"]).list(1, &["value"])
    });
    packer.operation(7, 2, 0).text("a message to everybody").operation(11, 3, REMOTE)
}

fn deliveries() -> Packer {
    let packer = Packer::default().byte(1).int(9).int(EMITTER).text("event").text("[1]").list(2, &["b", "c"]);
    packer.byte(1).int(0).int(EMITTER).text("event").text("[2]").list(0, &[]).byte(2).int(1).byte(1)
}

fn replies() -> Packer {
    let packer = Packer::default().int(REMOTE).number(7.0).byte(0).number(0.0).text("CODE").text("text");
    let packer = packer.int(REMOTE).number(7.0).byte(1).number(1.0).int(2).int(0).byte(1).text("old").int(1).byte(0);
    let packer = packer.int(4).byte(1).text("key").text("value").byte(2).text("key").text("value").text("new");
    let packer = packer.byte(3).text("key").text("new").byte(4);
    let packer = packer.int(REMOTE).number(7.0).byte(2).text("the claim").number(3.0);
    packer.int(REMOTE).number(7.0).byte(3).number(3.0)
}
