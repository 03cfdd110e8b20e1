//! ML-KEM in messages (RFC 9936).

use der::oid::ObjectIdentifier;

use crate::public_key::PublicKey;

/// Whether this algorithm is that of the key, whose SubjectPublicKeyInfo is given.
pub(super) fn is_for(algorithm: ObjectIdentifier, public_key: &[u8]) -> bool {
    matches!(PublicKey::from_spki(public_key), Ok(PublicKey::MlKem(key)) if key.set().oid() == algorithm)
}
