//! The forwarder's side: which of the subkeys can be forwarded, and why the others can't.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::{
    Curve25519Subkey, Error, Result, SubkeySecret, UnixTime, armor, forwardee::FLAG_FORWARDED, subkey::SubkeyPackets,
};

/// A subkey whose messages can be forwarded: version 4, ECDH over Curve25519
/// ([draft-wussler-openpgp-forwarding-00 §5](https://datatracker.ietf.org/doc/html/draft-wussler-openpgp-forwarding-00#section-5)).
#[derive(Debug)]
pub struct ForwarderSubkey {
    pub(crate) public: Curve25519Subkey,
    pub(crate) secret: SubkeySecret,
}

impl ForwarderSubkey {
    /// A subkey with its secret.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`] if they don't belong together.
    pub fn new(public: Curve25519Subkey, secret: SubkeySecret) -> Result<Self> {
        if secret.public() != public.public {
            return Err(Error::KeyMismatch("the secret and the public point of a subkey"));
        }
        Ok(Self { public, secret })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &Curve25519Subkey {
        &self.public
    }
}

/// Whether what was forwarded may be forwarded again.
///
/// Factors compose: a server that holds the factors of two hops can skip the one in the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MultiHop {
    /// Forwarding subkeys are [`Ineligible::ForwardingSubkey`].
    #[default]
    Forbid,
    /// Forwarding subkeys are forwarded like others.
    Allow,
}

/// The forwarder: the subkeys to be forwarded, at least one.
#[derive(Debug)]
pub struct Forwarder {
    pub(crate) subkeys: Vec<ForwarderSubkey>,
    skipped: Vec<Skipped>,
}

impl Forwarder {
    /// Lists all subkeys of a key, public or secret, binary or in armor, each once, with its name as in
    /// [`Skipped::subkey`] and its public half or why it can't be forwarded, as far as the packets tell.
    ///
    /// No signature is verified and no secret read. Whether an ordinary subkey is valid, and whether the primary
    /// key is, an OpenPGP library must judge. Of forwarding subkeys, which such libraries don't know, this tells
    /// whether they can be forwarded at `now`: whether `hops` allows it, the flag 0x40 (the draft's §5.1), revocations
    /// (type 0x28), the key expiration time in the latest binding signature
    /// ([RFC 9580 §5.2.3.13](https://www.rfc-editor.org/rfc/rfc9580#section-5.2.3.13)), and whether the secret is there.
    ///
    /// # Errors
    ///
    /// [`Error::NotAKey`], [`Error::Malformed`] or [`Error::Truncated`] for what is no key.
    pub fn candidates(
        key: &[u8],
        now: UnixTime,
        hops: MultiHop,
    ) -> Result<Vec<(String, Result<Curve25519Subkey, Ineligible>)>> {
        let octets = armor::dearmor(key)?;
        let judged = SubkeyPackets::read_all(&octets)?.into_iter().map(|subkey| {
            let verdict = judge(&subkey, now, hops);
            (subkey.name, verdict)
        });
        Ok(judged.collect())
    }

    /// Takes the eligible subkeys, and for the record those that aren't.
    ///
    /// # Errors
    ///
    /// [`Error::NoEligibleSubkey`] if none is left; it has all of the others with their reasons.
    pub fn new(subkeys: Vec<ForwarderSubkey>, mut skipped: Vec<Skipped>, hops: MultiHop) -> Result<Self> {
        let again = |subkey: &ForwarderSubkey| subkey.public.first_forwarder.is_some() && hops == MultiHop::Forbid;
        let (again, subkeys): (Vec<_>, Vec<_>) = subkeys.into_iter().partition(again);
        skipped.extend(again.into_iter().map(|subkey| Skipped {
            subkey: alloc::format!("{}", subkey.public.fingerprint),
            reason: Ineligible::ForwardingSubkey,
        }));
        if subkeys.is_empty() { Err(Error::NoEligibleSubkey(skipped)) } else { Ok(Self { subkeys, skipped }) }
    }

    /// The subkeys that will be forwarded.
    #[must_use]
    pub fn subkeys(&self) -> &[ForwarderSubkey] {
        &self.subkeys
    }

    /// The subkeys whose mail stays with the forwarder, and why.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

fn judge(subkey: &SubkeyPackets<'_>, now: UnixTime, hops: MultiHop) -> Result<Curve25519Subkey, Ineligible> {
    let public = subkey.curve25519()?;
    let reasons = [
        (hops == MultiHop::Forbid, Ineligible::ForwardingSubkey),
        (subkey.flags() & FLAG_FORWARDED == 0, Ineligible::KeyFlags),
        (subkey.revoked, Ineligible::Revoked),
        (subkey.expires().is_some_and(|end| now >= end), Ineligible::Expired),
        (!subkey.has_secret(), Ineligible::NoSecret),
    ];
    let reason = reasons.into_iter().find(|(applies, _)| public.first_forwarder.is_some() && *applies);
    reason.map_or(Ok(public), |(_, reason)| Err(reason))
}

/// A subkey that can't be forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters for OpenPGP libraries make it")]
pub struct Skipped {
    /// Its fingerprint in hexadecimal digits; where that can't be told, in which place of the key it is.
    pub subkey: String,
    /// Why it can't be forwarded.
    pub reason: Ineligible,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subkey, self.reason)
    }
}

/// Why a subkey can't be forwarded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ineligible {
    /// Its algorithm is not ECDH: RSA, Elgamal, or a post-quantum algorithm.
    #[error("{0} can't be forwarded: only ECDH over Curve25519 can")]
    Algorithm(String),
    /// It is ECDH over another curve.
    #[error("ECDH over {0} can't be forwarded: only over Curve25519")]
    Curve(String),
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// It is a forwarding subkey, and forwarding again is forbidden.
    #[error("it is itself a forwarding subkey, and forwarding again is not allowed here")]
    ForwardingSubkey,
    /// Its key flags say something else than encryption.
    #[error("its key flags are not those of an encryption subkey")]
    KeyFlags,
    /// It has the wrong version: version 6 keys have no subkeys of this kind.
    #[error("it is a key of version {0}: only version 4 can be forwarded")]
    KeyVersion(u8),
    /// There is no secret key with it.
    #[error("its secret key is not there")]
    NoSecret,
    /// It is not valid for another reason, which the OpenPGP library gave.
    #[error("it is not valid: {0}")]
    NotValid(String),
    /// It has been revoked.
    #[error("it has been revoked")]
    Revoked,
    /// Its KDF field names a hash or a cipher that the standard does not allow.
    #[error("{0}")]
    UnsupportedKdf(String),
    /// It is of the algorithm X25519 of RFC 9580, whose key derivation takes in the ephemeral point
    /// (§5.1.6), which forwarding changes.
    #[error("X25519 of RFC 9580 (algorithm 25) can't be forwarded: its key derivation binds the ephemeral point")]
    X25519,
}
