//! What a TLSA record matches (RFC 6698 §2.1.4).

use sha2::{Digest, Sha256, Sha512};

use super::{DANE_EE, DigestOrder, TlsaRecord, frame::Frame, in_force};

/// Whether `record` matches a certificate (DER), whatever its usage.
#[must_use]
pub fn matches(record: &TlsaRecord, certificate: &[u8]) -> bool {
    let selected = match record.selector {
        0 => Some(certificate),
        1 => Frame::read(certificate).map(|frame| frame.public_key),
        _ => None,
    };
    let Some(selected) = selected else { return false };
    // All of this is public, so it may be compared as fast as can be.
    match record.matching {
        0 => selected == record.data,
        1 => Sha256::digest(selected)[..] == record.data,
        2 => Sha512::digest(selected)[..] == record.data,
        _ => false,
    }
}

/// Whether a record of usage DANE-EE that counts matches the host's own certificate. That is all there is to check:
/// neither names (RFC 7672 §3.1.1, §3.2.1) nor dates nor signatures matter, for the record says what they would.
#[must_use]
pub fn matches_leaf(records: &[TlsaRecord], order: DigestOrder, leaf: &[u8]) -> bool {
    in_force(records, order).any(|record| record.usage == DANE_EE && matches(record, leaf))
}
