//! Subkeys: the public half of one over Curve25519, as a server sees it, and what the packets of a key say of any.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use sha2::{Digest, Sha256};

use crate::{
    Error, Fingerprint, Ineligible, Kdf, Point, Result, UnixTime, armor,
    kdf::ECDH,
    key::{KDF_FORWARDING, KeyBody, fingerprint},
    packet::{Packet, Packets, tag},
    signature::{Binding, is_revocation},
};

/// The type of an ordinary KDF field: hash and cipher, and the key's own fingerprint.
const KDF_OWN: u8 = 1;
/// X25519 in OpenPGP's registry of public key algorithms.
const X25519: u8 = 25;

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
        let mut packets = behind_primary(&octets)?;
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

/// The packets of a key behind its primary key.
pub(crate) fn behind_primary(octets: &[u8]) -> Result<Packets<'_>> {
    let mut packets = Packets::new(octets);
    match packets.next()? {
        Some(Packet { tag: tag::PUBLIC_KEY | tag::SECRET_KEY, .. }) => Ok(packets),
        _ => Err(Error::NotAKey("it does not start with a primary key")),
    }
}

/// A subkey of whatever kind and what its signatures say. Nothing is verified.
#[derive(Debug)]
pub(crate) struct SubkeyPackets<'a> {
    /// The fingerprint, or where the packet is if that can't be told.
    pub(crate) name: String,
    /// Whether there is a signature that revokes it.
    pub(crate) revoked: bool,
    packet: Packet<'a>,
    bindings: Vec<Binding>,
}

impl<'a> SubkeyPackets<'a> {
    /// Those of a key, each once. A binding signature that can't be read is none.
    pub(crate) fn read_all(octets: &'a [u8]) -> Result<Vec<Self>> {
        let mut packets = behind_primary(octets)?;
        let mut subkeys: Vec<Self> = Vec::new();
        let mut current = 0;
        while let Some(packet) = packets.next()? {
            if matches!(packet.tag, tag::PUBLIC_SUBKEY | tag::SECRET_SUBKEY) {
                let name = name(&packet);
                current = subkeys.iter().position(|subkey| subkey.name == name).unwrap_or(subkeys.len());
                if current == subkeys.len() {
                    subkeys.push(Self { name, revoked: false, packet, bindings: Vec::new() });
                }
            }
            let Some(subkey) = subkeys.get_mut(current) else { continue };
            match packet.tag {
                tag::SECRET_SUBKEY => subkey.packet = packet,
                tag::SIGNATURE => {
                    subkey.revoked |= is_revocation(&packet);
                    subkey.bindings.extend(Binding::parse(&packet).ok().flatten());
                }
                _ => {}
            }
        }
        Ok(subkeys)
    }

    /// The subkey's fields if it is one that can be forwarded, as far as its algorithm goes.
    pub(crate) fn curve25519(&self) -> Result<Curve25519Subkey, Ineligible> {
        match self.packet.body.first() {
            Some(4) => {}
            version => return Err(Ineligible::KeyVersion(version.copied().unwrap_or_default())),
        }
        let Ok(body) = KeyBody::parse(&self.packet) else {
            return Err(Ineligible::Algorithm("an algorithm that is not known here".into()));
        };
        match (Curve25519Subkey::parse(&body), body.algorithm) {
            (Ok(Some(subkey)), _) => Ok(subkey),
            (Err(error), _) => Err(Ineligible::UnsupportedKdf(error.to_string())),
            (Ok(None), ECDH) if body.curve25519().is_some() => {
                Err(Ineligible::UnsupportedKdf("its KDF field is of an unknown type".into()))
            }
            (Ok(None), ECDH) => Err(Ineligible::Curve("another curve".into())),
            (Ok(None), X25519) => Err(Ineligible::X25519),
            (Ok(None), id) => Err(Ineligible::Algorithm(format!("algorithm {id}"))),
        }
    }

    /// The key flags of all binding signatures together.
    pub(crate) fn flags(&self) -> u8 {
        self.bindings.iter().fold(0, |flags, binding| flags | binding.flags)
    }

    /// From when on the subkey is no longer valid, as its latest binding signature says; `None` for never.
    pub(crate) fn expires(&self) -> Option<UnixTime> {
        let lifetime = self.bindings.iter().max_by_key(|binding| binding.created)?.lifetime?;
        let &[_, a, b, c, d, ..] = self.packet.body else { return None };
        Some(UnixTime(u64::from(u32::from_be_bytes([a, b, c, d])) + u64::from(lifetime.get())))
    }

    /// Whether there is a secret key, locked or not.
    pub(crate) fn has_secret(&self) -> bool {
        self.packet.tag == tag::SECRET_SUBKEY
    }
}

/// The fingerprint of a subkey of version 4 or 6 ([RFC 9580 §5.5.4](https://www.rfc-editor.org/rfc/rfc9580#section-5.5.4)),
/// or where its packet is: that of a secret key needs an algorithm that is known.
fn name(packet: &Packet<'_>) -> String {
    let body = KeyBody::parse(packet).map(|body| body.public);
    let public = if packet.tag == tag::PUBLIC_SUBKEY { Some(packet.body) } else { body.ok() };
    match public {
        Some(public @ [4, ..]) => fingerprint(public).to_string(),
        Some(public @ [6, ..]) => {
            let len = u32::try_from(public.len()).unwrap_or(u32::MAX).to_be_bytes();
            let digest = Sha256::new().chain_update([0x9B]).chain_update(len).chain_update(public).finalize();
            base16ct::upper::encode_string(&digest)
        }
        _ => format!("the subkey at offset {}", packet.offset),
    }
}
