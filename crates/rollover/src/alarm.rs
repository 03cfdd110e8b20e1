//! The ladder of alarms: how loud, by the time that is left until the first user is affected.

use serde::{Deserialize, Serialize};

use crate::{Span, Time};

/// How loud an alarm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Level {
    /// Nothing to tell.
    Quiet,
    /// Renewal takes longer than usual.
    Notice,
    /// Look at it this week.
    Warning,
    /// Look at it today.
    Error,
    /// Wake somebody.
    Page,
    /// Decide what the user's mail is to do without a signer.
    LastCall,
}

impl Level {
    /// Its name in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Page => "page",
            Self::LastCall => "last-call",
        }
    }
}

/// From how much time left on each level is reached.
pub const LADDER: [(Span, Level); 5] = [
    (Span::days(21), Level::Notice),
    (Span::days(14), Level::Warning),
    (Span::days(7), Level::Error),
    (Span::days(3), Level::Page),
    (Span::days(1), Level::LastCall),
];

/// What to tell of an end at `deadline` whose renewal started `start` before it: the level now, and when the next
/// one is reached. Steps of the ladder that lie before the start are left out: they would ring each time.
#[must_use]
pub fn level(now: Time, deadline: Time, start: Span) -> (Level, Time) {
    let mut reached = Level::Quiet;
    for (left, level) in LADDER {
        if left >= start {
            continue;
        }
        let from = deadline - left;
        if now < from {
            return (reached, from);
        }
        reached = level;
    }
    (reached, Time::NEVER)
}
