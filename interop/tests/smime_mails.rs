//! Mails as they go between us and S/MIME peers: to several, signed and encrypted, not 7-bit, with keys in PKCS#12.

#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use sealpost_interop::smime::{
    Cipher, Form, Gpgsm, Handmade, Identity, Nss, OpenSsl, Padding, Peer, Pki, Sealing, Sealpost, Signing, Transport,
    mail, peers, sample,
};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn plain(by: &Identity, form: Form) -> Signing<'_> {
    Signing::new(by, form, Padding::Plain)
}

#[test]
fn x25519_recipients_are_as_the_rfcs_say() {
    // No peer has RFC 8418.
    let pki = Pki::with(&["X25519"]);
    let (ours, to) = (Sealpost::new(&pki), pki.reader("X25519"));
    let Some(handmade) = Handmade::new(&pki) else { return };
    let mail = sample::mail("alice@example.org");
    for cipher in Cipher::ALL {
        let mut how = Sealing::new(to, cipher, Transport::Agreement);
        let made = ours.encrypt(&how, &mail).unwrap();
        assert_eq!(handmade.decrypt(to, &made).as_deref(), Ok(sample::CONTENT.as_bytes()), "{cipher:?}");
        for ukm in [false, true] {
            how.ukm = ukm;
            let made = handmade.encrypt(&how, &mail).unwrap();
            assert_eq!(ours.decrypt(to, &made).as_deref(), Ok(sample::CONTENT.as_bytes()), "{cipher:?}, ukm: {ukm}");
        }
    }
}

#[test]
fn each_recipient_reads_a_mail_to_all() {
    let pki = Pki::new();
    let ours = Sealpost::new(&pki);
    let mail = sample::mail("alice@example.org");
    let mut args = vec!["encrypt", "--cipher", "aes-128-cbc", "--rsa", "pkcs1", "--to"];
    args.extend(pki.readers.iter().map(|to| text(&to.certificate)));
    let made = ours.made(&args, &mail).unwrap();
    let reads = |peer: &dyn Peer, kind: &str, mail: &[u8]| {
        let read = peer.decrypt(pki.reader(kind), mail);
        assert_eq!(read.as_deref(), Ok(sample::CONTENT.as_bytes()), "{}, {kind}", peer.name());
    };
    for to in &pki.readers {
        reads(&ours, to.kind, &made);
    }
    // The other way, for which X25519 is too new.
    let (outer, entity) = mail::split(&mail);
    let others = pki.readers.iter().filter(|to| to.kind != "X25519");
    let mut args = vec!["-encrypt", "-binary", "-crlfeol", "-aes-128-cbc"];
    others.clone().for_each(|to| args.extend(["-recip", text(&to.certificate)]));
    let theirs = mail::join(&outer, &OpenSsl::new(&pki).cms(&args, &entity).unwrap());
    others.clone().for_each(|to| reads(&ours, to.kind, &theirs));
    for peer in peers(&pki) {
        // Some read none in which somebody has an elliptic curve, whoever made it.
        let kinds = others.clone().map(|to| to.kind).filter(|kind| peer.decrypt(pki.reader(kind), &theirs).is_ok());
        let kinds: Vec<_> = kinds.collect();
        assert_eq!(kinds.is_empty(), ["NSS", "cryptography"].contains(&peer.name()), "{}", peer.name());
        kinds.iter().for_each(|kind| reads(peer.as_ref(), kind, &made));
    }
    // With a whole ring of keys.
    let mut args = vec!["decrypt"];
    for to in &pki.readers {
        args.extend(["--key", text(&to.key), "--cert", text(&to.certificate)]);
    }
    assert_eq!(mail::split(&ours.made(&args, &theirs).unwrap()).1, sample::CONTENT.as_bytes());
}

#[test]
fn a_mail_signed_and_then_encrypted_is_read_and_verified() {
    let pki = Pki::with(&["RSA-2048", "P-256"]);
    let ours = Sealpost::new(&pki);
    let (by, to) = (pki.signer("P-256"), pki.reader("RSA-2048"));
    let mail = sample::mail(&by.address);
    let (outer, _) = mail::split(&mail);
    let how = Sealing::new(to, Cipher::Aes128Cbc, Transport::Pkcs1);
    for peer in peers(&pki) {
        for form in [Form::Multipart, Form::Opaque] {
            let what = format!("{}, {form:?}", peer.name());
            let sealed = ours.encrypt(&how, &ours.sign(&plain(by, form), &mail).unwrap()).unwrap();
            let signed = mail::join(&outer, &peer.decrypt(to, &sealed).unwrap());
            let content = peer.verify(&signed).unwrap();
            assert!(sample::is_in(&content), "{what}");
            // gpgsm has no EC keys.
            let Ok(signed) = peer.sign(&plain(by, form), &mail) else { continue };
            let sealed = peer.encrypt(&how, &signed).unwrap();
            let signed = mail::join(&outer, &ours.decrypt(to, &sealed).unwrap());
            let content = ours.verify(&signed).unwrap();
            assert!(sample::is_in(&content), "{what}");
        }
    }
}

/// The octets of a part, out of its transfer encoding.
fn decoded(entity: &[u8]) -> Vec<u8> {
    let (_, body) = mail::halves(entity);
    match mail::field(entity, "Content-Transfer-Encoding").to_ascii_lowercase().as_str() {
        "base64" => {
            let digits: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
            STANDARD.decode(digits).unwrap()
        }
        "quoted-printable" => {
            let text = String::from_utf8(body.to_vec()).unwrap().replace("=\r\n", "");
            let mut parts = text.split('=');
            let mut octets = parts.next().unwrap().as_bytes().to_vec();
            for part in parts {
                let (digits, rest) = part.split_at(2);
                octets.push(u8::from_str_radix(digits, 16).unwrap());
                octets.extend_from_slice(rest.as_bytes());
            }
            octets
        }
        _ => body.to_vec(),
    }
}

#[test]
fn what_is_not_7_bit_is_made_so_before_it_is_signed() {
    let pki = Pki::with(&["RSA-2048"]);
    let (ours, by) = (Sealpost::new(&pki), pki.signer("RSA-2048"));
    let text = "From here on:\r\nGr\u{fc}\u{df}e, \u{65e5}\u{672c}\u{8a9e}  \r\n.\r\n\r\nEnd".to_owned();
    let long = "\u{e4}".repeat(2000);
    for text in [text.clone() + "\r\n", text, long + "\r\n"] {
        let header = format!(
            "From: {}\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 8bit\r\n\r\n",
            by.address
        );
        let mail = [header.as_bytes(), text.as_bytes()].concat();
        let signed = ours.sign(&plain(by, Form::Multipart), &mail).unwrap();
        let (content, _) = mail::signed_parts(&signed).unwrap();
        assert!(signed.is_ascii(), "{}", String::from_utf8_lossy(&signed));
        assert!(signed.split(|octet| *octet == b'\n').all(|line| line.len() <= 998));
        assert!(mail::find(&content, b"\nFrom ").is_none());
        assert_eq!(String::from_utf8(decoded(&content)).unwrap(), text);
        let opaque = ours.sign(&plain(by, Form::Opaque), &mail).unwrap();
        for peer in peers(&pki) {
            assert_eq!(peer.verify(&signed), Ok(content.clone()), "{}", peer.name());
            let _ = peer.verify(&opaque).unwrap();
        }
    }
}

#[test]
fn long_mails_in_pieces_are_read() {
    // Most programs write long content as BER in pieces, each in pieces of another length.
    let pki = Pki::with(&["RSA-2048"]);
    let (ours, openssl, by) = (Sealpost::new(&pki), OpenSsl::new(&pki), pki.signer("RSA-2048"));
    let lines = "A line of a letter that is long.\r\n".repeat(30_000);
    let entity = format!("Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{lines}").into_bytes();
    let outer = format!("From: {}\r\n", by.address).into_bytes();
    let mail = [&outer[..], b"MIME-Version: 1.0\r\n", &entity].concat();
    let how = Sealing::new(by, Cipher::Aes128Cbc, Transport::Pkcs1);
    let (signed, sealed) = (ours.sign(&plain(by, Form::Opaque), &mail).unwrap(), ours.encrypt(&how, &mail).unwrap());
    for peer in peers(&pki) {
        let content = peer.verify(&signed).unwrap();
        assert!(mail::find(&content, &entity).is_some(), "{}", peer.name());
        assert!(peer.decrypt(by, &sealed).is_ok_and(|read| read == entity), "{}", peer.name());
        let theirs = peer.sign(&plain(by, Form::Opaque), &mail).unwrap();
        assert!(ours.verify(&theirs).is_ok_and(|read| read == entity), "{}", peer.name());
        let theirs = peer.encrypt(&how, &mail).unwrap();
        assert!(ours.decrypt(by, &theirs).is_ok_and(|read| read == entity), "{}", peer.name());
    }
    let files = ["-signer", text(&by.certificate), "-inkey", text(&by.key), "-certfile", text(&pki.issuing)];
    let stream = ["-binary", "-crlfeol", "-stream"];
    let theirs = openssl.cms(&[&["-sign", "-nodetach"][..], &stream, &files].concat(), &entity).unwrap();
    assert!(ours.verify(&mail::join(&outer, &theirs)).is_ok_and(|read| read == entity));
    for cipher in ["-aes-256-cbc", "-aes-256-gcm"] {
        let to = ["-encrypt", cipher, "-recip", text(&by.certificate)];
        let theirs = openssl.cms(&[&to[..], &stream].concat(), &entity).unwrap();
        assert!(ours.decrypt(by, &mail::join(&outer, &theirs)).is_ok_and(|read| read == entity), "{cipher}");
    }
}

#[test]
fn each_hash_is_verified_by_all() {
    let pki = Pki::with(&["RSA-2048"]);
    let (ours, by) = (Sealpost::new(&pki), pki.signer("RSA-2048"));
    for hash in ["sha256", "sha384", "sha512"] {
        let mut args = vec!["sign", "--key", text(&by.key), "--cert", text(&by.certificate)];
        args.extend(["--chain", text(&pki.issuing), "--hash", hash]);
        let signed = ours.made(&args, &sample::mail(&by.address)).unwrap();
        for peer in peers(&pki) {
            let _ = peer.verify(&signed).unwrap_or_else(|words| panic!("{}: {words}", peer.name()));
        }
    }
}

#[test]
fn pkcs12_of_every_program_is_read() {
    let pki = Pki::with(&["RSA-2048", "P-256"]);
    let (ours, scratch) = (Sealpost::new(&pki), pki.scratch());
    let password = scratch.file(b"interop");
    let signs = |what: &str, file: &PathBuf, by: &Identity| {
        assert!(fs::metadata(file).is_ok_and(|file| file.len() > 0), "{what}");
        let args = ["sign", "--key", text(file), "--password-file", text(&password)];
        let signed = ours.made(&[&args[..], &["--chain", text(&pki.issuing)]].concat(), &sample::mail(&by.address));
        let _ = ours.verify(&signed.unwrap_or_else(|why| panic!("{what}: {why}"))).unwrap();
    };
    for by in &pki.signers {
        signs("OpenSSL with 3DES", &by.pkcs12, by);
        let ways: [(&str, &[&str]); 3] = [
            ("OpenSSL", &[]),
            ("OpenSSL with RC2", &["-legacy"]),
            ("OpenSSL with AES-128 and SHA-512", &["-keypbe", "AES-128-CBC", "-macalg", "SHA512"]),
        ];
        for (what, how) in ways {
            signs(what, &OpenSsl::new(&pki).pkcs12(by, how), by);
        }
        // Whoever wrote it could have put in another key.
        let unauthenticated = OpenSsl::new(&pki).pkcs12(by, &["-nomac"]);
        let args = ["sign", "--key", text(&unauthenticated), "--password-file", text(&password)];
        assert!(!ours.run(&args, &sample::mail(&by.address)).status.success());
        if let Some(nss) = Nss::new(&pki) {
            signs("NSS", &nss.pkcs12(by), by);
        }
    }
    if let Some(gpgsm) = Gpgsm::new(&pki) {
        let by = pki.signer("RSA-2048");
        signs("gpgsm", &gpgsm.pkcs12(by), by);
    }
}
