//! Applying a patch from a reader to a writer.

use alloc::vec::Vec;
use core::cell::Cell;
use std::io::{self, Read, Write};

use super::{Applied, Patch};
use crate::{
    Result,
    rewrite::{Pass, Room, copy},
};

/// How much text in front of the first message is held back until that message is known to be the right one.
const HELD: usize = 1 << 20;

impl Patch {
    /// Copies an input from a reader to a writer and applies the patch on the way, in bounded memory as
    /// [`Transform::stream`](crate::Transform::stream) has it.
    ///
    /// Nothing is written before the first message is known to be that of the patch, unless more than 1 MiB of text
    /// stands in front of it.
    ///
    /// # Errors
    ///
    /// [`Error::PatchMismatch`](crate::Error::PatchMismatch); all that
    /// [`Transform::stream`](crate::Transform::stream) has. After an error what was written must be thrown away.
    pub fn stream(&self, from: impl Read, to: impl Write) -> Result<()> {
        let known = Cell::new(false);
        let mut applied = Applied::new(self, &known);
        copy(Pass::new(Room::None, 0), &mut applied, from, Held { to, text: Vec::new(), known: &known })?;
        applied.finish()
    }
}

/// A writer that waits until the message is known.
struct Held<'k, W> {
    to: W,
    text: Vec<u8>,
    known: &'k Cell<bool>,
}

impl<W: Write> Write for Held<'_, W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if !self.known.get() && self.text.len() + octets.len() <= HELD {
            self.text.extend_from_slice(octets);
            return Ok(octets.len());
        }
        self.release()?;
        self.to.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.release()?;
        self.to.flush()
    }
}

impl<W: Write> Held<'_, W> {
    /// Writes what was held back; from now on nothing is.
    fn release(&mut self) -> io::Result<()> {
        self.known.set(true);
        self.to.write_all(&core::mem::take(&mut self.text))
    }
}
