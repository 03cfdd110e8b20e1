//! Reading a forwardee's key.

use alloc::{string::String, vec::Vec};

use super::{FLAG_FORWARDED, ForwardeeKey, ForwardeeSubkey, Secret};
use crate::{
    Curve25519Subkey, Error, Point, Result, SubkeySecret, armor,
    key::KeyBody,
    packet::{Fields, Packet, Packets, tag},
    s2k::SecretPart,
    signature::binding_flags,
};

/// No key for forwarded messages is larger.
const MAX_KEY: usize = 1 << 20;

impl ForwardeeKey {
    /// Reads a transferable secret key, binary or in armor, and takes its subkeys for forwarded messages:
    /// those whose KDF field has the type 0xFF and whose binding signature has the flag 0x40. Others are
    /// passed over, and so are unknown packets.
    ///
    /// Subkeys that have expired or were revoked are taken too: they decrypt old messages.
    ///
    /// Signatures are not verified: the key is its owner's secret, and came to him by a channel that he trusts.
    ///
    /// # Errors
    ///
    /// [`Error::NotAKey`], [`Error::Malformed`] or [`Error::Truncated`] for what is no key;
    /// [`Error::NoForwardingSubkey`]; [`Error::Unsupported`] for a hash, cipher or protection that is not
    /// known here; [`Error::KeyMismatch`] if the secret of a subkey that is not locked has another public point.
    pub fn read(key: &[u8]) -> Result<Self> {
        if key.len() > MAX_KEY {
            return Err(Error::Limit { what: "octets of a key", limit: MAX_KEY });
        }
        let octets = armor::dearmor(key)?;
        let mut packets = Packets::new(&octets);
        match packets.next()? {
            Some(Packet { tag: tag::SECRET_KEY, .. }) => {}
            Some(Packet { tag: tag::PUBLIC_KEY, .. }) => {
                return Err(Error::NotAKey("it is a public key, the secret key is needed"));
            }
            _ => return Err(Error::NotAKey("it does not start with a secret key")),
        }
        let mut key = Self { user_ids: Vec::new(), subkeys: Vec::new() };
        let mut subkey = None;
        while let Some(packet) = packets.next()? {
            match packet.tag {
                tag::USER_ID => key.user_ids.push(String::from_utf8_lossy(packet.body).into_owned()),
                tag::SECRET_SUBKEY => subkey = forwarding_subkey(&packet)?,
                tag::PUBLIC_SUBKEY => subkey = None,
                tag::SIGNATURE if binding_flags(&packet)?.is_some_and(|flags| flags & FLAG_FORWARDED != 0) => {
                    key.subkeys.extend(subkey.take());
                }
                _ => {}
            }
        }
        if key.subkeys.is_empty() { Err(Error::NoForwardingSubkey) } else { Ok(key) }
    }
}

/// The subkey, if its KDF field has the type 0xFF: `17 FF hash symmetric fingerprint`.
fn forwarding_subkey(packet: &Packet<'_>) -> Result<Option<ForwardeeSubkey>> {
    // A subkey of an algorithm that is not known here is not one that we look for.
    let Ok(body) = KeyBody::parse(packet) else { return Ok(None) };
    let Some(public) = Curve25519Subkey::parse(&body)?.filter(|subkey| subkey.first_forwarder.is_some()) else {
        return Ok(None);
    };
    let secret = match SecretPart::parse(body.secret, packet.body_at + body.public.len())? {
        SecretPart::Clear(fields) => Secret::Clear(secret(&fields, &public.public)?),
        SecretPart::Locked(locked) => Secret::Locked(locked),
    };
    Ok(Some(ForwardeeSubkey { public, secret }))
}

/// The secret MPI, if it belongs to this public point.
pub(super) fn secret(fields: &[u8], public: &Point) -> Result<SubkeySecret> {
    let mut fields = Fields::new(fields, 0, "secret key");
    let secret = SubkeySecret::from_mpi(fields.mpi()?)?;
    if secret.public() != *public {
        return Err(Error::KeyMismatch("the secret and the public point of a forwarding subkey"));
    }
    Ok(secret)
}
