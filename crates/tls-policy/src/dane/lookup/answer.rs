//! Questions to DNS and what it answers, with what DNSSEC says about it.

use std::net::IpAddr;

use sealpost_mail::Domain;

use super::Limits;
use crate::{dane::TlsaRecord, facts::Dnssec};

/// A question to DNS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Question {
    /// The MX records of a domain.
    Mx(Domain),
    /// The IPv4 addresses of a host.
    A(Domain),
    /// The IPv6 addresses of a host.
    Aaaa(Domain),
    /// The TLSA records of a service over TCP: at `_25._tcp.mail.example.org` (RFC 7672 §2.2.3).
    Tlsa {
        /// The port.
        port: u16,
        /// The TLSA base domain.
        base: Domain,
    },
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// To [`Question::Mx`].
    Mx(Outcome<MxRecord>),
    /// To [`Question::A`] and [`Question::Aaaa`].
    Addresses(Outcome<IpAddr>),
    /// To [`Question::Tlsa`].
    Tlsa(Outcome<TlsaRecord>),
}

/// An MX record (RFC 1035 §3.3.9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MxRecord {
    /// The lower, the more preferred.
    pub preference: u16,
    /// The host, as DNS has it: `.` is none (RFC 7505), and it may be no name of a host at all.
    pub exchange: String,
}

impl MxRecord {
    /// A record of these fields.
    #[must_use]
    pub const fn new(preference: u16, exchange: String) -> Self {
        Self { preference, exchange }
    }
}

/// An answer, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is an answer or there is none")]
pub enum Outcome<T> {
    /// An answer, also that there is nothing.
    Answered(Answer<T>),
    /// SERVFAIL, REFUSED, a time-out, bogus, indeterminate, or an answer that can't be read (RFC 7672 §2.1.2).
    Failed,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The aliases (CNAME) from the name that was asked for, in order.
    pub aliases: Vec<Alias>,
    /// What was found at the end of them.
    pub found: Found<T>,
    /// Whether that, or the proof that it is missing, is secured.
    pub dnssec: Dnssec,
}

/// One step from a name to the name it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alias {
    /// The name it stands for.
    pub target: Domain,
    /// Whether this step is secured.
    pub dnssec: Dnssec,
}

/// What is at a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "RFC 2308 §1 names these")]
pub enum Found<T> {
    /// Records: at least one.
    Records(Vec<T>),
    /// None of the type that was asked for.
    NoData,
    /// There is no such name.
    NoSuchName,
}

impl Alias {
    /// A step.
    #[must_use]
    pub const fn new(target: Domain, dnssec: Dnssec) -> Self {
        Self { target, dnssec }
    }
}

impl<T> Answer<T> {
    /// An answer of these parts.
    #[must_use]
    pub const fn new(aliases: Vec<Alias>, found: Found<T>, dnssec: Dnssec) -> Self {
        Self { aliases, found, dnssec }
    }

    /// Whether the whole way is secured: each alias, and what was found.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.dnssec == Dnssec::Secure && self.aliases.iter().all(|alias| alias.dnssec == Dnssec::Secure)
    }

    /// Of the whole way.
    pub(super) fn whole(&self) -> Dnssec {
        if self.is_secure() { Dnssec::Secure } else { Dnssec::Insecure }
    }
}

impl<T> Outcome<T> {
    /// The answer, if it is one within the limits.
    pub(super) fn within(&self, limits: &Limits) -> Option<&Answer<T>> {
        match self {
            Self::Answered(answer) if answer.aliases.len() <= limits.aliases => Some(answer),
            _ => None,
        }
    }
}
