//! What an authority does wrong, on demand.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sealpost_rollover::Span;
use serde::{Deserialize, Serialize};

/// What goes wrong with a request, or with what comes of it. Each was seen at a public authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// The order is accepted, and decided only after so long.
    Delay(Span),
    /// The order is accepted, and nothing more is ever heard of it.
    Silence,
    /// One request makes two orders, or one more than there is.
    Duplicate,
    /// The certificate is for another key.
    WrongKey,
    /// The certificate is for another address.
    WrongAddress,
    /// The certificate is valid for one second more than is allowed: 825 days with both ends (trap T10).
    TooLong,
    /// The certificate is valid from tomorrow on.
    NotYetValid,
    /// Too many requests: ask again after so long.
    RateLimit(Span),
    /// The order is made, but the answer does not arrive.
    AnswerLost,
    /// The request does not arrive, and nobody knows.
    RequestLost,
    /// It can't be reached: held, neither can orders be polled and found, nor certificates revoked.
    Outage,
    /// It refuses, for good.
    Refusal,
}

/// Those that wait.
#[derive(Default)]
pub(super) struct Faults(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    next: VecDeque<Fault>,
    held: Option<Fault>,
}

impl Faults {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next(&self, fault: Fault) {
        self.waiting().next.push_back(fault);
    }

    pub(super) fn hold(&self, fault: Option<Fault>) {
        self.waiting().held = fault;
    }

    /// For the request that has just come.
    pub(super) fn take(&self) -> Option<Fault> {
        let mut waiting = self.waiting();
        waiting.held.or_else(|| waiting.next.pop_front())
    }

    pub(super) fn is_out(&self) -> bool {
        self.waiting().held == Some(Fault::Outage)
    }
}
