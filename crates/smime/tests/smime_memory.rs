//! How much memory mails take: large ones hardly any, and hostile ones not much more.

#![cfg(test)]

use std::{
    fs,
    io::{self, Cursor, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64ct::Encoding;
use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_smime::{
    Addressed, Certificate, CertificateIdentifier, ContentCipher, Credential, Decrypter, Encrypter, Fate, Form, Limits,
    Pkcs12, PrivateKey, Readdressing, Recipient, Replacement, Signer, Structure, UnixTime, Verdict, Verifier,
    algorithm::{Digest, SignatureScheme},
    key::SoftwareKey,
    path::{Purpose, Validator},
};
use sealpost_testkit::memory::{Meter, peak};

#[global_allocator]
static ALLOCATOR: Meter = Meter;

/// What signs, verifies, encrypts or decrypts a mail of any size takes no more of the heap than this.
const LARGE_MAIL: usize = 2 << 20;
/// Nothing that anybody sends takes more than this: four times [`Limits::structure`].
const HOSTILE: usize = 16 << 20;

static ALONE: Mutex<()> = Mutex::new(());

/// What is measured is measured alone.
fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> UnixTime {
    UnixTime::from_rfc3339("2026-11-27T12:00:00Z").unwrap()
}

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Bob of RFC 9216: his certificates for signing and encryption, and their keys.
struct Bob {
    signing: (Certificate, SoftwareKey),
    encryption: (Certificate, SoftwareKey),
    verifier: Verifier,
}

impl Bob {
    fn read() -> Option<Self> {
        let folder = sealpost_testkit::vectors()?.join("smime/rfc9216");
        let file = Pkcs12::read(&fs::read(folder.join("bob.p12")).unwrap(), Some("bob"), &Limits::default()).unwrap();
        let pairs: Vec<_> = file.identities.into_iter().map(|one| (one.certificate.unwrap(), one.key)).collect();
        let of = |which: fn(&Certificate) -> bool| pairs.iter().find(|pair| which(&pair.0)).unwrap().clone();
        let ca = Certificate::read_all(&fs::read(folder.join("ca.rsa.crt")).unwrap(), &Limits::default()).unwrap();
        Some(Self {
            signing: of(Certificate::may_sign),
            encryption: of(Certificate::may_encrypt),
            verifier: Verifier::new(Validator::new(&ca, now(), Purpose::EmailSigning)),
        })
    }

    fn signer(&self, form: Form) -> Signer {
        let key = self.signing.1.signing().unwrap();
        Signer::new(self.signing.0.clone(), key, SignatureScheme::RsaPkcs1(Digest::Sha256)).unwrap().form(form)
    }

    fn decrypter(&self) -> Decrypter {
        let key = PrivateKey::from_software(&self.encryption.1).unwrap();
        Decrypter::new("").with_assigned([Credential::new(self.encryption.0.clone(), key).unwrap()])
    }
}

/// Counts what is written.
#[derive(Default)]
struct Count(usize);

impl Write for Count {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0 += octets.len();
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// With lines up to this size.
fn large(header: &str, line: &str, size: usize) -> Vec<u8> {
    let head = format!("From: bob@smime.example\r\n{header}\r\n\r\n");
    let lines = line.bytes().cycle().take(size / line.len() * line.len());
    head.bytes().chain(lines).collect()
}

/// A mail that is signed as it is.
fn text(size: usize) -> Vec<u8> {
    let line = "The quick brown fox jumps over the lazy dog, and does so again and again.\r\n";
    large("Content-Type: text/plain", line, size)
}

#[track_caller]
fn small<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let (result, octets) = peak(run);
    println!("{what}: {octets} octets");
    assert!(octets < LARGE_MAIL, "{what} takes {octets} octets");
    result
}

/// Signs and verifies.
fn signed(bob: &Bob, form: Form, mail: &[u8]) {
    let mut signed = Vec::with_capacity(3 * mail.len());
    let signer = bob.signer(form);
    small("sign", || signer.sign(&mut Cursor::new(mail), now(), &mut rng(), &mut signed)).unwrap();
    let verification = small("verify", || bob.verifier.verify(&mut Cursor::new(&signed))).unwrap();
    assert_eq!(verification.verdict(), Verdict::Valid);
    let mut content = Count::default();
    small("write the content", || verification.write_content(&mut Cursor::new(&signed), &mut content)).unwrap();
    assert!(content.0 + 100 > mail.len());
}

/// Encrypts and decrypts.
fn encrypted(bob: &Bob, cipher: ContentCipher, mail: &[u8]) {
    let mut encrypted = Vec::with_capacity(3 * mail.len());
    let encrypter = Encrypter::new().to(Recipient::new(bob.encryption.0.clone()).unwrap()).cipher(cipher);
    small("encrypt", || encrypter.encrypt(&mut Cursor::new(mail), &mut rng(), &mut encrypted)).unwrap();
    let (mut plain, decrypter) = (Count::default(), bob.decrypter());
    small("decrypt", || decrypter.decrypt(&mut Cursor::new(&encrypted), &mut rng(), &mut plain)).unwrap();
    assert!(plain.0 + 100 > mail.len());
}

#[test]
fn a_mail_of_25_mib_takes_hardly_any_memory() {
    let Some(bob) = Bob::read() else { return };
    let _alone = alone();
    let mail = text(25 << 20);
    signed(&bob, Form::Detached, &mail);
    encrypted(&bob, ContentCipher::Aes256Cbc, &mail);
}

/// Other recipients, where the text of the content stays and where it is written anew.
#[test]
fn neither_does_one_for_others() {
    let _alone = alone();
    let content = tlv(0x80, &vec![7; 25 << 20]);
    let one_line = mail(&enveloped_data(&agreement(1), &content));
    let start = one_line.len() - one_line.iter().rev().position(|c| *c == b'\n').unwrap();
    let lines: Vec<_> = one_line[start..].chunks(76).collect();
    let in_lines = [&one_line[..start], &lines.join(&b"\r\n"[..])].concat();
    for (mail, id) in [&one_line, &in_lines].into_iter().flat_map(|mail| (8..11).map(move |id| (mail, id))) {
        let plan = || Readdressing::plan(&mut Cursor::new(mail), &Limits::default(), &mut |about| replaced(about, id));
        let plan = small("plan", plan).unwrap();
        let mut written = Count::default();
        small("readdress", || plan.write(&mut Cursor::new(mail), &mut written)).unwrap();
        assert!(plan.changes() && written.0.abs_diff(mail.len()) < 200);
    }
}

/// By another with an identifier of so many octets.
fn replaced(about: &Addressed<'_>, id: usize) -> Fate {
    let Some(originator) = about.originator else { return Fate::Keep };
    let id = CertificateIdentifier::SubjectKeyIdentifier(vec![1; id]);
    Fate::Replace(vec![Replacement { id, point: originator.point.to_vec() }])
}

/// KeyAgreeRecipientInfo with so many recipients.
fn agreement(keys: usize) -> Vec<u8> {
    let originator = tlv(0xa1, &[sequence(&[&[6, 3, 0x2b, 0x65, 0x6e]]), tlv(3, &[0; 33])].concat());
    let key = sequence(&[&tlv(0xa0, &tlv(4, &[1; 8])), &tlv(4, &[2; 40])]);
    tlv(0xa1, &[VERSION, &tlv(0xa0, &originator), SHA256, &tlv(0x30, &key.repeat(keys))].concat())
}

/// They are larger than what may be taken.
#[test]
fn neither_do_mails_in_other_forms() {
    let Some(bob) = Bob::read() else { return };
    let _alone = alone();
    let size = LARGE_MAIL * 3 / 2;
    let eight_bit = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit";
    let bare = "Lines of a file, which end as such lines do, and not as those of mails do.\n";
    let (cbc, gcm) = (ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm);
    for (form, cipher, mail) in [
        (Form::Opaque, gcm, text(size)),
        (Form::Detached, cbc, large(eight_bit, "Größe ist nicht alles.\r\n", size)),
        (Form::Opaque, gcm, large(eight_bit, "Größe ist nicht alles. ", size)),
        (Form::Detached, cbc, large("Content-Type: text/plain", bare, size)),
    ] {
        signed(&bob, form, &mail);
        encrypted(&bob, cipher, &mail);
    }
}

/// An element of BER.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], &len[..], content].concat()
}

fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &elements.concat())
}

const DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SHA256: &[u8] = &[0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const VERSION: &[u8] = &[2, 1, 1];

/// ContentInfo.
fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut id = DATA.to_vec();
    id[10] = kind;
    sequence(&[&id, &tlv(0xa0, content)])
}

/// SignedData with these certificates, lists and signers.
fn signed_data(content: &[u8], certificates: &[u8], lists: &[u8], signers: &[u8]) -> Vec<u8> {
    let content = sequence(&[DATA, &tlv(0xa0, content)]);
    let parts =
        [VERSION, &tlv(0x31, SHA256), &content, &tlv(0xa0, certificates), &tlv(0xa1, lists), &tlv(0x31, signers)];
    message(2, &sequence(&parts))
}

/// EnvelopedData with these recipients and this encrypted content.
fn enveloped_data(recipients: &[u8], content: &[u8]) -> Vec<u8> {
    let iv = [&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42][..], &tlv(4, &[0; 16])].concat();
    let content = sequence(&[DATA, &tlv(0x30, &iv), content]);
    message(3, &sequence(&[VERSION, &tlv(0x31, recipients), &content]))
}

fn mail(message: &[u8]) -> Vec<u8> {
    let head =
        "From: bob@smime.example\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    [head.as_bytes(), base64ct::Base64::encode_string(message).as_bytes()].concat()
}

/// All that can be done with a mail that somebody sent. Whatever comes of it, it takes little memory.
#[track_caller]
fn harmless(bob: &Bob, what: &str, mail: &[u8]) {
    let limits = Limits::default();
    let (decrypter, signer) = (bob.decrypter(), bob.signer(Form::Detached));
    let encrypter = Encrypter::new().to(Recipient::new(bob.encryption.0.clone()).unwrap());
    let input = || Cursor::new(mail);
    let mut sink = Count::default();
    let done: [(&str, Outcome<'_>); 6] = [
        ("verify", Box::new(|_| bob.verifier.verify(&mut input()).map(|found| format!("{:?}", found.verdict())))),
        ("decrypt", Box::new(|out| decrypter.decrypt(&mut input(), &mut rng(), out).map(|_| String::new()))),
        (
            "inspect",
            Box::new(|_| Structure::read(&mut input(), &limits).map(|found| format!("{} parts", found.parts.len()))),
        ),
        (
            "readdress",
            Box::new(|_| {
                let plan = Readdressing::plan(&mut input(), &limits, &mut |about| replaced(about, 8))?;
                plan.write(&mut input(), &mut io::sink()).map(|()| format!("changes: {}", plan.changes()))
            }),
        ),
        ("sign", Box::new(|_| signer.sign(&mut input(), now(), &mut rng(), &mut io::sink()).map(|_| String::new()))),
        ("encrypt", Box::new(|_| encrypter.encrypt(&mut input(), &mut rng(), &mut io::sink()).map(|_| String::new()))),
    ];
    println!("{what}, {} octets", mail.len());
    for (command, run) in done {
        let (result, octets) = peak(|| run(&mut sink));
        println!("    {command}: {octets} octets, {}", result.unwrap_or_else(|error| error.to_string()));
        assert!(octets < HOSTILE, "{command} of {what} takes {octets} octets");
    }
    assert_eq!(sink.0, 0, "{what} was decrypted");
}

type Outcome<'a> = Box<dyn FnOnce(&mut dyn Write) -> sealpost_smime::Result<String> + 'a>;

/// More than any limit.
const MANY: usize = 200_000;

fn many(element: &[u8]) -> Vec<u8> {
    element.repeat(MANY)
}

/// SignerInfo whose signature has so many octets.
fn signer(attributes: &[u8], signature: usize) -> Vec<u8> {
    let id = tlv(0x80, &[1; 20]);
    sequence(&[VERSION, &id, SHA256, &tlv(0xa0, attributes), SHA256, &tlv(4, &vec![0; signature])])
}

/// KeyTransRecipientInfo whose identifier has so many octets.
fn recipient(id: usize) -> Vec<u8> {
    sequence(&[VERSION, &tlv(0x80, &vec![1; id]), SHA256, &tlv(4, &[0; 8])])
}

/// A certificate with an extension of so many octets.
fn certificate(bob: &Bob, extension: usize) -> Vec<u8> {
    let (own, spki) = (&bob.signing.0, bob.signing.0.public_key());
    let time = tlv(0x17, b"300101000000Z");
    let extension = sequence(&[&[6, 3, 0x55, 0x1d, 0x7e], &tlv(4, &vec![0; extension])]);
    let (version, extensions) = (tlv(0xa0, &[2, 1, 2]), tlv(0xa3, &sequence(&[&extension])));
    let serial = tlv(2, own.serial());
    let parts =
        [&version, &serial[..], SHA256, own.issuer(), &sequence(&[&time, &time]), own.issuer(), spki, &extensions];
    sequence(&[&sequence(&parts), SHA256, &tlv(3, &[0; 257])])
}

/// A string in as many pieces.
fn pieces(tag: u8) -> Vec<u8> {
    [&[tag, 0x80][..], &many(&[4, 1, b'x']), &[0, 0]].concat()
}

#[test]
fn hostile_signatures_take_little_memory() {
    let Some(bob) = Bob::read() else { return };
    let _alone = alone();
    let content = tlv(4, b"x");
    let with = |certificates: &[u8], lists: &[u8], signers: &[u8]| signed_data(&content, certificates, lists, signers);
    let attribute = sequence(&[DATA, &tlv(0x31, DATA)]);
    let real = bob.signing.0.as_der();
    let id = sequence(&[bob.signing.0.issuer(), &tlv(2, bob.signing.0.serial())]);
    let named = sequence(&[VERSION, &id, SHA256, &tlv(0xa0, &attribute), SHA256, &tlv(4, &[0; 256])]);
    let (some, nested) = (signer(&attribute, 256), [many(&[0x24, 0x80]), many(&[0, 0])].concat());
    let cut =
        [&with(&[], &[], &[])[..60], &[0xa0, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30, 0x84, 0xff, 0xff, 0xff, 0]].concat();
    for (what, message) in [
        ("many sequences in each other", many(&[0x30, 0x80])),
        ("a content of many strings in each other", signed_data(&nested, &[], &[], &[])),
        ("a content in many pieces", signed_data(&pieces(0x24), &[], &[], &some)),
        ("a sequence of 4 GiB", vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1]),
        ("a sequence of 16 EiB", [&[0x30, 0x88][..], &[0xff; 8], &[2, 1, 1]].concat()),
        ("a certificate of 4 GiB", cut),
        ("many certificates of two octets", with(&many(&[0x30, 0]), &[], &some)),
        ("many real certificates", with(&real.repeat(2000), &[], &some)),
        ("as many certificates as may be", with(&real.repeat(100), &[], &named)),
        ("as many large certificates as may be", with(&certificate(&bob, 40_000).repeat(100), &[], &named)),
        ("many certificates of another kind", with(&many(&[0xa1, 0]), &[], &some)),
        ("a certificate of 3 MiB", with(&tlv(0x30, &vec![0; 3 << 20]), &[], &some)),
        ("many lists", with(&[], &many(&[0x30, 0]), &some)),
        ("a list of 3 MiB", with(&[], &tlv(0x30, &vec![0; 3 << 20]), &some)),
        ("many signers of two octets", with(&[], &[], &many(&[0x30, 0]))),
        ("many whole signers", with(real, &[], &some.repeat(2000))),
        ("a signer with many attributes of two octets", with(real, &[], &signer(&many(&[0x30, 0]), 8))),
        ("signers with as many attributes as may be", with(real, &[], &signer(&attribute.repeat(3000), 8).repeat(12))),
        ("a signature of 3 MiB", with(real, &[], &signer(&attribute, 3 << 20))),
    ] {
        harmless(&bob, what, &mail(&message));
    }
}

#[test]
fn hostile_envelopes_take_little_memory() {
    let Some(bob) = Bob::read() else { return };
    let _alone = alone();
    let encrypted = tlv(0x80, &[0; 64]);
    for (what, message) in [
        ("many recipients of two octets", enveloped_data(&many(&[0x30, 0]), &encrypted)),
        ("many whole recipients", enveloped_data(&recipient(20).repeat(20_000), &encrypted)),
        ("as many recipients as may be", enveloped_data(&recipient(4000).repeat(1000), &encrypted)),
        ("many recipients by key agreement", enveloped_data(&agreement(1).repeat(10_000), &encrypted)),
        ("many in one structure", enveloped_data(&agreement(10_000), &encrypted)),
        ("as many as may be", enveloped_data(&agreement(1).repeat(1000), &encrypted)),
        ("as many as may be in one structure", enveloped_data(&agreement(1000), &encrypted)),
        ("large ones", enveloped_data(&[agreement(1), tlv(0xa1, &vec![0; 4_000])].concat().repeat(500), &encrypted)),
        ("a recipient of 3 MiB", enveloped_data(&recipient(3 << 20), &encrypted)),
        (
            "a recipient of as many elements as may be",
            enveloped_data(&sequence(&[&[5, 0].repeat(2_000_000)]), &encrypted),
        ),
        (
            "a recipient of as many pieces as may be",
            enveloped_data(&sequence(&[&[0x24, 4, 4, 0, 4, 0].repeat(650_000)]), &encrypted),
        ),
        ("an encrypted content in many pieces", enveloped_data(&recipient(20), &pieces(0xa0))),
        ("an encrypted content of 4 GiB", enveloped_data(&recipient(20), &[0x80, 0x84, 0xff, 0xff, 0xff, 0xff])),
    ] {
        harmless(&bob, what, &mail(&message));
    }
}

#[test]
fn hostile_mails_take_little_memory() {
    let Some(bob) = Bob::read() else { return };
    let _alone = alone();
    let from = "From: bob@smime.example\r\n";
    let typed = |text: String| format!("{from}Content-Type: {text}\r\n\r\n").into_bytes();
    let nested = |depth: usize| format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n");
    let parts = [typed("multipart/mixed; boundary=b".into()), many(b"--b\r\n\r\n")].concat();
    let octets = vec![b'a'; 8 << 20];
    let long_types = |parameter: &str| {
        let part =
            format!("--b\r\nContent-Type: multipart/{}\r\n\r\n", [parameter, "x".repeat(2500).as_str()].concat());
        [typed("multipart/mixed; boundary=b".into()), part.repeat(9000).into_bytes()].concat()
    };
    let mut signed = Vec::new();
    bob.signer(Form::Opaque).sign(&mut Cursor::new(text(100)), now(), &mut rng(), &mut signed).unwrap();
    let authors = format!("From: {}b@c", "a@b,".repeat(65_000));
    let by_many = String::from_utf8(signed).unwrap().replace("From: bob@smime.example", &authors).into_bytes();
    for (what, mail) in [
        ("nothing", vec![]),
        ("a header of 8 MiB in one line", [b"From: ", &octets[..]].concat()),
        ("a header of many fields", many(b"A: b\r\n")),
        ("a field of many lines", [b"From: b\r\n", &many(b" b\r\n")[..]].concat()),
        ("as many authors as may be", format!("From: {}\r\n\r\n", "a@b,".repeat(65_000)).into_bytes()),
        ("a signed mail by as many authors as may be", by_many),
        ("parts with long types", long_types("")),
        ("parts with long boundaries", long_types("mixed; boundary=")),
        ("parts with long parameters", long_types("signed; boundary=b; protocol=application/pkcs7-signature; micalg=")),
        ("comments in each other", typed(format!("{}text/plain", "(".repeat(200_000)))),
        ("as many fields as may be", [&b"A:\r\n".repeat(65_000)[..], b"\r\n"].concat()),
        ("as many parameters as may be", typed(format!("multipart/signed{}", ";a=".repeat(87_000)))),
        ("as many parts of a parameter as may be", typed(format!("multipart/signed{}", ";a*1=".repeat(52_000)))),
        ("a boundary of 200 KiB", typed(format!("multipart/mixed; boundary={}", "b".repeat(200 << 10)))),
        ("many parts", parts),
        ("many multiparts in each other", (0..5000).map(nested).collect::<String>().into_bytes()),
        ("many mails in each other", many(b"Content-Type: message/rfc822\r\n\r\n")),
        ("base64 of 4 MiB in one line", mail(&vec![0x30; 3 << 20])),
        ("base64 with 4 MiB of blanks", [mail(&[0x30]), vec![b' '; 4 << 20]].concat()),
        ("zeros", vec![0; 1 << 20]),
        ("line ends", many(b"\r\n")),
        ("bare carriage returns", [b"From: b@c\r\n\r\n", &many(b"\r")[..]].concat()),
    ] {
        harmless(&bob, what, &mail);
    }
}
