//! What can go wrong, and where.

use std::{fmt, io};

use der::oid::ObjectIdentifier;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate. Its text names what was wrong and where, and never a secret.
///
/// What was *judged* is no error: a signature that does not fit is a finding of a
/// verification, with its reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The encoding is damaged (BER, ITU-T X.690; base64; PEM).
    #[error("{what}, at octet {offset} of {place}")]
    Encoding {
        /// Which input or structure.
        place: &'static str,
        /// Where in it, from 0.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The encoding is sound, but it is not the structure that belongs there.
    #[error("{place}: {what}")]
    Structure {
        /// Which structure or field, by its name in the standard.
        place: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// An algorithm that this crate, or this build of it, does not have.
    #[error("{place}: the algorithm {oid} is not supported")]
    Algorithm {
        /// Which field names it.
        place: &'static str,
        /// Which.
        oid: ObjectIdentifier,
    },
    /// A limit was exceeded (see [`Limits`](crate::Limits)).
    #[error("{what}: more than {limit}")]
    Limit {
        /// Of what there is too much.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
    /// The mail's MIME structure can't be read (RFC 2045, RFC 2046).
    #[error("{what}, at octet {offset} of the mail")]
    Mime {
        /// Where, from the start of the mail.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The mail is not what was asked for: not signed, not encrypted, no S/MIME at all.
    #[error("not {expected}: {found}")]
    NotThis {
        /// What was asked for.
        expected: &'static str,
        /// What the mail is.
        found: String,
    },
    /// Signed data without a signer.
    #[error("there is no signer")]
    NoSigner,
    /// A message without a recipient would be readable by nobody.
    #[error("there is no recipient")]
    NoRecipient,
    /// A message can't be decrypted. There is one such error, whatever the cause.
    #[error("the message can't be decrypted with these keys")]
    Decryption,
    /// A certificate that can't be used for what was asked.
    #[error("the certificate of {subject}: {what}")]
    Certificate {
        /// Whose.
        subject: String,
        /// Why not.
        what: &'static str,
    },
    /// A private key that can't be read or used.
    #[error("the private key: {0}")]
    Key(&'static str),
    /// A PKCS#12 file (RFC 7292) that can't be opened.
    #[error("PKCS#12: {0}")]
    Pkcs12(&'static str),
    /// A key that is kept elsewhere gave no result.
    #[error("the key's keeper: {0}")]
    Keeper(String),
    /// Reading the input failed.
    #[error("can't read")]
    Read(#[source] io::Error),
    /// Writing the output failed.
    #[error("can't write")]
    Write(#[source] io::Error),
}

impl Error {
    pub(crate) fn structure(place: &'static str, what: &'static str) -> Self {
        Self::Structure { place, what }
    }

    /// A structure that `der` could not read.
    pub(crate) fn der(place: &'static str) -> impl FnOnce(der::Error) -> Self {
        move |error| Self::Encoding {
            place,
            offset: error.position().map_or(0, |at| u32::from(at).into()),
            what: reason(error.kind()),
        }
    }

    /// What went wrong below a writer that could only say so by an error of writing.
    pub(crate) fn unwrapped(error: Self) -> Self {
        match error {
            Self::Write(error) => error.downcast().unwrap_or_else(Self::Write),
            other => other,
        }
    }

    /// What reading gave: this crate's own error if it comes from a decoder of ours.
    pub(crate) fn read(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(Self::Read)
    }

    pub(crate) fn not(expected: &'static str, found: impl fmt::Display) -> Self {
        Self::NotThis { expected, found: found.to_string() }
    }
}

fn reason(kind: der::ErrorKind) -> &'static str {
    match kind {
        der::ErrorKind::Incomplete { .. } => "it ends too early",
        der::ErrorKind::TrailingData { .. } => "there is something behind its end",
        der::ErrorKind::TagUnexpected { .. } | der::ErrorKind::TagUnknown { .. } => "another tag was expected",
        der::ErrorKind::Length { .. } | der::ErrorKind::Overlength => "the length is wrong",
        der::ErrorKind::IndefiniteLength | der::ErrorKind::Noncanonical { .. } => "it is not DER",
        _ => "the value is malformed",
    }
}
