//! A sealed key as a line of text, for what keeps text: settings, files of the second place.

use base64ct::{Base64, Encoding};

use super::Sealed;
use crate::{Error, Result};

/// What the line starts with: what it is, and how it is written.
const FORMAT: &str = "sealpost-sealed-1";

impl Sealed {
    /// `sealpost-sealed-1`, the version, the wrapped key and the ciphertext in base64 (RFC 4648 §4), with spaces between
    /// them.
    #[must_use]
    pub fn to_text(&self) -> String {
        let [wrapped, ciphertext] = [&self.wrapped, &self.ciphertext].map(|octets| Base64::encode_string(octets));
        format!("{FORMAT} {} {wrapped} {ciphertext}", self.version)
    }

    /// From what [`to_text`](Self::to_text) gave.
    ///
    /// # Errors
    ///
    /// [`Error::SealedText`].
    pub fn from_text(text: &str) -> Result<Self> {
        let fields: Vec<_> = text.trim_end_matches('\n').split(' ').collect();
        let [format, version, wrapped, ciphertext] = fields.as_slice() else {
            return Err(Error::SealedText("it must have four fields"));
        };
        if *format != FORMAT {
            return Err(Error::SealedText("it is of another format"));
        }
        let version = version.parse().map_err(|_| Error::SealedText("its version is no number"))?;
        let octets = |field| Base64::decode_vec(field).map_err(|_| Error::SealedText("a field is no base64"));
        Ok(Self::new(version, octets(wrapped)?, octets(ciphertext)?))
    }
}
