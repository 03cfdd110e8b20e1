//! Whether a set can be replaced in time: said before anything is started.

use std::fmt;

use serde::Serialize;

use crate::{Span, Time, simulate::grouped};

const HOUR: i64 = 3_600;

/// What must be replaced, how fast it goes, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Feasibility {
    /// How many certificates are to be replaced.
    pub selected: u64,
    /// From when on.
    pub now: Time,
    /// The deadline.
    pub before: Time,
    /// How many requests the authority takes an hour.
    pub rate_per_hour: u32,
    /// How many keys are made an hour.
    pub keys_per_hour: u32,
    /// What follows.
    pub verdict: Verdict,
}

/// Whether it can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// It can.
    Feasible {
        /// When the last one is replaced.
        ends_at: Time,
        /// How long before the deadline that is, in seconds.
        spare: Span,
    },
    /// It can't.
    Infeasible {
        /// How many are replaced in time nevertheless: those with the earliest ends.
        in_time: u64,
        /// How many an hour it would take. 0 if no time is left.
        needed_per_hour: u64,
        /// When the last one would be replaced; never if nothing moves.
        ends_at: Time,
        /// What is too slow.
        bottleneck: Bottleneck,
    },
}

/// What limits how many are replaced an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Bottleneck {
    /// The authority takes no more.
    Authority,
    /// No more keys are made.
    Keys,
}

impl Feasibility {
    /// Of replacing `selected` certificates between the two times, `now` and the deadline, with an authority that
    /// takes `rate_per_hour` requests and a workshop that makes `keys_per_hour` keys. Keys are made while others are
    /// already asked for, so the slower one counts.
    #[must_use]
    pub fn new(selected: u64, (now, before): (Time, Time), rate_per_hour: u32, keys_per_hour: u32) -> Self {
        let rate = rate_per_hour.min(keys_per_hour);
        let left = (before - now).as_seconds().max(0);
        let takes = takes(selected, rate);
        let verdict = if takes.is_some_and(|takes| takes.as_seconds() <= left) {
            let ends_at = now + takes.unwrap_or_default();
            Verdict::Feasible { ends_at, spare: before - ends_at }
        } else {
            let bottleneck = if keys_per_hour < rate_per_hour { Bottleneck::Keys } else { Bottleneck::Authority };
            Verdict::Infeasible {
                in_time: in_time(left, rate).min(selected),
                needed_per_hour: needed(selected, left),
                ends_at: takes.map_or(Time::NEVER, |takes| now + takes),
                bottleneck,
            }
        };
        Self { selected, now, before, rate_per_hour, keys_per_hour, verdict }
    }

    /// Whether it can be done.
    #[must_use]
    pub const fn is_feasible(&self) -> bool {
        matches!(self.verdict, Verdict::Feasible { .. })
    }
}

/// How long so many take at so many an hour.
fn takes(selected: u64, rate: u32) -> Option<Span> {
    let seconds = (u128::from(selected) * 3_600).checked_add(u128::from(rate))?.checked_sub(1);
    let seconds = seconds?.checked_div(u128::from(rate))?;
    Some(Span::seconds(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// How many are done in so many seconds.
fn in_time(seconds: i64, rate: u32) -> u64 {
    let done = i128::from(seconds) * i128::from(rate) / i128::from(HOUR);
    u64::try_from(done).unwrap_or(u64::MAX)
}

/// How many an hour it takes to do them in so many seconds.
fn needed(selected: u64, seconds: i64) -> u64 {
    let seconds = u128::try_from(seconds).unwrap_or(0);
    let needed = (u128::from(selected) * 3_600).checked_div(seconds).unwrap_or(0);
    let rounded = needed + u128::from(seconds > 0 && !(u128::from(selected) * 3_600).is_multiple_of(seconds));
    u64::try_from(rounded).unwrap_or(u64::MAX)
}

/// The arithmetic in two sentences.
impl fmt::Display for Feasibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { selected, now, before, rate_per_hour, keys_per_hour, verdict } = *self;
        let (selected, rate) = (grouped(selected), rate_per_hour.min(keys_per_hour));
        let slower = if keys_per_hour < rate_per_hour { "keys are made" } else { "requests are taken" };
        let pace = format!("{} {slower} an hour", grouped(rate.into()));
        match verdict {
            Verdict::Feasible { ends_at, spare } => {
                write!(f, "It can be done: {pace}, so {selected} certificates take {}. ", ends_at - now)?;
                write!(f, "The last one is replaced at {ends_at}, {spare} before the deadline.")
            }
            Verdict::Infeasible { in_time, needed_per_hour, ends_at, .. } => {
                write!(f, "It cannot be done: {pace}, so by {before} only {} of ", grouped(in_time))?;
                write!(f, "{selected} certificates are replaced. ")?;
                if needed_per_hour > 0 {
                    let left = grouped(u64::try_from((before - now).as_seconds() / HOUR).unwrap_or(0));
                    write!(f, "It would take {} an hour in the {left} h that are left", grouped(needed_per_hour))?;
                } else {
                    f.write_str("No time is left")?;
                }
                if ends_at == Time::NEVER {
                    f.write_str(".")
                } else {
                    write!(f, "; at this pace the last one is replaced at {ends_at}.")
                }
            }
        }
    }
}
