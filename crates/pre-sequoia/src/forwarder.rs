//! Reading the forwarder's key.

use std::time::SystemTime;

use sealpost_pre::{
    Curve25519Subkey, Error as CoreError, ForwardeeKey, Forwarder, ForwarderSubkey, Ineligible, MultiHop, Skipped,
    SubkeySecret,
};
use sequoia_openpgp::{
    Cert, Error as SequoiaError,
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
/// Forwarding subkeys, which Sequoia does not know, are read by the core.
///
/// # Errors
///
/// Of the core: `NoEligibleSubkey` with all reasons; `Locked` if a passphrase is needed, `WrongPassphrase` if it
/// is another one. [`Error::Sequoia`](crate::Error::Sequoia) for what is no valid key.
pub fn forwarder(key: &[u8], passphrase: Option<&[u8]>, now: SystemTime, hops: MultiHop) -> Result<Forwarder> {
    let publics = Curve25519Subkey::read_all(key)?;
    let (mut eligible, mut skipped) = (Vec::new(), Vec::new());
    let cert = Cert::from_bytes(key)?;
    for subkey in cert.keys().subkeys() {
        let fingerprint = subkey.key().fingerprint().to_hex();
        let found = publics.iter().find(|public| public.fingerprint.to_string() == fingerprint);
        match judge(&subkey.into(), now).and_then(|()| found.ok_or_else(unsupported_kdf)) {
            Ok(public) => eligible.push((*public, fingerprint)),
            Err(reason) => skipped.push(Skipped { subkey: fingerprint, reason }),
        }
    }
    let mut subkeys = Vec::new();
    for (public, fingerprint) in eligible {
        match secret(&cert, &fingerprint, passphrase)? {
            Some(secret) => subkeys.push(ForwarderSubkey::new(public, secret)?),
            None => skipped.push(Skipped { subkey: fingerprint, reason: Ineligible::NoSecret }),
        }
    }
    if publics.iter().any(|public| public.first_forwarder.is_some()) {
        subkeys.extend(forwarding_subkeys(key, passphrase)?);
    }
    Ok(Forwarder::new(subkeys, skipped, hops)?)
}

fn unsupported_kdf() -> Ineligible {
    Ineligible::UnsupportedKdf("its KDF field names a hash or a cipher that is not allowed".into())
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
    if let RevocationStatus::Revoked(_) = valid.valid_cert().revocation_status() {
        return Err(Ineligible::Revoked);
    }
    valid.alive().map_err(|why| match why.downcast_ref() {
        Some(SequoiaError::Expired(_)) => Ineligible::Expired,
        _ => Ineligible::NotValid(why.to_string()),
    })?;
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

fn forwarding_subkeys(key: &[u8], passphrase: Option<&[u8]>) -> Result<Vec<ForwarderSubkey>> {
    let mut key = match ForwardeeKey::read(key) {
        Ok(key) => key,
        // A public half, or one without the flag: there is nothing to forward.
        Err(CoreError::NoForwardingSubkey) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if key.is_locked() {
        key.unlock(passphrase.ok_or(CoreError::Locked)?)?;
    }
    Ok(key.into_subkeys().into_iter().map(sealpost_pre::ForwardeeSubkey::into_forwarder).collect::<Result<_, _>>()?)
}
