//! The beginning of an armored message, decoded as far as it is needed.

use alloc::vec::Vec;

use base64ct::{Base64, Encoding};

use crate::{Error, Result, error::wide, rewrite::Edit};

use super::{LINE, crc24};

/// The first line of an armored message.
pub(crate) const BEGIN: &[u8] = b"-----BEGIN PGP MESSAGE-----";

/// An armored message that is being decoded.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    text: &'a [u8],
    /// Where to go on in the text.
    at: usize,
    /// Where in the text the base64 characters are.
    places: Vec<usize>,
    /// Those characters.
    characters: Vec<u8>,
    /// What whole groups of four of them stand for.
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
        Ok(start.map(|at| Self {
            text,
            at,
            places: Vec::new(),
            characters: Vec::new(),
            octets: Vec::new(),
            ended: false,
        }))
    }

    /// Decodes until there are `wanted` octets; says whether there are. Stops in front of the padding, the
    /// checksum or the last line.
    pub(crate) fn decode(&mut self, wanted: usize) -> Result<bool> {
        let characters = wanted.div_ceil(3) * 4;
        while let Some(&c) = self.text.get(self.at).filter(|_| self.characters.len() < characters && !self.ended) {
            match c {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b'=' | b'-' => {
                    self.ended = true;
                    break;
                }
                _ => {
                    self.places.push(self.at);
                    self.characters.push(c);
                }
            }
            self.at += 1;
        }
        let from = self.octets.len() / 3 * 4;
        let to = self.characters.len() / 4 * 4;
        let decoded = decode(self.characters.get(from..to).unwrap_or_default());
        let place = self.places.get(from).copied().unwrap_or_default();
        self.octets.extend(decoded.ok_or(Error::malformed("armor", place))?);
        Ok(self.octets.len() >= wanted)
    }

    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Where the armor's body ends, if it does: more text will not bring more octets.
    pub(crate) fn end(&self) -> Option<usize> {
        self.ended.then_some(self.at)
    }

    /// Where in the text the octet at `offset` is.
    pub(crate) fn place(&self, offset: u64) -> u64 {
        let character = usize::try_from(offset / 3 * 4).ok();
        wide(character.and_then(|character| self.places.get(character)).copied().unwrap_or(self.at))
    }

    /// How many octets the groups of four characters take that carry the first `len` octets, and where in
    /// the text they end.
    pub(crate) fn cut(&self, len: usize) -> (usize, usize) {
        let octets = len.next_multiple_of(3);
        (octets, self.places.get(octets / 3 * 4 - 1).map_or(self.at, |place| place + 1))
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
            let at = self.places.first().copied().unwrap_or_default();
            edits.push(Edit { offset: wide(at), replaced: 0, bytes: self.lines(insert) });
        }
        let changed = self.places.iter().zip(&self.characters).zip(encoded.bytes());
        for ((&place, _), new) in changed.filter(|((_, old), new)| **old != *new) {
            Edit::extend(&mut edits, wide(place), new);
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

fn decode(characters: &[u8]) -> Option<Vec<u8>> {
    let mut octets = alloc::vec![0; characters.len() / 4 * 3];
    Base64::decode(characters, &mut octets).ok()?;
    Some(octets)
}
