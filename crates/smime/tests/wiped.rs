//! No secret stays behind on the heap: what is freed is searched for private keys, passwords, content keys and what
//! they are wrapped with.

#![cfg(test)]

use std::{
    convert::Infallible,
    io::Cursor,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use aes_kw::{AesKw, KeyInit};
use base64ct::{Base64, Encoding};
use cbc::cipher::{BlockCipherEncrypt, BlockModeEncrypt, InnerIvInit};
use getrandom::{
    SysRng,
    rand_core::{CryptoRng, TryCryptoRng, TryRng, UnwrapErr},
};
use rsa::{pkcs8::EncodePrivateKey, traits::PrivateKeyParts};
use sealpost_smime::{
    Certificate, ContentCipher, Credential, Decrypter, Encrypter, Limits, Pkcs12, Pkcs12Writer, PrivateKey, Recipient,
    Result, Signer, UnixTime,
    algorithm::{self, Curve, KeyTransport, SignatureScheme},
    key::{AgreementKey, DecryptionKey, KemKey, SoftwareKey},
};
use sealpost_testkit::{
    der::element,
    leaks::{Leaks, NEEDLE, search},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

#[global_allocator]
static ALLOCATOR: Leaks = Leaks;

type Needles = Vec<(String, [u8; NEEDLE])>;

const PASSWORD: &str = "correct horse battery staple";
const MAIL: &[u8] = b"From: a@b\r\nSubject: s\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

/// Randomness that is known afterwards.
#[derive(Default)]
struct Dice {
    count: u64,
    drawn: Vec<Vec<u8>>,
}

impl TryRng for Dice {
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

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        for chunk in to.chunks_mut(32) {
            let block = Sha256::digest(self.count.to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.count += 1;
        }
        if to.len() >= NEEDLE {
            self.drawn.push(to.to_vec());
        }
        Ok(())
    }
}

impl TryCryptoRng for Dice {}

/// Somebody's key.
struct Party {
    name: &'static str,
    /// DER of a PrivateKeyInfo.
    pkcs8: Vec<u8>,
    certificate: Certificate,
    /// What nobody else may know of it.
    secrets: Vec<(String, Vec<u8>)>,
}

const P256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: [u8; 7] = [6, 5, 0x2b, 0x81, 4, 0, 0x22];
const EC: [u8; 9] = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: [u8; 5] = [6, 3, 0x2b, 0x65, 0x70];
const X25519: [u8; 5] = [6, 3, 0x2b, 0x65, 0x6e];

/// Known octets.
fn octets(name: &str, len: usize) -> Vec<u8> {
    (0_u8..).flat_map(|part| Sha256::digest([name.as_bytes(), &[part]].concat())).take(len).collect()
}

impl Party {
    fn new(name: &'static str, pkcs8: Vec<u8>, secrets: Vec<(&str, Vec<u8>)>) -> Self {
        let key = SoftwareKey::from_der(&pkcs8, None, &Limits::default()).unwrap();
        let certificate = certificate(key.public_key());
        let secrets = secrets.into_iter().map(|(what, secret)| (format!("{what} of {name}"), secret)).collect();
        Self { name, pkcs8, certificate, secrets }
    }

    fn all() -> Vec<Self> {
        let simple = |algorithm: &[&[u8]], key: &[u8]| {
            element(0x30, &[&[2, 1, 0], &element(0x30, algorithm), &element(4, &[key])])
        };
        let on_curve = |name, curve: &[u8], len: usize| {
            // Below the order.
            let secret = [&[1], &octets(name, len - 1)[..]].concat();
            let key = element(0x30, &[&[2, 1, 1], &element(4, &[&secret])]);
            Self::new(name, simple(&[&EC, curve], &key), vec![("number", secret)])
        };
        let (ed, x) = (octets("Ed25519", 32), octets("X25519", 32));
        let expanded = sha2::Sha512::digest(&ed);
        let secrets =
            vec![("seed", ed.clone()), ("number", expanded[..32].to_vec()), ("prefix", expanded[32..].to_vec())];
        vec![
            Self::rsa(),
            on_curve("P-256", &P256, 32),
            on_curve("P-384", &P384, 48),
            Self::new("Ed25519", simple(&[&ED25519], &element(4, &[&ed])), secrets),
            Self::new("X25519", simple(&[&X25519], &element(4, &[&x])), vec![("number", x)]),
            #[cfg(feature = "pqc")]
            {
                let (id, seed) = ([6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 4, 2], octets("ML-KEM-768", 64));
                let key = simple(&[&id], &element(0x80, &[&seed]));
                Self::new("ML-KEM-768", key, vec![("seed", seed[..32].to_vec()), ("other seed", seed[32..].to_vec())])
            },
            #[cfg(feature = "pqc")]
            {
                let (id, seed) = ([6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18], octets("ML-DSA-65", 32));
                Self::new("ML-DSA-65", simple(&[&id], &element(0x80, &[&seed])), vec![("seed", seed)])
            },
        ]
    }

    fn rsa() -> Self {
        // AWS-LC has no shorter ones.
        let bits = if cfg!(feature = "aws-lc") { 2048 } else { 1024 };
        let key = rsa::RsaPrivateKey::new(&mut UnwrapErr(SysRng), bits).unwrap();
        let pkcs8 = key.to_pkcs8_der().unwrap().as_bytes().to_vec();
        let number = |number: &rsa::BoxedUint| number.to_be_bytes().to_vec();
        let [p, q] = key.primes() else { panic!("two primes") };
        let mut secrets = vec![("d", number(key.d())), ("p", number(p)), ("q", number(q))];
        secrets.extend([("dp", key.dp()), ("dq", key.dq())].map(|(name, value)| (name, number(value.unwrap()))));
        Self::new("RSA", pkcs8, secrets)
    }

    fn key(&self) -> SoftwareKey {
        SoftwareKey::from_der(&self.pkcs8, None, &Limits::default()).unwrap()
    }

    fn needles(&self) -> Needles {
        self.secrets.iter().flat_map(|(name, secret)| halves(name, secret)).collect()
    }

    /// What stays behind in any case: `rsa` copies primes where it loads a key and where it uses it, and does not wipe
    /// all of these copies.
    fn known(&self) -> Vec<String> {
        let primes = ["p of RSA, reversed", "q of RSA, reversed"].map(str::to_owned);
        if self.name == "RSA" { primes.to_vec() } else { Vec::new() }
    }

    fn scheme(&self) -> Option<SignatureScheme> {
        let digest = algorithm::Digest::Sha256;
        match self.name {
            "RSA" => Some(SignatureScheme::RsaPkcs1(digest)),
            "Ed25519" => Some(SignatureScheme::Ed25519),
            "X25519" | "ML-KEM-768" => None,
            "ML-DSA-65" => Some(SignatureScheme::MlDsa65),
            _ => Some(SignatureScheme::Ecdsa(digest)),
        }
    }
}

/// A certificate that nobody signed.
fn certificate(spki: &[u8]) -> Certificate {
    let (name, algorithm) = (element(0x30, &[]), element(0x30, &[&ED25519]));
    let validity = element(0x30, &[&element(0x17, &[b"200101000000Z"]), &element(0x17, &[b"400101000000Z"])]);
    let tbs = [&[0xA0, 3, 2, 1, 2, 2, 1, 1], &algorithm[..], &name, &validity, &name, spki].concat();
    let tbs = element(0x30, &[&tbs]);
    Certificate::from_der(&element(0x30, &[&tbs, &algorithm, &element(3, &[&[0; 65]])])).unwrap()
}

/// Both ends of a secret, as it is and reversed; without the outermost octets, where a clamped one may differ.
fn halves(name: &str, secret: &[u8]) -> Needles {
    if let Ok(whole) = secret.try_into() {
        return vec![(name.to_owned(), whole)];
    }
    let reversed: Vec<u8> = secret.iter().rev().copied().collect();
    let halves = |(order, octets): (&str, &[u8])| {
        let ends = [&octets[1..=NEEDLE], &octets[octets.len() - NEEDLE - 1..octets.len() - 1]];
        ends.map(|half| (format!("{name}{order}"), half.try_into().unwrap()))
    };
    [("", secret), (", reversed", &reversed)].into_iter().flat_map(halves).collect()
}

fn found(needles: &Needles, run: impl FnOnce()) -> Vec<String> {
    let ((), mut found) = search(needles, run);
    found.dedup();
    found
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = Base64::encode_string(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// PBES2 with PBKDF2 and AES-256: the EncryptedPrivateKeyInfo, and the key of the password.
fn encrypted(der: &[u8]) -> (Vec<u8>, [u8; 32]) {
    let (salt, iv) = ([7; 8], [9; 16]);
    let key = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(PASSWORD.as_bytes(), &salt, 10);
    let pad = 16 - der.len() % 16;
    let mut text = [der, &vec![u8::try_from(pad).unwrap(); pad]].concat();
    let aes = aes::Aes256::new(&key.into());
    let (blocks, _) = aes::cipher::Array::slice_as_chunks_mut(&mut text);
    cbc::Encryptor::inner_iv_init(aes, &iv.into()).encrypt_blocks(blocks);
    let hmac = element(0x30, &[&[6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9]]);
    let parameters = element(0x30, &[&element(4, &[&salt]), &[2, 1, 10], &hmac]);
    let derivation = element(0x30, &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12], &parameters]);
    let cipher = element(0x30, &[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42], &element(4, &[&iv])]);
    let pbes2 = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
    let algorithm = element(0x30, &[&pbes2, &element(0x30, &[&derivation, &cipher])]);
    (element(0x30, &[&algorithm, &element(4, &[&text])]), key)
}

/// The same element with a longer length than it needs: BER that has to be copied.
fn padded(der: &[u8]) -> Vec<u8> {
    let (len, value) =
        if der[1] < 0x80 { (&der[1..2], &der[2..]) } else { der[2..].split_at(usize::from(der[1] & 0x7f)) };
    [&[der[0], 0x84], &[0; 4][len.len()..], len, value].concat()
}

/// A PKCS#12 file that nothing authenticates, with this bag: its type's last octet, and its value.
fn pkcs12(bag: u8, value: &[u8]) -> Vec<u8> {
    let data = |content: &[u8]| {
        let id = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
        element(0x30, &[&id, &element(0xA0, &[&element(4, &[content])])])
    };
    let id = [6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, bag];
    let bags = element(0x30, &[&element(0x30, &[&id, &element(0xA0, &[value])])]);
    element(0x30, &[&[2, 1, 3], &data(&element(0x30, &[&data(&bags)]))])
}

/// The password in the forms in which it goes about, and its key.
fn password_needles(key: &[u8]) -> Needles {
    let utf16: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    [("the password", PASSWORD.as_bytes()), ("the password in UTF-16", &utf16), ("the password's key", key)]
        .into_iter()
        .flat_map(|(name, secret)| halves(name, secret))
        .collect()
}

/// Makes needles on another thread: what is left of them on the stack would come to the heap with what is moved there.
fn apart<T: Send>(make: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(make).join().unwrap())
}

/// What other tests free would be found too.
fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn loading_a_key_leaves_nothing_behind() {
    let _alone = alone();
    for party in apart(Party::all) {
        let limits = Limits::default();
        let (shrouded, shrouded_ber, needles) = apart(|| {
            let (shrouded, key) = encrypted(&party.pkcs8);
            let (shrouded_ber, _) = encrypted(&padded(&party.pkcs8));
            (shrouded, shrouded_ber, [party.needles(), password_needles(&key)].concat())
        });
        let files = [
            ("DER", party.pkcs8.clone()),
            ("PEM", pem("PRIVATE KEY", &party.pkcs8).into_bytes()),
            ("encrypted", shrouded.clone()),
            ("encrypted PEM", pem("ENCRYPTED PRIVATE KEY", &shrouded).into_bytes()),
            ("damaged PEM", pem("PRIVATE KEY", &party.pkcs8).replace("\n-----END", "*\n-----END").into_bytes()),
            ("a damaged length", [&party.pkcs8[..], &[0]].concat()),
        ];
        for (name, file) in &files {
            let read = |password| SoftwareKey::read(file, Some(password), &limits);
            let found = found(&needles, || {
                assert_eq!(read(PASSWORD).is_err(), name.contains("damaged"));
                drop(format!("{:?}", read(PASSWORD)));
                drop(read("another password"));
            });
            assert_eq!(found, if name.contains("damaged") { vec![] } else { party.known() }, "{name}");
        }
        let files = [
            ("a key", pkcs12(1, &party.pkcs8)),
            ("a key in BER", padded(&pkcs12(1, &padded(&party.pkcs8)))),
            ("an encrypted key", pkcs12(2, &shrouded)),
            ("an encrypted key in BER", padded(&pkcs12(2, &shrouded_ber))),
        ];
        for (name, file) in &files {
            let found = found(&needles, || {
                let read = Pkcs12::read_unauthenticated(file, Some(PASSWORD), &limits).unwrap();
                assert_eq!(read.identities.len(), 1);
                drop(format!("{read:?}"));
                drop(Pkcs12::read_unauthenticated(file, Some("another password"), &limits));
            });
            assert_eq!(found, party.known(), "PKCS#12 with {name}");
        }
        // The needles are the right ones.
        let copies = || drop((party.pkcs8.clone(), PASSWORD.to_owned()));
        let found = found(&needles, copies);
        let expected = match party.name {
            "RSA" => "p of",
            "P-256" | "P-384" | "X25519" => "number",
            _ => "seed",
        };
        assert!(found.iter().any(|name| name.contains(expected)), "{found:?}");
        assert!(found.iter().any(|name| name == "the password"), "{found:?}");
    }
}

#[test]
fn writing_a_file_leaves_nothing_behind() {
    let _alone = alone();
    for party in apart(Party::all) {
        let needles = apart(|| [party.needles(), password_needles(PASSWORD.as_bytes())].concat());
        let found = found(&needles, || {
            let key = party.key();
            let writer = Pkcs12Writer::new(&key, &party.certificate).chain([party.certificate.clone()]).rounds(1);
            drop(writer.write(PASSWORD, &mut UnwrapErr(SysRng)).unwrap());
            assert!(!key.expose_pkcs8().is_empty());
        });
        assert_eq!(found, party.known());
    }
}

#[test]
fn a_password_leaves_nothing_behind() {
    let _alone = alone();
    // Octets enough in UTF-16 only. See the tests of PKCS#12.
    let password = "Grüße \u{1f511}";
    let needles =
        apart(|| halves("the password", &password.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()));
    for file in [
        &include_bytes!("data/modern.p12")[..],
        include_bytes!("data/sha384.p12"),
        include_bytes!("data/legacy.p12"),
        include_bytes!("data/pbmac1.p12"),
    ] {
        let read = || drop(Pkcs12::read(file, Some(password), &Limits::default()).unwrap());
        assert_eq!(found(&needles, read), [""; 0]);
    }
    assert_eq!(found(&needles, || drop(needles[0].1.to_vec())), ["the password"]);
}

#[test]
fn signing_leaves_nothing_behind() {
    let _alone = alone();
    for party in apart(Party::all) {
        let Some(scheme) = party.scheme() else { continue };
        let mut schemes = vec![scheme];
        if party.name == "RSA" {
            let digest = algorithm::Digest::Sha256;
            schemes.push(SignatureScheme::RsaPss { digest, mask: digest, salt: 32 });
        }
        for scheme in schemes {
            let found = found(&apart(|| party.needles()), || {
                let key = party.key().signing().unwrap();
                let signer = Signer::new(party.certificate.clone(), key, scheme).unwrap();
                let mut out = Vec::new();
                signer.sign(&mut Cursor::new(MAIL), UnixTime(0), &mut UnwrapErr(SysRng), &mut out).unwrap();
            });
            assert_eq!(found, party.known(), "{scheme:?}");
        }
    }
}

/// What a message is encrypted to and with.
struct Sent {
    mail: Vec<u8>,
    secrets: Vec<(String, Vec<u8>)>,
}

fn encrypt(party: &Party, cipher: ContentCipher, transport: &KeyTransport, rng: &mut dyn CryptoRng) -> Vec<u8> {
    let recipient = Recipient::new(party.certificate.clone()).unwrap().with_transport(transport.clone());
    let mut out = Vec::new();
    Encrypter::new().to(recipient).cipher(cipher).encrypt(&mut Cursor::new(MAIL), rng, &mut out).unwrap();
    out
}

impl Sent {
    fn new(party: &Party, cipher: ContentCipher, transport: &KeyTransport) -> Self {
        let mut rng = Dice::default();
        let mail = encrypt(party, cipher, transport, &mut rng);
        let text: String =
            std::str::from_utf8(&mail).unwrap().split("\r\n\r\n").nth(1).unwrap().split("\r\n").collect();
        let message = Base64::decode_vec(&text).unwrap();
        let is_public = |drawn: &Vec<u8>| message.windows(drawn.len()).any(|window| window == drawn);
        let drawn = rng.drawn.iter().filter(|drawn| !is_public(drawn));
        // The first is the content key.
        let mut secrets: Vec<_> =
            drawn.enumerate().map(|(number, drawn)| (format!("secret {number}"), drawn.clone())).collect();
        secrets[0].0 = "the content key".to_owned();
        if let Some((shared, kek)) = agreed(party, &message) {
            // It is the right one.
            let wrapped = message.windows(42).find(|window| window[..2] == [4, 40]).unwrap();
            let mut content_key = [0; 32];
            AesKw::<aes::Aes256>::new(&kek.into()).unwrap_key(&wrapped[2..], &mut content_key).unwrap();
            assert_eq!(secrets[0].1, content_key);
            secrets.push(("the shared secret".to_owned(), shared));
            secrets.push(("the key of the key".to_owned(), kek.to_vec()));
        }
        let content_key: [u8; 32] = secrets[0].1.as_slice().try_into().unwrap();
        let mut hash_key = aes::Block::default();
        aes::Aes256::new(&content_key.into()).encrypt_block(&mut hash_key);
        secrets.push(("the key of GHASH".to_owned(), hash_key.to_vec()));
        Self { mail, secrets }
    }

    fn needles(&self) -> Needles {
        self.secrets.iter().flat_map(|(name, secret)| halves(name, secret)).collect()
    }
}

/// The shared secret, and what is derived from it (RFC 5753 §7.2, RFC 8418 §2, RFC 9629 §5).
fn agreed(party: &Party, message: &[u8]) -> Option<(Vec<u8>, [u8; 32])> {
    // What stands in front of the ephemeral key, or of the ciphertext; nothing else in a message has that length.
    let (head, len): (&[u8], _) = match party.name {
        "P-256" => (&[3, 66, 0], 65),
        "P-384" => (&[3, 98, 0], 97),
        "X25519" => (&[3, 33, 0], 32),
        "ML-KEM-768" => (&[4, 0x82, 4, 0x40], 1088),
        _ => return None,
    };
    let at = message.windows(head.len()).position(|window| window == head).unwrap() + head.len();
    let (key, public) = (party.key(), &message[at..at + len]);
    let shared = match key.agreement() {
        Some(key) => key.agree(public).unwrap().to_vec(),
        None => key.kem().unwrap().decapsulate(public).unwrap().to_vec(),
    };
    let wrap = element(0x30, &[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 45]]);
    let info = element(0x30, &[&wrap, &element(0xA2, &[&element(4, &[&256_u32.to_be_bytes()])])]);
    let x963 = [&shared[..], &[0, 0, 0, 1], &info].concat();
    let hkdf = |info: &[u8]| {
        let mut kek = [0; 32];
        hkdf::Hkdf::<Sha256>::new(None, &shared).expand(info, &mut kek).unwrap();
        kek
    };
    let kek = match party.name {
        "P-256" => Sha256::digest(x963).into(),
        "P-384" => sha2::Sha384::digest(x963)[..32].try_into().unwrap(),
        "X25519" => hkdf(&info),
        _ => hkdf(&element(0x30, &[&wrap, &[2, 1, 32]])),
    };
    Some((shared, kek))
}

fn transports(party: &Party) -> Vec<KeyTransport> {
    let oaep = KeyTransport::oaep(algorithm::Digest::Sha256);
    if party.name == "RSA" { vec![KeyTransport::Pkcs1, oaep] } else { vec![KeyTransport::Pkcs1] }
}

#[test]
fn encrypting_and_decrypting_leave_nothing_behind() {
    let _alone = alone();
    for party in apart(Party::all).into_iter().filter(|party| !matches!(party.name, "Ed25519" | "ML-DSA-65")) {
        for cipher in [ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm] {
            for transport in transports(&party) {
                let (sent, needles, all) = apart(|| {
                    let sent = Sent::new(&party, cipher, &transport);
                    let needles = sent.needles();
                    let all = [needles.clone(), party.needles()].concat();
                    (sent, needles, all)
                });
                let what = format!("{} {cipher} {transport:?}", party.name);
                let mut rng = Dice::default();
                let found_here = found(&needles, || {
                    encrypt(&party, cipher, &transport, &mut rng);
                });
                assert_eq!(found_here, [""; 0], "encrypting: {what}");
                let found_here = found(&all, || {
                    let key = PrivateKey::from_software(&party.key()).unwrap();
                    decrypt(&party, key, &sent.mail);
                });
                assert_eq!(found_here, party.known(), "decrypting: {what}");
                // The needles are the right ones.
                let found_here = found(&needles, || {
                    decrypt(&party, careless(PrivateKey::from_software(&party.key()).unwrap()), &sent.mail);
                });
                let copied = if party.name == "RSA" { "the content key" } else { "the shared secret" };
                assert_eq!(found_here, [copied], "{what}");
            }
        }
    }
}

fn decrypt(party: &Party, key: PrivateKey, mail: &[u8]) {
    let credential = Credential::new(party.certificate.clone(), key).unwrap();
    let decrypter = Decrypter::new("").with_assigned([credential]);
    let mut out = Vec::new();
    decrypter.decrypt(&mut Cursor::new(mail), &mut UnwrapErr(SysRng), &mut out).unwrap();
    assert!(out.ends_with(b"\r\n\r\nhello\r\n"));
}

/// A key whose results are copied, and the copies not wiped.
struct Careless<T: ?Sized>(Arc<T>);

fn careless(key: PrivateKey) -> PrivateKey {
    match key {
        PrivateKey::Transport(key) => PrivateKey::Transport(Arc::new(Careless(key))),
        PrivateKey::Agreement(key) => PrivateKey::Agreement(Arc::new(Careless(key))),
        PrivateKey::Kem(key) => PrivateKey::Kem(Arc::new(Careless(key))),
        other => panic!("{other:?}"),
    }
}

impl DecryptionKey for Careless<dyn DecryptionKey> {
    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn decrypt(
        &self,
        transport: &KeyTransport,
        encrypted: &[u8],
        len: usize,
        rng: &mut dyn CryptoRng,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let key = self.0.decrypt(transport, encrypted, len, rng)?;
        drop(key.to_vec());
        Ok(key)
    }
}

impl AgreementKey for Careless<dyn AgreementKey> {
    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn curve(&self) -> Curve {
        self.0.curve()
    }

    fn agree(&self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let secret = self.0.agree(peer)?;
        drop(secret.to_vec());
        Ok(secret)
    }
}

impl KemKey for Careless<dyn KemKey> {
    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn decapsulate(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let secret = self.0.decapsulate(ciphertext)?;
        drop(secret.to_vec());
        Ok(secret)
    }
}
