//! GeneralName (RFC 5280 §4.2.1.6), the names in extensions.

use std::borrow::Cow;

use der::{Tag, oid::ObjectIdentifier};

use crate::{Result, asn1, asn1::Element, certificate::name, oid};

const PLACE: &str = "a general name";

/// One name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GeneralName<'a> {
    /// rfc822Name, and emailAddress in a distinguished name.
    Mail(Cow<'a, str>),
    /// SmtpUTF8Mailbox (RFC 9598 §3).
    Utf8Mail(&'a str),
    /// Another otherName.
    Other(ObjectIdentifier),
    Dns(&'a str),
    /// DER of a Name.
    Directory(&'a [u8]),
    Uri(&'a str),
    /// 4 or 16 octets; in name constraints 8 or 32, with the mask.
    Ip(&'a [u8]),
    /// Of another kind (the number of its tag), or malformed.
    Unknown(u32),
}

impl<'a> GeneralName<'a> {
    pub(crate) fn read(element: &Element<'a>) -> Self {
        let number = element.tag.number().value();
        let text = || element.value.is_ascii().then(|| str::from_utf8(element.value).ok()).flatten();
        let read = match (element.tag.is_context_specific(), number) {
            (true, 0) => Self::other(element),
            (true, 1) => text().map(|text| Self::Mail(text.into())),
            (true, 2) => text().map(Self::Dns),
            (true, 4) => Element::from_der(element.value, PLACE).ok().map(|name| Self::Directory(name.raw)),
            (true, 6) => text().map(Self::Uri),
            (true, 7) => Some(Self::Ip(element.value)),
            _ => None,
        };
        read.unwrap_or(Self::Unknown(number))
    }

    fn other(element: &Element<'a>) -> Option<Self> {
        let fields = element.inner(PLACE).ok()?;
        let [id, tagged] = fields.as_slice() else { return None };
        let id = id.oid(PLACE).ok()?;
        if id != oid::SMTP_UTF8_MAILBOX {
            return Some(Self::Other(id));
        }
        let value = Element::from_der(tagged.value, PLACE).ok()?.expect(Tag::Utf8String, PLACE).ok()?;
        str::from_utf8(value.value).ok().map(Self::Utf8Mail)
    }
}

/// Reads GeneralNames; `list` is what stands in the SEQUENCE.
pub(crate) fn general_names(list: &[u8]) -> Result<Vec<GeneralName<'_>>> {
    asn1::walk(list, PLACE)?.map(|element| Ok(GeneralName::read(&element?))).collect()
}

/// A name in a form that is equal for equal names, for those of distribution points.
pub(crate) fn canonical(element: &Element<'_>) -> Vec<u8> {
    match GeneralName::read(element) {
        GeneralName::Directory(directory) => name::canonical(directory),
        _ => element.raw.to_vec(),
    }
}
