//! A mass revocation: certificates that must be replaced before a deadline, and are revoked then.

use crate::{Generation, Time};

/// Certificates issued within a span of time are revoked at a deadline that was announced before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incident {
    /// What it is called.
    pub name: String,
    /// Certificates valid from then on or later.
    pub issued_from: Time,
    /// Certificates valid from then on or earlier.
    pub issued_to: Time,
    /// When it was announced.
    pub announced: Time,
    /// When they are revoked.
    pub by: Time,
}

impl Incident {
    /// Certificates issued from `issued.0` to `issued.1` are revoked at `by`, which is announced at `announced`.
    #[must_use]
    pub fn new(name: &str, issued: (Time, Time), announced: Time, by: Time) -> Self {
        Self { name: name.to_owned(), issued_from: issued.0, issued_to: issued.1, announced, by }
    }

    /// Whether `generation`'s certificate is one of them.
    pub(super) fn selects(&self, generation: &Generation) -> bool {
        generation.is_fit()
            && generation.not_before >= Some(self.issued_from)
            && generation.not_before.is_some_and(|from| from <= self.issued_to)
    }
}
