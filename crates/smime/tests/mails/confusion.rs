//! Mails that are made to be taken for what they are not.

use sealpost_smime::{Form, Verdict};

use crate::people::{FORMS, Person, judged, verified};

const EVE: &str = "eve@example.org";
const HEADER: &str = "From: eve@example.org\r\n";

#[test]
fn nobody_signs_as_the_author_of_what_is_inside() {
    let eve = Person::new(EVE);
    let plain = "Content-Type: text/plain\r\n\r\nx\r\n";
    for form in FORMS {
        for inside in [
            // Some programs show the header of what is signed (RFC 9788), or of a mail that is all of it.
            "From: boss@example.org\r\nContent-Type: text/plain; hp=clear\r\n\r\nx\r\n",
            "From: boss@example.org\r\nContent-Type: text/plain; hp=x; hp=clear\r\n\r\nx\r\n",
            "From: boss@example.org\r\nContent-Type: text/plain; protected-headers=v1\r\n\r\nx\r\n",
            "From: boss@example.org\r\n\r\nx\r\n",
            "Content-Type: message/rfc822\r\n\r\nFrom: boss@example.org\r\n\r\nx\r\n",
            "Content-Type: message/rfc822; hp=x\r\n\r\nFrom: boss@example.org\r\n\r\nx\r\n",
            "Content-Type: message/global\r\n\r\nFrom: boss@example.org\r\n\r\nx\r\n",
            "From: boss@example.org\r\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"\r\n\r\n",
            "From: eve@example.org\r\nContent-Type: message/rfc822\r\n\r\nFrom: boss@example.org\r\n\r\nx\r\n",
        ] {
            let judged = judged(&eve.mail(HEADER, form, inside));
            assert_eq!(judged, (Verdict::IdentityMismatch, "mismatch"), "{form:?} {inside}");
        }
        for inside in
            [plain.to_owned(), format!("{HEADER}{plain}"), format!("Content-Type: message/rfc822\r\n\r\n{HEADER}\r\n")]
        {
            assert_eq!(judged(&eve.mail(HEADER, form, &inside)), (Verdict::Valid, "from"), "{form:?} {inside}");
        }
    }
}

/// What stands in a mail that nobody signed.
const UNSIGNED: &str = "Content-Type: text/html\r\n\r\nevil\r\n";

#[test]
fn nothing_that_is_not_signed_is_shown_by_other_programs() {
    let eve = Person::new(EVE);
    let mail = String::from_utf8(eve.mail(HEADER, Form::Detached, "\r\nx\r\n")).unwrap();
    assert_eq!(judged(mail.as_bytes()).0, Verdict::Valid);
    let with = |boundary: &str, delimiter: &str| {
        let mail = mail.replace("boundary=b;", &format!("{boundary};"));
        mail.replacen("\r\n\r\n", &format!("\r\n\r\n--{delimiter}\r\n{UNSIGNED}"), 1)
    };
    let header = |to: &str| mail.replacen("Content-Type: multipart/signed", to, 1);
    for (mail, what) in [
        // Boundaries that programs read differently.
        (with("boundary=b(x)", "b(x)"), "a comment"),
        (with("boundary=\"\\b\"", "\\b"), "an escape"),
        (with("(boundary=e) boundary=b", "e)"), "one in a comment"),
        (with("x=\"; boundary=e\"; boundary=b", "e\""), "one in another parameter"),
        (with("boundary=b; boundary=e", "e"), "two"),
        (with("boundary*=us-ascii'en'b; x=y", "e"), "RFC 2231"),
        (with("boundary=\"b \"", "e"), "a blank at its end"),
        // Lines that only some take for delimiters.
        (with("boundary=b", "bX"), "more behind it"),
        (with("boundary=b", "b\x0b"), "a vertical tab behind it"),
        (mail.replacen("\r\n\r\n", &format!("\r\n\r\nx\r--b\r{UNSIGNED}"), 1), "behind a carriage return"),
        (format!("{mail}--b\r\n{UNSIGNED}--b--\r\n"), "behind the end"),
        (mail.replace("pkcs7-signature\r\n", "pkcs7-signature\r\nX: --bX\r\n"), "in the signature's header"),
        // Headers that programs read differently.
        (header("Content-Type: multi part/signed"), "a blank in the type"),
        (header("Content-Type: \"multipart/signed\""), "quotes around the type"),
        (header("Content-Type : multipart/signed"), "a blank in front of the colon"),
        (header("Content-Type: text/html\r\nContent-Type: multipart/signed"), "two types"),
        (header("X: y\rContent-Type: text/html\r\nContent-Type: multipart/signed"), "a carriage return alone"),
        (format!("X: y\rFrom: boss@example.org\r\n{mail}"), "From behind a carriage return"),
        (header("X: \0\r\nContent-Type: multipart/signed"), "a null octet"),
        (mail.replacen("\r\n\r\n", "\r\nno field\r\nFrom: boss@example.org\r\n\r\n", 1), "a line that is no field"),
        (mail.replace("pkcs7-signature\r\n", "pkcs7-signature\r\nX: y\rContent-Type: text/html\r\n"), "the same there"),
    ] {
        let verdict = verified(mail.as_bytes()).map(|verification| verification.verdict());
        assert!(!matches!(verdict, Ok(Verdict::Valid)), "{what}: {mail}");
    }
}
