//! Reading the forwarder's key.

use std::time::{SystemTime, UNIX_EPOCH};

use sealpost_pre::{
    Curve25519Subkey, Error as CoreError, ForwardeeKey, Forwarder, ForwarderSubkey, Ineligible, MultiHop, Skipped,
    SubkeySecret, UnixTime, dearmor,
};
use sequoia_openpgp::{
    Cert, Error as SequoiaError, anyhow,
    cert::amalgamation::{ValidAmalgamation, ValidateAmalgamation, key::ErasedKeyAmalgamation},
    crypto::mpi,
    packet::key::{PublicParts, SecretKeyMaterial},
    parse::Parse,
    policy::StandardPolicy,
    types::{Curve, KeyFlags, PublicKeyAlgorithm, RevocationStatus},
};

use crate::{Result, secret::unlocked};

/// Reads a forwarder's transferable secret key, binary or in armor, and sorts its subkeys into those that can
/// be forwarded and those that can't, each with its reason.
///
/// Eligible is a version 4 ECDH subkey over Curve25519 that is valid at `now` under Sequoia's standard policy
/// and whose key flags say encryption and nothing else, the flag "split" aside
/// ([draft-wussler-openpgp-forwarding-00 §5](https://datatracker.ietf.org/doc/html/draft-wussler-openpgp-forwarding-00#section-5)).
/// Forwarding subkeys, which Sequoia does not know, are read and judged by the core
/// ([`Forwarder::candidates`]), their primary key by Sequoia; their secrets are read where `hops` allows it only.
///
/// # Errors
///
/// Of the core: `NoEligibleSubkey` with all reasons; `Locked` if a passphrase is needed, `WrongPassphrase` if it
/// is another one. [`Error::Sequoia`](crate::Error::Sequoia) for what is no valid key.
pub fn forwarder(key: &[u8], passphrase: Option<&[u8]>, now: SystemTime, hops: MultiHop) -> Result<Forwarder> {
    // Sequoia's own armor reader leaves the secrets in freed memory.
    let key = dearmor(key)?;
    let key = key.as_slice();
    let (mut forwarding, mut ordinary, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let unix = UnixTime(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
    let candidates = Forwarder::candidates(key, unix, hops)?;
    let cert = Cert::from_bytes(key)?;
    let primary = primary(&cert, now);
    for (subkey, verdict) in candidates {
        let listed = cert.keys().subkeys().find(|listed| listed.key().fingerprint().to_hex() == subkey);
        let verdict = match listed {
            Some(listed) => judge(&listed.into(), now).and(verdict),
            None => verdict.and_then(unlisted),
        };
        match verdict.and_then(|public| primary.clone().map(|()| public)) {
            Ok(public) if public.first_forwarder.is_some() => forwarding.push(public),
            Ok(public) => ordinary.push(public),
            Err(reason) => skipped.push(Skipped { subkey, reason }),
        }
    }
    let mut subkeys = Vec::new();
    for public in ordinary {
        let subkey = public.fingerprint.to_string();
        match secret(&cert, &subkey, passphrase)? {
            Some(secret) => subkeys.push(ForwarderSubkey::new(public, secret)?),
            None => skipped.push(Skipped { subkey, reason: Ineligible::NoSecret }),
        }
    }
    if !forwarding.is_empty() {
        subkeys.extend(forwarding_subkeys(key, &forwarding, passphrase)?);
    }
    Ok(Forwarder::new(subkeys, skipped, hops)?)
}

/// What becomes of a subkey that Sequoia does not list: forwarding subkeys are not for it.
fn unlisted(public: Curve25519Subkey) -> Result<Curve25519Subkey, Ineligible> {
    match public.first_forwarder {
        Some(_) => Ok(public),
        None => Err(Ineligible::NotValid("Sequoia can't read it".into())),
    }
}

/// Whether the primary key is valid: no subkey is without it.
fn primary(cert: &Cert, now: SystemTime) -> Result<(), Ineligible> {
    let policy = StandardPolicy::at(now);
    if let RevocationStatus::Revoked(_) = cert.revocation_status(&policy, now) {
        return Err(Ineligible::Revoked);
    }
    cert.with_policy(&policy, now).and_then(|valid| valid.alive()).map_err(|why| not_alive(&why))
}

fn not_alive(why: &anyhow::Error) -> Ineligible {
    match why.downcast_ref() {
        Some(SequoiaError::Expired(_)) => Ineligible::Expired,
        _ => Ineligible::NotValid(why.to_string()),
    }
}

/// Whether a subkey may be forwarded.
fn judge(subkey: &ErasedKeyAmalgamation<'_, PublicParts>, now: SystemTime) -> Result<(), Ineligible> {
    let key = subkey.key();
    if key.version() != 4 {
        return Err(Ineligible::KeyVersion(key.version()));
    }
    let policy = StandardPolicy::at(now);
    let valid = subkey.clone().with_policy(&policy, now).map_err(|why| Ineligible::NotValid(why.to_string()))?;
    if !valid.key_flags().is_some_and(|flags| flags.for_transport_encryption() || flags.for_storage_encryption()) {
        return Err(Ineligible::KeyFlags);
    }
    algorithm(key.mpis(), key.pk_algo())?;
    if let RevocationStatus::Revoked(_) = valid.revocation_status() {
        return Err(Ineligible::Revoked);
    }
    valid.alive().map_err(|why| not_alive(&why))?;
    let flags = valid.key_flags().unwrap_or_else(KeyFlags::empty);
    let others = flags.clear_transport_encryption().clear_storage_encryption().clear_split_key();
    if others.is_empty() { Ok(()) } else { Err(Ineligible::KeyFlags) }
}

fn algorithm(mpis: &mpi::PublicKey, algorithm: PublicKeyAlgorithm) -> Result<(), Ineligible> {
    match mpis {
        mpi::PublicKey::ECDH { curve: Curve::Cv25519, .. } => Ok(()),
        mpi::PublicKey::ECDH { curve, .. } => Err(Ineligible::Curve(curve.to_string())),
        mpi::PublicKey::X25519 { .. } => Err(Ineligible::X25519),
        _ => Err(Ineligible::Algorithm(algorithm.to_string())),
    }
}

/// The secret of a subkey, if it is there.
fn secret(cert: &Cert, fingerprint: &str, passphrase: Option<&[u8]>) -> Result<Option<SubkeySecret>> {
    let key = cert.keys().subkeys().secret().map(|subkey| subkey.key().clone());
    let Some(key) = key.into_iter().find(|key| key.fingerprint().to_hex() == fingerprint) else { return Ok(None) };
    let key = unlocked(key, passphrase)?;
    let SecretKeyMaterial::Unencrypted(secret) = key.secret() else { return Err(CoreError::Locked.into()) };
    let secret = secret.map(|secret| match secret {
        mpi::SecretKeyMaterial::ECDH { scalar } => SubkeySecret::from_mpi(scalar.value()),
        _ => Err(CoreError::KeyMismatch("the algorithms of the secret and the public half of a subkey")),
    });
    Ok(Some(secret?))
}

/// The forwarding subkeys with these public halves.
fn forwarding_subkeys(
    key: &[u8],
    wanted: &[Curve25519Subkey],
    passphrase: Option<&[u8]>,
) -> Result<Vec<ForwarderSubkey>> {
    let subkeys = ForwardeeKey::read(key)?.into_subkeys();
    let wanted = subkeys.into_iter().filter(|subkey| wanted.contains(subkey.public()));
    let unlocked = wanted.map(|mut subkey| {
        if subkey.is_locked() {
            subkey.unlock(passphrase.ok_or(CoreError::Locked)?)?;
        }
        subkey.into_forwarder()
    });
    Ok(unlocked.collect::<Result<_, _>>()?)
}
