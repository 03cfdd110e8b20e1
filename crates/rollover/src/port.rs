//! The port: what the schedule needs of a store. A domain knows no database; any database can stand behind it.
//!
//! Each verb is one transaction: it is done wholly, durably (it survives a crash of the machine once it returned),
//! or not at all. What changes a subject's state appends its record to the audit chain in the same transaction.

use std::{fmt, future::Future};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Cause, Event, GenerationId, Result, Selection, Span, Subject, SubjectId, SubjectState, Time, Wake, audit};

mod durable;
mod entry;

pub use durable::{DurableRequest, commit, committed};
pub use entry::{Entry, With};

/// A private key: PKCS#8 in DER (RFC 5958). Wiped when dropped.
#[derive(Clone)]
pub struct PrivateKey(Zeroizing<Vec<u8>>);

impl PrivateKey {
    /// Takes the octets of a PKCS#8 structure.
    #[must_use]
    pub const fn from_pkcs8(der: Zeroizing<Vec<u8>>) -> Self {
        Self(der)
    }

    /// The octets of the PKCS#8 structure: the secret itself.
    #[must_use]
    pub fn expose_pkcs8(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

/// A new generation: a key that is not committed yet.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewGeneration {
    /// Which one.
    pub id: GenerationId,
    /// Why it is made.
    pub cause: Cause,
    /// When.
    pub at: Time,
    /// The key.
    pub key: PrivateKey,
    /// Its public key.
    pub public: PublicKey,
    /// What an authority is asked with: a certification request in DER (RFC 2986). Empty for what is imported.
    pub request: Vec<u8>,
}

impl NewGeneration {
    /// The generation `id` with that key, made at `at`.
    #[must_use]
    pub const fn new(
        (id, cause, at): (GenerationId, Cause, Time),
        key: PrivateKey,
        public: PublicKey,
        request: Vec<u8>,
    ) -> Self {
        Self { id, cause, at, key, public, request }
    }
}

/// The names of a public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PublicKey {
    /// SHA-256 of its SubjectPublicKeyInfo in DER (RFC 5280, section 4.1.2.7): 32 octets.
    pub spki_sha256: Vec<u8>,
    /// Its key identifier (RFC 5280, section 4.2.1.2): 20 octets or what the certificate says.
    pub key_id: Vec<u8>,
}

impl PublicKey {
    /// Of these hashes.
    #[must_use]
    pub const fn new(spki_sha256: Vec<u8>, key_id: Vec<u8>) -> Self {
        Self { spki_sha256, key_id }
    }
}

/// A certificate of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CertificateRecord {
    /// Its issuer's name in DER.
    pub issuer: Vec<u8>,
    /// Its serial number: the content octets, big-endian.
    pub serial: Vec<u8>,
    /// Its public key.
    pub public: PublicKey,
    /// Its first second.
    pub not_before: Time,
    /// Its last second.
    pub not_after: Time,
    /// What the authority calls this kind of certificate: the policy identifier, in dotted form, or empty.
    pub product: String,
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// Those above it, in DER, its issuer's first, without the root.
    pub chain: Vec<Vec<u8>>,
}

impl CertificateRecord {
    /// That of the certificate `der` under `chain`, with its issuer and serial number, its public key, and its first
    /// and last second. Its product is not known.
    #[must_use]
    pub fn new(
        (issuer, serial): (Vec<u8>, Vec<u8>),
        public: PublicKey,
        (not_before, not_after): (Time, Time),
        (der, chain): (Vec<u8>, Vec<Vec<u8>>),
    ) -> Self {
        Self { issuer, serial, public, not_before, not_after, product: String::new(), der, chain }
    }

    /// The same of that product.
    #[must_use]
    pub fn product(mut self, product: impl Into<String>) -> Self {
        self.product = product.into();
        self
    }
}

/// By what a mail names the key that it is encrypted to, or a certificate is named elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyName {
    /// Issuer's name in DER and serial number (RFC 5652, section 10.2.4).
    IssuerAndSerial {
        /// DER.
        issuer: Vec<u8>,
        /// Content octets, big-endian.
        serial: Vec<u8>,
    },
    /// The key identifier.
    KeyId(Vec<u8>),
    /// SHA-256 of the SubjectPublicKeyInfo.
    Spki(Vec<u8>),
}

/// A subject's time-limited right to be worked on by one node. Writing with it fails once another node took over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lease {
    /// Whose.
    pub subject: Subject,
    /// Its state when it was claimed.
    pub state: SubjectState,
    /// Counts how often the subject was claimed.
    pub epoch: u64,
    /// When anybody may claim it again, by the store's clock.
    pub until: Time,
}

impl Lease {
    /// That of `subject` in `state`.
    #[must_use]
    pub const fn new(subject: Subject, state: SubjectState, epoch: u64, until: Time) -> Self {
        Self { subject, state, epoch, until }
    }
}

/// What a node wants to claim.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// Who claims.
    pub node: String,
    /// For how long.
    pub lifetime: Span,
    /// How many at most.
    pub limit: u32,
    /// How many at most of those that wait for the authority.
    pub asking: u32,
    /// Only this one, whether it is due or not.
    pub only: Option<SubjectId>,
}

impl Claim {
    /// Of `node`, for `lifetime`.
    #[must_use]
    pub fn new(node: impl Into<String>, lifetime: Span, limit: u32, asking: u32) -> Self {
        Self { node: node.into(), lifetime, limit, asking, only: None }
    }

    /// Of `node`, for `lifetime`: `subject` and no other one, whether it is due or not.
    #[must_use]
    pub fn only(subject: SubjectId, node: impl Into<String>, lifetime: Span) -> Self {
        Self { node: node.into(), lifetime, limit: 1, asking: 1, only: Some(subject) }
    }
}

/// What became of inserting a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Insertion {
    /// It is committed.
    Inserted,
    /// One with that number was there already: its key stays, the new one is dropped.
    AlreadyThere,
}

/// What comes with an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attachment {
    /// Nothing.
    #[default]
    None,
    /// What the authority calls the order.
    Order(String),
    /// A certificate.
    Certificate(Box<CertificateRecord>),
    /// Why it was refused, or what is wrong.
    Reason(String),
}

/// What a store knows of a generation besides its state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GenerationRecord {
    /// Its public key.
    pub public: PublicKey,
    /// The certification request.
    pub request: Vec<u8>,
    /// What the authority calls the order.
    pub order: Option<String>,
    /// Its certificates, the adopted one first.
    pub certificates: Vec<CertificateRecord>,
}

impl GenerationRecord {
    /// Of a key with that public key and request.
    #[must_use]
    pub const fn new(public: PublicKey, request: Vec<u8>) -> Self {
        Self { public, request, order: None, certificates: Vec::new() }
    }
}

/// How an authority is doing, as all nodes see it together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuthorityState {
    /// Requests that may be made at once: a bucket that its rate fills.
    pub permits: u32,
    /// When the bucket was filled up last.
    pub filled_at: Time,
    /// How often in a row asking failed.
    pub failures: u16,
    /// Not to be asked before that.
    pub ask_from: Time,
}

impl AuthorityState {
    /// That of an authority that was never asked: no permits yet, filled up at `at`.
    #[must_use]
    pub const fn new(at: Time) -> Self {
        Self { permits: 0, filled_at: at, failures: 0, ask_from: at }
    }
}

/// A page of subjects.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listed {
    /// The subject.
    pub subject: Subject,
    /// Its state.
    pub state: SubjectState,
    /// When it is looked at next.
    pub wake: Wake,
}

impl Listed {
    /// `subject` in `state`.
    #[must_use]
    pub const fn new(subject: Subject, state: SubjectState, wake: Wake) -> Self {
        Self { subject, state, wake }
    }
}

/// A set of generations that is replaced before a deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Replacement {
    /// Counted from 1.
    pub id: u64,
    /// Which generations.
    pub selection: Selection,
    /// Before when.
    pub before: Time,
    /// Why, in somebody's words.
    pub reason: String,
    /// Whether it rests.
    pub paused: bool,
    /// How many were selected.
    pub selected: u64,
    /// How many of them were handed to the schedule.
    pub started: u64,
}

impl Replacement {
    /// One that starts.
    #[must_use]
    pub const fn new(id: u64, selection: Selection, before: Time, reason: String, selected: u64) -> Self {
        Self { id, selection, before, reason, paused: false, selected, started: 0 }
    }
}

/// Whether a replacement goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pace {
    /// It rests: none of its generations is handed to the schedule.
    Paused,
    /// It goes on.
    Running,
}

/// A store of subjects, keys, certificates and the audit chain.
///
/// Every implementation must pass the suite `conformance` (feature `testing`). Futures may be dropped: what they had not
/// committed is then not written.
///
/// Each verb that enrols, inserts, advances, records, destroys, sets, replaces or paces appends one audit record,
/// and [`start_replacing`](Self::start_replacing) one for each generation; its text is an [`Entry`]. What was done
/// before and changes nothing (enrolling again, [`Insertion::AlreadyThere`], destroying again) appends none. The
/// record's time is the store's clock, its actor the node that claimed the lease, the `actor` that is given, or
/// `schedule`.
///
/// A lease ends when another node takes over, or when it was given back: from then on it is
/// [`Error::Fenced`](crate::Error::Fenced). What is not there is [`Error::NotFound`](crate::Error::NotFound).
pub trait KeyStore: Send + Sync {
    /// The one clock of all nodes: the database server's, where there is one.
    fn now(&self) -> impl Future<Output = Result<Time>> + Send;

    /// Enrols `subject`, due at once: [`Wake::first`]. One that is there already stays as it is.
    fn enroll(&self, subject: &Subject, actor: &str) -> impl Future<Output = Result<()>> + Send;

    /// The subject and its state.
    fn load(&self, id: SubjectId) -> impl Future<Output = Result<Option<Listed>>> + Send;

    /// The subjects after `after` in the order of their ids, at most `limit`.
    fn list(&self, after: Option<SubjectId>, limit: u32) -> impl Future<Output = Result<Vec<Listed>>> + Send;

    /// Claims subjects whose wake has come at `now` and whose last lease was given back or ended by `now`, the
    /// earliest deadline first, then by their ids; or [only one](Claim::only), also if its wake has not come.
    fn claim(&self, now: Time, claim: &Claim) -> impl Future<Output = Result<Vec<Lease>>> + Send;

    /// Gives the lease back; the subject is due again at `wake`, or at once if something was recorded of it since
    /// it was claimed, with the earlier one of its deadline and that of `wake`.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`](crate::Error::Fenced) if another node took over.
    fn release(&self, lease: &Lease, wake: Wake) -> impl Future<Output = Result<()>> + Send;

    /// Inserts a generation if there is none with its number: compare and set. Durable once it returned. Applies
    /// [`Happened::KeyDurable`](crate::Happened::KeyDurable).
    ///
    /// To ask an authority with it, use [`commit`].
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`](crate::Error::Fenced) if another node took over.
    fn insert_generation(&self, lease: &Lease, new: &NewGeneration) -> impl Future<Output = Result<Insertion>> + Send;

    /// Applies `event`, and keeps what comes with it. A certificate of a generation that has one already is kept
    /// beside it, so that its recipients' mails find the key; one that is there already is kept once. Of orders the
    /// first one is kept.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`](crate::Error::Fenced) if another node took over; [`Error::NotFound`](crate::Error::NotFound)
    /// if an order or a certificate comes for a generation that is not there.
    fn advance(
        &self,
        lease: &Lease,
        event: &Event,
        attachment: &Attachment,
    ) -> impl Future<Output = Result<SubjectState>> + Send;

    /// Applies `event`, which came from outside and needs no lease, and makes the subject due at once:
    /// [`Wake::after`].
    fn record(
        &self,
        subject: SubjectId,
        event: &Event,
        actor: &str,
    ) -> impl Future<Output = Result<SubjectState>> + Send;

    /// What is known of a generation besides its state.
    fn generation(&self, id: GenerationId) -> impl Future<Output = Result<Option<GenerationRecord>>> + Send;

    /// The private key.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if it was destroyed or never was.
    fn private_key(&self, id: GenerationId) -> impl Future<Output = Result<PrivateKey>> + Send;

    /// Has the second place acknowledge the key: it is durable there once this returned. No event is applied.
    fn back_up(&self, id: GenerationId) -> impl Future<Output = Result<()>> + Send;

    /// Destroys the private key, applies [`Happened::Destroyed`](crate::Happened::Destroyed) and makes the subject due
    /// at once. Never called by the schedule. A second place keeps its copy: that nothing here can take it away is what
    /// it is for.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such generation.
    fn destroy(&self, id: GenerationId, at: Time, actor: &str) -> impl Future<Output = Result<()>> + Send;

    /// The generations with that name: their own key's, or that of any certificate that ever came for them.
    fn find(&self, name: &KeyName) -> impl Future<Output = Result<Vec<GenerationId>>> + Send;

    /// How many generations `selection` selects by their adopted certificates: of each slot of subjects that have
    /// not left, the last one that is fit ([`Generation::is_fit`](crate::Generation::is_fit)). Those before it are
    /// replaced already.
    fn count(&self, selection: &Selection) -> impl Future<Output = Result<u64>> + Send;

    /// Starts to replace what `selection` selects now.
    fn replace(
        &self,
        selection: &Selection,
        before: Time,
        reason: &str,
        actor: &str,
    ) -> impl Future<Output = Result<Replacement>> + Send;

    /// The replacements, the first one first.
    fn replacements(&self) -> impl Future<Output = Result<Vec<Replacement>>> + Send;

    /// Lets a replacement rest or go on.
    fn pace(&self, replacement: u64, pace: Pace, actor: &str) -> impl Future<Output = Result<()>> + Send;

    /// Hands up to `limit` generations of running replacements to the schedule, those of the earliest deadline
    /// first, then of the first replacement: applies [`Happened::ReplaceBy`](crate::Happened::ReplaceBy) at `now`,
    /// brings their subjects' deadlines forward to it and makes them due at once. Returns how many.
    fn start_replacing(&self, now: Time, limit: u32) -> impl Future<Output = Result<u32>> + Send;

    /// The state of the authority called `name`; `change` is applied to it in the same transaction.
    fn authority<F>(&self, name: &str, now: Time, change: F) -> impl Future<Output = Result<AuthorityState>> + Send
    where
        F: FnOnce(&mut AuthorityState) + Send;

    /// What was set under `name`.
    fn setting(&self, name: &str) -> impl Future<Output = Result<Option<String>>> + Send;

    /// Sets `name`. It is written to the audit chain with the old and the new value.
    fn set(&self, name: &str, value: &str, actor: &str) -> impl Future<Output = Result<()>> + Send;

    /// Notes that it is `now`, by `max_jump` later than at the latest look at most. Going back is no jump, and the
    /// latest look stays what it was.
    ///
    /// # Errors
    ///
    /// [`Error::ClockJumped`](crate::Error::ClockJumped) if it is more; nothing is noted then.
    fn look(&self, now: Time, max_jump: Span) -> impl Future<Output = Result<()>> + Send;

    /// The audit records after number `after`, at most `limit`.
    fn audit(&self, after: u64, limit: u32) -> impl Future<Output = Result<Vec<audit::Record>>> + Send;
}
