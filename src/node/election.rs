//! When a follower stands for election.
//!
//! openraft's own election clock waits for a lease and then for a random time of the same order. This one stands as
//! soon as the lease is over plus a short random time, and never while the peer's own event loop is stalled: then the
//! silence is its own, not the leader's. Pre-vote makes standing harmless: nobody's term changes unless a majority
//! would vote for the candidate.

/// Spreads candidates, so that mostly one stands first.
const STAGGER_MS: u64 = 120;
/// Between two attempts of one peer, plus up to as much again.
const RETRY_MS: u64 = 250;
/// The event loop counts as stalled when it has not been heard for this many heartbeats, at least [`SHORTEST_STALL_MS`].
const STALL_HEARTBEATS: u64 = 4;
const SHORTEST_STALL_MS: u64 = 250;

#[derive(Debug)]
pub struct ElectionClock {
    lease_ms: u64,
    stall_ms: u64,
    leader_heard_at_ms: u64,
    /// When it was last heard again after it had been missed.
    leader_back_at_ms: u64,
    leader_lost_until_ms: u64,
    loop_alive_at_ms: u64,
    stalled_until_ms: u64,
    next_attempt_at_ms: u64,
}

impl ElectionClock {
    pub fn new(lease_ms: u64, heartbeat_ms: u64, now_ms: u64) -> Self {
        Self {
            lease_ms,
            stall_ms: (heartbeat_ms * STALL_HEARTBEATS).max(SHORTEST_STALL_MS),
            leader_heard_at_ms: now_ms,
            leader_back_at_ms: 0,
            leader_lost_until_ms: 0,
            loop_alive_at_ms: now_ms,
            stalled_until_ms: 0,
            next_attempt_at_ms: 0,
        }
    }

    pub fn leader_heard(&mut self, now_ms: u64) {
        if self.silence_ms(now_ms) > self.lease_ms {
            self.leader_back_at_ms = now_ms;
        }
        self.leader_heard_at_ms = now_ms;
        self.next_attempt_at_ms = 0;
    }

    /// The leader says that it has been out of touch since then; it says so again while it is. One that is just back
    /// has said it before it could hear that it is heard again.
    pub fn leader_lost(&mut self, since_ms: u64, now_ms: u64) {
        if self.leader_back_at_ms > 0 && now_ms.saturating_sub(self.leader_back_at_ms) < self.stall_ms {
            return;
        }
        self.leader_heard_at_ms = self.leader_heard_at_ms.min(since_ms);
        self.leader_lost_until_ms = now_ms + self.stall_ms;
    }

    pub fn is_leader_lost(&self, now_ms: u64) -> bool {
        now_ms < self.leader_lost_until_ms
    }

    /// The event loop has called.
    pub fn loop_alive(&mut self, now_ms: u64) {
        // Not while it recovers from that: it would never end.
        if now_ms.saturating_sub(self.loop_alive_at_ms) > self.stall_ms {
            // What arrived meanwhile is handed over first.
            self.stalled_until_ms = now_ms + self.stall_ms;
        }
        self.loop_alive_at_ms = now_ms;
    }

    pub fn is_loop_stalled(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.loop_alive_at_ms) > self.stall_ms || now_ms < self.stalled_until_ms
    }

    /// How long the leader has been silent.
    pub fn silence_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.leader_heard_at_ms)
    }

    /// Whether to stand now; asked often. `random` is uniform. A peer that should lead only if nobody else can is
    /// `reluctant`.
    pub fn should_stand(&mut self, now_ms: u64, random: u64, reluctant: bool) -> bool {
        let patience_ms = if reluctant { 2 * self.lease_ms } else { self.lease_ms };
        if self.silence_ms(now_ms) <= patience_ms || self.is_loop_stalled(now_ms) {
            self.next_attempt_at_ms = 0;
            return false;
        }
        if self.next_attempt_at_ms == 0 {
            self.next_attempt_at_ms = now_ms + random % STAGGER_MS.min(self.lease_ms);
        }
        if now_ms < self.next_attempt_at_ms {
            return false;
        }
        self.next_attempt_at_ms = now_ms + RETRY_MS + random % RETRY_MS;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_soon_after_the_lease_of_a_silent_leader() {
        let mut clock = ElectionClock::new(1_000, 100, 0);
        let mut stood_at_ms = Vec::new();
        for now_ms in (0..3_000).step_by(20) {
            clock.loop_alive(now_ms);
            if clock.should_stand(now_ms, 77, false) {
                stood_at_ms.push(now_ms);
            }
        }
        assert!((1_000..=1_140).contains(&stood_at_ms[0]), "{stood_at_ms:?}");
        assert!(stood_at_ms.windows(2).all(|pair| pair[1] - pair[0] >= RETRY_MS));
    }

    #[test]
    fn does_not_stand_while_its_own_event_loop_is_stalled_or_has_just_come_back() {
        let mut clock = ElectionClock::new(1_000, 100, 0);
        for now_ms in (0..5_000).step_by(20) {
            assert!(!clock.should_stand(now_ms, 0, false) || now_ms < 400);
        }
        clock.loop_alive(5_000);
        assert!(!clock.should_stand(5_100, 0, false));
        clock.leader_heard(5_100);
        assert!(!clock.should_stand(5_900, 0, false));
    }

    #[test]
    fn a_leader_that_is_just_back_is_not_lost_by_what_it_says_of_the_time_before() {
        let mut clock = ElectionClock::new(1_000, 100, 0);
        clock.leader_heard(3_000);
        clock.leader_lost(0, 3_100);
        assert_eq!(clock.silence_ms(3_100), 100);
        assert!(!clock.is_leader_lost(3_100));
        // It says so again, and means it.
        clock.leader_lost(0, 3_500);
        assert_eq!(clock.silence_ms(3_500), 3_500);
        assert!(clock.is_leader_lost(3_500));
    }

    #[test]
    fn an_event_loop_that_has_come_back_is_no_longer_stalled_soon_after() {
        let mut clock = ElectionClock::new(1_000, 100, 0);
        let mut stood_at_ms = Vec::new();
        for now_ms in (5_000..8_000).step_by(20) {
            if now_ms % 100 == 0 {
                clock.loop_alive(now_ms);
            }
            if clock.should_stand(now_ms, 77, false) {
                stood_at_ms.push(now_ms);
            }
        }
        assert!(stood_at_ms.first().is_some_and(|at_ms| (5_400..5_600).contains(at_ms)), "{stood_at_ms:?}");
    }
}
