//! What to do about a subject now, and when to look again.
//!
//! Deciding early changes nothing and deciding late comes to the same, so nothing depends on when it is called.

use crate::{
    Act, CaHealth, Cause, Decision, Effect, FirstKey, Generation, Policy, SecondPlace, Slot, Span, Stage, SubjectState,
    Time, Wake,
    alarm::{self, Level},
};

/// What is to be done at `now` about the subject with `state`, under `policy`, with its authority in `ca`'s health.
///
/// One step of each slot: do the effects, [`apply`](crate::apply) their events, and decide again, until there is no
/// effect. Then look again at the time of the wake.
#[must_use]
pub fn decide(now: Time, state: &SubjectState, policy: &Policy, ca: &CaHealth) -> Decision {
    let mut decision = Decision { effects: Vec::new(), wake: Wake::NEVER };
    decide_into(&mut decision, now, state, policy, *ca);
    decision
}

/// The same, into a decision whose memory is used again.
pub(crate) fn decide_into(decision: &mut Decision, now: Time, state: &SubjectState, policy: &Policy, ca: CaHealth) {
    decision.effects.clear();
    decision.wake = Wake::NEVER;
    if state.left.is_none() {
        for &slot in state.layout.slots() {
            Look { now, state, policy, ca, slot }.decide(decision);
        }
    }
}

/// What is to be done about one slot of a subject that has not left.
pub(crate) fn decide_slot(now: Time, state: &SubjectState, policy: &Policy, ca: CaHealth, slot: Slot) -> Decision {
    let mut decision = Decision { effects: Vec::new(), wake: Wake::NEVER };
    if state.left.is_none() {
        Look { now, state, policy, ca, slot }.decide(&mut decision);
    }
    decision
}

/// A look at one slot.
struct Look<'a> {
    now: Time,
    state: &'a SubjectState,
    policy: &'a Policy,
    ca: CaHealth,
    slot: Slot,
}

/// The next step of a slot.
enum Next {
    /// Now.
    Do(Act),
    /// Not before then.
    Wait { until: Time, for_authority: bool },
}

impl Look<'_> {
    fn decide(&self, decision: &mut Decision) {
        let last = self.state.leading(self.slot);
        let pending = last.filter(|last| self.is_pending(last));
        let (number, next) = if let Some(pending) = pending {
            (pending.number, self.advance(pending))
        } else if let Some((cause, at)) = self.wanted(last) {
            (self.state.highest(self.slot) + 1, self.at(at, Act::Generate { cause }))
        } else {
            (0, Next::Wait { until: Time::NEVER, for_authority: false })
        };
        let underway = pending.is_some() || matches!(next, Next::Do(Act::Generate { .. }));
        let deadline = self.deadline();
        decision.wake.deadline = decision.wake.deadline.min(deadline);
        if let Some(last) = last
            && last.stage() == Stage::Ready
            && last.published.is_none()
        {
            self.push(decision, last.number, Act::Publish);
        }
        // Whose last key was destroyed gets no other one by himself: somebody must know (invariant I1).
        if underway || last.is_some_and(|last| matches!(last.stage(), Stage::Refused | Stage::Destroyed)) {
            self.alarm(decision, deadline);
        }
        match next {
            Next::Do(act) => self.push(decision, number, act),
            Next::Wait { until, for_authority } => {
                if until < decision.wake.at {
                    decision.wake.at = until;
                    decision.wake.waits_for_authority = for_authority;
                }
            }
        }
    }

    fn push(&self, decision: &mut Decision, number: u32, act: Act) {
        decision.effects.push(Effect { slot: self.slot, number, act });
    }

    /// `act` at `at`, if that has come.
    fn at(&self, at: Time, act: Act) -> Next {
        let asked = if act.needs_authority() { at.max(self.ca.ask_from) } else { at };
        if asked <= self.now {
            Next::Do(act)
        } else {
            Next::Wait { until: asked, for_authority: act.needs_authority() }
        }
    }

    /// Whether steps of `generation` are left before it can be used.
    fn is_pending(&self, generation: &Generation) -> bool {
        let silent = || generation.accepted.is_some_and(|accepted| accepted + self.policy.silence <= self.now);
        match generation.stage() {
            Stage::KeyDurable | Stage::Issued => true,
            Stage::Requested => !silent(),
            _ => false,
        }
    }

    /// The next step of a generation that is pending.
    fn advance(&self, generation: &Generation) -> Next {
        let retry = generation.retry_at.unwrap_or(generation.key_durable);
        let lacks_backup =
            self.policy.second_place == SecondPlace::Required && self.slot.decrypts() && generation.backed_up.is_none();
        if lacks_backup {
            Next::Do(Act::BackUp)
        } else if generation.issued.is_some() {
            Next::Do(Act::Inspect)
        } else if let Some(accepted) = generation.accepted {
            match self.at(retry, Act::Poll) {
                Next::Wait { until, for_authority } => {
                    Next::Wait { until: until.min(accepted + self.policy.silence), for_authority }
                }
                poll @ Next::Do(_) => poll,
            }
        } else if generation.is_ambiguous() {
            self.at(self.now, Act::Reconcile)
        } else {
            self.at(retry, Act::Submit)
        }
    }

    /// Why a generation after `last` is wanted, and from when on.
    fn wanted(&self, last: Option<&Generation>) -> Option<(Cause, Time)> {
        let (number, cause) = self.state.mark(self.slot).wanted;
        if number > self.state.highest(self.slot) {
            return Some((cause, self.now));
        }
        let Some(last) = last else {
            return (self.policy.first_key == FirstKey::AtEnrolment).then_some((Cause::Enrolled, self.state.enrolled));
        };
        match last.stage() {
            Stage::Revoked => Some((Cause::Revoked, self.now)),
            Stage::Refused => {
                let after = self.policy.retry_refused_after(self.refusals());
                last.refused.map(|refused| (Cause::Refused, refused + after))
            }
            Stage::Ready if last.replace_by.is_some() => Some((Cause::Replacement, self.now)),
            Stage::Ready => last.renew_at.map(|renew_at| (Cause::Due, renew_at)),
            // The authority was silent.
            Stage::Requested => Some((Cause::Refused, self.now)),
            _ => None,
        }
    }

    /// How many generations were refused since the last one that was fit.
    fn refusals(&self) -> u32 {
        let refused = |generation: &&Generation| generation.stage() == Stage::Refused;
        let count = self.state.of_slot(self.slot).rev().take_while(refused).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// When the user is affected: when the slot has no signer any more. One who never had one is served within a day.
    fn deadline(&self) -> Time {
        match self.state.covered_until(self.slot, self.now) {
            Some(until) => until,
            None if self.state.of_slot(self.slot).any(|generation| generation.ready.is_some()) => self.now,
            None => {
                let first = self.state.of_slot(self.slot).next();
                first.map_or(self.state.enrolled, |first| first.key_durable) + Span::days(1)
            }
        }
    }

    fn alarm(&self, decision: &mut Decision, deadline: Time) {
        let ending = self.state.of_slot(self.slot).rfind(|generation| generation.ready.is_some());
        let (level, next) = match ending {
            // Replacing a set takes as long as the authority's rate says: only its last day is worth a call.
            Some(ending) if ending.replace_by.is_some() => alarm::level(self.now, deadline, Span::days(2)),
            Some(_) => alarm::level(self.now, deadline, self.policy.start),
            // A first certificate that is late. On demand, nobody knows since when, before there is a key.
            None if self.state.highest(self.slot) == 0 && self.policy.first_key == FirstKey::OnDemand => {
                (Level::Quiet, Time::NEVER)
            }
            None if self.now >= deadline => (Level::Warning, Time::NEVER),
            None => (Level::Quiet, deadline),
        };
        let about = ending.map_or(0, |ending| ending.number);
        if level > Level::Quiet && (about, level) > self.state.mark(self.slot).alarm {
            self.push(decision, about, Act::Raise { level });
        }
        if next < decision.wake.at {
            // An alarm waits for nobody.
            (decision.wake.at, decision.wake.waits_for_authority) = (next, false);
        }
    }
}
