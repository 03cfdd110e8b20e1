//! DANE for SMTP (RFC 7672, RFC 6698, RFC 7671): TLSA records, what they match, and the order in which DNS is asked.

mod agility;
mod frame;
pub mod lookup;
mod matching;
mod record;

pub use agility::{DigestOrder, in_force};
#[cfg(feature = "rustls")]
pub(crate) use frame::{Frame, elements, number, sequence};
pub use matching::{matches, matches_leaf};
pub use record::TlsaRecord;

/// Certificate usage: a trust anchor of the domain's own (RFC 7671 §5.2).
pub const DANE_TA: u8 = 2;

/// Certificate usage: the host's certificate or key itself (RFC 7671 §5.1).
pub const DANE_EE: u8 = 3;
