//! What happened to a subject, and how its state takes it in.

use serde::{Deserialize, Serialize};

use crate::{Cause, Generation, RevocationReason, Slot, SubjectState, Time, alarm::Level, generation::earlier};

/// Something that happened to a generation of a subject, or to one of its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// Of which slot.
    pub slot: Slot,
    /// Of which generation; of a slot as a whole, 0.
    pub number: u32,
    /// When.
    pub at: Time,
    /// What.
    pub what: Happened,
}

impl Event {
    /// `what` happened at `at` to generation `number` of `slot`.
    #[must_use]
    pub const fn new(slot: Slot, number: u32, at: Time, what: Happened) -> Self {
        Self { slot, number, at, what }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Happened {
    /// The generation's key was made and committed.
    KeyDurable {
        /// Why it was made.
        cause: Cause,
    },
    /// Its key was acknowledged in the second place.
    BackedUp,
    /// The authority is about to be asked, for the `ask`-th time.
    Asking {
        /// Counted from 1.
        ask: u16,
    },
    /// It became certain that no order came of the `ask`-th time.
    Unanswered {
        /// Counted from 1.
        ask: u16,
        /// Not to be asked again before that.
        retry_at: Time,
    },
    /// The authority took the order and will decide.
    Accepted {
        /// Not to be asked for news before that.
        poll_at: Time,
    },
    /// The authority has not decided yet.
    Pending {
        /// Not to be asked for news before that.
        poll_at: Time,
    },
    /// The certificate came.
    Issued {
        /// Its first second.
        not_before: Time,
        /// Its last second.
        not_after: Time,
    },
    /// The certificate is what was asked for.
    Ready {
        /// From when on it is used; [`Time::NEVER`] if it is to be published first.
        activate_at: Time,
        /// When its successor is to be started.
        renew_at: Time,
    },
    /// The authority refused for good, or the certificate is not what was asked for.
    Refused,
    /// The certificate was handed to directories and, for a domain, announced to partners.
    Published {
        /// From when on it is used, if it was to be published first.
        activate_at: Time,
    },
    /// The authority advises to renew at `renew_at`. It only ever brings renewal forward.
    Hinted {
        /// When.
        renew_at: Time,
    },
    /// It must be replaced before `by`.
    ReplaceBy {
        /// The deadline.
        by: Time,
    },
    /// Its certificate is revoked.
    Revoked {
        /// Why.
        reason: RevocationReason,
    },
    /// Somebody was told that the slot will have no valid signer once generation `number` ends.
    Alarmed {
        /// How loudly.
        level: Level,
    },
    /// A generation with the event's number or a higher one is wanted.
    Wanted {
        /// Why.
        cause: Cause,
    },
    /// The subject's keys don't roll any more.
    Left,
    /// Its key was destroyed, on somebody's explicit order.
    Destroyed,
}

/// Takes `event` in. Taking it twice, or late, or after a later one changes nothing more.
///
/// An event of a generation that `state` does not hold changes nothing: it was left out, or never was.
pub fn apply(state: &mut SubjectState, event: &Event) {
    let Event { slot, number, at, what } = *event;
    match what {
        Happened::Wanted { cause } => {
            let wanted = &mut state.mark_mut(slot).wanted;
            *wanted = (*wanted).max((number, cause));
        }
        Happened::Alarmed { level } => {
            let alarm = &mut state.mark_mut(slot).alarm;
            *alarm = (*alarm).max((number, level));
        }
        Happened::Left => state.left = earlier(state.left, Some(at)),
        Happened::KeyDurable { cause } => {
            if state.generation(slot, number).is_none() {
                state.insert(Generation::new(slot, number, cause, at));
            }
        }
        what => {
            if let Some(generation) = state.generation_mut(slot, number) {
                step(generation, at, what);
            }
        }
    }
}

fn step(generation: &mut Generation, at: Time, what: Happened) {
    match what {
        Happened::BackedUp => keep(&mut generation.backed_up, at),
        Happened::Asking { ask } => generation.asked = generation.asked.max(ask),
        Happened::Unanswered { ask, retry_at } => {
            generation.answered = generation.answered.max(ask);
            generation.retry_at = generation.retry_at.max(Some(retry_at));
        }
        Happened::Accepted { poll_at } => {
            keep(&mut generation.accepted, at);
            generation.retry_at = generation.retry_at.max(Some(poll_at));
        }
        Happened::Pending { poll_at } => generation.retry_at = generation.retry_at.max(Some(poll_at)),
        // The first certificate is adopted; others of the same key are spare.
        Happened::Issued { not_before, not_after } if generation.issued.is_none() => {
            generation.issued = Some(at);
            generation.not_before = Some(not_before);
            generation.not_after = Some(not_after);
        }
        Happened::Ready { activate_at, renew_at } => {
            keep(&mut generation.ready, at);
            keep(&mut generation.activate_at, activate_at);
            keep(&mut generation.renew_at, renew_at);
        }
        Happened::Refused => keep(&mut generation.refused, at),
        Happened::Published { activate_at } => {
            keep(&mut generation.published, at);
            keep(&mut generation.activate_at, activate_at);
        }
        Happened::Hinted { renew_at } => keep(&mut generation.renew_at, renew_at),
        Happened::ReplaceBy { by } => keep(&mut generation.replace_by, by),
        Happened::Revoked { reason } => {
            keep(&mut generation.revoked, at);
            generation.revocation = generation.revocation.max(Some(reason));
        }
        Happened::Destroyed => keep(&mut generation.destroyed, at),
        // Those of a slot or subject as a whole are taken in above.
        _ => {}
    }
}

/// The earliest time that was told.
fn keep(step: &mut Option<Time>, at: Time) {
    *step = earlier(*step, Some(at));
}
