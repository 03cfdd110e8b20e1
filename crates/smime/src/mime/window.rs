//! A range of a mail as a stream of its own.

use std::{
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take},
    ops::Range,
};

/// How much is read at once.
const BUFFER: usize = 64 << 10;

/// A range of octets of a mail; reading it ends where the range ends.
pub(crate) struct Window<M>(Take<BufReader<M>>);

impl<M: Read + Seek> Window<M> {
    /// Starts at the beginning of the range.
    pub(crate) fn new(mut mail: M, range: Range<u64>) -> io::Result<Self> {
        mail.seek(SeekFrom::Start(range.start))?;
        let len = range.end.saturating_sub(range.start);
        let buffer = usize::try_from(len).map_or(BUFFER, |len| len.clamp(1, BUFFER));
        Ok(Self(BufReader::with_capacity(buffer, mail).take(len)))
    }
}

impl<M: Read> Read for Window<M> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}

impl<M: Read> BufRead for Window<M> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, len: usize) {
        self.0.consume(len);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn only_the_range_is_read() {
        let mut mail = Cursor::new(b"0123456789");
        for (range, expected) in [(2..5, "234"), (0..10, "0123456789"), (8..20, "89"), (5..5, ""), (12..13, "")] {
            let mut read = String::new();
            Window::new(&mut mail, range).unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, expected);
        }
    }
}
