//! Header fields that were protected before RFC 9788 (draft-autocrypt-lamps-protected-headers).

use std::{fs, io::Cursor, path::Path};

use sealpost_smime::{LegacyCiphers, ProtectedForm, ProtectedHeader, Verdict};
use sealpost_testkit::tally::Tally;

use super::support::{certificates, credentials, decrypted, folder, mails, verifier};

const AT: &str = "2026-06-01T00:00:00Z";
const CONTRACT: &str = "The FooCorp contract";
const TESTING: &str = "BarCorp contract signed, let's go!";

const OPENPGP: &str = "it is encrypted with OpenPGP";

/// A mail, its layers from the outside, and the subject that was protected.
const CASES: [(&str, &str, &str); 6] = [
    ("smime-enc+legacy-disp.eml", "encrypted", TESTING),
    ("smime-multipart-signed.eml", "signed", CONTRACT),
    ("smime-onepart-signed.eml", "signed", CONTRACT),
    ("smime-sign+enc+legacy-disp.eml", "encrypted, signed", TESTING),
    ("smime-sign+enc.eml", "encrypted, signed", TESTING),
    ("unfortunately-complex.eml", "", ""),
];

fn value<'a>(protected: &'a ProtectedHeader, name: &str) -> Option<&'a str> {
    protected.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// What was decrypted, as the example has it, with LF.
fn inner(folder: &Path, name: &str) -> String {
    let file = folder.join(name.replace(".eml", ".inner"));
    fs::read_to_string(file).unwrap_or_default().replace("\r\n", "\n")
}

fn body(mail: &[u8]) -> String {
    let mail = String::from_utf8(mail.to_vec()).unwrap().replace("\r\n", "\n");
    mail.split_once("\n\n").unwrap().1.to_owned()
}

/// The protected subject, and the layers.
fn opened(folder: &Path, name: &str, mail: &[u8]) -> Option<(String, &'static str)> {
    let keys = credentials(&folder.join("bob.p12"), "bob");
    let verifier = verifier(&certificates(&folder.join("sample-ca.pem")), AT);
    // Triple-DES.
    let decrypted = decrypted(mail, &keys, LegacyCiphers::Read);
    if let Ok(plain) = &decrypted {
        assert_eq!(body(plain).trim_end(), body(inner(folder, name).as_bytes()).trim_end());
    }
    let signed = decrypted.as_deref().unwrap_or(mail);
    let Ok(verification) = verifier.verify(&mut Cursor::new(signed)) else {
        // The field that was hidden is in its place again.
        let plain = String::from_utf8(decrypted.ok()?).unwrap();
        let subject = plain.lines().find_map(|line| line.strip_prefix("Subject: "))?;
        assert!(!plain.contains("Subject: ...\r\n"));
        return Some((subject.to_owned(), "encrypted"));
    };
    assert_eq!(verification.verdict(), Verdict::Valid, "{name}");
    let protected = verification.protected.as_ref()?;
    assert_eq!(protected.form, ProtectedForm::Old);
    let hidden: &[&str] = if decrypted.is_ok() { &["subject"] } else { &[] };
    assert_eq!(protected.differ, hidden);
    assert_eq!(value(protected, "From"), Some("Alice Lovelace <alice@smime.example>"));
    let layers = if decrypted.is_ok() { "encrypted, signed" } else { "signed" };
    Some((value(protected, "Subject")?.to_owned(), layers))
}

#[test]
fn fields_that_were_protected_in_the_old_way_are_read() {
    let Some(folder) = folder("autocrypt-protected-headers") else { return };
    let mut tally = Tally::new("protected headers");
    for (name, mail) in mails(&folder) {
        let (_, layers, subject) = CASES.iter().find(|(file, ..)| *file == name).unwrap();
        match opened(&folder, &name, &mail) {
            None if subject.is_empty() => tally.deliberate(OPENPGP),
            said => tally.check(said == Some(((*subject).to_owned(), layers)), format!("{name}: {said:?}")),
        }
    }
    assert_eq!(tally.count(), CASES.len());
    tally.report();
}

#[test]
fn a_field_that_was_changed_outside_is_told() {
    let Some(folder) = folder("autocrypt-protected-headers") else { return };
    let verifier = verifier(&certificates(&folder.join("sample-ca.pem")), AT);
    let mail = fs::read_to_string(folder.join("smime-multipart-signed.eml")).unwrap();
    let (header, rest) = mail.split_once("\n\n").or_else(|| mail.split_once("\r\n\r\n")).unwrap();
    let changed = |from: &str, to: &str| format!("{}\n\n{rest}", header.replace(from, to));
    let subject = changed("Subject: The FooCorp contract", "Subject: Pay at once");
    let verification = verifier.verify(&mut Cursor::new(subject.as_bytes())).unwrap();
    assert_eq!(verification.verdict(), Verdict::Valid);
    assert_eq!(verification.protected.unwrap().differ, ["subject"]);
    let from = changed("From: Alice Lovelace <alice@", "From: Alice Lovelace <mallory@");
    let verification = verifier.verify(&mut Cursor::new(from.as_bytes())).unwrap();
    assert_eq!(verification.verdict(), Verdict::IdentityMismatch);
    assert_eq!(verification.protected.unwrap().differ, ["from"]);
}
