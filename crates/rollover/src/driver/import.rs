//! Keys that come from elsewhere, with their certificates: what a user had before the schedule took over, or an archive.

use super::{Alarms, Driver, Publisher};
use crate::{
    Cause, Error, Event, GenerationId, Happened, Result, SecondPlace, Slot, SubjectId,
    authority::CertificateAuthority,
    port::{Attachment, CertificateRecord, Claim, KeyName, KeyStore, Lease, NewGeneration, PrivateKey},
    workshop::Workshop,
};

impl<S: KeyStore, C: CertificateAuthority, W: Workshop, P: Publisher, A: Alarms> Driver<S, C, W, P, A> {
    /// Takes in `key`, which belongs to `certificate`: it decrypts from now on, and signs as long as the certificate is
    /// valid and the schedule has made no newer one. Taking the same key in again changes nothing.
    ///
    /// The caller has looked whether they belong to each other and to `subject`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the subject is not enrolled, [`Error::Held`] if another node works on it; those of the
    /// store. What was committed before stays: taking it in again goes on.
    pub async fn import(
        &self,
        subject: SubjectId,
        slot: Slot,
        key: PrivateKey,
        certificate: CertificateRecord,
    ) -> Result<GenerationId> {
        let listed = self.enrolled(subject).await?;
        let now = self.store.now().await?;
        let claim = Claim::only(subject, self.node.clone(), self.limits.lease);
        let lease = self.store.claim(now, &claim).await?.pop().ok_or(Error::Held { subject })?;
        let done = self.take_in(&lease, slot, key, certificate).await;
        // Whatever was done, somebody looks at it.
        self.store.release(&lease, listed.wake.at_once(now)).await?;
        done
    }

    async fn take_in(
        &self,
        lease: &Lease,
        slot: Slot,
        key: PrivateKey,
        certificate: CertificateRecord,
    ) -> Result<GenerationId> {
        let (subject, now) = (&lease.subject, self.store.now().await?);
        let there = self.store.find(&KeyName::Spki(certificate.public.spki_sha256.clone())).await?;
        let there = there.into_iter().find(|id| id.subject == subject.id);
        let id = there.unwrap_or_else(|| GenerationId::new(subject.id, slot, lease.state.highest(slot) + 1));
        match lease.state.generation(id.slot, id.number) {
            // Ours, or taken in before: it may be another certificate of the same key.
            Some(known) if known.cause != Cause::Imported || known.published.is_some() => {
                return self.keep_spare(lease, id, certificate).await.map(|()| id);
            }
            // It was stopped in the middle.
            Some(_) => {}
            None => {
                let new = NewGeneration::new((id, Cause::Imported, now), key, certificate.public.clone(), Vec::new());
                self.store.insert_generation(lease, &new).await?;
            }
        }
        let note = async |what, attachment| {
            self.store.advance(lease, &Event::new(id.slot, id.number, now, what), &attachment).await
        };
        if self.policy.second_place == SecondPlace::Required && id.slot.decrypts() {
            self.store.back_up(id).await?;
            note(Happened::BackedUp, Attachment::None).await?;
        }
        let (not_before, not_after) = (certificate.not_before, certificate.not_after);
        let renew_at = self.policy.renew_at(subject.kind, id, not_before, not_after);
        // It has been in use since.
        let activate_at = not_before;
        note(Happened::Issued { not_before, not_after }, Attachment::Certificate(Box::new(certificate))).await?;
        note(Happened::Ready { activate_at, renew_at }, Attachment::None).await?;
        note(Happened::Published { activate_at }, Attachment::None).await?;
        Ok(id)
    }

    /// Keeps a further certificate of a key, so that mails to it find the key.
    async fn keep_spare(&self, lease: &Lease, id: GenerationId, certificate: CertificateRecord) -> Result<()> {
        let known = self.store.generation(id).await?.map(|record| record.certificates).unwrap_or_default();
        if known.iter().any(|known| known.der == certificate.der) {
            return Ok(());
        }
        let (not_before, not_after) = (certificate.not_before, certificate.not_after);
        let event = Event::new(id.slot, id.number, self.store.now().await?, Happened::Issued { not_before, not_after });
        self.store.advance(lease, &event, &Attachment::Certificate(Box::new(certificate))).await.map(drop)
    }
}
