//! Keys, signatures, serial numbers (sections 6.1.5, 6.1.6, 7.1, 7.1.3).

use der::{Decode, Encode, Sequence, asn1::AnyRef};
use p256::pkcs8::DecodePublicKey;
use rsa::pkcs1::RsaPublicKeyRef;

use super::{Findings, Rule, view::View};
use crate::{
    keys::{algorithm_of, bits_of},
    request::Frame,
};

/// The AlgorithmIdentifiers of keys that sign or receive mail, as they must be written (section 7.1.3.1). P-521 and
/// Ed448, which are allowed there, too, are of no use to anything here.
const RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
const P256: &[u8] = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384: &[u8] = b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
const ED25519: &[u8] = b"\x30\x05\x06\x03\x2b\x65\x70";

/// Those of signatures (section 7.1.3.2): RSA (PKCS #1 v1.5) and ECDSA with SHA-256, SHA-384, SHA-512; Ed25519.
const SIGNATURES: [&[u8]; 6] = [
    b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00",
    b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00",
    b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00",
    b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
    b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03",
    ED25519,
];

/// The same for RSASSA-PSS, whose parameters take more room: the hash function, and the salt as long as its output.
const PSS: [(u8, u8); 3] = [(1, 32), (2, 48), (3, 64)];

/// The least bits of an RSA modulus (section 6.1.5).
const LEAST: usize = 2048;
/// At least 64 bits of a serial number must be random (section 7.1): with fewer octets they can't be.
const SHORTEST_SERIAL: usize = 8;
/// RFC 5280, section 4.1.2.2.
const LONGEST_SERIAL: usize = 20;

pub(super) fn judge(view: &View<'_>, findings: &mut Findings) {
    serial(view.certificate.serial(), findings);
    key(view.certificate.public_key(), findings);
    let outer = view.certificate.signature_algorithm();
    if !SIGNATURES.contains(&outer) && !PSS.iter().any(|(hash, salt)| pss(*hash, *salt) == outer) {
        findings.add(Rule::SignatureKind, "its signature is made by an algorithm that is not allowed");
    }
    let frame = Frame::from_der(view.certificate.as_der());
    if frame.ok().and_then(|frame| frame.signature.as_bytes()).is_none() {
        findings.add(Rule::Readable, "its signature is not whole octets");
    }
    match Front::read(view.certificate.tbs()) {
        Some(front) if front.version != Some(2) => findings.add(Rule::Version, "its version is not 3"),
        Some(front) if front.algorithm != outer => {
            findings.add(Rule::SignatureKind, "what it says inside about its signature differs from what it has");
        }
        Some(_) => {}
        None => findings.add(Rule::Readable, "its first fields"),
    }
}

fn serial(serial: &[u8], findings: &mut Findings) {
    let positive = serial.first().is_some_and(|first| *first < 0x80) && serial.iter().any(|octet| *octet != 0);
    if !positive || serial.len() > LONGEST_SERIAL {
        findings.add(Rule::Serial, "its serial number is not positive, or has more than 20 octets");
    }
    if serial.len() < SHORTEST_SERIAL {
        findings.add(Rule::Serial, "its serial number is too short to have 64 random bits");
    }
}

fn key(spki: &[u8], findings: &mut Findings) {
    let algorithm = algorithm_of(spki).unwrap_or_default();
    let sound = match algorithm.as_slice() {
        RSA => {
            rsa(spki, findings);
            true
        }
        P256 => p256::PublicKey::from_public_key_der(spki).is_ok(),
        P384 => p384::PublicKey::from_public_key_der(spki).is_ok(),
        ED25519 => bits_of(spki).is_some_and(|key| key.len() == 32),
        _ => false,
    };
    if !sound {
        findings.add(Rule::KeyKind, "its key is neither RSA nor on P-256, P-384 or Ed25519, or is written otherwise");
    }
}

fn rsa(spki: &[u8], findings: &mut Findings) {
    let octets = bits_of(spki).unwrap_or_default();
    let Ok(key) = RsaPublicKeyRef::from_der(&octets) else {
        return findings.add(Rule::KeyKind, "its RSA key can't be read");
    };
    let bits = |number: &[u8]| {
        let zeros = number.first().map_or(0, |first| first.leading_zeros());
        number.len() * 8 - usize::try_from(zeros).unwrap_or_default()
    };
    let modulus = bits(key.modulus.as_bytes());
    if modulus < LEAST || !modulus.is_multiple_of(8) {
        findings.add(Rule::KeySize, format!("its RSA modulus has {modulus} bits"));
    }
    let exponent = key.public_exponent.as_bytes();
    if exponent == [1] || exponent.last().is_none_or(|last| last.is_multiple_of(2)) {
        findings.add(Rule::KeySize, "its RSA exponent is even or 1");
    }
}

/// RSASSA-PSS with that hash function, MGF1 with the same, and a salt of that length (RFC 4055, section 3.1).
fn pss(hash: u8, salt: u8) -> Vec<u8> {
    let digest = [b"\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02".as_slice(), &[hash], b"\x05\x00"].concat();
    [
        b"\x30\x41\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x34\xa0\x0f".as_slice(),
        &digest,
        b"\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08",
        &digest,
        b"\xa2\x03\x02\x01",
        &[salt],
    ]
    .concat()
}

/// The first fields of what is signed.
struct Front {
    version: Option<u8>,
    algorithm: Vec<u8>,
}

#[derive(Sequence)]
struct Tbs<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    version: Option<u8>,
    serial: AnyRef<'a>,
    algorithm: AnyRef<'a>,
    issuer: AnyRef<'a>,
    validity: AnyRef<'a>,
    subject: AnyRef<'a>,
    spki: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<AnyRef<'a>>,
}

impl Front {
    fn read(tbs: &[u8]) -> Option<Self> {
        let tbs = Tbs::from_der(tbs).ok()?;
        Some(Self { version: tbs.version, algorithm: tbs.algorithm.to_der().ok()? })
    }
}
