//! A stream, seen through a window that moves over it.

use std::io::{self, Read};

use crate::{Error, Result};

/// How large the window is as long as no line needs more: at first, for headers are small mostly, and later.
const WINDOWS: (usize, usize) = (4 << 10, 64 << 10);

/// A stream and the window over it.
pub(crate) struct Scanner<R> {
    from: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where in the mail the window starts.
    offset: u64,
    ended: bool,
}

impl<R: Read> Scanner<R> {
    /// `offset` is where in the mail the stream starts.
    pub(crate) fn new(from: R, offset: u64) -> Self {
        Self { from, buffer: vec![0; WINDOWS.0], start: 0, end: 0, offset, ended: false }
    }

    pub(crate) fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Where in the mail the window starts.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the stream ends where the window ends.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Moves the start of the window.
    pub(crate) fn pass(&mut self, len: usize) {
        let len = len.min(self.end - self.start);
        self.start += len;
        self.offset += u64::try_from(len).unwrap_or(u64::MAX);
    }

    /// Makes the window longer, unless the stream has ended.
    pub(crate) fn more(&mut self) -> Result<()> {
        let was_full = self.end == self.buffer.len();
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end * 2, 0);
        } else if was_full && self.buffer.len() < WINDOWS.1 {
            self.buffer.resize(WINDOWS.1, 0);
        }
        loop {
            match self.from.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(read) => {
                    self.ended = read == 0;
                    self.end += read;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::read(error)),
            }
        }
    }

    /// Whether this stands somewhere in what is left of the stream.
    pub(crate) fn contains(mut self, text: &[u8]) -> Result<bool> {
        let finder = memchr::memmem::Finder::new(text);
        loop {
            let window = self.window();
            if finder.find(window).is_some() {
                return Ok(true);
            }
            if self.ended {
                return Ok(false);
            }
            // The last octets may be its beginning.
            self.pass((window.len() + 1).saturating_sub(text.len()));
            self.more()?;
        }
    }

    /// The length of the line that the window starts with, its end included; 0 at the end of the stream. `None` if it
    /// is longer than `limit`.
    pub(crate) fn line(&mut self, limit: usize) -> Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let window = self.window();
            let near = window.get(searched..limit.min(window.len())).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', near) {
                return Ok(Some(searched + end + 1));
            }
            searched += near.len();
            if searched == limit && (window.len() > limit || !self.ended) {
                return Ok(None);
            }
            if self.ended {
                return Ok(Some(window.len()));
            }
            self.more()?;
        }
    }
}
