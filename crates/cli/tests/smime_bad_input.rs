//! `sealpost smime` with bad input of every kind: an error with what and where, and an output that stays as it was.

#![cfg(test)]

use std::{fs, path::Path};

use sealpost_testkit::messages::{Transfer, transfer};
use serde_json::Value;

#[path = "support/smime.rs"]
mod support;

use support::{Fixture, said};

const MAIL: &str =
    "From: alice@smime.example\r\nTo: bob@smime.example\r\nSubject: s\r\nContent-Type: text/plain\r\n\r\nhello\r\n";
const SIGN: &str = "sign --key @alice.sign.key --cert @alice.sign.crt";
const ENCRYPT: &str = "encrypt --to @bob.encrypt.crt --";
const DECRYPT: &str = "decrypt --key @bob.encrypt.key --cert @bob.encrypt.crt";
const VERIFY: &str = "verify --trust @ca.rsa.crt --at 2026-11-27T12:00:00Z --content =out";

/// With a mail, and the same signed and encrypted.
fn fixture() -> Option<Fixture> {
    let fixture = Fixture::with(MAIL)?;
    fixture.ok(&format!("{SIGN} =mail =signed"));
    fixture.ok(&format!("{ENCRYPT} =mail =encrypted"));
    Some(fixture)
}

impl Fixture {
    /// Fails with one of these codes and says all of this, whether there is an output or not, which stays as it is.
    fn fails(&self, codes: &[i32], says: &[&str], command: &str) {
        for old in [None, Some("old")] {
            let _ = fs::remove_file(self.path("out"));
            old.iter().for_each(|old| self.write("out", old));
            let output = self.run(command);
            let text = said(&output);
            assert!(output.status.code().is_some_and(|code| codes.contains(&code)), "{command}: {output:?}");
            says.iter().for_each(|says| assert!(text.contains(says), "{command} does not say {says:?}: {text}"));
            assert!(!text.contains("panicked"), "{command}: {text}");
            assert_eq!(fs::read_to_string(self.path("out")).ok().as_deref(), old, "{command}");
        }
        let _ = fs::remove_file(self.path("out"));
        let names = fs::read_dir(self.path("")).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with(".sealpost")), "{command}");
    }
}

/// A message as a mail.
fn mail(message: &[u8]) -> Vec<u8> {
    let head = "From: a@b\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    [head.as_bytes(), &transfer(message, Transfer::Base64(76))].concat()
}

#[test]
fn what_no_verb_can_read_is_named_by_each() {
    let Some(f) = fixture() else { return };
    f.write("header", [b"From: ", "x".repeat(300 << 10).as_bytes()].concat());
    let parts = "--b\r\n\r\n".repeat(10_001);
    f.write("parts", format!("From: a@b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}"));
    for (input, says) in [
        ("=", "is a directory"),
        ("=missing", "No such file"),
        ("=header", "octets of a header: more than"),
        ("=parts", "parts of a mail: more than"),
    ] {
        for verb in [SIGN, ENCRYPT, DECRYPT] {
            f.fails(&[1], &[says], &format!("{verb} {input} =out"));
        }
        f.fails(&[1], &[says], &format!("{VERIFY} {input}"));
        f.fails(&[1], &[says], &format!("inspect {input}"));
    }
}

#[test]
fn what_is_not_signed_or_encrypted_is_said_to_be_so() {
    let Some(f) = fixture() else { return };
    let bomb = |unit: &[u8]| mail(&unit.repeat(100_000));
    let broken =
        "From: a@b\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n";
    for (name, content) in [
        ("empty", Vec::new()),
        ("text", b"hello\n".to_vec()),
        ("eight-bit", b"From: \xff\xfe\r\nSubject: \xe9\r\n\r\nx".to_vec()),
        ("zeros", vec![0; 10_000]),
        ("base64", broken.into()),
        ("deep", bomb(&[0x30, 0x80])),
        ("long", mail(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1])),
        ("longer", mail(&[&[0x30, 0x88][..], &[0xff; 8]].concat())),
    ] {
        f.write(name, content);
        f.fails(&[1], &[name], &format!("{VERIFY} ={name}"));
        f.fails(&[1], &[name], &format!("{DECRYPT} ={name} =out"));
        let inspected = f.run(&format!("inspect ={name}"));
        assert!(inspected.status.code().is_some_and(|code| code < 2), "{name}: {inspected:?}");
    }
}

#[test]
fn what_was_cut_is_neither_valid_nor_decrypted() {
    let Some(f) = fixture() else { return };
    let [signed, encrypted] = ["signed", "encrypted"].map(|name| fs::read(f.path(name)).unwrap());
    let cuts = |len: usize| (1..24).map(move |part| len * part / 24);
    for at in cuts(signed.len()) {
        f.write("cut", &signed[..at]);
        f.fails(&[1, 10], &[], &format!("{VERIFY} =cut"));
    }
    for at in cuts(encrypted.len()) {
        f.write("cut", &encrypted[..at]);
        f.fails(&[1], &["cut"], &format!("{DECRYPT} =cut =out"));
    }
}

#[test]
fn keys_and_certificates_that_do_not_fit_are_named() {
    let Some(f) = fixture() else { return };
    f.write("alice", "alice\n");
    f.write("wrong", "mallory\n");
    f.write("garbage", "garbage");
    let cases: [(&str, &[&str], i32); 11] = [
        ("sign --key @alice.sign.key --cert @bob.sign.crt =mail =out", &["alice.sign.key", "another key's"], 1),
        ("sign --key @alice.sign.key =mail =out", &["alice.sign.key", "--cert"], 1),
        ("sign --key =garbage --cert @alice.sign.crt =mail =out", &["garbage"], 1),
        ("sign --key @alice.encrypt.key --cert @alice.encrypt.crt =mail =out", &["not for signing"], 1),
        ("sign --key @alice.p12 --password-file =wrong =mail =out", &["alice.p12", "password"], 1),
        ("sign --key @alice.p12 =mail =out", &["alice.p12", "password"], 1),
        ("encrypt --to =garbage -- =mail =out", &["garbage", "no certificate"], 1),
        ("encrypt --to @bob.sign.crt -- =mail =out", &["not for encryption"], 1),
        ("decrypt --key @alice.encrypt.key --cert @alice.encrypt.crt =encrypted =out", &["can't be decrypted"], 1),
        ("verify =signed", &["--trust"], 2),
        ("verify --trust =missing -- =signed", &["missing", "No such file"], 1),
    ];
    for (command, says, code) in cases {
        f.fails(&[code], says, command);
    }
    f.ok("sign --key @alice.p12 --password-file =alice =mail =out");
}

#[test]
fn each_verdict_has_its_exit_code() {
    let Some(f) = fixture() else { return };
    let verdict = |command: &str, code: i32, word: &str| {
        let output = f.run(&format!("verify --json {command}"));
        assert_eq!(output.status.code(), Some(code), "{command}: {output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["verdict"], word, "{command}");
        assert_eq!(report["signers"].as_array().unwrap().len(), 1, "{command}");
    };
    let signed = fs::read_to_string(f.path("signed")).unwrap();
    f.write("changed", signed.replace("hello", "hallo"));
    f.write("foreign", signed.replacen("From: alice@", "From: mallory@", 1));
    f.write("two", signed.replacen("From: ", "From: mallory@smime.example\r\nFrom: ", 1));
    let at = "--at 2026-11-27T12:00:00Z";
    verdict(&format!("--trust @ca.rsa.crt {at} =signed"), 0, "valid");
    verdict(&format!("--trust @ca.rsa.crt {at} =changed"), 10, "invalid");
    verdict(&format!("--trust @ca.25519.crt {at} =signed"), 11, "untrusted");
    verdict("--trust @ca.rsa.crt --at 2060-01-01T00:00:00Z =signed", 11, "untrusted");
    verdict(&format!("--trust @ca.rsa.crt {at} =foreign"), 12, "identity mismatch");
    verdict(&format!("--trust @ca.rsa.crt {at} =two"), 12, "identity mismatch");
    for (input, code) in [("changed", 10), ("foreign", 12)] {
        f.fails(&[code], &[], &format!("{VERIFY} ={input}"));
    }
    f.fails(&[1], &["--at", "YYYY-MM-DD"], "verify --trust @ca.rsa.crt --at tomorrow =signed");
}

#[test]
fn a_full_device_is_an_error() {
    let Some(f) = fixture() else { return };
    for command in [
        format!("{SIGN} =mail /dev/full"),
        format!("{ENCRYPT} =mail /dev/full"),
        format!("{DECRYPT} =encrypted /dev/full"),
        "verify --trust @ca.rsa.crt --at 2026-11-27T12:00:00Z --content /dev/full =signed".to_owned(),
    ] {
        f.fails(&[1], &["/dev/full: can't write", "No space left"], &command);
    }
    assert!(Path::new("/dev/full").exists());
}
