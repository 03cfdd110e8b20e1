//! The JSON form of instances, whatever they are for: this crate's and those of crates above.

use alloc::string::String;
use core::fmt::{Display, Write};

use serde::Deserialize;
use serde_json::error::Category;
use zeroize::Zeroizing;

use crate::{Error, Result};

const FORMAT: &str = "sealpost-forwarding-instance";
const VERSION: u64 = 1;

/// What an instance is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// OpenPGP messages; documents of this kind don't say so.
    OpenPgp,
    /// S/MIME messages: `"kind": "smime"`.
    Smime,
}

/// What the documents of all versions have.
#[derive(Deserialize)]
struct Head<'a> {
    format: &'a str,
    version: u64,
    #[serde(default)]
    kind: Option<&'a str>,
}

impl Kind {
    /// The kind of a document, whose format and version are checked here.
    ///
    /// # Errors
    ///
    /// [`Error::Instance`] for what is no JSON, and for another format, version or kind.
    pub fn of(json: &[u8]) -> Result<Self> {
        let head: Head<'_> = read(json)?;
        if head.format != FORMAT {
            return Err(Error::Instance("the field \"format\" has another value"));
        }
        if head.version != VERSION {
            return Err(Error::Instance("its version is unknown: a newer program wrote it"));
        }
        match head.kind {
            None => Ok(Self::OpenPgp),
            Some("smime") => Ok(Self::Smime),
            Some(_) => Err(Error::Instance("its kind is unknown: a newer program wrote it")),
        }
    }
}

/// Reads a document. What serde_json says of an error is not repeated: it may quote the factor.
///
/// # Errors
///
/// [`Error::Instance`].
pub fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| match error.classify() {
        Category::Data => Error::Instance("a field is missing, unknown, there twice, or of another type"),
        _ => Error::Instance("not JSON"),
    })
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// Writes a document whose strings need no escapes. Each piece of memory that it was in is wiped.
pub struct Writer(Wiped);

impl Writer {
    /// With format, version and kind.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        let mut writer = Self::object();
        writer.string("format", FORMAT);
        writer.value("version", VERSION);
        if kind == Kind::Smime {
            writer.string("kind", "smime");
        }
        writer
    }

    /// An object without fields.
    pub(crate) fn object() -> Self {
        let mut text = Wiped(Zeroizing::default());
        text.push("{");
        Self(text)
    }

    /// A field that is a string.
    pub fn string(&mut self, name: &str, value: &str) {
        self.value(name, format_args!("\"{value}\""));
    }

    /// A field that is JSON already.
    pub fn value(&mut self, name: &str, value: impl Display) {
        let comma = if self.0.0.len() > 1 { "," } else { "" };
        // Writing to a string can't fail.
        let _ = write!(self.0, "{comma}\n  \"{name}\": {value}");
    }

    /// The document.
    #[must_use]
    pub fn finish(mut self) -> Zeroizing<String> {
        self.0.push("\n}\n");
        self.0.0
    }
}

impl core::fmt::Debug for Writer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Writer(..)")
    }
}

/// A text that leaves no copy behind where it grows.
struct Wiped(Zeroizing<String>);

impl Wiped {
    /// More than most instances take.
    const CAPACITY: usize = 1024;

    fn push(&mut self, text: &str) {
        let len = self.0.len().saturating_add(text.len());
        if len > self.0.capacity() {
            let mut grown = Zeroizing::new(String::with_capacity(len.saturating_mul(2).max(Self::CAPACITY)));
            grown.push_str(&self.0);
            self.0 = grown;
        }
        self.0.push_str(text);
    }
}

impl Write for Wiped {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.push(text);
        Ok(())
    }
}
