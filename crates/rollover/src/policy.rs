//! When keys roll, and whether an authority's rate allows it.

mod check;

pub use check::{Fleet, Infeasible, Margin};

use serde::{Deserialize, Serialize};

use crate::{GenerationId, Span, SubjectKind, Time};

/// When the first key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FirstKey {
    /// At enrolment.
    AtEnrolment,
    /// When it is asked for: with the first outgoing mail, or by a click.
    OnDemand,
}

/// Whether a key must be acknowledged in a second place before anybody learns its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SecondPlace {
    /// There is none.
    None,
    /// Keys that decrypt must be there before an authority is asked.
    Required,
}

/// When keys roll. All spans are fixed numbers of seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// How long before the end of a certificate its successor is started at the latest.
    pub start: Span,
    /// By how much earlier it may be started: by a part of this that follows from subject and number.
    pub jitter: Span,
    /// How old a key may be when its successor is started, however long its certificate is valid.
    pub max_age: Option<Span>,
    /// How far clocks of receivers may lag behind.
    pub skew: Span,
    /// How long a domain's certificate is announced before it is used.
    pub announce: Span,
    /// When the first key is made.
    pub first_key: FirstKey,
    /// Whether a second place is waited for.
    pub second_place: SecondPlace,
    /// How long after a refusal a new key is tried; doubled with each further one up to 16 times that.
    pub retry_refused: Span,
    /// How long an authority may be silent about an order before a new key is tried.
    pub silence: Span,
    /// By how much time may jump between two looks without somebody's confirmation.
    pub max_jump: Span,
}

impl Policy {
    /// The default: a month of overlap, spread over ten days.
    #[must_use]
    pub fn safe() -> Self {
        Self {
            name: "default".to_owned(),
            start: Span::days(30),
            jitter: Span::days(10),
            max_age: None,
            skew: Span::hours(1),
            announce: Span::days(30),
            first_key: FirstKey::AtEnrolment,
            second_place: SecondPlace::None,
            retry_refused: Span::days(1),
            silence: Span::days(3),
            max_jump: Span::days(14),
        }
    }

    /// What SecuMail's gateway does: one week before the end, the new key signs at once, the old one decrypts on
    /// (features A079 to A083).
    #[must_use]
    pub fn secumail_7d() -> Self {
        Self {
            name: "secumail-7d".to_owned(),
            start: Span::days(7),
            jitter: Span::ZERO,
            skew: Span::ZERO,
            first_key: FirstKey::OnDemand,
            ..Self::safe()
        }
    }

    /// A new key each year, also where certificates are valid for longer.
    #[must_use]
    pub fn yearly() -> Self {
        Self { name: "yearly".to_owned(), max_age: Some(Span::days(365)), ..Self::safe() }
    }

    /// The preset of that name: `default`, `secumail-7d` or `yearly`.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        [Self::safe(), Self::secumail_7d(), Self::yearly()].into_iter().find(|policy| policy.name == name)
    }

    /// When the successor of a generation is started whose certificate is valid from `not_before` to `not_after`.
    #[must_use]
    pub fn renew_at(&self, kind: SubjectKind, generation: GenerationId, not_before: Time, not_after: Time) -> Time {
        // A domain's new certificate is announced while the old one is still used.
        let announce = if kind == SubjectKind::Domain { self.announce } else { Span::ZERO };
        let drawn = self.drawn(generation);
        // Never before the middle of its life, however short that is.
        let middle = not_before + Span::seconds((not_after - not_before).as_seconds() / 2);
        let end = (not_after - self.start - announce - drawn).max(middle);
        self.max_age.map_or(end, |age| end.min(not_before + age - drawn))
    }

    /// From when on a certificate is used that is valid from `not_before` on and was found fit at `now`, if it need
    /// not be published first.
    #[must_use]
    pub fn activate_at(&self, kind: SubjectKind, not_before: Time, now: Time) -> Time {
        match kind {
            SubjectKind::Domain => Time::NEVER,
            _ => now.max(not_before + self.skew),
        }
    }

    /// The same once it was published at `now`.
    #[must_use]
    pub fn activate_published_at(&self, kind: SubjectKind, not_before: Time, now: Time) -> Time {
        let announce = if kind == SubjectKind::Domain { self.announce } else { Span::ZERO };
        (now + announce).max(not_before + self.skew)
    }

    /// When to ask an authority again after the `ask`-th time failed: soon at first, each 6 hours at last, at a
    /// point that follows from the generation, so that not all ask at once.
    #[must_use]
    pub fn retry_at(&self, generation: GenerationId, ask: u16, now: Time) -> Time {
        const MINUTES: [i64; 16] = [1, 2, 2, 5, 10, 10, 10, 20, 20, 30, 30, 60, 60, 120, 180, 360];
        let step = usize::from(ask.saturating_sub(1)).min(MINUTES.len() - 1);
        let span = MINUTES.get(step).copied().unwrap_or(360) * 60;
        let part = i64::try_from(drawn(generation, ask) % u64::try_from(span / 2 + 1).unwrap_or(1)).unwrap_or(0);
        now + Span::seconds(span / 2 + part)
    }

    /// How long after the last of `refusals` in a row a new key is tried.
    #[must_use]
    pub fn retry_refused_after(&self, refusals: u32) -> Span {
        self.retry_refused * (1 << refusals.saturating_sub(1).min(4))
    }

    fn drawn(&self, generation: GenerationId) -> Span {
        match u64::try_from(self.jitter.as_seconds()) {
            Ok(window @ 1..) => Span::seconds(i64::try_from(drawn(generation, 0) % window).unwrap_or(0)),
            _ => Span::ZERO,
        }
    }
}

/// A number that follows from the generation and `salt`, and looks like drawn by lot.
///
/// A subject's name is a hash already, so it need not be hashed again: its halves, the slot, the number and the salt
/// are mixed as SplitMix64 does it (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn drawn(generation: GenerationId, salt: u16) -> u64 {
    let half = |octets: &[u8]| octets.iter().fold(0, |half, &octet| (half << 8) | u64::from(octet));
    let (first, second) = generation.subject.octets().split_at(8);
    let slot = generation.slot.word().bytes().fold(0, |slot, octet| (slot << 8) | u64::from(octet));
    let which = (u64::from(generation.number) << 16) | u64::from(salt);
    [half(second), slot, which].into_iter().fold(half(first), |mixed, part| split_mix(mixed ^ part))
}

/// The step and the finalizer of SplitMix64.
pub(crate) const fn split_mix(state: u64) -> u64 {
    let mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
