//! The port: what the schedule needs of a store. A domain knows no database; any database can stand behind it.
//!
//! Each verb is one transaction: it is done wholly, durably (it survives a crash of the machine once it returned),
//! or not at all. What changes a subject's state appends its record to the audit chain in the same transaction.

use std::future::Future;

use crate::{Event, GenerationId, Result, Selection, Span, Subject, SubjectId, SubjectState, Time, Wake, audit};

mod durable;
mod entry;
mod keys;
mod work;

pub use durable::{DurableRequest, commit, committed};
pub use entry::{Entry, With};
pub use keys::{CertificateRecord, KeyName, NewGeneration, PrivateKey, PublicKey};
pub use work::{Attachment, AuthorityState, Claim, GenerationRecord, Insertion, Lease, Listed, Pace, Replacement};

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
