//! One look at one user: what a driver does with store, workshop and authority, with nothing behind it.

use super::{Simulation, TICK, authority::Authority, tally::Tally};
use crate::{
    Act, CaHealth, Cause, Decision, Effect, Event, FirstKey, GenerationId, Happened, Slot, Span, SubjectState, Time,
    Wake, apply, decide::decide_into,
};

/// A look at one user.
#[derive(Debug)]
pub(super) struct Turn<'t, 's> {
    pub(super) setup: &'s Simulation,
    pub(super) tick: u32,
    pub(super) now: Time,
    /// Whether a gap ended.
    pub(super) gap: bool,
    /// Whether what is retired is kept, to be shown.
    pub(super) keeps: bool,
    pub(super) state: &'t mut SubjectState,
    pub(super) rate: &'t mut Authority<'s>,
    pub(super) tally: &'t mut Tally,
    /// Memory that is used again.
    pub(super) decision: &'t mut Decision,
}

impl Turn<'_, '_> {
    /// Does all that can be done now.
    pub(super) fn take(&mut self, may_ask: bool) -> Wake {
        let policy = &self.setup.policy;
        if policy.first_key == FirstKey::OnDemand && self.state.generations().is_empty() {
            // Whoever is enrolled writes a mail at once.
            self.setup.layout.slots().iter().for_each(|&slot| {
                self.happened(slot, 1, Happened::Wanted { cause: Cause::FirstMail });
            });
        }
        loop {
            let asks = may_ask && self.rate.left() > 0;
            let health = if asks { CaHealth::READY } else { CaHealth::from(self.now + TICK) };
            decide_into(self.decision, self.now, self.state, policy, health);
            // Who can't ask makes no key either, unless it is to be seen. Made later, it comes to the same.
            let puts_off = !asks && !self.keeps;
            let later = |act: Act| puts_off && matches!(act, Act::Generate { .. });
            let mut wake = self.decision.wake;
            let mut idle = true;
            let effects = std::mem::take(&mut self.decision.effects);
            for effect in &effects {
                if later(effect.act) {
                    wake.waits_for_authority = true;
                } else {
                    idle = false;
                    self.perform(*effect);
                }
            }
            self.decision.effects = effects;
            if idle {
                // Of a mailbox the old generation decides nothing from the moment on when the new one is used, which
                // is the only thing that can happen next.
                if !self.keeps {
                    self.state.drop_retired(self.now + policy.skew);
                }
                return wake;
            }
        }
    }

    fn perform(&mut self, Effect { slot, number, act }: Effect) {
        let policy = &self.setup.policy;
        match act {
            Act::Generate { cause } => self.happened(slot, number, Happened::KeyDurable { cause }),
            Act::BackUp => self.happened(slot, number, Happened::BackedUp),
            // The other slot took the last one.
            Act::Submit if self.rate.left() <= 0 => {}
            Act::Submit | Act::Reconcile | Act::Poll => {
                self.rate.ask();
                self.tally.request(self.tick);
                let asked = self.state.generation(slot, number).map_or(0, |generation| generation.asked);
                self.happened(slot, number, Happened::Asking { ask: asked.saturating_add(1) });
                let (not_before, not_after) = self.setup.validity(self.now);
                self.happened(slot, number, Happened::Issued { not_before, not_after });
            }
            Act::Inspect => {
                let (not_before, not_after) = self.setup.validity(self.now);
                self.covers(slot, number);
                let id = GenerationId::new(self.state.id, slot, number);
                let activate_at = policy.activate_at(self.state.kind, not_before, self.now);
                let renew_at = policy.renew_at(self.state.kind, id, not_before, not_after);
                self.happened(slot, number, Happened::Ready { activate_at, renew_at });
            }
            Act::Publish => {
                let not_before = self.state.generation(slot, number).and_then(|generation| generation.not_before);
                let not_before = not_before.unwrap_or(self.now);
                let activate_at = policy.activate_published_at(self.state.kind, not_before, self.now);
                self.happened(slot, number, Happened::Published { activate_at });
            }
            Act::Raise { level } => {
                self.tally.alarm(level);
                if self.keeps {
                    self.tally.rung.push((self.now, level));
                }
                self.happened(slot, number, Happened::Alarmed { level });
            }
        }
    }

    /// From now on `slot` has generation `number`: counts what this ends.
    fn covers(&mut self, slot: Slot, number: u32) {
        let Some(until) = covered(self.state, slot) else {
            self.tally.longest_first = self.tally.longest_first.max(self.now - self.state.enrolled);
            return;
        };
        self.tally.renewals += 1;
        if until < self.now {
            self.gap = true;
            self.tally.gap(self.now - until);
        }
        let before = self.state.of_slot(slot).rfind(|generation| generation.number < number && generation.is_fit());
        let Some(by) = before.and_then(|before| before.replace_by).filter(|&by| self.now < by) else { return };
        let place = self.setup.incidents.iter().position(|incident| incident.by == by);
        if let Some((_, in_time, last)) = place.and_then(|place| self.tally.replaced.get_mut(place)) {
            *in_time += 1;
            *last = (*last).max(Some(self.now));
        }
    }

    fn happened(&mut self, slot: Slot, number: u32, what: Happened) {
        apply(self.state, &Event::new(slot, number, self.now, what));
        self.tally.events += 1;
    }
}

/// The second from which on `slot` has no certificate that is valid. `None` if it never had one.
pub(super) fn covered(state: &SubjectState, slot: Slot) -> Option<Time> {
    let ready = state.of_slot(slot).filter(|generation| generation.ready.is_some());
    let end = |time: Option<Time>| time.unwrap_or(Time::NEVER);
    ready.map(|ready| (end(ready.not_after) + Span::seconds(1)).min(end(ready.revoked))).max()
}
