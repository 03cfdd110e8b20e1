//! Who signs, who decrypts, what is published: derived from the times of the steps, never stored.

use crate::{Generation, Slot, SubjectState, Time};

impl SubjectState {
    /// The one generation of `slot` that signs at `now` (or, of an encrypting slot, whose certificate partners are
    /// given): of those that are fit, valid and in use the one that came into use last. A generation that is still
    /// announced stands in if there is no other.
    #[must_use]
    pub fn holder(&self, slot: Slot, now: Time) -> Option<&Generation> {
        let valid = || self.of_slot(slot).filter(move |generation| generation.is_valid(now));
        let in_use = valid().filter(|generation| generation.is_in_use(now));
        in_use.max_by_key(|generation| (generation.activate_at, generation.number)).or_else(|| valid().next_back())
    }

    /// The generation that signs at `now`.
    #[must_use]
    pub fn signer(&self, now: Time) -> Option<&Generation> {
        self.layout.slots().iter().find(|slot| slot.signs()).and_then(|&slot| self.holder(slot, now))
    }

    /// The generations whose keys decrypt: all whose key was not destroyed, whatever became of their certificate.
    pub fn decrypters(&self) -> impl Iterator<Item = &Generation> {
        self.generations().iter().filter(|generation| generation.slot.decrypts() && generation.destroyed.is_none())
    }

    /// The generations whose certificates are to be found in directories at `now`, the newest first: those that are
    /// valid and fit.
    pub fn published(&self, now: Time) -> impl Iterator<Item = &Generation> {
        self.generations().iter().rev().filter(move |generation| generation.is_valid(now))
    }

    /// Until when `slot` has a signer, seen from `now`: the end of the last generation that is ready, or the
    /// deadline before which it must be replaced. `None` if it has none.
    #[must_use]
    pub fn covered_until(&self, slot: Slot, now: Time) -> Option<Time> {
        let ready = self.of_slot(slot).filter(|generation| generation.is_fit() && generation.not_after >= Some(now));
        ready
            .filter_map(|generation| Some(generation.not_after?.min(generation.replace_by.unwrap_or(Time::NEVER))))
            .max()
    }
}

impl Generation {
    /// Whether its certificate was found fit and is not revoked.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        self.ready.is_some() && self.refused.is_none() && self.revoked.is_none() && self.destroyed.is_none()
    }

    /// Whether its certificate is fit and `now` lies between its first and last second, both included.
    #[must_use]
    pub fn is_valid(&self, now: Time) -> bool {
        let known = |time: Option<Time>| time.unwrap_or(Time::NEVER);
        self.is_fit() && known(self.not_before) <= now && self.not_after >= Some(now)
    }

    /// Whether it came into use by `now`.
    #[must_use]
    pub fn is_in_use(&self, now: Time) -> bool {
        self.activate_at.is_some_and(|from| from <= now)
    }
}
