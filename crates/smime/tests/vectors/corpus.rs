//! Files of other projects, old and odd ones among them: each is read, or refused with an error that says why.

use std::io::Cursor;

use sealpost_smime::{
    Certificate, Error, Limits, Pkcs12, Protection, Structure, UnixTime, Verifier,
    key::SoftwareKey,
    path::{Purpose, Validator},
    read_crls,
};
use sealpost_testkit::tally::Tally;

use super::support::{files, folder, is, judged, mail, unarmored, verifier};

/// A file, what it is found to be, and why it is refused if it is.
type Case = (&'static str, &'static str, Option<&'static str>);

const CERTIFICATE: &str = "a certificate";
const KEY: &str = "a key";
const LIST: &str = "a revocation list";
const SOUND: &str = "signed by 1: sound";
const NO_ATTRIBUTES: &str = "signed by 1: invalid: there are no signed attributes";
const NO_DSA: &str = "signed by 1: invalid: the algorithm 1.2.840.10040.4.3 is not supported";
const TRANSPORT: &str = "encrypted for KeyTransport";
const KEM: &str = "encrypted for Kem";
const DSA_KEY: &str = "a private key: the algorithm 1.2.840.10040.4.1 is not supported";
const DATA: &str = "not signed data: 1.2.840.113549.1.7.1";
const DIGESTED: &str = "not signed data: 1.2.840.113549.1.7.5";
const ENCRYPTED: &str = "not signed data: 1.2.840.113549.1.7.6";
const OTHER: &str = "encapContentInfo: another element was expected";
const NOTHING: &str = "an encrypted message: another element was expected";

const DSA: &str = "DSA is not supported";
const TYPE: &str = "a type of content that is no part of S/MIME 4.0";
const PKCS7: &str = "content that is no octet string, as in PKCS #7 before CMS";
const NO_MESSAGE: &str = "neither a message nor a certificate, key or list by itself";
const EXTERNAL: &str = "an encrypted message without its content";

/// RFC 4134: examples of S/MIME 3.
const RFC_4134: [Case; 40] = [
    ("3.1.bin", DATA, Some(TYPE)),
    ("3.2.bin", DATA, Some(TYPE)),
    ("4.1.bin", NO_ATTRIBUTES, None),
    ("4.10.bin", NO_DSA, None),
    ("4.11.bin", "certificates only: 2", None),
    ("4.2.bin", NO_ATTRIBUTES, None),
    ("4.3.bin", "signed by 1: invalid: the content is missing", None),
    ("4.4.bin", NO_DSA, None),
    ("4.5.bin", NO_ATTRIBUTES, None),
    ("4.6.bin", "signed by 2: invalid: there are no signed attributes (2 signers)", None),
    ("4.7.bin", NO_ATTRIBUTES, None),
    ("4.8.eml", NO_ATTRIBUTES, None),
    ("4.9.eml", NO_ATTRIBUTES, None),
    ("5.1.bin", TRANSPORT, None),
    ("5.2.bin", "encrypted for KeyTransport, KeyEncryptionKey", None),
    ("5.3.eml", TRANSPORT, None),
    ("6.0.bin", DIGESTED, Some(TYPE)),
    ("7.1.bin", ENCRYPTED, Some(TYPE)),
    ("7.2.bin", ENCRYPTED, Some(TYPE)),
    ("AliceDSSSignByCarlNoInherit.cer", CERTIFICATE, None),
    ("AlicePrivDSSSign.pri", DSA_KEY, Some(DSA)),
    ("AlicePrivRSASign.pri", KEY, None),
    ("AliceRSASignByCarl.cer", CERTIFICATE, None),
    ("BobPrivRSAEncrypt.pri", KEY, None),
    ("BobRSASignByCarl.cer", CERTIFICATE, None),
    ("CarlDSSCRLEmpty.crl", LIST, None),
    ("CarlDSSCRLForAll.crl", LIST, None),
    ("CarlDSSCRLForCarl.crl", LIST, None),
    ("CarlDSSSelf.cer", CERTIFICATE, None),
    ("CarlPrivDSSSign.pri", DSA_KEY, Some(DSA)),
    ("CarlPrivRSASign.pri", KEY, None),
    ("CarlRSACRLEmpty.crl", LIST, None),
    ("CarlRSACRLForAll.crl", LIST, None),
    ("CarlRSACRLForCarl.crl", LIST, None),
    ("CarlRSASelf.cer", CERTIFICATE, None),
    ("DianeDSSSignByCarlInherit.cer", CERTIFICATE, None),
    ("DianePrivDSSSign.pri", DSA_KEY, Some(DSA)),
    ("DianePrivRSASignEncrypt.pri", KEY, None),
    ("DianeRSASignByCarl.cer", CERTIFICATE, None),
    ("ExContent.bin", NOTHING, Some(NO_MESSAGE)),
];

/// Examples of the crate `cms`.
const RUSTCRYPTO: [Case; 45] = [
    ("1.3.6.1.4.1.22554.5.6.1_ML-KEM-512-ipd_kemri_auth.der", KEM, None),
    ("1.3.6.1.4.1.22554.5.6.1_ML-KEM-512-ipd_kemri_id-alg-hkdf-with-sha256.der", KEM, None),
    ("1.3.6.1.4.1.22554.5.6.1_ML-KEM-512-ipd_kemri_ukm.der", KEM, None),
    ("GoodCACert.crt", CERTIFICATE, None),
    ("GoodCACert.pem", CERTIFICATE, None),
    ("ValidCertificatePathTest1EE.crt", CERTIFICATE, None),
    ("ValidCertificatePathTest1EE.pem", CERTIFICATE, None),
    ("apple_mdm_signature_der.bin", OTHER, Some(PKCS7)),
    ("authroot.stl", OTHER, Some(PKCS7)),
    ("authroot.stl.sd", NOTHING, Some(NO_MESSAGE)),
    ("cert.pem", CERTIFICATE, None),
    ("certData.bin", DATA, Some(TYPE)),
    ("cms_ber.bin", SOUND, None),
    ("cms_der.bin", SOUND, None),
    ("compressed_data.bin", "not signed data: 1.2.840.113549.1.9.16.1.9", Some(TYPE)),
    ("data.txt", NOTHING, Some(NO_MESSAGE)),
    ("digested_data.bin", DIGESTED, Some(TYPE)),
    ("ec384-ee-key.der", CERTIFICATE, None),
    ("encrypted_data.bin", ENCRYPTED, Some(TYPE)),
    ("enveloped_data_kari.bin", "encrypted for KeyAgreement", None),
    ("enveloped_data_kekri.bin", "encrypted for KeyEncryptionKey", None),
    ("enveloped_data_ktri.bin", TRANSPORT, None),
    ("enveloped_data_multi.bin", "encrypted for KeyTransport, KeyAgreement, KeyEncryptionKey, Password", None),
    ("enveloped_data_pwri.bin", "encrypted for Password", None),
    ("example.pfx", "a PKCS#12 file", None),
    ("examples_notes.txt", NOTHING, Some(NO_MESSAGE)),
    ("keyEncryptedData.bin", ENCRYPTED, Some(TYPE)),
    ("kms_ciphertext_for_recipient_1.ber", TRANSPORT, None),
    ("kms_ciphertext_for_recipient_2.ber", TRANSPORT, None),
    ("kms_ciphertext_for_recipient_3.ber", TRANSPORT, None),
    ("kms_ciphertext_for_recipient_4.ber", TRANSPORT, None),
    ("p256-priv.der", KEY, None),
    ("p256-pub.der", NOTHING, Some(NO_MESSAGE)),
    ("pkits.p7b", "certificates only: 2", None),
    ("pkits_ee.p7b", "certificates only: 1", None),
    ("rsa2048-priv.der", KEY, None),
    ("rsa_cert.der", CERTIFICATE, None),
    ("rsa_sk.pkcs1.pem", KEY, None),
    ("scep_der.bin", SOUND, None),
    ("sceptest_cert-selfsigned.pem", CERTIFICATE, None),
    ("sceptest_csr.der", NOTHING, Some(NO_MESSAGE)),
    ("sceptest_key.pem", KEY, None),
    ("sd.cms", SOUND, None),
    ("signer_info_explicit_attrs.bin", NOTHING, Some(NO_MESSAGE)),
    ("signer_info_sequence_not_set.bin", NOTHING, Some(NO_MESSAGE)),
];

/// PKCS #7 of Python's `cryptography`.
const PYCA: [Case; 10] = [
    ("amazon-roots.der", "certificates only: 2", None),
    ("amazon-roots.p7b", "certificates only: 2", None),
    ("ascii-san.pem", CERTIFICATE, None),
    ("authenticode.der", OTHER, Some(PKCS7)),
    ("enveloped-no-content.der", "an encrypted message: its content is elsewhere", Some(EXTERNAL)),
    ("enveloped-rsa-oaep.pem", TRANSPORT, None),
    ("enveloped-triple-des.pem", TRANSPORT, None),
    ("enveloped.pem", "encrypted for KeyTransport, KeyTransport", None),
    ("isrg.pem", "certificates only: 1", None),
    ("non-ascii-san.pem", CERTIFICATE, None),
];

/// Cuts a file at many places, most of them in its beginning: nothing that is left is a message.
fn cut(octets: &[u8]) {
    let step = octets.len().div_ceil(32).max(1);
    for end in (0..octets.len().min(64)).chain((64..octets.len()).step_by(step)) {
        let said = message(&mail("x", &octets[..end]), &verifier(&[], "2026-01-01T00:00:00Z"));
        assert!(!said.contains("signed by") && !said.contains("encrypted for"), "{end}: {said}");
    }
}

/// What a mail's root is protected by.
fn message(mail: &[u8], verifier: &Verifier) -> String {
    let structure = Structure::read(&mut Cursor::new(mail), &Limits::default()).unwrap();
    match &structure.parts[0].protection {
        None => "nothing".to_owned(),
        Some(Protection::Signed(signed)) if signed.signers.is_empty() => {
            format!("certificates only: {}", signed.certificates.len())
        }
        Some(Protection::Signed(signed)) => {
            // Whose authorities are to be trusted is not known.
            let verdict = judged(verifier, mail);
            let verdict = if verdict.starts_with("untrusted: ") { "sound" } else { &verdict };
            format!("signed by {}: {verdict}", signed.signers.len())
        }
        Some(Protection::Encrypted(message)) => {
            let kinds = message.recipients.iter().map(|recipient| format!("{:?}", recipient.kind));
            format!("encrypted for {}", kinds.collect::<Vec<_>>().join(", "))
        }
        Some(Protection::Unreadable(error)) => error.to_string(),
        Some(other) => other.to_string(),
    }
}

/// What a file is, whatever its name says.
fn what(name: &str, octets: &[u8], verifier: &Verifier) -> String {
    let limits = Limits::default();
    if is(name, "eml") || octets.starts_with(b"MIME-Version") {
        return message(octets, verifier);
    }
    if Certificate::read_all(octets, &limits).is_ok_and(|found| !found.is_empty()) {
        return "a certificate".to_owned();
    }
    if Pkcs12::recognizes(octets) {
        return "a PKCS#12 file".to_owned();
    }
    match SoftwareKey::read(octets, None, &limits) {
        Ok(_) => return "a key".to_owned(),
        Err(error @ Error::Algorithm { .. }) => return error.to_string(),
        Err(_) => {}
    }
    let validator = Validator::new(&[], UnixTime(0), Purpose::EmailSigning);
    if read_crls(octets, &limits).is_ok_and(|lists| lists.first().is_some_and(|list| validator.crl(list).is_ok())) {
        return "a revocation list".to_owned();
    }
    let unarmored = unarmored(octets);
    cut(&unarmored);
    message(&mail("x", &unarmored), verifier)
}

fn all(set: &'static str, name: &str, cases: &[Case]) {
    let Some(folder) = folder(name) else { return };
    let verifier = verifier(&[], "2005-01-01T00:00:00Z");
    let mut tally = Tally::new(set);
    for (name, octets) in files(&folder) {
        let said = what(&name, &octets, &verifier);
        match cases.iter().find(|(file, ..)| *file == name) {
            Some((_, expected, Some(why))) if said == *expected => tally.deliberate(why),
            Some((_, expected, None)) if said == *expected => tally.check(true, ""),
            _ => tally.check(false, format!("{name}: {said}")),
        }
    }
    assert_eq!(tally.count(), cases.len());
    tally.report();
}

#[test]
fn files_of_rfc_4134_are_read_or_refused() {
    all("RFC 4134", "rfc4134", &RFC_4134);
}

#[test]
fn files_of_rustcrypto_are_read_or_refused() {
    all("RustCrypto cms", "rustcrypto-cms/examples", &RUSTCRYPTO);
}

#[test]
fn files_of_pyca_are_read_or_refused() {
    all("pyca: PKCS #7", "pyca/cryptography_vectors/pkcs7", &PYCA);
}
