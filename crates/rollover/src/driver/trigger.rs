//! What sets keys rolling before they are due, and who asks which keys there are.

use super::{Alarms, Driver, Publisher};
use crate::{
    Cause, Error, Event, GenerationId, Happened, Result, RevocationReason, Slot, Span, Stage, SubjectId, SubjectKind,
    SubjectState, Time,
    authority::CertificateAuthority,
    port::{CertificateRecord, KeyName, KeyStore, Listed, PrivateKey},
    workshop::Workshop,
};

/// The address of a sender whom the caller has authenticated and who may send from it.
///
/// Only such a one may set off an order (trap T15): anybody can write any address into a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authenticated<'a>(&'a str);

impl<'a> Authenticated<'a> {
    /// The caller states that it authenticated the sender, and that the sender may send from `address`.
    #[must_use]
    pub const fn sender(address: &'a str) -> Self {
        Self(address)
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> &'a str {
        self.0
    }
}

/// What a mail is to do whose sender has no signer yet (feature A092).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WithoutSigner {
    /// It waits, then goes unsigned.
    Hold {
        /// How long it waits, counted from when it arrived.
        at_most: Span,
    },
    /// It goes unsigned at once; the next one will be signed.
    GoUnsigned,
}

/// What a mail is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FirstMail {
    /// It is signed with this.
    Ready(Signer),
    /// It is held: ask again then.
    WaitUntil(Time),
    /// It goes unsigned.
    Unsigned,
}

/// With what an address signs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signer {
    /// Whose key: [`KeyStore::private_key`] has it.
    pub generation: GenerationId,
    /// Its certificate; after it, where another key decrypts, the one that partners are to encrypt to.
    pub certificates: Vec<CertificateRecord>,
}

impl<S: KeyStore, C: CertificateAuthority, W: Workshop, P: Publisher, A: Alarms> Driver<S, C, W, P, A> {
    /// `actor` wants new keys for `subject` now (feature A090). If new ones are on their way, those are they.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it is not enrolled; those of the store.
    pub async fn issue_now(&self, subject: SubjectId, actor: &str) -> Result<()> {
        let listed = self.enrolled(subject).await?;
        self.want(&listed, Cause::Click, actor).await
    }

    /// A mail of an authenticated sender that arrived at `arrived` is to be signed (features A091, A092). The first
    /// one of an enrolled sender sets off the order; however many come at once, it is one order. Where the last order
    /// was refused, a mail sets off none: the schedule tries again when the policy says.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn first_mail(&self, sender: Authenticated<'_>, arrived: Time) -> Result<FirstMail> {
        let now = self.store.now().await?;
        let Some(listed) = self.subject_of(sender.address()).await? else {
            return Ok(FirstMail::Unsigned);
        };
        if let Some(signer) = self.signer_of(&listed, now).await? {
            return Ok(FirstMail::Ready(signer));
        }
        if listed.state.left.is_some() {
            return Ok(FirstMail::Unsigned);
        }
        self.want(&listed, Cause::FirstMail, &self.node).await?;
        self.attend(listed.subject.id).await?;
        let listed = self.enrolled(listed.subject.id).await?;
        if let Some(signer) = self.signer_of(&listed, now).await? {
            return Ok(FirstMail::Ready(signer));
        }
        let until = match self.without_signer {
            WithoutSigner::Hold { at_most } => arrived + at_most,
            WithoutSigner::GoUnsigned => now,
        };
        let again = listed.wake.at.max(now + Span::seconds(1)).min(until);
        Ok(if until > now { FirstMail::WaitUntil(again) } else { FirstMail::Unsigned })
    }

    /// The authority's list, or its answer, says that a certificate of ours is revoked since `at`: it signs nothing
    /// any more from now on, its successor is the most urgent of all, and its key still decrypts (trap T27).
    ///
    /// Returns the generations that are affected. None, if the certificate is a spare one of a key whose adopted
    /// certificate stands, unless the key itself is compromised.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn revoked(
        &self,
        issuer: &[u8],
        serial: &[u8],
        reason: RevocationReason,
        at: Time,
    ) -> Result<Vec<GenerationId>> {
        let name = KeyName::IssuerAndSerial { issuer: issuer.to_vec(), serial: serial.to_vec() };
        let mut affected = Vec::new();
        for id in self.store.find(&name).await? {
            let adopted = self.store.generation(id).await?.and_then(|record| record.certificates.into_iter().next());
            let is_adopted = adopted.is_some_and(|adopted| adopted.issuer == issuer && adopted.serial == serial);
            // One that was refused never signed anything, and has a time of its own at which a new key is tried.
            let state = self.enrolled(id.subject).await?.state;
            let was_refused = state.generation(id.slot, id.number).is_some_and(|known| known.refused.is_some());
            if !was_refused && (is_adopted || reason == RevocationReason::KeyCompromise) {
                let event = Event::new(id.slot, id.number, at, Happened::Revoked { reason });
                self.store.record(id.subject, &event, &self.node).await?;
                affected.push(id);
            }
        }
        Ok(affected)
    }

    /// The authority advises to renew `generation` at `renew_at`. It only ever brings renewal forward.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn hint(&self, generation: GenerationId, renew_at: Time) -> Result<()> {
        let now = self.store.now().await?;
        let event = Event::new(generation.slot, generation.number, now, Happened::Hinted { renew_at });
        self.store.record(generation.subject, &event, &self.node).await?;
        Ok(())
    }

    /// `subject` leaves: its keys don't roll any more. What is there still decrypts.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it is not enrolled; those of the store.
    pub async fn leave(&self, subject: SubjectId, actor: &str) -> Result<()> {
        let listed = self.enrolled(subject).await?;
        let slot = listed.subject.layout.slots().first().copied().unwrap_or(Slot::Dual);
        let event = Event::new(slot, 0, self.store.now().await?, Happened::Left);
        self.store.record(subject, &event, actor).await?;
        Ok(())
    }

    /// The private keys that a mail may be encrypted to that names its recipient by `name`: also those of
    /// certificates that ended or were revoked (feature A087).
    ///
    /// # Errors
    ///
    /// Those of the store. A key that was destroyed is left out.
    pub async fn decrypters_for(&self, name: &KeyName) -> Result<Vec<(GenerationId, PrivateKey)>> {
        let mut keys = Vec::new();
        for id in self.store.find(name).await? {
            match self.store.private_key(id).await {
                Ok(key) => keys.push((id, key)),
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(keys)
    }

    /// With what `address`, a mailbox or a domain, signs at `now`.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn signer(&self, address: &str, now: Time) -> Result<Option<Signer>> {
        match self.subject_of(address).await? {
            Some(listed) => self.signer_of(&listed, now).await,
            None => Ok(None),
        }
    }

    async fn signer_of(&self, listed: &Listed, now: Time) -> Result<Option<Signer>> {
        let state = &listed.state;
        let id = |generation: &crate::Generation| GenerationId::new(state.id, generation.slot, generation.number);
        let Some(generation) = state.signer(now).map(id) else {
            return Ok(None);
        };
        let mut certificates = Vec::new();
        let encrypting = state.layout.slots().iter().filter(|slot| !slot.signs());
        let encrypting = encrypting.filter_map(|&slot| state.holder(slot, now)).map(id);
        for id in std::iter::once(generation).chain(encrypting) {
            let record = self.store.generation(id).await?;
            certificates.extend(record.and_then(|record| record.certificates.into_iter().next()));
        }
        Ok(Some(Signer { generation, certificates }))
    }

    pub(super) async fn enrolled(&self, subject: SubjectId) -> Result<Listed> {
        let missing = || Error::NotFound { what: format!("subject {subject}") };
        self.store.load(subject).await?.ok_or_else(missing)
    }

    /// Whose `address` is: a mailbox's, a shared mailbox's, or, without an `@`, a domain's.
    async fn subject_of(&self, address: &str) -> Result<Option<Listed>> {
        let kinds: &[SubjectKind] = if address.contains('@') {
            &[SubjectKind::Mailbox, SubjectKind::SharedMailbox]
        } else {
            &[SubjectKind::Domain]
        };
        for &kind in kinds {
            let listed = self.store.load(SubjectId::of(kind, address)).await?;
            if listed.is_some() {
                return Ok(listed);
            }
        }
        Ok(None)
    }

    /// New generations of all slots are wanted, except where one is wanted or on its way already.
    async fn want(&self, listed: &Listed, cause: Cause, actor: &str) -> Result<()> {
        let now = self.store.now().await?;
        for &slot in listed.subject.layout.slots() {
            if let Some(number) = wanted(&listed.state, slot, cause) {
                let event = Event::new(slot, number, now, Happened::Wanted { cause });
                self.store.record(listed.subject.id, &event, actor).await?;
            }
        }
        Ok(())
    }
}

/// The number of the generation that is wanted next, unless it is known already or under way.
///
/// After a refusal only a person is heard before the schedule tries again: mails would set off an order each.
fn wanted(state: &SubjectState, slot: Slot, cause: Cause) -> Option<u32> {
    let leading = state.leading(slot);
    let under_way = leading.is_some_and(|last| last.stage() < Stage::Ready);
    let refused = cause == Cause::FirstMail && leading.is_some_and(|last| last.stage() == Stage::Refused);
    let next = state.highest(slot) + 1;
    (!under_way && !refused && state.mark(slot).wanted.0 < next).then_some(next)
}
