//! Whom an entry of the settings is about.

use std::{fmt, str::FromStr};

use sealpost_mail::{Address, Domain, Host, NotAnAddress};
use serde::{Deserialize, Serialize};

use crate::facts::NextHop;

/// Longer texts name nothing.
const LONGEST: usize = 1024;

/// A user, by the address of the mailbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mailbox(Address);

/// Somebody whom mail goes to or comes from: `a@example.org`, `example.org` (all of its addresses, and none of its
/// subdomains'), or `.example.org` (those of its subdomains at any depth, and none of its own).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[expect(clippy::exhaustive_enums, reason = "one of several, by its form")]
pub enum Party {
    /// One mailbox.
    Address(Address),
    /// All mailboxes of a domain.
    Domain(Domain),
    /// All mailboxes of a domain's subdomains.
    Under(Domain),
}

/// A next hop: `example.org`, `.example.org` (its subdomains at any depth), or `[mx.example.org]:25`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[expect(clippy::exhaustive_enums, reason = "one of several, by its form")]
pub enum Destination {
    /// A domain.
    Domain(Domain),
    /// A domain's subdomains.
    Under(Domain),
    /// A host that mail is sent to without a look at MX records.
    Host {
        /// Which.
        host: Host,
        /// At which port.
        port: u16,
    },
}

/// Why a text names nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?}: {problem}")]
pub struct NotNamed {
    text: String,
    problem: String,
}

impl Mailbox {
    /// The mailbox of an address.
    #[must_use]
    pub const fn new(address: Address) -> Self {
        Self(address)
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.0
    }
}

impl Party {
    /// Every way to name an address, the most specific first.
    pub(super) fn matching(address: &Address) -> impl Iterator<Item = Self> + use<'_> {
        [Self::Address(address.clone())].into_iter().chain(address.domain().into_iter().flat_map(Self::around))
    }

    /// Every way to name a domain as a whole, the most specific first.
    pub(super) fn around(domain: &Domain) -> impl Iterator<Item = Self> + use<> {
        [Self::Domain(domain.clone())].into_iter().chain(parents(domain).map(Self::Under))
    }
}

impl Destination {
    /// Every way to name a next hop, the most specific first.
    pub(super) fn matching(hop: &NextHop) -> impl Iterator<Item = Self> + use<'_> {
        let (domain, host) = match hop {
            NextHop::Domain(domain) => (Some(domain), None),
            NextHop::Host { name, port } => (None, Some((Host::Domain(name.clone()), *port))),
            NextHop::Address(ip) => (None, Some((Host::Literal(*ip), 25))),
        };
        let host = host.map(|(host, port)| Self::Host { host, port });
        host.into_iter()
            .chain(domain.cloned().map(Self::Domain))
            .chain(domain.into_iter().flat_map(parents).map(Self::Under))
    }
}

/// The domains above, the nearest first.
fn parents(domain: &Domain) -> impl Iterator<Item = Domain> + use<> {
    let above = |domain: &Domain| domain.parent().and_then(|parent| parent.parse().ok());
    std::iter::successors(above(domain), above)
}

impl FromStr for Party {
    type Err = NotNamed;

    fn from_str(text: &str) -> Result<Self, NotNamed> {
        if text.contains('@') {
            return short(text)?.parse().map(Self::Address).map_err(|problem: NotAnAddress| not_named(text, &problem));
        }
        match text.strip_prefix('.') {
            Some(parent) => domain(text, parent).map(Self::Under),
            None => domain(text, text).map(Self::Domain),
        }
    }
}

impl FromStr for Destination {
    type Err = NotNamed;

    fn from_str(text: &str) -> Result<Self, NotNamed> {
        if let Some(rest) = short(text)?.strip_prefix('[') {
            let form = "a host is named as [mx.example.org]:25";
            let (host, port) = rest.rsplit_once("]:").ok_or_else(|| not_named(text, &form))?;
            let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(|| not_named(text, &form))?;
            let host = host.parse().map_or_else(
                |_| host.parse().map_err(|problem: NotAnAddress| not_named(text, &problem)),
                |ip| Ok(Host::Literal(ip)),
            )?;
            return Ok(Self::Host { host, port });
        }
        match text.strip_prefix('.') {
            Some(parent) => domain(text, parent).map(Self::Under),
            None => domain(text, text).map(Self::Domain),
        }
    }
}

fn domain(text: &str, domain: &str) -> Result<Domain, NotNamed> {
    short(text)?;
    domain.parse().map_err(|problem: sealpost_mail::NotADomain| not_named(text, &problem))
}

fn short(text: &str) -> Result<&str, NotNamed> {
    if text.len() > LONGEST { Err(not_named(text, &"it is too long")) } else { Ok(text) }
}

fn not_named(text: &str, problem: &impl ToString) -> NotNamed {
    NotNamed { text: text.chars().take(100).collect(), problem: problem.to_string() }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Domain(domain) => domain.fmt(f),
            Self::Under(domain) => write!(f, ".{domain}"),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Under(domain) => write!(f, ".{domain}"),
            Self::Host { host: Host::Literal(ip), port } => write!(f, "[{ip}]:{port}"),
            Self::Host { host, port } => write!(f, "[{host}]:{port}"),
        }
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! as_text {
    ($($type:ident),+) => {$(
        impl TryFrom<String> for $type {
            type Error = NotNamed;

            fn try_from(text: String) -> Result<Self, NotNamed> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    )+};
}

as_text!(Mailbox, Party, Destination);

impl FromStr for Mailbox {
    type Err = NotNamed;

    fn from_str(text: &str) -> Result<Self, NotNamed> {
        short(text)?.parse().map(Self).map_err(|problem: NotAnAddress| not_named(text, &problem))
    }
}
