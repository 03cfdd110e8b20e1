//! Certificates that are made to be expensive end within the limits, with a reason.

use proptest::prelude::*;
use sealpost_smime::{
    Certificate, Limits, UnixTime,
    path::{PolicyRules, Purpose, Reason, RevocationPolicy, Validator},
};

use crate::{
    authority::{
        ALT_NAME, Answer, Draft, Key, List, MAPPINGS, NAME_CONSTRAINTS, NOW, POLICIES, extension, good,
        mail_constraints, mail_names, oid, sequence, tlv,
    },
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

/// 1.2.3.`group`.`number`.
fn policy(group: usize, number: usize) -> Vec<u8> {
    oid(&format!("1.2.3.{group}.{number}"))
}

#[test]
fn policies_that_are_mapped_all_to_all_do_not_multiply() {
    const POLICIES_EACH: usize = 60;
    let name = |level: usize| format!("Authority {level}");
    let key = |level: usize| Key::new(u16::try_from(level).unwrap());
    let list = |level: usize| {
        let policies: Vec<u8> = (0..POLICIES_EACH).flat_map(|n| sequence(&[&policy(level, n)])).collect();
        sequence(&[&policies])
    };
    let mapped = |level: usize| {
        let pairs = (0..POLICIES_EACH).flat_map(|from| (0..POLICIES_EACH).map(move |to| (from, to)));
        let pairs: Vec<u8> = pairs.flat_map(|(f, t)| sequence(&[&policy(level, f), &policy(level - 1, t)])).collect();
        sequence(&[&pairs])
    };
    let all: Vec<_> = (1..10)
        .map(|level| {
            let draft = Draft::authority(&name(level), &key(level));
            let draft = draft.with(POLICIES, false, list(level)).with(MAPPINGS, true, mapped(level));
            draft.sign(&name(level + 1), &key(level + 1))
        })
        .collect();
    let anchor = Draft::authority(&name(10), &key(10)).sign(&name(10), &key(10));
    let leaf = Draft::person("a@b", &key(0)).with(POLICIES, false, list(0)).sign(&name(1), &key(1));
    let judge = |wanted: &str| {
        let rules = PolicyRules::default().acceptable([wanted.parse().unwrap()]).require_explicit();
        validator(std::slice::from_ref(&anchor)).policies(rules).validate(&leaf, &all).map(|_| ())
    };
    judge("1.2.3.9.5").unwrap();
    assert!(matches!(judge("1.2.3.0.5").unwrap_err().reason, Reason::Policy(_)));
}

/// Everything that is read from outside, one after the other with changed octets.
struct Everything {
    anchor: Certificate,
    octets: [Vec<u8>; 4],
}

impl Everything {
    fn new() -> Self {
        let (root, middle) = (Key::new(1), Key::new(2));
        let policies = sequence(&[&sequence(&[&oid("1.2.3")])]);
        let points = sequence(&[&sequence(&[&tlv(0xa0, &[&tlv(0xa0, &[&tlv(0x86, &[b"http://a/"])])])])]);
        let middle_draft = Draft::authority("Middle", &middle)
            .with(NAME_CONSTRAINTS, true, mail_constraints(&["example.org"], &["evil@example.org"]))
            .with(MAPPINGS, true, sequence(&[&sequence(&[&oid("1.2.3"), &oid("1.2.4")])]))
            .with(POLICIES, false, policies.clone());
        let leaf = Draft::person("alice@example.org", &Key::new(3)).with(POLICIES, false, policies);
        let leaf = leaf.with("2.5.29.31", false, points).sign("Middle", &middle);
        let mut list = List::new("Middle").entry(1, NOW - 9, 1);
        list.extensions =
            [extension("2.5.29.28", true, &sequence(&[&[0x81, 1, 0xff]])), extension("2.5.29.20", false, &[2, 1, 1])]
                .concat();
        let answer = Answer::new("Middle", &middle, 1, good()).by(&middle, &leaf);
        Self {
            anchor: Draft::authority("Root", &root).sign("Root", &root),
            octets: [
                leaf.as_der().to_vec(),
                middle_draft.sign("Root", &root).as_der().to_vec(),
                list.sign(&middle),
                answer.sign(&middle),
            ],
        }
    }

    fn judge(&self) {
        let [leaf, middle, list, answer] = &self.octets;
        let (Ok(leaf), Ok(middle)) = (Certificate::from_der(leaf), Certificate::from_der(middle)) else { return };
        let mut validator = validator(std::slice::from_ref(&self.anchor)).revocation(RevocationPolicy::Require);
        if let Ok(with) = validator.clone().crl(list) {
            validator = with;
        }
        if let Ok(with) = validator.clone().ocsp(answer) {
            validator = with;
        }
        // Also those below whose issuer the changed one is no more.
        for certificate in [&leaf, &middle] {
            let _ =
                validator.validate(certificate, std::slice::from_ref(&middle)).map_err(|distrust| distrust.to_string());
            let anchored = Validator::new(std::slice::from_ref(&middle), UnixTime(NOW), Purpose::EmailEncryption);
            let _ = anchored.validate(certificate, &[]);
            let _ =
                (certificate.addresses(), certificate.subject_name(), certificate.may_encrypt(), certificate.is_ca());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_octets_change_nothing_panics(
        which in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut everything = Everything::new();
        let octets = &mut everything.octets[which];
        for (at, value) in changes {
            let at = at.index(octets.len());
            octets[at] = value;
        }
        if let Some(cut) = cut {
            octets.truncate(cut.index(octets.len()));
        }
        everything.judge();
    }
}
