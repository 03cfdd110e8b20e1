//! What is known about a mail and its sender, and what the organisation's settings say about a destination.

use sealpost_time::Time;
use serde::{Deserialize, Serialize};

/// A user's guarantee: mail leaves only over safe TLS, else it comes back at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Guarantee {
    /// None.
    #[default]
    Off,
    /// Over TLS 1.2 or newer.
    On,
    /// That, and to a host that is authenticated and whose name is vouched for.
    Strict,
}

/// How a mail came about, as the server that sends it knows. Never read from a header: anybody can write one
/// (RFC 3834 §5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MessageOrigin {
    /// Its user submitted it.
    #[default]
    Submitted,
    /// The server answers for a user who is away.
    VacationReply,
    /// A user's own permanent forward.
    UserForward,
    /// The server tells what became of another mail.
    Dsn,
    /// Anything else: a list, a relayed mail.
    Other,
}

impl MessageOrigin {
    /// Whether the user's guarantee does not hold for it. Nothing else is set aside for these mails.
    #[must_use]
    pub const fn is_exempt(self) -> bool {
        matches!(self, Self::VacationReply | Self::UserForward | Self::Dsn)
    }
}

/// What a mail asks for by itself, for one recipient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[expect(
    clippy::exhaustive_structs,
    clippy::struct_excessive_bools,
    reason = "facts that a server finds out one by one"
)]
pub struct Message {
    /// How it came about.
    pub origin: MessageOrigin,
    /// Whether it has the header `TLS-Required: No`, exactly once (RFC 8689 §4.1).
    pub tls_required_no: bool,
    /// Whether its envelope asks for REQUIRETLS (RFC 8689 §3).
    pub requiretls: bool,
    /// Whether its envelope's sender is empty, as that of a bounce.
    pub null_sender: bool,
    /// Whether its user redeemed an override for this recipient: this mail, once, without the guarantee.
    pub one_time: bool,
}

/// How secure the organisation wants a delivery to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Level {
    /// TLS 1.2 or newer, whoever answers.
    #[serde(rename = "encrypt")]
    Encrypted,
    /// That, with a certificate that is valid by PKIX or by DANE.
    #[serde(rename = "secure")]
    Authenticated,
    /// That, by DANE, with MX records that DNSSEC secures.
    #[serde(rename = "dane-only")]
    DaneOnly,
    /// TLS 1.3, whoever answers.
    #[serde(rename = "tls13")]
    Tls13,
}

/// An administrator's rule for a destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Rule {
    /// At least so secure. A mail waits where it is not.
    Floor(Level),
    /// The recipient's own policies (MTA-STS, DANE) are set aside until a time. Nothing else is.
    Exception {
        /// The first time at which it holds no longer.
        #[serde(with = "crate::when")]
        until: Time,
        /// Why.
        #[serde(deserialize_with = "crate::text::not_blank")]
        reason: String,
        /// Who answers for it.
        #[serde(deserialize_with = "crate::text::not_blank")]
        owner: String,
    },
}

/// What the organisation's settings say about a sender's mail to a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[expect(clippy::exhaustive_structs, reason = "the two lists of the settings")]
pub struct DestinationPolicy {
    /// The organisation promises so secure a way to this destination: what can't take it comes back at once.
    pub compliance: Option<Level>,
    /// The administrator's rule.
    pub rule: Option<Rule>,
}
