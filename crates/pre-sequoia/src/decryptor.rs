//! Decrypting forwarded messages with Sequoia.

use std::time::UNIX_EPOCH;

use sealpost_pre::{Error as CoreError, Fingerprint, ForwardeeKey, ForwardeeSubkey, Point};
use sequoia_openpgp::{
    Result as SequoiaResult,
    crypto::{Decryptor, SessionKey, mpi},
    packet::{
        Key, PKESK,
        key::{Key4, PublicParts, UnspecifiedRole},
    },
    types::SymmetricAlgorithm,
};

use crate::Result;

/// A Sequoia [`Decryptor`] for a subkey for forwarded messages, which must not be locked.
#[derive(Debug)]
pub struct ForwardeeDecryptor<'a> {
    subkey: &'a ForwardeeSubkey,
    public: Key<PublicParts, UnspecifiedRole>,
}

impl<'a> ForwardeeDecryptor<'a> {
    /// A decryptor for this subkey.
    ///
    /// Sequoia can't express the subkey's KDF field: [`Decryptor::public`] gives a key with the same point and
    /// an ordinary field, hence another fingerprint. Sequoia does not compare it with a PKESK's recipient:
    /// [`decrypt_session_key`] does.
    ///
    /// # Errors
    ///
    /// `Locked` of the core; [`Error::Sequoia`](crate::Error::Sequoia).
    pub fn new(subkey: &'a ForwardeeSubkey) -> Result<Self> {
        if subkey.is_locked() {
            return Err(CoreError::Locked.into());
        }
        let public = subkey.public();
        let (hash, symmetric) = public.kdf.ids();
        let key = Key4::import_public_cv25519(
            public.public.as_bytes(),
            Some(hash.into()),
            Some(symmetric.into()),
            UNIX_EPOCH,
        )?;
        Ok(Self { subkey, public: key.into() })
    }
}

impl Decryptor for ForwardeeDecryptor<'_> {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        &self.public
    }

    fn decrypt(&mut self, ciphertext: &mpi::Ciphertext, _: Option<usize>) -> SequoiaResult<SessionKey> {
        let mpi::Ciphertext::ECDH { e, key } = ciphertext else { return Err(CoreError::Decryption.into()) };
        let point = Point::from_wire(e.value()).map_err(|_| CoreError::Decryption)?;
        Ok(SessionKey::from(self.subkey.session_key_block(&point, key)?.as_slice()))
    }
}

/// Tries the subkeys of a forwardee's key on the session keys of a message: for use in
/// [`DecryptionHelper::decrypt`](sequoia_openpgp::parse::stream::DecryptionHelper::decrypt), with the arguments
/// that it gets. Says whether the message was decrypted.
///
/// # Errors
///
/// As [`ForwardeeDecryptor::new`].
pub fn decrypt_session_key(
    key: &ForwardeeKey,
    pkesks: &[PKESK],
    algorithm: Option<SymmetricAlgorithm>,
    decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
) -> Result<bool> {
    for subkey in key.subkeys() {
        let mut decryptor = ForwardeeDecryptor::new(subkey)?;
        let fitting = pkesks.iter().filter(|pkesk| may_be_for(pkesk, subkey.public().fingerprint));
        for pkesk in fitting {
            if pkesk.decrypt(&mut decryptor, algorithm).is_some_and(|(algorithm, key)| decrypt(algorithm, &key)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a session key is for the subkey with this fingerprint, or hides for whom it is.
fn may_be_for(pkesk: &PKESK, fingerprint: Fingerprint) -> bool {
    let own = sequoia_openpgp::Fingerprint::V4(*fingerprint.as_bytes());
    pkesk.recipient().is_none_or(|recipient| recipient.aliases(sequoia_openpgp::KeyHandle::from(own)))
}
