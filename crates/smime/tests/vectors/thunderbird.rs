//! Thunderbird's test mails, made by NSS, with the verdicts of Thunderbird's own tests
//! (mailnews/mime/test/unit/test_smime_decrypt.js).

use std::{io::Cursor, path::Path};

use sealpost_smime::{
    Credential, LegacyCiphers, UnixTime, Verdict, Verifier,
    path::{Purpose, Validator, WeakSignatures},
};
use sealpost_testkit::tally::Tally;

use super::support::{certificates, credentials, decrypted, files, folder, is, judged, layers, mail, mails, verifier};

/// The certificates are valid from 2026-01-26 to 2031-01-26.
const AT: &str = "2026-06-01T00:00:00Z";
const TEXT: &[u8] = b"This is a test message from Alice to Bob.";

const CHANGED: &str = "invalid: the content is not what was signed";
const TWICE: &str = "invalid: the signature has a second content in it";
const WEAK: &str = "invalid: it is a signature over SHA-1, which others can have made for another content";
const PLAIN: &str = "not a signed mail: it is text/plain";
const HTML: &str = "not a signed mail: it is text/html";

const CIPHERTEXT: &str = "a signature over what is encrypted is judged as what it is; Thunderbird shows none";
const NESTED: &str = "each of several signatures is judged by itself (RFC 8551 §3.7); Thunderbird shows none as good";
const TIME: &str = "the field Date is hours from the signer's time: both are reported, Thunderbird refuses";
const NO_MAIL: &str = "decrypted text that is no MIME entity is not given out (Efail); the message itself is opened by a \
                       test of the engine";
const OUTER: &str = "a bad signature around it is not passed over to show what is inside; Thunderbird does";
const OTHER_CA: &str = "its issuer has the same name as the one that is given, and another key";

fn keys(folder: &Path, names: &[&str]) -> Vec<Credential> {
    names.iter().flat_map(|name| credentials(&folder.join(format!("{name}.p12")), "nss")).collect()
}

/// The layers of a mail of mailnews/test/data/smime, and why that is not as Thunderbird has it.
fn expected(name: &str) -> (String, Option<&'static str>) {
    let last = if name.contains("html") { HTML } else { PLAIN };
    let layers = |layers: &[&str]| layers.iter().chain([&last]).copied().collect::<Vec<_>>().join(" > ");
    let has = |what: &str| name.contains(what);
    let signed_ciphertext = name.starts_with("alice.env.");
    match name {
        _ if has(".bad.") => (CHANGED.into(), None),
        _ if has(".mismatch-econtent.") => (TWICE.into(), None),
        // What was signed had lines that ended with LF, and no longer has.
        _ if signed_ciphertext && name.ends_with("dsig.SHA1.multipart.eml") => (CHANGED.into(), None),
        _ if has("SHA1") && name.ends_with(".env.eml") => (format!("encrypted > {WEAK}"), None),
        _ if has("SHA1") => (WEAK.into(), None),
        "alice.env.eml" => (layers(&["encrypted"]), None),
        _ if signed_ciphertext && has(".dave.") => {
            (layers(&["valid", "identity: mismatch", "encrypted"]), Some(NESTED))
        }
        _ if signed_ciphertext && has(".dsig.") => (CHANGED.into(), None),
        _ if signed_ciphertext => (layers(&["valid", "encrypted"]), Some(CIPHERTEXT)),
        _ if has(".dave.") => (layers(&["valid", "identity: mismatch"]), Some(NESTED)),
        "alice.future.dsig.SHA256.multipart.eml" => (layers(&["valid"]), Some(TIME)),
        _ if name.ends_with(".env.eml") => (layers(&["encrypted", "valid"]), None),
        _ => (layers(&["valid"]), None),
    }
}

/// Counts one mail.
fn count(tally: &mut Tally, name: &str, said: &str, expected: (&str, Option<&'static str>)) {
    match expected {
        (verdict, Some(why)) if said == verdict => tally.deliberate(why),
        (verdict, _) => tally.check(said == verdict, format!("{name}: {said}")),
    }
}

#[test]
fn mails_by_nss_are_judged_as_thunderbird_judges_them() {
    let Some(folder) = folder("thunderbird/mailnews/test/data/smime") else { return };
    let keys = keys(&folder, &["Bob"]);
    let verifier = verifier(&certificates(&folder.join("TestCA.pem")), AT);
    let mut tally = Tally::new("Thunderbird: mails");
    for (name, mail) in mails(&folder) {
        let (said, content) = layers(&verifier, &keys, &mail);
        let (verdict, why) = expected(&name);
        count(&mut tally, &name, &said, (&verdict, why));
        let readable = said.ends_with(PLAIN);
        assert!(!readable || content.windows(TEXT.len()).any(|window| window == TEXT), "{name}");
    }
    assert_eq!(tally.count(), 66);
    tally.report();
}

#[test]
fn mails_of_the_past_are_valid_where_sha_1_is_let_pass() {
    let Some(folder) = folder("thunderbird/mailnews/test/data/smime") else { return };
    let at = UnixTime::from_rfc3339(AT).unwrap();
    let anchors = certificates(&folder.join("TestCA.pem"));
    let validator = Validator::new(&anchors, at, Purpose::EmailSigning).weak_signatures(WeakSignatures::Warn);
    let (strict, lenient) = (verifier(&anchors, AT), Verifier::new(validator));
    for name in ["alice.dsig.SHA1.multipart.eml", "alice.sig.SHA1.opaque.eml", "alice.html.sig.SHA1.opaque.eml"] {
        let mail = std::fs::read(folder.join(name)).unwrap();
        assert_eq!(judged(&strict, &mail), WEAK, "{name}");
        assert_eq!(judged(&lenient, &mail), "valid", "{name}");
    }
    for name in ["alice.dsig.SHA1.multipart.bad.eml", "alice.dsig.SHA1.multipart.mismatch-econtent.eml"] {
        let mail = std::fs::read(folder.join(name)).unwrap();
        assert!(judged(&lenient, &mail).starts_with("invalid"), "{name}");
    }
}

#[test]
fn a_date_that_is_not_the_signer_s_is_seen() {
    let Some(folder) = folder("thunderbird/mailnews/test/data/smime") else { return };
    let verifier = verifier(&certificates(&folder.join("TestCA.pem")), AT);
    for (name, hours) in [("alice.future.dsig.SHA256.multipart.eml", 6), ("alice.dsig.SHA256.multipart.eml", 0)] {
        let mail = std::fs::read(folder.join(name)).unwrap();
        let verification = verifier.verify(&mut Cursor::new(&mail)).unwrap();
        assert_eq!(verification.verdict(), Verdict::Valid);
        let signed = verification.signers[0].info.as_ref().unwrap().signing_time().unwrap();
        let off = verification.date.unwrap().0 - signed.0;
        assert!((off - hours * 3600).abs() < 600, "{name}: {off}");
    }
}

/// Entities and messages without a mail around them, of an older authority that is not there.
#[test]
fn what_nss_made_without_a_mail_is_read() {
    let Some(folder) = folder("thunderbird/mailnews/test/data/smime") else { return };
    let keys = keys(&folder, &["Alice", "Bob", "Dave", "Eve"]);
    let verifier = verifier(&certificates(&folder.join("TestCA.pem")), "2024-01-01T00:00:00Z");
    let mut tally = Tally::new("Thunderbird: parts");
    for (name, octets) in files(&folder) {
        let part = if octets.starts_with(&[0x30, 0x80]) { mail("x", &octets) } else { octets };
        let said = match name.rsplit('.').next().unwrap() {
            "eml" | "p12" | "pem" | "md" | "txt" | "mime" | "textplain" => continue,
            "env" => decrypted(&part, &keys, LegacyCiphers::Refuse).unwrap_err().to_string(),
            _ => judged(&verifier, &part),
        };
        let right = match name.as_str() {
            // For a certificate that is not there.
            _ if is(&name, "env") => said == "the message can't be decrypted with these keys",
            _ if name.ends_with(".mismatch-econtent") => said == TWICE,
            // A signature without its content.
            _ if name.contains("mime.dsig") => said == "invalid: the content is missing",
            _ if name.contains("SHA1") => said == WEAK,
            _ => said.starts_with("untrusted: no trusted certificate of its issuer is known"),
        };
        tally.check(right, format!("{name}: {said}"));
    }
    assert_eq!(tally.count(), 29);
    tally.report();
}

#[test]
fn what_openssl_made_for_thunderbird_is_text_and_no_mail() {
    let Some(folder) = folder("thunderbird/mailnews/test/data/smime-interop") else { return };
    let keys = keys(&folder, &["Fran", "Fran-ec"]);
    let mut tally = Tally::new("Thunderbird: interop");
    for (name, mail) in files(&folder) {
        if is(&name, "p12") {
            tally.check(!credentials(&folder.join(&name), "nss").is_empty(), name);
            continue;
        }
        let said =
            decrypted(&mail, &keys, LegacyCiphers::Read).map_or_else(|error| error.to_string(), |_| "read".into());
        count(&mut tally, &name, &said, ("the message can't be decrypted with these keys", Some(NO_MAIL)));
    }
    assert_eq!(tally.count(), 8);
    tally.report();
}

const MANUAL: [(&str, &str, Option<&str>); 6] = [
    ("alice.dsig.SHA256.multipart.env.dsig.eml", CHANGED, Some(OUTER)),
    ("alice.env.mixed.dsig.SHA256.multipart.eml", CHANGED, None),
    ("outer-pgp-sig-inner-smime-enc-sig.eml", "not a signed mail: it is multipart/signed", None),
    ("outer-pgp-sig-inner-smime-enc.eml", "not a signed mail: it is multipart/signed", None),
    ("outer-smime-bad-sig-inner-smime-enc-sig.eml", CHANGED, None),
    ("outer-smime-bad-sig-inner-smime-enc.eml", CHANGED, None),
];

#[test]
fn mails_made_by_hand_are_not_valid() {
    let Some(folder) = folder("thunderbird/mailnews/test/data") else { return };
    let keys = keys(&folder.join("smime"), &["Bob"]);
    let verifier = verifier(&certificates(&folder.join("smime/TestCA.pem")), AT);
    let mut tally = Tally::new("Thunderbird: by hand");
    for (name, mail) in mails(&folder.join("smime-manual")) {
        let (_, verdict, why) = MANUAL.iter().find(|(file, ..)| *file == name).unwrap();
        count(&mut tally, &name, &layers(&verifier, &keys, &mail).0, (verdict, *why));
    }
    assert_eq!(tally.count(), MANUAL.len());
    tally.report();
}

const BROWSER: [(&str, &str, Option<&str>); 10] = [
    ("alice.dsig.SHA256.multipart.env.eml", "encrypted > valid > not a signed mail: it is text/plain", None),
    ("alice.dsig.SHA256.multipart.in.mixed.eml", "not a signed mail: only its part 1 is signed", None),
    ("alice.dsig.SHA256.multipart.in.mixed.with.header.eml", "not a signed mail: only its part 2 is signed", None),
    ("alice.env.eml", "encrypted > not a signed mail: it is text/plain", None),
    (
        "alice.html.sig.SHA256.opaque.eml",
        "untrusted: its signature is not its issuer's > not a signed mail: it is text/html",
        Some(OTHER_CA),
    ),
    ("alice.html.sig.SHA256.opaque.env.eml", "encrypted > valid > not a signed mail: it is text/html", None),
    ("alice.sig.SHA256.opaque.eml", "valid > not a signed mail: it is text/plain", None),
    ("alice.sig.SHA256.opaque.env.eml", "encrypted > valid > not a signed mail: it is text/plain", None),
    // Two encrypted parts beside each other.
    ("multipart-alternative.eml", "not a signed mail: it is multipart/alternative", None),
    ("nested-sigs.eml", CHANGED, None),
];

#[test]
fn mails_of_the_browser_s_tests_are_judged() {
    let Some(folder) = folder("thunderbird/mail/test/browser/smime/data") else { return };
    let keys = keys(&folder, &["Alice", "Bob"]);
    let verifier = verifier(&certificates(&folder.join("TestCA.pem")), AT);
    let mut tally = Tally::new("Thunderbird: browser");
    for (name, mail) in mails(&folder) {
        let (_, verdict, why) = BROWSER.iter().find(|(file, ..)| *file == name).unwrap();
        count(&mut tally, &name, &layers(&verifier, &keys, &mail).0, (verdict, *why));
        if name == "multipart-alternative.eml" {
            let said = decrypted(&mail, &keys, LegacyCiphers::Refuse).unwrap_err().to_string();
            assert_eq!(said, "not an encrypted mail: only its part 1 is");
        }
    }
    assert_eq!(tally.count(), BROWSER.len());
    tally.report();
}
