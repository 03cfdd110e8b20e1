//! The JSON form of an instance.

use alloc::string::String;
use core::fmt::{Display, Write};

use serde::Deserialize;
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::{Instance, UnixTime};
use crate::{Error, Kdf, ProxyFactor, Result};

const FORMAT: &str = "sealpost-forwarding-instance";
const VERSION: u64 = 1;

/// What the documents of all versions have.
#[derive(Deserialize)]
struct Head<'a> {
    format: &'a str,
    version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    /// This and the version are [`Head`]'s; here they are no unknown fields.
    #[serde(rename = "format")]
    _format: &'a str,
    #[serde(rename = "version")]
    _version: u64,
    forwarder: &'a str,
    forwardee: &'a str,
    #[serde(default)]
    kdf: Option<KdfIds>,
    #[serde(default)]
    not_before: Option<u64>,
    #[serde(default)]
    not_after: Option<u64>,
    factor: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KdfIds {
    hash: u8,
    symmetric: u8,
}

impl Instance {
    /// The instance as a JSON object, the secret factor among its fields:
    ///
    /// ```json
    /// {
    ///   "format": "sealpost-forwarding-instance",
    ///   "version": 1,
    ///   "forwarder": "40 hexadecimal digits",
    ///   "forwardee": "40 hexadecimal digits",
    ///   "kdf": { "hash": 10, "symmetric": 9 },
    ///   "not_before": 1700000000,
    ///   "not_after": 1800000000,
    ///   "factor": "64 hexadecimal digits, little-endian"
    /// }
    /// ```
    ///
    /// `kdf` (numbers of OpenPGP's registries), `not_before` and `not_after` (seconds since 1970) are optional.
    ///
    /// # Errors
    ///
    /// [`Error::FactorElsewhere`].
    pub fn expose_json(&self) -> Result<Zeroizing<String>> {
        let mut object = Object::new();
        object.string("format", FORMAT);
        object.number("version", VERSION);
        object.string("forwarder", &hex(self.forwarder.as_bytes()));
        object.string("forwardee", &hex(self.forwardee.as_bytes()));
        if let Some((hash, symmetric)) = self.kdf.map(Kdf::ids) {
            object.number("kdf", format_args!("{{ \"hash\": {hash}, \"symmetric\": {symmetric} }}"));
        }
        for (name, time) in [("not_before", self.not_before), ("not_after", self.not_after)] {
            if let Some(UnixTime(seconds)) = time {
                object.number(name, seconds);
            }
        }
        object.string("factor", &Zeroizing::new(hex(self.held()?.expose_bytes().as_ref())));
        Ok(object.finish())
    }

    /// Reads what [`Self::expose_json`] gives.
    ///
    /// # Errors
    ///
    /// [`Error::Instance`] for anything else, [`Error::NotAKey`] for a bad fingerprint,
    /// [`Error::Unsupported`] for an unknown key derivation, [`Error::FactorOutOfRange`].
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let head: Head<'_> = read(json)?;
        if head.format != FORMAT {
            return Err(Error::Instance("the field \"format\" has another value"));
        }
        if head.version != VERSION {
            return Err(Error::Instance("its version is unknown: a newer program wrote it"));
        }
        let document: Document<'_> = read(json)?;
        let kdf = document.kdf.map(|ids| Kdf::from_ids(ids.hash, ids.symmetric)).transpose()?;
        let factor = ProxyFactor::from_hex(document.factor)?;
        Ok(Self::new(document.forwarder.parse()?, document.forwardee.parse()?, kdf, factor)
            .valid(document.not_before.map(UnixTime), document.not_after.map(UnixTime)))
    }
}

/// Reads JSON. What serde_json says of an error is not repeated: it may quote the factor.
fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| match error.classify() {
        Category::Data => Error::Instance("a field is missing, unknown, there twice, or of another type"),
        _ => Error::Instance("not JSON"),
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// Writes a JSON object whose strings need no escapes.
pub(super) struct Object(Zeroizing<String>);

impl Object {
    /// More than any instance takes: a buffer that grew would leave a copy of the factor behind.
    const CAPACITY: usize = 1024;

    pub(super) fn new() -> Self {
        let mut text = Zeroizing::new(String::with_capacity(Self::CAPACITY));
        text.push('{');
        Self(text)
    }

    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.number(name, format_args!("\"{value}\""));
    }

    pub(super) fn number(&mut self, name: &str, value: impl Display) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // Writing to a string can't fail.
        let _ = write!(self.0, "{comma}\n  \"{name}\": {value}");
    }

    pub(super) fn finish(mut self) -> Zeroizing<String> {
        self.0.push_str("\n}\n");
        self.0
    }
}
