//! What the schedule needs of cryptography: keys are made and certificates looked at elsewhere.

use std::future::Future;

use crate::{
    GenerationId, Result, Subject, Time,
    authority::Issued,
    port::{CertificateRecord, PrivateKey, PublicKey},
};

/// A key that was made, and what to ask an authority with.
#[derive(Debug)]
#[non_exhaustive]
pub struct MadeKey {
    /// The private key.
    pub key: PrivateKey,
    /// Its public key.
    pub public: PublicKey,
    /// The certification request in DER (RFC 2986).
    pub request: Vec<u8>,
}

impl MadeKey {
    /// `key` with its public key and `request`.
    #[must_use]
    pub const fn new(key: PrivateKey, public: PublicKey, request: Vec<u8>) -> Self {
        Self { key, public, request }
    }
}

/// What was found when a certificate was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inspection {
    /// It is what was asked for.
    Fit,
    /// It is not: it must not sign anything.
    Unfit {
        /// What is wrong, each with the rule that says so.
        findings: Vec<String>,
    },
}

/// Makes keys and looks at certificates. The one for mail is in `sealpost-ca`.
pub trait Workshop: Send + Sync {
    /// Makes a key for a generation of `subject`, and the certification request for it.
    fn make_key(&self, subject: &Subject, generation: GenerationId) -> impl Future<Output = Result<MadeKey>> + Send;

    /// Reads a certificate that came from an authority.
    ///
    /// # Errors
    ///
    /// What is wrong with it, if it can't be read.
    fn read(&self, issued: &Issued) -> Result<CertificateRecord, String>;

    /// Looks whether `certificate` is what was asked for, by the rules that hold for certificates of its kind, with a
    /// complete and valid chain.
    fn inspect(&self, certificate: &CertificateRecord, asked: &Asked<'_>, now: Time) -> Inspection;
}

/// What was asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// For whom.
    pub subject: &'a Subject,
    /// For which generation.
    pub generation: GenerationId,
    /// For which key.
    pub public: &'a PublicKey,
}

impl<'a> Asked<'a> {
    /// A certificate for the key `public` of `subject`'s `generation`.
    #[must_use]
    pub const fn new(subject: &'a Subject, generation: GenerationId, public: &'a PublicKey) -> Self {
        Self { subject, generation, public }
    }
}
