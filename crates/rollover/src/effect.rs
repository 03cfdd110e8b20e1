//! What is to be done in the world, and when to look again.

use serde::{Deserialize, Serialize};

use crate::{Cause, Event, Happened, Slot, Span, Subject, Time, alarm::Level};

/// Something to be done. What comes of it is told by events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Effect {
    /// For which slot.
    pub slot: Slot,
    /// For which generation.
    pub number: u32,
    /// What.
    pub act: Act,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Act {
    /// Make a key and commit it to the store, if the store has none of that number. Then `KeyDurable`.
    Generate {
        /// Why.
        cause: Cause,
    },
    /// Have the second place acknowledge the key. Then `BackedUp`.
    BackUp,
    /// Note `Asking`, then ask the authority. Then `Accepted`, `Issued`, `Refused` or `Unanswered`; if it is not
    /// certain what came of it, nothing.
    Submit,
    /// Ask the authority what came of earlier requests. Then `Accepted`, `Issued`, `Refused` or `Unanswered`.
    Reconcile,
    /// Ask the authority for news of the order. Then `Pending`, `Issued` or `Refused`.
    Poll,
    /// Look whether the certificate is what was asked for. Then `Ready` or `Refused`.
    Inspect,
    /// Hand the certificate to directories and, for a domain, announce it to partners. Then `Published`.
    Publish,
    /// Tell somebody that the slot will have no valid signer. Then `Alarmed`.
    Raise {
        /// How loudly.
        level: Level,
    },
}

impl Act {
    /// Whether the authority is asked.
    #[must_use]
    pub const fn needs_authority(self) -> bool {
        matches!(self, Self::Submit | Self::Reconcile | Self::Poll)
    }
}

/// What to do now, and when to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// In this order. After they are done and their events applied, decide again.
    pub effects: Vec<Effect>,
    /// When to look again if nothing happens before.
    pub wake: Wake,
}

/// When to look at a subject again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Wake {
    /// When. [`Time::NEVER`]: only if something happens.
    pub at: Time,
    /// When its user will be affected first if nothing is done: the order in which an authority's rate is spent.
    pub deadline: Time,
    /// Whether it waits for the authority.
    pub waits_for_authority: bool,
}

impl Wake {
    /// At `at`, with that deadline.
    #[must_use]
    pub const fn new(at: Time, deadline: Time, waits_for_authority: bool) -> Self {
        Self { at, deadline, waits_for_authority }
    }

    /// That of a subject that is enrolled at `now`: at once, and a first key is due within a day.
    #[must_use]
    pub fn first(subject: &Subject, now: Time) -> Self {
        Self::new(now, subject.enrolled + Span::days(1), false)
    }

    /// The same subject's, after something happened at `now`: at once, whatever it waited for.
    #[must_use]
    pub fn at_once(self, now: Time) -> Self {
        Self { at: self.at.min(now), waits_for_authority: false, ..self }
    }

    /// The same subject's, after `event` was recorded at `now`: at once, and before all others if a certificate was
    /// revoked.
    #[must_use]
    pub fn after(self, event: &Event, now: Time) -> Self {
        match event.what {
            Happened::Revoked { .. } => self.by(event.at).at_once(now),
            _ => self.at_once(now),
        }
    }

    /// The same, with a deadline that is `by` at the latest.
    #[must_use]
    pub fn by(self, by: Time) -> Self {
        Self { deadline: self.deadline.min(by), ..self }
    }

    /// Only if something happens.
    pub(crate) const NEVER: Self = Self { at: Time::NEVER, deadline: Time::NEVER, waits_for_authority: false };
}
