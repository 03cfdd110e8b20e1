//! Mails that are made to be taken for what they are not.

use sealpost_smime::Verdict;

use crate::people::{FORMS, Person, judged};

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
