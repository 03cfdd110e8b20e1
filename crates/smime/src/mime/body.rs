//! The body of a part, with its transfer encoding removed (RFC 2045 §6).

use std::{
    io::{Read, Seek},
    ops::Range,
};

use super::{base64::Decoder, header::Transfer, window::Window};
use crate::{Error, Result};

/// The octets of an S/MIME message or signature.
///
/// # Errors
///
/// [`Error::Mime`] for encodings that CMS is not sent in.
pub(crate) fn decoded<'m, M: Read + Seek>(
    mail: &'m mut M,
    body: Range<u64>,
    encoding: Transfer,
) -> Result<Box<dyn Read + 'm>> {
    let offset = body.start;
    let body = Window::new(mail, body).map_err(Error::read)?;
    match encoding {
        Transfer::Base64 => Ok(Box::new(Decoder::new(body))),
        encoding if encoding.is_identity() => Ok(Box::new(body)),
        _ => Err(Error::Mime { offset, what: "the message is neither in base64 nor binary" }),
    }
}
