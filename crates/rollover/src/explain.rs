//! Why this key signs, what decrypts, and what comes next: for people, and for programs.

use std::fmt;

use serde::Serialize;

use crate::{
    Act, CaHealth, Cause, Generation, Policy, Slot, Span, Stage, SubjectId, SubjectKind, SubjectState, Time,
    alarm::Level, decide::decide_slot,
};

/// What is so at a moment, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// Whose.
    pub subject: SubjectId,
    /// What the subject is.
    pub kind: SubjectKind,
    /// When.
    pub at: Time,
    /// Under which policy.
    pub policy: String,
    /// Since when its keys don't roll any more.
    pub left: Option<Time>,
    /// Each of its slots.
    pub slots: Vec<SlotExplanation>,
}

/// What is so of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SlotExplanation {
    /// Which one.
    pub slot: Slot,
    /// The generation that signs, or whose certificate is given to partners.
    pub holder: Option<Holder>,
    /// What became of each generation, the newest first.
    pub generations: Vec<Standing>,
    /// The generations whose keys decrypt.
    pub decrypts: Vec<u32>,
    /// When the user is affected if nothing is done; none if nobody waits for a key.
    pub deadline: Option<Time>,
    /// What comes next.
    pub next: Next,
}

/// The generation that is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Holder {
    /// Which one.
    pub number: u32,
    /// Its last second.
    pub until: Option<Time>,
    /// Why it is this one.
    pub why: Why,
}

/// Why a generation is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Why {
    /// It is the only one that is valid.
    Only,
    /// It came into use last, then.
    Newest {
        /// When.
        since: Time,
    },
    /// None that is in use is valid, so one stands in that was still announced.
    StandsIn,
}

/// What became of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Standing {
    /// Which one.
    pub number: u32,
    /// Why it was made.
    pub cause: Cause,
    /// What it does.
    pub does: Does,
    /// Since when, or when that ends.
    pub time: Option<Time>,
}

/// What a generation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Does {
    /// It is used, until then.
    Holds,
    /// It will be used from then on.
    Announced,
    /// It waits for its certificate, since then.
    Waits,
    /// It was followed by another one, which is used; its certificate ends then.
    Superseded,
    /// Its certificate ended then.
    Expired,
    /// It was refused then.
    Refused,
    /// Its certificate was revoked then.
    Revoked,
    /// Its key was destroyed then.
    Destroyed,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Next {
    /// When; never if nothing comes by itself.
    pub at: Time,
    /// What.
    pub step: Step,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// Nothing: somebody must ask for a key first.
    AskFor,
    /// Nothing: the subject has left.
    None,
    /// That generation is started.
    Start {
        /// Which one.
        number: u32,
        /// Why.
        cause: Cause,
    },
    /// A generation takes its next step.
    Do {
        /// Which one.
        number: u32,
        /// What.
        act: Act,
    },
    /// The authority is asked again about that generation.
    AskAgain {
        /// Which one.
        number: u32,
    },
    /// An alarm gets louder.
    Ring {
        /// How loud.
        level: Level,
    },
}

/// What is so at `t` of the subject with `state` under `policy`, and why, with an authority that can be asked.
#[must_use]
pub fn explain(state: &SubjectState, policy: &Policy, t: Time) -> Explanation {
    Explanation {
        subject: state.id,
        kind: state.kind,
        at: t,
        policy: policy.name.clone(),
        left: state.left.filter(|&left| left <= t),
        slots: state.layout.slots().iter().map(|&slot| Of { state, policy, t, slot }.explain()).collect(),
    }
}

/// One slot at one time.
struct Of<'a> {
    state: &'a SubjectState,
    policy: &'a Policy,
    t: Time,
    slot: Slot,
}

impl Of<'_> {
    fn explain(&self) -> SlotExplanation {
        let holder = self.state.holder(self.slot, self.t);
        let of_slot = || self.state.of_slot(self.slot);
        let (next, deadline) = self.next();
        SlotExplanation {
            slot: self.slot,
            holder: holder.map(|holder| self.holder(holder)),
            generations: of_slot().rev().map(|generation| self.standing(generation, holder)).collect(),
            decrypts: of_slot()
                .filter(|generation| generation.slot.decrypts() && generation.destroyed.is_none())
                .map(|generation| generation.number)
                .collect(),
            deadline,
            next,
        }
    }

    fn holder(&self, holder: &Generation) -> Holder {
        let others = self.state.of_slot(self.slot).filter(|other| other.number != holder.number);
        let why = match holder.activate_at {
            _ if !holder.is_in_use(self.t) => Why::StandsIn,
            Some(since) if others.into_iter().any(|other| other.is_valid(self.t)) => Why::Newest { since },
            _ => Why::Only,
        };
        Holder { number: holder.number, until: holder.not_after, why }
    }

    fn standing(&self, generation: &Generation, holder: Option<&Generation>) -> Standing {
        let holds = holder.is_some_and(|holder| holder.number == generation.number);
        let (does, time) = match generation.stage() {
            Stage::Destroyed => (Does::Destroyed, generation.destroyed),
            Stage::Revoked => (Does::Revoked, generation.revoked),
            Stage::Refused => (Does::Refused, generation.refused),
            Stage::Ready if holds => (Does::Holds, generation.not_after),
            Stage::Ready if generation.not_after < Some(self.t) => (Does::Expired, generation.not_after),
            Stage::Ready if !generation.is_in_use(self.t) => (Does::Announced, generation.activate_at),
            Stage::Ready => (Does::Superseded, generation.not_after),
            _ => (Does::Waits, Some(generation.key_durable)),
        };
        Standing { number: generation.number, cause: generation.cause, does, time }
    }

    /// What comes next, and when the user is affected if it does not come.
    fn next(&self) -> (Next, Option<Time>) {
        let decision = decide_slot(self.t, self.state, self.policy, CaHealth::READY, self.slot);
        let deadline = Some(decision.wake.deadline).filter(|&deadline| deadline != Time::NEVER);
        let last = self.state.of_slot(self.slot).next_back();
        let at = decision.wake.at;
        let step = match decision.effects.iter().find(|effect| !matches!(effect.act, Act::Raise { .. })) {
            Some(effect) => {
                let step = match effect.act {
                    Act::Generate { cause } => Step::Start { number: effect.number, cause },
                    act => Step::Do { number: effect.number, act },
                };
                return (Next { at: self.t, step }, deadline);
            }
            None if self.state.left.is_some() => Step::None,
            None => self.awaited(last, at),
        };
        (Next { at: if matches!(step, Step::None | Step::AskFor) { Time::NEVER } else { at }, step }, deadline)
    }

    /// What happens at `at`, which lies ahead.
    fn awaited(&self, last: Option<&Generation>, at: Time) -> Step {
        if at == Time::NEVER {
            return Step::AskFor;
        }
        // The same decision at that time tells it.
        let then = decide_slot(at, self.state, self.policy, CaHealth::READY, self.slot);
        let started = then.effects.iter().find_map(|effect| match effect.act {
            Act::Generate { cause } => Some(Step::Start { number: effect.number, cause }),
            Act::Submit | Act::Poll | Act::Reconcile => Some(Step::AskAgain { number: effect.number }),
            _ => None,
        });
        let rings = then.effects.iter().find_map(|effect| match effect.act {
            Act::Raise { level } => Some(Step::Ring { level }),
            _ => None,
        });
        let number = last.map_or(1, |last| last.number);
        started.or(rings).unwrap_or(Step::AskAgain { number })
    }
}

mod words;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words::write(self, f)
    }
}

impl Holder {
    /// How long it is still used, seen from `t`.
    #[must_use]
    pub fn left(&self, t: Time) -> Option<Span> {
        self.until.map(|until| until - t)
    }
}
