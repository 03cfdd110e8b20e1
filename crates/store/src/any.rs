//! A store by its name: the database is chosen when the program runs.

use std::sync::Arc;

use sealpost_rollover::{
    Event, GenerationId, Result as PortResult, Selection, Span, Subject, SubjectId, SubjectState, Time, Wake, audit,
    port::{
        Attachment, AuthorityState, Claim, GenerationRecord, Insertion, KeyName, KeyStore, Lease, Listed,
        NewGeneration, Pace, PrivateKey, Replacement,
    },
};

#[cfg(feature = "postgres")]
use crate::Postgres;
#[cfg(feature = "sqlite")]
use crate::Sqlite;
use crate::{Copied, Error, Result, Rewrapped, SqlStore, seal::Sealer, second_place::SecondPlace, sql::Database};

/// A store in one of the databases that this program was built with.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnyStore {
    /// In a file.
    #[cfg(feature = "sqlite")]
    Sqlite(SqlStore<Sqlite>),
    /// On a server.
    #[cfg(feature = "postgres")]
    Postgres(SqlStore<Postgres>),
}

/// Opens the store called `name`: `sqlite:FILE`, or `postgres://USER@HOST/DATABASE` (also `postgresql://`) with what
/// PostgreSQL allows there. One that is not there yet is made.
///
/// # Errors
///
/// [`Error::BadName`], and those of opening the database and the store.
pub async fn open(name: &str, sealer: Arc<dyn Sealer>) -> Result<AnyStore> {
    #[cfg(feature = "sqlite")]
    if let Some(file) = name.strip_prefix("sqlite:").filter(|file| !file.is_empty()) {
        return Ok(AnyStore::Sqlite(SqlStore::new(Sqlite::open(file).await?, sealer).await?));
    }
    #[cfg(feature = "postgres")]
    if name.starts_with("postgres://") || name.starts_with("postgresql://") {
        return Ok(AnyStore::Postgres(SqlStore::new(Postgres::open(name).await?, sealer).await?));
    }
    // What follows may be a password.
    let found = name.split(':').next().unwrap_or_default().to_owned();
    Err(Error::BadName { found })
}

/// The same of whichever store it is.
macro_rules! either {
    ($any:expr, $store:ident => $what:expr) => {
        match $any {
            #[cfg(feature = "sqlite")]
            AnyStore::Sqlite($store) => $what,
            #[cfg(feature = "postgres")]
            AnyStore::Postgres($store) => $what,
        }
    };
}

/// The same store, changed, of whichever kind it is.
macro_rules! change {
    ($any:expr, $store:ident => $what:expr) => {
        match $any {
            #[cfg(feature = "sqlite")]
            AnyStore::Sqlite($store) => AnyStore::Sqlite($what),
            #[cfg(feature = "postgres")]
            AnyStore::Postgres($store) => AnyStore::Postgres($what),
        }
    };
}

impl AnyStore {
    /// The same with a second place for its keys.
    #[must_use]
    pub fn with_second_place(self, place: Arc<dyn SecondPlace>) -> Self {
        change!(self, store => store.with_second_place(place))
    }

    /// The same with another clock than the database's: for rehearsals and tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        change!(self, store => store.with_clock(clock))
    }

    /// Where it is: never with a password.
    #[must_use]
    pub fn name(&self) -> String {
        either!(self, store => store.database().name())
    }

    /// As [`SqlStore::rewrap`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn rewrap(&self, limit: u32) -> Result<Rewrapped> {
        either!(self, store => store.rewrap(limit).await)
    }

    /// Copies everything to `target`, as [`copy`](crate::copy) does.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn copy_to(&self, target: &Self) -> Result<Copied> {
        either!(self, from => either!(target, to => crate::copy(from, to).await))
    }
}

impl KeyStore for AnyStore {
    async fn now(&self) -> PortResult<Time> {
        either!(self, store => store.now().await)
    }

    async fn enroll(&self, subject: &Subject, actor: &str) -> PortResult<()> {
        either!(self, store => store.enroll(subject, actor).await)
    }

    async fn load(&self, id: SubjectId) -> PortResult<Option<Listed>> {
        either!(self, store => store.load(id).await)
    }

    async fn list(&self, after: Option<SubjectId>, limit: u32) -> PortResult<Vec<Listed>> {
        either!(self, store => store.list(after, limit).await)
    }

    async fn claim(&self, now: Time, claim: &Claim) -> PortResult<Vec<Lease>> {
        either!(self, store => store.claim(now, claim).await)
    }

    async fn release(&self, lease: &Lease, wake: Wake) -> PortResult<()> {
        either!(self, store => store.release(lease, wake).await)
    }

    async fn insert_generation(&self, lease: &Lease, new: &NewGeneration) -> PortResult<Insertion> {
        either!(self, store => store.insert_generation(lease, new).await)
    }

    async fn advance(&self, lease: &Lease, event: &Event, attachment: &Attachment) -> PortResult<SubjectState> {
        either!(self, store => store.advance(lease, event, attachment).await)
    }

    async fn record(&self, subject: SubjectId, event: &Event, actor: &str) -> PortResult<SubjectState> {
        either!(self, store => store.record(subject, event, actor).await)
    }

    async fn generation(&self, id: GenerationId) -> PortResult<Option<GenerationRecord>> {
        either!(self, store => store.generation(id).await)
    }

    async fn private_key(&self, id: GenerationId) -> PortResult<PrivateKey> {
        either!(self, store => store.private_key(id).await)
    }

    async fn back_up(&self, id: GenerationId) -> PortResult<()> {
        either!(self, store => store.back_up(id).await)
    }

    async fn destroy(&self, id: GenerationId, at: Time, actor: &str) -> PortResult<()> {
        either!(self, store => store.destroy(id, at, actor).await)
    }

    async fn find(&self, name: &KeyName) -> PortResult<Vec<GenerationId>> {
        either!(self, store => store.find(name).await)
    }

    async fn count(&self, selection: &Selection) -> PortResult<u64> {
        either!(self, store => store.count(selection).await)
    }

    async fn replace(&self, selection: &Selection, before: Time, reason: &str, actor: &str) -> PortResult<Replacement> {
        either!(self, store => store.replace(selection, before, reason, actor).await)
    }

    async fn replacements(&self) -> PortResult<Vec<Replacement>> {
        either!(self, store => store.replacements().await)
    }

    async fn pace(&self, replacement: u64, pace: Pace, actor: &str) -> PortResult<()> {
        either!(self, store => store.pace(replacement, pace, actor).await)
    }

    async fn start_replacing(&self, now: Time, limit: u32) -> PortResult<u32> {
        either!(self, store => store.start_replacing(now, limit).await)
    }

    async fn authority<F>(&self, name: &str, now: Time, change: F) -> PortResult<AuthorityState>
    where
        F: FnOnce(&mut AuthorityState) + Send,
    {
        either!(self, store => store.authority(name, now, change).await)
    }

    async fn setting(&self, name: &str) -> PortResult<Option<String>> {
        either!(self, store => store.setting(name).await)
    }

    async fn set(&self, name: &str, value: &str, actor: &str) -> PortResult<()> {
        either!(self, store => store.set(name, value, actor).await)
    }

    async fn look(&self, now: Time, max_jump: Span) -> PortResult<()> {
        either!(self, store => store.look(now, max_jump).await)
    }

    async fn audit(&self, after: u64, limit: u32) -> PortResult<Vec<audit::Record>> {
        either!(self, store => store.audit(after, limit).await)
    }
}
