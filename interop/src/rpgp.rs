//! The crate `pgp` with its feature for the forwarding draft.

use pgp::{
    composed::{DecryptionOptions, Deserializable, Esk, Message, SignedSecretKey, TheRing},
    ser::Serialize,
    types::Password,
};

/// A forwardee's key in rPGP.
#[derive(Debug)]
pub struct Rpgp {
    key: SignedSecretKey,
    password: Password,
}

impl Rpgp {
    /// Reads an armored key, and verifies its self-signatures.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn new(key: &[u8], password: &str) -> Self {
        let (key, _) = SignedSecretKey::from_armor_single(key).unwrap();
        key.verify_bindings().unwrap();
        Self { key, password: password.into() }
    }

    /// Decrypts an armored message, with or without opting in to forwarded ones.
    ///
    /// # Errors
    ///
    /// What rPGP says.
    ///
    /// # Panics
    ///
    /// If what it decrypted can't be decompressed.
    pub fn decrypt(&self, message: &[u8], opt_in: bool) -> Result<Vec<u8>, String> {
        let (message, _) = Message::from_armor(message).map_err(|error| error.to_string())?;
        let options = DecryptionOptions::new();
        let ring = TheRing {
            decrypt_options: if opt_in { options.enable_draft_forwarding() } else { options },
            secret_keys: vec![&self.key],
            key_passwords: vec![&self.password],
            ..Default::default()
        };
        let (message, _) = message.decrypt_the_ring(ring, true).map_err(|error| error.to_string())?;
        let mut message = if message.is_compressed() { message.decompress().unwrap() } else { message };
        message.as_data_vec().map_err(|error| error.to_string())
    }

    /// The factor that rPGP computes for the first subkeys of a forwarder's armored key and of this one.
    ///
    /// # Panics
    ///
    /// If it can't.
    #[must_use]
    pub fn factor(&self, forwarder: &[u8]) -> Vec<u8> {
        let (forwarder, _) = SignedSecretKey::from_armor_single(forwarder).unwrap();
        let (from, to) = (&forwarder.secret_subkeys[0].key, &self.key.secret_subkeys[0].key);
        from.generate_proxy_parameter(to, &Password::empty(), &self.password).unwrap().as_ref().to_vec()
    }

    /// What rPGP makes of the first session key of an armored message: the body of the packet.
    ///
    /// # Panics
    ///
    /// If it can't.
    #[must_use]
    pub fn transform(&self, message: &[u8], factor: [u8; 32]) -> Vec<u8> {
        let (message, _) = Message::from_armor(message).unwrap();
        let Message::Encrypted { esk, .. } = message else { panic!("not encrypted") };
        let [Esk::PublicKeyEncryptedSessionKey(pkesk), ..] = &esk[..] else { panic!("no PKESK") };
        let transformed = pkesk.forwarding_transform(&self.key.secret_subkeys[0].key, factor.into());
        transformed.unwrap().to_bytes().unwrap()
    }
}
