//! Two proxies in the place of one.

use proptest::{prelude::*, sample::select};
use sealpost_pre::AnyFactor;
use sealpost_smime::{ContentCipher, IdentifyBy};
use sealpost_smime_forwarding::{Error, Instance, Policy};

use crate::{
    der::cms,
    people::{CURVES, Person, TEXT, encrypted, forwarded, mail_to, rng, transformed},
};

const FORMS: [IdentifyBy; 2] = [IdentifyBy::IssuerAndSerial, IdentifyBy::SubjectKeyIdentifier];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn two_proxies_do_what_one_does_in_either_order(
        curve in select(&CURVES[..]), by in select(&FORMS[..]), other in any::<bool>(),
    ) {
        let [bob, charles, dora] = [0; 3].map(|_| Person::new(curve));
        let whole = bob.forwards_to(&charles);
        let [one, two] = whole.split(&mut rng());
        let recipients = other.then_some(&dora).into_iter().chain([&bob]).map(|person| person.recipient(by));
        let mail = encrypted(TEXT, ContentCipher::Aes256Gcm, recipients);
        let expected = cms(&forwarded(&mail, &[whole]));
        for (first, second) in [(&one, &two), (&two, &one)] {
            let half = forwarded(&mail, first);
            for person in [&bob, &charles] {
                prop_assert_eq!(person.decrypted(&half), None);
            }
            // The same share once more does nothing.
            prop_assert_eq!(transformed(&half, first, Policy::default()).1.transformed(), 0);
            let full = forwarded(&half, second);
            prop_assert_eq!(cms(&full), expected.clone());
            prop_assert_eq!(charles.decrypted(&full), Some(TEXT.to_vec()));
        }
    }

    #[test]
    fn shares_are_for_nobody_but_together(curve in select(&CURVES[..])) {
        let [bob, charles, dora] = [0; 3].map(|_| Person::new(curve));
        let [one, two] = bob.forwards_to(&charles).split(&mut rng());
        let check = |shares, charles: &Person| Instance::verify_split(shares, &bob.certificate, &charles.certificate);
        for (a, b) in [(&one[0], &two[1]), (&two[1], &one[0]), (&two[0], &one[1]), (&one[1], &two[0])] {
            check([a, b], &charles).unwrap();
            prop_assert!(check([a, b], &dora).is_err());
        }
        for (a, b) in [(&one[0], &one[1]), (&one[0], &two[0]), (&one[1], &two[1]), (&one[0], &one[0])] {
            prop_assert!(matches!(check([a, b], &charles), Err(Error::Mismatch(_))));
        }
        for share in one.iter().chain(&two) {
            prop_assert!(share.verify(&bob.certificate, &charles.certificate).is_err());
        }
        // Of another split they don't fit.
        let [_, other] = bob.forwards_to(&charles).split(&mut rng());
        prop_assert!(check([&one[0], &other[1]], &charles).is_err());
    }

    #[test]
    fn a_refresh_changes_both_shares_and_not_what_they_do(curve in select(&CURVES[..])) {
        let [bob, charles] = [0; 2].map(|_| Person::new(curve));
        let whole = bob.forwards_to(&charles);
        let [one, two] = whole.split(&mut rng());
        let by = AnyFactor::refresh(whole.factor().group(), &mut rng());
        let refreshed = |share: &[Instance; 2], by| share.each_ref().map(|instance| instance.refreshed(by).unwrap());
        let (new_one, new_two) = (refreshed(&one, &by[0]), refreshed(&two, &by[1]));
        let mail = mail_to(&bob);
        let expected = cms(&forwarded(&mail, &[whole]));
        prop_assert_eq!(cms(&forwarded(&forwarded(&mail, &new_one), &new_two)), expected.clone());
        prop_assert_eq!(cms(&forwarded(&forwarded(&mail, &new_two), &new_one)), expected);
        for (old, new) in [(&one, &new_one), (&two, &new_two)] {
            prop_assert!(old[0].expose_json() != new[0].expose_json());
        }
        // An old share and a new one give nothing.
        for mixed in [[&one, &new_two], [&new_one, &two]] {
            let out = forwarded(&forwarded(&mail, mixed[0]), mixed[1]);
            prop_assert_eq!(charles.decrypted(&out), None);
            let [a, b] = mixed;
            prop_assert!(Instance::verify_split([&a[0], &b[1]], &bob.certificate, &charles.certificate).is_err());
        }
        // Put together and split anew, they are other ones too.
        let again = new_one[0].compose(&new_two[1]).unwrap();
        again.verify(&bob.certificate, &charles.certificate).unwrap();
        let [one, two] = again.split(&mut rng());
        Instance::verify_split([&one[0], &two[1]], &bob.certificate, &charles.certificate).unwrap();
    }
}

/// Whatever the factor is: in 64 splits each bit of a share is sometimes set and sometimes not.
#[test]
fn a_share_alone_says_nothing_about_the_factor() {
    for curve in CURVES {
        let [bob, charles] = [0; 2].map(|_| Person::new(curve));
        let (there, back) = (bob.forwards_to(&charles), charles.forwards_to(&bob));
        // The factor of the first is 1.
        for whole in [there.compose(&back).unwrap(), there] {
            let digits = |instance: &Instance| instance.factor().expose_hex().to_string();
            for place in 0..2 {
                let shares: Vec<_> = (0..64).map(|_| digits(&whole.split(&mut rng())[place][0])).collect();
                let octets: Vec<Vec<u8>> = shares.iter().map(|share| sealpost_testkit::unhex(share)).collect();
                let len = octets[0].len();
                for bit in 0..len * 8 {
                    // The bits above the order of Curve25519, which is little-endian, are always 0.
                    if len * 8 - bit <= 4 && curve == sealpost_smime::algorithm::Curve::X25519 {
                        continue;
                    }
                    let set = octets.iter().filter(|share| share[bit / 8] >> (bit % 8) & 1 == 1).count();
                    assert!((4..=60).contains(&set), "{curve:?}: bit {bit} of share {place}: {set} of 64");
                }
            }
        }
    }
}

#[test]
fn shares_are_valid_as_long_as_the_whole() {
    use sealpost_pre::{UnixTime, Validity};
    let [bob, charles] = [0; 2].map(|_| Person::new(CURVES[0]));
    let time = |from, to| Validity { not_before: Some(UnixTime(from)), not_after: Some(UnixTime(to)) };
    let [[first, _], [_, second]] = bob.forwards_to(&charles).valid(time(1, 9)).split(&mut rng());
    assert_eq!((first.validity(), second.validity()), (time(1, 9), time(1, 9)));
    let whole = first.valid(time(3, 9)).compose(&second.valid(time(1, 5))).unwrap();
    assert_eq!(whole.validity(), time(3, 5));
    let whole = whole.valid(Validity::default());
    assert_eq!(whole.validity(), Validity::default());
}
