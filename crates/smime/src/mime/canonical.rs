//! Line ends as they are signed (RFC 8551 §3.1.1): CRLF.

use std::io::{self, Read};

/// Where a line feed comes without a carriage return, one is put in front of it. All else stays, also a carriage
/// return that stands alone: it is no line end, and who signed it signed it as it is.
pub(crate) struct Canonical<R> {
    from: R,
    /// What was read behind a line feed that came alone.
    held: Vec<u8>,
    at: usize,
    /// The last octet that was given out was a carriage return.
    after_cr: bool,
    count: u64,
}

impl<R: Read> Canonical<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, held: Vec::new(), at: 0, after_cr: false, count: 0 }
    }

    /// Text that needs nothing is read right where it belongs.
    fn pass(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(to)?;
        let text = to.get(..read).unwrap_or_default();
        let good = bare_line_feed(text, self.after_cr).unwrap_or(read);
        self.held.clear();
        self.held.extend_from_slice(text.get(good..).unwrap_or_default());
        self.at = 0;
        Ok(good)
    }

    fn expand(&mut self, to: &mut [u8]) -> usize {
        let mut len = 0;
        loop {
            let held = self.held.get(self.at..).unwrap_or_default();
            let good = bare_line_feed(held, self.after_cr).unwrap_or(held.len());
            let room = to.get_mut(len..).unwrap_or_default();
            let copied = good.min(room.len());
            if let (Some(room), Some(good)) = (room.get_mut(..copied), held.get(..copied)) {
                room.copy_from_slice(good);
            }
            len += copied;
            self.at += copied;
            self.after_cr = if copied == 0 { self.after_cr } else { to.get(len - 1) == Some(&b'\r') };
            match to.get_mut(len) {
                // Here the line feed stands alone.
                Some(end) if copied == good && good < held.len() => {
                    *end = b'\r';
                    self.after_cr = true;
                    len += 1;
                }
                _ => return len,
            }
        }
    }
}

impl<R: Read> Read for Canonical<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        let mut len = if self.at == self.held.len() { self.pass(to)? } else { 0 };
        if let Some(last) = len.checked_sub(1) {
            self.after_cr = to.get(last) == Some(&b'\r');
        }
        if len == 0 {
            len = self.expand(to);
        }
        self.count += u64::try_from(len).unwrap_or(u64::MAX);
        Ok(len)
    }
}

/// How much text is looked at without an early end.
const BLOCK: usize = 4096;

/// Where the first line feed is that has no carriage return in front of it.
pub(crate) fn bare_line_feed(text: &[u8], after_cr: bool) -> Option<usize> {
    let is_bare = |at: usize| match at.checked_sub(1) {
        Some(before) => text.get(before) != Some(&b'\r'),
        None => !after_cr,
    };
    // Lines end alike mostly: where the first is as it should be, whole blocks are, and are looked at many octets at a
    // time.
    let first = memchr::memchr(b'\n', text)?;
    if is_bare(first) {
        return Some(first);
    }
    let (before, behind) = (text.get(first..).unwrap_or_default(), text.get(first + 1..).unwrap_or_default());
    let bare = |(before, at): (&[u8], &[u8])| {
        let pairs = before.iter().zip(at);
        pairs.fold(0, |any, (before, at)| any | (u8::from(*at == b'\n') & u8::from(*before != b'\r'))) != 0
    };
    let block = before.chunks(BLOCK).zip(behind.chunks(BLOCK)).position(bare)?;
    let start = first + 1 + block * BLOCK;
    memchr::memchr_iter(b'\n', text.get(start..)?).map(|at| start + at).find(|at| is_bare(*at))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::mime::testing::Pieces;

    fn canonical(text: &[u8], sizes: &[usize]) -> Vec<u8> {
        let mut reader = Canonical::new(Pieces::new(text, sizes));
        let mut read = Vec::new();
        let mut sizes = sizes.iter().rev().cycle();
        loop {
            let mut piece = vec![0; *sizes.next().unwrap()];
            let taken = reader.read(&mut piece).unwrap();
            if taken == 0 {
                return read;
            }
            read.extend_from_slice(&piece[..taken]);
        }
    }

    fn reference(text: &[u8]) -> Vec<u8> {
        let mut to = Vec::new();
        for c in text {
            if *c == b'\n' && to.last() != Some(&b'\r') {
                to.push(b'\r');
            }
            to.push(*c);
        }
        to
    }

    proptest! {
        #[test]
        fn every_line_feed_gets_its_carriage_return(
            text in vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a')], 0..200), sizes in vec(1_usize..20, 1..5),
        ) {
            let once = canonical(&text, &sizes);
            prop_assert_eq!(&once, &reference(&text));
            prop_assert_eq!(&canonical(&once, &sizes), &once);
        }
    }
}
