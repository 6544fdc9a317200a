//! Bugs that are planted on purpose, to see that the simulation finds them.
//!
//! Without the feature `mutations` nothing of this is compiled in. A simulated grid lives on one thread, so what is
//! planted there stays there.

/// One bug. What each breaks is said here; where, a search for its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// A peer that is started again is the same Raft node, without its memory.
    ReusedNodeId,
    /// A vote is granted to a candidate whose log lacks entries.
    VoteWithoutLogCheck,
    /// A follower takes an entry for committed as soon as it has it.
    CommitWithoutMajority,
    /// A request that is sent again applies again.
    AppliedTwice,
    /// A request applies although one before it is missing: neither the leader nor the state machine looks.
    AppliedOutOfOrder,
    /// Peers do not agree on what an insert does to a key that exists.
    PeersDisagree,
    /// A snapshot lacks the last entry of each map.
    SnapshotWithoutTail,
    /// `pop` leaves the item where it is.
    PopWithoutRemoval,
    /// Some answers never reach their callers.
    AnswerLost,
    /// The mark of the last remote operation of a batch is skipped.
    MarkSkipped,
    /// A leader executes remote operations before it has confirmed its lead.
    OfficeWithoutQuorum,
    /// A leader goes on executing when its lease is over.
    OfficeWithoutLease,
    /// A new leader does not say that an operation may have been started before.
    AttemptForgotten,
    /// A barrier asks nobody.
    BarrierWithoutLeader,
    /// An event that is sent again is heard again.
    EventHeardTwice,
    /// A minority goes on by itself.
    ReformOnBothSides,
    /// A reform drops the end of the log that is not known to be committed.
    ReformWithoutTail,
    /// Two grids become one, and the loser's queue items are left out.
    MergeWithoutItems,
    /// What a transport has damaged is taken for sound.
    ChecksumIgnored,
    /// Members that are silent for good are never removed.
    SilentMembersStay,
}

impl Mutation {
    pub const ALL: [Self; 20] = [
        Self::ReusedNodeId,
        Self::VoteWithoutLogCheck,
        Self::CommitWithoutMajority,
        Self::AppliedTwice,
        Self::AppliedOutOfOrder,
        Self::PeersDisagree,
        Self::SnapshotWithoutTail,
        Self::PopWithoutRemoval,
        Self::AnswerLost,
        Self::MarkSkipped,
        Self::OfficeWithoutQuorum,
        Self::OfficeWithoutLease,
        Self::AttemptForgotten,
        Self::BarrierWithoutLeader,
        Self::EventHeardTwice,
        Self::ReformOnBothSides,
        Self::ReformWithoutTail,
        Self::MergeWithoutItems,
        Self::ChecksumIgnored,
        Self::SilentMembersStay,
    ];

    /// Whether this bug is planted on the present thread.
    #[cfg(feature = "mutations")]
    pub fn is_planted(self) -> bool {
        PLANTED.get() == Some(self)
    }

    #[cfg(not(feature = "mutations"))]
    pub const fn is_planted(self) -> bool {
        false
    }
}

#[cfg(feature = "mutations")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Mutation>> = const { std::cell::Cell::new(None) };
}

/// Plants a bug on the present thread, instead of the one before.
#[cfg(feature = "mutations")]
pub fn plant(mutation: Option<Mutation>) {
    PLANTED.set(mutation);
}
