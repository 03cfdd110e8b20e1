//! Any octets as an encrypted message, for keys that everyone knows.

use std::{convert::Infallible, sync::LazyLock};

use rand_core::{TryCryptoRng, TryRng};

use super::{
    Credential, Enveloped, LegacyCiphers, Opener, PrivateKey, cipher::ContentAlgorithm, recipients::RecipientInfo,
};
use crate::{
    Certificate, Error, Limits, Result,
    asn1::{write, write_oid},
    ber::to_der,
    key::SoftwareKey,
    oid,
};

/// A message is opened with keys of P-256 and X25519. What opens must open in DER too, and to the same; what doesn't
/// must have written nothing.
///
/// # Panics
///
/// If it isn't so.
pub fn fuzz(input: &[u8]) {
    let limits = Limits::default();
    drop(RecipientInfo::read(input, &limits));
    if let Ok(algorithm) = ContentAlgorithm::from_der(input) {
        let again = ContentAlgorithm::from_der(&algorithm.to_der());
        assert!(algorithm.cipher.is_legacy() || again.is_ok_and(|again| again == algorithm), "parameters stay");
    }
    let shown = Enveloped::read(input, &limits);
    let Ok(plaintext) = open(input, &limits) else { return };
    assert!(shown.is_ok(), "what opens has a structure");
    let Ok(der) = to_der(input, &limits) else { return };
    assert!(open(&der, &limits).is_ok_and(|again| again == plaintext), "it must open in DER");
}

fn open(message: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    static CREDENTIALS: LazyLock<Vec<Credential>> =
        LazyLock::new(|| [oid::SECP256R1, oid::X25519].into_iter().flat_map(credential).collect());
    let opener = Opener { credentials: &CREDENTIALS, limits, legacy: LegacyCiphers::Read, judges: None };
    let mut out = Vec::new();
    let opened = opener.open(&mut || Ok(Box::new(message)), &mut Counter(0), &mut out);
    assert!(opened.is_ok() || out.is_empty(), "something was written before all was checked");
    opened.map(|_| out)
}

/// The key 0x42…42 of a group, in a certificate with the serial number 1 and the key identifier 01.
pub(super) fn credential(group: der::oid::ObjectIdentifier) -> Result<Credential> {
    let (algorithm, key) = if group == oid::X25519 {
        (write(0x30, &[&write_oid(group)]), write(0x04, &[&[0x42; 32]]))
    } else {
        let key = write(0x30, &[&[2, 1, 1], &write(0x04, &[&[0x42; 32]])]);
        (write(0x30, &[&write_oid(oid::EC_PUBLIC_KEY), &write_oid(group)]), key)
    };
    let key = write(0x30, &[&[2, 1, 0], &algorithm, &write(0x04, &[&key])]);
    let key = SoftwareKey::from_der(&key, None, &Limits::default())?;
    let key = PrivateKey::from_software(&key).ok_or(Error::Key("it is of another kind"))?;
    let (name, algorithm) = (write(0x30, &[]), write(0x30, &[&write_oid(oid::ED25519)]));
    let time = write(0x17, &[b"200101000000Z"]);
    let id = write(0x30, &[&write_oid(oid::SUBJECT_KEY_ID), &write(0x04, &[&[4, 1, 1]])]);
    let extensions = write(0xA3, &[&write(0x30, &[&id])]);
    let fields =
        [&[2, 1, 1], &algorithm[..], &name, &write(0x30, &[&time, &time]), &name, key.public_key(), &extensions];
    let tbs = write(0x30, &[&[0xA0, 3, 2, 1, 2], &fields.concat()]);
    Credential::new(Certificate::from_der(&write(0x30, &[&tbs, &algorithm, &[3, 1, 0]]))?, key)
}

/// No random numbers: what is found must be found again.
struct Counter(u8);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets)?;
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets)?;
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
        for octet in octets {
            self.0 = self.0.wrapping_add(1);
            *octet = self.0;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}
