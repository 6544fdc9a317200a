//! From messages to bytes that are nearly messages.

/// Makes the same inputs of the same corpus whenever it begins with the same seed.
pub struct Mutator {
    state: u64,
}

const MAX_STEPS: usize = 4;
/// Around what bincode and our own formats take for a step in size.
const NUMBERS: [u64; 14] =
    [0, 1, 2, 250, 255, 256, 4_096, 65_535, 1 << 20, 1 << 30, u32::MAX as u64, 1 << 40, i64::MAX as u64, u64::MAX];
/// An input that claims much may be long itself.
const SIZES: [usize; 4] = [300, 4_097, 65_537, 262_145];

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.random() % end.max(1) as u64) as usize
    }

    fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = self.choose(corpus).clone();
        for _ in 0..=self.below(MAX_STEPS) {
            self.step(&mut bytes, corpus);
        }
        // Rarely, because it takes long.
        if self.below(256) == 0 {
            let size = *self.choose(&SIZES);
            bytes.resize(bytes.len().max(size), 0);
        }
        bytes
    }

    fn step(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let position = self.below(bytes.len());
        let number = *self.choose(&NUMBERS);
        match self.below(8) {
            0 if !bytes.is_empty() => bytes[position] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[position] = self.random() as u8,
            2 => bytes.truncate(position),
            3 => drop(bytes.drain(position..position + self.below(bytes.len() - position))),
            // The start of this and the end of another, or the same.
            4 => {
                let other = self.choose(corpus);
                bytes.truncate(position);
                bytes.extend_from_slice(&other[self.below(other.len())..]);
            }
            // A small number becomes another one, as bincode encodes it…
            5 => drop(bytes.splice(position..(position + 1).min(bytes.len()), varint(number))),
            // …or as lengths and handles are in packed calls and payloads.
            6 if bytes.len() - position >= 4 => {
                bytes[position..position + 4].copy_from_slice(&(number as u32).to_le_bytes());
            }
            _ => bytes.insert(position, self.random() as u8),
        }
    }
}

fn varint(number: u64) -> Vec<u8> {
    let bytes = number.to_le_bytes();
    match number {
        0..=250 => vec![number as u8],
        251..=0xffff => [&[251], &bytes[..2]].concat(),
        0x1_0000..=0xffff_ffff => [&[252], &bytes[..4]].concat(),
        _ => [&[253], &bytes[..]].concat(),
    }
}
