//! What instances are made of, how they are kept, and what they are refused for.

use proptest::{prelude::*, sample::select};
use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey};
use sealpost_pre::{UnixTime, Validity};
use sealpost_smime::{Certificate, CertificateIdentifier, Limits, algorithm::Curve, key::SoftwareKey};
use sealpost_smime_forwarding::{Error, Instance, SigningKeys, serial_octets};

use crate::{
    der::{Message, element, oid},
    people::{AGREEMENT, CURVES, Draft, Person, SIGNATURE, forwarded, mail_to, name, rng},
};

fn compute(bob: &Person, certificates: &[Certificate], charles: &Person) -> Result<Instance, Error> {
    Instance::compute((&bob.key, certificates), (&charles.key, &charles.certificate), SigningKeys::Refuse)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(
        curve in select(&CURVES[..]), renewals in 0..4usize, times in any::<(Option<u64>, Option<u64>)>(),
    ) {
        let [bob, charles] = [Person::new(curve), Person::new(curve)];
        let renewed = (0..renewals).map(|_| Draft::new().certificate(bob.key.public_key()));
        let certificates: Vec<_> = [bob.certificate.clone()].into_iter().chain(renewed).collect();
        let validity = Validity { not_before: times.0.map(UnixTime), not_after: times.1.map(UnixTime) };
        let instance = compute(&bob, &certificates, &charles).unwrap().valid(validity);
        let json = instance.expose_json();
        let again = Instance::from_json(json.as_bytes()).unwrap();
        prop_assert_eq!(again.expose_json(), json);
        prop_assert_eq!(again.forwarder(), instance.forwarder());
        prop_assert_eq!(again.forwardee(), instance.forwardee());
        prop_assert_eq!(again.validity(), validity);
        prop_assert_eq!(again.forwarder().len(), 2 * certificates.len());
        for certificate in &certificates {
            again.verify(certificate, &charles.certificate).unwrap();
        }
    }

    #[test]
    fn a_damaged_document_is_refused_or_read_as_it_says(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let [bob, charles] = [Person::new(Curve::P256), Person::new(Curve::P256)];
        let json = bob.forwards_to(&charles).expose_json();
        let mut damaged = json.as_bytes().to_vec();
        *at.get_mut(&mut damaged) = octet;
        match Instance::from_json(&damaged) {
            Ok(instance) => {
                let again = instance.expose_json();
                prop_assert_eq!(Instance::from_json(again.as_bytes()).unwrap().expose_json(), again);
            }
            Err(error) => prop_assert!(!error.to_string().contains(factor(&json))),
        }
    }
}

/// The digits of the factor.
fn factor(json: &str) -> &str {
    json.split("\"factor\": \"").nth(1).unwrap().split('"').next().unwrap()
}

#[test]
fn documents_are_read_strictly() {
    let [bob, charles] = [Person::new(Curve::P256), Person::new(Curve::P256)];
    let json = bob.forwards_to(&charles).expose_json().to_string();
    let first = json.split("\"forwarder\": ").nth(1).unwrap().split(']').next().unwrap();
    let key_id = "{ \"key_id\": \"00\" }";
    let cases = [
        ("\"smime\"", "\"fax\"", ""),
        ("\"P-256\"", "\"P-257\"", "its group is none of"),
        ("\"P-256\"", "\"P-384\"", ""),
        ("\"version\": 1", "\"version\": 2", "a newer program wrote it"),
        ("\"factor\"", "\"faktor\"", "unknown"),
        (first, "[", "nobody is named"),
        (first, &format!("[{}{key_id}", format!("{key_id},").repeat(64)), "more than 64"),
        (first, "[ {}", "a name must be"),
        (first, "[ { \"issuer\": \"3000\" }", "a name must be"),
        (first, "[ { \"issuer\": \"3000\", \"serial\": \"\" }", "empty"),
        (first, "[ { \"issuer\": \"300\", \"serial\": \"01\" }", "hexadecimal"),
        (first, "[ { \"issuer\": \"3001\", \"serial\": \"01\" }", "no DER of a Name"),
        (first, "[ { \"issuer\": \"0400\", \"serial\": \"01\" }", "no DER of a Name"),
        (first, "[ { \"key_id\": \"00\", \"serial\": \"01\" }", "a name must be"),
        (first, &format!("[ {{ \"key_id\": \"{}\" }}", "00".repeat((128 << 10) + 1)), "more than 128 KiB"),
    ];
    for (from, to, expected) in cases {
        let error = Instance::from_json(json.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}, not {expected}");
    }
    let zero = "0".repeat(64);
    let factor = factor(&json);
    for wrong in [&zero, &"f".repeat(64), &factor.replacen(|_| true, "", 1), "", "zz"] {
        let error = Instance::from_json(json.replace(factor, wrong).as_bytes()).unwrap_err().to_string();
        assert!(!error.contains(factor), "{error}");
    }
    let long = format!("{json}{}", " ".repeat(1 << 20));
    assert!(Instance::from_json(long.as_bytes()).unwrap_err().to_string().contains("1 MiB"));
    assert!(!format!("{:?}", bob.forwards_to(&charles)).contains(factor));
}

#[test]
fn an_instance_for_openpgp_is_told_apart_from_one_for_smime() {
    let digits = "8a5f35753833ff9919ad88161557e55093930510";
    let factor = "04b657045fc9c0759c5fd11d8ca75a2b1aa101c9c896490bcec100f941e97e0e";
    let openpgp = format!(
        "{{ \"format\": \"sealpost-forwarding-instance\", \"version\": 1, \"forwarder\": \"{digits}\", \
         \"forwardee\": \"{digits}\", \"factor\": \"{factor}\" }}"
    );
    assert!(sealpost_pre::Instance::from_json(openpgp.as_bytes()).is_ok());
    let error = Instance::from_json(openpgp.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("for OpenPGP, not for S/MIME"), "{error}");
    let smime = Person::new(Curve::X25519).forwards_to(&Person::new(Curve::X25519)).expose_json();
    let error = sealpost_pre::Instance::from_json(smime.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("S/MIME"), "{error}");
}

#[test]
fn keys_that_sign_are_refused_by_default() {
    let charles = Person::new(Curve::P256);
    let with = |usage| {
        let mut draft = Draft::new();
        draft.usage = usage;
        Person::with(Curve::P256, &draft)
    };
    // digitalSignature, nonRepudiation, keyCertSign, cRLSign, each beside keyAgreement; and no key usage.
    for usage in [Some(SIGNATURE), Some(0x40), Some(0x04), Some(0x02), None] {
        let bob = with(usage.map(|usage| usage | AGREEMENT));
        let certificates = std::slice::from_ref(&bob.certificate);
        assert!(matches!(compute(&bob, certificates, &charles), Err(Error::SigningKey)), "{usage:?}");
        let forwardee = (&charles.key, &charles.certificate);
        let accepted = Instance::compute((&bob.key, certificates), forwardee, SigningKeys::Accept).unwrap();
        accepted.verify(&bob.certificate, &charles.certificate).unwrap();
        // One such certificate among several is enough.
        let mut all = vec![Draft::new().certificate(bob.key.public_key())];
        assert!(compute(&bob, &all, &charles).is_ok());
        all.push(bob.certificate.clone());
        assert!(matches!(compute(&bob, &all, &charles), Err(Error::SigningKey)));
    }
    for usage in [AGREEMENT, AGREEMENT | 0x01, AGREEMENT | 0x20] {
        let bob = with(Some(usage));
        assert!(compute(&bob, std::slice::from_ref(&bob.certificate), &charles).is_ok(), "{usage:x}");
    }
    // A key of X25519 can't sign, whatever its certificate says.
    let mut draft = Draft::new();
    draft.usage = None;
    let bob = Person::with(Curve::X25519, &draft);
    bob.forwards_to(&Person::new(Curve::X25519));
}

/// Somebody with a key of another kind.
fn other(key: SoftwareKey) -> Person {
    let certificate = Draft::new().certificate(key.public_key());
    Person { curve: Curve::P256, key, certificate }
}

#[test]
fn keys_of_other_kinds_are_refused() {
    let rsa = RsaPrivateKey::new(&mut rng(), 1024).unwrap().to_pkcs8_der().unwrap();
    let rsa = other(SoftwareKey::from_der(rsa.as_bytes(), None, &Limits::default()).unwrap());
    let ed25519 =
        element(0x30, &[&[2, 1, 0], &element(0x30, &[&oid("1.3.101.112")]), &element(4, &[&element(4, &[&[7; 32]])])]);
    let ed25519 = other(SoftwareKey::from_der(&ed25519, None, &Limits::default()).unwrap());
    let bob = Person::new(Curve::P256);
    for (person, kind) in [(rsa, "RSA-1024"), (ed25519, "Ed25519")] {
        for (from, to) in [(&person, &bob), (&bob, &person), (&person, &person)] {
            let error = compute(from, std::slice::from_ref(&from.certificate), to).unwrap_err();
            assert!(matches!(&error, Error::CannotForward(found) if found == kind), "{error}");
        }
        let error = bob.forwards_to(&Person::new(Curve::P256)).verify(&bob.certificate, &person.certificate);
        assert!(error.is_err());
    }
}

#[test]
fn keys_certificates_and_curves_must_fit_together() {
    let [bob, charles] = [Person::new(Curve::P256), Person::new(Curve::P256)];
    let mismatch = |result: Result<Instance, Error>| assert!(matches!(result, Err(Error::Mismatch(_))), "{result:?}");
    mismatch(compute(&bob, &[], &charles));
    mismatch(compute(&bob, std::slice::from_ref(&bob.certificate), &bob));
    let renewed = |count| (0..count).map(|_| Draft::new().certificate(bob.key.public_key())).collect::<Vec<_>>();
    compute(&bob, &renewed(32), &charles).unwrap();
    mismatch(compute(&bob, &renewed(33), &charles));
    mismatch(compute(&bob, std::slice::from_ref(&charles.certificate), &charles));
    mismatch(compute(&bob, &[bob.certificate.clone(), charles.certificate.clone()], &charles));
    let mixed = Person { certificate: bob.certificate.clone(), ..charles.clone() };
    mismatch(compute(&bob, std::slice::from_ref(&bob.certificate), &mixed));
    for (one, other) in [(Curve::P256, Curve::P384), (Curve::P384, Curve::X25519), (Curve::X25519, Curve::P256)] {
        let [bob, charles] = [Person::new(one), Person::new(other)];
        let result = compute(&bob, std::slice::from_ref(&bob.certificate), &charles);
        assert!(
            matches!(result, Err(Error::OtherCurve { forwarder, forwardee }) if (forwarder, forwardee) == (one, other))
        );
    }
}

#[test]
fn an_instance_belongs_to_its_certificates_only() {
    for curve in CURVES {
        let [bob, charles, dora] = [0; 3].map(|_| Person::new(curve));
        let instance = bob.forwards_to(&charles);
        instance.verify(&bob.certificate, &charles.certificate).unwrap();
        for (from, to) in [(&dora, &charles), (&bob, &dora), (&charles, &bob)] {
            assert!(matches!(instance.verify(&from.certificate, &to.certificate), Err(Error::Mismatch(_))));
        }
        // The right names on the wrong keys.
        let named_as = |person: &Person, key: &Person| {
            let id = person.certificate.subject_key_id().map(<[u8]>::to_vec);
            let (issuer, serial) = (person.certificate.issuer().to_vec(), person.certificate.serial().to_vec());
            Draft { issuer, serial, key_id: id, usage: Some(AGREEMENT) }.certificate(key.key.public_key())
        };
        for (from, to) in [
            (named_as(&bob, &dora), charles.certificate.clone()),
            (bob.certificate.clone(), named_as(&charles, &dora)),
            (named_as(&bob, &charles), named_as(&charles, &bob)),
        ] {
            let result = instance.verify(&from, &to);
            assert!(matches!(result, Err(Error::Pre(sealpost_pre::Error::FactorMismatch))), "{result:?}");
        }
        // A renewed certificate with the same key identifier is not named by its serial number.
        let mut renewed = Draft::new();
        renewed.key_id = bob.certificate.subject_key_id().map(<[u8]>::to_vec);
        let renewed = renewed.certificate(bob.key.public_key());
        assert!(matches!(instance.verify(&renewed, &charles.certificate), Err(Error::Mismatch(_))));
    }
    let other_curve = Person::new(Curve::P384);
    let [bob, charles] = [0; 2].map(|_| Person::new(Curve::P256));
    assert!(bob.forwards_to(&charles).verify(&bob.certificate, &other_curve.certificate).is_err());
}

#[test]
fn serial_numbers_of_this_length_keep_the_length_of_messages() {
    for curve in CURVES {
        for (bob_issuer, bob_serial) in [(1, 1), (20, 8), (40, 16), (90, 20), (110, 9), (200, 20)] {
            for charles_issuer in [1, 15, 40, 53, 60, 95, 108, 120, 180, 300] {
                let mut draft = Draft::new();
                (draft.issuer, draft.serial) = (name(&"b".repeat(bob_issuer)), vec![1; bob_serial]);
                let bob = Person::with(curve, &draft);
                let mut draft = Draft::new();
                draft.issuer = name(&"c".repeat(charles_issuer));
                let octets = serial_octets(&bob.certificate, &draft.issuer);
                assert!((8..=20).contains(&octets));
                draft.serial = vec![1; octets];
                let charles = Person::with(curve, &draft);
                let mail = mail_to(&bob);
                let lengths = [&mail, &forwarded(&mail, &[bob.forwards_to(&charles)])]
                    .map(|mail| Message::of_mail(mail).der().len());
                assert_eq!(lengths[0] % 3, lengths[1] % 3, "{curve:?} {bob_issuer} {bob_serial} {charles_issuer}");
                // Of the same length if that can be.
                if (bob_serial + bob_issuer).checked_sub(charles_issuer).is_some_and(|len| (8..=20).contains(&len)) {
                    assert_eq!(lengths[0], lengths[1], "{curve:?} {bob_issuer} {bob_serial} {charles_issuer}");
                }
            }
        }
    }
}

#[test]
fn names_are_those_of_all_certificates_each_once() {
    let bob = Person::new(Curve::P256);
    let mut renewed = Draft::new();
    renewed.key_id = bob.certificate.subject_key_id().map(<[u8]>::to_vec);
    let renewed = renewed.certificate(bob.key.public_key());
    let charles = Person::new(Curve::P256);
    let instance = compute(&bob, &[bob.certificate.clone(), renewed, bob.certificate.clone()], &charles).unwrap();
    let key_ids =
        instance.forwarder().iter().filter(|name| matches!(name, CertificateIdentifier::SubjectKeyIdentifier(_)));
    assert_eq!((instance.forwarder().len(), key_ids.count()), (3, 1));
    // A key identifier without octets names nobody.
    let mut draft = Draft::new();
    draft.key_id = Some(vec![]);
    let instance = Person::with(Curve::P256, &draft).forwards_to(&charles);
    assert_eq!(instance.forwarder().len(), 1);
    Instance::from_json(instance.expose_json().as_bytes()).unwrap();
}
