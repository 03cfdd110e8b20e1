//! Mails of all kinds, well made or not: what is signed is verified, and what is verified is what was signed.

use std::io::Cursor;

use proptest::{collection::vec, prelude::*, sample::select};
use sealpost_smime::{Error, Form, HeaderProtection, Signer, UnixTime, Verdict, Verification};

use crate::{
    authority::NOW,
    people::{FORMS, Person, rng, signed, verified},
};

const LINES: [&str; 22] = [
    "hello",
    "",
    "",
    " ",
    "From me",
    ".",
    "--",
    "-- ",
    "--b",
    "--b--",
    "--bb",
    "tab\t",
    "=20=",
    "\u{fc}",
    "\0",
    "\u{1a}",
    "a\rb",
    "\r",
    "Content-Type: x/y",
    "QUJDRA==",
    "no field",
    "\u{c}",
];
const TYPES: [&str; 12] = [
    "text/plain",
    "text/html;{} charset=\"x;y\"",
    "application/octet-stream; name=\"\u{fc}\"",
    "message/rfc822",
    "multipart/mixed; boundary=b",
    "multipart/mixed; boundary=\"bb\"",
    "multipart/digest; boundary=b",
    "multipart/signed; protocol=\"application/pgp-signature\"; boundary=b",
    "multipart/encrypted; protocol=\"x/y\"; boundary=b",
    "multipart/mixed",
    "text/plain\r; a=b",
    "",
];
const ENCODINGS: [&str; 8] =
    ["7bit", "8bit", "binary", "base64", "quoted-printable", "x-uue", "8BIT (c)", "quoted-printable\r"];

/// Line ends: mostly those of the mail.
fn line_end(usual: &'static str) -> impl Strategy<Value = &'static str> {
    prop_oneof![20 => Just(usual), 1 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r\r\n"), 1 => Just("\r")]
}

fn field(end: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(&TYPES).prop_map(move |value| format!("Content-Type: {}", value.replace("{}", end))),
        3 => select(&ENCODINGS).prop_map(|value| format!("Content-Transfer-Encoding: {value}")),
        1 => Just(format!("content-disposition: attachment;{end} filename*0=a;{end}\tfilename*1=b")),
        2 => Just("Subject: x".to_owned()),
        1 => Just("Subject: \u{fc}".to_owned()),
        1 => Just(format!("Subject: {}", "x".repeat(1100))),
        1 => Just("MIME-Version: 1.0".to_owned()),
        1 => Just("From mbox Thu Jan  1 00:00:00 1970".to_owned()),
    ]
}

fn mail() -> impl Strategy<Value = Vec<u8>> {
    select(&["\r\n", "\r\n", "\n"]).prop_flat_map(|end| {
        let header = vec((field(end), line_end(end)), 0..6);
        let long = prop_oneof![50 => Just(None), 1 => (990_usize..1010).prop_map(Some)];
        let body = vec((select(&LINES), long, line_end(end)), 0..20);
        (header, line_end(end), body, any::<bool>()).prop_map(move |(header, empty, body, ended)| {
            let mut mail = format!("From: alice@example.org{end}").into_bytes();
            for (field, end) in header {
                mail.extend_from_slice(&[field.as_bytes(), end.as_bytes()].concat());
            }
            mail.extend_from_slice(empty.as_bytes());
            for (line, long, end) in body {
                let line = long.map_or_else(|| line.to_owned(), |len| "x".repeat(len));
                mail.extend_from_slice(&[line.as_bytes(), end.as_bytes()].concat());
            }
            if !ended {
                mail.extend_from_slice(b"x");
            }
            mail
        })
    })
}

fn content(verification: &Verification, mail: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    verification.write_content(&mut Cursor::new(mail), &mut content).unwrap();
    content
}

#[test]
fn what_a_relay_may_change_is_said() {
    let alice = Person::new("alice@example.org");
    let fragile = |form, mail: &[u8]| {
        let signed = alice.signer().form(form).sign(&mut Cursor::new(mail), UnixTime(NOW), &mut rng(), &mut Vec::new());
        signed.map(|signed| signed.fragile)
    };
    for (mail, said) in [
        (&b"From: a@b\r\n\r\n\xff\0\r"[..], false),
        (b"From: \xff@b\r\n\r\nx", false),
        (b"Content-Type: a/b; name=\"\xff\"\r\n\r\nx", true),
        (b"Content-Transfer-Encoding: x-uue\r\n\r\n\xff", true),
        (b"Content-Transfer-Encoding: x-uue\r\n\r\na\rb\r\n", true),
    ] {
        assert_eq!(fragile(Form::Detached, mail).unwrap(), said, "{mail:?}");
        assert!(!fragile(Form::Opaque, mail).unwrap());
    }
    let alone = b"Content-Transfer-Encoding: x-uue\n\na\r\r\nb\n";
    assert!(matches!(fragile(Form::Detached, alone), Err(Error::Structure { .. })));
    assert!(!fragile(Form::Opaque, alone).unwrap());
}

proptest! {
    #[test]
    fn what_is_signed_is_verified(mail in mail()) {
        let alice = Person::new("alice@example.org");
        for protection in [None, Some(HeaderProtection::Clear)] {
            for form in FORMS {
                let signer = alice.signer().form(form);
                let signer = protection.into_iter().fold(signer, Signer::protect_header);
                let signed = match signed(&signer, &mail) {
                    Ok(signed) => signed,
                    // It claims to be S/MIME.
                    Err(Error::Mime { .. }) => continue,
                    // It could be signed in the other form.
                    Err(Error::Structure { place: "a mail with line feeds alone", .. }) if form == Form::Detached => {
                        continue;
                    }
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                };
                let text = String::from_utf8_lossy(&signed);
                let verification = verified(&signed).unwrap();
                prop_assert!(verification.verdict() <= Verdict::IdentityMismatch, "{form:?} {text:?} {verification:?}");
                let content = content(&verification, &signed);
                prop_assert_eq!(u64::try_from(content.len()).unwrap(), verification.octets());
            }
        }
    }
}
