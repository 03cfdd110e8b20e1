//! No factor and no key stays behind on the heap: what is freed is searched for them, as octets and as digits.

#![cfg(test)]

#[expect(dead_code, reason = "it is for other tests too")]
#[path = "forwarding/der.rs"]
mod der;
#[expect(dead_code, reason = "it is for other tests too")]
#[path = "forwarding/people.rs"]
mod people;

use sealpost_smime_forwarding::Instance;
use sealpost_testkit::{
    leaks::{Leaks, NEEDLE, search},
    unhex,
};

use people::{CURVES, Person, forwarded, mail_to, rng};

#[global_allocator]
static ALLOCATOR: Leaks = Leaks;

type Needles = Vec<(&'static str, [u8; NEEDLE])>;

/// The octets of a secret from both ends, and its digits.
fn needles(name: &'static str, digits: &str) -> Needles {
    let octets = unhex(digits);
    let reversed: Vec<_> = octets.iter().rev().copied().collect();
    let first = |octets: &[u8]| octets[..NEEDLE].try_into().unwrap();
    [first(&octets), first(&reversed), first(digits.as_bytes())].map(|needle| (name, needle)).to_vec()
}

#[test]
fn nothing_is_left_of_factors_and_keys() {
    for curve in CURVES {
        let [bob, charles] = [0; 2].map(|_| Person::new(curve));
        let mail = mail_to(&bob);
        // Known beforehand: those that are computed below are the same.
        let whole = bob.forwards_to(&charles);
        let json = whole.expose_json();
        let shares = whole.split(&mut rng());
        let secret = |person: &Person| base16ct::lower::encode_string(&person.key.expose_agreement_secret().unwrap().1);
        let needles = [
            needles("the forwarder's key", &secret(&bob)),
            needles("the forwardee's key", &secret(&charles)),
            needles("the factor", &whole.factor().expose_hex()),
            needles("a share", &shares[0][0].factor().expose_hex()),
            needles("the other share", &shares[1][0].factor().expose_hex()),
        ];
        let shares = shares.map(|share| share.map(|instance| instance.expose_json()));
        drop(whole);
        let ((), found) = search(&needles.concat(), || {
            drop(bob.forwards_to(&charles));
            let whole = Instance::from_json(json.as_bytes()).unwrap();
            whole.verify(&bob.certificate, &charles.certificate).unwrap();
            drop(format!("{whole:?}"));
            drop(whole.expose_json());
            forwarded(&mail, &[whole]);
            let [one, two] = shares
                .each_ref()
                .map(|share| share.each_ref().map(|json| Instance::from_json(json.as_bytes()).unwrap()));
            let half = forwarded(&mail, &one);
            forwarded(&half, &two);
            Instance::verify_split([&one[0], &two[1]], &bob.certificate, &charles.certificate).unwrap();
            drop(one[0].compose(&two[1]).unwrap());
        });
        assert!(found.is_empty(), "{curve:?}: {found:?}");
    }
}
