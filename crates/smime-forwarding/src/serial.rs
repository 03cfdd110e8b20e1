//! Lengths of serial numbers with which a message keeps its length modulo 3 when it is forwarded. Base64 writes three
//! octets as four characters: behind recipients whose length is the same modulo 3 the text of a mail stays as it is.

use std::ops::Range;

use sealpost_smime::{Certificate, algorithm::Curve};

/// Octets of a serial number: fewer can be guessed, and more are not allowed (RFC 5280 §4.1.2.2).
const SERIAL: Range<usize> = 8..21;
/// Octets of a content key of AES-256 in a key wrap (RFC 3394 §2.2.1).
const WRAPPED: usize = 40;

/// How many octets a serial number of the forwardee's certificate should have, between 8 and 20, so that most messages to
/// the forwarder keep their length modulo 3, and most of their base64 with it: those are transformed much faster.
///
/// `issuer` is DER of the Name that the forwardee's certificate will have as its issuer: for a self-signed one that is its
/// subject. It is about messages that name certificates so (most do); those that name them by key identifiers of the same
/// length keep their length anyway.
#[must_use]
pub fn serial_octets(forwarder: &Certificate, issuer: &[u8]) -> usize {
    let curve = forwarder.agreement_point().map_or(Curve::P256, |(curve, _)| curve);
    let other = (forwarder.issuer().len(), forwarder.serial().len());
    like(other, issuer.len(), SERIAL, curve).unwrap_or(SERIAL.end - 1)
}

/// The length of these with which a name with an issuer of `issuer` octets makes a message as long as the other name does,
/// modulo 3. Of several the one that makes it as long: then that is so whatever else is in the message, else lengths of
/// lengths may differ. Both names are lengths of the issuer and of the serial number.
pub(crate) fn like(other: (usize, usize), issuer: usize, serials: Range<usize>, curve: Curve) -> Option<usize> {
    let wanted = recipients(other, curve);
    let fits = serials.filter(|serial| recipients((issuer, *serial), curve) % 3 == wanted % 3);
    fits.min_by_key(|serial| recipients((issuer, *serial), curve).abs_diff(wanted))
}

/// Octets of RecipientInfos with one KeyAgreeRecipientInfo for one recipient (RFC 5652 §6.2.2), as messages to a key on this
/// curve mostly have them. What stands around them is long, and keeps its number of octets of length.
fn recipients((issuer, serial): (usize, usize), curve: Curve) -> usize {
    // Of the point, of its algorithm, and of those of key agreement and key wrap (RFC 5753 §7.1.4, RFC 8418 §2.2).
    let (point, kind, algorithms) = match curve {
        Curve::X25519 => (32, 7, 28),
        Curve::P384 => (97, 11, 23),
        _ => (65, 11, 23),
    };
    let recipient = element(issuer + element(serial));
    let keys = element(element(recipient + element(WRAPPED)));
    let originator = element(element(kind + element(point + 1)));
    element(element(element(1) + originator + algorithms + keys))
}

/// Octets of an element with so many octets of value (DER, X.690 §10.1).
fn element(value: usize) -> usize {
    let length = match value {
        0..0x80 => 1,
        0x80..0x100 => 2,
        0x100..0x1_0000 => 3,
        _ => 4,
    };
    1 + length + value
}
