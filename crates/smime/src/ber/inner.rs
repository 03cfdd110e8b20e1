//! What is inside of an element in memory, as it came.

use super::{BUFFER, Reader};
use crate::{Limits, Result};

/// The longest header, and more.
const LEAST: usize = 256;

/// The elements inside of a constructed one, each with all of its octets. It ends at the first error.
pub(crate) fn inner<'a>(element: &'a [u8], limits: &Limits) -> Result<Inner<'a>> {
    let mut reader = Reader::with_buffer(element, limits, element.len().clamp(LEAST, BUFFER));
    reader.enter()?;
    Ok(Inner { element, reader: Some(reader) })
}

/// See [`inner`].
pub(crate) struct Inner<'a> {
    element: &'a [u8],
    reader: Option<Reader<&'a [u8]>>,
}

impl<'a> Inner<'a> {
    fn pass(&mut self) -> Result<Option<&'a [u8]>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        if reader.peek()?.is_none() {
            return Ok(None);
        }
        let start = reader.offset();
        reader.skip()?;
        let place = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(self.element.get(place(start)..place(reader.offset())))
    }
}

impl<'a> Iterator for Inner<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.pass().transpose();
        if next.as_ref().is_none_or(Result::is_err) {
            self.reader = None;
        }
        next
    }
}
