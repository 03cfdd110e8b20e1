//! The public half of a Curve25519 subkey, as a server sees it.

use alloc::vec::Vec;

use crate::{
    Error, Fingerprint, Kdf, Point, Result, armor,
    key::{KDF_FORWARDING, KeyBody},
    packet::{Packet, Packets, tag},
};

/// The type of an ordinary KDF field: hash and cipher, and the key's own fingerprint.
const KDF_OWN: u8 = 1;

/// A version 4 ECDH subkey over Curve25519, with its KDF field
/// ([RFC 9580 §5.5.5.6](https://www.rfc-editor.org/rfc/rfc9580#section-5.5.5.6) and the draft's §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Curve25519Subkey {
    /// The subkey's fingerprint.
    pub fingerprint: Fingerprint,
    /// Its public point.
    pub public: Point,
    /// The hash and the cipher in its KDF field.
    pub kdf: Kdf,
    /// For a forwarding subkey (KDF type 0xFF) the fingerprint in its KDF field: that of the first forwarder's subkey.
    pub first_forwarder: Option<Fingerprint>,
}

impl Curve25519Subkey {
    /// Reads those of a public or secret key, binary or in armor; other subkeys are passed over.
    ///
    /// Nothing is verified: neither signatures nor whether a subkey is valid now.
    ///
    /// # Errors
    ///
    /// [`Error::NotAKey`], [`Error::Malformed`] or [`Error::Truncated`] for what is no key.
    pub fn read_all(key: &[u8]) -> Result<Vec<Self>> {
        let octets = armor::dearmor(key)?;
        let mut packets = Packets::new(&octets);
        if !matches!(packets.next()?, Some(Packet { tag: tag::PUBLIC_KEY | tag::SECRET_KEY, .. })) {
            return Err(Error::NotAKey("it does not start with a primary key"));
        }
        let mut subkeys = Vec::new();
        while let Some(packet) = packets.next()? {
            if matches!(packet.tag, tag::PUBLIC_SUBKEY | tag::SECRET_SUBKEY) {
                // A subkey of a kind that is not known here is not one that we look for.
                subkeys.extend(KeyBody::parse(&packet).and_then(|body| Self::parse(&body)).ok().flatten());
            }
        }
        Ok(subkeys)
    }

    /// The fields of a key packet; `None` for another algorithm, curve or KDF field.
    pub(crate) fn parse(body: &KeyBody<'_>) -> Result<Option<Self>> {
        let Some((public, field)) = body.curve25519() else { return Ok(None) };
        let (ids, first_forwarder) = match *field {
            [KDF_OWN, hash, symmetric] => ((hash, symmetric), None),
            [KDF_FORWARDING, hash, symmetric, ref first @ ..] => ((hash, symmetric), Some(first.try_into()?)),
            _ => return Ok(None),
        };
        let kdf = Kdf::from_ids(ids.0, ids.1)?;
        Ok(Some(Self { fingerprint: body.fingerprint()?, public, kdf, first_forwarder }))
    }

    /// The fingerprint that senders take into the key derivation.
    pub(crate) fn sender_fingerprint(&self) -> Fingerprint {
        self.first_forwarder.unwrap_or(self.fingerprint)
    }
}
