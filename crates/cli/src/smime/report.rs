//! What people and machines are told of certificates and messages.

use sealpost::smime::{Certificate, Enveloped, PartStructure, Protection, SignedStructure, SignerInfo, Structure};
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

/// The parts of a mail, and what their protection shows.
pub(super) fn structure(structure: &Structure) -> Value {
    json!({ "parts": structure.parts.iter().map(part).collect::<Vec<_>>() })
}

fn part(part: &PartStructure) -> Value {
    let protection = part.protection.as_ref().map(|protection| match protection {
        Protection::Signed(message) => json!({ "signed": signed(message) }),
        Protection::Encrypted(message) => json!({ "encrypted": enveloped(message) }),
        other => json!({ "unreadable": other.to_string().trim_end() }),
    });
    json!({ "path": part.path, "media_type": part.media_type, "file_name": part.file_name, "octets": part.octets, "protection": protection })
}

fn signed(message: &SignedStructure) -> Value {
    let signer = |info: &Option<SignerInfo>| {
        info.as_ref().map(|info| {
            json!({
                "identifier": info.signer_identifier().to_string(),
                "algorithm": info.scheme().map(|scheme| scheme.to_string()),
                "signing_time": info.signing_time().map(|time| time.to_string()),
            })
        })
    };
    json!({
        "signers": message.signers.iter().map(signer).collect::<Vec<_>>(),
        "certificates": message.certificates.iter().map(certificate).collect::<Vec<_>>(),
        "other_certificates": message.other_certificates,
        "crls": message.crls,
        "content": message.content,
    })
}
