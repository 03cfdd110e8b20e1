//! A clock that stands until somebody moves it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::{Span, Time};

/// A clock that its owner sets. A clone is the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// One that says `now`.
    #[must_use]
    pub fn new(now: Time) -> Self {
        Self(Arc::new(AtomicI64::new(now.unix())))
    }

    /// What it says.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::from_unix(self.0.load(Ordering::SeqCst))
    }

    /// Sets it, forward or back.
    pub fn set(&self, now: Time) {
        self.0.store(now.unix(), Ordering::SeqCst);
    }

    /// Moves it forward by `span`.
    pub fn advance(&self, span: Span) {
        self.0.fetch_add(span.as_seconds(), Ordering::SeqCst);
    }
}
