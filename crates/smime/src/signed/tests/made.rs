//! What is made here is read as it was meant.

use std::{borrow::Cow, fs, sync::Arc};

use sealpost_testkit::vectors;

use super::*;
use crate::{Capabilities, UnixTime, key::SoftwareKey};

fn signer() -> Signer<'static> {
    Signer::new(&CERTIFICATE, &*KEY, SignatureScheme::Ed25519)
}

fn signed(signer: &Signer<'_>) -> Signed {
    signer.sign(oid::DATA, &signer.digest().hash(CONTENT), &mut rng()).unwrap()
}

fn opaque(parts: Parts<'_>, content: &[u8]) -> Vec<u8> {
    let opaque = parts.opaque(content.len().try_into().unwrap());
    let mut message = Vec::new();
    opaque.write(&mut |to| to.write_all(content).map_err(Error::Write), &mut message).unwrap();
    message
}

#[test]
fn what_is_signed_is_verified_wherever_the_content_is() {
    let capabilities = Capabilities::from_der(&write(0x30, &[])).unwrap();
    let full = Signer {
        signing_time: Some(UnixTime(1_790_000_000)),
        capabilities: Some(&capabilities),
        encryption_certificate: Some(&OTHER_CERTIFICATE),
        ..signer()
    };
    let by_key_id = Signer { naming: crate::IdentifyBy::SubjectKeyIdentifier, ..full };
    for (signer, version) in [(signer(), 1), (full, 1), (by_key_id, 3)] {
        let certificates = [CERTIFICATE.clone(), OTHER_CERTIFICATE.clone()];
        let signers = [signed(&signer)];
        let parts = Parts { content_type: oid::DATA, certificates: &certificates, signers: &signers };
        for message in [parts.detached(), opaque(parts, CONTENT)] {
            assert_eq!(read(&message).unwrap().0.certificates, certificates);
            assert_read(&message, &signer);
            // Both versions (RFC 5652 §5.1, §5.3).
            let sid = if version == 1 { 0x30 } else { 0x80 };
            for version in [&[2, 1, version, 0x31, 13, 0x30, 11][..], &[2, 1, version, sid]] {
                assert!(message.windows(version.len()).any(|octets| octets == version));
            }
        }
    }
}

/// The message is DER and has this one signer.
fn assert_read(message: &[u8], signer: &Signer<'_>) {
    assert!(matches!(to_der(message, &Limits::default()).unwrap(), Cow::Borrowed(_)));
    let (read, content) = read(message).unwrap();
    assert_eq!(content, if read.content_len.is_some() { CONTENT } else { b"" });
    let digests = if read.content_len.is_some() { read.digests } else { digests(CONTENT) };
    let [Ok(info)] = &read.signers[..] else { panic!() };
    assert_eq!(info.check(&digests, oid::DATA, signer.certificate), Ok(()));
    assert!(info.signer_identifier().matches(signer.certificate));
    assert_eq!((info.digest(), info.scheme()), (Some(signer.digest()), Some(signer.scheme)));
    assert_eq!((info.signing_time(), info.capabilities()), (signer.signing_time, signer.capabilities));
    let preference = signer.encryption_certificate.map(crate::CertificateIdentifier::issuer_and_serial);
    assert_eq!(info.encryption_key_preference(), preference.as_ref());
}

#[test]
fn several_signers_are_each_reported() {
    let second = Signer::new(&OTHER_CERTIFICATE, &*OTHER_KEY, SignatureScheme::Ed25519);
    let signers = [signed(&signer()), signed(&second)];
    let certificates = [CERTIFICATE.clone(), OTHER_CERTIFICATE.clone()];
    let parts = Parts { content_type: oid::DATA, certificates: &certificates, signers: &signers };
    let (read, _) = read(&opaque(parts, CONTENT)).unwrap();
    assert_eq!(read.digests.names().collect::<Vec<_>>(), [Digest::Sha512]);
    let verdicts = |certificate: &Certificate| -> Vec<_> {
        let signers = read.signers.iter().map(|signer| signer.as_ref().unwrap());
        signers.map(|signer| signer.check(&read.digests, oid::DATA, certificate).is_ok()).collect()
    };
    let (first, second) = (verdicts(&CERTIFICATE), verdicts(&OTHER_CERTIFICATE));
    assert!(first == [true, false] && second == [false, true] || first == [false, true] && second == [true, false]);
}

#[test]
fn lengths_are_known_before_the_content() {
    let signers = [signed(&signer())];
    let parts = Parts { content_type: oid::DATA, certificates: &[], signers: &signers };
    for len in [0, 1, 100, 127, 128, 255, 256, 65_400, 65_535, 65_536, 200_000, (1 << 24) + 1] {
        let content = vec![b'x'; len];
        let message = opaque(parts, &content);
        let (read, back) = read(&message).unwrap();
        assert!(back == content && read.content_len == Some(len.try_into().unwrap()), "{len}");
        assert_eq!(read.digests.get(Digest::Sha512).unwrap(), Digest::Sha512.hash(&content));
    }
    // No content is written that was not signed.
    for (said, is) in [(5, 4), (4, 5), (0, 1), (70_000, 69_999), (70_000, 80_000)] {
        let result =
            parts.opaque(said).write(&mut |to| to.write_all(&vec![0; is]).map_err(Error::Write), &mut Vec::new());
        assert!(matches!(result, Err(Error::Structure { .. })));
    }
}

#[test]
fn certificates_alone_make_a_message() {
    let certificates = [OTHER_CERTIFICATE.clone(), CERTIFICATE.clone()];
    let message = Parts::certificates_only(&certificates);
    let (read, content) = read(&message).unwrap();
    assert_eq!(read.certificates, [CERTIFICATE.clone(), OTHER_CERTIFICATE.clone()]);
    assert!(read.signers.is_empty() && read.content_len.is_none() && content.is_empty());
    let nothing = Parts::certificates_only(&[]);
    assert!(super::read(&nothing).unwrap().0.certificates.is_empty());
}

#[test]
fn a_key_signs_for_its_own_certificate_only() {
    let wrong = Signer::new(&OTHER_CERTIFICATE, &*KEY, SignatureScheme::Ed25519);
    assert!(matches!(wrong.sign(oid::DATA, &[0; 64], &mut rng()), Err(Error::Key(_))));
    let late = Signer { signing_time: Some(UnixTime(1 << 50)), ..signer() };
    assert!(late.sign(oid::DATA, &[0; 64], &mut rng()).is_err());
}

#[test]
fn times_are_written_as_they_are_read() {
    for seconds in [-631_152_000, 0, 2_524_607_999, 2_524_608_000, 253_402_300_799, -631_152_001] {
        let timed = Signer { signing_time: Some(UnixTime(seconds)), ..signer() };
        let signers = [signed(&timed)];
        let message = Parts { content_type: oid::DATA, certificates: &[], signers: &signers }.detached();
        let (read, _) = read(&message).unwrap();
        assert_eq!(read.signers[0].as_ref().unwrap().signing_time(), Some(UnixTime(seconds)));
    }
}

/// A certificate and its key from files in PEM.
fn from_pem(certificate: &str, key: &str) -> Option<(Certificate, Arc<dyn SigningKey>)> {
    let folder = vectors()?.join("smime");
    let [certificate, key] = [certificate, key].map(|file| fs::read(folder.join(file)).unwrap());
    let text = String::from_utf8(certificate).unwrap();
    let (_, base64) = text.split_once("-----BEGIN CERTIFICATE-----").unwrap();
    let base64: String = base64.lines().take_while(|line| !line.starts_with('-')).collect();
    let certificate = Certificate::from_der(&base64_simd::STANDARD.decode_to_vec(base64).unwrap()).unwrap();
    let key = SoftwareKey::read(&key, None, &Limits::default()).unwrap();
    Some((certificate, key.signing().unwrap()))
}

#[test]
fn every_kind_of_key_signs() {
    let sha256 = Digest::Sha256;
    let pss = SignatureScheme::RsaPss { digest: sha256, mask: sha256, salt: 32 };
    let mut count = 0;
    for (certificate, key, schemes) in [
        ("rfc9216/alice.sign.crt", "rfc9216/alice.sign.key", &[SignatureScheme::RsaPkcs1(sha256), pss][..]),
        ("openssl/smime-certs/smec1.pem", "openssl/smime-certs/smec1.pem", &[SignatureScheme::Ecdsa(sha256)]),
        ("rfc9216/carlos.sign.crt", "rfc9216/carlos.sign.25519.key", &[SignatureScheme::Ed25519]),
    ] {
        let Some((certificate, key)) = from_pem(certificate, key) else { return };
        for scheme in schemes {
            let capabilities = Capabilities::for_recipient(certificate.public_key());
            let signer = Signer {
                signing_time: Some(UnixTime(1_790_000_000)),
                capabilities: capabilities.as_ref().ok(),
                encryption_certificate: Some(&certificate),
                ..Signer::new(&certificate, &*key, *scheme)
            };
            let signers = [signed(&signer)];
            let certificates = [certificate.clone()];
            let message =
                opaque(Parts { content_type: oid::DATA, certificates: &certificates, signers: &signers }, CONTENT);
            assert_read(&message, &signer);
            count += 1;
        }
    }
    assert_eq!(count, 4);
}
