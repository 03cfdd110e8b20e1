//! A user in 40 octets, while nothing happens: a million of them are in memory, and each look costs one line of it.

use super::Simulation;
use crate::{Cause, Generation, Slot, SubjectId, SubjectState, Time, alarm::Level, policy::split_mix};

/// A user as he is between two looks.
#[derive(Debug)]
pub(super) enum Held {
    /// Almost always: no key or one, all steps of which followed from each other at once.
    Resting(Resting),
    /// Whatever else there is.
    Whole(Box<SubjectState>),
}

impl Held {
    /// Lays `state` down, that of the user with that number. `spare` is any other state.
    pub(super) fn lay(&mut self, setup: &Simulation, number: u32, state: &mut SubjectState, spare: &mut SubjectState) {
        if let Some(resting) = Resting::of(setup, state) {
            resting.wake(setup, number, spare);
            // What would not wake up as it is does not rest.
            if spare == state {
                *self = Self::Resting(resting);
                return;
            }
        }
        match self {
            Self::Whole(whole) => std::mem::swap(&mut **whole, state),
            Self::Resting(_) => *self = Self::Whole(Box::new(state.clone())),
        }
    }

    /// Makes `state` that of the user with that number.
    pub(super) fn wake(&mut self, setup: &Simulation, number: u32, state: &mut SubjectState) {
        match self {
            Self::Resting(resting) => resting.wake(setup, number, state),
            Self::Whole(whole) => std::mem::swap(&mut **whole, state),
        }
    }
}

/// A user of one slot with no key or one. Times are seconds since the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resting {
    /// 0: no key.
    number: u32,
    key_durable: u32,
    issued: u32,
    activate_at: u32,
    renew_at: u32,
    /// [`NONE`]: it need not be replaced.
    replace_by: u32,
    wanted: u32,
    alarmed: u32,
    asked: u16,
    cause: Cause,
    wanted_cause: Cause,
    level: Level,
    published: bool,
}

const NONE: u32 = u32::MAX;

impl Resting {
    /// One who comes.
    pub(super) const NEW: Self = Self {
        number: 0,
        key_durable: NONE,
        issued: NONE,
        activate_at: NONE,
        renew_at: NONE,
        replace_by: NONE,
        wanted: 0,
        alarmed: 0,
        asked: 0,
        cause: Cause::Enrolled,
        wanted_cause: Cause::Enrolled,
        level: Level::Quiet,
        published: false,
    };

    /// What is kept of `state`, if it has not more than one slot and key.
    fn of(setup: &Simulation, state: &SubjectState) -> Option<Self> {
        let since = |time: Option<Time>| {
            time.and_then(|time| u32::try_from((time - setup.start).as_seconds()).ok()).unwrap_or(NONE)
        };
        let mark = state.mark(Slot::Dual);
        let new = Self {
            wanted: mark.wanted.0,
            wanted_cause: mark.wanted.1,
            alarmed: mark.alarm.0,
            level: mark.alarm.1,
            ..Self::NEW
        };
        match state.generations() {
            [] => Some(new),
            [one] => Some(Self {
                number: one.number,
                key_durable: since(Some(one.key_durable)),
                issued: since(one.issued),
                activate_at: since(one.activate_at),
                renew_at: since(one.renew_at),
                replace_by: since(one.replace_by),
                asked: one.asked,
                cause: one.cause,
                published: one.published.is_some(),
                ..new
            }),
            _ => None,
        }
    }

    /// Makes `state` that of which this was kept.
    fn wake(&self, setup: &Simulation, number: u32, state: &mut SubjectState) {
        state.renew(name(setup.seed, number), setup.enrolled(number));
        let mark = state.mark_mut(Slot::Dual);
        mark.wanted = (self.wanted, self.wanted_cause);
        mark.alarm = (self.alarmed, self.level);
        if self.number == 0 {
            return;
        }
        let time = |since: u32| (since != NONE).then(|| Time::from_unix(setup.start.unix() + i64::from(since)));
        let Some(key_durable) = time(self.key_durable) else { return };
        let issued = time(self.issued);
        let validity = issued.map(|issued| setup.validity(issued));
        let mut one = Generation::new(Slot::Dual, self.number, self.cause, key_durable);
        one.asked = self.asked;
        one.issued = issued;
        one.not_before = validity.map(|(not_before, _)| not_before);
        one.not_after = validity.map(|(_, not_after)| not_after);
        one.ready = issued;
        one.published = issued.filter(|_| self.published);
        one.activate_at = time(self.activate_at);
        one.renew_at = time(self.renew_at);
        one.replace_by = time(self.replace_by);
        state.insert(one);
    }
}

/// A name that looks like the hash that it stands for.
pub(super) fn name(seed: u64, number: u32) -> SubjectId {
    let first = split_mix(split_mix(seed) ^ u64::from(number));
    let mut octets = [0; 16];
    let (half, rest) = octets.split_at_mut(8);
    half.copy_from_slice(&first.to_be_bytes());
    rest.copy_from_slice(&split_mix(first).to_be_bytes());
    SubjectId::from_octets(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Happened, Policy, RevocationReason, Span, Subject, SubjectKind, apply};

    /// Each of these, after a key was made, leads to a state that is laid down and wakes up as it was.
    #[test]
    fn whoever_is_laid_down_wakes_up_as_he_was() {
        let setup = Simulation::new(10, Policy::safe());
        let at = setup.start + Span::days(5);
        let (not_before, not_after) = setup.validity(at);
        let usual = [
            Happened::Asking { ask: 1 },
            Happened::Issued { not_before, not_after },
            Happened::Ready { activate_at: at, renew_at: not_after },
            Happened::Published { activate_at: at },
        ];
        let unusual = [
            Happened::BackedUp,
            Happened::Unanswered { ask: 1, retry_at: at },
            Happened::Hinted { renew_at: at },
            Happened::ReplaceBy { by: not_after },
            Happened::Refused,
            Happened::Revoked { reason: RevocationReason::Superseded },
            Happened::Destroyed,
            Happened::Left,
            Happened::Alarmed { level: Level::Page },
            Happened::Wanted { cause: Cause::Click },
        ];
        let subject = Subject {
            id: name(setup.seed, 7),
            kind: SubjectKind::Mailbox,
            address: String::new(),
            layout: setup.layout,
            enrolled: setup.enrolled(7),
        };
        let mut rested = 0;
        for steps in 0..=usual.len() {
            for extra in std::iter::once(None).chain(unusual.map(Some)) {
                for later in [Span::ZERO, Span::hours(1)] {
                    let mut state = SubjectState::new(&subject);
                    let made = Happened::KeyDurable { cause: Cause::Due };
                    apply(&mut state, &Event::new(Slot::Dual, 3, at - later, made));
                    for what in usual.iter().take(steps).copied().chain(extra) {
                        apply(&mut state, &Event::new(Slot::Dual, 3, at, what));
                    }
                    let before = state.clone();
                    let mut held = Held::Resting(Resting::NEW);
                    let mut spare = SubjectState::new(&subject);
                    held.lay(&setup, 7, &mut state, &mut spare);
                    rested += u32::from(matches!(held, Held::Resting(_)));
                    let mut woken = SubjectState::new(&subject);
                    held.wake(&setup, 7, &mut woken);
                    assert_eq!(woken, before);
                }
            }
        }
        // Those without anything unusual, and more.
        assert!((10..80).contains(&rested), "{rested}");
    }
}
