//! What goes wrong, and when: a schedule that the seed draws. Whom it hits is decided when it happens.

use crate::network::Conditions;
use crate::random::Rng;
use crate::store::Trouble;

/// What kind of bad times a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Calm,
    Lossy,
    Partitions,
    Crashes,
    /// Peers come and go.
    Churn,
    /// All processes are replaced, one after the other.
    Rolling,
    /// Event loops are busy, and processes stopped.
    Blocked,
    Store,
    Everything,
}

impl Profile {
    pub const ALL: [Self; 9] = [
        Self::Calm,
        Self::Lossy,
        Self::Partitions,
        Self::Crashes,
        Self::Churn,
        Self::Rolling,
        Self::Blocked,
        Self::Store,
        Self::Everything,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Lossy => "lossy",
            Self::Partitions => "partitions",
            Self::Crashes => "crashes",
            Self::Churn => "churn",
            Self::Rolling => "rolling",
            Self::Blocked => "blocked",
            Self::Store => "store",
            Self::Everything => "everything",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    pub fn drawn(rng: &mut Rng) -> Self {
        *rng.pick(&Self::ALL)
    }

    fn faults(self) -> &'static [Kind] {
        use Kind::{Block, Close, Crash, Cut, Join, Leave, Replace, Stop, Trouble, Weather};
        match self {
            Self::Calm => &[],
            Self::Lossy => &[Weather],
            Self::Partitions => &[Cut, Cut, Cut, Weather],
            Self::Crashes => &[Crash],
            Self::Churn => &[Join, Leave, Close, Leave, Close],
            Self::Rolling => &[Replace],
            Self::Blocked => &[Block, Stop],
            Self::Store => &[Trouble, Trouble, Crash, Stop],
            Self::Everything => &[Weather, Weather, Cut, Cut, Crash, Stop, Block, Leave, Close, Join, Trouble, Replace],
        }
    }
}

enum Kind {
    Weather,
    Cut,
    Crash,
    Stop,
    Block,
    Leave,
    Close,
    Join,
    Replace,
    Trouble,
}

/// Whom a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Leader,
    Anybody,
}

/// Whether, and as what, a process that is gone comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    Never,
    SamePeer(u64),
    OtherPeer(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutKind {
    Group,
    Leader,
    OneWay,
    Ring,
    Deaf,
    Mute,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    Weather(Conditions, u64),
    Cut(CutKind, u64),
    Crash(Target, Return),
    Stop(Target, u64),
    Block(Target, u64),
    Leave(Target, Return),
    Close(Target, Return),
    Join,
    /// A new process comes, and one of the oldest goes; `true`: by leaving first.
    Replace(bool),
    Trouble(Trouble, u64),
}

/// The faults of a run with the times at which they happen.
pub fn schedule(profile: Profile, from_ms: u64, until_ms: u64, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let kinds = profile.faults();
    let mut faults = Vec::new();
    let mut at_ms = from_ms;
    let pace_ms = rng.between(600, 2_500);
    while !kinds.is_empty() && at_ms < until_ms {
        faults.push((at_ms, draw(rng.pick(kinds), rng)));
        at_ms += rng.between(50, 2 * pace_ms);
    }
    faults
}

fn draw(kind: &Kind, rng: &mut Rng) -> Fault {
    let target = if rng.chance(450) { Target::Leader } else { Target::Anybody };
    let short_ms = rng.between(100, 2_500);
    let long_ms = rng.between(300, 6_000);
    let back_ms = rng.between(50, 3_000);
    let back = match rng.below(10) {
        0 => Return::Never,
        1..=6 => Return::SamePeer(back_ms),
        _ => Return::OtherPeer(back_ms),
    };
    match kind {
        Kind::Weather => Fault::Weather(weather(rng), long_ms),
        Kind::Cut => {
            let kinds = [CutKind::Group, CutKind::Leader, CutKind::OneWay, CutKind::Ring, CutKind::Deaf, CutKind::Mute];
            Fault::Cut(*rng.pick(&kinds), long_ms)
        }
        Kind::Crash => Fault::Crash(target, back),
        Kind::Stop => Fault::Stop(target, short_ms * 2),
        Kind::Block => Fault::Block(target, short_ms * 2),
        Kind::Leave => Fault::Leave(target, back),
        Kind::Close => Fault::Close(target, back),
        Kind::Join => Fault::Join,
        Kind::Replace => Fault::Replace(rng.chance(500)),
        Kind::Trouble => Fault::Trouble(trouble(rng), long_ms),
    }
}

fn weather(rng: &mut Rng) -> Conditions {
    let mut weather = Conditions::calm();
    if rng.chance(600) {
        weather.delay_ms = (rng.between(0, 5), rng.between(5, 80));
    }
    if rng.chance(600) {
        weather.loses = rng.between(10, 250);
    }
    if rng.chance(400) {
        weather.doubles = rng.between(10, 300);
    }
    if rng.chance(400) {
        weather.damages = rng.between(5, 100);
    }
    weather.reorders = rng.chance(500);
    if rng.chance(300) {
        weather.straggles_ms = rng.between(200, 3_000);
    }
    weather
}

fn trouble(rng: &mut Rng) -> Trouble {
    let mut trouble = Trouble::none();
    if rng.chance(500) {
        trouble.delay_ms = (1, rng.between(20, 400));
    }
    let chance = |rng: &mut Rng| if rng.chance(500) { rng.between(10, 120) } else { 0 };
    trouble.fails = chance(rng);
    trouble.hangs = chance(rng) / 8;
    trouble.fails_after = chance(rng);
    trouble.hangs_after = chance(rng) / 8;
    trouble
}
