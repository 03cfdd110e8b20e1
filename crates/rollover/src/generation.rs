//! A generation: one key of a slot, its certificate, and when it took each of its steps.
//!
//! Every step has a time that is set once. Two copies merge by keeping the earlier time of each step and the
//! larger of each count, so merging is commutative, associative and idempotent, and no step is ever taken back.

use serde::{Deserialize, Serialize};

use crate::{Slot, SubjectId, Time};

/// Which generation: the key of a subject's slot with that number, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GenerationId {
    /// Whose.
    pub subject: SubjectId,
    /// What for.
    pub slot: Slot,
    /// The how many-th, from 1 on.
    pub number: u32,
}

impl GenerationId {
    /// The generation `number` of `subject`'s `slot`.
    #[must_use]
    pub const fn new(subject: SubjectId, slot: Slot, number: u32) -> Self {
        Self { subject, slot, number }
    }
}

/// Why a generation was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cause {
    /// The subject was enrolled.
    Enrolled,
    /// The one before it ends soon.
    Due,
    /// An enrolled, authenticated user sends the first mail.
    FirstMail,
    /// Somebody asked for it.
    Click,
    /// The authority advised to renew.
    Hint,
    /// A certificate of ours was revoked.
    Revoked,
    /// It is one of a set that is replaced before a deadline.
    Replacement,
    /// The authority refused the one before it, or its certificate was not what was asked for.
    Refused,
    /// It came from elsewhere, with its certificate.
    Imported,
}

/// Why a certificate was revoked (RFC 5280, section 5.3.1, as far as it matters here).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RevocationReason {
    /// None was given, or one that has no word here.
    Unspecified,
    /// Somebody else may have the key.
    KeyCompromise,
    /// What the certificate says does not hold any more.
    AffiliationChanged,
    /// It has a successor.
    Superseded,
    /// The authority withdrew what it should not have issued.
    PrivilegeWithdrawn,
}

/// How far a generation has come. The order is that in which steps are taken; none is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stage {
    /// Its key is committed to the store, before anybody was asked for a certificate.
    KeyDurable,
    /// An authority was asked, at least once.
    Requested,
    /// The certificate is here, not yet looked at.
    Issued,
    /// The certificate was found to be what was asked for.
    Ready,
    /// The authority refused it, or its certificate was unfit. Its key is kept.
    Refused,
    /// Its certificate was revoked: it signs nothing any more. Its key still decrypts.
    Revoked,
    /// Its key was destroyed on somebody's explicit order.
    Destroyed,
}

/// A generation's steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Generation {
    /// What its key is for.
    pub slot: Slot,
    /// Why it was made.
    pub cause: Cause,
    /// The how many-th of its slot, from 1 on.
    pub number: u32,
    /// How often an authority was about to be asked: counted up before each request leaves.
    pub asked: u16,
    /// How often it became certain what came of asking. Less than `asked`: a request may be on its way.
    pub answered: u16,
    /// When its key was committed.
    pub key_durable: Time,
    /// When its key was acknowledged in the second place.
    pub backed_up: Option<Time>,
    /// Not to be asked for again before that.
    pub retry_at: Option<Time>,
    /// When the authority accepted the order.
    pub accepted: Option<Time>,
    /// When its certificate came.
    pub issued: Option<Time>,
    /// The first second of its certificate.
    pub not_before: Option<Time>,
    /// The last second of its certificate, itself included (RFC 5280, section 4.1.2.5).
    pub not_after: Option<Time>,
    /// When its certificate was found fit.
    pub ready: Option<Time>,
    /// From when on it is used.
    pub activate_at: Option<Time>,
    /// When its certificate was handed to directories and, for a domain, announced to partners.
    pub published: Option<Time>,
    /// When its successor is to be started: drawn once, kept.
    pub renew_at: Option<Time>,
    /// A deadline before which it must be replaced.
    pub replace_by: Option<Time>,
    /// When it was refused.
    pub refused: Option<Time>,
    /// When its certificate was revoked, as far as we are concerned.
    pub revoked: Option<Time>,
    /// Why it was revoked.
    pub revocation: Option<RevocationReason>,
    /// When its key was destroyed.
    pub destroyed: Option<Time>,
}

impl Generation {
    /// A generation whose key was committed at `key_durable`.
    #[must_use]
    pub const fn new(slot: Slot, number: u32, cause: Cause, key_durable: Time) -> Self {
        Self {
            slot,
            cause,
            number,
            asked: 0,
            answered: 0,
            key_durable,
            backed_up: None,
            retry_at: None,
            accepted: None,
            issued: None,
            not_before: None,
            not_after: None,
            ready: None,
            activate_at: None,
            published: None,
            renew_at: None,
            replace_by: None,
            refused: None,
            revoked: None,
            revocation: None,
            destroyed: None,
        }
    }

    /// How far it has come.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        if self.destroyed.is_some() {
            Stage::Destroyed
        } else if self.revoked.is_some() {
            Stage::Revoked
        } else if self.refused.is_some() {
            Stage::Refused
        } else if self.ready.is_some() {
            Stage::Ready
        } else if self.issued.is_some() {
            Stage::Issued
        } else if self.asked > 0 || self.accepted.is_some() {
            Stage::Requested
        } else {
            Stage::KeyDurable
        }
    }

    /// Whether a request may be on its way, or was when whoever sent it stopped.
    #[must_use]
    pub const fn is_ambiguous(&self) -> bool {
        self.asked > self.answered && self.accepted.is_none() && self.issued.is_none()
    }

    /// Takes from `other`, a copy of the same generation, what it knows more.
    pub fn merge(&mut self, other: &Self) {
        self.asked = self.asked.max(other.asked);
        self.answered = self.answered.max(other.answered);
        self.key_durable = self.key_durable.min(other.key_durable);
        self.cause = self.cause.min(other.cause);
        // A time that is only moved back, never forward.
        self.retry_at = self.retry_at.max(other.retry_at);
        for (mine, theirs) in [
            (&mut self.backed_up, other.backed_up),
            (&mut self.accepted, other.accepted),
            (&mut self.issued, other.issued),
            (&mut self.not_before, other.not_before),
            (&mut self.not_after, other.not_after),
            (&mut self.ready, other.ready),
            (&mut self.activate_at, other.activate_at),
            (&mut self.published, other.published),
            (&mut self.renew_at, other.renew_at),
            (&mut self.replace_by, other.replace_by),
            (&mut self.refused, other.refused),
            (&mut self.revoked, other.revoked),
            (&mut self.destroyed, other.destroyed),
        ] {
            *mine = earlier(*mine, theirs);
        }
        self.revocation = self.revocation.max(other.revocation);
    }
}

/// The earlier one; none is later than any.
pub(crate) fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
