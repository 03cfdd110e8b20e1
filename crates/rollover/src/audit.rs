//! The audit chain: what happened, in an order that nobody can change unseen.
//!
//! Each record holds the hash of the one before it. Who knows the last hash can verify all of them offline.
//!
//! The hash of a record is SHA-256 over, in this order: the hash of the record before (32 octets; zeros before the
//! first one), the sequence number and the time (8 octets each, big-endian), then actor, subject and text, each with
//! its length in octets before it (8 octets, big-endian).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result, SubjectId, Time};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// Counted from 1, without gaps.
    pub sequence: u64,
    /// When.
    pub at: Time,
    /// Who did it: a node, or whom the program named.
    pub actor: String,
    /// To whose keys; none for settings and replacements.
    pub subject: Option<SubjectId>,
    /// What, as JSON.
    pub text: String,
    /// The hash of the record before it.
    pub previous: Hash,
    /// The hash of this one.
    pub hash: Hash,
}

impl Record {
    /// The record `sequence` of what happened at `at`: who did it, to whom, what, and the hashes that a store read
    /// with it. Whether they are right shows [`Head::verify`].
    #[must_use]
    pub fn new(
        (sequence, at): (u64, Time),
        (actor, subject, text): (String, Option<SubjectId>, String),
        (previous, hash): (Hash, Hash),
    ) -> Self {
        Self { sequence, at, actor, subject, text, previous, hash }
    }
}

/// A record's hash: 32 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands before the first record.
    pub const START: Self = Self([0; 32]);

    /// From its octets.
    #[must_use]
    pub const fn from_octets(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// Its octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for Hash {
    type Error = Error;

    fn try_from(digits: String) -> Result<Self> {
        let mut octets = [0; 32];
        match base16ct::lower::decode(&digits, &mut octets) {
            Ok(decoded) if decoded.len() == 32 => Ok(Self(octets)),
            _ => Err(Error::BadField { field: "hash", found: digits }),
        }
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        base16ct::lower::encode_string(&hash.0)
    }
}

/// The end of a chain: what the next record is appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// How many records there are.
    pub sequence: u64,
    /// The last one's hash.
    pub hash: Hash,
}

impl Head {
    /// Of a chain without records.
    pub const START: Self = Self { sequence: 0, hash: Hash::START };

    /// After the record `sequence` with `hash`.
    #[must_use]
    pub const fn new(sequence: u64, hash: Hash) -> Self {
        Self { sequence, hash }
    }

    /// The next record, after which the chain ends in it.
    #[must_use]
    pub fn append(&mut self, at: Time, actor: &str, subject: Option<SubjectId>, text: String) -> Record {
        let (sequence, previous) = (self.sequence + 1, self.hash);
        let actor = actor.to_owned();
        let mut record = Record { sequence, at, actor, subject, text, previous, hash: Hash::START };
        record.hash = hash_of(&record);
        *self = Self { sequence, hash: record.hash };
        record
    }

    /// Goes on over `record` if it is the one that follows.
    ///
    /// # Errors
    ///
    /// [`Error::Audit`] if it is not, or was changed.
    pub fn verify(&mut self, record: &Record) -> Result<()> {
        let problem = if record.sequence != self.sequence + 1 {
            "its number does not follow the one before"
        } else if record.previous != self.hash {
            "it does not follow the record before"
        } else if record.hash != hash_of(record) {
            "it was changed"
        } else {
            *self = Self { sequence: record.sequence, hash: record.hash };
            return Ok(());
        };
        Err(Error::Audit { sequence: self.sequence + 1, problem })
    }
}

fn hash_of(record: &Record) -> Hash {
    let mut hash = Sha256::new();
    hash.update(record.previous.0);
    hash.update(record.sequence.to_be_bytes());
    hash.update(record.at.unix().to_be_bytes());
    let subject: &[u8] = record.subject.as_ref().map_or(&[], |subject| subject.octets());
    for field in [record.actor.as_bytes(), subject, record.text.as_bytes()] {
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(field);
    }
    Hash(hash.finalize().into())
}
