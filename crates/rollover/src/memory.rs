//! The reference model of [`KeyStore`]: what every other store is compared with.
//!
//! One lock, and each verb is done wholly under it. Nothing is durable, of course: it is for tests and rehearsals.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    Error, Event, GenerationId, Result, Selection, Span, Subject, SubjectId, SubjectState, Time, Wake, audit,
    port::{
        Attachment, AuthorityState, Claim, GenerationRecord, Insertion, KeyName, KeyStore, Lease, Listed,
        NewGeneration, Pace, PrivateKey, Replacement,
    },
    testing::clock::ManualClock,
};

mod data;
mod replacing;
mod work;

use data::Data;

/// A store in memory. A clone is another handle to the same store, as another node has it.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    clock: ManualClock,
    data: Arc<Mutex<Data>>,
    second: Arc<Mutex<Second>>,
}

/// The second place.
#[derive(Debug, Default)]
struct Second {
    mode: SecondMode,
    keys: BTreeMap<GenerationId, PrivateKey>,
}

/// How the second place is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecondMode {
    /// There is none.
    #[default]
    Missing,
    /// It takes keys.
    Working,
    /// It can't be reached.
    Failing,
}

/// All that a store held at a moment: a backup.
#[derive(Clone, Debug)]
pub struct Snapshot(Data);

impl MemoryStore {
    /// An empty one, without a second place, whose clock is `clock`.
    #[must_use]
    pub fn new(clock: ManualClock) -> Self {
        Self { clock, data: Arc::default(), second: Arc::default() }
    }

    /// Its clock.
    #[must_use]
    pub const fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// What it holds now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.data().clone())
    }

    /// Makes it hold what it held at `snapshot`, for all handles. The second place keeps what it has.
    pub fn restore(&self, snapshot: &Snapshot) {
        *self.data() = snapshot.0.clone();
    }

    /// From now on the second place does as `mode` says. It keeps what it has.
    pub fn second_place(&self, mode: SecondMode) {
        self.second().mode = mode;
    }

    /// The key that the second place holds.
    #[must_use]
    pub fn key_in_second_place(&self, id: GenerationId) -> Option<PrivateKey> {
        self.second().keys.get(&id).cloned()
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn second(&self) -> MutexGuard<'_, Second> {
        self.second.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyStore for MemoryStore {
    async fn now(&self) -> Result<Time> {
        Ok(self.clock.now())
    }

    async fn enroll(&self, subject: &Subject, actor: &str) -> Result<()> {
        self.data().enroll((self.clock.now(), actor), subject)
    }

    async fn load(&self, id: SubjectId) -> Result<Option<Listed>> {
        Ok(self.data().listed(id))
    }

    async fn list(&self, after: Option<SubjectId>, limit: u32) -> Result<Vec<Listed>> {
        Ok(self.data().list(after, limit))
    }

    async fn claim(&self, now: Time, claim: &Claim) -> Result<Vec<Lease>> {
        Ok(self.data().claim(now, claim))
    }

    async fn release(&self, lease: &Lease, wake: Wake) -> Result<()> {
        self.data().release(self.clock.now(), lease, wake)
    }

    async fn insert_generation(&self, lease: &Lease, new: &NewGeneration) -> Result<Insertion> {
        self.data().insert_generation(self.clock.now(), lease, new)
    }

    async fn advance(&self, lease: &Lease, event: &Event, attachment: &Attachment) -> Result<SubjectState> {
        self.data().advance(self.clock.now(), lease, event, attachment)
    }

    async fn record(&self, subject: SubjectId, event: &Event, actor: &str) -> Result<SubjectState> {
        self.data().record((self.clock.now(), actor), subject, event)
    }

    async fn generation(&self, id: GenerationId) -> Result<Option<GenerationRecord>> {
        Ok(self.data().generation(id))
    }

    async fn private_key(&self, id: GenerationId) -> Result<PrivateKey> {
        self.data().private_key(id)
    }

    async fn back_up(&self, id: GenerationId) -> Result<()> {
        let key = self.data().private_key(id)?;
        let mut second = self.second();
        let problem = match second.mode {
            SecondMode::Working => {
                second.keys.insert(id, key);
                return Ok(());
            }
            SecondMode::Missing => "there is no second place",
            SecondMode::Failing => "the second place can't be reached",
        };
        Err(Error::Store { message: problem.to_owned(), source: None })
    }

    async fn destroy(&self, id: GenerationId, at: Time, actor: &str) -> Result<()> {
        self.data().destroy((self.clock.now(), actor), id, at)
    }

    async fn find(&self, name: &KeyName) -> Result<Vec<GenerationId>> {
        Ok(self.data().find(name))
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        Ok(self.data().count(selection))
    }

    async fn replace(&self, selection: &Selection, before: Time, reason: &str, actor: &str) -> Result<Replacement> {
        self.data().replace((self.clock.now(), actor), selection, before, reason)
    }

    async fn replacements(&self) -> Result<Vec<Replacement>> {
        Ok(self.data().replacements())
    }

    async fn pace(&self, replacement: u64, pace: Pace, actor: &str) -> Result<()> {
        self.data().pace((self.clock.now(), actor), replacement, pace)
    }

    async fn start_replacing(&self, now: Time, limit: u32) -> Result<u32> {
        self.data().start_replacing(self.clock.now(), now, limit)
    }

    async fn authority<F>(&self, name: &str, now: Time, change: F) -> Result<AuthorityState>
    where
        F: FnOnce(&mut AuthorityState) + Send,
    {
        Ok(self.data().authority(name, now, change))
    }

    async fn setting(&self, name: &str) -> Result<Option<String>> {
        Ok(self.data().setting(name))
    }

    async fn set(&self, name: &str, value: &str, actor: &str) -> Result<()> {
        self.data().set((self.clock.now(), actor), name, value)
    }

    async fn look(&self, now: Time, max_jump: Span) -> Result<()> {
        self.data().look(now, max_jump)
    }

    async fn audit(&self, after: u64, limit: u32) -> Result<Vec<audit::Record>> {
        Ok(self.data().audit(after, limit))
    }
}
