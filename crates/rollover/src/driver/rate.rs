//! An authority's rate and outages: a bucket of permits, and one circuit breaker for all subjects.

use crate::{Span, Time, port::AuthorityState};

/// In how many parts of an hour the bucket's depth is used up: requests may bunch up within a minute.
const PARTS: u32 = 60;
const HOUR: i64 = 3_600;
/// However long an authority wants to be left alone, once a day it is asked.
const LONGEST_BREAK: Span = Span::days(1);

/// How many requests an authority takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// How many permits the bucket holds.
    depth: u32,
    /// How many flow into it an hour.
    flow: u32,
}

impl Rate {
    /// In no hour more than `per_hour`: what may lie in the bucket when the hour begins is taken off the flow.
    pub(super) fn new(per_hour: u32) -> Self {
        let depth = (per_hour / PARTS).max(1);
        Self { depth, flow: (per_hour + 1).saturating_sub(depth).min(per_hour) }
    }

    /// Lets flow in what is due at `now`. A clock that lags behind lets nothing in; but what was written down while a
    /// clock was ahead by more than a day holds up nobody until that day comes.
    pub(super) fn fill(self, state: &mut AuthorityState, now: Time) {
        state.ask_from = at_most(state.ask_from, now);
        if state.filled_at > now + LONGEST_BREAK {
            state.filled_at = now;
        }
        if now <= state.filled_at {
            return;
        }
        let flow = i64::from(self.flow);
        let new = (now - state.filled_at).as_seconds().saturating_mul(flow) / HOUR;
        let permits = u32::try_from(new).unwrap_or(u32::MAX).saturating_add(state.permits);
        if permits >= self.depth {
            state.permits = self.depth;
            state.filled_at = now;
        } else if new > 0 {
            state.permits = permits;
            state.filled_at = (state.filled_at + self.time_of(new)).min(now);
        }
    }

    /// Takes a permit, if there is one.
    pub(super) fn take(self, state: &mut AuthorityState, now: Time) -> bool {
        self.fill(state, now);
        let taken = state.permits > 0 && state.ask_from <= now;
        if taken {
            state.permits -= 1;
        }
        taken
    }

    /// When there is a permit again.
    pub(super) fn next(self, state: &AuthorityState, now: Time) -> Time {
        let permit = if self.flow == 0 { Time::NEVER } else { state.filled_at + self.time_of(1) };
        permit.max(state.ask_from).max(now + Span::seconds(1))
    }

    /// How many of those that wait for the authority are worth looking at, out of `batch`.
    pub(super) fn open(state: &AuthorityState, now: Time, batch: u32) -> u32 {
        match state.failures {
            _ if state.ask_from > now => 0,
            0 => state.permits,
            // The first one finds out for all whether the authority is back. The others ring their alarms.
            _ => batch,
        }
    }

    /// How long `permits` take to flow in, rounded up.
    fn time_of(self, permits: i64) -> Span {
        let flow = i64::from(self.flow.max(1));
        Span::seconds((permits.saturating_mul(HOUR) + flow - 1) / flow)
    }
}

/// Asking failed at `now`: not before `until` again, for nobody.
pub(super) fn failed(state: &mut AuthorityState, now: Time, until: Time) {
    state.failures = state.failures.saturating_add(1);
    state.ask_from = state.ask_from.max(at_most(until, now));
}

/// `at`, or the end of the longest time that an authority is left alone.
pub(super) fn at_most(at: Time, now: Time) -> Time {
    at.min(now + LONGEST_BREAK)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// I9: whoever asks whenever he may, in no hour more than the rate are asked.
        #[test]
        fn no_hour_sees_more_than_the_rate(
            per_hour in prop_oneof![1..8_u32, 8..200_u32, 3_000..9_000_u32],
            pauses in prop::collection::vec(prop_oneof![Just(1_i64), 1..120_i64, 1..8_000_i64], 1..200),
        ) {
            let rate = Rate::new(per_hour);
            let mut now = Time::from_unix(0);
            let mut state = AuthorityState::new(now);
            let mut asked = Vec::new();
            for pause in pauses {
                now = now + Span::seconds(pause);
                while rate.take(&mut state, now) {
                    asked.push(now);
                }
            }
            for (index, &from) in asked.iter().enumerate() {
                let within = asked[index..].partition_point(|&at| at < from + Span::hours(1));
                prop_assert!(within <= usize::try_from(per_hour).unwrap(), "{within} of {per_hour}");
            }
        }
    }

    /// Otherwise replacing a set takes longer than was said.
    #[test]
    fn nearly_all_of_the_rate_can_be_used() {
        for (per_hour, least) in [(1, 1), (20, 19), (2_000, 1_900), (12_000, 11_700)] {
            let rate = Rate::new(per_hour);
            let mut state = AuthorityState::new(Time::from_unix(0));
            let asked: u32 = (0..36_000)
                .step_by(15)
                .map(|second| {
                    let now = Time::from_unix(second);
                    std::iter::repeat_with(|| rate.take(&mut state, now))
                        .take_while(|&taken| taken)
                        .map(|_| 1)
                        .sum::<u32>()
                })
                .sum();
            assert!(asked >= least * 10 - 1, "{asked} in ten hours at {per_hour}");
        }
    }

    /// A clock may be ahead for a moment, and be put right again.
    #[test]
    fn what_was_written_by_a_clock_that_was_ahead_holds_up_nobody() {
        let (rate, now) = (Rate::new(3_600), Time::from_unix(0));
        let mut state = AuthorityState::new(now);
        let ahead = now + Span::days(29);
        assert!(rate.take(&mut state, ahead));
        failed(&mut state, ahead, ahead + Span::hours(6));
        // At first the rate is kept, as if it were the clock that lags behind.
        state.permits = 0;
        assert!(!rate.take(&mut state, now));
        assert!(rate.take(&mut state, now + Span::days(1)));
    }

    #[test]
    fn an_authority_that_takes_nothing_is_never_asked() {
        let rate = Rate::new(0);
        let mut state = AuthorityState::new(Time::from_unix(0));
        assert!(!rate.take(&mut state, Time::from_unix(i64::MAX / 10_000)));
        assert_eq!(rate.next(&state, Time::from_unix(5)), Time::NEVER);
    }
}
