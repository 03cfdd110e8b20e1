//! Keys and certificates of no one, and messages in other encodings.

use std::sync::{
    LazyLock, Mutex,
    atomic::{AtomicU32, Ordering},
};

use der::oid::ObjectIdentifier;
use rand_core::{CryptoRng, UnwrapErr};

use super::super::*;
use crate::{
    Certificate, Limits, Result,
    asn1::{Element, elements, write, write_oid},
    key::SoftwareKey,
    oid,
};
use sealpost_testkit::forms::Pieces;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Rsa,
    P256,
    P384,
    X25519,
    #[cfg_attr(not(feature = "pqc"), expect(dead_code, reason = "there are no such keys"))]
    MlKem512,
    #[cfg_attr(not(feature = "pqc"), expect(dead_code, reason = "there are no such keys"))]
    MlKem768,
    #[cfg_attr(not(feature = "pqc"), expect(dead_code, reason = "there are no such keys"))]
    MlKem1024,
}

pub(crate) struct Holder {
    pub(crate) kind: Kind,
    pub(crate) credential: Credential,
    number: u32,
}

pub(crate) fn rng() -> impl CryptoRng {
    UnwrapErr(getrandom::SysRng)
}

fn random<const N: usize>() -> [u8; N] {
    use rand_core::Rng;
    let mut octets = [0; N];
    rng().fill_bytes(&mut octets);
    octets
}

/// Keys that take long to make are made a few times only.
static RSA: LazyLock<Mutex<Vec<SoftwareKey>>> = LazyLock::new(|| {
    let key = || {
        use rsa::pkcs8::EncodePrivateKey;
        let key = rsa::RsaPrivateKey::new(&mut rng(), 1024).unwrap();
        SoftwareKey::from_der(key.to_pkcs8_der().unwrap().as_bytes(), None, &limits()).unwrap()
    };
    Mutex::new((0..4).map(|_| key()).collect())
});

fn key(kind: Kind) -> SoftwareKey {
    let pkcs8 = |algorithm: &[&[u8]], key: &[u8]| {
        let der = write(0x30, &[&[2, 1, 0], &write(0x30, algorithm), &write(0x04, &[key])]);
        SoftwareKey::from_der(&der, None, &limits()).unwrap()
    };
    let on_curve = |curve, secret: &[u8]| {
        let secret = write(0x30, &[&[2, 1, 1], &write(0x04, &[secret])]);
        pkcs8(&[&write_oid(oid::EC_PUBLIC_KEY), &write_oid(curve)], &secret)
    };
    match kind {
        Kind::Rsa => {
            let mut keys = RSA.lock().unwrap();
            keys.rotate_left(1);
            keys[0].clone()
        }
        // Below the order.
        Kind::P256 => on_curve(oid::SECP256R1, &[&[1], &random::<31>()[..]].concat()),
        Kind::P384 => on_curve(oid::SECP384R1, &[&[1], &random::<47>()[..]].concat()),
        Kind::X25519 => pkcs8(&[&write_oid(oid::X25519)], &write(0x04, &[&random::<32>()])),
        Kind::MlKem512 => pkcs8(&[&write_oid(oid::ML_KEM_512)], &write(0x80, &[&random::<64>()])),
        Kind::MlKem768 => pkcs8(&[&write_oid(oid::ML_KEM_768)], &write(0x80, &[&random::<64>()])),
        Kind::MlKem1024 => pkcs8(&[&write_oid(oid::ML_KEM_1024)], &write(0x80, &[&random::<64>()])),
    }
}

pub(crate) fn private(key: &SoftwareKey) -> PrivateKey {
    PrivateKey::from_software(key).unwrap()
}

impl Holder {
    pub(crate) fn new(kind: Kind) -> Self {
        static NUMBERS: AtomicU32 = AtomicU32::new(0);
        Self::with(kind, NUMBERS.fetch_add(1, Ordering::Relaxed))
    }

    fn with(kind: Kind, number: u32) -> Self {
        let key = private(&key(kind));
        let certificate = certificate(key.public_key(), number, None);
        Self { kind, credential: Credential::new(certificate, key).unwrap(), number }
    }

    pub(crate) fn with_another_key(&self) -> Self {
        loop {
            let other = Self::with(self.kind, self.number);
            if other.credential.key.public_key() != self.credential.key.public_key() {
                return other;
            }
        }
    }

    /// The certificate for the key of another, as when it is renewed.
    pub(crate) fn of_key(&self, other: &Self) -> Credential {
        let certificate = certificate(other.credential.key.public_key(), self.number, None);
        Credential::new(certificate, other.credential.key.clone()).unwrap()
    }

    pub(crate) fn with_usage(&self, usage: u8) -> Certificate {
        certificate(self.credential.key.public_key(), self.number, Some(usage))
    }
}

/// A certificate that nobody signed.
fn certificate(spki: &[u8], number: u32, usage: Option<u8>) -> Certificate {
    let serial = [&[1], &number.to_be_bytes()[..]].concat();
    certificate_of(&write(0x30, &[]), &serial, &number.to_be_bytes(), spki, usage)
}

/// With an issuer (DER), a serial number and a key identifier (octets).
fn certificate_of(issuer: &[u8], serial: &[u8], key_id: &[u8], spki: &[u8], usage: Option<u8>) -> Certificate {
    let subject = write(0x30, &[]);
    let algorithm = write(0x30, &[&write_oid(oid::ED25519)]);
    let validity = write(0x30, &[&write(0x17, &[b"200101000000Z"]), &write(0x17, &[b"400101000000Z"])]);
    let extension = |id, value: &[u8]| write(0x30, &[&write_oid(id), &write(0x04, &[value])]);
    let mut extensions = extension(oid::SUBJECT_KEY_ID, &write(0x04, &[key_id]));
    if let Some(usage) = usage {
        extensions.extend(extension(oid::KEY_USAGE, &write(0x03, &[&[0, usage]])));
    }
    let serial = write(0x02, &[serial]);
    let tbs = write(
        0x30,
        &[
            &[0xA0, 3, 2, 1, 2],
            &serial,
            &algorithm,
            issuer,
            &validity,
            &subject,
            spki,
            &write(0xA3, &[&write(0x30, &[&extensions])]),
        ],
    );
    Certificate::from_der(&write(0x30, &[&tbs, &algorithm, &write(0x03, &[&[0; 65]])])).unwrap()
}

pub(crate) fn limits() -> Limits {
    Limits::default()
}

pub(crate) fn opener(credentials: &[Credential]) -> Opener<'_> {
    static LIMITS: LazyLock<Limits> = LazyLock::new(Limits::default);
    Opener { credentials, limits: &LIMITS, legacy: LegacyCiphers::Refuse, judges: None }
}

pub(crate) fn seal(cipher: ContentCipher, recipients: &[Recipient], content: &[u8]) -> Vec<u8> {
    let envelope = Envelope::new(cipher, recipients, &mut rng()).unwrap();
    let len = content.len().try_into().unwrap();
    let mut message = Vec::new();
    envelope.write(&mut |to| to.write_all(content).map_err(crate::Error::Write), len, &mut message).unwrap();
    // All lengths in it are right.
    Element::from_der(&message, "").unwrap();
    message
}

pub(crate) fn open(message: &[u8], credentials: &[Credential]) -> Result<(Opened, Vec<u8>)> {
    open_in_pieces(message, credentials, &[usize::MAX])
}

/// Where it fails, nothing may have been written.
pub(crate) fn open_in_pieces(message: &[u8], credentials: &[Credential], sizes: &[usize]) -> Result<(Opened, Vec<u8>)> {
    run(&opener(credentials), message, sizes)
}

pub(crate) fn run(opener: &Opener<'_>, message: &[u8], sizes: &[usize]) -> Result<(Opened, Vec<u8>)> {
    let mut out = Vec::new();
    let result = opener.open(&mut || Ok(Box::new(Pieces::new(message, sizes))), &mut rng(), &mut out);
    assert!(result.is_ok() || out.is_empty(), "something was written before all was checked");
    result.map(|opened| (opened, out))
}

/// The same in BER: indefinite lengths, and octet strings in pieces, in constructed elements of the structure.
pub(crate) fn to_ber(der: &[u8], piece: usize) -> Vec<u8> {
    fn indefinite(element: &Element<'_>, piece: usize, depth: usize) -> Vec<u8> {
        let tag = element.raw[0];
        // Below that names and keys begin, which are in DER always.
        if tag & 0x20 != 0 && depth < 4 {
            let inner = elements(element.value, "a test").unwrap();
            let inner: Vec<_> = inner.iter().flat_map(|element| indefinite(element, piece, depth + 1)).collect();
            return [&[tag, 0x80], &inner[..], &[0, 0]].concat();
        }
        // The content.
        if tag == 0x80 && depth == 4 {
            let pieces: Vec<_> = element.value.chunks(piece).flat_map(|piece| write(0x04, &[piece])).collect();
            return [&[0xA0, 0x80], &pieces[..], &[0, 0]].concat();
        }
        element.raw.to_vec()
    }

    indefinite(&Element::from_der(der, "a test").unwrap(), piece, 0)
}

/// With another recipient before the others.
pub(crate) fn with_recipient(message: &[u8], odd: &[u8]) -> Vec<u8> {
    let outer = Element::from_der(message, "a test").unwrap().inner("a test").unwrap();
    let data = Element::from_der(outer[1].value, "a test").unwrap().inner("a test").unwrap();
    let recipients = write(0x31, &[odd, data[1].value]);
    let rest: Vec<_> = data[2..].iter().flat_map(|element| element.raw).copied().collect();
    let data = write(0x30, &[data[0].raw, &recipients, &rest]);
    write(0x30, &[outer[0].raw, &write(0xA0, &[&data])])
}

/// With another content type around it.
pub(crate) fn with_type(message: &[u8], kind: ObjectIdentifier) -> Vec<u8> {
    let outer = Element::from_der(message, "a test").unwrap().inner("a test").unwrap();
    write(0x30, &[&write_oid(kind), outer[1].raw])
}
