//! Certificates that are made to be expensive end within the limits, with a reason.

use sealpost_smime::{
    Certificate, Limits, UnixTime,
    path::{Purpose, Reason, Validator},
};

use crate::{
    authority::{ALT_NAME, Draft, Key, NAME_CONSTRAINTS, NOW, mail_constraints, mail_names},
    chains::validator,
};

/// As many as a message may have.
const MANY: u16 = 100;

#[test]
fn a_hundred_authorities_that_all_certify_one_another_end_within_the_limit() {
    let name = |number: u16| format!("Authority {}", number % 10);
    // Ten names with ten keys each; every one is certified by every name.
    let all: Vec<Certificate> = (0..MANY)
        .flat_map(|number| {
            let draft = Draft::authority(&name(number), &Key::new(number));
            (0..10).map(move |issuer| draft.sign(&format!("Authority {issuer}"), &Key::new(issuer)))
        })
        .collect();
    let leaf = Draft::person("alice@example.org", &Key::new(500)).sign("Authority 0", &Key::new(0));
    let stranger = Draft::authority("Stranger", &Key::new(501)).sign("Stranger", &Key::new(501));
    let distrust = validator(&[stranger]).validate(&leaf, &all).unwrap_err();
    let limit = Limits::default().path_signatures;
    assert!(matches!(distrust.reason, Reason::Limit { limit: said, .. } if said == limit), "{distrust}");
}

#[test]
fn a_hundred_certificates_of_one_name_hide_no_given_intermediate() {
    let (root, middle) = (Key::new(1), Key::new(2));
    let anchor = Draft::authority("Root", &root).sign("Root", &root);
    let good = Draft::authority("Middle", &middle).sign("Root", &root);
    let leaf = Draft::person("alice@example.org", &Key::new(3)).sign("Middle", &middle);
    let decoys: Vec<_> = (0..MANY).map(|n| Draft::authority("Middle", &Key::new(n + 10)).sign("Root", &root)).collect();
    let validator = Validator::new(&[anchor], UnixTime(NOW), Purpose::EmailSigning).intermediates(&[good]);
    assert!(validator.validate(&leaf, &decoys).is_ok());
}

#[test]
fn names_and_constraints_are_not_multiplied_without_end() {
    let (root, middle) = (Key::new(1), Key::new(2));
    let bases: Vec<String> = (0..1000).map(|n| format!("host{n}.example")).collect();
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
    let names: Vec<String> = (0..1000).map(|n| format!("a{n}@example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let anchor = Draft::authority("Root", &root).sign("Root", &root);
    let constrained = Draft::authority("Middle", &middle)
        .with(NAME_CONSTRAINTS, true, mail_constraints(&[], &bases))
        .sign("Root", &root);
    let leaf = Draft::person("a@b", &Key::new(3)).with(ALT_NAME, false, mail_names(&names)).sign("Middle", &middle);
    let distrust = validator(&[anchor]).validate(&leaf, &[constrained]).unwrap_err();
    assert!(matches!(distrust.reason, Reason::Limit { what: "comparisons of names", .. }), "{distrust}");
}

#[test]
fn too_long_a_path_is_refused() {
    let name = |number: u16| format!("Authority {number}");
    let anchor = Draft::authority(&name(30), &Key::new(30)).sign(&name(30), &Key::new(30));
    let all: Vec<_> =
        (1..30).map(|n| Draft::authority(&name(n), &Key::new(n)).sign(&name(n + 1), &Key::new(n + 1))).collect();
    let leaf = Draft::person("a@b", &Key::new(0)).sign(&name(1), &Key::new(1));
    let distrust = validator(&[anchor]).validate(&leaf, &all).unwrap_err();
    assert!(matches!(distrust.reason, Reason::Limit { what: "certificates", .. }), "{distrust}");
}
