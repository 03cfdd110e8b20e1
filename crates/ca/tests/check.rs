//! Each rule of the check can be broken, and what is odd but right breaks none. `interop/tests/pkilint.rs` compares it
//! with pkilint.
#![cfg(test)]

use std::collections::BTreeSet;

use sealpost_ca::{
    KeyKind, Profile,
    check::Rule,
    testing::{Flaw, Forge},
};
use sealpost_rollover::{Slot, Time};

const NOW: Time = Time::from_unix(1_795_780_800);

/// What is right in every profile, with every key that signs and decrypts.
const RIGHT: [Flaw; 8] = [
    Flaw::Longest,
    Flaw::StartsSoon,
    Flaw::NonRepudiation,
    Flaw::OwnPolicyToo,
    Flaw::SubjectSerial,
    Flaw::NoSubjectCritical,
    Flaw::NoAccess,
    Flaw::NoAuthority,
];

fn broken(profile: Profile, key: KeyKind, flaw: Flaw) -> BTreeSet<Rule> {
    let forge = Forge::new(profile, &[key], NOW).unwrap();
    forge.make(key, Slot::Dual, "anna@example.org", &[flaw]).unwrap().broken
}

#[test]
fn each_flaw_breaks_its_rule_and_what_is_right_breaks_none() {
    let mut seen = BTreeSet::new();
    for profile in Profile::ALL {
        for flaw in Flaw::ALL {
            let broken = broken(profile, KeyKind::P256, *flaw);
            if let Some(rule) = flaw.breaks() {
                assert!(broken.contains(&rule), "{profile:?} {flaw:?}: {broken:?}");
            } else if RIGHT.contains(flaw) {
                assert_eq!(broken, BTreeSet::new(), "{profile:?} {flaw:?}");
            }
            seen.extend(broken);
        }
    }
    // No rule that nothing can break; a certificate that can't be read is another test's.
    let unbroken: Vec<_> = Rule::ALL.into_iter().filter(|rule| !seen.contains(rule)).collect();
    assert_eq!(unbroken, [Rule::Readable]);
}

/// By the tables of section 7.1.2.3 e and f.
#[test]
fn what_a_profile_or_a_key_allows_is_allowed_to_it_alone() {
    use Profile::{Multipurpose, Strict};
    for (profile, key, flaw, rule) in [
        (Strict, KeyKind::P256, Flaw::LogsIn, Some(Rule::Purpose)),
        (Multipurpose, KeyKind::P256, Flaw::LogsIn, None),
        (Strict, KeyKind::Rsa2048, Flaw::DataEncipherment, Some(Rule::KeyUsage)),
        (Multipurpose, KeyKind::Rsa2048, Flaw::DataEncipherment, None),
        (Multipurpose, KeyKind::P256, Flaw::DataEncipherment, Some(Rule::KeyUsage)),
        (Strict, KeyKind::P384, Flaw::EncipherOnly, None),
        (Strict, KeyKind::Rsa2048, Flaw::EncipherOnly, Some(Rule::KeyUsage)),
    ] {
        let broken = broken(profile, key, flaw);
        assert_eq!(broken, rule.into_iter().collect(), "{profile:?} {key:?} {flaw:?}");
    }
}
