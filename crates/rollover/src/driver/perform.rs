//! What is done without the authority: making keys, looking at certificates, telling others.

use super::{
    Alarm, Alarms, Publisher,
    work::{Step, Work},
};
use crate::{
    Cause, Effect, Happened, Result, RevocationReason, SubjectKind, Time,
    alarm::Level,
    authority::CertificateAuthority,
    port::{Attachment, CertificateRecord, GenerationRecord, Insertion, KeyStore, NewGeneration, commit},
    workshop::{Asked, Inspection, Workshop},
};

impl<S: KeyStore, C: CertificateAuthority, W: Workshop, P: Publisher, A: Alarms> Work<'_, S, C, W, P, A> {
    pub(super) async fn generate(&mut self, effect: Effect, cause: Cause) -> Result<Step> {
        let id = self.id(effect);
        let made = self.driver.workshop.make_key(&self.lease.subject, id).await?;
        let new = NewGeneration::new((id, cause, self.shift.now), made.key, made.public, made.request);
        let (_, insertion) = commit(&*self.driver.store, &self.lease, &new).await?;
        self.shift.report.generated += u32::from(insertion == Insertion::Inserted);
        // Whichever key is there now is the one that is asked with.
        match self.driver.store.load(id.subject).await? {
            Some(listed) => self.state = listed.state,
            None => return Ok(self.failure("the subject is gone")),
        }
        Ok(Step::Done)
    }

    pub(super) async fn back_up(&mut self, effect: Effect) -> Result<Step> {
        self.driver.store.back_up(self.id(effect)).await?;
        self.note(effect, Happened::BackedUp, Attachment::None).await
    }

    pub(super) async fn inspect(&mut self, effect: Effect) -> Result<Step> {
        let id = self.id(effect);
        let Some((record, certificate)) = self.adopted(effect).await? else {
            return Ok(self.failure("a certificate is noted, but not there"));
        };
        let now = self.shift.now;
        let asked = Asked::new(&self.lease.subject, id, &record.public);
        match self.driver.workshop.inspect(&certificate, &asked, now) {
            Inspection::Fit => {
                let (policy, kind) = (&self.driver.policy, self.lease.subject.kind);
                let activate_at = policy.activate_at(kind, certificate.not_before, now);
                let renew_at = policy.renew_at(kind, id, certificate.not_before, certificate.not_after);
                self.shift.report.ready += 1;
                self.note(effect, Happened::Ready { activate_at, renew_at }, Attachment::None).await
            }
            Inspection::Unfit { findings } => {
                // That is a request, too (invariant I9).
                if !self.take_permit().await? {
                    return Ok(self.wait_for_permit());
                }
                self.shift.report.asked += 1;
                // Before it is noted: a crash in between asks twice, which does no harm.
                if let Err(why) = self.driver.authority.revoke(&certificate, RevocationReason::Unspecified).await {
                    self.shift.report.failure(id.subject, format!("an unfit certificate was not revoked: {why}"));
                }
                self.shift.report.refused += 1;
                self.note(effect, Happened::Refused, Attachment::Reason(findings.join("; "))).await
            }
        }
    }

    pub(super) async fn publish(&mut self, effect: Effect) -> Result<Step> {
        let Some((_, certificate)) = self.adopted(effect).await? else {
            return Ok(self.failure("a certificate is noted, but not there"));
        };
        let subject = &self.lease.subject;
        let activate_at =
            self.driver.policy.activate_published_at(subject.kind, certificate.not_before, self.shift.now);
        let mut told = self.driver.publisher.publish(subject, &certificate).await;
        if told.is_ok() && subject.kind == SubjectKind::Domain {
            told = self.driver.publisher.announce(subject, &certificate, activate_at).await;
        }
        match told {
            Ok(()) => self.note(effect, Happened::Published { activate_at }, Attachment::None).await,
            Err(why) => Ok(self.failure(format!("publishing: {why}"))),
        }
    }

    pub(super) async fn raise(&mut self, effect: Effect, level: Level, affected_at: Time) -> Result<Step> {
        let (subject, left) = (&self.lease.subject, affected_at - self.shift.now);
        let alarm = Alarm { subject, slot: effect.slot, level, affected_at, left };
        if let Err(why) = self.driver.alarms.raise(&alarm).await {
            return Ok(self.failure(format!("alarm: {why}")));
        }
        self.shift.report.alarm(level, affected_at);
        self.note(effect, Happened::Alarmed { level }, Attachment::None).await
    }

    async fn adopted(&self, effect: Effect) -> Result<Option<(GenerationRecord, CertificateRecord)>> {
        let record = self.driver.store.generation(self.id(effect)).await?;
        Ok(record.and_then(|record| record.certificates.first().cloned().map(|certificate| (record, certificate))))
    }
}
