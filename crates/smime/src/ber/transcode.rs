//! From BER to DER (ITU-T X.690 §10.1, §10.2), as far as frames go: definite and minimal lengths, strings in one
//! piece. The order of elements and the values of primitive ones stay.

use std::borrow::Cow;

use super::{BEYOND, PIECE, PLACE, STRAY_END, TRUNCATED, Tag, element_len, header, header::Header, too_deep, wide};
use crate::{Error, Limits, Result};

/// Writes one element of BER in DER. It is borrowed where its frames are DER already. The time is linear.
pub(crate) fn to_der<'a>(ber: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>> {
    let plan = Plan::make(ber, limits.depth)?;
    if plan.is_der { Ok(Cow::Borrowed(ber)) } else { plan.write(ber, limits.depth).map(Cow::Owned) }
}

/// What the walk comes past.
enum Event<'a> {
    /// A primitive element.
    Value { header: Header, identifier: &'a [u8], value: &'a [u8] },
    /// The start of a constructed element.
    Enter { header: Header, identifier: &'a [u8] },
    /// Its end.
    Leave,
    /// The start of a string in pieces.
    EnterString { identifier: &'a [u8], is_bits: bool },
    /// One of them.
    Piece(&'a [u8]),
    /// Its end; of a bit string, how many bits of the last octet are unused.
    LeaveString { unused: u8, is_bits: bool },
}

/// A constructed element around.
#[derive(Clone, Copy)]
struct Frame {
    /// `None` if end-of-contents ends it.
    end: Option<usize>,
    /// Where the innermost definite element ends that it is or stands in.
    bound: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    /// A string in pieces, and of which type they must be: bit strings of a bit string, octet strings of all others
    /// (§8.6.4, §8.23.6).
    String(Tag),
    /// A piece that is in pieces itself.
    Piece(Tag),
}

/// Walks over one element and all that is in it.
struct Walk<'a> {
    ber: &'a [u8],
    at: usize,
    frames: Vec<Frame>,
    depth: usize,
    /// Unused bits of the last piece of the bit string around.
    unused: u8,
}

impl<'a> Walk<'a> {
    fn new(ber: &'a [u8], depth: usize) -> Self {
        Self { ber, at: 0, frames: Vec::new(), depth, unused: 0 }
    }

    /// `None` behind the element.
    fn next(&mut self) -> Result<Option<Event<'a>>> {
        loop {
            let around = match self.frames.last() {
                Some(frame) => *frame,
                None if self.at == 0 => Frame { end: Some(usize::MAX), bound: self.ber.len(), kind: Kind::Plain },
                None if self.at == self.ber.len() => return Ok(None),
                None => return Err(self.error("there is something behind its end")),
            };
            let event = if around.end == Some(self.at) { self.leave(around) } else { self.element(around)? };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// The next element. `None` if it only structures a string further.
    fn element(&mut self, around: Frame) -> Result<Option<Event<'a>>> {
        let rest = self.ber.get(self.at..around.bound).unwrap_or_default();
        let short = if around.bound == self.ber.len() { TRUNCATED } else { BEYOND };
        let header = Header::parse(rest).and_then(|header| header.ok_or(short)).map_err(|what| self.error(what))?;
        let length = header.length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let value = rest.get(header.octets..).and_then(|value| value.get(..length.unwrap_or_default()));
        let (Some(identifier), Some(value)) = (rest.get(..header.identifier), value) else {
            return Err(self.error(short));
        };
        if header.is_end() {
            if around.end.is_some() {
                return Err(self.error(STRAY_END));
            }
            self.at += header.octets;
            return Ok(self.leave(around));
        }
        if let Kind::String(tag) | Kind::Piece(tag) = around.kind
            && !header.tag.same(tag)
        {
            return Err(self.error(PIECE));
        }
        if header.tag.constructed {
            return self.enter(around, header, identifier);
        }
        let event = match around.kind {
            Kind::Plain => Event::Value { header, identifier, value },
            Kind::String(tag) | Kind::Piece(tag) => Event::Piece(self.piece(tag, value)?),
        };
        self.at += header.octets + value.len();
        Ok(Some(event))
    }

    fn enter(&mut self, around: Frame, header: Header, identifier: &'a [u8]) -> Result<Option<Event<'a>>> {
        if self.frames.len() >= self.depth {
            return Err(too_deep(self.depth));
        }
        self.at += header.octets;
        let length = header.length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let end = length.map(|length| self.at.saturating_add(length));
        let is_bits = header.tag.same(Tag::BIT_STRING);
        let (kind, event) = match around.kind {
            Kind::String(tag) | Kind::Piece(tag) => (Kind::Piece(tag), None),
            Kind::Plain if header.tag.is_string() => {
                self.unused = 0;
                let pieces = if is_bits { Tag::BIT_STRING } else { Tag::OCTET_STRING };
                (Kind::String(pieces), Some(Event::EnterString { identifier, is_bits }))
            }
            Kind::Plain => (Kind::Plain, Some(Event::Enter { header, identifier })),
        };
        self.frames.push(Frame { end, bound: end.unwrap_or(around.bound), kind });
        Ok(event)
    }

    fn leave(&mut self, frame: Frame) -> Option<Event<'a>> {
        self.frames.pop();
        match frame.kind {
            Kind::Plain => Some(Event::Leave),
            Kind::String(tag) => Some(Event::LeaveString { unused: self.unused, is_bits: tag == Tag::BIT_STRING }),
            Kind::Piece(_) => None,
        }
    }

    /// The part of a piece's value that belongs to the string.
    fn piece(&mut self, tag: Tag, value: &'a [u8]) -> Result<&'a [u8]> {
        if tag == Tag::OCTET_STRING {
            return Ok(value);
        }
        if self.unused != 0 {
            return Err(self.error("unused bits in the middle of a bit string"));
        }
        let (unused, bits) = value.split_first().ok_or_else(|| self.error("a bit string without its first octet"))?;
        self.unused = *unused;
        Ok(bits)
    }

    fn error(&self, what: &'static str) -> Error {
        Error::Encoding { place: PLACE, offset: wide(self.at), what }
    }
}

/// The lengths in DER of the elements that are constructed, in the order of their starts.
struct Plan {
    lengths: Vec<u32>,
    /// Of the whole element in DER.
    total: usize,
    is_der: bool,
}

/// An element whose length is being added up.
#[derive(Clone, Copy)]
struct Open {
    /// Its place in the list of lengths.
    index: usize,
    /// Octets of its tag.
    identifier: usize,
    length: usize,
}

impl Plan {
    fn make(ber: &[u8], depth: usize) -> Result<Self> {
        let mut plan = Self { lengths: Vec::new(), total: 0, is_der: true };
        let mut walk = Walk::new(ber, depth);
        let mut open: Vec<Open> = Vec::new();
        while let Some(event) = walk.next()? {
            match event {
                Event::Value { header, identifier, value } => {
                    plan.is_der &= header.minimal;
                    plan.add(&mut open, written(identifier.len(), value.len()));
                }
                Event::Piece(value) => plan.add(&mut open, value.len()),
                Event::Enter { header, identifier } => {
                    plan.is_der &= header.minimal;
                    plan.open(&mut open, identifier.len(), 0);
                }
                Event::EnterString { identifier, is_bits } => {
                    plan.is_der = false;
                    plan.open(&mut open, identifier.len(), usize::from(is_bits));
                }
                Event::Leave | Event::LeaveString { .. } => plan.close(&mut open),
            }
        }
        Ok(plan)
    }

    fn open(&mut self, open: &mut Vec<Open>, identifier: usize, length: usize) {
        open.push(Open { index: self.lengths.len(), identifier, length });
        self.lengths.push(0);
    }

    fn close(&mut self, open: &mut Vec<Open>) {
        let Some(closed) = open.pop() else { return };
        if let Some(length) = self.lengths.get_mut(closed.index) {
            // What is shorter in memory than this, it is in DER too.
            *length = u32::try_from(closed.length).unwrap_or(u32::MAX);
        }
        self.add(open, written(closed.identifier, closed.length));
    }

    fn add(&mut self, open: &mut [Open], octets: usize) {
        let around = open.last_mut().map_or(&mut self.total, |around| &mut around.length);
        *around = around.saturating_add(octets);
    }

    fn write(&self, ber: &[u8], depth: usize) -> Result<Vec<u8>> {
        let mut der = Vec::with_capacity(self.total);
        let mut walk = Walk::new(ber, depth);
        let mut lengths = self.lengths.iter();
        // Where the number of unused bits of the bit string around goes.
        let mut bits = 0;
        let mut next = || lengths.next().copied().unwrap_or_default().into();
        while let Some(event) = walk.next()? {
            match event {
                Event::Value { identifier, value, .. } => {
                    put_header(&mut der, identifier, wide(value.len()));
                    der.extend_from_slice(value);
                }
                Event::Piece(value) => der.extend_from_slice(value),
                Event::Enter { identifier, .. } => put_header(&mut der, identifier, next()),
                Event::EnterString { identifier, is_bits } => {
                    let first = identifier.first().copied().unwrap_or_default() & !CONSTRUCTED;
                    put_header(&mut der, &[first], next());
                    bits = der.len();
                    der.extend_from_slice(if is_bits { &[0] } else { &[] });
                }
                Event::LeaveString { unused, is_bits: true } => {
                    if let Some(place) = der.get_mut(bits) {
                        *place = unused;
                    }
                }
                Event::Leave | Event::LeaveString { .. } => {}
            }
        }
        Ok(der)
    }
}

const CONSTRUCTED: u8 = 0x20;

fn put_header(der: &mut Vec<u8>, identifier: &[u8], length: u64) {
    der.extend_from_slice(identifier);
    let header = header(0, length);
    der.extend_from_slice(header.as_ref().get(1..).unwrap_or_default());
}

/// Octets of an element in DER.
fn written(identifier: usize, length: usize) -> usize {
    let element = usize::try_from(element_len(wide(length))).unwrap_or(usize::MAX);
    element.saturating_add(identifier - 1)
}
