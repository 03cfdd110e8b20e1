//! Random chains hold; with one thing changed they are refused, for that reason.

use proptest::prelude::*;
use sealpost_smime::{
    Certificate, UnixTime,
    path::{Distrust, Purpose, Reason, Validator},
};

use crate::authority::{
    ALT_NAME, BASIC, DAY, Draft, EXTENDED_USAGE, KEY_USAGE, Key, MAIL, MAPPINGS, NAME_CONSTRAINTS, NOW, POLICIES, TLS,
    mail_constraints, mail_names, oid, sequence, tlv, usage, usages,
};

pub(crate) fn validator(anchors: &[Certificate]) -> Validator {
    Validator::new(anchors, UnixTime(NOW), Purpose::EmailSigning)
}

/// What is done to one certificate of the chain.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Nothing,
    Expired,
    NotYetValid,
    WrongExtendedUsage,
    WrongUsage,
    UnknownCritical,
    TwiceAnExtension,
    BitOfTbs,
    BitOfSignature,
    OtherIssuerName,
    OtherIssuerKey,
    NotAnAuthority,
    NoBasicConstraints,
    PathLength,
    PermittedHost,
    PermittedDomain,
    PermittedMailbox,
    ExcludedHost,
    ExcludedDomain,
    ExcludedMailbox,
    MappedAnyPolicy,
}

const CHANGES: [Change; 21] = [
    Change::Nothing,
    Change::Expired,
    Change::NotYetValid,
    Change::WrongExtendedUsage,
    Change::WrongUsage,
    Change::UnknownCritical,
    Change::TwiceAnExtension,
    Change::BitOfTbs,
    Change::BitOfSignature,
    Change::OtherIssuerName,
    Change::OtherIssuerKey,
    Change::NotAnAuthority,
    Change::NoBasicConstraints,
    Change::PathLength,
    Change::PermittedHost,
    Change::PermittedDomain,
    Change::PermittedMailbox,
    Change::ExcludedHost,
    Change::ExcludedDomain,
    Change::ExcludedMailbox,
    Change::MappedAnyPolicy,
];

impl Change {
    /// Whether it is about what only an authority's certificate has.
    fn is_for_authorities(self) -> bool {
        let at = |change| CHANGES.iter().position(|known| *known == change).unwrap();
        at(self) >= at(Self::NotAnAuthority)
    }

    fn constraints(self) -> Option<Vec<u8>> {
        Some(match self {
            Self::PermittedHost => mail_constraints(&["mail.example", "other.example"], &[]),
            Self::PermittedDomain => mail_constraints(&[".mail.example"], &[]),
            Self::PermittedMailbox => mail_constraints(&["alicia@example.org"], &[]),
            Self::ExcludedHost => mail_constraints(&[], &["EXAMPLE.org"]),
            Self::ExcludedDomain => mail_constraints(&["example.org", ".example.org"], &[".org"]),
            Self::ExcludedMailbox => mail_constraints(&[], &["Alice@example.org"]),
            _ => return None,
        })
    }

    fn apply(self, draft: Draft, is_leaf: bool) -> Draft {
        if let Some(constraints) = self.constraints() {
            return draft.with(NAME_CONSTRAINTS, true, constraints);
        }
        match self {
            Self::Expired => Draft { not_after: NOW - 1, ..draft },
            Self::NotYetValid => Draft { not_before: NOW + 1, ..draft },
            Self::WrongExtendedUsage => draft.with(EXTENDED_USAGE, false, usages(&[TLS])),
            Self::WrongUsage if is_leaf => draft.with(KEY_USAGE, true, usage(&[4, 5])),
            Self::WrongUsage => draft.with(KEY_USAGE, true, usage(&[0, 6])),
            Self::UnknownCritical => draft.with("1.2.3.4", true, vec![5, 0]),
            Self::TwiceAnExtension => {
                let mut draft = draft.with("1.2.3.4", false, vec![5, 0]);
                draft.extensions.push(("1.2.3.4", false, vec![5, 0]));
                draft
            }
            Self::NotAnAuthority => draft.with(BASIC, true, sequence(&[])),
            Self::NoBasicConstraints => draft.without(BASIC),
            Self::PathLength => draft.with(BASIC, true, sequence(&[&[1, 1, 0xff, 2, 1, 0]])),
            Self::MappedAnyPolicy => {
                let any = oid("2.5.29.32.0");
                draft.with(MAPPINGS, true, sequence(&[&sequence(&[&any, &oid("1.2.3")])]))
            }
            _ => draft,
        }
    }

    fn is_the_reason(self, reason: &Reason) -> bool {
        match self {
            Self::Nothing => false,
            Self::Expired => *reason == Reason::Expired { not_after: UnixTime(NOW - 1), at: UnixTime(NOW) },
            Self::NotYetValid => *reason == Reason::NotYetValid { not_before: UnixTime(NOW + 1), at: UnixTime(NOW) },
            Self::WrongExtendedUsage => *reason == Reason::ExtendedKeyUsage,
            Self::WrongUsage => matches!(reason, Reason::KeyUsage { .. }),
            Self::UnknownCritical => matches!(reason, Reason::CriticalExtension { id } if id.to_string() == "1.2.3.4"),
            Self::TwiceAnExtension => matches!(reason, Reason::Malformed(what) if what.contains("1.2.3.4 twice")),
            Self::BitOfTbs | Self::BitOfSignature | Self::OtherIssuerKey => *reason == Reason::BadSignature,
            Self::OtherIssuerName => matches!(reason, Reason::UnknownIssuer { issuer } if issuer == "CN=Nobody"),
            Self::NotAnAuthority | Self::NoBasicConstraints => *reason == Reason::NotCa,
            Self::PathLength => *reason == Reason::PathLength { allowed: 0 },
            Self::MappedAnyPolicy => matches!(reason, Reason::Policy(_)),
            _ => matches!(reason, Reason::NameConstraint { name, .. } if name == "alice@example.org"),
        }
    }
}

struct Chain {
    /// From the person's certificate to the one below the anchor.
    certificates: Vec<Certificate>,
    anchor: Certificate,
    changed: usize,
}

/// A chain with `authorities` between the person and the anchor; the change is at `at`, 0 is the person's.
fn chain(authorities: usize, change: Change, at: usize) -> Chain {
    let subject = |level: usize| match level {
        0 => "alice@example.org".to_owned(),
        level => format!("Authority {level}"),
    };
    let key = |level: usize| Key::new(u16::try_from(level).unwrap());
    let top = authorities + 1;
    let mut certificates = Vec::new();
    for level in 0..top {
        let draft = match level {
            0 => Draft::person(&subject(0), &key(0)),
            _ => Draft::authority(&subject(level), &key(level)),
        };
        let draft = draft.with(POLICIES, false, sequence(&[&sequence(&[&oid("1.2.3")])]));
        let here = level == at;
        let draft = if here { change.apply(draft, level == 0) } else { draft };
        let (mut issuer, mut signer) = (subject(level + 1), key(level + 1));
        match change {
            Change::OtherIssuerName if here => issuer = "Nobody".to_owned(),
            Change::OtherIssuerKey if here => signer = Key::new(999),
            _ => {}
        }
        let certificate = draft.sign(&issuer, &signer);
        let mut der = certificate.as_der().to_vec();
        let bit = match change {
            // In the public key, so that it can still be read.
            Change::BitOfTbs => der.windows(draft.spki.len()).position(|window| window == draft.spki).unwrap() + 80,
            _ => der.len() - 3,
        };
        if here && matches!(change, Change::BitOfTbs | Change::BitOfSignature) {
            der[bit] ^= 4;
        }
        certificates.push(Certificate::from_der(&der).unwrap());
    }
    let anchor = Draft::authority(&subject(top), &key(top)).sign(&subject(top), &key(top));
    Chain { certificates, anchor, changed: at }
}

fn judge(chain: &Chain, reversed: bool) -> Result<usize, Distrust> {
    let (leaf, others) = chain.certificates.split_first().unwrap();
    let mut others = others.to_vec();
    if reversed {
        others.reverse();
    }
    validator(std::slice::from_ref(&chain.anchor)).validate(leaf, &others).map(|path| path.certificates.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_chain_holds_and_with_any_one_change_it_does_not(
        authorities in 1usize..6,
        change in prop::sample::select(&CHANGES[..]),
        at in any::<prop::sample::Index>(),
        reversed in any::<bool>(),
    ) {
        let first = usize::from(change.is_for_authorities());
        // The person's authority may have a path length of 0.
        let first = if change == Change::PathLength { 2 } else { first };
        prop_assume!(first <= authorities);
        let at = first + at.index(authorities + 1 - first);
        let chain = chain(authorities, change, at);
        match judge(&chain, reversed) {
            Ok(len) => prop_assert!(change == Change::Nothing && len == authorities + 2, "{change:?} at {at}"),
            Err(distrust) => {
                prop_assert!(change.is_the_reason(&distrust.reason), "{change:?} at {at}: {distrust}");
                // Of a name it is the certificate that has it.
                let concerned = if change.constraints().is_some() { 0 } else { chain.changed };
                if change != Change::BitOfTbs || at == 0 {
                    prop_assert_eq!(&distrust.certificate, &chain.certificates[concerned]);
                }
            }
        }
    }
}

#[test]
fn what_a_constraint_is_not_about_it_does_not_hinder() {
    let (root, middle, person) = (Key::new(1), Key::new(2), Key::new(3));
    let anchor = Draft::authority("Root", &root).sign("Root", &root);
    let leaf = Draft::person("alice@mail.example.org", &person).sign("Middle", &middle);
    for (constraints, holds) in [
        (mail_constraints(&[".example.org"], &["example.org"]), true),
        (mail_constraints(&["mail.example.org"], &["bob@mail.example.org"]), true),
        (mail_constraints(&["alice@mail.example.org"], &[]), true),
        (mail_constraints(&["Alice@mail.example.org"], &[]), false),
        (mail_constraints(&[""], &[]), true),
        (mail_constraints(&[], &[""]), false),
        // Hosts of TLS servers.
        (sequence(&[&tlv(0xa0, &[&sequence(&[&tlv(0x82, &[b"other.example"])])])]), true),
        // A subtree with a bound can't be judged.
        (sequence(&[&tlv(0xa0, &[&sequence(&[&tlv(0x81, &[b".example.org"]), &[0x80, 1, 1]])])]), false),
    ] {
        let middle = Draft::authority("Middle", &middle).with(NAME_CONSTRAINTS, true, constraints).sign("Root", &root);
        let verdict = validator(std::slice::from_ref(&anchor)).validate(&leaf, &[middle]);
        assert_eq!(verdict.is_ok(), holds, "{verdict:?}");
    }
}

#[test]
fn an_anchor_is_trusted_for_no_more_than_it_says() {
    let (root, person) = (Key::new(1), Key::new(3));
    let leaf = Draft::person("alice@example.org", &person).sign("Root", &root);
    let draft = || Draft::authority("Root", &root);
    for (anchor, holds) in [
        (draft(), true),
        (draft().without(BASIC), true),
        (draft().without(BASIC).without(KEY_USAGE), false),
        (draft().with(BASIC, true, sequence(&[])), false),
        (draft().with(KEY_USAGE, true, usage(&[0])), false),
        (draft().with(EXTENDED_USAGE, false, usages(&[TLS])), false),
        (draft().with(EXTENDED_USAGE, false, usages(&[TLS, MAIL])), true),
        (draft().with(NAME_CONSTRAINTS, true, mail_constraints(&["example.com"], &[])), false),
        (draft().with(NAME_CONSTRAINTS, true, mail_constraints(&["example.org"], &[])), true),
        (Draft { not_after: NOW - 1, ..draft() }, false),
    ] {
        let verdict = validator(&[anchor.sign("Root", &root)]).validate(&leaf, &[]);
        assert_eq!(verdict.is_ok(), holds, "{verdict:?}");
    }
}

#[test]
fn a_certificate_that_is_an_anchor_stands_for_itself() {
    let key = Key::new(1);
    let own = Draft::person("alice@example.org", &key).sign("alice@example.org", &key);
    let path = validator(std::slice::from_ref(&own)).validate(&own, &[]).unwrap();
    assert!(path.certificates.iter().eq([&own]));
    // It issues nothing.
    let forged = Draft::person("bob@example.org", &Key::new(2)).sign("alice@example.org", &key);
    let forger = own.clone();
    let reason = validator(&[own]).validate(&forged, &[forger]).unwrap_err().reason;
    assert!(matches!(reason, Reason::KeyUsage { .. }), "{reason}");
    // However little it says.
    let bare = Draft::new("alice@example.org", &key).sign("alice@example.org", &key);
    let reason = validator(&[bare]).validate(&forged, &[]).unwrap_err().reason;
    assert_eq!(reason, Reason::NotCa);
    let other = Draft::person("carol@example.org", &key).sign("carol@example.org", &key);
    assert_eq!(validator(&[]).validate(&other, &[]).unwrap_err().reason, Reason::SelfSigned);
    let expired = Draft { not_after: NOW - DAY, ..Draft::person("a@b", &key) }.sign("a@b", &key);
    assert!(matches!(
        validator(std::slice::from_ref(&expired)).validate(&expired, &[]).unwrap_err().reason,
        Reason::Expired { .. }
    ));
}

#[test]
fn of_several_ways_the_one_that_holds_is_found() {
    let (old, new, middle, person) = (Key::new(1), Key::new(2), Key::new(3), Key::new(4));
    let anchor = Draft::authority("Old Root", &old).sign("Old Root", &old);
    let expired = Draft { not_after: NOW - 1, ..Draft::authority("Middle", &middle) }.sign("Old Root", &old);
    let cross = Draft::authority("New Root", &new).sign("Old Root", &old);
    let unknown = Draft::authority("New Root", &new).sign("New Root", &new);
    let good = Draft::authority("Middle", &middle).sign("New Root", &new);
    let leaf = Draft::person("alice@example.org", &person).sign("Middle", &middle);
    let all = [expired.clone(), unknown.clone(), good.clone(), cross.clone()];
    let path = validator(std::slice::from_ref(&anchor)).validate(&leaf, &all).unwrap();
    assert_eq!(path.certificates, [leaf.clone(), good.clone(), cross, anchor.clone()]);
    // Without the cross certificate, the nearest to a valid path is said.
    let distrust =
        validator(std::slice::from_ref(&anchor)).validate(&leaf, &[expired.clone(), unknown, good]).unwrap_err();
    assert!(matches!(distrust.reason, Reason::Expired { .. }), "{distrust}");
    let distrust = validator(&[anchor]).validate(&leaf, &[]).unwrap_err();
    assert_eq!(
        distrust.to_string(),
        "the certificate of CN=alice@example.org: no trusted certificate of its issuer is known: CN=Middle"
    );
}

#[test]
fn certificates_may_be_of_the_time_before_1970_and_behind_2050() {
    let (root, person) = (Key::new(1), Key::new(3));
    let wide = |draft: Draft| Draft { not_before: -20 * 365 * DAY, not_after: NOW + 40_000 * DAY, ..draft };
    let anchor = wide(Draft::authority("Root", &root)).sign("Root", &root);
    let leaf = wide(Draft::person("a@b", &person)).sign("Root", &root);
    let validator = validator(&[anchor]);
    for (at, holds) in [(-19 * 365 * DAY, true), (NOW + 40_000 * DAY, true), (-21 * 365 * DAY, false)] {
        assert_eq!(validator.clone().at(UnixTime(at)).validate(&leaf, &[]).is_ok(), holds, "{at}");
    }
}

#[test]
fn an_issuer_without_a_name_is_nobody() {
    let (root, person) = (Key::new(1), Key::new(3));
    let nameless = |draft: Draft| Draft { subject: sequence(&[]), ..draft };
    let anchor = nameless(Draft::authority("", &root)).der(&sequence(&[]), &root);
    let leaf = Certificate::from_der(&Draft::person("a@b", &person).der(&sequence(&[]), &root)).unwrap();
    let anchor = Certificate::from_der(&anchor).unwrap();
    let reason = validator(&[anchor]).validate(&leaf, &[]).unwrap_err().reason;
    assert!(matches!(reason, Reason::UnknownIssuer { .. }), "{reason}");
}

#[test]
fn a_purpose_needs_its_usage() {
    let (root, person) = (Key::new(1), Key::new(3));
    let anchor = [Draft::authority("Root", &root).sign("Root", &root)];
    for (bits, signs, encrypts) in
        [(&[0][..], true, false), (&[1], true, false), (&[4], false, true), (&[2], false, false)]
    {
        let leaf = Draft::person("a@b", &person).with(KEY_USAGE, true, usage(bits)).sign("Root", &root);
        let judge = |purpose| validator(&anchor).purpose(purpose).validate(&leaf, &[]).is_ok();
        assert_eq!((judge(Purpose::EmailSigning), judge(Purpose::EmailEncryption)), (signs, encrypts), "{bits:?}");
        assert_eq!((leaf.may_sign(), leaf.may_encrypt()), (signs, encrypts));
    }
}

#[test]
fn addresses_are_read_from_everywhere_and_all_are_constrained() {
    let (root, person) = (Key::new(1), Key::new(3));
    let utf8 = |address: &str| {
        let value = tlv(0xa0, &[&tlv(12, &[address.as_bytes()])]);
        sequence(&[&tlv(0xa0, &[&oid("1.3.6.1.5.5.7.8.9"), &value])])
    };
    let in_subject =
        sequence(&[&tlv(0x31, &[&sequence(&[&oid("1.2.840.113549.1.9.1"), &tlv(0x16, &[b"a@evil.example"])])])]);
    let both = Draft { subject: in_subject, ..Draft::person("a@example.org", &person) };
    let nul = Draft::person("a@b", &person).with(ALT_NAME, false, mail_names(&["a@example.org\0.evil"]));
    let idn = Draft::person("a@b", &person).with(ALT_NAME, false, utf8("ü@example.org"));
    let other_idn = Draft::person("a@b", &person).with(ALT_NAME, false, utf8("ü@exämple.org"));
    let invisible = Draft::person("a@b", &person).with(ALT_NAME, false, utf8("ü\u{202e}@example.org"));
    let constraints = mail_constraints(&["example.org"], &[]);
    let anchor = [Draft::authority("Root", &root).with(NAME_CONSTRAINTS, true, constraints).sign("Root", &root)];
    for (draft, addresses, holds) in [
        (both, &["a@example.org", "a@evil.example"][..], false),
        (nul, &[], false),
        (invisible, &[], true),
        (idn, &["ü@example.org"], true),
        (other_idn, &["ü@exämple.org"], false),
    ] {
        let leaf = draft.sign("Root", &root);
        assert_eq!(leaf.addresses(), addresses);
        assert_eq!(validator(&anchor).validate(&leaf, &[]).is_ok(), holds, "{addresses:?}");
    }
}
