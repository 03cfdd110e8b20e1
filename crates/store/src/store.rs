//! The verbs of the port, each one transaction, for any database.

use std::{fmt, sync::Arc};

use sealpost_rollover::{
    Event, GenerationId, Result as PortResult, Selection, Span, Subject, SubjectId, SubjectState, Time, Wake, audit,
    port::{
        Attachment, AuthorityState, Claim, GenerationRecord, Insertion, KeyName, KeyStore, Lease, Listed,
        NewGeneration, Pace, PrivateKey, Replacement,
    },
};

use crate::{
    Error, Result, schema,
    seal::{Sealed, Sealer},
    second_place::SecondPlace,
    sql::{Access, Database, Transaction},
};

mod authority;
mod certificates;
mod claims;
mod generations;
pub(crate) mod record;
mod replacements;
mod rewrap;
pub(crate) mod session;
mod settings;
mod subjects;

pub use rewrap::Rewrapped;
use session::Session;

type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// `$verb(…)` in one transaction that writes.
macro_rules! writing {
    ($store:expr, $verb:path $(, $argument:expr)*) => {{
        let mut session = $store.write().await?;
        let outcome = $verb(&mut session $(, $argument)*).await;
        session.end(outcome).await
    }};
}

/// `$verb(…)` in one transaction that reads.
macro_rules! reading {
    ($store:expr, $verb:path $(, $argument:expr)*) => {{
        let mut session = $store.read().await?;
        let outcome = $verb(&mut session $(, $argument)*).await;
        session.end(outcome).await
    }};
}

/// A store in a database.
pub struct SqlStore<D> {
    database: D,
    sealer: Arc<dyn Sealer>,
    second: Option<Arc<dyn SecondPlace>>,
    clock: Option<Clock>,
}

impl<D: Database> SqlStore<D> {
    /// The store in `database`, whose keys are sealed by `sealer`. An empty database becomes an empty store.
    ///
    /// # Errors
    ///
    /// [`Error::OtherVersion`], [`Error::WrongKeyEncryptionKey`], or what the database says.
    pub async fn new(database: D, sealer: Arc<dyn Sealer>) -> Result<Self> {
        let mut tx = database.begin(Access::Write).await?;
        schema::prepare(&mut tx, database.dialect(), &*sealer, &database.name()).await?;
        tx.commit().await?;
        Ok(Self { database, sealer, second: None, clock: None })
    }

    /// The same with a second place for its keys.
    #[must_use]
    pub fn with_second_place(self, place: Arc<dyn SecondPlace>) -> Self {
        Self { second: Some(place), ..self }
    }

    /// The same with another clock than the database's: for rehearsals and tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self { clock: Some(Arc::new(clock)), ..self }
    }

    /// The database.
    pub const fn database(&self) -> &D {
        &self.database
    }

    pub(crate) async fn read(&self) -> Result<Session<D::Transaction>> {
        self.begin(Access::Read).await
    }

    pub(crate) async fn write(&self) -> Result<Session<D::Transaction>> {
        self.begin(Access::Write).await
    }

    /// Refuses what was copied here from a store with another key-encryption key.
    pub(crate) async fn check(&self, session: &mut Session<D::Transaction>) -> Result<()> {
        schema::check(session.tx(), &*self.sealer, &self.database.name()).await
    }

    async fn sealed_key(&self, id: GenerationId) -> Result<(Vec<u8>, Sealed)> {
        reading!(self, generations::sealed_key, id)
    }

    async fn begin(&self, access: Access) -> Result<Session<D::Transaction>> {
        let clock = self.clock.as_ref().map(|clock| clock());
        Ok(Session::new(self.database.begin(access).await?, clock))
    }
}

impl<D: Database> fmt::Debug for SqlStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqlStore").field(&self.database.name()).finish()
    }
}

impl<D: Database> KeyStore for SqlStore<D> {
    async fn now(&self) -> PortResult<Time> {
        Ok(reading!(self, session::now)?)
    }

    async fn enroll(&self, subject: &Subject, actor: &str) -> PortResult<()> {
        Ok(writing!(self, subjects::enroll, subject, actor)?)
    }

    async fn load(&self, id: SubjectId) -> PortResult<Option<Listed>> {
        Ok(reading!(self, subjects::load, id)?)
    }

    async fn list(&self, after: Option<SubjectId>, limit: u32) -> PortResult<Vec<Listed>> {
        Ok(reading!(self, subjects::list, after, limit)?)
    }

    async fn claim(&self, now: Time, claim: &Claim) -> PortResult<Vec<Lease>> {
        Ok(writing!(self, claims::claim, now, claim)?)
    }

    async fn release(&self, lease: &Lease, wake: Wake) -> PortResult<()> {
        Ok(writing!(self, claims::release, lease, wake)?)
    }

    async fn insert_generation(&self, lease: &Lease, new: &NewGeneration) -> PortResult<Insertion> {
        let sealed = self.sealer.seal(&generations::row_name(new.id, &new.public.spki_sha256), &new.key)?;
        Ok(writing!(self, generations::insert, lease, new, sealed)?)
    }

    async fn advance(&self, lease: &Lease, event: &Event, attachment: &Attachment) -> PortResult<SubjectState> {
        Ok(writing!(self, subjects::advance, lease, event, attachment)?)
    }

    async fn record(&self, subject: SubjectId, event: &Event, actor: &str) -> PortResult<SubjectState> {
        Ok(writing!(self, subjects::record, subject, event, actor)?)
    }

    async fn generation(&self, id: GenerationId) -> PortResult<Option<GenerationRecord>> {
        Ok(reading!(self, generations::load, id)?)
    }

    async fn private_key(&self, id: GenerationId) -> PortResult<PrivateKey> {
        let (spki, sealed) = self.sealed_key(id).await?;
        let opened = self.sealer.open(&generations::row_name(id, &spki), &sealed);
        Ok(opened.map_err(|error| error.of_key(|| generations::name(id)))?)
    }

    async fn back_up(&self, id: GenerationId) -> PortResult<()> {
        let place = self.second.as_ref().ok_or(Error::NoSecondPlace)?;
        let (spki, mut sealed) = self.sealed_key(id).await?;
        loop {
            place.acknowledge(&generations::row_name(id, &spki), &sealed)?;
            // It may have been wrapped again meanwhile.
            let (_, now) = self.sealed_key(id).await?;
            if now == sealed {
                return Ok(());
            }
            sealed = now;
        }
    }

    async fn destroy(&self, id: GenerationId, at: Time, actor: &str) -> PortResult<()> {
        Ok(writing!(self, generations::destroy, id, at, actor)?)
    }

    async fn find(&self, name: &KeyName) -> PortResult<Vec<GenerationId>> {
        Ok(reading!(self, certificates::find, name)?)
    }

    async fn count(&self, selection: &Selection) -> PortResult<u64> {
        Ok(reading!(self, replacements::count, selection)?)
    }

    async fn replace(&self, selection: &Selection, before: Time, reason: &str, actor: &str) -> PortResult<Replacement> {
        Ok(writing!(self, replacements::replace, selection, (before, reason), actor)?)
    }

    async fn replacements(&self) -> PortResult<Vec<Replacement>> {
        Ok(reading!(self, replacements::list)?)
    }

    async fn pace(&self, replacement: u64, pace: Pace, actor: &str) -> PortResult<()> {
        Ok(writing!(self, replacements::pace, replacement, pace, actor)?)
    }

    async fn start_replacing(&self, now: Time, limit: u32) -> PortResult<u32> {
        Ok(writing!(self, replacements::start, now, limit)?)
    }

    async fn authority<F>(&self, name: &str, now: Time, change: F) -> PortResult<AuthorityState>
    where
        F: FnOnce(&mut AuthorityState) + Send,
    {
        Ok(writing!(self, authority::change, name, now, change)?)
    }

    async fn setting(&self, name: &str) -> PortResult<Option<String>> {
        Ok(reading!(self, settings::get, name)?)
    }

    async fn set(&self, name: &str, value: &str, actor: &str) -> PortResult<()> {
        Ok(writing!(self, settings::set, name, value, actor)?)
    }

    async fn look(&self, now: Time, max_jump: Span) -> PortResult<()> {
        Ok(writing!(self, settings::look, now, max_jump)?)
    }

    async fn audit(&self, after: u64, limit: u32) -> PortResult<Vec<audit::Record>> {
        Ok(reading!(self, record::list, after, limit)?)
    }
}
