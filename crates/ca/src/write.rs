//! Writes DER (ITU-T X.690), element by element. The types of `x509-cert` read what is written here, so that the two
//! look over each other; and what must be wrong on purpose can be written, too.

use der::oid::ObjectIdentifier;
use sealpost_rollover::Time;
use sealpost_smime::UnixTime;

/// An element: its tag octet, its length, and its value in parts.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut der = Vec::with_capacity(1 + 1 + size_of::<usize>() + len);
    der.push(tag);
    match u8::try_from(len) {
        Ok(short) if short < 0x80 => der.push(short),
        _ => {
            let octets: Vec<u8> = len.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
            der.push(0x80 | u8::try_from(octets.len()).unwrap_or(0x7f));
            der.extend(octets);
        }
    }
    parts.iter().for_each(|part| der.extend_from_slice(part));
    der
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(0x30, parts)
}

/// Its parts are sorted, as DER asks.
pub(crate) fn set(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort_unstable();
    element(0x31, &[&parts.concat()])
}

/// `[number]` around something, constructed.
pub(crate) fn tagged(number: u8, parts: &[&[u8]]) -> Vec<u8> {
    element(0xa0 | number, parts)
}

/// `[number]` in the place of a simple type's own tag.
pub(crate) fn implicit(number: u8, value: &[u8]) -> Vec<u8> {
    element(0x80 | number, &[value])
}

pub(crate) fn octets(value: &[u8]) -> Vec<u8> {
    element(0x04, &[value])
}

/// A BIT STRING of whole octets.
pub(crate) fn bits(value: &[u8]) -> Vec<u8> {
    element(0x03, &[&[0], value])
}

/// A BIT STRING of named bits, the first of them the lowest of `set`: without zeros at its end.
pub(crate) fn named_bits(set: u16) -> Vec<u8> {
    let [high, low] = set.reverse_bits().to_be_bytes();
    let unused = |octet: u8| u8::try_from(octet.trailing_zeros()).unwrap_or_default();
    match (high, low) {
        (0, 0) => element(0x03, &[&[0]]),
        (_, 0) => element(0x03, &[&[unused(high), high]]),
        _ => element(0x03, &[&[unused(low), high, low]]),
    }
}

pub(crate) fn oid(id: ObjectIdentifier) -> Vec<u8> {
    element(0x06, &[id.as_bytes()])
}

/// An INTEGER that is not negative, of big-endian octets.
pub(crate) fn unsigned(value: &[u8]) -> Vec<u8> {
    let zeros = value.iter().take_while(|octet| **octet == 0).count().min(value.len().saturating_sub(1));
    let value = value.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if value.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    element(0x02, &[sign, value])
}

pub(crate) fn enumerated(value: u8) -> Vec<u8> {
    element(0x0a, &[&[value]])
}

pub(crate) fn truth() -> Vec<u8> {
    element(0x01, &[&[0xff]])
}

pub(crate) fn null() -> Vec<u8> {
    element(0x05, &[])
}

pub(crate) fn utf8(text: &str) -> Vec<u8> {
    element(0x0c, &[text.as_bytes()])
}

/// A PrintableString, if all characters may stand in one, or else a UTF8String.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let printable = |octet: u8| octet.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&octet);
    if text.bytes().all(printable) { element(0x13, &[text.as_bytes()]) } else { utf8(text) }
}

/// A Time of certificates and lists: UTCTime through 2049, GeneralizedTime later (RFC 5280, section 4.1.2.5).
pub(crate) fn time(time: Time) -> Vec<u8> {
    let [year, month, day, hour, minute, second] = UnixTime(time.unix()).civil();
    if (1950..2050).contains(&year) {
        let year = year.rem_euclid(100);
        let text = format!("{year:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
        return element(0x17, &[text.as_bytes()]);
    }
    generalized_time(time)
}

pub(crate) fn generalized_time(time: Time) -> Vec<u8> {
    let [year, month, day, hour, minute, second] = UnixTime(time.unix()).civil();
    element(0x18, &[format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z").as_bytes()])
}

#[cfg(test)]
mod tests {
    use der::{Decode, Encode, asn1::ObjectIdentifier};
    use proptest::prelude::*;
    use x509_cert::ext::pkix::KeyUsage;

    use super::*;

    #[test]
    fn times_change_their_form_in_2050() {
        assert_eq!(time(Time::from_unix(2_524_607_999)), b"\x17\x0d491231235959Z");
        assert_eq!(time(Time::from_unix(2_524_608_000)), b"\x18\x0f20500101000000Z");
    }

    proptest! {
        #[test]
        fn another_reader_reads_what_is_written_and_would_write_the_same(
            value in prop::collection::vec(any::<u8>(), 0..300),
            bits in 1u16..512,
            seconds in -600_000_000i64..200_000_000_000,
        ) {
            let written = octets(&value);
            let read = der::asn1::OctetString::from_der(&written).unwrap();
            prop_assert_eq!(read.as_bytes(), &value[..]);
            let written = named_bits(bits);
            prop_assert_eq!(KeyUsage::from_der(&written).unwrap().to_der().unwrap(), written);
            let written = time(Time::from_unix(seconds));
            let read = x509_cert::time::Time::from_der(&written);
            prop_assume!(seconds >= 0);
            prop_assert_eq!(i64::try_from(read.unwrap().to_unix_duration().as_secs()).unwrap(), seconds);
            let number = unsigned(&value);
            prop_assert!(der::asn1::Uint::from_der(&number).is_ok());
        }
    }

    #[test]
    fn identifiers_are_read_again() {
        let id = ObjectIdentifier::new_unwrap("2.23.140.1.5.1.3");
        assert_eq!(ObjectIdentifier::from_der(&oid(id)).unwrap(), id);
    }
}
