//! What nodes claim, what they bring, and what they see of each other.

use serde::{Deserialize, Serialize};

use super::{CertificateRecord, PublicKey};
use crate::{Selection, Span, Subject, SubjectId, SubjectState, Time, Wake};

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
