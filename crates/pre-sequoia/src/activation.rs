//! The activation token: how the passphrase of a forwardee's key reaches the forwardee, and only him.

use std::{
    io::{Read, Write},
    time::SystemTime,
};

use sealpost_pre::Error as CoreError;
use sequoia_openpgp::{
    Cert, KeyHandle, Result as SequoiaResult,
    crypto::{SessionKey, random},
    packet::{PKESK, SKESK},
    parse::{
        Parse,
        stream::{DecryptionHelper, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper},
    },
    policy::StandardPolicy,
    serialize::stream::{Armorer, Encryptor, LiteralWriter, Message, Recipient, Signer},
    types::SymmetricAlgorithm,
};
use zeroize::Zeroizing;

use crate::{Error, Result, secret::unlocked};

/// Octets of randomness in a passphrase.
const RANDOM: usize = 32;
/// Octets that are read of a token's content; it has 64.
const LONGEST: u64 = 256;

/// A random passphrase for a forwardee's key. Sealed, it is a message encrypted to the forwardee and signed by
/// the forwarder: the server that stores it beside the locked key can open neither.
///
/// The format is that of Proton's clients: the literal data is the passphrase, 64 hexadecimal digits.
pub struct ActivationToken(Zeroizing<String>);

impl ActivationToken {
    /// A new one, with randomness of the operating system.
    ///
    /// # Errors
    ///
    /// [`Error::Sequoia`] if the backend has no randomness.
    pub fn generate() -> Result<Self> {
        let mut octets = Zeroizing::new([0; RANDOM]);
        random(&mut octets[..])?;
        let mut passphrase = Zeroizing::new(String::with_capacity(2 * RANDOM));
        for octet in *octets {
            passphrase.extend([octet >> 4, octet & 15].iter().filter_map(|half| char::from_digit((*half).into(), 16)));
        }
        Ok(Self(passphrase))
    }

    /// The secret passphrase.
    #[must_use]
    pub fn expose_passphrase(&self) -> &str {
        &self.0
    }

    /// Encrypts the token to the forwardee's certificate and signs it with the forwarder's key, which
    /// `passphrase` unlocks where it is locked. Gives an armored message.
    ///
    /// # Errors
    ///
    /// [`Error::NoKey`] where one of the two has no valid key for it; `Locked` and `WrongPassphrase` of the core.
    pub fn seal(
        &self,
        forwarder: &Cert,
        passphrase: Option<&[u8]>,
        forwardee: &Cert,
        now: SystemTime,
    ) -> Result<Vec<u8>> {
        let policy = StandardPolicy::at(now);
        let recipients: Vec<Recipient<'_>> = forwardee
            .keys()
            .with_policy(&policy, now)
            .supported()
            .alive()
            .revoked(false)
            .for_transport_encryption()
            .map(Recipient::from)
            .collect();
        if recipients.is_empty() {
            return Err(no_key(forwardee, "encryption"));
        }
        let signer =
            forwarder.keys().with_policy(&policy, now).supported().alive().revoked(false).for_signing().secret();
        let signer = signer.map(|key| key.key().clone()).next().ok_or_else(|| no_key(forwarder, "signing"))?;
        let signer = unlocked(signer, passphrase)?.into_keypair()?;
        let mut sealed = Vec::new();
        let message = Armorer::new(Message::new(&mut sealed)).build()?;
        let message = Encryptor::for_recipients(message, recipients).build()?;
        let message = Signer::new(message, signer)?.add_intended_recipient(forwardee).creation_time(now).build()?;
        let mut message = LiteralWriter::new(message).build()?;
        message.write_all(self.0.as_bytes()).map_err(sequoia_openpgp::anyhow::Error::from)?;
        message.finalize()?;
        Ok(sealed)
    }

    /// Decrypts a token with the forwardee's key, which `passphrase` unlocks where it is locked, and verifies
    /// that the forwarder signed it.
    ///
    /// # Errors
    ///
    /// [`Error::ActivationToken`] if the signature is missing or another's, or the content is no token;
    /// [`Error::Sequoia`] if it can't be decrypted; `Locked` and `WrongPassphrase` of the core.
    pub fn open(
        sealed: &[u8],
        forwardee: &Cert,
        passphrase: Option<&[u8]>,
        forwarder: &Cert,
        now: SystemTime,
    ) -> Result<Self> {
        let mut failure = None;
        let helper = Helper { forwardee, passphrase, forwarder, now, failure: &mut failure };
        let token = decrypt(sealed, helper).map_err(|error| failure.unwrap_or(Error::Sequoia(error)))?;
        let token = std::str::from_utf8(&token).unwrap_or_default();
        if token.len() != 2 * RANDOM || !token.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(Error::ActivationToken("its content is not 64 hexadecimal digits"));
        }
        Ok(Self(Zeroizing::new(token.to_owned())))
    }
}

/// The content of a token, no more than [`LONGEST`] octets of it.
fn decrypt(sealed: &[u8], helper: Helper<'_>) -> SequoiaResult<Zeroizing<Vec<u8>>> {
    let policy = StandardPolicy::at(helper.now);
    let now = helper.now;
    let decryptor = DecryptorBuilder::from_bytes(sealed)?.with_policy(&policy, now, helper)?;
    let mut content = Zeroizing::new(Vec::with_capacity(8 * RANDOM));
    decryptor.take(LONGEST).read_to_end(&mut content)?;
    Ok(content)
}

impl std::fmt::Debug for ActivationToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ActivationToken(..)")
    }
}

fn no_key(cert: &Cert, purpose: &'static str) -> Error {
    Error::NoKey { certificate: cert.fingerprint().to_hex(), purpose }
}

struct Helper<'a> {
    forwardee: &'a Cert,
    passphrase: Option<&'a [u8]>,
    forwarder: &'a Cert,
    now: SystemTime,
    /// Why it failed, where Sequoia's own error would say less.
    failure: &'a mut Option<Error>,
}

impl VerificationHelper for Helper<'_> {
    fn get_certs(&mut self, _: &[KeyHandle]) -> SequoiaResult<Vec<Cert>> {
        Ok(vec![self.forwarder.clone()])
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> SequoiaResult<()> {
        let signed = structure.into_iter().any(|layer| match layer {
            MessageLayer::SignatureGroup { results } => results.iter().any(Result::is_ok),
            _ => false,
        });
        if signed {
            return Ok(());
        }
        *self.failure = Some(Error::ActivationToken("it is not signed by the forwarder"));
        Err(sequoia_openpgp::anyhow::anyhow!("not signed by the forwarder"))
    }
}

impl DecryptionHelper for Helper<'_> {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> SequoiaResult<Option<Cert>> {
        let policy = StandardPolicy::at(self.now);
        let keys = self.forwardee.keys().with_policy(&policy, self.now).for_transport_encryption().secret();
        for key in keys {
            let fitting =
                |pkesk: &&PKESK| pkesk.recipient().is_none_or(|recipient| recipient.aliases(key.key().key_handle()));
            for pkesk in pkesks.iter().filter(fitting) {
                let mut pair = match unlocked(key.key().clone(), self.passphrase) {
                    Ok(key) => key.into_keypair()?,
                    Err(error) => {
                        *self.failure = Some(error);
                        return Err(CoreError::Locked.into());
                    }
                };
                if pkesk.decrypt(&mut pair, algorithm).is_some_and(|(algorithm, key)| decrypt(algorithm, &key)) {
                    return Ok(Some(self.forwardee.clone()));
                }
            }
        }
        Err(CoreError::Decryption.into())
    }
}
