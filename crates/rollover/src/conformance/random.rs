//! Random verbs on a store and on the reference model: all answers must be the same.

use std::fmt::Debug;

use super::{
    Failure,
    bench::{key, octets, public},
    chain,
    check::{Outcome, ensure, same, there},
};
use crate::{
    Cause, Error, Event, GenerationId, Layout, Result, Selection, Span, Subject, SubjectKind, Time, Wake,
    memory::MemoryStore,
    port::{Attachment, CertificateRecord, Claim, KeyName, KeyStore, Lease, Listed, NewGeneration, Pace, PublicKey},
    testing::clock::ManualClock,
};

mod draw;

use draw::Draw;

/// Does `steps` random verbs on `store` and on a [`MemoryStore`], and compares all answers. What is drawn follows
/// from `seed`. The store must be a fresh one.
///
/// # Errors
///
/// The step whose answers differ, and what they are.
pub async fn random<S: KeyStore>(seed: u64, steps: u32, store: &S) -> Result<(), Failure> {
    let mut step = 0;
    let done = Walk::all(seed, steps, store, &mut step).await;
    done.map_err(|failed| Failure { case: format!("random, seed {seed}, step {step}"), problem: failed.into_text() })
}

/// A walk through both.
struct Walk<'a, S> {
    draw: Draw,
    store: &'a S,
    model: MemoryStore,
    now: Time,
    /// Those that may be enrolled.
    subjects: Vec<Subject>,
    /// All leases there ever were, so that late ones are tried as well.
    leases: Vec<Lease>,
}

/// What kind of answer it is: of errors, which one is enough.
fn kind<T>(result: Result<T>) -> Result<T, &'static str> {
    result.map_err(|error| match error {
        Error::BadField { .. } => "BadField",
        Error::Fenced { .. } => "Fenced",
        Error::NotFound { .. } => "NotFound",
        Error::ClockJumped { .. } => "ClockJumped",
        _ => "another error",
    })
}

/// That both answered the same.
fn agree<T: Debug + PartialEq>(verb: &str, found: Result<T>, wanted: Result<T>) -> Outcome {
    same(verb, &kind(found), &kind(wanted))
}

/// A lease, as it can be compared.
fn shown(lease: &Lease) -> impl Debug + PartialEq + use<> {
    (lease.subject.clone(), lease.state.clone(), lease.epoch, lease.until)
}

/// A subject, as it can be compared: what is due at once is due since this or that second.
fn listed(listed: &Listed, now: Time) -> impl Debug + PartialEq + use<> {
    let wake = Wake { at: listed.wake.at.max(now), ..listed.wake };
    (listed.subject.clone(), listed.state.clone(), wake)
}

impl<'a, S: KeyStore> Walk<'a, S> {
    async fn all(seed: u64, steps: u32, store: &'a S, step: &mut u32) -> Outcome {
        let clock = store.now().await?;
        let now = clock + Span::hours(1);
        let mut subjects = Vec::new();
        for (number, layout) in (0..).zip([Layout::Dual, Layout::Split, Layout::Dual, Layout::Split, Layout::Dual]) {
            let enrolled = now + Span::minutes(number);
            subjects.push(Subject::new(SubjectKind::Mailbox, &format!("u{number}@example.org"), layout, enrolled)?);
        }
        let model = MemoryStore::new(ManualClock::new(clock));
        let mut walk = Walk { draw: Draw::new(seed), store, model, now, subjects, leases: Vec::new() };
        for number in 0..steps {
            *step = number;
            walk.now = walk.now + Span::seconds(walk.draw.below(90));
            walk.step().await?;
            if number % 64 == 63 {
                walk.compare().await?;
            }
        }
        walk.compare().await?;
        walk.compare_chains().await?;
        chain::look_through(store).await
    }

    async fn step(&mut self) -> Outcome {
        match self.draw.below(40) {
            0..=21 => self.work().await,
            22..=24 => self.record().await,
            25 => self.destroy().await,
            26..=29 => self.replacing().await,
            30 => self.authority().await,
            31 | 32 => self.set().await,
            33 => self.look().await,
            34..=36 => self.find().await,
            _ => self.read().await,
        }
    }

    /// What a node does.
    async fn work(&mut self) -> Outcome {
        match self.draw.below(22) {
            0 | 1 => self.enroll().await,
            2..=6 => self.claim().await,
            7..=9 => self.release().await,
            10..=13 => self.insert().await,
            _ => self.advance().await,
        }
    }

    async fn replacing(&mut self) -> Outcome {
        match self.draw.below(4) {
            0 => self.pace().await,
            1 => self.start().await,
            _ => self.replace().await,
        }
    }

    async fn enroll(&mut self) -> Outcome {
        let subject = &there("a subject", self.draw.one_of(&self.subjects).cloned())?;
        agree("enroll", self.store.enroll(subject, "a").await, self.model.enroll(subject, "a").await)
    }

    async fn claim(&mut self) -> Outcome {
        let lifetime = Span::seconds(self.draw.below(600) + 1);
        let claim = match self.draw.one_of(&self.subjects) {
            Some(subject) if self.draw.below(4) == 0 => Claim::only(subject.id, self.draw.word(), lifetime),
            _ => Claim::new(self.draw.word(), lifetime, self.draw.small(4), self.draw.small(3)),
        };
        let found = self.store.claim(self.now, &claim).await?;
        let wanted = self.model.claim(self.now, &claim).await?;
        let show = |leases: &[Lease]| leases.iter().map(shown).collect::<Vec<_>>();
        same("claim", &show(&found), &show(&wanted))?;
        self.leases.extend(found);
        Ok(())
    }

    async fn release(&mut self) -> Outcome {
        let Some(lease) = &self.draw.late(&self.leases).cloned() else { return Ok(()) };
        let at = self.now + Span::seconds(self.draw.below(1_200) - 300);
        let wake = Wake::new(at, self.now + Span::seconds(self.draw.below(1 << 40)), self.draw.below(3) == 0);
        agree("release", self.store.release(lease, wake).await, self.model.release(lease, wake).await)
    }

    async fn insert(&mut self) -> Outcome {
        let Some(lease) = &self.draw.late(&self.leases).cloned() else { return Ok(()) };
        let id = self.draw.generation(&lease.subject);
        let seed = self.draw.below(1 << 40).to_string();
        let request = octets(&[&seed], self.draw.size(400));
        let new = NewGeneration::new((id, Cause::Due, self.now), key(&seed), public(&seed), request);
        let found = self.store.insert_generation(lease, &new).await;
        agree("insert_generation", found, self.model.insert_generation(lease, &new).await)
    }

    async fn advance(&mut self) -> Outcome {
        let Some(lease) = &self.draw.late(&self.leases).cloned() else { return Ok(()) };
        let event = self.event(&lease.subject);
        let attachment = match self.draw.below(6) {
            0 => Attachment::Order(self.draw.word().to_owned()),
            1 => Attachment::Reason(self.draw.word().to_owned()),
            2 | 3 => Attachment::Certificate(Box::new(self.certificate())),
            _ => Attachment::None,
        };
        let found = self.store.advance(lease, &event, &attachment).await;
        agree("advance", found, self.model.advance(lease, &event, &attachment).await)
    }

    async fn record(&mut self) -> Outcome {
        let subject = &there("a subject", self.draw.one_of(&self.subjects).cloned())?;
        let event = self.event(subject);
        let found = self.store.record(subject.id, &event, "b").await;
        agree("record", found, self.model.record(subject.id, &event, "b").await)
    }

    async fn destroy(&mut self) -> Outcome {
        let subject = &there("a subject", self.draw.one_of(&self.subjects).cloned())?;
        let id = self.draw.generation(subject);
        let found = self.store.destroy(id, self.now, "c").await;
        agree("destroy", found, self.model.destroy(id, self.now, "c").await)
    }

    async fn replace(&mut self) -> Outcome {
        let selection = self.selection();
        agree("count", self.store.count(&selection).await, self.model.count(&selection).await)?;
        // Each at its own second: those of the same deadline may start in any order.
        let before = self.now + Span::seconds(self.draw.below(1 << 30));
        let found = self.store.replace(&selection, before, "why", "d").await;
        agree("replace", found, self.model.replace(&selection, before, "why", "d").await)
    }

    async fn pace(&mut self) -> Outcome {
        let id = u64::from(self.draw.small(6));
        let pace = if self.draw.below(2) == 0 { Pace::Paused } else { Pace::Running };
        agree("pace", self.store.pace(id, pace, "e").await, self.model.pace(id, pace, "e").await)
    }

    /// All of them: in which order those of one replacement start is up to the store.
    async fn start(&mut self) -> Outcome {
        let found = self.store.start_replacing(self.now, u32::MAX).await;
        agree("start_replacing", found, self.model.start_replacing(self.now, u32::MAX).await)
    }

    async fn authority(&mut self) -> Outcome {
        let (name, permits, later) = (self.draw.word(), self.draw.small(9), self.draw.below(900));
        let ask_from = self.now + Span::seconds(later);
        let change = move |state: &mut crate::port::AuthorityState| {
            state.permits = state.permits.wrapping_mul(3).wrapping_add(permits);
            state.failures = state.failures.wrapping_add(1);
            state.ask_from = ask_from;
        };
        let found = self.store.authority(name, self.now, change).await;
        agree("authority", found, self.model.authority(name, self.now, change).await)
    }

    async fn set(&mut self) -> Outcome {
        let (name, value) = (self.draw.word(), self.draw.word());
        agree("setting", self.store.setting(name).await, self.model.setting(name).await)?;
        agree("set", self.store.set(name, value, "f").await, self.model.set(name, value, "f").await)
    }

    async fn look(&mut self) -> Outcome {
        let now = self.now + Span::seconds(self.draw.below(4_000) - 1_000);
        let jump = Span::seconds(self.draw.below(3_000));
        agree("look", self.store.look(now, jump).await, self.model.look(now, jump).await)
    }

    async fn find(&mut self) -> Outcome {
        let CertificateRecord { issuer, serial, public, .. } = self.certificate();
        let name = match self.draw.below(3) {
            0 => KeyName::IssuerAndSerial { issuer, serial },
            1 => KeyName::KeyId(public.key_id),
            _ => KeyName::Spki(public.spki_sha256),
        };
        let sorted = |mut ids: Vec<GenerationId>| {
            ids.sort_unstable();
            ids
        };
        agree("find", self.store.find(&name).await.map(sorted), self.model.find(&name).await.map(sorted))
    }

    async fn read(&mut self) -> Outcome {
        let subject = &there("a subject", self.draw.one_of(&self.subjects).cloned())?;
        let now = self.now;
        let show = |found: Result<Option<Listed>>| found.map(|found| found.map(|found| listed(&found, now)));
        agree("load", show(self.store.load(subject.id).await), show(self.model.load(subject.id).await))?;
        let id = self.draw.generation(subject);
        self.same_generation(id).await
    }

    async fn same_generation(&self, id: GenerationId) -> Outcome {
        agree("generation", self.store.generation(id).await, self.model.generation(id).await)?;
        match (kind(self.store.private_key(id).await), kind(self.model.private_key(id).await)) {
            (Ok(found), Ok(wanted)) => ensure(found.expose_pkcs8() == wanted.expose_pkcs8(), "private_key: another"),
            (found, wanted) => same("private_key", &found.err(), &wanted.err()),
        }
    }

    /// Compares all that can be read.
    async fn compare(&self) -> Outcome {
        let show = |all: Vec<Listed>| all.iter().map(|each| listed(each, self.now)).collect::<Vec<_>>();
        let all = self.model.list(None, 100).await?;
        agree("list", self.store.list(None, 100).await.map(show), Ok(show(all.clone())))?;
        agree("replacements", self.store.replacements().await, self.model.replacements().await)?;
        for listed in &all {
            for generation in listed.state.generations() {
                self.same_generation(GenerationId::new(listed.subject.id, generation.slot, generation.number)).await?;
            }
        }
        Ok(())
    }

    /// Compares what the chains tell. What starts at once may be told in any order.
    async fn compare_chains(&self) -> Outcome {
        let mut found = chain::records(self.store).await?;
        let mut wanted = chain::records(&self.model).await?;
        let show = |records: &mut Vec<crate::audit::Record>| {
            let mut told: Vec<_> =
                records.drain(..).map(|record| (record.subject, record.actor, record.text)).collect();
            told.sort();
            told
        };
        let (found, wanted) = (show(&mut found), show(&mut wanted));
        same("records", &found.len(), &wanted.len())?;
        for (found, wanted) in found.iter().zip(&wanted) {
            same("a record", found, wanted)?;
        }
        Ok(())
    }

    fn event(&mut self, subject: &Subject) -> Event {
        let id = self.draw.generation(subject);
        let at = self.now + Span::seconds(self.draw.below(600) - 300);
        Event::new(id.slot, id.number, at, self.draw.what(at))
    }

    /// One of a few certificates: so that some come twice, and some to several generations.
    fn certificate(&mut self) -> CertificateRecord {
        let number = self.draw.below(40);
        let not_before = Time::from_unix(1_800_000_000) + Span::days(number);
        CertificateRecord {
            issuer: octets(&[&(number % 3).to_string()], 40),
            serial: octets(&[&number.to_string()], 12),
            public: PublicKey::new(
                octets(&["spki", &(number % 25).to_string()], 32),
                octets(&["key id", &(number % 25).to_string()], 20),
            ),
            not_before,
            not_after: not_before + Span::days(365),
            product: (number % 4).to_string(),
            der: octets(&["der", &number.to_string()], 200),
            chain: vec![vec![1; 30], vec![2; 40]],
        }
    }

    fn selection(&mut self) -> Selection {
        let CertificateRecord { issuer, serial, product, not_before, .. } = self.certificate();
        let mut selection = Selection::default();
        match self.draw.below(5) {
            0 => selection.issuer = Some(issuer),
            1 => selection.product = Some(product),
            2 => selection.not_before_from = Some(not_before),
            3 => selection.serials = vec![serial, self.certificate().serial],
            _ => {}
        }
        selection
    }
}
