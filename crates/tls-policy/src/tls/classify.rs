//! What a failed handshake says about a host.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use crate::facts::Channel;

/// How long a reason may be.
const LONGEST: usize = 200;

/// What an error of rustls in a handshake says about the host.
#[must_use]
pub fn channel_of(error: &Error) -> Channel {
    let reason = match error {
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => return Channel::TooOld,
        Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity)
        | Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon | PeerIncompatible::NoKxGroupsInCommon) => {
            "no cipher or key exchange in common".to_owned()
        }
        Error::InvalidCertificate(CertificateError::BadSignature) => {
            "the host's key is too weak, or its signature is wrong".to_owned()
        }
        Error::InvalidCertificate(_) => "the host's certificate can't be read".to_owned(),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => "the host does not speak TLS".to_owned(),
        other => short(&other.to_string()),
    };
    Channel::HandshakeFailed { reason }
}

/// The same for an error of a stream, as `tokio_rustls` gives it.
#[must_use]
pub fn channel_of_io(error: &io::Error) -> Channel {
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return channel_of(inner);
    }
    let reason = match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => "the connection broke off".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "the host did not answer in time".to_owned(),
        _ => short(&error.to_string()),
    };
    Channel::HandshakeFailed { reason }
}

/// In one line, of no more than some characters.
fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}
