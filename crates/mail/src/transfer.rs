//! Transfer encodings ([RFC 2045 §6](https://www.rfc-editor.org/rfc/rfc2045#section-6)), decoded so that changed octets
//! can be put back in place.

use alloc::vec::Vec;

use base64ct::{Base64, Encoding as _};

/// More blanks behind a `=` make no soft line break: lines are shorter.
const MAX_BLANKS: usize = 1000;

/// How the body of a part is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// `7bit`, `8bit`, `binary`, or one that is not known here: octets stand for themselves.
    #[default]
    Identity,
    /// `base64` (§6.8).
    Base64,
    /// `quoted-printable` (§6.7).
    QuotedPrintable,
}

impl Encoding {
    /// By the value of the field Content-Transfer-Encoding, in upper or lower case.
    #[must_use]
    pub fn named(name: &[u8]) -> Self {
        match name.to_ascii_lowercase().as_slice() {
            b"base64" => Self::Base64,
            b"quoted-printable" => Self::QuotedPrintable,
            _ => Self::Identity,
        }
    }

    /// Decodes the beginning of an encoded text; `last` says that the part ends with it.
    ///
    /// Decodes whole groups only: four characters of base64, one octet of quoted-printable.
    #[must_use]
    pub fn decode(self, text: &[u8], last: bool) -> Decoded {
        match self {
            Self::Identity => {
                let places = (0..text.len()).collect();
                Decoded { encoding: self, octets: text.to_vec(), places, consumed: text.len(), ended: false }
            }
            Self::Base64 => base64(text),
            Self::QuotedPrintable => quoted_printable(text, last),
        }
    }
}

/// The decoded beginning of an encoded text.
#[derive(Clone, Debug)]
pub struct Decoded {
    encoding: Encoding,
    octets: Vec<u8>,
    /// Where in the text each character of base64, or each octet of another encoding, is.
    places: Vec<usize>,
    consumed: usize,
    ended: bool,
}

impl Decoded {
    /// The decoded octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The same, to be changed before [`Self::recode`]. Only characters that stand for themselves in every
    /// encoding, such as letters and digits, may be put there.
    pub fn octets_mut(&mut self) -> &mut [u8] {
        &mut self.octets
    }

    /// How many octets of the text they took, white space behind them included.
    #[must_use]
    pub fn consumed(&self) -> usize {
        self.consumed
    }

    /// Whether the encoded text ends there: by its padding, or by what is no base64. What is behind has no meaning.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// How many decoded octets change only together: 3 in base64, else 1.
    #[must_use]
    pub fn group(&self) -> usize {
        if self.encoding == Encoding::Base64 { 3 } else { 1 }
    }

    /// Where in the text the group starts that has the octet at this place.
    #[must_use]
    pub fn place(&self, octet: usize) -> usize {
        let index = if self.encoding == Encoding::Base64 { octet / 3 * 4 } else { octet };
        self.places.get(index).copied().unwrap_or(self.consumed)
    }

    /// The characters of the group that starts at this octet, as they should now be: each with its place in the
    /// text that was decoded. Their number is what it was.
    #[must_use]
    pub fn recode(&self, text: &[u8], octet: usize) -> Vec<(usize, u8)> {
        let group = self.octets.get(octet..).unwrap_or_default();
        let group = group.get(..self.group()).unwrap_or(group);
        let place = self.place(octet);
        match (self.encoding, group) {
            (Encoding::Base64, _) => {
                let encoded = Base64::encode_string(group);
                let places = self.places.iter().skip(octet / 3 * 4).copied();
                places.zip(encoded.bytes()).collect()
            }
            (Encoding::QuotedPrintable, [octet]) if text.get(place) == Some(&b'=') => {
                let digit = |half: u8| b"0123456789ABCDEF".get(usize::from(half)).copied().unwrap_or_default();
                alloc::vec![(place + 1, digit(octet >> 4)), (place + 2, digit(octet & 15))]
            }
            (_, group) => group.iter().map(|octet| (place, *octet)).collect(),
        }
    }
}

fn base64(text: &[u8]) -> Decoded {
    let (mut characters, mut places) = (Vec::new(), Vec::new());
    let mut stop = None;
    for (place, &c) in text.iter().enumerate() {
        match c {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => {
                places.push(place);
                characters.push(c);
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                stop = Some(place);
                break;
            }
        }
    }
    let whole = characters.len() / 4;
    let groups = || characters.chunks_exact(4);
    let plain = groups().position(|group| group.contains(&b'=')).unwrap_or(whole);
    let mut octets = alloc::vec![0; plain * 3];
    let decoded = Base64::decode(characters.get(..plain * 4).unwrap_or_default(), &mut octets).map(<[u8]>::len);
    octets.truncate(decoded.unwrap_or_default());
    // The first padding ends the text.
    let mut padded = [0; 3];
    let last = groups().nth(plain).and_then(|group| Base64::decode(group, &mut padded).ok());
    octets.extend(last.unwrap_or_default());
    let groups = plain + usize::from(last.is_some());
    // In front of what is no base64 a few characters may be left over that mean nothing.
    let next = if plain < whole { places.get(groups * 4).copied().or(stop) } else { stop };
    let pending = places.get(groups * 4).copied();
    let consumed = next.or(pending).unwrap_or(text.len());
    let ended = plain < whole || stop.is_some();
    places.truncate(groups * 4);
    Decoded { encoding: Encoding::Base64, octets, places, consumed, ended }
}

/// What is no escape stands for itself, as §6.7 advises.
fn quoted_printable(text: &[u8], last: bool) -> Decoded {
    let (mut octets, mut places) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (octet, len) = match *rest {
            [b'=', high, low, ..] if hex(high).is_some() && hex(low).is_some() => {
                (Some(hex(high).unwrap_or_default() << 4 | hex(low).unwrap_or_default()), 3)
            }
            [b'=', ..] => match soft_break(rest) {
                Some(len) => (None, len),
                None if !last && (rest.len() < 3 || may_break(rest)) => break,
                None => (Some(b'='), 1),
            },
            [c, ..] => (Some(c), 1),
            [] => break,
        };
        if let Some(octet) = octet {
            octets.push(octet);
            places.push(at);
        }
        at += len;
    }
    Decoded { encoding: Encoding::QuotedPrintable, octets, places, consumed: at, ended: false }
}

/// The length of a soft line break, with the blanks that transport may have added.
fn soft_break(text: &[u8]) -> Option<usize> {
    let blanks = text.iter().skip(1).take(MAX_BLANKS).take_while(|c| is_blank(**c)).count();
    (text.get(1 + blanks) == Some(&b'\n')).then_some(2 + blanks)
}

/// Whether more text could make a soft line break of this.
fn may_break(text: &[u8]) -> bool {
    text.len() <= MAX_BLANKS && text.iter().skip(1).all(|c| is_blank(*c))
}

fn is_blank(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\r')
}

fn hex(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
