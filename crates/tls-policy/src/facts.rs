//! What is known about a destination and about a connection to it: the input of every decision, gathered by whoever
//! has sockets, and kept as JSON to be decided about again.

use std::net::IpAddr;

use sealpost_mail::Domain;
use sealpost_time::Time;
use serde::{Deserialize, Serialize};

use crate::{dane::TlsaRecord, message::Message, sts};

/// What DNS and MTA-STS say about the domain of a recipient, or of any other next hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DestinationFacts {
    /// The next hop.
    pub next_hop: NextHop,
    /// The name that the next hop's domain is an alias of, if it is one: another name that a certificate of DANE-TA may
    /// be for (RFC 7672 §3.2.2).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::text::option")]
    pub expanded: Option<Domain>,
    /// Its MX records.
    pub mx: Mx,
    /// Its policy of MTA-STS.
    #[serde(default)]
    pub sts: StsState,
}

impl DestinationFacts {
    /// Without a policy of MTA-STS.
    #[must_use]
    pub const fn new(next_hop: NextHop, mx: Mx) -> Self {
        Self { next_hop, expanded: None, mx, sts: StsState::Absent }
    }

    /// The same with what is known about MTA-STS.
    #[must_use]
    pub fn with_sts(self, sts: StsState) -> Self {
        Self { sts, ..self }
    }

    /// Which names, beside the TLSA base domain, a certificate of `host` may have below a trust anchor of DANE: the
    /// next hop and the name that it is an alias of, if DNSSEC secures the MX records, and the next hop if it is the
    /// host itself (RFC 7672 §3.2.2). An insecure MX record could lead anywhere: then only the host's name counts.
    pub fn names_beside(&self, host: &Domain) -> impl Iterator<Item = &Domain> {
        let (own, by_mx) = match &self.next_hop {
            NextHop::Domain(domain) => (Some(domain), true),
            NextHop::Host { name, .. } => (Some(name), false),
            NextHop::Address(_) => (None, false),
        };
        let secure = by_mx && matches!(self.mx, Mx::Hosts { dnssec: Dnssec::Secure, .. });
        let own = own.filter(|own| secure || *own == host);
        own.into_iter().chain(self.expanded.as_ref().filter(|_| secure))
    }
}

/// Where a mail goes next.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NextHop {
    /// A domain, whose MX records say which hosts.
    #[serde(with = "crate::text")]
    Domain(Domain),
    /// One host, without a look at MX records: `[mail.example.org]:25`.
    Host {
        /// Its name.
        #[serde(with = "crate::text")]
        name: Domain,
        /// Its port.
        port: u16,
    },
    /// An address: neither DANE nor MTA-STS apply (RFC 7672 §2.2).
    Address(IpAddr),
}

/// What the look-up of MX records gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mx {
    /// Hosts, most preferred first (lowest number), in the order in which they are to be tried.
    Hosts {
        /// Whether DNSSEC secures the records, or their absence, and the whole way of aliases to them.
        dnssec: Dnssec,
        /// The hosts.
        hosts: Vec<HostFacts>,
    },
    /// The domain takes no mail (RFC 7505).
    Null,
    /// The domain does not exist.
    NoSuchDomain,
    /// The look-up failed: SERVFAIL, a time-out, bogus, or an answer that makes no sense.
    Failed,
}

/// Whether DNSSEC secures an answer (RFC 4033 §5). Bogus and indeterminate answers are failed look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "there are two ways")]
pub enum Dnssec {
    /// It is proved.
    Secure,
    /// It is proved that there is no proof.
    Insecure,
}

/// What DNS says about one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct HostFacts {
    /// Its name, as the MX record has it, before any alias is followed.
    #[serde(with = "crate::text")]
    pub name: Domain,
    /// The preference of the MX record.
    pub preference: u16,
    /// The port, 25 but for hosts that are named with another.
    pub port: u16,
    /// Its addresses.
    pub addresses: Addresses,
    /// Its TLSA records.
    pub tlsa: Tlsa,
}

impl HostFacts {
    /// A host on port 25 whose addresses and TLSA records were looked up.
    #[must_use]
    pub const fn new(name: Domain, preference: u16, addresses: Addresses, tlsa: Tlsa) -> Self {
        Self { name, preference, port: 25, addresses, tlsa }
    }
}

/// What the look-up of a host's addresses gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Addresses {
    /// These.
    Found(Vec<IpAddr>),
    /// There are none, or there is no such name.
    None,
    /// The look-up failed.
    Failed,
}

/// What the look-up of a host's TLSA records gave (RFC 7672 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Tlsa {
    /// Not asked: the addresses are not secured (RFC 7672 §2.2.2), or the next hop is an address.
    NotAsked,
    /// Proved that there are none, or there are some that DNSSEC does not secure.
    Absent,
    /// The look-up failed: the host must not be used (RFC 7672 §2.1.2).
    Failed,
    /// There are some, secured, and none of them is usable: TLS is needed, without authentication.
    Unusable,
    /// There are usable ones, secured.
    Usable {
        /// The domain under which they were found (RFC 7672 §2.2.3): the name for SNI and for the certificate.
        #[serde(with = "crate::text")]
        base: Domain,
        /// All of the records, the unusable ones also.
        records: Vec<TlsaRecord>,
    },
}

/// The policy of MTA-STS that is in force for a destination, as [`sts`] finds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StsState {
    /// None, or one of mode `none`.
    #[default]
    Absent,
    /// The look-up of the record failed, and nothing is known from before.
    Unknown,
    /// One: of mode `testing` or `enforce`.
    Policy(sts::Policy),
}

/// What a connection to a host showed, up to the point where MAIL FROM would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct SessionFacts {
    /// The host's address, if it came so far.
    #[serde(default)]
    pub address: Option<IpAddr>,
    /// How secure the connection is.
    pub channel: Channel,
    /// Whether the host offers REQUIRETLS in the EHLO inside of TLS (RFC 8689 §4.2). Never what it says before.
    #[serde(default)]
    pub requiretls: bool,
}

impl SessionFacts {
    /// A connection to a host whose address is not known, and which does not offer REQUIRETLS.
    #[must_use]
    pub const fn new(channel: Channel) -> Self {
        Self { address: None, channel, requiretls: false }
    }

    /// The same at an address.
    #[must_use]
    pub fn at(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// The same with REQUIRETLS offered inside of TLS, or not.
    #[must_use]
    pub fn offering_requiretls(self, requiretls: bool) -> Self {
        Self { requiretls, ..self }
    }
}

/// How secure a connection is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Channel {
    /// No connection, or it broke before the EHLO was answered.
    Unreachable {
        /// Why, in a few words.
        reason: String,
    },
    /// The host does not offer STARTTLS.
    NotOffered,
    /// It offers STARTTLS, and refuses the command.
    Refused {
        /// What it answered.
        reply: String,
    },
    /// It knows only versions of TLS before 1.2.
    TooOld,
    /// The handshake failed for another reason, or broke off.
    HandshakeFailed {
        /// Why, in a few words.
        reason: String,
    },
    /// TLS.
    Tls {
        /// Its version.
        version: TlsVersion,
        /// What its certificate is worth.
        certificate: CertificateFacts,
    },
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "1.2")]
    Tls12,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    Tls13,
}

/// What a host's certificate is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct CertificateFacts {
    /// By PKIX, for the name of the host.
    pub pkix: CertificateCheck,
    /// By the TLSA records of the host.
    pub dane: CertificateCheck,
}

impl CertificateFacts {
    /// By PKIX, and by DANE.
    #[must_use]
    pub const fn new(pkix: CertificateCheck, dane: CertificateCheck) -> Self {
        Self { pkix, dane }
    }
}

/// How a check of a certificate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CertificateCheck {
    /// It was not made, for there was nothing to check against.
    NotMade,
    /// It passed.
    Passed,
    /// The certificate is for other names.
    OtherName,
    /// It is not valid at this time.
    Expired,
    /// No path leads to a trust anchor.
    Untrusted,
    /// No TLSA record matches.
    NoMatch,
    /// It is unsound in another way: too weak a key, a bad signature, or it can't be read.
    Unsound,
}

/// A delivery that was recorded: one line of a day's record, from which it can be decided about again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Recorded {
    /// When; in seconds since 1970-01-01T00:00:00Z.
    pub at: Time,
    /// The sender's address.
    #[serde(default)]
    pub sender: String,
    /// The recipient's address.
    pub recipient: String,
    /// What the mail asked for by itself.
    #[serde(default)]
    pub message: Message,
    /// What was known about the destination.
    pub destination: DestinationFacts,
    /// The connections that were made, in their order.
    #[serde(default)]
    pub sessions: Vec<RecordedSession>,
}

/// A connection that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct RecordedSession {
    /// The host's name, or its address if the next hop was one.
    pub host: String,
    /// What the connection showed.
    pub facts: SessionFacts,
}

impl RecordedSession {
    /// A connection to `host`.
    #[must_use]
    pub const fn new(host: String, facts: SessionFacts) -> Self {
        Self { host, facts }
    }
}

impl Recorded {
    /// A delivery to `recipient`, by nobody, with no connection yet.
    #[must_use]
    pub const fn new(at: Time, recipient: String, message: Message, destination: DestinationFacts) -> Self {
        Self { at, sender: String::new(), recipient, message, destination, sessions: Vec::new() }
    }

    /// Adds a connection to `host`.
    pub fn push(&mut self, host: String, facts: SessionFacts) {
        self.sessions.push(RecordedSession::new(host, facts));
    }

    /// The connection to `host`; the last one, if there were several.
    #[must_use]
    pub fn session(&self, host: &str) -> Option<&SessionFacts> {
        let of_host = |session: &&RecordedSession| session.host.trim_end_matches('.').eq_ignore_ascii_case(host);
        self.sessions.iter().rev().find(of_host).map(|session| &session.facts)
    }
}
