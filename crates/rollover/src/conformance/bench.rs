//! What the cases work with: a fresh store, a time, and made-up keys and certificates.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    Harness,
    check::{Outcome, there},
};
use crate::{
    Cause, Event, GenerationId, Happened, Layout, Slot, Span, Subject, SubjectKind, SubjectState, Time, Wake,
    port::{Attachment, CertificateRecord, Claim, KeyStore, Lease, NewGeneration, PrivateKey, PublicKey},
};

/// How long the leases of cases last.
pub(super) const LIFETIME: Span = Span::minutes(5);

/// Where a case takes place.
pub(super) struct Bench<'h, H: Harness> {
    pub(super) harness: &'h H,
    pub(super) store: H::Store,
    /// An hour after the store's time.
    pub(super) now: Time,
}

impl<'h, H: Harness> Bench<'h, H> {
    pub(super) async fn new(harness: &'h H) -> Outcome<Self> {
        let store = harness.fresh().await?;
        let now = store.now().await? + Span::hours(1);
        Ok(Self { harness, store, now })
    }

    pub(super) async fn another(&self) -> Outcome<H::Store> {
        Ok(self.harness.another(&self.store).await?)
    }

    /// Closes the store and opens it again.
    pub(super) async fn reopen(&mut self) -> Outcome {
        // Nobody may hold it meanwhile, so another one takes its place.
        let placeholder = self.harness.fresh().await?;
        let store = std::mem::replace(&mut self.store, placeholder);
        self.store = self.harness.reopen(store).await?;
        Ok(())
    }

    /// An enrolled mailbox with one slot.
    pub(super) async fn mailbox(&self, local: &str) -> Outcome<Subject> {
        self.enrolled(SubjectKind::Mailbox, &format!("{local}@example.org"), Layout::Dual).await
    }

    pub(super) async fn enrolled(&self, kind: SubjectKind, address: &str, layout: Layout) -> Outcome<Subject> {
        let subject = Subject::new(kind, address, layout, self.now)?;
        self.store.enroll(&subject, "operator").await?;
        Ok(subject)
    }

    /// Claims up to `limit` subjects for `node`.
    pub(super) async fn claim(&self, node: &str, limit: u32) -> Outcome<Vec<Lease>> {
        self.claim_at(self.now, node, limit).await
    }

    pub(super) async fn claim_at(&self, now: Time, node: &str, limit: u32) -> Outcome<Vec<Lease>> {
        Ok(self.store.claim(now, &Claim::new(node, LIFETIME, limit, limit)).await?)
    }

    /// Claims all that is due, and gives the lease of `subject`.
    pub(super) async fn lease(&self, subject: &Subject) -> Outcome<Lease> {
        self.lease_at(self.now, "one", subject).await
    }

    pub(super) async fn lease_at(&self, now: Time, node: &str, subject: &Subject) -> Outcome<Lease> {
        let leases = self.claim_at(now, node, 1_000).await?;
        there("the lease of a subject that is due", leases.into_iter().find(|lease| lease.subject.id == subject.id))
    }

    /// A mailbox, and a lease of it.
    pub(super) async fn held(&self, local: &str) -> Outcome<Lease> {
        let subject = self.mailbox(local).await?;
        self.lease(&subject).await
    }

    /// A mailbox that was claimed by `one`, and then by `two`: the old lease and the new one.
    pub(super) async fn taken_over(&self, local: &str) -> Outcome<(Lease, Lease)> {
        let old = self.held(local).await?;
        let new = self.lease_at(self.now + LIFETIME, "two", &old.subject).await?;
        Ok((old, new))
    }

    /// Releases all that is due with the wakes `wake` gives.
    pub(super) async fn settle(&self, wake: impl Fn(&Subject) -> Wake) -> Outcome {
        for lease in self.claim("settle", 1_000).await? {
            self.store.release(&lease, wake(&lease.subject)).await?;
        }
        Ok(())
    }

    /// Inserts generation `number` of the slot that signs.
    pub(super) async fn insert(&self, lease: &Lease, number: u32) -> Outcome<GenerationId> {
        let new = self.new_generation(lease, number, &seed(lease, number));
        self.store.insert_generation(lease, &new).await?;
        Ok(new.id)
    }

    pub(super) fn new_generation(&self, lease: &Lease, number: u32, seed: &str) -> NewGeneration {
        let id = GenerationId::new(lease.subject.id, slot(&lease.subject), number);
        NewGeneration::new((id, Cause::Enrolled, self.now), key(seed), public(seed), octets(&[seed, "request"], 300))
    }

    /// Inserts generation `number` and brings it so far that it can be used: with a certificate of `product`.
    pub(super) async fn fit(&self, lease: &Lease, number: u32, product: &str) -> Outcome<GenerationId> {
        let id = self.insert(lease, number).await?;
        let mut certificate = self.certificate(&seed(lease, number));
        product.clone_into(&mut certificate.product);
        self.attach(lease, id, certificate).await?;
        let (activate_at, renew_at) = (self.now, self.now + Span::days(300));
        self.advance(lease, id, Happened::Ready { activate_at, renew_at }).await?;
        Ok(id)
    }

    /// A certificate for the key of `seed`, with a serial number that follows from it.
    pub(super) fn certificate(&self, seed: &str) -> CertificateRecord {
        CertificateRecord {
            issuer: octets(&["issuer"], 90),
            serial: octets(&[seed, "serial"], 16),
            public: public(seed),
            not_before: self.now,
            not_after: self.now + Span::days(365),
            product: "2.23.140.1.5.1.2".to_owned(),
            der: octets(&[seed, "certificate"], 1_500),
            chain: vec![octets(&["intermediate"], 1_200), octets(&["higher"], 1_300)],
        }
    }

    /// The certificate came for the generation.
    pub(super) async fn attach(&self, lease: &Lease, id: GenerationId, certificate: CertificateRecord) -> Outcome {
        let (not_before, not_after) = (certificate.not_before, certificate.not_after);
        let event = self.event(id, Happened::Issued { not_before, not_after });
        self.store.advance(lease, &event, &Attachment::Certificate(Box::new(certificate))).await?;
        Ok(())
    }

    pub(super) async fn advance(&self, lease: &Lease, id: GenerationId, what: Happened) -> Outcome<SubjectState> {
        Ok(self.store.advance(lease, &self.event(id, what), &Attachment::None).await?)
    }

    pub(super) const fn event(&self, id: GenerationId, what: Happened) -> Event {
        Event::new(id.slot, id.number, self.now, what)
    }

    /// The state of `subject` in the store.
    pub(super) async fn state(&self, subject: &Subject) -> Outcome<SubjectState> {
        Ok(there("a subject that was enrolled", self.store.load(subject.id).await?)?.state)
    }

    /// How many audit records there are, and the state and wake of `subject`: if two are the same, nothing was
    /// written between them.
    pub(super) async fn trace(&self, subject: &Subject) -> Outcome<(usize, Option<(SubjectState, Wake)>)> {
        let listed = self.store.load(subject.id).await?;
        Ok((self.records().await?, listed.map(|listed| (listed.state, listed.wake))))
    }

    pub(super) async fn records(&self) -> Outcome<usize> {
        Ok(super::chain::records(&self.store).await?.len())
    }
}

/// The slot that signs.
pub(super) fn slot(subject: &Subject) -> Slot {
    if subject.layout == Layout::Dual { Slot::Dual } else { Slot::Sign }
}

/// What the key of that generation is made from.
pub(super) fn seed(lease: &Lease, number: u32) -> String {
    format!("{}/{number}", lease.subject.address)
}

/// That many octets that look like drawn by lot.
pub(super) fn octets(seeds: &[&str], count: usize) -> Vec<u8> {
    let blocks = (0..count.div_ceil(32)).flat_map(|block| {
        let mut hash = Sha256::new();
        for seed in seeds {
            hash.update(seed);
            hash.update([0]);
        }
        hash.update(block.to_be_bytes());
        <[u8; 32]>::from(hash.finalize())
    });
    blocks.take(count).collect()
}

/// What stands for a private key.
pub(super) fn key(seed: &str) -> PrivateKey {
    PrivateKey::from_pkcs8(Zeroizing::new(octets(&[seed, "key"], 138)))
}

/// What stands for its public key.
pub(super) fn public(seed: &str) -> PublicKey {
    PublicKey::new(octets(&[seed, "spki"], 32), octets(&[seed, "key id"], 20))
}

/// At `at`, with that deadline.
pub(super) const fn wake(at: Time, deadline: Time) -> Wake {
    Wake::new(at, deadline, false)
}
