//! A certificate authority of one's own: for private use, for tests, and for rehearsing what public ones do wrong.
//!
//! A root signs an issuing authority, which signs the certificates. Orders, certificates and revocations are kept in
//! memory or in a folder, which several processes may use. There is no server: revocation lists and OCSP answers are
//! made when they are asked for, and whoever runs the authority puts them where the certificates say.

mod agreement;
mod crl;
mod fault;
mod hierarchy;
mod issue;
mod ledger;
mod ocsp;
mod order;
mod settings;

use std::{
    collections::VecDeque,
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use sealpost_rollover::{
    RevocationReason, Selection, Span, Time,
    authority::{Capabilities, CertificateAuthority, Issued, OrderId, Progress, Reconciled, Submission},
    port::{CertificateRecord, DurableRequest},
};
use sealpost_smime::Certificate;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, workshop};
use fault::Faults;
use hierarchy::Hierarchy;
use ledger::Ledger;
pub(crate) use order::Ask;
use order::Order;

pub use fault::Fault;
pub use settings::Settings;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// The time of this machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Time::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    })
}

/// A local certificate authority.
pub struct LocalAuthority {
    name: String,
    settings: Settings,
    clock: Clock,
    ledger: Ledger,
    hierarchy: Hierarchy,
    faults: Faults,
    /// When it was asked during the last hour.
    asked: Mutex<VecDeque<Time>>,
}

/// That a certificate was revoked.
#[derive(Serialize, Deserialize)]
struct Revoked {
    at: Time,
    reason: RevocationReason,
}

impl LocalAuthority {
    /// A new one that is gone when it is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] for settings that can't be met.
    pub fn in_memory(settings: Settings, clock: Clock) -> Result<Self> {
        Self::make(settings, clock, Ledger::memory())
    }

    /// A new one in a folder, which must be empty or not be there. Its keys are files that only their owner may read.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] for settings that can't be met, or if the folder has one already; [`Error::File`].
    pub fn create(folder: &Path, settings: Settings, clock: Clock) -> Result<Self> {
        Self::make(settings, clock, Ledger::folder(folder)?)
    }

    /// The one that was created in that folder.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if there is none, or it can't be read.
    pub fn open(folder: &Path, clock: Clock) -> Result<Self> {
        let ledger = Ledger::existing(folder)?;
        let settings: Settings = ledger
            .read(settings::FILE)?
            .ok_or_else(|| Error::File { path: folder.to_owned(), problem: "there is no authority here".to_owned() })?;
        let hierarchy = Hierarchy::load(&ledger)?;
        Ok(Self::with(settings, clock, ledger, hierarchy))
    }

    fn make(settings: Settings, clock: Clock, ledger: Ledger) -> Result<Self> {
        settings.check()?;
        let hierarchy = {
            let _lock = ledger.lock()?;
            if ledger.get(settings::FILE)?.is_some() {
                let file = ledger.path(settings::FILE);
                return Err(Error::Refused(format!("{}: there is an authority already", file.display())));
            }
            let hierarchy = Hierarchy::make(&settings, clock(), &ledger)?;
            // The last file: with it the authority is complete.
            ledger.write(settings::FILE, &settings)?;
            hierarchy
        };
        Ok(Self::with(settings, clock, ledger, hierarchy))
    }

    fn with(settings: Settings, clock: Clock, ledger: Ledger, hierarchy: Hierarchy) -> Self {
        let name = format!("local:{}", settings.name);
        let (faults, asked) = (Faults::default(), Mutex::default());
        Self { name, settings, clock, ledger, hierarchy, faults, asked }
    }

    /// Its root's certificate: the trust anchor.
    #[must_use]
    pub fn root(&self) -> &Certificate {
        &self.hierarchy.root.certificate
    }

    /// The certificate of what signs certificates.
    #[must_use]
    pub fn issuing(&self) -> &Certificate {
        &self.hierarchy.issuing.certificate
    }

    /// How it was set up.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Has the next request fail that way, or what comes of it. Several wait for their turn.
    pub fn fail_next(&self, fault: Fault) {
        self.faults.next(fault);
    }

    /// Has every request fail that way until it is [mended](Self::mend).
    pub fn fail(&self, fault: Fault) {
        self.faults.hold(Some(fault));
    }

    /// Ends what [`fail`](Self::fail) began.
    pub fn mend(&self) {
        self.faults.hold(None);
    }

    /// Revokes all selected certificates that it issued, as authorities do that found out about a mistake of theirs.
    /// Gives how many.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; what was revoked before stays so.
    pub fn revoke_all(&self, selection: &Selection, reason: RevocationReason) -> Result<u64> {
        let _lock = self.ledger.lock()?;
        let mut count = 0;
        for name in self.ledger.list(issue::ISSUED)? {
            let Some(found) = self.ledger.read::<issue::Entry>(&name)? else { continue };
            let certificate = workshop::read(&Issued::new(issue::from_hex(&found.certificate)?, Vec::new()))?;
            if selection.selects(&certificate) && self.note_revoked(&certificate.serial, reason)? {
                count += 1;
            }
        }
        Ok(count)
    }

    /// Whether it was not revoked before. The lock must be held.
    fn note_revoked(&self, serial: &[u8], reason: RevocationReason) -> Result<bool> {
        let name = revocation(serial);
        if self.ledger.get(&name)?.is_some() {
            return Ok(false);
        }
        self.ledger.write(&name, &Revoked { at: (self.clock)(), reason })?;
        Ok(true)
    }

    fn revoked(&self, serial: &[u8]) -> Result<Option<Revoked>> {
        self.ledger.read(&revocation(serial))
    }

    /// Takes a request; what a store's proof of durability is for is settled before.
    pub(crate) fn take(&self, ask: &Ask<'_>) -> Submission {
        let now = (self.clock)();
        let fault = self.faults.take();
        let reason = || "as it was told to".to_owned();
        match fault {
            Some(Fault::Outage) => return Submission::Unavailable { reason: reason() },
            Some(Fault::RateLimit(wait)) => return Submission::RateLimited { retry_at: Some(now + wait) },
            Some(Fault::RequestLost) => return Submission::Ambiguous { reason: reason() },
            Some(Fault::Refusal) => return Submission::Refused { reason: reason() },
            _ => {}
        }
        if let Some(retry_at) = self.too_many(now) {
            return Submission::RateLimited { retry_at: Some(retry_at) };
        }
        match self.order(ask, fault, now) {
            Ok((order, _)) if fault == Some(Fault::AnswerLost) => {
                Submission::Ambiguous { reason: format!("as it was told to, after the order {order}") }
            }
            Ok((order, Progress::Issued(issued))) => Submission::Issued { order, issued },
            Ok((order, Progress::Pending { poll_at })) => Submission::Accepted { order, poll_at },
            Ok((_, Progress::Refused { reason })) => Submission::Refused { reason },
            // Whether the order became durable is not known.
            Ok((_, _)) => Submission::Ambiguous { reason: reason() },
            Err(problem @ Error::File { .. }) => Submission::Ambiguous { reason: problem.to_string() },
            Err(problem) => Submission::Refused { reason: problem.to_string() },
        }
    }

    /// Makes the order, or finds it, and goes on with it.
    fn order(&self, ask: &Ask<'_>, fault: Option<Fault>, now: Time) -> Result<(OrderId, Progress)> {
        let order = Order::new(ask, fault, now, &self.settings)?;
        let _lock = self.ledger.lock()?;
        let known = order::known(&self.ledger, ask)?;
        let id = match known.last() {
            Some(id) if fault != Some(Fault::Duplicate) => id.clone(),
            _ => order.keep(&self.ledger, known.len())?,
        };
        if fault == Some(Fault::Duplicate) && known.is_empty() {
            // With another serial number.
            Order::new(ask, fault, now, &self.settings)?.keep(&self.ledger, 1)?;
        }
        let progress = self.go_on(&id)?;
        Ok((OrderId::new(id), progress))
    }

    /// The lock must be held.
    fn go_on(&self, id: &str) -> Result<Progress> {
        let Some(order) = Order::load(&self.ledger, id)? else {
            return Ok(Progress::Refused { reason: format!("there is no order {id}") });
        };
        if order.ready_at > (self.clock)() {
            let poll_at = (order.ready_at < Time::NEVER).then_some(order.ready_at);
            return Ok(Progress::Pending { poll_at });
        }
        match self.issue(id, order) {
            Ok(issued) => Ok(Progress::Issued(issued)),
            Err(problem @ Error::File { .. }) => Err(problem),
            Err(problem) => Ok(Progress::Refused { reason: problem.to_string() }),
        }
    }

    /// Notes that it was asked; when to ask again, if that was too often.
    fn too_many(&self, now: Time) -> Option<Time> {
        let hour = Span::hours(1);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        while asked.front().is_some_and(|at| *at + hour <= now || now < *at) {
            asked.pop_front();
        }
        let most = usize::try_from(self.settings.requests_per_hour).unwrap_or(usize::MAX);
        if asked.len() >= most {
            return asked.front().map(|at| *at + hour).or(Some(now + hour));
        }
        asked.push_back(now);
        None
    }

    pub(crate) fn found(&self, ask: &Ask<'_>) -> Reconciled {
        if self.faults.is_out() {
            return Reconciled::Unavailable { reason: OUT.to_owned() };
        }
        match order::known(&self.ledger, ask) {
            Ok(orders) => Reconciled::Orders(orders.into_iter().map(OrderId::new).collect()),
            Err(problem) => Reconciled::Unavailable { reason: problem.to_string() },
        }
    }

    fn polled(&self, order: &OrderId) -> Progress {
        if self.faults.is_out() {
            return Progress::Unavailable { reason: OUT.to_owned() };
        }
        let progress = self.ledger.lock().and_then(|_lock| self.go_on(order.as_str()));
        progress.unwrap_or_else(|problem| Progress::Unavailable { reason: problem.to_string() })
    }

    fn revoke_one(&self, certificate: &CertificateRecord, reason: RevocationReason) -> Result<()> {
        if self.faults.is_out() {
            return Err(Error::Refused(OUT.to_owned()));
        }
        let _lock = self.ledger.lock()?;
        let entry: Option<issue::Entry> = self.ledger.read(&issue::entry(&certificate.serial))?;
        let found = entry.map(|entry| issue::from_hex(&entry.certificate)).transpose()?;
        if found.as_ref() != Some(&certificate.der) {
            return Err(Error::Refused("it issued no such certificate".to_owned()));
        }
        self.note_revoked(&certificate.serial, reason).map(|_| ())
    }
}

const OUT: &str = "it can't be reached";

/// Where it is noted that a certificate was revoked.
const REVOKED: &str = "revoked";

fn revocation(serial: &[u8]) -> String {
    format!("{REVOKED}/{}.json", base16ct::lower::encode_string(serial))
}

impl CertificateAuthority for LocalAuthority {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(self.settings.requests_per_hour)
    }

    async fn submit(&self, request: &DurableRequest) -> Submission {
        self.take(&Ask::from_durable(request))
    }

    async fn find(&self, request: &DurableRequest) -> Reconciled {
        self.found(&Ask::from_durable(request))
    }

    async fn poll(&self, order: &OrderId) -> Progress {
        self.polled(order)
    }

    async fn revoke(&self, certificate: &CertificateRecord, reason: RevocationReason) -> Result<(), String> {
        self.revoke_one(certificate, reason).map_err(|problem| problem.to_string())
    }
}

impl fmt::Debug for LocalAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalAuthority").field("settings", &self.settings).finish_non_exhaustive()
    }
}
