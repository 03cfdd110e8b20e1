//! Looking through the audit chain: it is whole, and tells all that the store holds.

use std::collections::BTreeMap;

use super::check::{Failed, Outcome, ensure, same, there};
use crate::{
    Event, GenerationId, Happened, SubjectId, SubjectState, apply,
    audit::{Head, Record},
    port::{Entry, KeyStore, With},
};

/// How many records, or subjects, are read at once.
const PAGE: u32 = 500;

/// All records.
pub(super) async fn records<S: KeyStore>(store: &S) -> Outcome<Vec<Record>> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(0, |last| last.sequence);
        let page = store.audit(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(records) };
        ensure(last.sequence > after, "the records after one are not those that follow it")?;
        records.extend(page);
    }
}

/// What a chain tells.
#[derive(Default)]
struct Told {
    states: BTreeMap<SubjectId, SubjectState>,
    keys: Vec<(GenerationId, String)>,
    settings: BTreeMap<String, String>,
    replacements: Vec<bool>,
}

/// Verifies the chain, and compares what it tells with what the store holds.
pub(super) async fn look_through<S: KeyStore>(store: &S) -> Outcome {
    loop {
        let records = records(store).await?;
        let outcome = compare(store, &records).await;
        // What a dropped future had begun may have come between.
        if outcome.is_ok() || store.audit(records.last().map_or(0, |last| last.sequence), 1).await?.is_empty() {
            return outcome;
        }
    }
}

async fn compare<S: KeyStore>(store: &S, records: &[Record]) -> Outcome {
    let mut head = Head::START;
    let mut told = Told::default();
    for record in records {
        head.verify(record).map_err(Failed::from)?;
        told.take_in(record).map_err(|failed| failed.at(format_args!("audit record {}", record.sequence)))?;
    }
    let failed = |failed: Failed| failed.at("the audit chain tells something else than the store holds");
    told.compare(store).await.map_err(failed)
}

impl Told {
    fn take_in(&mut self, record: &Record) -> Outcome {
        match Entry::read(&record.text)? {
            Entry::Enrolled { subject } => {
                same("whose", &record.subject, &Some(subject.id))?;
                let before = self.states.insert(subject.id, SubjectState::new(&subject));
                same("enrolled before", &before, &None)
            }
            Entry::Happened { event, with } => self.happened(record, &event, with),
            Entry::Replacing { replacement } => {
                self.replacements.push(replacement.paused);
                same("number of the replacement", &usize::try_from(replacement.id).ok(), &Some(self.replacements.len()))
            }
            Entry::Paced { replacement, paused } => {
                let place = usize::try_from(replacement).ok().and_then(|number| number.checked_sub(1));
                let place = place.and_then(|place| self.replacements.get_mut(place));
                *there("a replacement whose pace was changed", place)? = paused;
                Ok(())
            }
            Entry::Set { name, old, new } => same("old value", &old, &self.settings.insert(name, new)),
        }
    }

    fn happened(&mut self, record: &Record, event: &Event, with: With) -> Outcome {
        let id = there("the subject", record.subject)?;
        apply(there("the enrolment", self.states.get_mut(&id))?, event);
        match (event.what, with) {
            (Happened::KeyDurable { .. }, With::Key { spki_sha256 }) => {
                self.keys.push((GenerationId::new(id, event.slot, event.number), spki_sha256));
            }
            (_, With::Key { .. }) => return Err(Failed::new("a key comes with another event than KeyDurable")),
            _ => {}
        }
        Ok(())
    }

    async fn compare<S: KeyStore>(self, store: &S) -> Outcome {
        let mut held: BTreeMap<SubjectId, SubjectState> = BTreeMap::new();
        loop {
            let after = held.last_key_value().map(|(&id, _)| id);
            let page = store.list(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            ensure(Some(last.subject.id) > after, "the subjects after one are not those that follow it")?;
            held.extend(page.into_iter().map(|listed| (listed.subject.id, listed.state)));
        }
        same("states", &held, &self.states)?;
        for (id, spki) in self.keys {
            let record = there("a generation that was committed", store.generation(id).await?)?;
            same("public key", &base16ct::lower::encode_string(&record.public.spki_sha256), &spki)?;
        }
        for (name, value) in self.settings {
            same("setting", &store.setting(&name).await?, &Some(value))?;
        }
        let paused: Vec<bool> = store.replacements().await?.iter().map(|replacement| replacement.paused).collect();
        same("which replacements rest", &paused, &self.replacements)
    }
}
