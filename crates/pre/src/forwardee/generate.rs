//! Setting up a forward: the forwardee's key, and an instance for each subkey.

use alloc::{string::String, vec::Vec};

use ed25519_dalek::SigningKey;
use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use super::FLAGS;
use crate::{
    Error, Fingerprint, Forwarder, ForwarderSubkey, Instance, Point, ProxyFactor, Result, SubkeySecret, UnixTime,
    armor,
    error::wide,
    kdf::{CURVE_OID, ECDH},
    key::{ED25519_OID, EDDSA_LEGACY, KDF_FORWARDING, fingerprint, key_digest},
    packet::{new_header, tag},
    s2k::protect,
    signature::{kind, push_mpi, sign, subpacket},
};

/// The largest user ID that we write, in octets.
const MAX_USER_ID: usize = 1024;
/// Flags of the primary key: it certifies, and nothing else.
const CERTIFY: u8 = 0x01;
/// Feature: SEIPD version 1.
const SEIPD_V1: u8 = 0x01;
/// More than a subkey, or the primary key with its user ID, takes besides the user ID: the key's buffer never grows.
const COMPONENT: usize = 512;

/// A forward that was set up: two secrets for two parties that must not meet.
#[derive(Debug)]
#[non_exhaustive]
pub struct Setup {
    /// For the server: an instance for each subkey, in the order of [`Forwarder::subkeys`].
    pub instances: Vec<Instance>,
    /// For the forwardee alone.
    pub key: ForwardeeSecretKey,
}

/// A forwardee's key as it was made: a transferable secret key of version 4
/// ([RFC 9580 §10.2](https://www.rfc-editor.org/rfc/rfc9580#section-10.2)). Wiped when dropped.
pub struct ForwardeeSecretKey {
    packets: Zeroizing<Vec<u8>>,
    fingerprint: Fingerprint,
}

impl ForwardeeSecretKey {
    /// The primary key's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The key's packets.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.packets
    }

    /// The key in ASCII armor.
    #[must_use]
    pub fn expose_armored(&self) -> Zeroizing<String> {
        armor::armor("PRIVATE KEY", &self.packets)
    }
}

impl core::fmt::Debug for ForwardeeSecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ForwardeeSecretKey({})", self.fingerprint)
    }
}

/// Sets up a forward: makes a new key for the forwardee, with one subkey for each of the forwarder's, and
/// computes the factors.
///
/// The key has an Ed25519 primary key that only certifies, the user ID, and Curve25519 subkeys whose KDF
/// field is `17 FF hash symmetric fingerprint` with the forwarder's values and whose key flags are exactly
/// 0x50 (the draft's §5.1). `now` becomes its creation time. With a passphrase it is locked (iterated and
/// salted S2K with SHA-256, AES-256).
///
/// # Errors
///
/// [`Error::NotAKey`] for a user ID that is empty, longer than 1024 octets or has control characters, and for
/// a time that version 4 keys can't express.
pub fn set_up(
    forwarder: &Forwarder,
    user_id: &str,
    now: UnixTime,
    passphrase: Option<&[u8]>,
    rng: &mut impl CryptoRng,
) -> Result<Setup> {
    if user_id.is_empty() || user_id.len() > MAX_USER_ID || user_id.chars().any(char::is_control) {
        return Err(Error::NotAKey("a user ID has 1 to 1024 octets and no control characters"));
    }
    let created = u32::try_from(now.0).map_err(|_| Error::NotAKey("a key's creation time has 32 bits"))?;
    let mut writer = Writer::new(created, user_id, forwarder.subkeys.len(), passphrase, rng)?;
    let instances = forwarder.subkeys.iter().map(|subkey| writer.subkey(subkey)).collect::<Result<_>>()?;
    let key = ForwardeeSecretKey { packets: writer.packets, fingerprint: writer.fingerprint };
    Ok(Setup { instances, key })
}

/// Writes the packets of a key.
struct Writer<'a, R> {
    created: [u8; 4],
    passphrase: Option<&'a [u8]>,
    rng: &'a mut R,
    primary: SigningKey,
    /// The public part of the primary key.
    public: Vec<u8>,
    fingerprint: Fingerprint,
    packets: Zeroizing<Vec<u8>>,
}

impl<'a, R: CryptoRng> Writer<'a, R> {
    /// Writes the primary key and its user ID.
    fn new(created: u32, user_id: &str, subkeys: usize, passphrase: Option<&'a [u8]>, rng: &'a mut R) -> Result<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut());
        let primary = SigningKey::from_bytes(&seed);
        let created = created.to_be_bytes();
        let point = Point::from_bytes(primary.verifying_key().to_bytes());
        let public = public_part(created, EDDSA_LEGACY, &ED25519_OID, &point, &[]);
        let fingerprint = fingerprint(&public);
        let packets = Zeroizing::new(Vec::with_capacity((subkeys + 1) * COMPONENT + user_id.len()));
        let mut writer = Self { created, passphrase, rng, primary, public, fingerprint, packets };
        let public = writer.public.clone();
        writer.secret_key(tag::SECRET_KEY, &public, seed.as_ref())?;
        writer.packet(tag::USER_ID, &[user_id.as_bytes()]);
        let len = u32::try_from(user_id.len()).unwrap_or(u32::MAX).to_be_bytes();
        let digest = key_digest::<Sha512>(&public).chain_update([0xB4]).chain_update(len).chain_update(user_id);
        let hashed: &[(u8, &[u8])] = &[
            (subpacket::KEY_FLAGS, &[CERTIFY]),
            // AES-256 and AES-128; SHA2-512 and SHA2-256; uncompressed.
            (subpacket::PREFERRED_CIPHERS, &[9, 7]),
            (subpacket::PREFERRED_HASHES, &[10, 8]),
            (subpacket::PREFERRED_COMPRESSION, &[0]),
            (subpacket::FEATURES, &[SEIPD_V1]),
        ];
        writer.signature(kind::POSITIVE_CERTIFICATION, hashed, digest);
        Ok(writer)
    }

    /// Writes a subkey for one of the forwarder's, and gives its instance.
    fn subkey(&mut self, of: &ForwarderSubkey) -> Result<Instance> {
        let secret = SubkeySecret::generate(self.rng);
        let (hash, symmetric) = of.public.kdf.ids();
        let first = of.public.sender_fingerprint();
        let kdf = [&[23, KDF_FORWARDING, hash, symmetric], &first.as_bytes()[..]].concat();
        let public = public_part(self.created, ECDH, &CURVE_OID, &secret.public(), &kdf);
        self.secret_key(tag::SECRET_SUBKEY, &public, secret.expose_mpi().as_ref())?;
        let digest: Sha512 = key_digest::<Sha512>(&self.public);
        let len = u16::try_from(public.len()).unwrap_or(u16::MAX).to_be_bytes();
        let digest = digest.chain_update([0x99]).chain_update(len).chain_update(&public);
        self.signature(kind::SUBKEY_BINDING, &[(subpacket::KEY_FLAGS, &[FLAGS])], digest);
        let factor = ProxyFactor::compute(&of.secret, &secret);
        Ok(Instance::new(of.public.fingerprint, fingerprint(&public), Some(of.public.kdf), factor))
    }

    fn secret_key(&mut self, tag: u8, public: &[u8], secret: &[u8]) -> Result<()> {
        let mut mpi = Zeroizing::new(Vec::with_capacity(secret.len() + 2));
        push_mpi(&mut mpi, secret);
        let secret = protect(&mpi, self.passphrase, self.rng)?;
        self.packet(tag, &[public, &secret]);
        Ok(())
    }

    /// Signs with the primary key, now, and names it in both ways.
    fn signature(&mut self, kind: u8, more: &[(u8, &[u8])], digest: Sha512) {
        let issuer = [&[4], &self.fingerprint.as_bytes()[..]].concat();
        let key_id = self.fingerprint.key_id();
        let mut hashed: Vec<(u8, &[u8])> = alloc::vec![
            (subpacket::CREATED, &self.created[..]),
            (subpacket::ISSUER, key_id.as_bytes()),
            (subpacket::ISSUER_FINGERPRINT, &issuer),
        ];
        hashed.extend_from_slice(more);
        let body = sign(&self.primary, kind, &hashed, digest);
        self.packet(tag::SIGNATURE, &[&body]);
    }

    fn packet(&mut self, tag: u8, parts: &[&[u8]]) {
        let (header, len) = new_header(tag, parts.iter().map(|part| part.len()).sum());
        self.packets.extend(header.iter().take(len));
        parts.iter().for_each(|part| self.packets.extend_from_slice(part));
        debug_assert!(wide(self.packets.len()) <= wide(self.packets.capacity()));
    }
}

/// The public part of a version 4 key on a curve.
fn public_part(created: [u8; 4], algorithm: u8, oid: &[u8], point: &Point, rest: &[u8]) -> Vec<u8> {
    let mut public = alloc::vec![4];
    public.extend(created);
    public.push(algorithm);
    public.extend_from_slice(oid);
    push_mpi(&mut public, &point.to_wire());
    public.extend_from_slice(rest);
    public
}
