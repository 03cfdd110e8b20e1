//! Signatures: reading what they say of a subkey, and making the self-signatures of a forwardee's key
//! ([RFC 9580 §5.2.3](https://www.rfc-editor.org/rfc/rfc9580#section-5.2.3)).

use alloc::vec::Vec;
use core::num::NonZeroU32;

use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha512};

use crate::{
    Result,
    error::wide,
    key::EDDSA_LEGACY,
    packet::{Fields, Packet},
};

/// Types of subpackets (RFC 9580 §5.2.3.7).
pub(crate) mod subpacket {
    pub(crate) const CREATED: u8 = 2;
    pub(crate) const KEY_EXPIRATION: u8 = 9;
    pub(crate) const PREFERRED_CIPHERS: u8 = 11;
    pub(crate) const ISSUER: u8 = 16;
    pub(crate) const PREFERRED_HASHES: u8 = 21;
    pub(crate) const PREFERRED_COMPRESSION: u8 = 22;
    pub(crate) const KEY_FLAGS: u8 = 27;
    pub(crate) const FEATURES: u8 = 30;
    pub(crate) const ISSUER_FINGERPRINT: u8 = 33;
}

/// Types of signatures (RFC 9580 §5.2.1).
pub(crate) mod kind {
    pub(crate) const POSITIVE_CERTIFICATION: u8 = 0x13;
    pub(crate) const SUBKEY_BINDING: u8 = 0x18;
    pub(crate) const SUBKEY_REVOCATION: u8 = 0x28;
}

const SHA512: u8 = 10;

/// What a subkey's binding signature says. Subpackets count whether they are hashed or not: one that forbids
/// something is obeyed wherever it stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Binding {
    /// When the signature was made, in seconds since 1970.
    pub(crate) created: u32,
    /// The first octet of the key flags, 0 where there are none (RFC 9580 §5.2.3.29).
    pub(crate) flags: u8,
    /// The key expiration time, in seconds after the key's creation (§5.2.3.13); `None`, written as 0 or not at all,
    /// means never.
    pub(crate) lifetime: Option<NonZeroU32>,
}

impl Binding {
    /// `None` where the packet is another signature.
    pub(crate) fn parse(packet: &Packet<'_>) -> Result<Option<Self>> {
        let mut fields = Fields::new(packet.body, packet.body_at, "signature");
        let version = fields.octet()?;
        if !matches!(version, 4 | 6) || fields.octet()? != kind::SUBKEY_BINDING {
            return Ok(None);
        }
        // The algorithms of key and hash.
        fields.take(2)?;
        let mut binding = Self::default();
        for _ in ["hashed", "unhashed"] {
            let len = if version == 4 { u16::from_be_bytes(*fields.array()?).into() } else { fields.number()? };
            let start = fields.offset();
            let area = fields.take(usize::try_from(len).unwrap_or(usize::MAX))?;
            let mut area = Fields::new(area, start, "signature subpacket");
            while !area.rest().is_empty() {
                binding.take(subpacket(&mut area)?);
            }
        }
        Ok(Some(binding))
    }

    /// Takes in a subpacket: its type, with a bit that says whether it is critical, and its data.
    fn take(&mut self, subpacket: &[u8]) {
        let Some((id, data)) = subpacket.split_first() else { return };
        match (id & 0x7F, data) {
            (subpacket::CREATED, &[a, b, c, d]) => self.created = u32::from_be_bytes([a, b, c, d]),
            (subpacket::KEY_EXPIRATION, &[a, b, c, d]) => {
                let lifetime = NonZeroU32::new(u32::from_be_bytes([a, b, c, d]));
                self.lifetime = self.lifetime.into_iter().chain(lifetime).min();
            }
            (subpacket::KEY_FLAGS, &[first, ..]) => self.flags |= first,
            _ => {}
        }
    }
}

/// The first octet of the key flags of a subkey's binding signature, 0 where it has none; `None` where the packet is
/// another signature.
pub(crate) fn binding_flags(packet: &Packet<'_>) -> Result<Option<u8>> {
    Ok(Binding::parse(packet)?.map(|binding| binding.flags))
}

/// Whether a packet is a signature of version 4 or 6 that revokes a subkey.
pub(crate) fn is_revocation(packet: &Packet<'_>) -> bool {
    matches!(packet.body, [4 | 6, kind::SUBKEY_REVOCATION, ..])
}

/// Cuts off a subpacket. Lengths follow RFC 9580 §5.2.3.7.
fn subpacket<'a>(area: &mut Fields<'a>) -> Result<&'a [u8]> {
    let len = match area.octet()? {
        one @ 0..=191 => one.into(),
        two @ 192..=254 => (u32::from(two) - 192) * 256 + u32::from(area.octet()?) + 192,
        255 => area.number()?,
    };
    area.take(usize::try_from(len).unwrap_or(usize::MAX))
}

/// The body of a signature with Ed25519Legacy over what `digest` has taken in.
pub(crate) fn sign(key: &SigningKey, kind: u8, hashed: &[(u8, &[u8])], mut digest: Sha512) -> Vec<u8> {
    let mut hashed_area = Vec::new();
    for (id, data) in hashed {
        hashed_area.push(u8::try_from(data.len() + 1).unwrap_or(u8::MAX));
        hashed_area.push(*id);
        hashed_area.extend_from_slice(data);
    }
    let area_len = u16::try_from(hashed_area.len()).unwrap_or(u16::MAX);
    let mut body = alloc::vec![4, kind, EDDSA_LEGACY, SHA512];
    body.extend(area_len.to_be_bytes());
    body.extend(hashed_area);
    digest.update(&body);
    let [.., a, b, c, d] = wide(body.len()).to_be_bytes();
    digest.update([4, 0xFF, a, b, c, d]);
    let digest = digest.finalize();
    // No unhashed subpackets.
    body.extend([0, 0]);
    body.extend(digest.iter().take(2));
    let signature = key.sign(&digest);
    push_mpi(&mut body, signature.r_bytes());
    push_mpi(&mut body, signature.s_bytes());
    body
}

/// Appends a big-endian integer as an MPI: its length in bits, then its octets without leading zeros.
pub(crate) fn push_mpi(body: &mut Vec<u8>, integer: &[u8]) {
    let zeros = integer.iter().take_while(|octet| **octet == 0).count();
    let octets = integer.get(zeros..).unwrap_or_default();
    let unused = octets.first().map_or(0, |first| first.leading_zeros());
    let bits = u32::try_from(octets.len() * 8).unwrap_or(u32::MAX).saturating_sub(unused);
    body.extend(u16::try_from(bits).unwrap_or(u16::MAX).to_be_bytes());
    body.extend_from_slice(octets);
}
