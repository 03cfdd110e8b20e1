//! The sample people of RFC 9216: Alice and Bob have RSA keys, Carlos and Dana Ed25519 and X25519, each one for signing
//! and another for encryption. What one of them signs and encrypts the others verify and decrypt.

use std::{fs, io::Cursor};

use sealpost_smime::{
    Certificate, ContentCipher, Credential, Decrypter, Encrypter, Error, Form, HeaderConfidentiality, HeaderProtection,
    Limits, Pkcs12, PrivateKey, ProtectedForm, Recipient, Result, Signer, UnixTime, Verdict, Verification, Verifier,
    algorithm::{Digest, KeyTransport, SignatureScheme},
    key::SoftwareKey,
};
use sealpost_testkit::tally::Tally;

use super::support::{certificates, folder, rng, said, under_header, verifier};

const AT: &str = "2026-11-27T12:00:00Z";
const NAMES: [&str; 4] = ["alice", "bob", "carlos", "dana"];
const CIPHERS: [ContentCipher; 4] =
    [ContentCipher::Aes128Cbc, ContentCipher::Aes256Cbc, ContentCipher::Aes128Gcm, ContentCipher::Aes256Gcm];

/// One of them, from the PKCS#12 file.
struct Person {
    address: String,
    signing: (Certificate, SoftwareKey),
    encryption: (Certificate, SoftwareKey),
    others: Vec<Certificate>,
}

impl Person {
    fn read(name: &str, file: &[u8]) -> Self {
        let file = Pkcs12::read(file, Some(name), &Limits::default()).unwrap();
        let pairs: Vec<_> =
            file.identities.into_iter().map(|identity| (identity.certificate.unwrap(), identity.key)).collect();
        let of =
            |which: fn(&Certificate) -> bool| pairs.iter().find(|(certificate, _)| which(certificate)).unwrap().clone();
        let (signing, encryption) = (of(Certificate::may_sign), of(Certificate::may_encrypt));
        assert_ne!(signing.0, encryption.0);
        Self { address: signing.0.addresses().remove(0), signing, encryption, others: file.certificates }
    }

    fn signer(&self, scheme: SignatureScheme) -> Signer {
        let (certificate, key) = self.signing.clone();
        let signer = Signer::new(certificate, key.signing().unwrap(), scheme).unwrap();
        signer.chain(&self.others).encrypt_to(&self.encryption.0).unwrap()
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        let all = [
            SignatureScheme::RsaPkcs1(Digest::Sha256),
            SignatureScheme::RsaPkcs1(Digest::Sha512),
            SignatureScheme::pss(Digest::Sha384),
            SignatureScheme::Ed25519,
        ];
        let key = self.signing.1.signing().unwrap();
        all.into_iter().filter(|scheme| key.supports(*scheme)).collect()
    }

    fn credential(&self) -> Credential {
        let (certificate, key) = &self.encryption;
        Credential::new(certificate.clone(), PrivateKey::from_software(key).unwrap()).unwrap()
    }

    fn recipient(&self) -> Recipient {
        Recipient::new(self.encryption.0.clone()).unwrap()
    }

    fn decrypt(&self, mail: &[u8]) -> Result<Vec<u8>> {
        let mut to = Vec::new();
        let decrypter = Decrypter::new(&self.address).with([self.credential()]);
        decrypter.decrypt(&mut Cursor::new(mail), &mut rng(), &mut to)?;
        Ok(to)
    }

    /// A mail of theirs.
    fn mail(&self) -> Vec<u8> {
        format!(
            "From: {0}\r\nTo: bob@smime.example\r\nSubject: A secret\r\nKeywords: one, two\r\nDate: Fri, 27 Nov 2026 \
             12:00:00 +0000\r\nMessage-ID: <1@smime.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; \
             boundary=b\r\n\r\n--b\r\n\r\nSome text\r\n--b\r\nContent-Type: application/octet-stream\r\n\
             Content-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--b--\r\n",
            self.address
        )
        .into_bytes()
    }
}

struct People {
    all: Vec<Person>,
    verifier: Verifier,
}

impl People {
    /// All of them, and one that trusts the RSA authority alone: the other one's certificate by it comes along.
    fn read() -> Option<Self> {
        let folder = folder("rfc9216")?;
        let read = |name: &&str| Person::read(name, &fs::read(folder.join(format!("{name}.p12"))).unwrap());
        let verifier = verifier(&certificates(&folder.join("ca.rsa.crt")), AT);
        Some(Self { all: NAMES.iter().map(read).collect(), verifier })
    }

    fn verify(&self, mail: &[u8]) -> Verification {
        self.verifier.verify(&mut Cursor::new(mail)).unwrap()
    }

    /// The signed content of a valid mail, under the mail's header.
    fn unwrap(&self, mail: &[u8]) -> Option<Vec<u8>> {
        let verification = self.verify(mail);
        let mut content = Vec::new();
        verification.write_content(&mut Cursor::new(mail), &mut content).unwrap();
        (verification.verdict() == Verdict::Valid).then(|| under_header(mail, &content))
    }
}

fn sign(signer: &Signer, mail: &[u8]) -> Vec<u8> {
    let mut to = Vec::new();
    let at = UnixTime::from_rfc3339(AT).unwrap();
    signer.sign(&mut Cursor::new(mail), at, &mut rng(), &mut to).unwrap();
    to
}

fn encrypt(encrypter: &Encrypter, mail: &[u8]) -> Vec<u8> {
    let mut to = Vec::new();
    encrypter.encrypt(&mut Cursor::new(mail), &mut rng(), &mut to).unwrap();
    to
}

fn body(mail: &[u8]) -> &[u8] {
    let end = mail.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    &mail[end + 4..]
}

fn has(mail: &[u8], line: &str) -> bool {
    String::from_utf8_lossy(mail).lines().any(|other| other == line)
}

#[test]
fn what_each_signs_is_verified() {
    let Some(people) = People::read() else { return };
    let mut tally = Tally::new("RFC 9216: signed");
    for person in &people.all {
        let mail = person.mail();
        for (scheme, form) in person.schemes().into_iter().flat_map(|s| [(s, Form::Detached), (s, Form::Opaque)]) {
            let signed = sign(&person.signer(scheme).form(form), &mail);
            let verification = people.verify(&signed);
            let signer = &verification.signers[0];
            let learned = people.verifier.encryption_certificate(&verification, signer) == Some(&person.encryption.0);
            let content = people.unwrap(&signed).unwrap();
            let right = said(&verification) == "valid" && verification.form == form && body(&content) == body(&mail);
            tally.check(right && learned, format!("{} {scheme} {form:?}", person.address));
            // One character of what is shown, or of the signature.
            let mut changed = signed.clone();
            let at = match form {
                Form::Detached => signed.windows(9).position(|window| window == b"Some text").unwrap(),
                _ => signed.len() - 200,
            };
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let verdict = people.verifier.verify(&mut Cursor::new(&changed)).map(|found| found.verdict());
            assert!(matches!(verdict, Ok(Verdict::Invalid)), "{form:?}");
        }
    }
    tally.report();
}

#[test]
fn what_is_encrypted_to_each_is_decrypted_by_them_alone() {
    let Some(people) = People::read() else { return };
    let mut tally = Tally::new("RFC 9216: encrypted");
    let mail = people.all[0].mail();
    for (number, person) in people.all.iter().enumerate() {
        let transports = [KeyTransport::Pkcs1, KeyTransport::oaep(Digest::Sha1), KeyTransport::oaep(Digest::Sha256)];
        let count = if person.encryption.1.decryption().is_some() { transports.len() } else { 1 };
        for (cipher, transport) in
            CIPHERS.iter().flat_map(|cipher| transports[..count].iter().map(move |t| (cipher, t)))
        {
            let recipient = person.recipient().with_transport(transport.clone());
            let encrypted = encrypt(&Encrypter::new().to(recipient).cipher(*cipher), &mail);
            assert!(!encrypted.windows(8).any(|window| window == b"AAECAw=="));
            let opened = person.decrypt(&encrypted).unwrap();
            let another = &people.all[(number + 1) % people.all.len()];
            let refused = matches!(another.decrypt(&encrypted), Err(Error::Decryption));
            tally.check(refused && body(&opened) == body(&mail) && has(&opened, "Subject: A secret"), &person.address);
        }
    }
    for cipher in CIPHERS {
        let to_all = people.all.iter().fold(Encrypter::new().cipher(cipher), |to, person| to.to(person.recipient()));
        let encrypted = encrypt(&to_all, &mail);
        for person in &people.all {
            tally.check(body(&person.decrypt(&encrypted).unwrap()) == body(&mail), &person.address);
        }
    }
    tally.report();
}

/// What one learns from a signed mail is enough to answer.
#[test]
fn an_answer_is_encrypted_to_what_a_signature_announced() {
    let Some(people) = People::read() else { return };
    for person in &people.all {
        let verification = people.verify(&sign(&person.signer(person.schemes()[0]), &person.mail()));
        let signer = &verification.signers[0];
        let certificate = people.verifier.encryption_certificate(&verification, signer).unwrap().clone();
        let capabilities = signer.info.as_ref().unwrap().capabilities().unwrap();
        let encrypter = Encrypter::new().to_capable(Recipient::new(certificate).unwrap(), capabilities);
        assert!(encrypter.chosen_cipher().is_authenticated());
        let answer = encrypt(&encrypter, &people.all[0].mail());
        assert_eq!(body(&person.decrypt(&answer).unwrap()), body(&people.all[0].mail()));
    }
}

#[test]
fn triple_wrapped_mails_are_unwrapped_layer_by_layer() {
    let Some(people) = People::read() else { return };
    let mut tally = Tally::new("RFC 9216: triple wrapped");
    for (number, author) in people.all.iter().enumerate() {
        let reader = &people.all[(number + 1) % people.all.len()];
        let signer = |form| author.signer(author.schemes()[0]).form(form);
        for cipher in CIPHERS {
            for (inner, outer) in
                [(Form::Detached, Form::Opaque), (Form::Opaque, Form::Detached), (Form::Detached, Form::Detached)]
            {
                let mail = author.mail();
                let encrypter = Encrypter::new().to(reader.recipient()).cipher(cipher);
                let wrapped = sign(&signer(outer), &encrypt(&encrypter, &sign(&signer(inner), &mail)));
                let opened = people.unwrap(&wrapped).and_then(|encrypted| reader.decrypt(&encrypted).ok());
                let content = opened.and_then(|signed| people.unwrap(&signed));
                let right = content.is_some_and(|content| body(&content) == body(&mail));
                tally.check(right, format!("{} {cipher} {inner:?} {outer:?}", author.address));
            }
        }
    }
    tally.report();
}

#[test]
fn header_fields_are_protected_in_the_clear() {
    let Some(people) = People::read() else { return };
    let mut tally = Tally::new("RFC 9788: clear");
    for person in &people.all {
        for form in [Form::Detached, Form::Opaque] {
            let signer = person.signer(person.schemes()[0]).form(form).protect_header(HeaderProtection::Clear);
            let signed = sign(&signer, &person.mail());
            let protected = people.verify(&signed).protected.unwrap();
            let subject = protected.fields.iter().any(|field| *field == ("Subject".into(), "A secret".into()));
            let right = protected.form == ProtectedForm::Clear && protected.differ.is_empty() && subject;
            tally.check(right && has(&signed, "Subject: A secret"), &person.address);
            // The first one is outside.
            let changed = String::from_utf8(signed).unwrap().replacen("A secret", "Pay at once", 1);
            let verification = people.verify(changed.as_bytes());
            let told = verification.protected.as_ref().is_some_and(|protected| protected.differ == ["subject"]);
            tally.check(told && verification.verdict() == Verdict::Valid, &person.address);
        }
    }
    tally.report();
}

#[test]
fn header_fields_are_protected_by_encryption() {
    let Some(people) = People::read() else { return };
    let mut tally = Tally::new("RFC 9788: cipher");
    let policy = HeaderConfidentiality::Baseline;
    for (author, reader) in people.all.iter().zip(people.all.iter().cycle().skip(1)) {
        let (mail, to_reader) = (author.mail(), Encrypter::new().to(reader.recipient()));
        let hidden = |mail: &[u8]| has(mail, "Subject: [...]") && !has(mail, "Keywords: one, two");
        let restored = |mail: &[u8]| {
            has(mail, "Subject: A secret") && has(mail, "Keywords: one, two") && !has(mail, "Subject: [...]")
        };
        // Encrypted only.
        let encrypted = encrypt(&to_reader.clone().protect_header(policy), &mail);
        let opened = reader.decrypt(&encrypted).unwrap();
        tally.check(hidden(&encrypted) && restored(&opened) && body(&opened) == body(&mail), &author.address);
        // Signed with what is hidden by the encryption around it.
        for form in [Form::Detached, Form::Opaque] {
            let signer = author.signer(author.schemes()[0]).form(form);
            let signed = sign(&signer.protect_header(HeaderProtection::Cipher(policy)), &mail);
            let encrypted = encrypt(&to_reader, &signed);
            let opened = reader.decrypt(&encrypted).unwrap();
            let verification = people.verify(&opened);
            let protected = verification.protected.as_ref().unwrap();
            let subject = protected.fields.iter().any(|field| *field == ("Subject".into(), "A secret".into()));
            let right = protected.form == ProtectedForm::Cipher && protected.differ == ["keywords", "subject"];
            let valid = verification.verdict() == Verdict::Valid;
            tally.check(hidden(&encrypted) && right && subject && valid, format!("{} {form:?}", author.address));
        }
    }
    tally.report();
}
