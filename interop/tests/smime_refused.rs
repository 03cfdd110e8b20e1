//! What we refuse of what S/MIME peers make: each mail is one that they make without a word.

#![cfg(test)]

use std::{path::Path, process::Output};

use sealpost_interop::smime::{
    BouncyCastle, Cipher, Form, Gpgsm, Identity, OpenSsl, Padding, Peer, Pki, Purpose, Sealing, Sealpost, Signing,
    Transport, mail, peers, sample,
};

const VALID: Option<i32> = Some(0);
/// The mail is not what it should be.
const NOT_SIGNED: Option<i32> = Some(1);
const INVALID: Option<i32> = Some(10);
const UNTRUSTED: Option<i32> = Some(11);
const MISMATCH: Option<i32> = Some(12);

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn plain(by: &Identity, form: Form) -> Signing<'_> {
    Signing::new(by, form, Padding::Plain)
}

fn replaced(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let start = mail::find(octets, from).unwrap();
    [&octets[..start], to, &octets[start + from.len()..]].concat()
}

/// The mail with its CMS message changed.
fn altered(mail: &[u8], change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let (outer, _) = mail::split(mail);
    if let Some((content, signature)) = mail::signed_parts(mail) {
        return mail::multipart(&outer, &content, &change(signature), "sha256");
    }
    let smime_type = mail::parameter(mail, "smime-type").unwrap();
    mail::pkcs7(&outer, &smime_type, &change(mail::base64_body(mail)))
}

/// Another value for the octet so far from the end, not counting zeros there, of which BER may have some.
fn flipped(mut message: Vec<u8>, from_the_end: usize) -> Vec<u8> {
    let end = message.iter().rposition(|octet| *octet != 0).unwrap();
    message[end - from_the_end] ^= 0x40;
    message
}

#[test]
fn an_altered_mail_is_invalid_whoever_signed_it() {
    let pki = Pki::with(&["RSA-2048"]);
    let (ours, by) = (Sealpost::new(&pki), pki.signer("RSA-2048"));
    let trust = ["--trust", text(&pki.root)];
    for peer in peers(&pki) {
        for form in [Form::Multipart, Form::Opaque] {
            let mail = peer.sign(&plain(by, form), &sample::mail(&by.address)).unwrap();
            let what = format!("{}, {form:?}", peer.name());
            assert_eq!(ours.judge(&trust, &mail), VALID, "{what}");
            let said_otherwise = match form {
                Form::Multipart => replaced(&mail, b"Dear Bob", b"Dear Rob"),
                _ => altered(&mail, |message| replaced(&message, b"Dear Bob", b"Dear Rob")),
            };
            assert_eq!(ours.judge(&trust, &said_otherwise), INVALID, "{what}: content");
            let otherwise = altered(&mail, |message| flipped(message, 40));
            assert_eq!(ours.judge(&trust, &otherwise), INVALID, "{what}: signature");
            let blank = replaced(&said_otherwise, b"\r\nSubject", b"\r\nX-Subject");
            assert_eq!(ours.judge(&trust, &blank), INVALID, "{what}: header");
        }
    }
}

#[test]
fn a_signer_is_trusted_for_what_the_certificate_says() {
    let (pki, stranger) = (Pki::with(&["RSA-2048", "P-256"]), Pki::with(&[]));
    let (ours, openssl) = (Sealpost::new(&pki), OpenSsl::new(&pki));
    let trust = ["--trust", text(&pki.root)];
    let signed = |by: &Identity, from: &str| openssl.sign(&plain(by, Form::Multipart), &sample::mail(from)).unwrap();
    let (by, other) = (pki.signer("RSA-2048"), pki.signer("P-256"));
    let mail = signed(by, &by.address);
    assert_eq!(ours.judge(&trust, &mail), VALID);
    assert_eq!(ours.judge(&["--trust", text(&stranger.root)], &mail), UNTRUSTED);
    assert_eq!(ours.judge(&[&trust[..], &["--at", "2049-01-01T00:00:00Z"]].concat(), &mail), UNTRUSTED);
    assert_eq!(ours.judge(&[&trust[..], &["--at", "2020-01-01T00:00:00Z"]].concat(), &mail), UNTRUSTED);
    for (revoked, code) in [(by, UNTRUSTED), (other, VALID)] {
        let list = pki.revoking(revoked);
        assert_eq!(ours.judge(&[&trust[..], &["--crl", text(&list)]].concat(), &mail), code);
    }
    assert_eq!(ours.judge(&trust, &signed(by, "mallory@example.org")), MISMATCH);
    assert_eq!(ours.judge(&trust, &signed(by, "RSA2048@EXAMPLE.ORG")), VALID);
    let server = pki.rsa("Server", Purpose::RSA.extended("serverAuth"));
    assert_eq!(ours.judge(&trust, &signed(&server, &server.address)), UNTRUSTED);
    let reader = pki.rsa("Reader", Purpose::RSA.usage("keyEncipherment"));
    assert_eq!(ours.judge(&trust, &signed(&reader, &reader.address)), UNTRUSTED);
}

#[test]
fn every_signer_counts() {
    let (pki, stranger) = (Pki::with(&["RSA-2048", "P-256"]), Pki::with(&["P-256"]));
    let (ours, openssl) = (Sealpost::new(&pki), OpenSsl::new(&pki));
    let by = pki.signer("RSA-2048");
    let (outer, entity) = mail::split(&sample::mail(&by.address));
    for (second, code) in [(pki.signer("P-256"), VALID), (stranger.signer("P-256"), UNTRUSTED)] {
        let mut args = vec!["-sign", "-binary", "-nodetach", "-outform", "DER", "-certfile", text(&pki.issuing)];
        for signer in [by, second] {
            args.extend(["-signer", text(&signer.certificate), "-inkey", text(&signer.key)]);
        }
        let message = openssl.cms(&args, &entity).unwrap();
        let mail = mail::pkcs7(&outer, "signed-data", &message);
        assert_eq!(ours.judge(&["--trust", text(&pki.root)], &mail), code);
    }
}

#[test]
fn what_only_looks_like_a_signature_is_refused() {
    let pki = Pki::with(&["RSA-2048"]);
    let (ours, openssl, by) = (Sealpost::new(&pki), OpenSsl::new(&pki), pki.signer("RSA-2048"));
    let trust = ["--trust", text(&pki.root)];
    let (outer, entity) = mail::split(&sample::mail(&by.address));
    let signed = |more: &[&str]| {
        let by = ["-signer", text(&by.certificate), "-inkey", text(&by.key), "-certfile", text(&pki.issuing)];
        openssl.cms(&[&["-sign", "-binary", "-outform", "DER"][..], &by, more].concat(), &entity).unwrap()
    };
    let multipart = |message: &[u8]| ours.judge(&trust, &mail::multipart(&outer, &entity, message, "sha256"));
    let opaque = |message: &[u8]| ours.judge(&trust, &mail::pkcs7(&outer, "signed-data", message));
    assert_eq!(multipart(&signed(&[])), VALID);
    assert_eq!(opaque(&signed(&["-nodetach"])), VALID);
    // A signature over attributes can be passed off as one over content that looks like them.
    assert_eq!(multipart(&signed(&["-noattr"])), INVALID);
    assert_eq!(opaque(&signed(&["-nodetach", "-noattr"])), INVALID);
    assert_eq!(multipart(&signed(&["-md", "sha1"])), INVALID);
    assert_eq!(multipart(&signed(&["-md", "md5"])), INVALID);
    // Which of the two contents would it be?
    assert_eq!(multipart(&signed(&["-nodetach"])), INVALID);
    assert_eq!(opaque(&signed(&[])), INVALID);
    // Certificates, and nobody who signed.
    let nobody = pki.certificates_only();
    assert_eq!(multipart(&nobody), NOT_SIGNED);
    assert_eq!(opaque(&nobody), NOT_SIGNED);
    assert_eq!(ours.judge(&trust, &sample::mail(&by.address)), NOT_SIGNED);
}

/// It says so and writes nothing.
#[track_caller]
fn refused(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{stderr}");
    stderr
}

fn with_key(of: &Identity) -> [&str; 5] {
    ["decrypt", "--key", text(&of.key), "--cert", text(&of.certificate)]
}

#[test]
fn old_ciphers_need_their_switch() {
    let pki = Pki::with(&["RSA-2048"]);
    let (ours, openssl, to) = (Sealpost::new(&pki), OpenSsl::new(&pki), pki.reader("RSA-2048"));
    let (outer, entity) = mail::split(&sample::mail("alice@example.org"));
    for cipher in ["-des3", "-rc2-40", "-rc2-64", "-rc2-128"] {
        let how = ["-encrypt", "-binary", "-provider", "default", "-provider", "legacy", cipher, "-outform", "DER"];
        let message = openssl.cms(&[&how[..], &["-recip", text(&to.certificate)]].concat(), &entity).unwrap();
        let mail = mail::pkcs7(&outer, "enveloped-data", &message);
        let _ = refused(&ours.run(&with_key(to), &mail));
        let read = ours.made(&[&with_key(to)[..], &["--legacy"]].concat(), &mail).unwrap();
        assert_eq!(mail::split(&read).1, entity, "{cipher}");
    }
}

#[test]
fn a_cipher_that_authenticates_stands_where_it_is_looked_at() {
    let pki = Pki::with(&["RSA-2048"]);
    let (ours, to) = (Sealpost::new(&pki), pki.reader("RSA-2048"));
    let (how, mail) = (Sealing::new(to, Cipher::Aes256Gcm, Transport::Pkcs1), sample::mail("alice@example.org"));
    if let Some(peer) = BouncyCastle::new(&pki) {
        let mail = peer.encrypt_without_authentication(&how, &mail).unwrap();
        let _ = refused(&ours.run(&with_key(to), &mail));
    }
    if let Some(peer) = Gpgsm::new(&pki) {
        // Later versions make what they should.
        if let Ok(mail) = peer.encrypt(&how, &mail)
            && peer.decrypt(to, &mail).is_err()
        {
            let _ = refused(&ours.run(&with_key(to), &mail));
        }
    }
}

#[test]
fn a_failure_does_not_say_where() {
    let pki = Pki::with(&["RSA-2048", "P-256"]);
    let (ours, openssl) = (Sealpost::new(&pki), OpenSsl::new(&pki));
    for (kind, transport) in
        [("RSA-2048", Transport::Pkcs1), ("RSA-2048", Transport::Oaep), ("P-256", Transport::Agreement)]
    {
        let to = pki.reader(kind);
        for cipher in [Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
            let mail = openssl.encrypt(&Sealing::new(to, cipher, transport), &sample::mail("a@example.org")).unwrap();
            let message = mail::base64_body(&mail);
            // In front of the content's type is the encrypted key.
            let data = [6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0xD, 1, 7, 1];
            let content = message.len() - 1 - mail::find(&message, &data).unwrap();
            // Its last octets; the first and the last block of the content, or its MAC.
            let places = [content + 5, content + 12, content - 100, 40, 20, 2];
            let words = places.map(|place| {
                let mail = altered(&mail, |message| flipped(message, place));
                refused(&ours.run(&with_key(to), &mail))
            });
            assert!(words.iter().all(|said| *said == words[0]), "{kind}, {transport:?}, {cipher:?}: {words:?}");
        }
    }
}

#[test]
fn a_key_reads_only_what_is_to_its_owner() {
    let (pki, stranger) = (Pki::with(&["RSA-2048", "P-256"]), Pki::with(&["RSA-2048"]));
    let (ours, openssl) = (Sealpost::new(&pki), OpenSsl::new(&pki));
    let to = pki.reader("RSA-2048");
    let how = Sealing::new(to, Cipher::Aes256Cbc, Transport::Pkcs1);
    let mail = openssl.encrypt(&how, &sample::mail("alice@example.org")).unwrap();
    for other in [pki.reader("P-256"), stranger.reader("RSA-2048")] {
        let _ = refused(&ours.run(&with_key(other), &mail));
    }
    // The right name with the wrong key.
    let pair = ["decrypt", "--key", text(&stranger.reader("RSA-2048").key), "--cert", text(&to.certificate)];
    let _ = refused(&ours.run(&pair, &mail));
    for (recipient, reads) in [(to.address.as_str(), true), ("mallory@example.org", false)] {
        let output = ours.run(&[&with_key(to)[..], &["--recipient", recipient]].concat(), &mail);
        assert_eq!(output.status.success(), reads, "{recipient}");
    }
}
