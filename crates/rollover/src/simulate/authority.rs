//! The authority of a simulation: it takes so many requests in each tick, or none, and answers at once.

use super::{Simulation, TICK, share};
use crate::{Span, Time};

/// What is left of its rate.
#[derive(Debug)]
pub(super) struct Authority<'a> {
    outages: &'a [(Time, Span)],
    rate_per_hour: i64,
    /// Requests times seconds of an hour, so that nothing is lost by rounding.
    credit: i64,
}

const HOUR: i64 = 3_600;

impl<'a> Authority<'a> {
    /// That of the `half`-th of `halves`.
    pub(super) fn new(setup: &'a Simulation, half: u32, halves: u32) -> Self {
        let rate = share(setup.rate_per_hour, half, halves);
        Self { outages: &setup.outages, rate_per_hour: i64::from(rate), credit: 0 }
    }

    /// A tick begins at `now`. What was not asked in the last one is gone: no hour has more requests than the rate
    /// says.
    pub(super) fn tick(&mut self, now: Time) {
        let out = self.outages.iter().any(|&(from, span)| from <= now && now < from + span);
        self.credit = if out { 0 } else { self.credit % HOUR + self.rate_per_hour * TICK.as_seconds() };
    }

    /// How many requests it still takes in this tick.
    pub(super) fn left(&self) -> i64 {
        self.credit / HOUR
    }

    /// It was asked.
    pub(super) fn ask(&mut self) {
        self.credit -= HOUR;
    }
}
