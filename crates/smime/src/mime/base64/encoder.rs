//! Writing base64, in lines like those of another text.

use std::io::{self, Read, Write};

use base64_simd::{AsOut, STANDARD};

use super::LINE;

/// How many octets are encoded at once, but for the rest of a line.
const BLOCK: usize = 64 << 10;
/// The longest line that is looked for.
const LINE_MAX: u64 = 64 << 10;

/// How a text is cut into lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    /// Characters of a line.
    pub(super) width: usize,
    /// Nothing if all is one line.
    pub(super) end: &'static [u8],
}

impl Lines {
    /// As mails have them.
    const MAIL: Self = Self { width: LINE, end: b"\r\n" };

    /// Those of a text, by its first.
    pub(crate) fn of(text: impl Read) -> io::Result<Self> {
        let mut start = Vec::new();
        text.take(LINE_MAX).read_to_end(&mut start)?;
        let start = start.trim_ascii_start();
        let line = memchr::memchr(b'\n', start).and_then(|end| start.get(..end));
        let end: &[u8] = match line {
            Some([.., b'\r']) => b"\r\n",
            Some(_) => b"\n",
            None => b"",
        };
        Ok(Self { width: line.map_or(LINE, |line| line.trim_ascii_end().len()), end })
    }

    /// The fewest octets whose characters are whole lines: those of one, two, or four.
    fn octets(self) -> usize {
        match self.width % 4 {
            0 => self.width / 4 * 3,
            2 => self.width / 2 * 3,
            _ => self.width * 3,
        }
    }

    fn with_end(self) -> usize {
        self.width + self.end.len()
    }
}

/// Writes base64 in lines.
pub(crate) struct Encoder<W> {
    to: W,
    lines: Lines,
    /// Less than whole lines.
    pending: Vec<u8>,
    characters: Vec<u8>,
    /// Lines, each behind the end of the one before it.
    text: Vec<u8>,
    /// Whether a line was written, whose end was not.
    open: bool,
}

impl<W: Write> Encoder<W> {
    /// In lines of 76 characters that end with CR LF.
    pub(crate) fn new(to: W) -> Self {
        Self::in_lines(to, Lines::MAIL)
    }

    pub(crate) fn in_lines(to: W, lines: Lines) -> Self {
        Self { to, lines, pending: Vec::new(), characters: Vec::new(), text: Vec::new(), open: false }
    }

    /// Makes room for the text of so many octets.
    fn make_room(&mut self, octets: usize) {
        let count = octets.div_ceil(self.lines.octets()) * self.lines.octets() / 3 * 4 / self.lines.width;
        let made = self.text.len() / self.lines.with_end();
        if made < count {
            self.characters.resize(count * self.lines.width, 0);
            self.text.reserve_exact((count - made) * self.lines.with_end());
            for _ in made..count {
                self.text.extend_from_slice(self.lines.end);
                self.text.resize(self.text.len() + self.lines.width, 0);
            }
        }
    }

    /// Writes the last line and its end.
    ///
    /// Without it the end of the text is missing.
    pub(crate) fn finish(self) -> io::Result<W> {
        let end = self.lines.end;
        let (mut to, open) = self.close()?;
        to.write_all(if open { end } else { b"" })?;
        Ok(to)
    }

    /// The same without that end.
    pub(crate) fn finish_open(self) -> io::Result<W> {
        self.close().map(|(to, _)| to)
    }

    fn close(mut self) -> io::Result<(W, bool)> {
        if !self.pending.is_empty() {
            self.make_room(self.pending.len());
            let characters: &[u8] = STANDARD.encode(&self.pending, self.characters.as_out());
            for line in characters.chunks(self.lines.width) {
                self.to.write_all(&[if self.open { self.lines.end } else { b"" }, line].concat())?;
                self.open = true;
            }
        }
        Ok((self.to, self.open))
    }

    /// Writes whole lines: what was left over, and `octets`; not much more than a block.
    fn lines(&mut self, octets: &[u8]) -> io::Result<()> {
        self.make_room(self.pending.len() + octets.len());
        let first = STANDARD.encode(&self.pending, self.characters.as_out()).len();
        let rest = self.characters.get_mut(first..).unwrap_or_default();
        let len = first + STANDARD.encode(octets, rest.as_out()).len();
        let characters = self.characters.get(..len).unwrap_or_default();
        match (self.lines.width, self.lines.end.len()) {
            (LINE, 2) => place::<LINE, 78>(characters, &mut self.text),
            (LINE, 1) => place::<LINE, 77>(characters, &mut self.text),
            (72, 2) => place::<72, 74>(characters, &mut self.text),
            (72, 1) => place::<72, 73>(characters, &mut self.text),
            (64, 2) => place::<64, 66>(characters, &mut self.text),
            (64, 1) => place::<64, 65>(characters, &mut self.text),
            (width, end) => place_any(characters, &mut self.text, width, end),
        }
        let end = len / self.lines.width * self.lines.with_end();
        let start = if self.open { 0 } else { self.lines.end.len() };
        self.open = true;
        self.to.write_all(self.text.get(start..end).unwrap_or_default())
    }
}

/// Puts characters into lines of `LEN`, which have so many with the ends of those before.
fn place<const LEN: usize, const WITH_END: usize>(characters: &[u8], lines: &mut [u8]) {
    for (to, line) in lines.as_chunks_mut::<WITH_END>().0.iter_mut().zip(characters.as_chunks::<LEN>().0) {
        if let Some(to) = to.last_chunk_mut() {
            *to = *line;
        }
    }
}

/// The same for lines of any length.
fn place_any(characters: &[u8], lines: &mut [u8], width: usize, end: usize) {
    for (to, line) in lines.chunks_exact_mut(width + end).zip(characters.chunks_exact(width)) {
        to.get_mut(end..).unwrap_or_default().copy_from_slice(line);
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let unit = self.lines.octets();
        let missing = if self.pending.is_empty() { 0 } else { unit - self.pending.len() };
        let Some((end, rest)) = octets.split_at_checked(missing) else {
            self.pending.extend_from_slice(octets);
            return Ok(octets.len());
        };
        self.pending.extend_from_slice(end);
        let whole = rest.len().min(BLOCK.max(unit)) / unit * unit;
        let (whole, behind) = rest.split_at_checked(whole).unwrap_or_default();
        let written = if self.pending.len() + whole.len() > 0 { self.lines(whole) } else { Ok(()) };
        self.pending.clear();
        written?;
        // More than that is left to the next call.
        let left = if behind.len() < unit { behind } else { &[] };
        self.pending.extend_from_slice(left);
        Ok(end.len() + whole.len() + left.len())
    }

    /// Flushes what is below; a line that is not full stays.
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
