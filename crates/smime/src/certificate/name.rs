//! Distinguished names: how they are compared (RFC 5280 §7.1) and how people read them (RFC 4514).

use std::iter;

use der::{Tag, oid::ObjectIdentifier};

use crate::{Result, asn1::Element, oid};

const PLACE: &str = "a name";

/// Short names of attribute types (RFC 4514 §3, RFC 4519).
const TYPES: [(ObjectIdentifier, &str); 17] = [
    (ObjectIdentifier::new_unwrap("2.5.4.3"), "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.4"), "SN"),
    (ObjectIdentifier::new_unwrap("2.5.4.5"), "serialNumber"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("2.5.4.12"), "title"),
    (ObjectIdentifier::new_unwrap("2.5.4.42"), "GN"),
    (ObjectIdentifier::new_unwrap("2.5.4.46"), "dnQualifier"),
    (ObjectIdentifier::new_unwrap("2.5.4.65"), "pseudonym"),
    (ObjectIdentifier::new_unwrap("2.5.4.97"), "organizationIdentifier"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"), "UID"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
    (oid::EMAIL_ADDRESS, "emailAddress"),
];

/// A name in a form that is equal for equal names: letters folded, white space folded, whatever string type.
///
/// Unicode's compatible forms are not folded into one another: such names stay different.
pub(crate) fn canonical(name: &[u8]) -> Vec<u8> {
    match canonical_parts(name) {
        Ok(parts) => parts.concat(),
        // What can't be read is equal only to itself.
        Err(_) => iter::once(0xff).chain(name.iter().copied()).collect(),
    }
}

/// The same for each relative name, from the root on.
pub(crate) fn canonical_parts(name: &[u8]) -> Result<Vec<Vec<u8>>> {
    Element::from_der(name, PLACE)?
        .expect(Tag::Sequence, PLACE)?
        .inner(PLACE)?
        .into_iter()
        .map(|part| canonical_part(part.expect(Tag::Set, PLACE)?.value))
        .collect()
}

/// The same for one relative name: the value of a RelativeDistinguishedName.
pub(crate) fn canonical_part(part: &[u8]) -> Result<Vec<u8>> {
    let mut attributes = attributes(part)?.iter().map(Attribute::canonical).collect::<Vec<_>>();
    attributes.sort_unstable();
    Ok(framed(b'R', &attributes.concat()))
}

/// Whether it has no part.
pub(crate) fn is_empty(name: &[u8]) -> bool {
    matches!(name, [0x30, 0])
}

/// A name for people: the last part first, as RFC 4514 writes it. What could deceive the eye is escaped.
pub(crate) fn text(name: &[u8]) -> String {
    let parts = |name| -> Result<Vec<String>> {
        let parts = Element::from_der(name, PLACE)?.inner(PLACE)?;
        parts
            .iter()
            .rev()
            .map(|part| Ok(attributes(part.value)?.iter().map(Attribute::text).collect::<Vec<_>>().join("+")))
            .collect()
    };
    parts(name).map_or_else(|_| "(an unreadable name)".to_owned(), |parts| parts.join(","))
}

/// The values of the attributes emailAddress (RFC 2985 §5.2.1).
pub(crate) fn email_addresses(name: &[u8]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for part in Element::from_der(name, PLACE)?.inner(PLACE)? {
        let attributes = attributes(part.value)?;
        found.extend(
            attributes.iter().filter(|attribute| attribute.id == oid::EMAIL_ADDRESS).filter_map(Attribute::string),
        );
    }
    Ok(found)
}

struct Attribute<'a> {
    id: ObjectIdentifier,
    value: Element<'a>,
}

fn attributes(part: &[u8]) -> Result<Vec<Attribute<'_>>> {
    crate::asn1::elements(part, PLACE)?
        .into_iter()
        .map(|attribute| match attribute.expect(Tag::Sequence, PLACE)?.inner(PLACE)?.as_slice() {
            [id, value] => Ok(Attribute { id: id.oid(PLACE)?, value: *value }),
            _ => Err(crate::Error::structure(PLACE, "an attribute must have a type and a value")),
        })
        .collect()
}

impl Attribute<'_> {
    fn string(&self) -> Option<String> {
        string(&self.value)
    }

    fn canonical(&self) -> Vec<u8> {
        let value = match self.string() {
            Some(string) => framed(b'S', fold(&string).as_bytes()),
            None => framed(b'V', self.value.raw),
        };
        framed(b'A', &[framed(b'T', self.id.as_bytes()), value].concat())
    }

    fn text(&self) -> String {
        let known = TYPES.iter().find(|(id, _)| *id == self.id);
        let id = known.map_or_else(|| self.id.to_string(), |(_, name)| (*name).to_owned());
        match self.string() {
            Some(string) => format!("{id}={}", escape(&string)),
            None => format!("{id}=#{}", super::hex(self.value.raw)),
        }
    }
}

/// The text of a string of any of ASN.1's types.
fn string(value: &Element<'_>) -> Option<String> {
    match value.tag {
        Tag::Utf8String => String::from_utf8(value.value.to_vec()).ok(),
        Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            value.value.is_ascii().then(|| value.value.iter().copied().map(char::from).collect())
        }
        // By the standard T.61, but what is written there is Latin-1.
        Tag::TeletexString => Some(value.value.iter().copied().map(char::from).collect()),
        Tag::BmpString if value.value.len().is_multiple_of(2) => {
            let units = value.value.chunks_exact(2).filter_map(|unit| unit.try_into().ok()).map(u16::from_be_bytes);
            char::decode_utf16(units).collect::<Result<String, _>>().ok()
        }
        _ => None,
    }
}

/// Case and white space folded as RFC 4518 §2 asks, without its normalisation.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace()) {
        let at = folded.len();
        folded.extend(word.chars().filter(|c| !is_ignored(*c)).flat_map(char::to_lowercase));
        if at > 0 && folded.len() > at {
            folded.insert(at, ' ');
        }
    }
    folded
}

/// A text with a mark in the place of what could deceive the eye, or steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if is_ignored(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// What RFC 4518 §2.2 maps to nothing: controls and invisible characters.
pub(super) fn is_ignored(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// What has no width, or turns the direction of text.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}')
}

/// RFC 4514 §2.4; what can't be seen is written in hexadecimal too.
fn escape(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        if is_ignored(c) {
            let mut octets = [0; 4];
            for octet in c.encode_utf8(&mut octets).as_bytes() {
                escaped.push('\\');
                escaped.push_str(&super::hex(&[*octet]));
            }
            continue;
        }
        let edge = (at == 0 && matches!(c, ' ' | '#')) || (at == last && c == ' ');
        if edge || matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// With its length in front, so that no two different lists give the same octets.
fn framed(kind: u8, octets: &[u8]) -> Vec<u8> {
    let len = octets.len().to_be_bytes();
    iter::once(kind).chain(len).chain(octets.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name with one attribute a part.
    fn name(attributes: &[(&str, u8, &[u8])]) -> Vec<u8> {
        let tlv = |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
        let parts: Vec<u8> = attributes
            .iter()
            .flat_map(|(id, tag, value)| {
                let id = ObjectIdentifier::new_unwrap(id);
                tlv(0x31, &tlv(0x30, &[tlv(6, id.as_bytes()), tlv(*tag, value)].concat()))
            })
            .collect();
        tlv(0x30, &parts)
    }

    #[test]
    fn names_are_equal_whatever_their_case_white_space_and_string_type() {
        let plain = canonical(&name(&[("2.5.4.10", 19, b"Test Certificates"), ("2.5.4.3", 19, b"Good CA")]));
        for same in [
            name(&[("2.5.4.10", 12, b"test  certificates"), ("2.5.4.3", 19, b" GOOD ca ")]),
            name(&[("2.5.4.10", 20, b"TEST Certificates"), ("2.5.4.3", 30, b"\0G\0o\0o\0d\0 \0C\0A")]),
        ] {
            assert_eq!(canonical(&same), plain);
        }
        for other in [
            name(&[("2.5.4.3", 19, b"Good CA"), ("2.5.4.10", 19, b"Test Certificates")]),
            name(&[("2.5.4.10", 19, b"TestCertificates"), ("2.5.4.3", 19, b"Good CA")]),
            name(&[("2.5.4.10", 19, b"Test Certificates")]),
            name(&[("2.5.4.10", 19, b"Test Certificates"), ("2.5.4.11", 19, b"Good CA")]),
        ] {
            assert_ne!(canonical(&other), plain);
        }
    }

    #[test]
    fn a_name_that_cannot_be_read_is_equal_only_to_itself() {
        assert_eq!(canonical(b"\x30\x02\x31"), canonical(b"\x30\x02\x31"));
        assert_ne!(canonical(b"\x30\x02\x31"), canonical(b"\x30\x00"));
        assert_eq!(text(b"\x30\x02\x31"), "(an unreadable name)");
    }

    #[test]
    fn people_read_what_they_would_see() {
        let der =
            name(&[("2.5.4.6", 19, b"DE"), ("2.5.4.10", 12, "A, B\u{202e} #".as_bytes()), ("2.5.4.3", 12, b"#x ")]);
        assert_eq!(text(&der), "CN=\\#x\\ ,O=A\\, B\\e2\\80\\ae #,C=DE");
        assert_eq!(text(&name(&[("1.2.3", 2, &[5])])), "1.2.3=#020105");
    }
}
