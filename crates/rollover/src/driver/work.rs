//! The work on one subject while its lease lasts.

use super::{Alarms, Driver, Publisher, Shift};
use crate::{
    Act, Effect, Event, GenerationId, Happened, Result, Span, SubjectState, Time, Wake,
    authority::CertificateAuthority,
    decide,
    port::{Attachment, KeyStore, Lease},
    workshop::Workshop,
};

/// When something is tried again that failed on our side.
const AGAIN: Span = Span::minutes(5);
/// How often a subject is decided about under one lease. A life has fewer steps; a policy that waits for nothing
/// would go on for ever.
const ROUNDS: u32 = 32;

/// A subject that is worked on.
pub(super) struct Work<'a, S, C, W, P, A> {
    pub(super) driver: &'a Driver<S, C, W, P, A>,
    pub(super) shift: &'a mut Shift,
    pub(super) lease: Lease,
    pub(super) state: SubjectState,
    /// What can't be done now, until when, and whether it waits for the authority. It holds up nothing else: where
    /// nobody hears an alarm, keys roll all the same.
    stalled: Vec<(Effect, Time, bool)>,
}

/// What became of an effect.
pub(super) enum Step {
    /// It is done.
    Done,
    /// It can't be done, or nobody knows whether it was.
    Stalled {
        /// When to look again.
        until: Time,
        /// Whether the authority is waited for.
        for_authority: bool,
    },
}

impl<'a, S: KeyStore, C: CertificateAuthority, W: Workshop, P: Publisher, A: Alarms> Work<'a, S, C, W, P, A> {
    pub(super) fn new(driver: &'a Driver<S, C, W, P, A>, shift: &'a mut Shift, mut lease: Lease) -> Self {
        let state = std::mem::replace(&mut lease.state, SubjectState::new(&lease.subject));
        Self { driver, shift, lease, state, stalled: Vec::new() }
    }

    /// Decides and does what was decided until there is nothing left to do; then gives the lease back.
    pub(super) async fn run(mut self) {
        let subject = self.lease.subject.id;
        for _ in 0..ROUNDS {
            let decision = decide(self.shift.now, &self.state, &self.driver.policy, &self.shift.health());
            let deadline = decision.wake.deadline;
            let effects: Vec<Effect> =
                decision.effects.into_iter().filter(|&effect| !self.is_stalled(effect)).collect();
            if effects.is_empty() {
                return self.release(decision.wake).await;
            }
            for effect in effects {
                let (until, for_authority) = match self.perform(effect, deadline).await {
                    Ok(Step::Done) => continue,
                    Ok(Step::Stalled { until, for_authority }) => (until, for_authority),
                    Err(error) => {
                        self.shift.report.error(subject, &error);
                        if matches!(error, crate::Error::Fenced { .. }) {
                            return;
                        }
                        (self.again(), false)
                    }
                };
                self.stalled.push((effect, until, for_authority));
            }
        }
        self.shift.report.failure(subject, "it does not come to rest: the policy waits for nothing");
    }

    fn is_stalled(&self, effect: Effect) -> bool {
        self.stalled.iter().any(|&(stalled, ..)| stalled == effect)
    }

    async fn release(self, mut wake: Wake) {
        for (_, until, for_authority) in self.stalled {
            if until < wake.at {
                (wake.at, wake.waits_for_authority) = (until, for_authority);
            }
        }
        if let Err(error) = self.driver.store.release(&self.lease, wake).await {
            self.shift.report.error(self.lease.subject.id, &error);
        }
    }

    async fn perform(&mut self, effect: Effect, deadline: Time) -> Result<Step> {
        match effect.act {
            Act::Generate { cause } => self.generate(effect, cause).await,
            Act::BackUp => self.back_up(effect).await,
            Act::Submit => self.submit(effect).await,
            Act::Reconcile => self.reconcile(effect).await,
            Act::Poll => self.poll(effect).await,
            Act::Inspect => self.inspect(effect).await,
            Act::Publish => self.publish(effect).await,
            Act::Raise { level } => self.raise(effect, level, deadline).await,
        }
    }

    pub(super) const fn id(&self, effect: Effect) -> GenerationId {
        GenerationId::new(self.lease.subject.id, effect.slot, effect.number)
    }

    /// Writes down that `what` happened to the effect's generation.
    pub(super) async fn note(&mut self, effect: Effect, what: Happened, attachment: Attachment) -> Result<Step> {
        let event = Event::new(effect.slot, effect.number, self.shift.now, what);
        self.state = self.driver.store.advance(&self.lease, &event, &attachment).await?;
        Ok(Step::Done)
    }

    /// `what` failed, on our side: it is tried again.
    pub(super) fn failure(&mut self, what: impl Into<String>) -> Step {
        self.shift.report.failure(self.lease.subject.id, what);
        Step::Stalled { until: self.again(), for_authority: false }
    }

    fn again(&self) -> Time {
        self.shift.now + AGAIN
    }
}
