//! Whether an entity may stay as it came, found out while it is read for the first time.

use std::{io::Write, ops::Range};

use super::{
    base64,
    hazards::Look,
    header::Transfer,
    seven_bit::Purpose,
    tree::{Part, Tree},
};
use crate::{Error, Result};

/// An entity on its way to where it is written, as long as nothing in it may have to change.
pub(super) struct Unchanged<W> {
    /// `None` once there is something.
    to: Option<W>,
    look: Look,
    purpose: Purpose,
}

impl<W: Write> Unchanged<W> {
    /// With the entity's header as it is to be.
    pub(super) fn new(head: &[u8], purpose: Purpose, mut to: W) -> Result<Self> {
        to.write_all(head).map_err(Error::Write)?;
        Ok(Self { to: Some(to), look: Look::with_long_lines(base64::LINE), purpose })
    }

    /// The next octets of its body.
    pub(super) fn take(&mut self, octets: &[u8]) -> Result<()> {
        let Some(to) = &mut self.to else { return Ok(()) };
        self.look.take(octets);
        if self.purpose.accepts(self.look.found()) && !self.look.found().bare_lf {
            return to.write_all(octets).map_err(Error::Write);
        }
        self.to = None;
        Ok(())
    }

    /// What it was written to, if there was nothing; `tree` are its parts, and its body, all of which came, is in this
    /// range.
    pub(super) fn finish(mut self, tree: &Tree, body: &Range<u64>) -> Option<W> {
        let long = self
            .look
            .long_lines()
            .map(|lines| lines.iter().map(|at| body.start.saturating_add(*at)).collect::<Vec<_>>());
        let hazards = self.look.finish();
        let stays = |part: &Part| match part.encoding {
            // It would say of itself what is no longer so.
            Transfer::EightBit | Transfer::Binary => false,
            Transfer::Base64 => long.as_ref().is_some_and(|long| !long.iter().any(|line| part.body.contains(line))),
            _ => true,
        };
        let all = body.end.checked_sub(body.start) == Some(hazards.octets);
        let fit = self.purpose.accepts(&hazards) && !hazards.bare_lf && tree.parts.iter().all(stays);
        self.to.filter(|_| all && fit)
    }
}
