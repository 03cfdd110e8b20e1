//! The compact form of an instance.

use zeroize::Zeroizing;

use super::Instance;
use crate::{Error, Kdf, ProxyFactor, Result, UnixTime, Validity, packet::Fields};

/// "SealPost Forwarding Instance", version 1.
const MAGIC: &[u8; 5] = b"SPFI\x01";
const HAS_KDF: u8 = 1;
const HAS_NOT_BEFORE: u8 = 2;
const HAS_NOT_AFTER: u8 = 4;

impl Instance {
    /// How many octets [`Self::expose_bytes`] gives.
    pub const BYTES: usize = 96;

    /// The instance in 96 octets, the secret factor among them:
    ///
    /// | octets | what |
    /// |---|---|
    /// | 5 | `SPFI`, version 1 |
    /// | 1 | which of the optional fields are present: 1 key derivation, 2 not-before, 4 not-after |
    /// | 20 + 20 | fingerprints of the forwarder's and of the forwardee's subkey |
    /// | 1 + 1 | hash function and cipher of the key derivation, numbers of OpenPGP's registries, or 0 |
    /// | 8 + 8 | not-before and not-after, seconds since 1970, big-endian, or 0 |
    /// | 32 | factor, little-endian |
    ///
    /// # Errors
    ///
    /// [`Error::FactorElsewhere`].
    pub fn expose_bytes(&self) -> Result<Zeroizing<[u8; Self::BYTES]>> {
        let (hash, symmetric) = self.kdf.map(Kdf::ids).unwrap_or_default();
        let Validity { not_before, not_after } = self.validity;
        let flags = (HAS_KDF * u8::from(self.kdf.is_some()))
            | (HAS_NOT_BEFORE * u8::from(not_before.is_some()))
            | (HAS_NOT_AFTER * u8::from(not_after.is_some()));
        let seconds = |time: Option<UnixTime>| time.map_or(0, |time| time.0).to_be_bytes();
        let (not_before, not_after) = (seconds(not_before), seconds(not_after));
        let factor = self.held()?.expose_bytes();
        let fields: [&[u8]; 7] = [
            MAGIC,
            &[flags],
            self.forwarder.as_bytes(),
            self.forwardee.as_bytes(),
            &[hash, symmetric],
            &not_before,
            &not_after,
        ];
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        for (to, from) in bytes.iter_mut().zip(fields.into_iter().flatten().chain(factor.iter())) {
            *to = *from;
        }
        Ok(bytes)
    }

    /// Reads what [`Self::expose_bytes`] gives.
    ///
    /// # Errors
    ///
    /// [`Error::Instance`] for another length, version or contradictory fields, [`Error::Unsupported`]
    /// for an unknown key derivation, [`Error::FactorOutOfRange`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != Self::BYTES {
            return Err(Error::Instance("the binary form has 96 octets"));
        }
        let mut fields = Fields::new(bytes, 0, "forwarding instance");
        if fields.array()? != MAGIC {
            return Err(Error::Instance("it does not start with SPFI and version 1"));
        }
        let flags = fields.octet()?;
        if flags & !(HAS_KDF | HAS_NOT_BEFORE | HAS_NOT_AFTER) != 0 {
            return Err(Error::Instance("unknown flags"));
        }
        let forwarder = fields.take(20)?.try_into()?;
        let forwardee = fields.take(20)?.try_into()?;
        let [hash, symmetric] = *fields.array()?;
        let kdf = present(flags & HAS_KDF, (hash, symmetric), (0, 0))?;
        let not_before = present(flags & HAS_NOT_BEFORE, u64::from_be_bytes(*fields.array()?), 0)?;
        let not_after = present(flags & HAS_NOT_AFTER, u64::from_be_bytes(*fields.array()?), 0)?;
        let kdf = kdf.map(|(hash, symmetric)| Kdf::from_ids(hash, symmetric)).transpose()?;
        let factor = ProxyFactor::from_bytes(fields.array()?)?;
        Ok(Self::new(forwarder, forwardee, kdf, factor).valid(not_before.map(UnixTime), not_after.map(UnixTime)))
    }
}

/// A field that its flag announces. One that isn't announced must be `absent`, so that each instance has one form.
fn present<T: Copy + PartialEq>(flag: u8, value: T, absent: T) -> Result<Option<T>> {
    match flag {
        0 if value == absent => Ok(None),
        0 => Err(Error::Instance("a field has a value that its flag denies")),
        _ => Ok(Some(value)),
    }
}
