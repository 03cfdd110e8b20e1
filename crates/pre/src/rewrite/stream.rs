//! The streaming form: from a reader to a writer in bounded memory.

use alloc::vec::Vec;
use std::io::{Read, Write};

use super::{Decide, Edit, Pass, Report, Room, Transform};
use crate::{Error, Result};

/// How much is read at once, and how large the window is unless a message's head is larger.
const WINDOW: usize = 64 * 1024;

impl Transform<'_> {
    /// Copies an input from a reader to a writer and rewrites it on the way.
    ///
    /// Holds little more than 64 KiB in memory, or the head of a message if that is longer (see
    /// [`Limits::head`](super::Limits::head)). A mail made for it, with an encoded part of almost nothing but blanks,
    /// is held as a whole: limit the size of mails.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] and [`Error::Write`]; all that [`Rewriter::step`](super::Rewriter::step) and
    /// [`Rewriter::finish`](super::Rewriter::finish) have. After an error the output is incomplete and
    /// must be thrown away.
    pub fn stream(&self, from: impl Read, to: impl Write) -> Result<Report> {
        copy(Pass::new(Room::Octets, self.limits.products), &mut &*self, from, to)
    }
}

/// A pass from a reader to a writer.
pub(crate) fn copy(mut pass: Pass, by: &mut dyn Decide, mut from: impl Read, mut to: impl Write) -> Result<Report> {
    let mut window = Window::default();
    let mut edits = Vec::new();
    loop {
        let consumed = pass.step(by, window.bytes(), window.last, &mut edits)?;
        if consumed > 0 {
            window.pass(consumed, &edits, &mut to).map_err(Error::Write)?;
            edits.clear();
        } else if window.last {
            break;
        } else {
            window.fill(&mut from).map_err(Error::Read)?;
        }
    }
    let report = pass.finish()?;
    to.flush().map_err(Error::Write)?;
    Ok(report)
}

/// A pass that only looks, until nothing is left to decide.
pub(crate) fn look(mut pass: Pass, by: &mut dyn Decide, mut from: impl Read) -> Result<Report> {
    let mut window = Window::default();
    while !pass.is_settled() {
        let consumed = pass.step(by, window.bytes(), window.last, &mut Vec::new())?;
        if consumed > 0 {
            window.advance(consumed);
        } else if window.last {
            return pass.finish();
        } else {
            window.fill(&mut from).map_err(Error::Read)?;
        }
    }
    Ok(pass.into_report())
}

/// The part of the input that is in memory.
#[derive(Default)]
struct Window {
    buffer: Vec<u8>,
    /// What has been consumed of the buffer.
    start: usize,
    /// Where in the input the rest starts.
    offset: u64,
    /// Whether the input ends with the buffer.
    last: bool,
}

impl Window {
    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Reads more behind what is left. A window that could not be consumed at all is doubled.
    fn fill(&mut self, from: &mut impl Read) -> std::io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let more = WINDOW.max(self.buffer.len()) - self.buffer.len() % WINDOW;
        let wanted = crate::error::wide(more);
        self.last = wanted > crate::error::wide(from.by_ref().take(wanted).read_to_end(&mut self.buffer)?);
        Ok(())
    }

    /// Writes the next octets with their edits.
    fn pass(&mut self, len: usize, edits: &[Edit], to: &mut impl Write) -> std::io::Result<()> {
        let octets = self.bytes().get(..len).unwrap_or_default();
        let mut at = 0;
        for edit in edits {
            let place = usize::try_from(edit.offset - self.offset).unwrap_or(len);
            to.write_all(octets.get(at..place).unwrap_or_default())?;
            to.write_all(&edit.bytes)?;
            at = place + edit.replaced;
        }
        to.write_all(octets.get(at..).unwrap_or_default())?;
        self.advance(len);
        Ok(())
    }

    fn advance(&mut self, len: usize) {
        self.start += len;
        self.offset += crate::error::wide(len);
    }
}
