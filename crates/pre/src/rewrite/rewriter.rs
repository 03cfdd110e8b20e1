//! One pass over an input, in windows of any size.

use alloc::{boxed::Box, vec::Vec};

use sealpost_mail::starts_mail;

use super::{
    Edit, Limits, MessageReport, Report, Transform,
    decide::{Changes, Room},
    head::{Head, Scan, Walk, scan},
    mail::{Around, Mail},
};
use crate::{
    BackendError, Error, Result,
    armor::{
        block::{BEGIN, Block},
        tail::Tail,
    },
    error::wide,
    packet::tag,
};

/// A pass over one input. The caller owns the buffer and applies the edits.
#[derive(Debug)]
pub struct Rewriter<'t> {
    transform: &'t Transform<'t>,
    pass: Pass,
}

impl<'t> Rewriter<'t> {
    pub(super) fn new(transform: &'t Transform<'t>, room: Room) -> Self {
        Self { transform, pass: Pass::new(room, transform.limits.products) }
    }

    /// Looks at the next octets of the input and consumes some of them, with their edits added to `edits`.
    ///
    /// The window starts where the octets consumed so far end; `last` says that the input ends with it.
    /// Returns how many octets were consumed: these are final once the edits, whose offsets count from
    /// the start of the input, are applied. 0 means that the window must grow first, or, if it is the
    /// last one, that the input is done.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], [`Error::Truncated`], [`Error::UnexpectedPacket`],
    /// [`Error::NotIntegrityProtected`], [`Error::Unsupported`], [`Error::Limit`] and
    /// [`Error::TrailingData`] for what is wrong with a message. In a text a block whose head is wrong is
    /// passed over instead, and reported in [`Report::skipped`]; in a mail also a message that turns out to be
    /// damaged behind its head, and what is behind it in the same part.
    pub fn step(&mut self, window: &[u8], last: bool, edits: &mut Vec<Edit>) -> Result<usize> {
        self.pass.step(&mut &*self.transform, window, last, edits)
    }

    /// Ends the pass, when the last window has been consumed.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] where the input ends inside a message. [`Error::NoMessage`] where there was
    /// none, or what was wrong with the first one if none could be read.
    pub fn finish(self) -> Result<Report> {
        self.pass.finish()
    }
}

/// Who says what becomes of the messages that a pass comes to.
pub(crate) trait Decide {
    fn limits(&self) -> &Limits;

    /// The changes to a head, with at most `left` multiplications.
    fn decide(&mut self, head: &Head<'_>, room: Room, left: &mut usize) -> Result<Changes, BackendError>;

    /// Why the pass can't go on, if it can't.
    fn objection(&self) -> Option<Error> {
        None
    }
}

impl Decide for &Transform<'_> {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn decide(&mut self, head: &Head<'_>, room: Room, left: &mut usize) -> Result<Changes, BackendError> {
        Transform::decide(self, head, room, left)
    }
}

/// A pass, whoever decides.
#[derive(Debug)]
pub(crate) struct Pass {
    room: Room,
    pub(super) budget: Budget,
    /// Where in the input the next window starts.
    offset: u64,
    state: State,
    report: Report,
}

/// What the limits leave for the rest of the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Multiplications.
    products: usize,
    messages: usize,
}

#[derive(Debug)]
enum State {
    Start,
    /// Between blocks of armor. Whether the window starts with a line.
    Text {
        line_start: bool,
    },
    /// At the first packet of a binary message.
    Packets,
    /// Behind the head of a binary message.
    Binary(Walk),
    /// At the first line of a block of armor.
    Block,
    /// Behind the head of an armored message.
    Armor(Tail),
    /// Behind a binary message.
    End,
    /// In a mail.
    Mail(Box<Mail>),
}

/// Room for the lines of armor in front of the base64 text, in octets.
const ARMOR_HEADERS: usize = 16 * 1024;
/// No mail has more messages in it.
const MAX_MESSAGES: usize = 1024;

/// How far a state came: octets consumed, and the state that follows.
type Progress = (usize, State);

impl Pass {
    pub(crate) fn new(room: Room, products: usize) -> Self {
        Self {
            room,
            budget: Budget { products, messages: MAX_MESSAGES },
            offset: 0,
            state: State::Start,
            report: Report::default(),
        }
    }

    /// A pass over a part of a mail, whose budget is that of the mail.
    pub(super) fn of_text(room: Room) -> Self {
        Self { state: State::Text { line_start: true }, ..Self::new(room, 0) }
    }

    /// Goes through a whole input.
    pub(crate) fn whole(&mut self, by: &mut dyn Decide, input: &[u8], edits: &mut Vec<Edit>) -> Result<()> {
        let mut rest = input;
        while let consumed @ 1.. = self.step(by, rest, true, edits)? {
            rest = rest.get(consumed..).unwrap_or_default();
        }
        Ok(())
    }

    /// Goes through the beginning of an input, as far as there is something to decide.
    pub(crate) fn first(&mut self, by: &mut dyn Decide, first: &[u8], edits: &mut Vec<Edit>) -> Result<()> {
        let mut rest = first;
        while !self.is_settled()
            && let consumed @ 1.. = self.step(by, rest, false, edits)?
        {
            rest = rest.get(consumed..).unwrap_or_default();
        }
        Ok(())
    }

    /// Whether nothing is left to decide: the pass is behind the head of a binary message.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.state, State::Binary(_) | State::End)
    }

    /// See [`Rewriter::step`].
    pub(crate) fn step(
        &mut self,
        by: &mut dyn Decide,
        window: &[u8],
        last: bool,
        edits: &mut Vec<Edit>,
    ) -> Result<usize> {
        loop {
            let first_edit = edits.len();
            let before = core::mem::discriminant(&self.state);
            // In a mail errors are where they are in the mail; elsewhere they count from the window's start.
            let base = if matches!(self.state, State::Mail(_)) { 0 } else { self.offset };
            let advanced = self.advance(by, window, last, edits);
            for edit in edits.iter_mut().skip(first_edit) {
                edit.offset += self.offset;
            }
            let (consumed, state) = advanced.map_err(|error| error.shifted(base))?;
            if let Some(objection) = by.objection() {
                return Err(objection);
            }
            self.state = state;
            self.offset += wide(consumed);
            if consumed > 0 || before == core::mem::discriminant(&self.state) {
                return Ok(consumed);
            }
        }
    }

    /// See [`Rewriter::finish`].
    pub(crate) fn finish(self) -> Result<Report> {
        self.close()?;
        let mut report = self.report;
        if report.messages.is_empty() {
            return Err(if report.skipped.is_empty() { Error::NoMessage } else { report.skipped.remove(0).error });
        }
        Ok(report)
    }

    /// Whether the pass may end here, inside no message.
    pub(super) fn close(&self) -> Result<()> {
        let truncated = |what| Err(Error::Truncated { what, offset: self.offset });
        match self.state {
            State::Binary(walk) if !walk.may_end() => truncated("encrypted data"),
            State::Armor(_) => truncated("armor"),
            _ => Ok(()),
        }
    }

    /// Ends a pass over a part in which something went wrong: the last message was none, or is damaged.
    pub(super) fn give_up(&mut self, error: Error) {
        let damaged = self.report.messages.pop();
        self.report.skip(damaged.map_or(self.offset, |message| message.offset), error);
        self.state = State::End;
    }

    /// What has been done so far, in the middle of a pass.
    pub(crate) fn into_report(mut self) -> Report {
        if let State::Mail(mail) = self.state {
            mail.report(&mut self.report);
        }
        self.report
    }

    fn advance(&mut self, by: &mut dyn Decide, window: &[u8], last: bool, edits: &mut Vec<Edit>) -> Result<Progress> {
        // After an error there is nothing to go on with.
        match core::mem::replace(&mut self.state, State::End) {
            State::Packets | State::Block if self.budget.messages == 0 => {
                Err(Error::Limit { what: "OpenPGP messages in one input", limit: MAX_MESSAGES })
            }
            State::Start => Ok((0, start(window, last))),
            State::Text { line_start } => Ok(text(window, last, line_start)),
            State::Packets => self.packets(by, window, last, edits),
            State::Binary(mut walk) => {
                let (consumed, done) = walk.step(window);
                Ok((consumed, if done { State::End } else { State::Binary(walk) }))
            }
            State::Block => self.block(by, window, last, edits).or_else(|error| match error {
                Error::Backend(_) => Err(error),
                damage => Ok(self.skip(damage)),
            }),
            State::Armor(mut tail) => {
                let (consumed, done) = tail.step(window, last, edits)?;
                Ok((consumed, if done { State::Text { line_start: true } } else { State::Armor(tail) }))
            }
            State::Mail(mut mail) => {
                let around = Around {
                    by,
                    room: self.room,
                    budget: &mut self.budget,
                    report: &mut self.report,
                    offset: self.offset,
                };
                let consumed = mail.step(window, last, around, edits)?;
                Ok((consumed, State::Mail(mail)))
            }
            State::End if window.is_empty() => Ok((0, State::End)),
            State::End => Err(Error::TrailingData { offset: 0 }),
        }
    }

    /// The head of a binary message.
    fn packets(&mut self, by: &mut dyn Decide, window: &[u8], last: bool, edits: &mut Vec<Edit>) -> Result<Progress> {
        let head = match scan(window, by.limits())? {
            Scan::Complete(head) => head,
            Scan::Need(_) if last => return Err(Error::truncated("message", window.len())),
            Scan::Need(_) => return Ok((0, State::Packets)),
        };
        let mut changes = by.decide(&head, self.room, &mut self.budget.products)?;
        self.note(&head, &mut changes, false);
        if !changes.insert.is_empty() {
            edits.push(Edit { offset: 0, replaced: 0, bytes: changes.insert });
        }
        edits.extend(changes.edits);
        Ok((head.octets.len(), State::Binary(Walk::new(head.body))))
    }

    /// The head of an armored message.
    fn block(&mut self, by: &mut dyn Decide, window: &[u8], last: bool, edits: &mut Vec<Edit>) -> Result<Progress> {
        let head = by.limits().head;
        // Base64 takes a third more, line ends and headers a little.
        let limit = head.saturating_mul(3) / 2 + ARMOR_HEADERS;
        let more = |what| match last {
            _ if window.len() > limit => {
                Err(Error::Limit { what: "octets in front of the encrypted data", limit: head })
            }
            true => Err(Error::truncated(what, window.len())),
            false => Ok((0, State::Block)),
        };
        let text = window.get(..limit).unwrap_or(window);
        let Some(mut block) = Block::open(text)? else { return more("armor") };
        let mut needed = 1;
        while block.decode(needed) {
            match scan(block.octets(), by.limits()).map_err(|error| error.at(|at| block.place(at)))? {
                Scan::Need(octets) => needed = octets,
                Scan::Complete(head) => return self.armored(by, &block, &head, edits),
            }
        }
        block.end().map_or_else(|| more("message"), Err)
    }

    fn armored(
        &mut self,
        by: &mut dyn Decide,
        block: &Block<'_>,
        head: &Head<'_>,
        edits: &mut Vec<Edit>,
    ) -> Result<Progress> {
        let room = if self.room == Room::None { Room::None } else { Room::Multiples(Block::UNIT) };
        let mut changes = by.decide(head, room, &mut self.budget.products)?;
        self.note(head, &mut changes, true);
        let (octets, consumed) = block.cut(head.octets.len());
        let (changes, difference) = block.edits(&changes.insert, &changes.edits, octets);
        edits.extend(changes);
        let rest = block.octets().get(head.octets.len()..octets).unwrap_or_default();
        Ok((consumed, State::Armor(Tail::new(octets, difference, Walk::new(head.body), rest))))
    }

    fn note(&mut self, head: &Head<'_>, changes: &mut Changes, armored: bool) {
        self.budget.messages = self.budget.messages.saturating_sub(1);
        self.report.messages.push(MessageReport {
            offset: self.offset,
            armored,
            pkesks: core::mem::take(&mut changes.pkesks),
            skesks: head.packets.iter().filter(|packet| packet.tag == tag::SKESK).count(),
            skesks_dropped: changes.skesks_dropped,
            data: head.data,
        });
    }

    /// Leaves a block as it is that can't be read.
    fn skip(&mut self, error: Error) -> Progress {
        self.report.skip(self.offset, error.shifted(self.offset));
        (BEGIN.len(), State::Text { line_start: false })
    }
}

/// How many octets tell a mail or a text from a binary message.
const START: usize = 64;

/// A mail starts with a header field, another text doesn't. Binary packets start with a set high bit. A text whose
/// first letter is not ASCII does so too, but is UTF-8.
fn start(window: &[u8], last: bool) -> State {
    let first = window.get(..START).unwrap_or(window);
    // A letter that is cut off at the end has no error length.
    let utf8 = || core::str::from_utf8(first).map_or_else(|error| error.error_len().is_none(), |_| true);
    match window {
        [] => State::Start,
        _ if first.len() < START && !last => State::Start,
        _ if starts_mail(first) => State::Mail(Box::default()),
        [..=0x7F, ..] => State::Text { line_start: true },
        _ if utf8() => State::Text { line_start: true },
        _ => State::Packets,
    }
}

/// Passes over text up to the next block of armor.
fn text(window: &[u8], last: bool, line_start: bool) -> Progress {
    let starts_line = |at: usize| match at.checked_sub(1) {
        None => line_start,
        Some(before) => window.get(before) == Some(&b'\n'),
    };
    // A line that starts with the marker, or may do so once more of it is seen.
    for at in memchr::memmem::find_iter(window, BEGIN).filter(|at| starts_line(*at)) {
        let rest = window.get(at + BEGIN.len()..).unwrap_or_default();
        let blank = rest.iter().take_while(|c| matches!(c, b' ' | b'\t' | b'\r')).count();
        match rest.get(blank) {
            Some(b'\n') if blank < BEGIN.len() => {
                let state = if at == 0 { State::Block } else { State::Text { line_start: true } };
                return (at, state);
            }
            None if !last && blank < BEGIN.len() => return (at, State::Text { line_start: true }),
            _ => {}
        }
    }
    let tail = if last { 0 } else { 2 * BEGIN.len() };
    let consumed = window.len().saturating_sub(tail);
    (consumed, State::Text { line_start: starts_line(consumed) })
}
