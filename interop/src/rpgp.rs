//! The crate `pgp` with its feature for the forwarding draft.

use pgp::{
    composed::{
        ArmorOptions, DecryptionOptions, Deserializable, Esk, KeyType, Message, SecretKeyParamsBuilder,
        SignedSecretKey, SignedSecretSubKey, TheRing,
    },
    crypto::ecc_curve::ECCCurve,
    packet::{KeyFlags, PubKeyInner, PublicSubkey, SecretSubkey},
    ser::Serialize,
    types::{EcdhKdfType, EcdhPublicParams, Fingerprint, KeyDetails, KeyVersion, Password, PublicParams, Timestamp},
};
use rand::rngs::OsRng;

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

    /// Makes a forwardee's key for the first subkey of a forwarder's armored key, without a password.
    ///
    /// # Panics
    ///
    /// If rPGP can't.
    #[must_use]
    pub fn forwardee_of(forwarder: &[u8]) -> Self {
        let (forwarder, _) = SignedSecretKey::from_armor_single(forwarder).unwrap();
        let Fingerprint::V4(replacement_fingerprint) = forwarder.secret_subkeys[0].fingerprint() else {
            panic!("a version 4 key")
        };
        let mut builder = SecretKeyParamsBuilder::default();
        let params = builder.key_type(KeyType::Ed25519Legacy).primary_user_id("frederick".into()).build().unwrap();
        let mut key = params.generate(OsRng).unwrap();
        let algorithm = KeyType::ECDH(ECCCurve::Curve25519Legacy);
        let (mut public, secret) = algorithm.generate(OsRng).unwrap();
        if let PublicParams::ECDH(EcdhPublicParams::Curve25519Legacy { ecdh_kdf_type, .. }) = &mut public {
            *ecdh_kdf_type = EcdhKdfType::Replaced { replacement_fingerprint };
        }
        let public = PubKeyInner::new(KeyVersion::V4, algorithm.to_alg(), Timestamp::now(), None, public).unwrap();
        let public = PublicSubkey::from_inner(public).unwrap();
        let mut flags = KeyFlags::default();
        flags.set_shared(true);
        flags.set_draft_decrypt_forwarded(true);
        let no_password = Password::empty();
        let binding =
            public.sign(OsRng, &key.primary_key, key.primary_key.public_key(), &no_password, flags, None).unwrap();
        let subkey = SecretSubkey::new(public, secret).unwrap();
        key.secret_subkeys.push(SignedSecretSubKey::new(subkey, vec![binding]));
        Self { key, password: no_password }
    }

    /// The armored key.
    ///
    /// # Panics
    ///
    /// If rPGP can't write it.
    #[must_use]
    pub fn armored(&self) -> String {
        self.key.to_armored_string(ArmorOptions::default()).unwrap()
    }

    /// The fingerprint of the first subkey in hexadecimal digits.
    #[must_use]
    pub fn subkey(&self) -> String {
        self.key.secret_subkeys[0].fingerprint().to_string()
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
