//! What the schedule needs of a certificate authority.

use std::{fmt, future::Future};

use crate::{
    RevocationReason, Time,
    port::{CertificateRecord, DurableRequest},
};

/// An order's name at the authority.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrderId(String);

impl OrderId {
    /// As the authority calls it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// As the authority calls it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an authority can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// How many requests it takes an hour: orders, questions for news and revocations together.
    pub requests_per_hour: u32,
    /// How many of them a certificate takes: one, if the authority answers an order with it; else one more for each
    /// question for news.
    pub requests_per_certificate: u32,
}

impl Capabilities {
    /// Those of an authority that takes so many requests an hour.
    #[must_use]
    pub const fn new(requests_per_hour: u32) -> Self {
        Self { requests_per_hour, requests_per_certificate: 1 }
    }

    /// The same where a certificate takes so many requests.
    #[must_use]
    pub const fn with_requests_per_certificate(self, requests_per_certificate: u32) -> Self {
        Self { requests_per_certificate, ..self }
    }

    /// How many certificates can be had in an hour: what a policy or a replacement is judged by. A sixtieth of the
    /// requests is kept back, so that no hour has more than there may be.
    #[must_use]
    pub const fn certificates_per_hour(&self) -> u32 {
        let kept_back = self.requests_per_hour / 60;
        let requests = (self.requests_per_hour + 1).saturating_sub(if kept_back > 1 { kept_back } else { 1 });
        match requests.checked_div(self.requests_per_certificate) {
            Some(certificates) => certificates,
            None => requests,
        }
    }
}

/// A certificate as it came from the authority.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Issued {
    /// The certificate in DER.
    pub certificate: Vec<u8>,
    /// Those above it in DER, its issuer's first.
    pub chain: Vec<Vec<u8>>,
}

impl Issued {
    /// `certificate`, issued under `chain`.
    #[must_use]
    pub const fn new(certificate: Vec<u8>, chain: Vec<Vec<u8>>) -> Self {
        Self { certificate, chain }
    }
}

/// What came of asking for a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Submission {
    /// The order is accepted and pending.
    Accepted {
        /// Its name.
        order: OrderId,
        /// When to ask for news; `None`: as the policy says.
        poll_at: Option<Time>,
    },
    /// Here it is.
    Issued {
        /// The order's name.
        order: OrderId,
        /// The certificate.
        issued: Issued,
    },
    /// Never with this request: retrying would be in vain.
    Refused {
        /// Why.
        reason: String,
    },
    /// Too many requests; no order was made.
    RateLimited {
        /// When to ask again.
        retry_at: Option<Time>,
    },
    /// It could not be reached, or failed, and surely made no order.
    Unavailable {
        /// Why.
        reason: String,
    },
    /// Nobody knows whether an order was made: the answer is missing.
    Ambiguous {
        /// Why.
        reason: String,
    },
}

/// News of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Not decided yet.
    Pending {
        /// When to ask again; `None`: as the policy says.
        poll_at: Option<Time>,
    },
    /// Here it is.
    Issued(Issued),
    /// Refused for good.
    Refused {
        /// Why.
        reason: String,
    },
    /// It could not be reached.
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// What the authority knows of earlier requests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reconciled {
    /// These orders were made, the oldest one first; maybe none.
    Orders(Vec<OrderId>),
    /// It could not be reached.
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// A certificate authority, in whatever protocol. Adapters are in `sealpost-ca`.
///
/// It is only ever asked with a [`DurableRequest`].
pub trait CertificateAuthority: Send + Sync {
    /// Its name, under which its rate is kept.
    fn name(&self) -> &str;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Asks for a certificate.
    fn submit(&self, request: &DurableRequest) -> impl Future<Output = Submission> + Send;

    /// The orders that came of earlier requests for the same key: after a crash, or an ambiguous answer.
    fn find(&self, request: &DurableRequest) -> impl Future<Output = Reconciled> + Send;

    /// News of an order.
    fn poll(&self, order: &OrderId) -> impl Future<Output = Progress> + Send;

    /// Has a certificate revoked.
    ///
    /// # Errors
    ///
    /// Why it was not.
    fn revoke(
        &self,
        certificate: &CertificateRecord,
        reason: RevocationReason,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
