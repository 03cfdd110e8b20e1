//! Stores with a flaw each: what the suite must find.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use sealpost_rollover::{
    Error, Event, GenerationId, Happened, Result, Selection, Slot, Span, Subject, SubjectId, SubjectState, Time, Wake,
    audit::{Head, Record},
    memory::MemoryStore,
    port::{
        Attachment, AuthorityState, CertificateRecord, Claim, GenerationRecord, Insertion, KeyName, KeyStore, Lease,
        Listed, NewGeneration, Pace, PrivateKey, Replacement,
    },
};

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// A late node writes.
    IgnoresEpochs,
    /// A late node gives back what another one holds.
    ReleasesForOthers,
    /// The second key of a generation takes the place of the first one.
    InsertOverwrites,
    /// Settings leave no record.
    ForgetsARecord,
    /// A record was changed after it was written.
    ChangesARecord,
    /// Only the last certificate is found (trap T4).
    FindsTheLastCertificateOnly,
    /// Deadlines don't count.
    ClaimsUnordered,
    /// What waits for the authority is claimed without bound.
    IgnoresAsking,
    /// What was recorded during a lease is forgotten.
    ForgetsWhatWasRecorded,
    /// A lease never ends.
    LeasesForEver,
    /// The key is gone after a restart.
    LosesKeysAtRestart,
    /// Destroying takes what is known of the generation with it.
    DestroysTheRow,
    /// Destroyed keys are still there.
    DestroysNothing,
    /// A paused replacement goes on.
    IgnoresPauses,
    /// The same generation is handed over each time.
    CountsStartsTwice,
    /// Changes of an authority are not kept.
    ForgetsAuthorities,
    /// Each jump of the clock is taken.
    TakesJumps,
    /// An event's attachment is not kept.
    ForgetsOrders,
    /// The state that is answered is that before the event.
    AnswersTheOldState,
    /// Long requests are cut.
    CutsRequests,
    /// Pages are longer than asked for.
    IgnoresLimits,
}

impl Flaw {
    /// All but none, each with the case that must find it.
    pub(crate) const ALL: [(Self, &str); 21] = [
        (Self::IgnoresEpochs, "an_old_lease_inserts_nothing"),
        (Self::ReleasesForOthers, "an_old_lease_releases_nothing"),
        (Self::InsertOverwrites, "inserting_again_keeps_the_first_key"),
        (Self::ForgetsARecord, "each_change_is_one_record"),
        (Self::ChangesARecord, "a_setting_comes_back"),
        (Self::FindsTheLastCertificateOnly, "a_key_is_found_by_each_of_its_certificates"),
        (Self::ClaimsUnordered, "the_earliest_deadline_is_claimed_first"),
        (Self::IgnoresAsking, "a_claim_takes_no_more_askers_than_it_may"),
        (Self::ForgetsWhatWasRecorded, "what_was_recorded_during_a_lease_is_not_forgotten"),
        (Self::LeasesForEver, "a_lease_ends_when_it_says"),
        (Self::LosesKeysAtRestart, "subjects_and_keys_survive"),
        (Self::DestroysTheRow, "destroying_takes_the_key_and_nothing_else"),
        (Self::DestroysNothing, "destroying_takes_the_key_and_nothing_else"),
        (Self::IgnoresPauses, "a_paused_replacement_rests"),
        (Self::CountsStartsTwice, "starting_hands_over_once"),
        (Self::ForgetsAuthorities, "an_authority_keeps_what_was_changed"),
        (Self::TakesJumps, "a_jump_is_refused_and_not_noted"),
        (Self::ForgetsOrders, "the_first_order_stays"),
        (Self::AnswersTheOldState, "each_event_is_applied_as_the_core_does"),
        (Self::CutsRequests, "large_values_come_back"),
        (Self::IgnoresLimits, "a_page_holds_no_more_than_asked_for"),
    ];
}

/// A store with that flaw.
#[derive(Clone)]
pub(crate) struct Broken {
    inner: MemoryStore,
    flaw: Flaw,
    reopened: bool,
    /// Keys that should not be there.
    keys: Arc<Mutex<BTreeMap<GenerationId, PrivateKey>>>,
}

impl Broken {
    pub(crate) fn new(inner: MemoryStore, flaw: Flaw) -> Self {
        Self { inner, flaw, reopened: false, keys: Arc::default() }
    }

    pub(crate) fn reopened(self) -> Self {
        Self { reopened: true, ..self }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    /// `lease`, or with a flaw the one that is good now.
    async fn good(&self, lease: &Lease, flaw: Flaw) -> Lease {
        let mut good = lease.clone();
        if self.has(flaw) {
            // Nothing happens that way, but a record is left.
            let probe = Event::new(Slot::Dual, 0, lease.until, Happened::BackedUp);
            let probed = self.inner.snapshot();
            for epoch in 1..50 {
                good.epoch = epoch;
                if self.inner.advance(&good, &probe, &Attachment::None).await.is_ok() {
                    self.inner.restore(&probed);
                    return good;
                }
            }
            return lease.clone();
        }
        good
    }

    fn keep(&self, id: GenerationId, key: PrivateKey) {
        self.keys.lock().unwrap().insert(id, key);
    }

    /// The records without those of settings, in a chain of their own.
    fn without_settings(records: Vec<Record>) -> Vec<Record> {
        let mut head = Head::START;
        let left = records.into_iter().filter(|record| !record.text.contains("\"did\":\"set\""));
        left.map(|record| head.append(record.at, &record.actor, record.subject, record.text)).collect()
    }
}

impl KeyStore for Broken {
    async fn now(&self) -> Result<Time> {
        self.inner.now().await
    }

    async fn enroll(&self, subject: &Subject, actor: &str) -> Result<()> {
        self.inner.enroll(subject, actor).await
    }

    async fn load(&self, id: SubjectId) -> Result<Option<Listed>> {
        self.inner.load(id).await
    }

    async fn list(&self, after: Option<SubjectId>, limit: u32) -> Result<Vec<Listed>> {
        let more = u32::from(self.has(Flaw::IgnoresLimits));
        self.inner.list(after, limit.saturating_add(more)).await
    }

    async fn claim(&self, now: Time, claim: &Claim) -> Result<Vec<Lease>> {
        let mut claim = claim.clone();
        if self.has(Flaw::IgnoresAsking) {
            claim.asking = u32::MAX;
        }
        if self.has(Flaw::LeasesForEver) {
            claim.lifetime = Span::days(100_000);
        }
        let mut leases = self.inner.claim(now, &claim).await?;
        if self.has(Flaw::ClaimsUnordered) {
            leases.reverse();
        }
        Ok(leases)
    }

    async fn release(&self, lease: &Lease, wake: Wake) -> Result<()> {
        let good = self.good(lease, Flaw::ReleasesForOthers).await;
        self.inner.release(&good, wake).await?;
        if self.has(Flaw::ForgetsWhatWasRecorded) && self.inner.load(lease.subject.id).await?.unwrap().wake != wake {
            let now = self.inner.now().await?;
            for again in self.inner.claim(now, &Claim::new("nobody", Span::ZERO, 1_000, 1_000)).await? {
                self.inner.release(&again, wake).await?;
            }
        }
        Ok(())
    }

    async fn insert_generation(&self, lease: &Lease, new: &NewGeneration) -> Result<Insertion> {
        let mut request = new.request.clone();
        if self.has(Flaw::CutsRequests) {
            request.truncate(4_096);
        }
        let new = NewGeneration::new((new.id, new.cause, new.at), new.key.clone(), new.public.clone(), request);
        let good = self.good(lease, Flaw::IgnoresEpochs).await;
        let insertion = self.inner.insert_generation(&good, &new).await?;
        if self.has(Flaw::InsertOverwrites) {
            self.keep(new.id, new.key);
        }
        Ok(insertion)
    }

    async fn advance(&self, lease: &Lease, event: &Event, attachment: &Attachment) -> Result<SubjectState> {
        let attachment = match attachment {
            Attachment::Order(_) if self.has(Flaw::ForgetsOrders) => &Attachment::None,
            attachment => attachment,
        };
        let good = self.good(lease, Flaw::IgnoresEpochs).await;
        let state = self.inner.advance(&good, event, attachment).await?;
        Ok(if self.has(Flaw::AnswersTheOldState) { lease.state.clone() } else { state })
    }

    async fn record(&self, subject: SubjectId, event: &Event, actor: &str) -> Result<SubjectState> {
        self.inner.record(subject, event, actor).await
    }

    async fn generation(&self, id: GenerationId) -> Result<Option<GenerationRecord>> {
        if self.has(Flaw::DestroysTheRow) && self.inner.private_key(id).await.is_err() {
            return Ok(None);
        }
        self.inner.generation(id).await
    }

    async fn private_key(&self, id: GenerationId) -> Result<PrivateKey> {
        if self.has(Flaw::LosesKeysAtRestart) && self.reopened {
            return Err(Error::NotFound { what: "key".to_owned() });
        }
        let kept = self.keys.lock().unwrap().get(&id).cloned();
        match kept {
            Some(key) => Ok(key),
            None => self.inner.private_key(id).await,
        }
    }

    async fn back_up(&self, id: GenerationId) -> Result<()> {
        self.inner.back_up(id).await
    }

    async fn destroy(&self, id: GenerationId, at: Time, actor: &str) -> Result<()> {
        if self.has(Flaw::DestroysNothing)
            && let Ok(key) = self.inner.private_key(id).await
        {
            self.keep(id, key);
        }
        self.inner.destroy(id, at, actor).await
    }

    async fn find(&self, name: &KeyName) -> Result<Vec<GenerationId>> {
        let mut found = self.inner.find(name).await?;
        if self.has(Flaw::FindsTheLastCertificateOnly) {
            let mut left = Vec::new();
            for id in found {
                let last = self.inner.generation(id).await?.unwrap().certificates.pop();
                left.extend(last.is_none_or(|last| is_name_of(name, &last)).then_some(id));
            }
            found = left;
        }
        Ok(found)
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.inner.count(selection).await
    }

    async fn replace(&self, selection: &Selection, before: Time, reason: &str, actor: &str) -> Result<Replacement> {
        self.inner.replace(selection, before, reason, actor).await
    }

    async fn replacements(&self) -> Result<Vec<Replacement>> {
        self.inner.replacements().await
    }

    async fn pace(&self, replacement: u64, pace: Pace, actor: &str) -> Result<()> {
        let pace = if self.has(Flaw::IgnoresPauses) { Pace::Running } else { pace };
        self.inner.pace(replacement, pace, actor).await
    }

    async fn start_replacing(&self, now: Time, limit: u32) -> Result<u32> {
        let started = self.inner.start_replacing(now, limit).await?;
        Ok(if self.has(Flaw::CountsStartsTwice) { started * 2 } else { started })
    }

    async fn authority<F>(&self, name: &str, now: Time, change: F) -> Result<AuthorityState>
    where
        F: FnOnce(&mut AuthorityState) + Send,
    {
        if self.has(Flaw::ForgetsAuthorities) {
            let mut state = self.inner.authority(name, now, |_| ()).await?;
            change(&mut state);
            return Ok(state);
        }
        self.inner.authority(name, now, change).await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>> {
        self.inner.setting(name).await
    }

    async fn set(&self, name: &str, value: &str, actor: &str) -> Result<()> {
        self.inner.set(name, value, actor).await
    }

    async fn look(&self, now: Time, max_jump: Span) -> Result<()> {
        if self.has(Flaw::TakesJumps) { Ok(()) } else { self.inner.look(now, max_jump).await }
    }

    async fn audit(&self, after: u64, limit: u32) -> Result<Vec<Record>> {
        let mut records = self.inner.audit(0, u32::MAX).await?;
        if self.has(Flaw::ForgetsARecord) {
            records = Self::without_settings(records);
        }
        if self.has(Flaw::ChangesARecord)
            && let Some(last) = records.last_mut()
        {
            last.actor.push('!');
        }
        let limit = usize::try_from(limit).unwrap();
        Ok(records.into_iter().filter(|record| record.sequence > after).take(limit).collect())
    }
}

fn is_name_of(name: &KeyName, certificate: &CertificateRecord) -> bool {
    match name {
        KeyName::IssuerAndSerial { issuer, serial } => (issuer, serial) == (&certificate.issuer, &certificate.serial),
        KeyName::KeyId(key_id) => *key_id == certificate.public.key_id,
        KeyName::Spki(spki) => *spki == certificate.public.spki_sha256,
        _ => false,
    }
}
