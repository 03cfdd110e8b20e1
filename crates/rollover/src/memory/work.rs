//! Claiming subjects, and what is written about them.

use super::data::{By, Data, Kept, KeptGeneration, no_generation, no_subject, size};
use crate::{
    Error, Event, GenerationId, Happened, Result, SubjectId, SubjectState, Time, Wake,
    port::{Attachment, Claim, Entry, GenerationRecord, Insertion, KeyName, Lease, NewGeneration, PublicKey},
};

impl Data {
    pub(super) fn claim(&mut self, now: Time, claim: &Claim) -> Vec<Lease> {
        let due = |kept: &Kept| claim.only.map_or(kept.wake.at <= now, |only| only == kept.subject.id);
        let free = |kept: &&mut Kept| due(kept) && kept.held.as_ref().is_none_or(|&(_, until)| until <= now);
        let mut due: Vec<&mut Kept> = self.subjects.values_mut().filter(free).collect();
        due.sort_by_key(|kept| (kept.wake.deadline, kept.subject.id));
        let mut asking = claim.asking;
        due.retain(|kept| {
            let fits = !kept.wake.waits_for_authority || asking > 0;
            asking -= u32::from(kept.wake.waits_for_authority && fits);
            fits
        });
        due.truncate(size(claim.limit));
        let until = now + claim.lifetime;
        let take = |kept: &mut Kept| {
            kept.epoch += 1;
            kept.held = Some((claim.node.clone(), until));
            kept.recorded = false;
            Lease::new(kept.subject.clone(), kept.state.clone(), kept.epoch, until)
        };
        due.into_iter().map(take).collect()
    }

    pub(super) fn release(&mut self, now: Time, lease: &Lease, wake: Wake) -> Result<()> {
        self.holder(lease)?;
        let id = lease.subject.id;
        let kept = self.subjects.get_mut(&id).ok_or_else(|| no_subject(id))?;
        kept.held = None;
        kept.wake = if kept.recorded { wake.by(kept.wake.deadline).at_once(now) } else { wake };
        Ok(())
    }

    pub(super) fn insert_generation(&mut self, now: Time, lease: &Lease, new: &NewGeneration) -> Result<Insertion> {
        let node = self.holder(lease)?;
        let id = new.id;
        if id.subject != lease.subject.id {
            return Err(Error::BadField { field: "subject of the generation", found: id.subject.to_string() });
        }
        if self.generations.contains_key(&id) {
            return Ok(Insertion::AlreadyThere);
        }
        let event = Event::new(id.slot, id.number, new.at, Happened::KeyDurable { cause: new.cause });
        self.change((now, &node), id.subject, &event, &Entry::committed(&event, &new.public))?;
        self.name(id, &new.public);
        let record = GenerationRecord::new(new.public.clone(), new.request.clone());
        self.generations.insert(id, KeptGeneration { record, key: Some(new.key.clone()) });
        Ok(Insertion::Inserted)
    }

    pub(super) fn advance(
        &mut self,
        now: Time,
        lease: &Lease,
        event: &Event,
        attachment: &Attachment,
    ) -> Result<SubjectState> {
        let node = self.holder(lease)?;
        let id = GenerationId::new(lease.subject.id, event.slot, event.number);
        let needs_generation = matches!(attachment, Attachment::Order(_) | Attachment::Certificate(_));
        if needs_generation && !self.generations.contains_key(&id) {
            return Err(no_generation(id));
        }
        let entry = Entry::happened(event, attachment);
        let state = self.change((now, &node), id.subject, event, &entry)?.state.clone();
        self.attach(id, attachment);
        Ok(state)
    }

    pub(super) fn record(&mut self, by: By<'_>, subject: SubjectId, event: &Event) -> Result<SubjectState> {
        let kept = self.change(by, subject, event, &Entry::happened(event, &Attachment::None))?;
        kept.wake = kept.wake.after(event, by.0);
        kept.recorded = true;
        Ok(kept.state.clone())
    }

    pub(super) fn destroy(&mut self, by: By<'_>, id: GenerationId, at: Time) -> Result<()> {
        let kept = self.generations.get(&id).ok_or_else(|| no_generation(id))?;
        if kept.key.is_none() {
            return Ok(());
        }
        let event = Event::new(id.slot, id.number, at, Happened::Destroyed);
        let kept = self.change(by, id.subject, &event, &Entry::happened(&event, &Attachment::None))?;
        kept.wake = kept.wake.at_once(by.0);
        kept.recorded = true;
        if let Some(kept) = self.generations.get_mut(&id) {
            kept.key = None;
        }
        Ok(())
    }

    /// The node that holds the lease.
    fn holder(&self, lease: &Lease) -> Result<String> {
        let id = lease.subject.id;
        let kept = self.subjects.get(&id).filter(|kept| kept.epoch == lease.epoch);
        match kept.and_then(|kept| kept.held.as_ref()) {
            Some((node, _)) => Ok(node.clone()),
            None => Err(Error::Fenced { subject: id, mine: lease.epoch }),
        }
    }

    fn attach(&mut self, id: GenerationId, attachment: &Attachment) {
        let Some(kept) = self.generations.get_mut(&id) else { return };
        match attachment {
            Attachment::Order(order) if kept.record.order.is_none() => kept.record.order = Some(order.clone()),
            Attachment::Certificate(certificate) => {
                let (issuer, serial) = (&certificate.issuer, &certificate.serial);
                let mut others = kept.record.certificates.iter();
                if others.all(|other| (&other.issuer, &other.serial) != (issuer, serial)) {
                    kept.record.certificates.push((**certificate).clone());
                }
                let name = KeyName::IssuerAndSerial { issuer: issuer.clone(), serial: serial.clone() };
                self.names.entry(name).or_default().insert(id);
                self.name(id, &certificate.public);
            }
            _ => {}
        }
    }

    fn name(&mut self, id: GenerationId, public: &PublicKey) {
        for name in [KeyName::KeyId(public.key_id.clone()), KeyName::Spki(public.spki_sha256.clone())] {
            self.names.entry(name).or_default().insert(id);
        }
    }
}
