//! Bodies in their transfer encodings (RFC 2045 §6), decoded and copied as streams.

use std::{
    io::{self, Read, Seek, Write},
    ops::Range,
};

use sealpost_mail::Encoding;

use super::{base64, header::Transfer, window::Window};
use crate::{Error, Result};

/// How much is read at once: at first, for mails are small mostly, and at most.
const CHUNKS: (usize, usize) = (4 << 10, 64 << 10);
/// Of quoted-printable less: each octet's place is noted.
const QUOTED_CHUNK: usize = 8 << 10;

/// The octets that a body stands for.
pub(crate) enum Decoded<R> {
    Identity(R),
    Base64(base64::Decoder<R>),
    QuotedPrintable(Quoted<R>),
}

impl<R: Read> Decoded<R> {
    pub(crate) fn new(from: R, encoding: Transfer) -> Self {
        match encoding {
            Transfer::Base64 => Self::Base64(base64::Decoder::new(from)),
            Transfer::QuotedPrintable => Self::QuotedPrintable(Quoted::new(from)),
            _ => Self::Identity(from),
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Identity(from) => from.read(to),
            Self::Base64(from) => from.read(to),
            Self::QuotedPrintable(from) => from.read(to),
        }
    }
}

/// What a quoted-printable text stands for.
pub(crate) struct Quoted<R> {
    from: R,
    text: Vec<u8>,
    ended: bool,
    out: Vec<u8>,
    at: usize,
}

impl<R: Read> Quoted<R> {
    fn new(from: R) -> Self {
        Self { from, text: Vec::new(), ended: false, out: Vec::new(), at: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        while self.at == self.out.len() && !(self.ended && self.text.is_empty()) {
            let len = self.text.len();
            self.text.resize(len + QUOTED_CHUNK, 0);
            let read = self.from.read(self.text.get_mut(len..).unwrap_or_default());
            self.text.truncate(len + *read.as_ref().unwrap_or(&0));
            self.ended = read? == 0;
            let decoded = Encoding::QuotedPrintable.decode(&self.text, self.ended);
            self.out = decoded.octets().to_vec();
            self.at = 0;
            self.text.drain(..decoded.consumed());
        }
        Ok(())
    }
}

impl<R: Read> Read for Quoted<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let mut rest = self.out.get(self.at..).unwrap_or_default();
        let len = rest.read(to)?;
        self.at += len;
        Ok(len)
    }
}

/// The octets that a body in a mail stands for.
pub(crate) fn decoded<M: Read + Seek>(mail: M, body: Range<u64>, encoding: Transfer) -> Result<Decoded<Window<M>>> {
    let window = Window::new(mail, body).map_err(Error::read)?;
    Ok(Decoded::new(window, encoding))
}

/// Copies a stream to its end.
///
/// # Errors
///
/// [`Error::Write`] and [`Error::Read`], or what a decoder found.
pub(crate) fn copy(from: &mut dyn Read, to: &mut dyn Write) -> Result<u64> {
    each(from, &mut |octets| to.write_all(octets).map_err(Error::Write))
}

/// Hands out a stream piece by piece.
pub(crate) fn each(from: &mut dyn Read, to: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<u64> {
    let mut chunk = vec![0; CHUNKS.0];
    let mut count = 0;
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(count),
            Ok(read) => {
                to(chunk.get(..read).unwrap_or_default())?;
                count += u64::try_from(read).unwrap_or(u64::MAX);
                if read == chunk.len() && read < CHUNKS.1 {
                    chunk = vec![0; CHUNKS.1];
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::read(error)),
        }
    }
}

/// Keeps the beginning of a stream: of what is protected, its header.
#[derive(Debug)]
pub(crate) struct Beginning {
    octets: Vec<u8>,
    limit: usize,
}

impl Beginning {
    /// Keeps so many octets.
    pub(crate) fn new(limit: usize) -> Self {
        Self { octets: Vec::new(), limit }
    }

    /// Takes in the next octets.
    pub(crate) fn take(&mut self, octets: &[u8]) {
        let room = self.limit.saturating_sub(self.octets.len());
        self.octets.extend_from_slice(octets.get(..room).unwrap_or(octets));
    }

    pub(crate) fn into_octets(self) -> Vec<u8> {
        self.octets
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::mime::testing::Pieces;

    proptest! {
        #[test]
        fn quoted_printable_is_read_in_any_pieces(
            text in "(=[0-9A-F]{2}|=\r\n|a|=|\r\n|= \t\r\n|=4){0,40}", sizes in vec(1_usize..20, 1..5),
        ) {
            let mut read = Vec::new();
            Decoded::new(Pieces::new(text.as_bytes(), &sizes), Transfer::QuotedPrintable).read_to_end(&mut read).unwrap();
            prop_assert_eq!(read, Encoding::QuotedPrintable.decode(text.as_bytes(), true).octets().to_vec());
        }
    }

    #[test]
    fn the_error_of_a_decoder_is_this_crates_own() {
        let error = copy(&mut Decoded::new(&b"QUI!"[..], Transfer::Base64), &mut Vec::new()).unwrap_err();
        assert!(matches!(error, Error::Encoding { offset: 3, .. }));
    }
}
