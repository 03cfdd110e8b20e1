//! What people and machines are told of certificates and messages.

use sealpost::smime::{Certificate, Enveloped};
use serde_json::{Value, json};

pub(super) fn certificate(certificate: &Certificate) -> Value {
    json!({
        "subject": certificate.subject_name(),
        "issuer": certificate.issuer_name(),
        "serial": certificate.serial_hex(),
        "addresses": certificate.addresses(),
        "not_before": certificate.not_before().to_string(),
        "not_after": certificate.not_after().to_string(),
        "sha256": certificate.fingerprint_hex(),
    })
}

/// The content's cipher.
pub(super) fn cipher(message: &Enveloped) -> String {
    message.cipher.map_or_else(|| message.algorithm.to_string(), |cipher| cipher.to_string())
}

pub(super) fn enveloped(message: &Enveloped) -> Value {
    json!({
        "authenticated": message.authenticated,
        "cipher": cipher(message),
        "recipients": message.recipients.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
