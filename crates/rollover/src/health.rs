//! What is known of a certificate authority at a moment.

use crate::Time;

/// Whether the authority can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaHealth {
    /// When it may be asked again: now or earlier if it can be asked at once. Its rate, or an outage, may make
    /// that later.
    pub ask_from: Time,
}

impl CaHealth {
    /// It can be asked at once.
    pub const READY: Self = Self { ask_from: Time::from_unix(i64::MIN) };

    /// It can be asked from `ask_from` on.
    #[must_use]
    pub const fn from(ask_from: Time) -> Self {
        Self { ask_from }
    }
}
