//! Certificate paths: from a signer's or recipient's certificate to an anchor that the caller trusts (RFC 5280 §6,
//! RFC 8550 §4), at a time that the caller gives, with the revocation lists and OCSP responses that the caller gives.
//! Nothing is fetched.

mod build;
mod constraints;
mod crl;
mod distrust;
mod issuer;
mod ocsp;
mod point;
mod policy;
mod revocation;
mod signature;
mod signed;

use std::{fmt, sync::Arc};

use der::oid::ObjectIdentifier;

use crate::{Certificate, Limits, Result, UnixTime};

pub(crate) use build::Budget;
use crl::Crl;
use ocsp::OcspResponse;

pub use distrust::{Distrust, Reason, RevocationReason};

/// What a certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// To verify signatures of mails.
    EmailSigning,
    /// To encrypt mails to it.
    EmailEncryption,
}

/// How much must be known about revocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationPolicy {
    /// It is not looked at.
    Ignore,
    /// A certificate that a list or a response says is revoked is refused; where nothing says anything,
    /// the path's [`Revocation`] is `NotKnown`.
    #[default]
    UseWhatIsGiven,
    /// Every certificate of the path but the anchor must be known not to be revoked.
    Require,
}

/// What becomes of signatures over SHA-1 in certificates, lists and responses (RFC 8550 §4.3), and of mails (RFC 8551
/// §B.1): for SHA-1 two contents with one hash can be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WeakSignatures {
    /// They are refused.
    #[default]
    Refuse,
    /// They are accepted, each but a mail's own with a [`Warning`]. For mails of the past.
    Warn,
}

/// Which certificate policies are asked for (the inputs of RFC 5280 §6.1.1 (c) and (e) to (g)). By default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyRules {
    acceptable: Vec<ObjectIdentifier>,
    explicit: bool,
    inhibit_mapping: bool,
    inhibit_any: bool,
}

impl PolicyRules {
    /// The user-initial-policy-set: only these are acceptable. An empty set stands for all.
    #[must_use]
    pub fn acceptable(mut self, policies: impl IntoIterator<Item = ObjectIdentifier>) -> Self {
        self.acceptable = policies.into_iter().collect();
        self
    }

    /// initial-explicit-policy: the path must be valid for an acceptable policy.
    #[must_use]
    pub fn require_explicit(mut self) -> Self {
        self.explicit = true;
        self
    }

    /// initial-policy-mapping-inhibit: policies are not mapped.
    #[must_use]
    pub fn inhibit_mapping(mut self) -> Self {
        self.inhibit_mapping = true;
        self
    }

    /// initial-any-policy-inhibit: anyPolicy in certificates stands for nothing.
    #[must_use]
    pub fn inhibit_any(mut self) -> Self {
        self.inhibit_any = true;
        self
    }
}

/// What certificate paths are built from and judged by. Cheap to clone.
///
/// A trust anchor is trusted for what it says itself and no more (RFC 5937): its validity, name constraints, policy
/// constraints, path length, key usage and extended key usage bind. An anchor without basicConstraints may issue if its
/// key usage says so, or if it is older than version 3 of X.509.
/// Any certificate may be an anchor: an intermediate authority's, or one person's, which then stands for itself.
#[derive(Clone)]
pub struct Validator {
    anchors: Arc<[Certificate]>,
    intermediates: Arc<[Certificate]>,
    crls: Vec<Arc<Crl>>,
    responses: Vec<Arc<OcspResponse>>,
    at: UnixTime,
    purpose: Purpose,
    revocation: RevocationPolicy,
    weak: WeakSignatures,
    policies: PolicyRules,
    limits: Limits,
}

impl Validator {
    /// With these trust anchors, at this time.
    #[must_use]
    pub fn new(anchors: &[Certificate], at: UnixTime, purpose: Purpose) -> Self {
        Self {
            anchors: anchors.into(),
            intermediates: Arc::default(),
            crls: Vec::new(),
            responses: Vec::new(),
            at,
            purpose,
            revocation: RevocationPolicy::default(),
            weak: WeakSignatures::default(),
            policies: PolicyRules::default(),
            limits: Limits::default(),
        }
    }

    /// Certificates that may help to build paths. They are not trusted.
    #[must_use]
    pub fn intermediates(mut self, certificates: &[Certificate]) -> Self {
        self.intermediates = certificates.into();
        self
    }

    /// Adds a certificate revocation list: DER of a CertificateList (RFC 5280 §5). It is used if it is signed by
    /// whom it must be signed by; a list that is not valid at the time can only show that something was revoked.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub fn crl(mut self, der: &[u8]) -> Result<Self> {
        self.crls.push(Arc::new(Crl::from_der(der)?));
        Ok(self)
    }

    /// Adds an OCSP response: DER of an OCSPResponse or a BasicOCSPResponse (RFC 6960 §4.2). Nonces are not looked at.
    ///
    /// # Errors
    ///
    /// If it can't be read, or says that it is no answer.
    pub fn ocsp(mut self, der: &[u8]) -> Result<Self> {
        self.responses.push(Arc::new(OcspResponse::from_der(der)?));
        Ok(self)
    }

    /// At another time.
    #[must_use]
    pub fn at(mut self, time: UnixTime) -> Self {
        self.at = time;
        self
    }

    /// For another purpose.
    #[must_use]
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// How much must be known about revocation.
    #[must_use]
    pub fn revocation(mut self, policy: RevocationPolicy) -> Self {
        self.revocation = policy;
        self
    }

    /// What becomes of signatures over SHA-1.
    #[must_use]
    pub fn weak_signatures(mut self, weak: WeakSignatures) -> Self {
        self.weak = weak;
        self
    }

    /// What becomes of them.
    pub(crate) fn weak(&self) -> WeakSignatures {
        self.weak
    }

    /// Which certificate policies are asked for.
    #[must_use]
    pub fn policies(mut self, rules: PolicyRules) -> Self {
        self.policies = rules;
        self
    }

    /// Other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Finds a path from `leaf` to an anchor that is valid in every respect. `others` are certificates that may help,
    /// for instance those that came with the message.
    ///
    /// # Errors
    ///
    /// If there is none, the reason of the attempt that came furthest.
    pub fn validate(&self, leaf: &Certificate, others: &[Certificate]) -> Result<Path, Distrust> {
        self.validate_within(leaf, others, &mut self.budget())
    }

    /// How much judging the certificates of one mail may take.
    pub(crate) fn budget(&self) -> Budget {
        Budget::new(&self.limits)
    }

    /// The same as [`Self::validate`], with what is left of a budget.
    pub(crate) fn validate_within(
        &self,
        leaf: &Certificate,
        others: &[Certificate],
        budget: &mut Budget,
    ) -> Result<Path, Distrust> {
        let mut search = build::Search::new(self, leaf, others, *budget);
        let found = search.run();
        *budget = search.left();
        found
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator")
            .field("anchors", &self.anchors.len())
            .field("at", &self.at)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// A valid path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Path {
    /// From the certificate that was asked for to the anchor. They are the same if it is an anchor itself.
    pub certificates: Vec<Certificate>,
    /// What is known about revocation of each of them but the anchor.
    pub revocation: Vec<Revocation>,
    /// What is not good but was accepted.
    pub warnings: Vec<Warning>,
}

impl Path {
    /// The trust anchor.
    #[must_use]
    pub fn anchor(&self) -> Option<&Certificate> {
        self.certificates.last()
    }
}

/// What is known about the revocation of a certificate that is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revocation {
    /// It was not looked at.
    Ignored,
    /// Nothing that was given says anything, or not for all reasons of revocation.
    NotKnown,
    /// Not revoked, says a list that is valid at the time.
    GoodByCrl,
    /// Not revoked, says an OCSP response that is valid at the time.
    GoodByOcsp,
}

/// What is not good but was accepted. The subject is that of the certificate concerned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// A certificate is signed over SHA-1.
    WeakSignature {
        /// Whose certificate.
        subject: String,
    },
    /// An RSA key is shorter than 2048 bits (RFC 8550 §4.3).
    ShortKey {
        /// Whose key.
        subject: String,
        /// Its bits.
        bits: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WeakSignature { subject } => write!(f, "the certificate of {subject} is signed over SHA-1"),
            Self::ShortKey { subject, bits } => write!(f, "the RSA key of {subject} has only {bits} bits"),
        }
    }
}
