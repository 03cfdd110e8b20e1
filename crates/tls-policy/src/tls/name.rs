//! The common name of a certificate's subject, as a name of a host (RFC 6125 §6.4.4). DNS-IDs are read by webpki.

use sealpost_mail::Domain;
use x509_cert::der::{Tag, asn1::ObjectIdentifier};

use crate::dane::{Frame, elements, number, sequence};

/// commonName (RFC 5280, appendix A).
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
/// subjectAltName (RFC 5280 §4.2.1.6).
const ALTERNATIVE_NAMES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
/// dNSName, among the alternative names.
const DNS_NAME: u32 = 2;

/// The common name, if there is exactly one, and no DNS-ID beside which it would not count.
pub(super) fn common_name(certificate: &[u8]) -> Option<String> {
    let frame = Frame::read(certificate)?;
    if let Some(names) = frame.extension(ALTERNATIVE_NAMES).ok()?
        && sequence(names)?.iter().any(|name| number(name.tag) == Some(DNS_NAME))
    {
        return None;
    }
    let mut names = sequence(frame.subject)?
        .into_iter()
        .flat_map(|set| elements(set.value).unwrap_or_default())
        .filter_map(|attribute| match elements(attribute.value)?.as_slice() {
            [id, value] if id.raw == COMMON_NAME => Some(*value),
            _ => None,
        });
    let (only, None) = (names.next()?, names.next()) else { return None };
    let text = matches!(only.tag, Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::TeletexString);
    std::str::from_utf8(only.value).ok().filter(|name| text && name.is_ascii()).map(str::to_owned)
}

/// Whether a name in a certificate is the one of `host`. A wildcard stands for the whole first label, and for one only.
pub(super) fn is_for(name: &str, host: &Domain) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    match name.strip_prefix("*.") {
        // Not for a whole top-level domain.
        Some(rest) => rest.contains('.') && host.parent().is_some_and(|parent| parent.eq_ignore_ascii_case(rest)),
        None => host.as_str().eq_ignore_ascii_case(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_one_whole_label() {
        let good = [("mail.example.org", "mail.example.org"), ("MAIL.example.org.", "mail.example.org")];
        for (name, host) in good.into_iter().chain([("*.example.org", "mail.example.org")]) {
            assert!(is_for(name, &host.parse().unwrap()), "{name} {host}");
        }
        for (name, host) in [
            ("*.example.org", "example.org"),
            ("*.example.org", "a.mail.example.org"),
            ("m*.example.org", "mail.example.org"),
            ("*", "org"),
            ("*.org", "example.org"),
            ("*", "mail.example.org"),
            ("mail.*.org", "mail.example.org"),
            ("mail.example.org\0.example.com", "mail.example.org"),
            ("", "mail.example.org"),
        ] {
            assert!(!is_for(name, &host.parse().unwrap()), "{name} {host}");
        }
    }
}
