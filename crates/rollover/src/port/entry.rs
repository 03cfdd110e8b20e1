//! What an audit record tells: its text, in one form for all stores, so that a chain says the same after it moved.

use serde::{Deserialize, Serialize};

use super::{Attachment, Pace, PublicKey, Replacement};
use crate::{Error, Event, Result, Subject};

/// What a record of the audit chain tells. The record's text is this as JSON.
///
/// Whoever applies the events of a chain, in its order, to the subjects that were enrolled has their states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Entry {
    /// A subject was enrolled.
    Enrolled {
        /// Which one.
        subject: Subject,
    },
    /// Something happened to a subject.
    Happened {
        /// What.
        event: Event,
        /// What came with it.
        with: With,
    },
    /// A set is to be replaced.
    Replacing {
        /// Which one, before when, and why.
        replacement: Replacement,
    },
    /// A replacement rests, or goes on.
    Paced {
        /// Which one.
        replacement: u64,
        /// Whether it rests now.
        paused: bool,
    },
    /// Something was set.
    Set {
        /// Under which name.
        name: String,
        /// What was set before.
        old: Option<String>,
        /// What is set now.
        new: String,
    },
}

/// What came with an event, by name. Octets are written in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum With {
    /// Nothing.
    Nothing,
    /// A key.
    Key {
        /// SHA-256 of its SubjectPublicKeyInfo.
        spki_sha256: String,
    },
    /// The authority's name of the order.
    Order(String),
    /// A certificate.
    Certificate {
        /// Its issuer's name in DER.
        issuer: String,
        /// Its serial number.
        serial: String,
        /// SHA-256 of its SubjectPublicKeyInfo.
        spki_sha256: String,
    },
    /// Why.
    Reason(String),
}

impl Entry {
    /// `event` happened, and `attachment` came with it.
    #[must_use]
    pub fn happened(event: &Event, attachment: &Attachment) -> Self {
        let with = match attachment {
            Attachment::None => With::Nothing,
            Attachment::Order(order) => With::Order(order.clone()),
            Attachment::Reason(reason) => With::Reason(reason.clone()),
            Attachment::Certificate(certificate) => With::Certificate {
                issuer: digits(&certificate.issuer),
                serial: digits(&certificate.serial),
                spki_sha256: digits(&certificate.public.spki_sha256),
            },
        };
        Self::Happened { event: *event, with }
    }

    /// The key of `public` was committed: `event`.
    #[must_use]
    pub fn committed(event: &Event, public: &PublicKey) -> Self {
        Self::Happened { event: *event, with: With::Key { spki_sha256: digits(&public.spki_sha256) } }
    }

    /// A replacement goes on at that pace.
    #[must_use]
    pub fn paced(replacement: u64, pace: Pace) -> Self {
        Self::Paced { replacement, paused: pace == Pace::Paused }
    }

    /// The text of the record.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if it can't be written as JSON.
    pub fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::store("writing an audit record", error))
    }

    /// What the text of a record tells.
    ///
    /// # Errors
    ///
    /// [`Error::BadField`] if it is no entry.
    pub fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| Error::BadField { field: "text of an audit record", found: error.to_string() })
    }
}

fn digits(octets: &[u8]) -> String {
    base16ct::lower::encode_string(octets)
}
