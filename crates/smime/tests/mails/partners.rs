//! Whom to encrypt to, as far as a mail tells.

use std::io::Cursor;

use sealpost_smime::Certificate;

use crate::{
    authority::{Draft, KEY_USAGE, Key, usage},
    people::{Person, root, signed, verifier},
};

const MAIL: &[u8] = b"From: alice@example.org\r\n\r\nx\r\n";

fn harvested(mail: &[u8]) -> Option<Certificate> {
    let verification = verifier().verify(&mut Cursor::new(mail)).unwrap();
    verifier().encryption_certificate(&verification, &verification.signers[0]).cloned()
}

#[test]
fn a_partners_certificate_is_the_preferred_one_if_it_is_good() {
    let alice = Person::new("alice@example.org");
    let (_, authority) = root();
    let draft = |address| Draft::person(address, &Key::new(3)).serial(9);
    let good = draft("alice@example.org").sign("Root", &authority);
    let with = |certificate: &Certificate| signed(&alice.signer().encrypt_to(certificate).unwrap(), MAIL).unwrap();
    assert_eq!(harvested(&signed(&alice.signer(), MAIL).unwrap()), Some(alice.certificate.clone()));
    assert_eq!(harvested(&with(&good)), Some(good.clone()));
    for bad in [
        draft("alice@example.org").sign("Root", &Key::new(4)),
        draft("eve@example.org").sign("Root", &authority),
        draft("alice@example.org").with(KEY_USAGE, true, usage(&[0])).sign("Root", &authority),
    ] {
        assert_eq!(harvested(&with(&bad)), None);
    }
    // What is not signed by the author, or not at all, says nothing.
    let text = String::from_utf8(with(&good)).unwrap();
    for (from, to) in [("From: alice", "From: bob"), ("\r\n\r\nx\r\n", "\r\n\r\ny\r\n")] {
        assert!(text.contains(from));
        assert_eq!(harvested(text.replacen(from, to, 1).as_bytes()), None, "{to}");
    }
}
