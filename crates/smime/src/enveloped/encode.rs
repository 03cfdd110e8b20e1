//! DER that is put together from its parts (ITU-T X.690 §8.1, §10.1).

use der::{Encode, oid::ObjectIdentifier};

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// `[number]` of a primitive element.
pub(super) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// `[number]` of a constructed element.
pub(super) const fn constructed(number: u8) -> u8 {
    0xA0 | number
}

/// Tag and length of an element with so many octets of content.
pub(super) fn header(tag: u8, len: u64) -> Vec<u8> {
    let octets = len.to_be_bytes();
    let significant = octets.iter().skip_while(|octet| **octet == 0);
    match octets {
        [0, 0, 0, 0, 0, 0, 0, short @ 0..0x80] => vec![tag, short],
        _ => {
            let mut header = vec![tag, 0x80];
            header.extend(significant);
            if let [_, count, rest @ ..] = header.as_mut_slice() {
                *count |= u8::try_from(rest.len()).unwrap_or(8);
            }
            header
        }
    }
}

/// An element with these parts as its content.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = header(tag, u64::try_from(len).unwrap_or(u64::MAX));
    out.reserve_exact(len);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// An INTEGER that is not negative.
pub(super) fn integer(value: u32) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let zeros = octets.iter().take(3).take_while(|octet| **octet == 0).count();
    let octets = octets.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if octets.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
    element(INTEGER, &[sign, octets])
}

/// An OBJECT IDENTIFIER.
pub(super) fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    // `to_der` fails for values of 256 MiB and more only.
    oid.to_der().unwrap_or_default()
}

/// An AlgorithmIdentifier; empty `parameters` are absent ones.
pub(super) fn algorithm(algorithm: ObjectIdentifier, parameters: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&oid(algorithm), parameters])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimal() {
        assert_eq!(header(4, 0), [4, 0]);
        assert_eq!(header(4, 127), [4, 127]);
        assert_eq!(header(4, 128), [4, 0x81, 128]);
        assert_eq!(header(4, 256), [4, 0x82, 1, 0]);
        assert_eq!(header(4, 1 << 32), [4, 0x85, 1, 0, 0, 0, 0]);
        assert_eq!(header(4, u64::MAX), [4, 0x88, 255, 255, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn integers_are_minimal() {
        for (value, der) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (256, &[2, 2, 1, 0]),
            (u32::MAX, &[2, 5, 0, 255, 255, 255, 255]),
        ] {
            assert_eq!(integer(value), der);
        }
    }
}
