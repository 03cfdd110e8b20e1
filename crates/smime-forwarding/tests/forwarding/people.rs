//! People with keys and certificates, what they send, and what they can read.

use std::{
    io::Cursor,
    sync::atomic::{AtomicU32, Ordering},
};

use aes_kw::{KeyInit, KwAes128, KwAes192, KwAes256};
use getrandom::{SysRng, rand_core::UnwrapErr};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sealpost_pre::UnixTime;
use sealpost_smime::{
    Certificate, ContentCipher, Credential, Decrypter, Encrypter, IdentifyBy, PrivateKey, Recipient, algorithm::Curve,
    key::SoftwareKey,
};
use sealpost_smime_forwarding::{Instance, Policy, Report, SigningKeys, Transform};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::der::{Kari, Message, element, oid};

pub(crate) const CURVES: [Curve; 3] = [Curve::P256, Curve::P384, Curve::X25519];
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
/// keyAgreement, in the octet of a keyUsage.
pub(crate) const AGREEMENT: u8 = 0x08;
pub(crate) const SIGNATURE: u8 = 0x80;

pub(crate) const TEXT: &[u8] = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: The vault\r\n\
    MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nIts combination is 31-17-5.\r\n";

pub(crate) fn rng() -> impl CryptoRng {
    UnwrapErr(SysRng)
}

/// What is to be in a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) issuer: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) key_id: Option<Vec<u8>>,
    pub(crate) usage: Option<u8>,
}

impl Draft {
    /// For encryption only, with a number that no other has.
    pub(crate) fn new() -> Self {
        static NUMBERS: AtomicU32 = AtomicU32::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Self {
            issuer: name("Authority"),
            serial: [&[1; 12], &number[..]].concat(),
            key_id: Some([&[2; 16], &number[..]].concat()),
            usage: Some(AGREEMENT),
        }
    }

    /// A certificate for this key (DER of SubjectPublicKeyInfo) that nobody signed.
    pub(crate) fn certificate(&self, spki: &[u8]) -> Certificate {
        let algorithm = element(0x30, &[&oid("1.3.101.112")]);
        let validity = element(0x30, &[&element(0x17, &[b"200101000000Z"]), &element(0x17, &[b"400101000000Z"])]);
        let extension = |id, value: &[u8]| element(0x30, &[&oid(id), &element(4, &[value])]);
        let key_id = self.key_id.as_ref().map(|id| extension("2.5.29.14", &element(4, &[id])));
        let usage = self.usage.map(|usage| extension("2.5.29.15", &element(3, &[&[0, usage]])));
        let extensions = [key_id.unwrap_or_default(), usage.unwrap_or_default()].concat();
        let extensions = element(0xA3, &[&element(0x30, &[&extensions])]);
        let serial = element(2, &[&self.serial]);
        let subject = name("Somebody");
        let tbs: [&[u8]; 8] =
            [&[0xA0, 3, 2, 1, 2], &serial, &algorithm, &self.issuer, &validity, &subject, spki, &extensions];
        let tbs = element(0x30, &tbs);
        Certificate::from_der(&element(0x30, &[&tbs, &algorithm, &element(3, &[&[0; 65]])])).unwrap()
    }
}

/// DER of a Name.
pub(crate) fn name(common_name: &str) -> Vec<u8> {
    let attribute = element(0x30, &[&oid("2.5.4.3"), &element(12, &[common_name.as_bytes()])]);
    element(0x30, &[&element(0x31, &[&attribute])])
}

/// Somebody with a key and a certificate for it.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) curve: Curve,
    pub(crate) key: SoftwareKey,
    pub(crate) certificate: Certificate,
}

impl Person {
    pub(crate) fn new(curve: Curve) -> Self {
        Self::with(curve, &Draft::new())
    }

    pub(crate) fn with(curve: Curve, draft: &Draft) -> Self {
        let key = SoftwareKey::generate_agreement(curve, &mut rng()).unwrap();
        let certificate = draft.certificate(key.public_key());
        Self { curve, key, certificate }
    }

    pub(crate) fn recipient(&self, by: IdentifyBy) -> Recipient {
        Recipient::new(self.certificate.clone()).unwrap().identified_by(by).unwrap()
    }

    /// The mail as this person reads it, if it can.
    pub(crate) fn decrypted(&self, mail: &[u8]) -> Option<Vec<u8>> {
        let key = PrivateKey::from_software(&self.key).unwrap();
        let credential = Credential::new(self.certificate.clone(), key).unwrap();
        let mut plain = Vec::new();
        let decrypter = Decrypter::new("").with_assigned([credential]);
        decrypter.decrypt(&mut Cursor::new(mail), &mut rng(), &mut plain).ok().map(|_| plain)
    }

    /// The instance for mail that goes on to somebody.
    pub(crate) fn forwards_to(&self, forwardee: &Self) -> Instance {
        let forwarder = (&self.key, std::slice::from_ref(&self.certificate));
        Instance::compute(forwarder, (&forwardee.key, &forwardee.certificate), SigningKeys::Refuse).unwrap()
    }
}

/// Alice's mail to these.
pub(crate) fn encrypted(
    mail: &[u8],
    cipher: ContentCipher,
    recipients: impl IntoIterator<Item = Recipient>,
) -> Vec<u8> {
    let encrypter = recipients.into_iter().fold(Encrypter::new(), Encrypter::to).cipher(cipher);
    let mut encrypted = Vec::new();
    encrypter.encrypt(&mut Cursor::new(mail), &mut rng(), &mut encrypted).unwrap();
    encrypted
}

/// Alice's mail to one.
pub(crate) fn mail_to(person: &Person) -> Vec<u8> {
    encrypted(TEXT, ContentCipher::Aes256Gcm, [person.recipient(IdentifyBy::IssuerAndSerial)])
}

/// What becomes of a mail: nothing may be written if nothing was transformed.
pub(crate) fn transformed(mail: &[u8], instances: &[Instance], policy: Policy) -> (Vec<u8>, Report) {
    let transform = Transform::new(instances, NOW).policy(policy);
    let mut out = Vec::new();
    let report = transform.mail(&mut Cursor::new(mail), &mut out).unwrap();
    assert_eq!(report.transformed() == 0, out.is_empty());
    let inspected = transform.inspect(&mut Cursor::new(mail)).unwrap();
    assert_eq!(inspected.to_string(), report.to_string());
    (out, report)
}

/// The same by default, of a mail in which there is something to transform.
pub(crate) fn forwarded(mail: &[u8], instances: &[Instance]) -> Vec<u8> {
    let (out, report) = transformed(mail, instances, Policy::default());
    assert!(report.transformed() > 0, "{report}");
    out
}

/// What a key for the key wrap is derived with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kdf {
    X963Sha1,
    X963Sha224,
    X963Sha256,
    X963Sha384,
    X963Sha512,
    HkdfSha256,
    HkdfSha384,
    HkdfSha512,
}

/// All schemes that can be forwarded.
pub(crate) const SCHEMES: [(&str, Kdf); 13] = [
    ("1.3.133.16.840.63.0.2", Kdf::X963Sha1),
    ("1.3.132.1.11.0", Kdf::X963Sha224),
    ("1.3.132.1.11.1", Kdf::X963Sha256),
    ("1.3.132.1.11.2", Kdf::X963Sha384),
    ("1.3.132.1.11.3", Kdf::X963Sha512),
    ("1.3.133.16.840.63.0.3", Kdf::X963Sha1),
    ("1.3.132.1.14.0", Kdf::X963Sha224),
    ("1.3.132.1.14.1", Kdf::X963Sha256),
    ("1.3.132.1.14.2", Kdf::X963Sha384),
    ("1.3.132.1.14.3", Kdf::X963Sha512),
    ("1.2.840.113549.1.9.16.3.19", Kdf::HkdfSha256),
    ("1.2.840.113549.1.9.16.3.20", Kdf::HkdfSha384),
    ("1.2.840.113549.1.9.16.3.21", Kdf::HkdfSha512),
];

/// A KeyAgreeRecipientInfo for several people who have keys on one curve, with the content key of a mail to the first.
pub(crate) fn shared(mail: &[u8], to: &[&Person], scheme: (&str, Kdf), ukm: Option<&[u8]>) -> Message {
    let message = Message::of_mail(mail);
    let mut kari = Kari::read(&message.infos[0]);
    let content_key = content_key(&kari, to[0]);
    let ephemeral = SoftwareKey::generate_agreement(to[0].curve, &mut rng()).unwrap();
    (kari.scheme, kari.ukm, kari.point) = (oid(scheme.0), ukm.map(<[u8]>::to_vec), point(ephemeral.public_key()));
    let ids: Vec<_> = to.iter().map(|person| by_serial(&person.certificate)).collect();
    kari.keys = ids
        .into_iter()
        .zip(to)
        .map(|(id, person)| {
            let secret = ephemeral.agreement().unwrap().agree(&point(person.key.public_key())).unwrap();
            (id, wrapped(&derived(scheme.1, &secret, &kari), &content_key))
        })
        .collect();
    message.with(vec![kari.der()])
}

/// The content key of a mail in a KeyAgreeRecipientInfo of several, as this person gets it.
pub(crate) fn content_key(kari: &Kari, person: &Person) -> Vec<u8> {
    let secret = person.key.agreement().unwrap().agree(&kari.point).unwrap();
    let (_, kdf) = *SCHEMES.iter().find(|(id, _)| oid(id) == kari.scheme).unwrap();
    let id = by_serial(&person.certificate);
    let (_, key) = kari.keys.iter().find(|(named, _)| *named == id).unwrap();
    unwrapped(&derived(kdf, &secret, kari), key)
}

/// DER of an IssuerAndSerialNumber.
pub(crate) fn by_serial(certificate: &Certificate) -> Vec<u8> {
    element(0x30, &[certificate.issuer(), &element(2, &[certificate.serial()])])
}

/// The point in a SubjectPublicKeyInfo.
pub(crate) fn point(spki: &[u8]) -> Vec<u8> {
    let fields = crate::der::elements(crate::der::elements(spki)[0].value);
    fields[1].value[1..].to_vec()
}

/// RFC 5753 §7.2, RFC 8418 §2.2.
fn derived(kdf: Kdf, secret: &[u8], kari: &Kari) -> Vec<u8> {
    let wrap = crate::der::elements(&kari.wrap)[0].value;
    let len = match wrap.last() {
        Some(5) => 16_u32,
        Some(25) => 24,
        _ => 32,
    };
    let ukm = kari.ukm.as_ref().map(|ukm| element(0xA0, &[&element(4, &[ukm])])).unwrap_or_default();
    let bits = element(0xA2, &[&element(4, &[&(len * 8).to_be_bytes()])]);
    let info = element(0x30, &[&kari.wrap, &ukm, &bits]);
    let mut key = vec![0; usize::try_from(len).unwrap()];
    let salt = kari.ukm.as_deref();
    match kdf {
        Kdf::X963Sha1 => x963::<Sha1>(secret, &info, &mut key),
        Kdf::X963Sha224 => x963::<Sha224>(secret, &info, &mut key),
        Kdf::X963Sha256 => x963::<Sha256>(secret, &info, &mut key),
        Kdf::X963Sha384 => x963::<Sha384>(secret, &info, &mut key),
        Kdf::X963Sha512 => x963::<Sha512>(secret, &info, &mut key),
        Kdf::HkdfSha256 => Hkdf::<Sha256>::new(salt, secret).expand(&info, &mut key).unwrap(),
        Kdf::HkdfSha384 => Hkdf::<Sha384>::new(salt, secret).expand(&info, &mut key).unwrap(),
        Kdf::HkdfSha512 => Hkdf::<Sha512>::new(salt, secret).expand(&info, &mut key).unwrap(),
    }
    key
}

fn x963<D: Digest>(secret: &[u8], info: &[u8], key: &mut [u8]) {
    let mut stream = (1_u32..).flat_map(|counter| {
        D::new().chain_update(secret).chain_update(counter.to_be_bytes()).chain_update(info).finalize().to_vec()
    });
    key.fill_with(|| stream.next().unwrap());
}

fn wrapped(kek: &[u8], key: &[u8]) -> Vec<u8> {
    let mut wrapped = vec![0; key.len() + 8];
    match kek.len() {
        16 => KwAes128::new_from_slice(kek).unwrap().wrap_key(key, &mut wrapped).unwrap(),
        24 => KwAes192::new_from_slice(kek).unwrap().wrap_key(key, &mut wrapped).unwrap(),
        _ => KwAes256::new_from_slice(kek).unwrap().wrap_key(key, &mut wrapped).unwrap(),
    };
    wrapped
}

fn unwrapped(kek: &[u8], wrapped: &[u8]) -> Vec<u8> {
    let mut key = vec![0; wrapped.len() - 8];
    match kek.len() {
        16 => KwAes128::new_from_slice(kek).unwrap().unwrap_key(wrapped, &mut key).unwrap(),
        24 => KwAes192::new_from_slice(kek).unwrap().unwrap_key(wrapped, &mut key).unwrap(),
        _ => KwAes256::new_from_slice(kek).unwrap().unwrap_key(wrapped, &mut key).unwrap(),
    };
    key
}
