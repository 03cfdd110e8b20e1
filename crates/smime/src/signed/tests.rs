//! Tests of SignedData.

mod forgeries;
mod made;
mod vectors;

use std::sync::LazyLock;

use ed25519_dalek::Signer as _;
use rand_core::CryptoRng;

use super::*;
use crate::{
    algorithm::SignatureScheme,
    asn1::{write, write_oid},
    key::SigningKey,
};

const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nPay 100 to Alice.\r\n";

/// Keys of Ed25519.
struct TestKey {
    key: ed25519_dalek::SigningKey,
    public_key: Vec<u8>,
}

impl TestKey {
    fn new(seed: u8) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let bits = [&[0], &key.verifying_key().to_bytes()[..]].concat();
        let public_key = write(0x30, &[&write(0x30, &[&write_oid(oid::ED25519)]), &write(0x03, &[&bits])]);
        Self { key, public_key }
    }
}

impl SigningKey for TestKey {
    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    fn supports(&self, scheme: SignatureScheme) -> bool {
        scheme == SignatureScheme::Ed25519
    }

    fn sign(&self, _: SignatureScheme, message: &[u8], _: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        Ok(self.key.sign(message).to_bytes().to_vec())
    }
}

/// A certificate that no one signed.
fn certificate_of(key: &TestKey, serial: u8) -> Certificate {
    let algorithm = write(0x30, &[&write_oid(oid::ED25519)]);
    let name = |name: &[u8]| {
        let attribute = write(0x30, &[b"\x06\x03\x55\x04\x03", &write(0x0c, &[name])]);
        write(0x30, &[&write(0x31, &[&attribute])])
    };
    let validity = write(0x30, &[b"\x17\x0d260101000000Z", b"\x17\x0d360101000000Z"]);
    let key_id = write(0x04, &[&write(0x04, &[&[serial; 20]])]);
    let extensions = write(0x30, &[&write(0x30, &[&write_oid(oid::SUBJECT_KEY_ID), &key_id])]);
    let tbs = [
        write(0xa0, &[&[2, 1, 2]]),
        write(0x02, &[&[serial]]),
        algorithm.clone(),
        name(b"an issuer"),
        validity,
        name(b"a signer"),
        key.public_key.clone(),
        write(0xa3, &[&extensions]),
    ];
    let der = write(0x30, &[&write(0x30, &[&tbs.concat()]), &algorithm, &write(0x03, &[&[0; 65]])]);
    Certificate::from_der(&der).unwrap()
}

static KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::new(1));
static OTHER_KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::new(2));
static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| certificate_of(&KEY, 7));
static OTHER_CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| certificate_of(&OTHER_KEY, 8));

fn rng() -> impl CryptoRng {
    rand_core::UnwrapErr(getrandom::SysRng)
}

fn digests(content: &[u8]) -> Digests {
    let mut hashes = Hashes::new(Digest::ALL);
    hashes.update(content);
    hashes.finish()
}

/// Reads a message and its content.
fn read(message: &[u8]) -> Result<(SignedData, Vec<u8>)> {
    let mut content = Vec::new();
    let read = SignedData::read(message, &Limits::default(), &mut |octets| {
        content.extend_from_slice(octets);
        Ok(())
    })?;
    Ok((read, content))
}

/// A SignedData from its fields behind the version.
fn message(fields: &[&[u8]]) -> Vec<u8> {
    let signed_data = write(0x30, &[&[2, 1, 1], &fields.concat()]);
    write(0x30, &[&write_oid(oid::SIGNED_DATA), &write(0xa0, &[&signed_data])])
}

/// The field `encapContentInfo`.
fn encapsulated(content: &[u8]) -> Vec<u8> {
    write(0x30, &[&write_oid(oid::DATA), &write(0xa0, &[&write(0x04, &[content])])])
}
