//! What happens in a run, line by line: summed up in a number always, kept or printed on demand.

use std::collections::VecDeque;
use std::fmt::{self, Write};

/// How many lines a failure shows.
const KEPT_LINES: usize = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Only the sum.
    Sum,
    /// The last lines.
    Tail,
    /// Every line on stdout.
    Print,
}

pub struct Trace {
    detail: Detail,
    sum: Fnv,
    lines: VecDeque<String>,
}

/// FNV-1a.
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

impl Trace {
    pub fn new(detail: Detail) -> Self {
        Self { detail, sum: Fnv(0xcbf2_9ce4_8422_2325), lines: VecDeque::new() }
    }

    pub fn line(&mut self, now_ms: u64, who: &str, what: fmt::Arguments<'_>) {
        let _ = writeln!(self.sum, "{now_ms} {who} {what}");
        match self.detail {
            Detail::Sum => {}
            Detail::Tail => {
                if self.lines.len() == KEPT_LINES {
                    self.lines.pop_front();
                }
                self.lines.push_back(format!("{now_ms:>6} {who:<6} {what}"));
            }
            Detail::Print => println!("{now_ms:>6} {who:<6} {what}"),
        }
    }

    /// Two runs with the same sum did the same.
    pub fn sum(&self) -> u64 {
        self.sum.0
    }

    pub fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }
}
