//! Messages in the parts of a mail, whatever their transfer encoding.

use alloc::{boxed::Box, vec::Vec};

use sealpost_mail::{Decoded, Encoding, Next, Walker};

use super::{
    Edit, Report,
    decide::Room,
    rewriter::{Budget, Decide, Pass},
};
use crate::{Error, Result, error::wide};

/// A mail whose parts are searched for messages.
#[derive(Debug, Default)]
pub(super) struct Mail {
    walker: Walker,
    part: Option<Part>,
}

/// How much of an encoded part is decoded at once, unless a message's head is longer.
const REACH: usize = 64 * 1024;

/// A part that is being read.
#[derive(Debug)]
struct Part {
    encoding: Encoding,
    /// Where in the mail it starts.
    start: u64,
    pass: Box<Pass>,
    /// Decoded octets that the rewriter has consumed …
    consumed: u64,
    /// … so many of which are at the start of the next window: octets of a group that was not complete.
    carry: usize,
    /// Edits of those.
    deferred: Vec<Edit>,
    /// Whether the encoded text has ended. What is behind it is passed as it is.
    ended: bool,
}

/// What a mail needs of the pass that it belongs to.
pub(super) struct Around<'a> {
    pub(super) by: &'a mut dyn Decide,
    pub(super) room: Room,
    pub(super) budget: &'a mut Budget,
    pub(super) report: &'a mut Report,
    pub(super) offset: u64,
}

impl Mail {
    /// Consumes what it can of the window. Edits count from its start, errors from that of the mail.
    pub(super) fn step(
        &mut self,
        window: &[u8],
        last: bool,
        mut around: Around<'_>,
        edits: &mut Vec<Edit>,
    ) -> Result<usize> {
        loop {
            let (len, encoding, ends) = match self.walker.look(window, last) {
                Next::Frame(len) => return Ok(len),
                Next::Body { len, encoding, ends } => (len, encoding, ends),
                _ => return Ok(0),
            };
            let text = window.get(..len).unwrap_or_default();
            let part = self.part.get_or_insert_with(|| Part::new(encoding, &around));
            let consumed = part.step(text, ends, &mut around, edits)?;
            self.walker.pass(text.get(..consumed).unwrap_or_default());
            if consumed > 0 || !ends {
                return Ok(consumed);
            }
            self.walker.end_part();
            if let Some(part) = self.part.take() {
                part.finish(around.report);
            }
        }
    }

    /// Adds what has been done so far in the part that is being read.
    pub(super) fn report(self, report: &mut Report) {
        if let Some(part) = self.part {
            let place = part.place();
            report.append(part.pass.into_report(), place);
        }
    }
}

impl Part {
    fn new(encoding: Encoding, around: &Around<'_>) -> Self {
        // In an encoded part nothing can be inserted without encoding anew what follows.
        let room = if encoding == Encoding::Identity { around.room } else { Room::None };
        let pass = Box::new(Pass::of_text(room));
        Self { encoding, start: around.offset, pass, consumed: 0, carry: 0, deferred: Vec::new(), ended: false }
    }

    /// Where in the mail something is that the rewriter found: exactly, or in an encoded part where that starts.
    fn place(&self) -> impl Fn(u64) -> u64 + use<> {
        let (start, identity) = (self.start, self.encoding == Encoding::Identity);
        move |at| if identity { start + at } else { start }
    }

    fn step(&mut self, text: &[u8], ends: bool, around: &mut Around<'_>, edits: &mut Vec<Edit>) -> Result<usize> {
        if self.ended {
            return Ok(text.len());
        }
        if self.encoding == Encoding::Identity {
            return self.rewrite(text, ends, around, edits);
        }
        let (mut at, mut reach) = (0, REACH);
        while !self.ended {
            let rest = text.get(at..).unwrap_or_default();
            let near = rest.get(..reach).unwrap_or(rest);
            let all = near.len() == rest.len();
            let first = edits.len();
            let consumed = self.encoded(near, ends && all, around, edits)?;
            edits.iter_mut().skip(first).for_each(|edit| edit.offset += wide(at));
            at += consumed;
            match consumed {
                0 if all => return Ok(at),
                0 => reach *= 2,
                _ => reach = REACH,
            }
        }
        Ok(text.len())
    }

    fn encoded(&mut self, text: &[u8], ends: bool, around: &mut Around<'_>, edits: &mut Vec<Edit>) -> Result<usize> {
        let mut decoded = self.encoding.decode(text, ends);
        let octets = decoded.octets().get(self.carry..).unwrap_or_default();
        let mut changes = core::mem::take(&mut self.deferred);
        let first = changes.len();
        let consumed = self.carry + self.rewrite(octets, ends || decoded.has_ended(), around, &mut changes)?;
        let carry = wide(self.carry);
        changes.iter_mut().skip(first).for_each(|edit| edit.offset += carry);
        let all = consumed == decoded.octets().len();
        let whole = if all { consumed } else { consumed / decoded.group() * decoded.group() };
        edits.extend(recoded(text, &mut decoded, &changes, whole));
        self.carry = consumed - whole;
        self.deferred = changes;
        self.deferred.iter_mut().for_each(|edit| edit.cut_before(wide(whole)));
        self.deferred.retain(|edit| !edit.bytes.is_empty());
        self.ended |= all && decoded.has_ended();
        Ok(if all { decoded.consumed() } else { decoded.place(whole) })
    }

    /// Gives decoded octets to the rewriter, as many as it takes; its edits count from their start.
    fn rewrite(&mut self, octets: &[u8], ends: bool, around: &mut Around<'_>, edits: &mut Vec<Edit>) -> Result<usize> {
        let (first, before) = (edits.len(), self.consumed);
        self.pass.budget = *around.budget;
        let mut at = 0;
        while !self.ended {
            match self.pass.step(around.by, octets.get(at..).unwrap_or_default(), ends, edits) {
                Ok(0) => break,
                Ok(consumed) => at += consumed,
                Err(error @ (Error::Limit { .. } | Error::Backend(_))) => return Err(error),
                Err(error) => {
                    self.give_up(error);
                    at = octets.len();
                }
            }
        }
        *around.budget = self.pass.budget;
        edits.iter_mut().skip(first).for_each(|edit| edit.offset -= before);
        self.consumed += wide(at);
        Ok(at)
    }

    /// Leaves the rest of the part as it is: a damaged message in one part must not stop those in others.
    fn give_up(&mut self, error: Error) {
        self.pass.give_up(error);
        self.ended = true;
    }

    /// Adds the part's report to that of the mail.
    fn finish(mut self, report: &mut Report) {
        if let Err(error) = self.pass.close() {
            self.give_up(error);
        }
        let place = self.place();
        report.append(self.pass.into_report(), place);
    }
}

/// Carries edits of decoded octets over to the text, as far as the first `whole` octets go. All groups in which
/// there are such edits are encoded again.
fn recoded(text: &[u8], decoded: &mut Decoded, changes: &[Edit], whole: usize) -> Vec<Edit> {
    let group = decoded.group();
    let mut groups: Vec<usize> = Vec::new();
    for edit in changes {
        edit.apply(0, decoded.octets_mut());
        let start = usize::try_from(edit.offset).unwrap_or(usize::MAX);
        let touched = start..start.saturating_add(edit.replaced);
        groups.extend(touched.map(|octet| octet / group * group).filter(|octet| *octet < whole));
    }
    groups.dedup();
    let mut edits = Vec::new();
    for octet in groups {
        let changed = decoded.recode(text, octet).into_iter().filter(|(place, c)| text.get(*place) != Some(c));
        changed.for_each(|(place, c)| Edit::extend(&mut edits, wide(place), c));
    }
    edits
}
