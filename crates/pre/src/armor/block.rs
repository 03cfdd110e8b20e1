//! The beginning of an armored message, decoded as far as it is needed.

use alloc::vec::Vec;

use base64ct::{Base64, Encoding};

use crate::{
    Error, Result,
    error::wide,
    kernel::{is_base64, is_blank},
    rewrite::Edit,
};

use super::{LINE, crc24};

/// The first line of an armored message.
pub(crate) const BEGIN: &[u8] = b"-----BEGIN PGP MESSAGE-----";

/// An armored message that is being decoded.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    text: &'a [u8],
    /// Where the base64 text starts.
    body: usize,
    /// Where to go on.
    at: usize,
    /// Base64 characters that are less than a group of four.
    pending: Vec<u8>,
    octets: Vec<u8>,
    ended: bool,
}

/// Where the base64 text starts, behind the first line, the headers and the empty line. `None` where more
/// text is needed.
pub(crate) fn body_start(text: &[u8]) -> Result<Option<usize>> {
    let mut at = 0;
    for (i, line) in text.split_inclusive(|&c| c == b'\n').enumerate() {
        let (Some(content), header) = (line.strip_suffix(b"\n"), line.contains(&b':')) else { return Ok(None) };
        let content = content.trim_ascii();
        match (i, content.is_empty()) {
            (0, _) => {}
            (_, true) => return Ok(Some(at + line.len())),
            // Some programs lose the empty line where there are no headers.
            (1, false) if !header => return Ok(Some(at)),
            _ if !header => return Err(Error::malformed("armor header", at)),
            _ => {}
        }
        at += line.len();
    }
    Ok(None)
}

impl<'a> Block<'a> {
    /// Reads the armor that `text` starts with. `None` where more text is needed.
    pub(crate) fn open(text: &'a [u8]) -> Result<Option<Self>> {
        let start = body_start(text)?;
        Ok(start.map(|body| Self { text, body, at: body, pending: Vec::new(), octets: Vec::new(), ended: false }))
    }

    /// Decodes until there are `wanted` octets or more; says whether there are. Stops in front of what is no
    /// base64 character: the padding, the checksum, the last line, or what has no place in armor.
    ///
    /// Decodes at least twice as much as the last time, if it is there: who looks for more octets again and
    /// again does so a few times only.
    pub(crate) fn decode(&mut self, wanted: usize) -> bool {
        let ahead = wanted.max(2 * self.octets.len());
        let missing = (ahead - self.octets.len()).div_ceil(3) * 4;
        while let Some(&c) = self.text.get(self.at).filter(|_| self.pending.len() < missing && !self.ended) {
            match c {
                c if is_blank(c) => {}
                c if is_base64(c) => self.pending.push(c),
                _ => {
                    self.ended = true;
                    break;
                }
            }
            self.at += 1;
        }
        let rest = self.pending.split_off(self.pending.len() / 4 * 4);
        self.octets.extend(decode(&self.pending));
        self.pending = rest;
        self.octets.len() >= wanted
    }

    /// The base64 characters that were decoded, each with its place in the text.
    fn characters(&self) -> impl Iterator<Item = (usize, u8)> {
        let decoded = self.text.iter().copied().enumerate().skip(self.body);
        decoded.filter(|(_, c)| !is_blank(*c)).take(self.octets.len() / 3 * 4)
    }

    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// What is wrong, if the base64 text has ended: more text will not bring more octets.
    pub(crate) fn end(&self) -> Option<Error> {
        let end = self.text.get(self.at).filter(|_| self.ended)?;
        let regular = matches!(end, b'=' | b'-');
        Some(if regular { Error::truncated("message", self.at) } else { Error::malformed("armor", self.at) })
    }

    /// Where in the text the octet at `offset` is.
    pub(crate) fn place(&self, offset: u64) -> u64 {
        let character = usize::try_from(offset / 3 * 4).unwrap_or(usize::MAX);
        wide(self.characters().nth(character).map_or(self.at, |(place, _)| place))
    }

    /// How many octets the groups of four characters take that carry the first `len` octets, and where in
    /// the text they end.
    pub(crate) fn cut(&self, len: usize) -> (usize, usize) {
        let octets = len.next_multiple_of(3);
        let last = self.characters().nth((octets / 3 * 4).saturating_sub(1));
        (octets, last.map_or(self.at, |(place, _)| place + 1))
    }

    /// The length of `insert`ed octets that keeps the lines of the armor as they are.
    pub(crate) const UNIT: usize = LINE / 4 * 3;

    /// Carries changes of the octets over to the text: the edits, and by how much the register of the
    /// checksum then differs behind the first `len` octets.
    pub(crate) fn edits(&self, insert: &[u8], octet_edits: &[Edit], len: usize) -> (Vec<Edit>, u32) {
        let old = self.octets.get(..len).unwrap_or_default();
        let mut new = old.to_vec();
        octet_edits.iter().for_each(|edit| edit.apply(0, &mut new));
        let difference: Vec<u8> = old.iter().zip(&new).map(|(old, new)| old ^ new).collect();
        let register = crc24::update(crc24::update(crc24::START, insert) ^ crc24::START, &difference);
        let encoded = Base64::encode_string(&new);
        let mut edits = Vec::new();
        if !insert.is_empty() {
            edits.push(Edit { offset: self.place(0), replaced: 0, bytes: self.lines(insert) });
        }
        for ((place, old), new) in self.characters().zip(encoded.bytes()) {
            if old != new {
                Edit::extend(&mut edits, wide(place), new);
            }
        }
        (edits, register)
    }

    /// Whole lines of armor, with the line ends of this block.
    fn lines(&self, octets: &[u8]) -> Vec<u8> {
        let first = self.text.split_inclusive(|&c| c == b'\n').next().unwrap_or_default();
        let newline: &[u8] = if first.ends_with(b"\r\n") { b"\r\n" } else { b"\n" };
        let encoded = Base64::encode_string(octets);
        encoded.as_bytes().chunks(LINE).flat_map(|line| [line, newline].concat()).collect()
    }
}

/// What groups of four base64 characters stand for.
pub(super) fn decode(characters: &[u8]) -> Vec<u8> {
    let mut octets = alloc::vec![0; characters.len() / 4 * 3];
    let len = Base64::decode(characters, &mut octets).map_or(0, <[u8]>::len);
    octets.truncate(len);
    octets
}
