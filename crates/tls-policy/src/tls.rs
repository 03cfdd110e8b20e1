//! Certificates of hosts, and connections with rustls (RFC 5280, RFC 7672 §3, RFC 8461 §4.2).
//!
//! A certificate is never a reason to break a connection off: what it is worth is recorded, and the verdict about it is
//! made before MAIL FROM. Only a host that does not hold the key of its certificate fails the handshake.

mod anchor;
mod classify;
mod conditions;
mod handshake;
mod name;
mod path;
mod verifier;

pub use classify::{channel_of, channel_of_io};
pub use conditions::{Conditions, TlsaConditions};
pub use handshake::Handshake;
pub use verifier::Verifier;

/// How many certificates of a chain are looked at; hosts send two to four.
const MOST_CERTIFICATES: usize = 16;
