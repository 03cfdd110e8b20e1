//! Which key agreement schemes can be forwarded.

use der::oid::ObjectIdentifier;

/// Schemes of one pass of Diffie-Hellman with an ephemeral key. What they derive the key for the key wrap from is the
/// shared secret and ECC-CMS-SharedInfo (RFC 5753 §7.2): the key wrap, the user keying material (ukm) and the length.
/// No key is in it, neither the recipient's nor the originator's, and no name. With HKDF the ukm is the salt as well
/// (RFC 8418 §2.2); whatever a sender puts there, it stays, and so does what is derived.
///
/// The curves that are here have the cofactor 1, or X25519 takes care of it, so that those with and without it are the
/// same. MQV (RFC 5753 §3.2) is none of them: it uses a key of the originator's certificate, and the recipient's twice.
const SCHEMES: [ObjectIdentifier; 13] = [
    // dhSinglePass-stdDH-…, with X9.63 and SHA-1, SHA-224, SHA-256, SHA-384, SHA-512 (RFC 5753 §7.1.4).
    ObjectIdentifier::new_unwrap("1.3.133.16.840.63.0.2"),
    ObjectIdentifier::new_unwrap("1.3.132.1.11.0"),
    ObjectIdentifier::new_unwrap("1.3.132.1.11.1"),
    ObjectIdentifier::new_unwrap("1.3.132.1.11.2"),
    ObjectIdentifier::new_unwrap("1.3.132.1.11.3"),
    // dhSinglePass-cofactorDH-…, with the same.
    ObjectIdentifier::new_unwrap("1.3.133.16.840.63.0.3"),
    ObjectIdentifier::new_unwrap("1.3.132.1.14.0"),
    ObjectIdentifier::new_unwrap("1.3.132.1.14.1"),
    ObjectIdentifier::new_unwrap("1.3.132.1.14.2"),
    ObjectIdentifier::new_unwrap("1.3.132.1.14.3"),
    // dhSinglePass-stdDH-hkdf-…, with SHA-256, SHA-384, SHA-512 (RFC 8418 §2.2).
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.19"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.20"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.21"),
];

/// Whether messages by this scheme can be forwarded.
pub(crate) fn can_be_forwarded(scheme: ObjectIdentifier) -> bool {
    SCHEMES.contains(&scheme)
}
