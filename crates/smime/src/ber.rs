//! BER (ITU-T X.690 §8), read as it comes: definite and indefinite lengths, minimal or not, strings in pieces.
//! Nothing here recurses, and nothing that grows with a message is held.

mod fuzz;
mod header;
mod inner;
mod transcode;

use std::{
    io::{ErrorKind, Read},
    ops::Range,
};

use crate::{Error, Limits, Result};

pub use fuzz::fuzz;
use header::Header;
pub(crate) use header::{Class, Tag, element_len, header};
pub(crate) use inner::inner;
pub(crate) use transcode::to_der;

const PLACE: &str = "the BER";
const BUFFER: usize = 64 << 10;
const TRUNCATED: &str = "it ends too early";
const BEYOND: &str = "an element goes beyond the one around it";
const MISSING: &str = "an element is missing";
const STRAY_END: &str = "end-of-contents without an element of indefinite length";
const PIECE: &str = "a piece of a string is of another type";

/// Takes octets as they are read.
pub(crate) type Sink<'a> = dyn FnMut(&[u8]) -> Result<()> + 'a;

/// Reads elements one after the other. After an error it is of no use any more.
pub(crate) struct Reader<R> {
    from: R,
    buffer: Box<[u8]>,
    /// What of the buffer is yet to be read.
    filled: Range<usize>,
    /// Where that starts in the input.
    offset: u64,
    /// The elements around.
    frames: Vec<Frame>,
    depth: usize,
    structure: usize,
    /// How many octets [`Reader::element`] may yet return.
    budget: usize,
}

/// An element that was entered.
#[derive(Clone, Copy)]
struct Frame {
    /// Whether end-of-contents ends it.
    indefinite: bool,
    /// Where the innermost definite element ends that it is or stands in.
    bound: u64,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(from: R, limits: &Limits) -> Self {
        Self::with_buffer(from, limits, BUFFER)
    }

    /// The buffer must have room for a header.
    fn with_buffer(from: R, limits: &Limits, octets: usize) -> Self {
        Self {
            from,
            buffer: vec![0; octets].into(),
            filled: 0..0,
            offset: 0,
            frames: Vec::new(),
            depth: limits.depth,
            structure: limits.structure,
            budget: limits.structure,
        }
    }

    /// How many octets of elements were returned.
    pub(crate) fn returned(&self) -> usize {
        self.structure.saturating_sub(self.budget)
    }

    /// How many octets were read: where the next element starts, or the end of what is around it.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Octets of the value of the next element; `None` if end-of-contents ends it.
    pub(crate) fn length(&mut self) -> Result<Option<u64>> {
        Ok(self.present()?.length)
    }

    /// The tag of the next element; `None` at the end of the element around, or of the input.
    pub(crate) fn peek(&mut self) -> Result<Option<Tag>> {
        Ok(self.header()?.map(|header| header.tag))
    }

    /// The next element must have this tag; a string may be primitive or constructed.
    pub(crate) fn expect(&mut self, tag: Tag, place: &'static str) -> Result<()> {
        match self.peek()? {
            Some(found) if found.same(tag) => Ok(()),
            Some(_) => Err(Error::structure(place, "another element was expected")),
            None => Err(Error::structure(place, MISSING)),
        }
    }

    /// Goes into a constructed element.
    pub(crate) fn enter(&mut self) -> Result<()> {
        let header = self.present()?;
        if !header.tag.constructed {
            return Err(self.error("a constructed element was expected"));
        }
        self.push(&header)
    }

    /// Goes out of the element that was entered last. It must have been read to its end.
    pub(crate) fn leave(&mut self) -> Result<()> {
        if self.header()?.is_some() {
            return Err(self.error("there is more in an element than there should be"));
        }
        match self.frames.pop() {
            Some(frame) if frame.indefinite => self.take(END, &mut |_| Ok(())),
            Some(_) => Ok(()),
            None => Err(self.error("there is no element around")),
        }
    }

    /// Passes over an element of any size.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.raw(&mut |_| Ok(()))
    }

    /// A whole element, its octets as they came. All that one reader returns has
    /// [`Limits::structure`] octets at most.
    pub(crate) fn element(&mut self) -> Result<Vec<u8>> {
        self.element_up_to(usize::MAX)?.ok_or_else(|| self.error(MISSING))
    }

    /// The same; `None` for an element of more than `most` octets, which is passed over.
    pub(crate) fn element_up_to(&mut self, most: usize) -> Result<Option<Vec<u8>>> {
        let header = self.present()?;
        let length = header.length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let known = length.unwrap_or_default().saturating_add(header.octets);
        if known > most {
            self.skip()?;
            return Ok(None);
        }
        let structure = wide(self.structure);
        let limit = || Error::Limit { what: "octets of a structure", limit: structure };
        let budget = self.budget;
        if known > budget {
            return Err(limit());
        }
        let mut element = Some(Vec::with_capacity(known));
        self.raw(&mut |octets| {
            let Some(held) = &mut element else { return Ok(()) };
            let len = held.len() + octets.len();
            if len > most {
                element = None;
            } else if len > budget {
                return Err(limit());
            } else {
                held.extend_from_slice(octets);
            }
            Ok(())
        })?;
        self.budget -= element.as_ref().map_or(0, Vec::len);
        Ok(element)
    }

    /// Gives the value of one octet string to `sink`, whether it is primitive or in pieces that are in pieces, and
    /// whether it has its own tag or an implicit one. Returns how many octets there were.
    pub(crate) fn octets(&mut self, sink: &mut Sink<'_>) -> Result<u64> {
        let header = self.present()?;
        if !header.tag.same(Tag::OCTET_STRING) && header.tag.class != Class::Context {
            return Err(self.error("an octet string was expected"));
        }
        let outside = self.frames.len();
        let mut octets: u64 = 0;
        loop {
            match self.header()? {
                Some(piece) if self.frames.len() > outside && !piece.tag.same(Tag::OCTET_STRING) => {
                    return Err(self.error(PIECE));
                }
                Some(piece) if piece.tag.constructed => self.push(&piece)?,
                Some(piece) => {
                    let length = piece.length.unwrap_or_default();
                    self.take(wide(piece.octets), &mut |_| Ok(()))?;
                    self.take(length, sink)?;
                    octets = octets.saturating_add(length);
                }
                None => self.leave()?,
            }
            if self.frames.len() == outside {
                return Ok(octets);
            }
        }
    }

    /// Nothing may follow but zeros and white space: the line end behind a part that is not
    /// encoded, or padding. No content is in there, so no one can be misled by it.
    pub(crate) fn finish(&mut self) -> Result<()> {
        loop {
            let rest = self.buffer.get(self.filled.clone()).unwrap_or_default();
            let padding = rest.iter().take_while(|octet| matches!(octet, 0 | b' ' | b'\t' | b'\r' | b'\n')).count();
            let all = padding == rest.len();
            self.advance(padding);
            if !all {
                return Err(self.error("there is something behind its end"));
            }
            if !self.fill()? {
                return Ok(());
            }
        }
    }

    /// Gives the octets of one element to `sink` as they come.
    fn raw(&mut self, sink: &mut Sink<'_>) -> Result<()> {
        self.present()?;
        let outside = self.frames.len();
        loop {
            match self.header()? {
                Some(Header { octets, length: Some(length), .. }) => {
                    self.take(length.saturating_add(wide(octets)), sink)?;
                }
                Some(header) => {
                    let octets = self.buffer.get(self.filled.start..self.filled.start + header.octets);
                    sink(octets.unwrap_or_default())?;
                    self.push(&header)?;
                }
                // Only elements of indefinite length were entered.
                None => {
                    self.take(END, sink)?;
                    self.frames.pop();
                }
            }
            if self.frames.len() == outside {
                return Ok(());
            }
        }
    }

    /// The next element's header, which stays unread. `None` at the end of the element around, or of the input.
    fn header(&mut self) -> Result<Option<Header>> {
        let frame = self.frames.last().copied();
        if frame.is_some_and(|frame| !frame.indefinite && self.offset >= frame.bound) {
            return Ok(None);
        }
        let header = loop {
            let octets = self.buffer.get(self.filled.clone()).unwrap_or_default();
            let nothing = octets.is_empty();
            match Header::parse(octets) {
                Ok(Some(header)) => break header,
                Ok(None) if self.fill()? => {}
                Ok(None) if nothing && frame.is_none() => return Ok(None),
                Ok(None) => return Err(self.error(TRUNCATED)),
                Err(what) => return Err(self.error(what)),
            }
        };
        let end = self.offset.checked_add(wide(header.octets));
        let end = end.and_then(|end| end.checked_add(header.length.unwrap_or_default()));
        if end.is_none_or(|end| frame.is_some_and(|frame| end > frame.bound)) {
            return Err(self.error(BEYOND));
        }
        match (header.is_end(), frame) {
            (false, _) => Ok(Some(header)),
            (true, Some(Frame { indefinite: true, .. })) => Ok(None),
            (true, _) => Err(self.error(STRAY_END)),
        }
    }

    /// The same, if there is one.
    fn present(&mut self) -> Result<Header> {
        self.header()?.ok_or_else(|| self.error(MISSING))
    }

    /// Goes into the element with the header that is to be read next.
    fn push(&mut self, header: &Header) -> Result<()> {
        if self.frames.len() >= self.depth {
            return Err(too_deep(self.depth));
        }
        self.advance(header.octets);
        let bound = match header.length {
            Some(length) => self.offset.saturating_add(length),
            None => self.frames.last().map_or(u64::MAX, |frame| frame.bound),
        };
        self.frames.push(Frame { indefinite: header.length.is_none(), bound });
        Ok(())
    }

    /// Gives the next `len` octets to `sink`.
    fn take(&mut self, len: u64, sink: &mut Sink<'_>) -> Result<()> {
        let mut left = len;
        while left > 0 {
            if self.filled.is_empty() && !self.fill()? {
                return Err(self.error(TRUNCATED));
            }
            let count = self.filled.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let start = self.filled.start;
            sink(self.buffer.get(start..start + count).unwrap_or_default())?;
            self.advance(count);
            left -= wide(count);
        }
        Ok(())
    }

    fn advance(&mut self, count: usize) {
        self.filled.start += count;
        self.offset += wide(count);
    }

    /// Reads on. What is yet to be read is less than a header then. `false` at the end of the input.
    fn fill(&mut self) -> Result<bool> {
        self.buffer.copy_within(self.filled.clone(), 0);
        self.filled = 0..self.filled.len();
        let free = self.buffer.get_mut(self.filled.end..).unwrap_or_default();
        loop {
            match self.from.read(free) {
                Ok(count) => {
                    self.filled.end += count.min(free.len());
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A decoder below, of base64 for one, has errors of its own.
                Err(error) => return Err(error.downcast().unwrap_or_else(Error::Read)),
            }
        }
    }

    fn error(&self, what: &'static str) -> Error {
        Error::Encoding { place: PLACE, offset: self.offset, what }
    }
}

/// Octets of end-of-contents.
const END: u64 = 2;

fn too_deep(depth: usize) -> Error {
    Error::Limit { what: "elements of BER in one another", limit: wide(depth) }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
