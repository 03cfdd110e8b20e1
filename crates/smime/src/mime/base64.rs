//! Base64 as mails carry it (RFC 2045 §6.8): in lines, streamed, whole runs of lines at once.

mod encoder;

use std::io::{self, BufRead, Read};

use base64_simd::{AsOut, STANDARD, STANDARD_NO_PAD};

use crate::Error;
pub(crate) use encoder::{Encoder, Lines};

/// Characters of a line (RFC 2045 §6.8).
pub(crate) const LINE: usize = 76;
/// How much text is decoded at once.
const TEXT: usize = 64 << 10;
/// How much it gives, with what was left over of the text before.
const DECODED: usize = TEXT / 4 * 3 + 3;

/// The octets that a base64 text stands for.
///
/// Blanks and line ends are passed over wherever they stand; any other character that is not of the alphabet is an
/// error, as are a missing padding, bits behind the last octet that are not zero, and what follows the padding.
pub(crate) struct Decoder<R> {
    from: R,
    /// The text as it was read.
    text: Vec<u8>,
    /// Where it starts in the whole text.
    offset: u64,
    packed: Packed,
    /// Behind the padding there may be only blanks.
    padded: bool,
    /// What was decoded and not yet read.
    out: Vec<u8>,
    at: usize,
}

/// Characters without blanks and line ends.
struct Packed {
    characters: Vec<u8>,
    len: usize,
    /// How long the last line was, and its end; the next is likely to be alike.
    line: (usize, usize),
}

impl<R: Read> Decoder<R> {
    pub(crate) fn new(from: R) -> Self {
        let packed = Packed { characters: vec![0; TEXT + 4], len: 0, line: (LINE, 2) };
        Self { from, text: vec![0; TEXT], offset: 0, packed, padded: false, out: Vec::new(), at: 0 }
    }

    /// Decodes into `to`, which has room for [`DECODED`] octets, as much as one reading gives; 0 at the end.
    fn decode(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.from.read(&mut self.text)?;
            if read == 0 {
                return if self.packed.len == 0 { Ok(0) } else { Err(self.wrong(0, "it ends inside a group of four")) };
            }
            let decoded = if self.padded { self.blank(read)? } else { self.text(read, to)? };
            self.offset += u64::try_from(read).unwrap_or(u64::MAX);
            if decoded > 0 {
                return Ok(decoded);
            }
        }
    }

    /// Decodes the text that was read.
    fn text(&mut self, read: usize, to: &mut [u8]) -> io::Result<usize> {
        self.packed.push(self.text.get(..read).unwrap_or_default());
        let (groups, rest) = self.packed.groups();
        match STANDARD_NO_PAD.decode(groups, to.as_out()).map(|octets| octets.len()) {
            Ok(len) if rest.iter().all(|c| is_character(*c)) => {
                let groups = groups.len();
                self.packed.consume(groups);
                Ok(len)
            }
            _ => self.odd_text(read, to),
        }
    }

    /// The same for a text that has more in it than characters and line ends.
    fn odd_text(&mut self, read: usize, to: &mut [u8]) -> io::Result<usize> {
        let text = self.text.get(..read).unwrap_or_default();
        if let Some(at) = text.iter().position(|c| !is_character(*c) && !is_blank(*c)) {
            return Err(self.wrong(at, "a character that is not of base64"));
        }
        self.packed.drop_blanks();
        let (groups, _) = self.packed.groups();
        let Some(padding) = memchr::memchr(b'=', self.packed.all()) else {
            let len = STANDARD_NO_PAD.decode(groups, to.as_out()).map(|octets| octets.len());
            let groups = groups.len();
            self.packed.consume(groups);
            return len.map_err(|_| self.wrong(0, "it can't be decoded"));
        };
        let place = memchr::memchr(b'=', text).unwrap_or(0);
        let whole = padding / 4 * 4;
        let last = self.packed.all().get(whole..).unwrap_or_default();
        let end = match last {
            [_, b'=', ..] | [b'=', ..] => return Err(self.wrong(place, "a padding that does not belong there")),
            // The rest of the padding is still to come.
            [_, _, b'='] => whole,
            [_, _, _, b'='] => whole + 4,
            _ => return Err(self.wrong(place, "something behind the padding")),
        };
        let groups = self.packed.all().get(..end).unwrap_or_default();
        let len = STANDARD.decode(groups, to.as_out()).map(|octets| octets.len());
        let len = len.map_err(|_| self.wrong(place, "bits behind the last octet"))?;
        self.padded = end > whole;
        self.packed.consume(end);
        Ok(len)
    }

    fn blank(&mut self, read: usize) -> io::Result<usize> {
        let text = self.text.get(..read).unwrap_or_default();
        match text.iter().position(|c| !is_blank(*c)) {
            Some(at) => Err(self.wrong(at, "something behind the padding")),
            None => Ok(0),
        }
    }

    fn wrong(&self, at: usize, what: &'static str) -> io::Error {
        let offset = self.offset + u64::try_from(at).unwrap_or_default();
        io::Error::new(io::ErrorKind::InvalidData, Error::Encoding { place: "base64", offset, what })
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.out.len() && to.len() >= DECODED {
            return self.decode(to);
        }
        let octets = self.fill_buf()?;
        let len = octets.len().min(to.len());
        if let (Some(to), Some(octets)) = (to.get_mut(..len), octets.get(..len)) {
            to.copy_from_slice(octets);
        }
        self.consume(len);
        Ok(len)
    }
}

impl<R: Read> BufRead for Decoder<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.out.len() {
            let mut out = std::mem::take(&mut self.out);
            out.resize(DECODED, 0);
            let decoded = self.decode(&mut out);
            out.truncate(*decoded.as_ref().unwrap_or(&0));
            (self.out, self.at) = (out, 0);
            decoded?;
        }
        Ok(self.out.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, len: usize) {
        self.at = (self.at + len).min(self.out.len());
    }
}

impl Packed {
    fn all(&self) -> &[u8] {
        self.characters.get(..self.len).unwrap_or_default()
    }

    /// The whole groups of four, and what is left over.
    fn groups(&self) -> (&[u8], &[u8]) {
        let all = self.all();
        all.split_at(all.len() / 4 * 4)
    }

    fn consume(&mut self, len: usize) {
        let rest = self.len.saturating_sub(len);
        self.characters.copy_within(self.len - rest..self.len, 0);
        self.len = rest;
    }

    fn drop_blanks(&mut self) {
        let mut len = 0;
        for at in 0..self.len {
            let Some(c) = self.characters.get(at).copied().filter(|c| !is_blank(*c)) else { continue };
            if let Some(to) = self.characters.get_mut(len) {
                *to = c;
                len += 1;
            }
        }
        self.len = len;
    }

    /// Takes in the text line by line.
    fn push(&mut self, mut text: &[u8]) {
        while !text.is_empty() {
            text = match self.line {
                (LINE, 2) => self.push_alike::<LINE, 78>(text),
                (LINE, 1) => self.push_alike::<LINE, 77>(text),
                (72, 2) => self.push_alike::<72, 74>(text),
                (72, 1) => self.push_alike::<72, 73>(text),
                (64, 2) => self.push_alike::<64, 66>(text),
                (64, 1) => self.push_alike::<64, 65>(text),
                _ => text,
            };
            let (line, rest) = self.split(text);
            self.append(line);
            text = rest;
        }
    }

    /// Takes in lines of so many characters, with CR LF or LF at their ends, and returns what does not start with one.
    /// Programs write 76, and 64 as in PEM, or 72.
    fn push_alike<'a, const LEN: usize, const WITH_END: usize>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let end: &[u8] = if WITH_END - LEN == 2 { b"\r\n" } else { b"\n" };
        let (lines, _) = text.as_chunks::<WITH_END>();
        let to = self.characters.get_mut(self.len..).unwrap_or_default();
        let mut taken = 0;
        for (to, line) in to.as_chunks_mut::<LEN>().0.iter_mut().zip(lines) {
            match line.split_first_chunk::<LEN>() {
                Some((characters, behind)) if behind == end => *to = *characters,
                _ => break,
            }
            taken += 1;
        }
        self.len += taken * LEN;
        text.get(taken * WITH_END..).unwrap_or_default()
    }

    /// The first line without its end, and what is behind.
    fn split<'a>(&mut self, text: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let (likely, _) = self.line;
        let likely = match text.get(likely..) {
            Some([b'\r', b'\n', ..]) => Some((likely, 2)),
            Some([b'\n', ..]) => Some((likely, 1)),
            _ => None,
        };
        let (len, end) = likely.unwrap_or_else(|| memchr::memchr(b'\n', text).map_or((text.len(), 0), |at| (at, 1)));
        let (line, rest) = text.split_at(len);
        let rest = rest.get(end..).unwrap_or_default();
        let (line, end) = line.strip_suffix(b"\r").map_or((line, end), |line| (line, 2));
        self.line = (line.len(), end);
        (line, rest)
    }

    fn append(&mut self, line: &[u8]) {
        if let Some(to) = self.characters.get_mut(self.len..self.len + line.len()) {
            to.copy_from_slice(line);
            self.len += line.len();
        }
    }
}

/// Whether it is of the alphabet, or padding.
pub(crate) fn is_character(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'=')
}

/// Whether it is passed over wherever it stands.
pub(crate) fn is_blank(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use base64ct::{Base64, Encoding as _};
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::mime::testing::Pieces;

    fn decoded(text: &[u8]) -> Result<Vec<u8>, String> {
        let mut octets = Vec::new();
        match Decoder::new(text).read_to_end(&mut octets) {
            Ok(_) => Ok(octets),
            Err(error) => Err(error.get_ref().expect("a reason").to_string()),
        }
    }

    #[test]
    fn what_is_no_base64_is_named_with_its_place() {
        let cases = [
            ("QUJD\r\nREVG!\r\n", "a character that is not of base64, at octet 10 of base64"),
            ("QU!", "a character that is not of base64, at octet 2 of base64"),
            ("QUJD\r\nQUI", "it ends inside a group of four, at octet 9 of base64"),
            ("QUJDQQ=", "it ends inside a group of four, at octet 7 of base64"),
            ("QQ==\r\nQQ==", "something behind the padding, at octet 2 of base64"),
            ("QUJDQ===", "a padding that does not belong there, at octet 5 of base64"),
            ("QUJD====", "a padding that does not belong there, at octet 4 of base64"),
            ("QUI=A", "something behind the padding, at octet 3 of base64"),
            ("QUI==", "something behind the padding, at octet 3 of base64"),
            ("QR==", "bits behind the last octet, at octet 2 of base64"),
            ("QUJ=", "bits behind the last octet, at octet 3 of base64"),
            ("QUJD\0", "a character that is not of base64, at octet 4 of base64"),
        ];
        for (text, error) in cases {
            assert_eq!(decoded(text.as_bytes()).unwrap_err(), error, "{text:?}");
        }
        let long = [vec![b'A'; TEXT * 2], b"QQ==\r\n\r\n \tA".to_vec()].concat();
        assert_eq!(decoded(&long).unwrap_err(), "something behind the padding, at octet 131074 of base64");
    }

    #[test]
    fn blanks_are_passed_over() {
        for text in ["QUJDRA==", "Q U\tJ\r\n\r\nDR\rA\n=\r\n = \r\n\n", " \r\nQUJDRA==", "QUJDRA=="] {
            assert_eq!(decoded(text.as_bytes()).unwrap(), b"ABCD", "{text:?}");
        }
        assert_eq!(decoded(b"").unwrap(), b"");
        assert_eq!(decoded(b"\r\n\r\n").unwrap(), b"");
    }

    proptest! {
        #[test]
        fn both_agree_with_another_implementation(
            octets in vec(any::<u8>(), 0..400), repeat in 1_usize..400, sizes in vec(1_usize..100_000, 1..9),
            width in prop_oneof![Just(76_usize), Just(64), Just(72), 1_usize..200], crlf: bool, blank in 0_usize..9,
        ) {
            let octets = octets.repeat(repeat);
            let flat = Base64::encode_string(&octets);
            let encode = |mut encoder: Encoder<Vec<u8>>| {
                let mut rest = &octets[..];
                for size in sizes.iter().cycle() {
                    if rest.is_empty() {
                        break;
                    }
                    let (piece, behind) = rest.split_at(rest.len().min(*size));
                    encoder.write_all(piece).unwrap();
                    rest = behind;
                }
                encoder
            };
            let lines: Vec<_> = flat.as_bytes().chunks(76).map(|line| [line, b"\r\n"].concat()).collect();
            prop_assert!(encode(Encoder::new(Vec::new())).finish().unwrap() == lines.concat());

            let end = if crlf { "\r\n" } else { "\n" };
            let lines: Vec<_> = flat.as_bytes().chunks(width).map(<[u8]>::to_vec).collect();
            let mut text = lines.join(end.as_bytes());
            let found = Lines::of(Pieces::new(&text, &sizes)).unwrap();
            prop_assert!(encode(Encoder::in_lines(Vec::new(), found)).finish_open().unwrap() == text);
            if lines.len() > 1 {
                prop_assert_eq!(found, Lines { width, end: end.as_bytes() });
                let ended = [&text[..], end.as_bytes()].concat();
                prop_assert!(encode(Encoder::in_lines(Vec::new(), found)).finish().unwrap() == ended);
            }
            if blank < text.len() {
                text.insert(blank * text.len() / 9, b' ');
            }
            let mut decoder = Decoder::new(Pieces::new(&text, &sizes));
            let mut read = Vec::new();
            let mut sizes = sizes.iter().cycle();
            loop {
                let mut piece = vec![0; *sizes.next().unwrap()];
                let taken = decoder.read(&mut piece).unwrap();
                if taken == 0 {
                    break;
                }
                read.extend_from_slice(&piece[..taken]);
            }
            prop_assert!(read == octets);
        }

        #[test]
        fn short_texts_are_read_as_another_implementation_reads_them(
            text in "[QRgw/+=]{0,9}",
        ) {
            prop_assert_eq!(decoded(text.as_bytes()).ok(), Base64::decode_vec(&text).ok());
        }
    }
}
