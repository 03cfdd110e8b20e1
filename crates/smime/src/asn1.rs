//! Elements of DER in memory, as slices of what was received (ITU-T X.690 §8.1).

use der::{Decode, Header, Length, Reader, SliceReader, Tag, oid::ObjectIdentifier};

use crate::{Error, Result};

/// How many elements a list in memory has at most: one is many times as large there as the two octets that it can have.
/// Longer ones are walked through.
const MOST: usize = 10_000;

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: Tag,
    /// Where it starts in what surrounds it.
    pub(crate) at: usize,
    /// All of it: tag, length and value.
    pub(crate) raw: &'a [u8],
    pub(crate) value: &'a [u8],
}

impl<'a> Element<'a> {
    /// The one element that `raw` is.
    pub(crate) fn from_der(raw: &'a [u8], place: &'static str) -> Result<Self> {
        match elements(raw, place)?.as_slice() {
            [element] => Ok(*element),
            _ => Err(Error::structure(place, "one element was expected")),
        }
    }

    /// The elements inside.
    pub(crate) fn inner(&self, place: &'static str) -> Result<Vec<Self>> {
        elements(self.value, place)
    }

    /// The same, if it has this tag.
    pub(crate) fn expect(self, tag: Tag, place: &'static str) -> Result<Self> {
        if self.tag == tag { Ok(self) } else { Err(Error::structure(place, "another tag was expected")) }
    }

    /// Its value as an object identifier.
    pub(crate) fn oid(&self, place: &'static str) -> Result<ObjectIdentifier> {
        ObjectIdentifier::from_der(self.raw).map_err(Error::der(place))
    }
}

/// The elements that stand in `octets`, one behind the other: at most [`MOST`].
pub(crate) fn elements<'a>(octets: &'a [u8], place: &'static str) -> Result<Vec<Element<'a>>> {
    let mut list = Vec::new();
    for element in walk(octets, place)? {
        if list.len() == MOST {
            return Err(Error::structure(place, "it has too many elements"));
        }
        list.push(element?);
    }
    Ok(list)
}

/// The same, one by one, for lists that may be long. It ends at the first error.
pub(crate) fn walk<'a>(octets: &'a [u8], place: &'static str) -> Result<Walk<'a>> {
    Ok(Walk { reader: SliceReader::new(octets).map_err(Error::der(place))?, place, failed: false })
}

/// See [`walk`].
pub(crate) struct Walk<'a> {
    reader: SliceReader<'a>,
    place: &'static str,
    failed: bool,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Element<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_finished() || self.failed {
            return None;
        }
        let at = position(self.reader.position());
        let read = Header::peek(&self.reader).and_then(|header| Ok((header, self.reader.tlv_bytes()?)));
        self.failed = read.is_err();
        Some(read.map_err(Error::der(self.place)).map(|(header, raw)| {
            let value = raw.len().checked_sub(position(header.length())).and_then(|start| raw.get(start..));
            Element { tag: header.tag(), at, raw, value: value.unwrap_or_default() }
        }))
    }
}

/// DER of an element: its tag octet, its length, and its value in parts.
pub(crate) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    // Grown at once: where it holds a secret, growing would leave a copy behind.
    let mut der = Vec::with_capacity(1 + 1 + size_of::<usize>() + len);
    der.push(tag);
    match u8::try_from(len) {
        Ok(short) if short < 0x80 => der.push(short),
        _ => {
            let octets = len.to_be_bytes();
            let octets = octets.get(octets.iter().take_while(|octet| **octet == 0).count()..).unwrap_or_default();
            der.push(0x80 | u8::try_from(octets.len()).unwrap_or(0x7f));
            der.extend_from_slice(octets);
        }
    }
    for part in parts {
        der.extend_from_slice(part);
    }
    der
}

/// DER of an INTEGER that is not negative, of big-endian octets with any zeros in front.
pub(crate) fn write_unsigned(octets: &[u8]) -> Vec<u8> {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count().min(octets.len().saturating_sub(1));
    let octets = octets.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if octets.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    write(0x02, &[sign, octets])
}

/// DER of an object identifier.
pub(crate) fn write_oid(id: ObjectIdentifier) -> Vec<u8> {
    write(0x06, &[id.as_bytes()])
}

fn position(length: Length) -> usize {
    usize::try_from(u32::from(length)).unwrap_or(usize::MAX)
}
