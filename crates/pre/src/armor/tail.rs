//! The rest of an armored message: it is followed to its end, and its checksum is corrected.

use alloc::vec::Vec;

use base64ct::{Base64, Encoding};

use crate::{
    Error, Result,
    error::wide,
    kernel::{is_base64, is_blank, runs},
    rewrite::{Edit, Walk},
};

use super::{block::decode, crc24};

const END: &[u8] = b"-----END PGP MESSAGE-----";
/// No line that has to be seen whole is longer, trailing white space aside.
const LONGEST_LINE: usize = 1024;
/// Octets of the longest length of a part of a packet.
const LONGEST_LENGTH: usize = 5;
/// How much is passed over at once, in whole vectors: as much as one octet can count, …
const LONG: usize = 224;
/// … and close to an octet that has to be decoded.
const SHORT: usize = 32;

/// Follows an armored message behind its first octets.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Base64 characters so far, padding left out.
    characters: u64,
    /// Padding characters so far.
    padding: u64,
    line_start: bool,
    checksum_seen: bool,
    /// By how much the checksum's register differs from that of the old message …
    difference: u32,
    /// … behind so many octets.
    behind: u64,
    /// Base64 characters that are less than a group of four.
    pending: Vec<u8>,
    /// The packet with the encrypted data, and octets of it that are less than a length.
    walk: Walk,
    octets: Vec<u8>,
    /// Whether that packet is complete.
    complete: bool,
}

impl Tail {
    /// Starts behind `behind` octets, a multiple of 3. Of these `octets` are behind the message's head.
    pub(crate) fn new(behind: usize, difference: u32, walk: Walk, octets: &[u8]) -> Self {
        let behind = wide(behind);
        let mut tail = Self {
            characters: behind / 3 * 4,
            padding: 0,
            line_start: false,
            checksum_seen: false,
            difference,
            behind,
            pending: Vec::new(),
            walk,
            octets: octets.to_vec(),
            complete: false,
        };
        tail.follow();
        tail
    }

    /// Consumes what it can of the window; says how much, and whether the armor has ended.
    pub(crate) fn step(&mut self, window: &[u8], last: bool, edits: &mut Vec<Edit>) -> Result<(usize, bool)> {
        let mut at = self.skim(window);
        while let Some((&c, rest)) = window.get(at..).unwrap_or_default().split_first() {
            let special = self.line_start && (c == b'-' || c == b'=' && self.is_whole());
            if special {
                let rest = window.get(at..).unwrap_or_default();
                let Some(line) = line(rest, last).map_err(|error| error.shifted(wide(at)))? else { break };
                let ended = self.special(line, at, edits)?;
                at += line.len();
                if ended {
                    return Ok((at, true));
                }
                continue;
            }
            at += match c {
                b'\n' | b' ' | b'\t' | b'\r' => 1,
                b'=' if !self.is_whole() => {
                    self.padding += 1;
                    1
                }
                _ if is_base64(c) && self.padding == 0 && !self.checksum_seen => {
                    let data = 1 + rest.iter().take(SHORT).take_while(|c| is_base64(**c)).count();
                    self.take(window.get(at..at + data).unwrap_or_default());
                    data
                }
                _ => return Err(Error::malformed("armor", at)),
            };
            // Blanks in front of a line don't count.
            self.line_start = c == b'\n' || self.line_start && matches!(c, b' ' | b'\t' | b'\r');
            at += self.skim(window.get(at..).unwrap_or_default());
        }
        Ok((at, false))
    }

    /// A checksum or the last line; says whether it is the latter.
    fn special(&mut self, line: &[u8], at: usize, edits: &mut Vec<Edit>) -> Result<bool> {
        if let [b'=', checksum @ ..] = line.trim_ascii_end() {
            let mut octets = [0; 3];
            let whole = Base64::decode(checksum, &mut octets).is_ok_and(|read| read.len() == 3);
            if !whole || self.checksum_seen {
                return Err(Error::malformed("armor checksum", at));
            }
            self.checksum_seen = true;
            self.correct(octets, at + 1, edits);
            return Ok(false);
        }
        if line.trim_ascii_end() != END {
            return Err(Error::malformed("last line of the armor", at));
        }
        let rest = [&self.pending[..], b"==="].concat();
        self.octets.extend(decode(rest.get(..4).filter(|_| !self.pending.is_empty()).unwrap_or_default()));
        self.follow();
        if !self.is_whole() {
            Err(Error::truncated("base64 text of the armor", at))
        } else if !self.complete && !self.walk.may_end() {
            Err(Error::truncated("encrypted data", at))
        } else if !self.octets.is_empty() {
            Err(Error::TrailingData { offset: wide(at) })
        } else {
            Ok(true)
        }
    }

    /// Passes over runs of base64 text that need not be decoded; says how much of the text they are.
    fn skim(&mut self, text: &[u8]) -> usize {
        if !self.octets.is_empty() || self.complete || self.padding > 0 || self.checksum_seen {
            return 0;
        }
        let ahead = self.walk.ahead();
        let before = wide(self.pending.len());
        let mut characters = before;
        let long = runs::<LONG>(text, ahead, &mut characters);
        let short = runs::<SHORT>(text.get(long..).unwrap_or_default(), ahead, &mut characters);
        let passed = text.get(..long + short).unwrap_or_default();
        if passed.is_empty() {
            return 0;
        }
        if let Some(c) = passed.iter().rfind(|c| !matches!(c, b' ' | b'\t' | b'\r')) {
            self.line_start = *c == b'\n';
        }
        self.characters += characters - before;
        self.walk.skip(characters / 4 * 3);
        let back = passed.iter().rev().filter(|c| !is_blank(**c)).chain(self.pending.iter().rev());
        let mut pending: Vec<u8> = back.copied().take(usize::try_from(characters % 4).unwrap_or_default()).collect();
        pending.reverse();
        self.pending = pending;
        passed.len()
    }

    /// Takes in base64 characters.
    fn take(&mut self, characters: &[u8]) {
        self.characters += wide(characters.len());
        self.pending.extend_from_slice(characters);
        let whole = self.pending.len() / 4 * 4;
        self.octets.extend(decode(self.pending.get(..whole).unwrap_or_default()));
        self.pending.drain(..whole);
        self.follow();
    }

    /// Follows the packet through the octets that are there; what is behind its end stays.
    fn follow(&mut self) {
        if !self.complete {
            let (consumed, complete) = self.walk.step(&self.octets);
            self.octets.drain(..consumed);
            self.complete = complete;
        }
        // One octet of what is behind the end is enough to tell that there is something.
        self.octets.truncate(LONGEST_LENGTH);
    }

    /// Corrects the checksum at `at` by the difference, if there is one.
    fn correct(&self, [a, b, c]: [u8; 3], at: usize, edits: &mut Vec<Edit>) {
        let difference = crc24::update_zeros(self.difference, self.octets().saturating_sub(self.behind));
        if difference != 0 {
            let [_, new @ ..] = (u32::from_be_bytes([0, a, b, c]) ^ difference).to_be_bytes();
            edits.push(Edit::replace(wide(at), Base64::encode_string(&new).into_bytes()));
        }
    }

    fn octets(&self) -> u64 {
        self.characters / 4 * 3 + (self.characters % 4 * 6) / 8
    }

    fn is_whole(&self) -> bool {
        (self.characters + self.padding).is_multiple_of(4)
    }
}

/// The line that `text` starts with, its end included; `None` where more text is needed.
fn line(text: &[u8], last: bool) -> Result<Option<&[u8]>> {
    let near = text.get(..LONGEST_LINE).unwrap_or(text);
    match memchr::memchr(b'\n', near) {
        Some(end) => Ok(text.get(..=end)),
        None if near.len() == LONGEST_LINE => Err(Error::malformed("armor", 0)),
        None if last => Ok(Some(text)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Body;

    #[test]
    fn nothing_but_the_last_line_is_behind_padding_or_a_checksum() {
        let data = "QUJD".repeat(80);
        for body in [Body::Indeterminate, Body::Definite(1 << 20)] {
            for end in ["=AAAA\n", "QQ==\n", "QUI=\n"] {
                for more in [String::new(), data.clone(), format!("{data}\n{data}\n")] {
                    let text = [&data, "\n", end, &more, "\n-----END PGP MESSAGE-----\n"].concat();
                    let mut tail = Tail::new(0, 0, Walk::new(body), &[]);
                    let done = tail.step(text.as_bytes(), true, &mut Vec::new());
                    let right = more.is_empty() && body == Body::Indeterminate;
                    assert_eq!(done.is_ok(), right, "{body:?}, {end:?}, {} more: {done:?}", more.len());
                }
            }
        }
    }
}
