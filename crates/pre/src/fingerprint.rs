//! Version 4 fingerprints and key IDs ([RFC 9580 §5.5.4](https://www.rfc-editor.org/rfc/rfc9580#section-5.5.4)).

use core::{fmt, str::FromStr};

use rand_core::CryptoRng;

use crate::{Error, Result};

/// A version 4 fingerprint: 20 octets.
///
/// Written and read as 40 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 20]);

impl Fingerprint {
    /// The fingerprint with these octets.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// A random one, which no key has.
    pub(crate) fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 20];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The 20 octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The key ID: the last 8 octets.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        KeyId([a, b, c, d, e, f, g, h])
    }
}

impl TryFrom<&[u8]> for Fingerprint {
    type Error = Error;

    /// # Errors
    ///
    /// [`Error::NotAKey`] if there are not exactly 20 octets.
    fn try_from(bytes: &[u8]) -> Result<Self> {
        bytes.try_into().map(Self).map_err(|_| Error::NotAKey("a version 4 fingerprint has 20 octets"))
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(hex: &str) -> Result<Self> {
        let mut bytes = [0; 20];
        match base16ct::mixed::decode(hex, &mut bytes) {
            Ok(read) if read.len() == 20 => Ok(Self(bytes)),
            _ => Err(Error::NotAKey("a version 4 fingerprint has 40 hexadecimal digits")),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

/// A key ID: 8 octets. All zero stands for a hidden recipient ("wildcard").
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// The key ID of a hidden recipient: eight zero octets ([RFC 9580 §5.1.8](https://www.rfc-editor.org/rfc/rfc9580#section-5.1.8)).
    pub const WILDCARD: Self = Self([0; 8]);

    /// The key ID with these octets.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The 8 octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
}
