//! Unlocking secret keys.

use sealpost_pre::Error as CoreError;
use sequoia_openpgp::packet::{
    Key,
    key::{KeyRole, SecretParts},
};

use crate::Result;

/// The key with its secret in the clear.
pub(crate) fn unlocked<R: KeyRole>(key: Key<SecretParts, R>, passphrase: Option<&[u8]>) -> Result<Key<SecretParts, R>> {
    if key.has_unencrypted_secret() {
        return Ok(key);
    }
    let passphrase = passphrase.ok_or(CoreError::Locked)?;
    Ok(key.decrypt_secret(&passphrase.into()).map_err(|_| CoreError::WrongPassphrase)?)
}
