//! What is drawn by lot, the same for the same seed.

use crate::{Cause, GenerationId, Happened, RevocationReason, Span, Subject, Time, alarm::Level};

/// Draws numbers: SplitMix64 (Steele, Lea and Flood 2014).
pub(super) struct Draw(u64);

impl Draw {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end`, which is excluded.
    pub(super) fn below(&mut self, end: i64) -> i64 {
        i64::try_from(self.next() >> 1).unwrap_or(0) % end
    }

    pub(super) fn small(&mut self, end: u32) -> u32 {
        u32::try_from(self.below(i64::from(end))).unwrap_or(0)
    }

    pub(super) fn size(&mut self, end: u32) -> usize {
        usize::try_from(self.small(end)).unwrap_or(0)
    }

    pub(super) fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = i64::try_from(all.len()).ok().filter(|&count| count > 0)?;
        all.get(usize::try_from(self.below(count)).ok()?)
    }

    /// One of the last ones mostly, or any.
    pub(super) fn late<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let last = all.get(all.len().saturating_sub(6)..).unwrap_or_default();
        if self.below(8) == 0 { self.one_of(all) } else { self.one_of(last) }
    }

    pub(super) fn word(&mut self) -> &'static str {
        const WORDS: [&str; 5] = ["one", "two", "drei ß", "\"quoted\" 'text'", ""];
        self.one_of(&WORDS).copied().unwrap_or_default()
    }

    /// A generation that `subject` has, or may have.
    pub(super) fn generation(&mut self, subject: &Subject) -> GenerationId {
        let slots = subject.layout.slots();
        let slot = self.one_of(slots).copied().unwrap_or(crate::Slot::Dual);
        GenerationId::new(subject.id, slot, self.small(4) + 1)
    }

    pub(super) fn what(&mut self, at: Time) -> Happened {
        let later = at + Span::seconds(self.below(1 << 25));
        match self.below(24) {
            0 => Happened::BackedUp,
            1 => Happened::Asking { ask: 1 },
            2 => Happened::Asking { ask: 2 },
            3 => Happened::Unanswered { ask: 1, retry_at: later },
            4 => Happened::Accepted { poll_at: later },
            5 => Happened::Pending { poll_at: later },
            6..=9 => Happened::Issued { not_before: at, not_after: later },
            10..=14 => Happened::Ready { activate_at: at, renew_at: later },
            15 => Happened::Published { activate_at: later },
            16 => Happened::Hinted { renew_at: later },
            17 => Happened::ReplaceBy { by: later },
            18 => Happened::Refused,
            19 => Happened::Revoked { reason: RevocationReason::KeyCompromise },
            20 => Happened::Revoked { reason: RevocationReason::Superseded },
            21 => Happened::Alarmed { level: Level::Warning },
            22 => Happened::Wanted { cause: Cause::Click },
            // Whoever left is of no use for the rest of the walk.
            _ if self.below(8) == 0 => Happened::Left,
            _ => Happened::Wanted { cause: Cause::Hint },
        }
    }
}
