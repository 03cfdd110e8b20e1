//! Octets written so that every relay leaves them alone: quoted-printable and base64
//! ([RFC 2045 §6.7 and §6.8](https://www.rfc-editor.org/rfc/rfc2045#section-6.7)), encoded words
//! ([RFC 2047](https://www.rfc-editor.org/rfc/rfc2047)).

use alloc::{string::String, vec::Vec};

use base64ct::{Base64, Encoding as _};

/// Characters of a line, with the `=` of a soft line break.
const LINE: usize = 76;
/// What a line of base64 stands for.
const LINE_OCTETS: usize = LINE / 4 * 3;

/// Writes quoted-printable, octet by octet, so that no relay changes it: no `From ` at the start of a line, no blank at
/// its end.
#[derive(Debug, Default)]
pub struct QuotedPrintable {
    /// Characters of the line that is being written.
    column: usize,
}

impl QuotedPrintable {
    /// So many octets behind an octet decide how it is written.
    pub const AHEAD: usize = 5;

    /// At the start of a line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes what `rest` begins with, an octet or a line end, to `out`, and returns how many octets that took. Behind
    /// it [`Self::AHEAD`] octets must be there, unless the text ends. Zero means a soft line break was written: call
    /// again.
    pub fn octet(&mut self, rest: &[u8], out: &mut Vec<u8>) -> usize {
        let plain = match rest {
            [b'\r', b'\n', ..] => {
                out.extend_from_slice(b"\r\n");
                self.column = 0;
                return 2;
            }
            [b'F', b'r', b'o', b'm', b' ', ..] if self.column == 0 => false,
            [b' ' | b'\t', behind @ ..] => !behind.is_empty() && !behind.starts_with(b"\r\n"),
            [c, ..] => c.is_ascii_graphic() && *c != b'=',
            [] => return 1,
        };
        let width = if plain { 1 } else { 3 };
        if self.column + width >= LINE {
            out.extend_from_slice(b"=\r\n");
            self.column = 0;
            // At the start of a line it may have to be written differently.
            return 0;
        }
        match rest.first() {
            Some(c) if plain => out.push(*c),
            Some(c) => out.extend([b'=', digit(c >> 4), digit(c & 15)]),
            None => {}
        }
        self.column += width;
        1
    }
}

/// A text, whose lines end with CRLF, in quoted-printable.
pub(crate) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let (mut out, mut state) = (Vec::with_capacity(text.len()), QuotedPrintable::new());
    let mut rest = text;
    while !rest.is_empty() {
        let len = state.octet(rest, &mut out);
        rest = rest.get(len..).unwrap_or_default();
    }
    out
}

/// Octets in lines of base64.
pub(crate) fn base64(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() / LINE_OCTETS * (LINE + 2) + LINE + 2);
    for line in octets.chunks(LINE_OCTETS) {
        out.extend_from_slice(Base64::encode_string(line).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// A text as encoded words of which the first has room for `room` characters; each further one has 76 with the blank
/// in front of it.
pub(crate) fn encoded_words(text: &str, room: usize) -> Vec<String> {
    const AROUND: usize = "=?utf-8?B??=".len();
    let octets = |room: usize| room.saturating_sub(AROUND) / 4 * 3;
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut max = octets(room.min(LINE - 1));
    for c in text.chars() {
        // A word holds whole characters (RFC 2047 §5).
        if !word.is_empty() && word.len() + c.len_utf8() > max {
            words.push(encoded_word(&word));
            word.clear();
            max = octets(LINE - 1);
        }
        word.push(c);
    }
    if !word.is_empty() {
        words.push(encoded_word(&word));
    }
    words
}

fn encoded_word(text: &str) -> String {
    alloc::format!("=?utf-8?B?{}?=", Base64::encode_string(text.as_bytes()))
}

fn digit(half: u8) -> u8 {
    b"0123456789ABCDEF".get(usize::from(half)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::Encoding;

    #[test]
    fn what_is_fragile_is_written_as_digits() {
        let text = "From me\r\n-- \r\n\r\n.\r\nxFrom = ä\t\r\n";
        let written = "=46rom me\r\n--=20\r\n\r\n.\r\nxFrom =3D =C3=A4=09\r\n";
        assert_eq!(quoted_printable(text.as_bytes()), written.as_bytes());
    }

    proptest! {
        #[test]
        fn quoted_printable_is_read_as_what_it_was(text in "(From |F|\r\n| |\t|a{1,30}|\r|=|\0|ä|x{60,90}|\\.){0,20}") {
            let written = quoted_printable(text.as_bytes());
            prop_assert!(written.is_ascii());
            for line in written.split(|c| *c == b'\n') {
                prop_assert!(line.len() <= 77 && !line.starts_with(b"From ") && !line.ends_with(b" \r"));
            }
            prop_assert_eq!(Encoding::QuotedPrintable.decode(&written, true).octets().to_vec(), text.as_bytes().to_vec());
        }

        #[test]
        fn base64_is_read_as_what_it_was(octets in vec(any::<u8>(), 0..300)) {
            let written = base64(&octets);
            prop_assert!(written.split(|c| *c == b'\n').all(|line| line.len() <= 77));
            prop_assert_eq!(Encoding::Base64.decode(&written, true).octets().to_vec(), octets);
        }

        #[test]
        fn encoded_words_fit_their_lines(text in "[a-zäöü€𝄞 ]{1,80}", room in 16_usize..80) {
            let words = encoded_words(&text, room);
            let mut read = Vec::new();
            for (index, word) in words.iter().enumerate() {
                prop_assert!(word.len() <= 75 && (index > 0 || word.len() <= room.max(20)));
                let inner = word.strip_prefix("=?utf-8?B?").and_then(|word| word.strip_suffix("?=")).unwrap();
                let decoded = Base64::decode_vec(inner).unwrap();
                prop_assert!(core::str::from_utf8(&decoded).is_ok());
                read.extend(decoded);
            }
            prop_assert_eq!(read, text.as_bytes());
        }
    }
}
