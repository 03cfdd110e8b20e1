//! Packet framing: old and new headers with all forms of length
//! ([RFC 9580 §4.2](https://www.rfc-editor.org/rfc/rfc9580#section-4.2)).

use crate::{Error, Result, error::wide};

/// Packet type IDs of [RFC 9580 §5](https://www.rfc-editor.org/rfc/rfc9580#section-5).
pub(crate) mod tag {
    pub(crate) const PKESK: u8 = 1;
    pub(crate) const SIGNATURE: u8 = 2;
    pub(crate) const SKESK: u8 = 3;
    pub(crate) const SECRET_KEY: u8 = 5;
    pub(crate) const PUBLIC_KEY: u8 = 6;
    pub(crate) const SECRET_SUBKEY: u8 = 7;
    pub(crate) const SED: u8 = 9;
    pub(crate) const MARKER: u8 = 10;
    pub(crate) const USER_ID: u8 = 13;
    pub(crate) const PUBLIC_SUBKEY: u8 = 14;
    pub(crate) const USER_ATTRIBUTE: u8 = 17;
    pub(crate) const SEIPD: u8 = 18;
    /// LibrePGP's "OCB Encrypted Data Packet", as GnuPG 2.3 and later write it.
    pub(crate) const OCB: u8 = 20;
    pub(crate) const PADDING: u8 = 21;
}

/// How long a packet's body is, or its first part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// So many octets.
    Definite(u64),
    /// A first part of so many octets; another length follows it.
    Partial(u64),
    /// All that follows.
    Indeterminate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) tag: u8,
    /// The length of the header itself, in octets.
    pub(crate) len: usize,
    pub(crate) body: Body,
}

impl Header {
    /// Reads the header that `bytes` start with; `None` where more octets are needed.
    /// `offset` is where they are, for the error.
    pub(crate) fn parse(bytes: &[u8], offset: usize) -> Result<Option<Self>> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let malformed = Error::malformed("packet header", offset);
        if first & 0x80 == 0 {
            return Err(malformed);
        }
        let (tag, length) = if first & 0x40 == 0 {
            ((first >> 2) & 0x0F, old_length(first & 3, rest))
        } else {
            (first & 0x3F, new_length(rest))
        };
        if tag == 0 {
            return Err(malformed);
        }
        Ok(length.map(|(octets, body)| Self { tag, len: octets + 1, body }))
    }
}

/// A new-format length ([RFC 9580 §4.2.1](https://www.rfc-editor.org/rfc/rfc9580#section-4.2.1)) and
/// how many octets it takes; `None` where more octets are needed.
pub(crate) fn new_length(bytes: &[u8]) -> Option<(usize, Body)> {
    Some(match *bytes {
        [one @ 0..=191, ..] => (1, Body::Definite(one.into())),
        [high @ 192..=223, low, ..] => (2, Body::Definite((u64::from(high) - 192) * 256 + u64::from(low) + 192)),
        [power @ 224..=254, ..] => (1, Body::Partial(1 << (power & 0x1F))),
        [255, a, b, c, d, ..] => (5, Body::Definite(u32::from_be_bytes([a, b, c, d]).into())),
        _ => return None,
    })
}

/// An old-format length ([RFC 9580 §4.2.2](https://www.rfc-editor.org/rfc/rfc9580#section-4.2.2)).
fn old_length(kind: u8, bytes: &[u8]) -> Option<(usize, Body)> {
    Some(match (kind, bytes) {
        (0, &[a, ..]) => (1, Body::Definite(a.into())),
        (1, &[a, b, ..]) => (2, Body::Definite(u16::from_be_bytes([a, b]).into())),
        (2, &[a, b, c, d, ..]) => (4, Body::Definite(u32::from_be_bytes([a, b, c, d]).into())),
        (3, _) => (0, Body::Indeterminate),
        _ => return None,
    })
}

/// A whole packet in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) tag: u8,
    /// Where the packet starts.
    pub(crate) offset: usize,
    /// Where its body starts.
    pub(crate) body_at: usize,
    pub(crate) body: &'a [u8],
    /// The whole packet, header included.
    pub(crate) whole: &'a [u8],
}

/// The packets of a key, or of the part of a message in front of its encrypted data: all of definite length.
#[derive(Clone, Debug)]
pub(crate) struct Packets<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Packets<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next header, without taking its packet; `None` where more octets are needed.
    pub(crate) fn peek(&self) -> Result<Option<Header>> {
        Header::parse(self.bytes.get(self.at..).unwrap_or_default(), self.at)
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Takes the packet with this header; on failure says how many octets are needed.
    pub(crate) fn take(&mut self, header: Header) -> Result<core::result::Result<Packet<'a>, usize>> {
        let Body::Definite(len) = header.body else {
            return Err(Error::malformed("packet length", self.at));
        };
        let body_at = self.at + header.len;
        let end = usize::try_from(len).ok().and_then(|len| body_at.checked_add(len));
        let Some(end) = end else { return Err(Error::malformed("packet length", self.at)) };
        let Some(body) = self.bytes.get(body_at..end) else { return Ok(Err(end)) };
        let whole = self.bytes.get(self.at..end).unwrap_or_default();
        let packet = Packet { tag: header.tag, offset: self.at, body_at, body, whole };
        self.at = end;
        Ok(Ok(packet))
    }

    /// The next packet of a complete sequence.
    pub(crate) fn next(&mut self) -> Result<Option<Packet<'a>>> {
        if self.is_at_end() {
            return Ok(None);
        }
        let truncated = Error::Truncated { what: "packet", offset: wide(self.bytes.len()) };
        let Some(header) = self.peek()? else { return Err(truncated) };
        self.take(header)?.map(Some).map_err(|_| truncated)
    }
}

/// Cuts fields off the front of a packet's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    at: usize,
    what: &'static str,
}

impl<'a> Fields<'a> {
    /// Reads `body`, which starts at `at` and is called `what` in errors.
    pub(crate) fn new(body: &'a [u8], at: usize, what: &'static str) -> Self {
        Self { rest: body, at, what }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (field, rest) = self.rest.split_at_checked(len).ok_or(Error::malformed(self.what, self.at))?;
        self.rest = rest;
        self.at += len;
        Ok(field)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let error = Error::malformed(self.what, self.at);
        self.take(N)?.try_into().map_err(|_| error)
    }

    pub(crate) fn octet(&mut self) -> Result<u8> {
        self.array().map(|[octet]| *octet)
    }

    pub(crate) fn number(&mut self) -> Result<u32> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// A multiprecision integer ([RFC 9580 §3.2](https://www.rfc-editor.org/rfc/rfc9580#section-3.2)): its octets.
    pub(crate) fn mpi(&mut self) -> Result<&'a [u8]> {
        let bits = usize::from(u16::from_be_bytes(*self.array()?));
        self.take(bits.div_ceil(8))
    }

    /// A field with its length in one octet in front.
    pub(crate) fn counted(&mut self) -> Result<&'a [u8]> {
        let len = self.octet()?;
        self.take(len.into())
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// What to say where a field's value makes no sense.
    pub(crate) fn malformed(&self) -> Error {
        Error::malformed(self.what, self.at)
    }
}

/// The new-format header for a body of `len` octets, in the shortest form.
pub(crate) fn new_header(tag: u8, len: usize) -> ([u8; 6], usize) {
    let first = 0xC0 | tag;
    let [_, _, high, low] = u32::try_from(len.saturating_sub(192)).unwrap_or(u32::MAX).to_be_bytes();
    if let Ok(one @ 0..=191) = u8::try_from(len) {
        ([first, one, 0, 0, 0, 0], 2)
    } else if len < 8384 {
        ([first, high + 192, low, 0, 0, 0], 3)
    } else {
        let [a, b, c, d] = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
        ([first, 255, a, b, c, d], 6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_form_is_read() {
        let cases: [(&[u8], Header); 9] = [
            (&[0x84, 78], Header { tag: 1, len: 2, body: Body::Definite(78) }),
            (&[0x85, 1, 2], Header { tag: 1, len: 3, body: Body::Definite(258) }),
            (&[0x86, 0, 0, 1, 0], Header { tag: 1, len: 5, body: Body::Definite(256) }),
            (&[0xCB, 191], Header { tag: 11, len: 2, body: Body::Definite(191) }),
            (&[0xCB, 192, 0], Header { tag: 11, len: 3, body: Body::Definite(192) }),
            (&[0xCB, 223, 255], Header { tag: 11, len: 3, body: Body::Definite(8383) }),
            (&[0xCB, 0xFF, 0, 1, 0, 0], Header { tag: 11, len: 6, body: Body::Definite(65536) }),
            (&[0xD2, 0xE9], Header { tag: 18, len: 2, body: Body::Partial(512) }),
            (&[0xA7], Header { tag: 9, len: 1, body: Body::Indeterminate }),
        ];
        for (bytes, header) in cases {
            assert_eq!(Header::parse(bytes, 0).unwrap(), Some(header));
            for cut in 0..bytes.len() {
                assert_eq!(Header::parse(&bytes[..cut], 0).unwrap(), None);
            }
        }
        assert!(Header::parse(&[0x7F, 1], 0).is_err());
        assert!(Header::parse(&[0xC0, 1], 0).is_err());
    }

    #[test]
    fn a_written_header_is_read_back() {
        for len in [0, 1, 191, 192, 255, 256, 8383, 8384, 70000] {
            let (bytes, n) = new_header(tag::PADDING, len);
            let header = Header::parse(&bytes[..n], 0).unwrap().unwrap();
            assert_eq!(header, Header { tag: tag::PADDING, len: n, body: Body::Definite(len.try_into().unwrap()) });
        }
    }
}
