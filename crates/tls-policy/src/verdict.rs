//! What becomes of a mail for one recipient, and why.

use std::fmt;

use sealpost_mail::Domain;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    facts::{CertificateFacts, Channel, TlsVersion},
    requirement::{Atom, Note, Origins},
    route::AlternateRoute,
};

/// What to do now with a mail for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// Send it to this host.
    Deliver {
        /// The host; `None` if the next hop is an address.
        #[serde(serialize_with = "crate::text::option::serialize")]
        host: Option<Domain>,
        /// Whether the mail travels encrypted. If not, and a handshake broke the connection, connect again and send it
        /// without STARTTLS.
        encrypted: bool,
        /// What was required and is held.
        reasons: Vec<Reason>,
    },
    /// Not over this connection: try the next host.
    TryNext {
        /// What is missing at the hosts so far.
        reasons: Vec<Reason>,
    },
    /// Keep it, and try again later.
    Defer {
        /// What to write into the queue.
        status: Status,
        /// What is missing.
        reasons: Vec<Reason>,
    },
    /// Send it over the alternate secure route.
    Reroute {
        /// Whither. There it is planned and judged like any other delivery, and never rerouted again.
        route: AlternateRoute,
        /// What is missing on the direct way.
        reasons: Vec<Reason>,
    },
    /// Give it back to its sender, at once.
    Bounce {
        /// What to write into the bounce.
        status: Status,
        /// Whether only the header of the mail may be given back (RFC 8689 §5).
        headers_only: bool,
        /// What is missing.
        reasons: Vec<Reason>,
    },
}

impl Verdict {
    /// Why.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Deliver { reasons, .. }
            | Self::TryNext { reasons }
            | Self::Defer { reasons, .. }
            | Self::Reroute { reasons, .. }
            | Self::Bounce { reasons, .. } => reasons,
        }
    }

    /// What to write into the queue or the bounce; `None` where the mail goes on.
    #[must_use]
    pub const fn status(&self) -> Option<&Status> {
        match self {
            Self::Defer { status, .. } | Self::Bounce { status, .. } => Some(status),
            Self::Deliver { .. } | Self::TryNext { .. } | Self::Reroute { .. } => None,
        }
    }
}

/// An enhanced status code (RFC 3463) and its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Status {
    /// Class, subject and detail: 5.7.10.
    pub code: [u16; 3],
    /// The fixed English text, of one line, with the host in it.
    pub text: String,
}

impl Status {
    /// A code and its text. What is no printable ASCII becomes a question mark, and the text is cut at 400 octets:
    /// parts of it may come from another server, and a line of SMTP must hold it (RFC 5321 §4.5.3.1.5).
    #[must_use]
    pub fn new(code: [u16; 3], text: impl Into<String>) -> Self {
        const LONGEST: usize = 400;
        let text = text.into();
        let is_good = |c: u8| c == b' ' || c.is_ascii_graphic();
        if text.len() <= LONGEST && text.bytes().all(is_good) {
            return Self { code, text };
        }
        let printable = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
        Self { code, text: text.chars().take(LONGEST).map(printable).collect() }
    }
}

/// `5.7.10 TLS is required, but was not offered by host mx.example.org[192.0.2.1]`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [class, subject, detail] = self.code;
        write!(f, "{class}.{subject}.{detail} {}", self.text)
    }
}

/// One requirement, who asks for it, and whether it is held. As JSON it has the sections of RFCs too ([`Self::rules`]).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// At which host; `None` for the destination as a whole.
    pub host: Option<Domain>,
    /// What is required.
    pub atom: Option<Atom>,
    /// By whom.
    pub origins: Origins,
    /// What was found.
    pub finding: Finding,
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut reason = serializer.serialize_struct("Reason", 5)?;
        reason.serialize_field("host", &self.host.as_ref().map(Domain::as_str))?;
        reason.serialize_field("atom", &self.atom)?;
        reason.serialize_field("origins", &self.origins)?;
        reason.serialize_field("finding", &self.finding)?;
        reason.serialize_field("rules", &self.rules().collect::<Vec<_>>())?;
        reason.end()
    }
}

/// What was found about a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Finding {
    /// It is held.
    Held,
    /// It was not looked at, for the host was not connected to.
    NotTried,
    /// The connection is not good enough, or there is none.
    Channel(Channel),
    /// The connection's version of TLS is too old.
    Version(TlsVersion),
    /// The certificate is not good enough.
    Certificate(CertificateFacts),
    /// There is no TLSA record to check against.
    NoTlsa,
    /// The look-up of TLSA records failed.
    TlsaFailed,
    /// The policy of MTA-STS does not list the host.
    NotListed,
    /// Neither DNSSEC nor a policy of MTA-STS that is enforced vouches for the host's name.
    NotVouchedFor,
    /// The same, and the look-up of the policy failed.
    PolicyUnknown,
    /// DNSSEC does not secure the MX record.
    MxInsecure,
    /// The host does not offer REQUIRETLS inside of TLS.
    NotAdvertised,
    /// The next hop is an address: there is no name to be authenticated.
    AddressLiteral,
    /// The host has no address.
    NoAddress,
    /// The look-up of the host's addresses failed.
    AddressesFailed,
    /// The domain takes no mail.
    NullMx,
    /// The domain does not exist.
    NoSuchDomain,
    /// The look-up of MX records failed.
    MxFailed,
    /// The domain has no host that takes mail.
    NoHosts,
    /// Something else about how the requirements came about.
    Note(Note),
    /// Why the alternate secure route is not taken.
    NotRerouted(crate::route::Refusal),
    /// It was the last try.
    Expired,
    /// It was the last try, but the recipient's policy must be looked at again first (RFC 8461 §5).
    PolicyToRecheck,
}
