//! Line ends: CR LF as mails travel, LF alone as they lie in files on Unix. A mail that came with one kind leaves with
//! the same.

use std::io::{self, Write};

use super::header::Header;

/// The line ends of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    CrLf,
    Lf,
}

impl LineEnd {
    /// That of the first line of a header; CR LF if there is none.
    pub(crate) fn of(header: &Header) -> Self {
        if header.has_bare_line_feeds() { Self::Lf } else { Self::CrLf }
    }
}

/// How much text is changed at once.
const TEXT: usize = 64 << 10;

/// Writes text whose lines end with CR LF with the line ends that are wanted.
pub(crate) struct LineWriter<W> {
    out: W,
    end: LineEnd,
    /// A CR was held back: the next octet tells what it is.
    held: bool,
    /// Changed text, for one call of the writer below instead of one per line.
    text: Vec<u8>,
}

impl<W: Write> LineWriter<W> {
    pub(crate) fn new(out: W, end: LineEnd) -> Self {
        Self { out, end, held: false, text: Vec::new() }
    }

    /// Writes what was held back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if self.held {
            self.out.write_all(b"\r")?;
        }
        Ok(self.out)
    }
}

impl<W: Write> Write for LineWriter<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.end == LineEnd::CrLf {
            return self.out.write(octets);
        }
        let octets = octets.get(..TEXT).unwrap_or(octets);
        self.text.clear();
        if std::mem::take(&mut self.held) && octets.first() != Some(&b'\n') {
            self.text.push(b'\r');
        }
        let mut from = 0;
        for at in memchr::memchr_iter(b'\r', octets) {
            match octets.get(at + 1) {
                Some(b'\n') | None => {
                    self.text.extend_from_slice(octets.get(from..at).unwrap_or_default());
                    from = at + 1;
                    self.held = octets.len() == from;
                }
                Some(_) => {}
            }
        }
        self.text.extend_from_slice(octets.get(from..).unwrap_or_default());
        self.out.write_all(&self.text)?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn only_the_pair_is_changed(text in "[\r\na]{0,30}", sizes in vec(1_usize..5, 1..5)) {
            let mut writer = LineWriter::new(Vec::new(), LineEnd::Lf);
            let mut rest = text.as_bytes();
            for size in sizes.iter().cycle() {
                let (piece, behind) = rest.split_at(rest.len().min(*size));
                writer.write_all(piece).unwrap();
                rest = behind;
                if rest.is_empty() {
                    break;
                }
            }
            let written = writer.finish().unwrap();
            prop_assert_eq!(String::from_utf8(written).unwrap(), text.replace("\r\n", "\n"));
        }
    }
}
