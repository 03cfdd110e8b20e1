//! What does not survive every relay (RFC 8551 §3.1.2 and §3.1.3, RFC 5322 §2.1.1 and §2.3).

use std::io::Read;

use super::transfer;
use crate::Result;

/// Longer lines may be broken (RFC 5322 §2.1.1).
const MAX_LINE: u64 = 998;
/// Some programs put a `>` in front of lines that start so.
const FROM: &[u8; 5] = b"From ";
/// So many long lines are remembered.
const LONG_LINES: usize = 1000;

/// What was found in a text.
#[expect(clippy::struct_excessive_bools, reason = "they are findings, not states")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hazards {
    /// How many octets there are.
    pub(crate) octets: u64,
    /// How many of them are no ASCII.
    pub(crate) eight_bit: u64,
    /// A control character that no text has.
    pub(crate) control: bool,
    /// A carriage return without a line feed.
    pub(crate) bare_cr: bool,
    /// A line feed without a carriage return.
    pub(crate) bare_lf: bool,
    /// Octets of the longest line, without its end.
    pub(crate) longest: u64,
    /// A line starts with `From `.
    pub(crate) from_line: bool,
    /// A line ends with a blank.
    pub(crate) trailing_blank: bool,
}

impl Hazards {
    pub(crate) fn of(mut text: impl Read) -> Result<Self> {
        let mut look = Look::default();
        transfer::each(&mut text, &mut |octets| {
            look.take(octets);
            Ok(())
        })?;
        Ok(look.finish())
    }

    /// Whether it may be sent as `7bit` (RFC 2045 §2.7); line feeds are made to CRLF on the way. That forbids NUL alone of
    /// all control characters, but where something was encrypted, others are taken for traces of an attack.
    pub(crate) fn is_seven_bit(&self) -> bool {
        self.eight_bit == 0 && !self.control && !self.bare_cr && self.longest <= MAX_LINE
    }

    /// Whether some program on the way may change it.
    pub(crate) fn is_fragile(&self) -> bool {
        self.from_line || self.trailing_blank
    }

    /// What is in either.
    pub(crate) fn add(&mut self, other: &Self) {
        self.octets += other.octets;
        self.eight_bit += other.eight_bit;
        self.control |= other.control;
        self.bare_cr |= other.bare_cr;
        self.bare_lf |= other.bare_lf;
        self.longest = self.longest.max(other.longest);
        self.from_line |= other.from_line;
        self.trailing_blank |= other.trailing_blank;
    }
}

/// A look at a text in pieces.
#[derive(Debug, Default)]
pub(crate) struct Look {
    found: Hazards,
    /// Carriage returns, and those of them that are followed by a line feed.
    carriage_returns: u64,
    line_ends: u64,
    /// Of the line that is not complete: its length, its first and its last octets.
    len: u64,
    head: Vec<u8>,
    tail: [u8; 2],
    long_lines: Option<LongLines>,
}

/// Where lines are longer than so many octets.
#[derive(Debug)]
struct LongLines {
    longer_than: u64,
    /// Where each starts; the first of them.
    starts: Vec<u64>,
    too_many: bool,
}

impl LongLines {
    fn add(&mut self, start: u64, len: u64) {
        if len <= self.longer_than {
            return;
        }
        self.too_many |= self.starts.len() == LONG_LINES;
        if !self.too_many {
            self.starts.push(start);
        }
    }
}

impl Look {
    /// One that also knows where the lines are that are longer than so many octets.
    pub(crate) fn with_long_lines(longer_than: usize) -> Self {
        let long_lines = LongLines { longer_than: count(longer_than), starts: Vec::new(), too_many: false };
        Self { long_lines: Some(long_lines), ..Self::default() }
    }

    /// What was found so far; of carriage returns that stand alone it is not known yet.
    pub(crate) fn found(&self) -> &Hazards {
        &self.found
    }

    /// Where long lines start; `None` if there are too many of them, or nobody wanted to know.
    pub(crate) fn long_lines(&mut self) -> Option<&[u64]> {
        let (start, len) = (self.found.octets - self.len, self.len);
        let lines = self.long_lines.as_mut()?;
        // The last, which has no end.
        lines.add(start, len);
        (!lines.too_many).then_some(&lines.starts)
    }

    /// Looks at the next piece.
    pub(crate) fn take(&mut self, octets: &[u8]) {
        let offset = self.found.octets;
        self.found.octets += count(octets.len());
        if !octets.is_ascii() {
            self.found.eight_bit += counted(octets, |c| c > 127);
        }
        // Many at a time, and on to the next ones only if there is none.
        self.found.control |= octets.chunks(1024).any(|chunk| chunk.iter().fold(false, |any, c| any | is_control(*c)));
        self.carriage_returns += counted(octets, |c| c == b'\r');
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', octets) {
            let line = octets.get(start..end).unwrap_or_default();
            let begin = offset + count(start) - self.len;
            let len = if self.len == 0 { self.line(line) } else { self.continued(line) };
            if let Some(lines) = &mut self.long_lines {
                lines.add(begin, len);
            }
            start = end + 1;
        }
        self.begin(octets.get(start..).unwrap_or_default());
    }

    /// A line without its line feed. How long it is without its end.
    fn line(&mut self, line: &[u8]) -> u64 {
        let text = line.strip_suffix(b"\r");
        match text {
            Some(_) => self.line_ends += 1,
            None => self.found.bare_lf = true,
        }
        let text = text.unwrap_or(line);
        self.found.longest = self.found.longest.max(count(text.len()));
        self.found.from_line |= text.starts_with(FROM);
        self.found.trailing_blank |= matches!(text.last(), Some(b' ' | b'\t'));
        count(text.len())
    }

    /// The end of a line that started in an earlier piece: what matters of it is its ends.
    fn continued(&mut self, line: &[u8]) -> u64 {
        self.begin(line);
        let (len, [before, last]) = (self.len, self.tail);
        let (blank, end) = if last == b'\r' { (before, 1) } else { (last, 0) };
        match end {
            1 => self.line_ends += 1,
            _ => self.found.bare_lf = true,
        }
        self.found.longest = self.found.longest.max(len - end);
        self.found.from_line |= self.head.starts_with(FROM);
        self.found.trailing_blank |= len > end && matches!(blank, b' ' | b'\t');
        (self.len, self.tail) = (0, [0; 2]);
        self.head.clear();
        len - end
    }

    /// The beginning of a line, or more of it.
    fn begin(&mut self, line: &[u8]) {
        let missing = FROM.len() - self.head.len().min(FROM.len());
        self.head.extend(line.iter().take(missing));
        if let [.., before, last] = line {
            self.tail = [*before, *last];
        } else if let [last] = line {
            self.tail = [self.tail[1], *last];
        }
        self.len += count(line.len());
    }

    /// What was found, once there are no more.
    pub(crate) fn finish(mut self) -> Hazards {
        if self.len > 0 {
            self.found.longest = self.found.longest.max(self.len);
            self.found.from_line |= self.head.starts_with(FROM);
            self.found.trailing_blank |= matches!(self.tail[1], b' ' | b'\t');
        }
        self.found.bare_cr = self.carriage_returns != self.line_ends;
        self.found
    }
}

/// Controls that no text has: all but tabulator, line ends, form feed, and the escape of ISO-2022-JP. In constant time:
/// what is decrypted is looked at too.
#[expect(clippy::needless_bitwise_bool, reason = "no branch may depend on what is decrypted")]
#[inline]
pub(crate) fn is_control(c: u8) -> bool {
    let allowed = (c == b'\t') | (c == b'\n') | (c == b'\r') | (c == 0x0c) | (c == 0x1b);
    ((c < b' ') & !allowed) | (c == 0x7f)
}

fn count(len: usize) -> u64 {
    len.try_into().unwrap_or(u64::MAX)
}

/// Counts in pieces whose sums fit in an octet: these are added up many at once.
fn counted(octets: &[u8], is: impl Fn(u8) -> bool) -> u64 {
    octets.chunks(255).map(|piece| u64::from(piece.iter().map(|c| u8::from(is(*c))).sum::<u8>())).sum()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::mime::testing::{Pieces, len};

    fn reference(text: &[u8]) -> Hazards {
        let lines: Vec<_> = text.split(|c| *c == b'\n').collect();
        let (last, ended) = lines.split_last().unwrap();
        let bare: Vec<_> = ended.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).chain([*last]).collect();
        let crlf = ended.iter().filter(|line| line.ends_with(b"\r")).count();
        Hazards {
            octets: len(text),
            eight_bit: len(&text.iter().copied().filter(|c| *c > 127).collect::<Vec<_>>()),
            control: text.iter().any(|c| is_control(*c)),
            bare_cr: memchr::memchr_iter(b'\r', text).count() > crlf,
            bare_lf: crlf < ended.len(),
            longest: bare.iter().map(|line| len(line)).max().unwrap(),
            from_line: bare.iter().any(|line| line.starts_with(b"From ")),
            trailing_blank: bare.iter().any(|line| line.ends_with(b" ") || line.ends_with(b"\t")),
        }
    }

    proptest! {
        #[test]
        fn hazards_are_seen_in_any_pieces(
            text in "(From |F|rom |\r\n|\n|\r| |\t|a|\0|\x7f|\x0c|ä|x{200,600}){0,12}", sizes in vec(1_usize..8, 1..4),
        ) {
            prop_assert_eq!(Hazards::of(Pieces::new(text.as_bytes(), &sizes)).unwrap(), reference(text.as_bytes()));
        }
    }
}
