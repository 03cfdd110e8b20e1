//! The start of an encrypted message, up to the end of its recipients, and the same with others.

use std::io::Read;

use crate::{
    Limits, Result,
    ber::{Reader, Tag, header},
    enveloped::{kind, too_many},
};

const PLACE: &str = "an encrypted message";
const END_OF_CONTENTS: [u8; 2] = [0, 0];

/// What an encrypted message has in front of its content: the starts of ContentInfo, of its `[0]`, of EnvelopedData or
/// AuthEnvelopedData, and all of its SET OF RecipientInfo.
pub(super) struct Head {
    /// The elements in each other, from the outermost on; the last one is the SET.
    frames: [Frame; 4],
    /// Each RecipientInfo as it came.
    pub(super) recipients: Vec<Vec<u8>>,
    /// Octets of all of it.
    pub(super) len: u64,
}

/// An element that more follows in.
struct Frame {
    tag: u8,
    /// `None` if end-of-contents ends it.
    length: Option<u64>,
    /// Where its value starts.
    start: u64,
    /// What stands in front of the next frame, as it came.
    before: Vec<u8>,
}

impl Head {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`Error::NotThis`](crate::Error::NotThis) if it is a CMS message of another type, and what is wrong with it.
    pub(super) fn read(message: impl Read, limits: &Limits) -> Result<Self> {
        let mut reader = Reader::new(message, limits);
        let mut info = Frame::enter(&mut reader, Tag::SEQUENCE, 0x30)?;
        (_, info.before) = kind(&mut reader, limits)?;
        let content = Frame::enter(&mut reader, Tag::context(0), 0xA0)?;
        let mut data = Frame::enter(&mut reader, Tag::SEQUENCE, 0x30)?;
        reader.expect(Tag::INTEGER, PLACE)?;
        data.before = reader.element()?;
        if reader.peek()?.is_some_and(|tag| tag.same(Tag::context(0))) {
            // originatorInfo.
            data.before.extend(reader.element()?);
        }
        let set = Frame::enter(&mut reader, Tag::SET, 0x31)?;
        let mut recipients = Vec::new();
        while reader.peek()?.is_some() {
            if recipients.len() == limits.recipients {
                return Err(too_many(limits));
            }
            recipients.push(reader.element()?);
        }
        reader.leave()?;
        Ok(Self { frames: [info, content, data, set], recipients, len: reader.offset() })
    }

    /// The same with other recipients. Lengths that are definite are those that fit then.
    pub(super) fn with(self, recipients: &[u8]) -> Vec<u8> {
        drop(self.recipients);
        let [.., set] = &self.frames;
        let end: &[u8] = if set.length.is_none() { &END_OF_CONTENTS } else { &[] };
        let mut start = Vec::new();
        for frame in self.frames.iter().rev() {
            start = [&frame.before, &start[..]].concat();
            let inside = wide(start.len() + recipients.len() + end.len());
            // What stands in it behind all of this stays.
            let behind = |length: u64| length.saturating_sub(self.len.saturating_sub(frame.start));
            let header = frame.length.map(|length| header(frame.tag, behind(length).saturating_add(inside)));
            start = [header.as_ref().map_or(&[frame.tag, 0x80][..], AsRef::as_ref), &start].concat();
        }
        [&start, recipients, end].concat()
    }
}

impl Frame {
    /// Goes into the next element, which must have this tag.
    fn enter<R: Read>(reader: &mut Reader<R>, tag: Tag, octet: u8) -> Result<Self> {
        reader.expect(tag, PLACE)?;
        let length = reader.length()?;
        reader.enter()?;
        Ok(Self { tag: octet, length, start: reader.offset(), before: Vec::new() })
    }
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
