//! Whether an authority's rate allows a policy. Said when it is loaded, not when the first key is late.
//!
//! The hardest case is a fleet in step: after a mass replacement all certificates end in the same hour, all
//! successors are started within the jitter of each other, and the authority fails just then. A policy that comes
//! through that comes through any other year, since nobody has more than one renewal in the window.

use serde::{Deserialize, Serialize};

use crate::{Policy, Span, simulate::grouped};

/// What a look at the store and an answer of the authority take.
const LATE: Span = Span::hours(1);

/// Who is to live under a policy, and with what authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fleet {
    /// How many subjects.
    pub subjects: u32,
    /// How many slots each has.
    pub slots: u32,
    /// How many requests the authority takes an hour.
    pub rate_per_hour: u32,
    /// The longest time without the authority that must be got through, in seconds.
    pub planned_outage: Span,
    /// How long certificates are valid, in seconds.
    pub lifetime: Span,
}

impl Fleet {
    /// So many subjects of one slot, with an authority that takes so many requests an hour and may be away for ten
    /// days, and certificates of a year.
    #[must_use]
    pub const fn new(subjects: u32, rate_per_hour: u32) -> Self {
        Self { subjects, slots: 1, rate_per_hour, planned_outage: Span::days(10), lifetime: Span::days(365) }
    }
}

/// By how much a policy can be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Margin {
    /// How many requests an hour there are on average.
    pub mean_per_hour: u64,
    /// How long all renewals of the fleet take at the authority's rate, in seconds.
    pub drain: Span,
    /// How long the authority may be away beyond what is planned, in seconds.
    pub spare: Span,
}

/// Why a policy can't be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Infeasible {
    /// A span with which no key would ever be used, or one ordered after the other.
    #[error("{field} is too short, too long or negative: no key would roll with it, or one after the other")]
    Unusable {
        /// Which one of the policy's fields.
        field: &'static str,
    },
    /// More renewals than the authority takes.
    #[error(
        "{} keys renewed each {period} are {} requests an hour, but the authority takes {}",
        grouped(*keys), grouped(*mean_per_hour), grouped(u64::from(*rate_per_hour))
    )]
    Overloaded {
        /// How many keys there are.
        keys: u64,
        /// How long one is used at least, in seconds.
        period: Span,
        /// How many requests an hour that makes.
        mean_per_hour: u64,
        /// How many the authority takes.
        rate_per_hour: u32,
    },
    /// A planned outage outlasts the time between start and end.
    #[error(
        "renewal starts {window} before the end, but the authority may be away for {outage}: \
         whoever is due when it goes away has no key before it is back. Start at least {} before the end",
        *outage + LATE
    )]
    OutageTooLong {
        /// How long before its end a certificate's successor is started at the latest, in seconds.
        window: Span,
        /// How long the authority may be away, in seconds.
        outage: Span,
    },
    /// A fleet in step is not renewed in time.
    #[error(
        "{} keys that end together take {drain} at {} requests an hour, and the authority may be away for {outage}, \
         but renewal starts only {window} before the end. {} requests an hour would do",
        grouped(*keys), grouped(u64::from(*rate_per_hour)), grouped(*needed_per_hour)
    )]
    DrainTooSlow {
        /// How many keys there are.
        keys: u64,
        /// How long renewing all of them takes, in seconds.
        drain: Span,
        /// How many requests an hour the authority takes.
        rate_per_hour: u32,
        /// How long the authority may be away, in seconds.
        outage: Span,
        /// How long before its end the first certificate's successor is started, in seconds.
        window: Span,
        /// What rate would do.
        needed_per_hour: u64,
    },
}

impl Policy {
    /// Whether `fleet` can live under this policy: that each key has its successor in time also if all end together
    /// and the authority goes away at the worst moment for as long as is planned.
    ///
    /// # Errors
    ///
    /// [`Infeasible`], with the arithmetic, if not.
    pub fn check(&self, fleet: &Fleet) -> Result<Margin, Infeasible> {
        if let Some(field) = self.unusable() {
            return Err(Infeasible::Unusable { field });
        }
        let keys = u64::from(fleet.subjects) * u64::from(fleet.slots);
        let Fleet { rate_per_hour, planned_outage: outage, .. } = *fleet;
        let (shortest, longest) = self.windows(fleet.lifetime);
        let period = fleet.lifetime - longest;
        let mean_per_hour = per_hour(keys, period);
        if mean_per_hour > u64::from(rate_per_hour) {
            return Err(Infeasible::Overloaded { keys, period, mean_per_hour, rate_per_hour });
        }
        if outage + LATE > shortest {
            return Err(Infeasible::OutageTooLong { window: shortest, outage });
        }
        let drain = drain(keys, rate_per_hour);
        let free = longest - outage - LATE;
        if drain > free {
            let needed_per_hour = per_hour(keys, free);
            return Err(Infeasible::DrainTooSlow {
                keys,
                drain,
                rate_per_hour,
                outage,
                window: longest,
                needed_per_hour,
            });
        }
        Ok(Margin { mean_per_hour, drain, spare: (shortest - outage - LATE).min(free - drain) })
    }

    /// The first field with which no fleet can live.
    fn unusable(&self) -> Option<&'static str> {
        let year = Span::days(366);
        let within = |span: Span, least: Span| (least..=year).contains(&span);
        let fields = [
            ("start", within(self.start, Span::hours(1))),
            ("jitter", within(self.jitter, Span::ZERO)),
            ("max_age", self.max_age.is_none_or(|age| age > self.jitter)),
            ("skew", (Span::ZERO..=Span::days(1)).contains(&self.skew)),
            ("announce", within(self.announce, Span::ZERO)),
            ("retry_refused", within(self.retry_refused, Span::hours(1))),
            ("silence", within(self.silence, Span::hours(1))),
            ("max_jump", within(self.max_jump, Span::hours(1))),
        ];
        fields.into_iter().find(|(_, usable)| !usable).map(|(field, _)| field)
    }

    /// How long before the end of a certificate its successor is started: with no jitter, and with all of it.
    fn windows(&self, lifetime: Span) -> (Span, Span) {
        let middle = Span::seconds(lifetime.as_seconds() / 2);
        let start = |drawn| {
            let end = (lifetime - self.start - drawn).max(middle);
            lifetime - self.max_age.map_or(end, |age| end.min(age - drawn))
        };
        (start(Span::ZERO), start(self.jitter))
    }
}

/// How many an hour it takes to do `keys` in `span`: rounded up, and more than any authority takes if there is no time.
fn per_hour(keys: u64, span: Span) -> u64 {
    match u64::try_from(span.as_seconds()) {
        Ok(seconds @ 1..) => keys.saturating_mul(3_600).div_ceil(seconds),
        _ => u64::from(u32::MAX) + 1,
    }
}

/// How long `keys` take at so many an hour.
fn drain(keys: u64, rate_per_hour: u32) -> Span {
    let seconds = keys.saturating_mul(3_600).div_ceil(u64::from(rate_per_hour.max(1)));
    Span::seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}
