//! The forwardee's side: a key that decrypts what was forwarded
//! ([draft-wussler-openpgp-forwarding-00 §4.1 and §7](https://datatracker.ietf.org/doc/html/draft-wussler-openpgp-forwarding-00#section-7)).

use alloc::{string::String, vec::Vec};
use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Curve25519Subkey, Error, ForwarderSubkey, Pkesk, Point, Result, SubkeySecret, s2k::Locked};

mod generate;
mod read;

pub use generate::{ForwardeeSecretKey, Setup, set_up};

/// The flag of a subkey for forwarded messages (the draft's §5.1).
pub(crate) const FLAG_FORWARDED: u8 = 0x40;
/// The flags that a forwarding subkey is given: 0x40, and 0x10 since the key "may have been split".
const FLAGS: u8 = FLAG_FORWARDED | 0x10;

/// A key for forwarded messages, as [`set_up`] or another program made it.
#[derive(Debug)]
pub struct ForwardeeKey {
    user_ids: Vec<String>,
    subkeys: Vec<ForwardeeSubkey>,
}

/// One subkey for forwarded messages.
pub struct ForwardeeSubkey {
    public: Curve25519Subkey,
    secret: Secret,
}

enum Secret {
    Clear(SubkeySecret),
    Locked(Locked),
}

impl ForwardeeKey {
    /// The user IDs.
    #[must_use]
    pub fn user_ids(&self) -> &[String] {
        &self.user_ids
    }

    /// The subkeys for forwarded messages, at least one.
    #[must_use]
    pub fn subkeys(&self) -> &[ForwardeeSubkey] {
        &self.subkeys
    }

    /// The subkeys for forwarded messages, at least one.
    #[must_use]
    pub fn into_subkeys(self) -> Vec<ForwardeeSubkey> {
        self.subkeys
    }

    /// Whether a subkey is locked with a passphrase.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.subkeys.iter().any(ForwardeeSubkey::is_locked)
    }

    /// Unlocks the subkeys that are locked.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPassphrase`]; [`Error::Unsupported`] for a protection that is not known here.
    pub fn unlock(&mut self, passphrase: &[u8]) -> Result<()> {
        self.subkeys.iter_mut().try_for_each(|subkey| subkey.unlock(passphrase))
    }

    /// Decrypts the session key of a message with the subkey that fits, for a hidden recipient with the
    /// first one that can.
    ///
    /// # Errors
    ///
    /// [`Error::Decryption`] if no subkey can; [`Error::Locked`].
    pub fn session_key(&self, pkesk: &Pkesk<'_>) -> Result<SessionKey> {
        let fitting = self.subkeys.iter().filter(|subkey| pkesk.recipient().may_be(&subkey.public.fingerprint));
        for subkey in fitting {
            match subkey.session_key(pkesk) {
                Err(Error::Decryption) => {}
                found => return found,
            }
        }
        Err(Error::Decryption)
    }
}

impl ForwardeeSubkey {
    /// The public half. Transformed session keys are for its fingerprint.
    #[must_use]
    pub fn public(&self) -> &Curve25519Subkey {
        &self.public
    }

    /// Whether the secret is locked with a passphrase.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self.secret, Secret::Locked(_))
    }

    /// Unlocks the secret, if it is locked.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPassphrase`]; [`Error::Unsupported`] for a protection that is not known here.
    pub fn unlock(&mut self, passphrase: &[u8]) -> Result<()> {
        if let Secret::Locked(locked) = &self.secret {
            self.secret = Secret::Clear(read::secret(&locked.unlock(passphrase)?, &self.public.public)?);
        }
        Ok(())
    }

    /// The same subkey as one whose messages are forwarded again. Whether it has expired or was revoked is not
    /// looked at here: [`Forwarder::candidates`](crate::Forwarder::candidates) tells.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`].
    pub fn into_forwarder(self) -> Result<ForwarderSubkey> {
        let Secret::Clear(secret) = self.secret else { return Err(Error::Locked) };
        ForwarderSubkey::new(self.public, secret)
    }

    /// Decrypts a session key, whomever its packet names.
    ///
    /// # Errors
    ///
    /// [`Error::Decryption`] whatever the cause; [`Error::Locked`].
    pub fn session_key(&self, pkesk: &Pkesk<'_>) -> Result<SessionKey> {
        let (Some(point), Some(wrapped)) = (pkesk.point(), pkesk.wrapped()) else { return Err(Error::Decryption) };
        let block = self.session_key_block(&point, wrapped)?;
        let (algorithm, rest) = match (pkesk.version(), block.split_first()) {
            (3, Some((algorithm, rest))) => (Some(*algorithm), rest),
            (_, _) => (None, &block[..]),
        };
        let (key, sum) = rest.split_last_chunk::<2>().ok_or(Error::Decryption)?;
        if crate::s2k::checksum(key).to_be_bytes() != *sum {
            return Err(Error::Decryption);
        }
        Ok(SessionKey { algorithm, key: Zeroizing::new(key.to_vec()) })
    }

    /// Unwraps a session key block (RFC 9580 §5.1.5): in version 3 the cipher's number, the session key and
    /// two octets of checksum, in version 6 without the number. The padding is removed.
    ///
    /// For OpenPGP libraries that take the block apart themselves.
    ///
    /// # Errors
    ///
    /// [`Error::Decryption`] whatever the cause; [`Error::Locked`].
    pub fn session_key_block(&self, point: &Point, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let Secret::Clear(secret) = &self.secret else { return Err(Error::Locked) };
        let shared = secret.shared(*point);
        // A point of small order: the shared secret is no secret (RFC 7748, section 6.1).
        if bool::from(shared.ct_eq(&[0; 32])) {
            return Err(Error::Decryption);
        }
        let len = wrapped.len().checked_sub(8).filter(|len| len % 8 == 0 && *len >= 16).ok_or(Error::Decryption)?;
        let mut block = Zeroizing::new(alloc::vec![0; len]);
        self.public.kdf.unwrap(&shared, &self.public.sender_fingerprint(), wrapped, &mut block)?;
        // PKCS #5 padding (RFC 9580 §11.5). What the key wrap vouches for has it.
        let padding = usize::from(block.last().copied().unwrap_or_default());
        let end = block.len().checked_sub(padding).filter(|_| padding > 0).ok_or(Error::Decryption)?;
        let padded = block.iter().skip(end).all(|octet| usize::from(*octet) == padding);
        block.truncate(end);
        if padded { Ok(block) } else { Err(Error::Decryption) }
    }
}

impl fmt::Debug for ForwardeeSubkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardeeSubkey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// A message's session key. Wiped when dropped.
pub struct SessionKey {
    algorithm: Option<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl SessionKey {
    /// The cipher's number in OpenPGP's registry of symmetric algorithms. A version 6 PKESK doesn't carry
    /// it: the packet with the encrypted data does.
    #[must_use]
    pub fn algorithm(&self) -> Option<u8> {
        self.algorithm
    }

    /// The secret key itself.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.key
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}
