//! The vectors of draft-wussler-openpgp-forwarding, appendix A, bit for bit, with their negative controls.

#![cfg(test)]

use sealpost_pre::{
    Curve25519Subkey, Error, ForwardeeKey, Instance, Kdf, Outcome, Pkesk, Point, PointPolicy, PointRejection,
    ProxyFactor, SubkeySecret, Transform, UnixTime,
};
use sealpost_testkit::{draft, draft_hex};

const NOW: UnixTime = UnixTime(1_700_000_000);

fn factor(name: &str) -> Option<ProxyFactor> {
    draft_hex(name).map(|k| ProxyFactor::from_bytes(&k.try_into().unwrap()).unwrap())
}

/// The instance of A.3.
fn instance() -> Option<Instance> {
    let forwarder = "8A5F35753833FF9919AD88161557E55093930510".parse().unwrap();
    let forwardee = "805249BE13F8FE08FD5DBCB2076ED69FDEDE0029".parse().unwrap();
    Some(Instance::new(forwarder, forwardee, None, factor("a3_proxy_parameter_le.hex")?))
}

#[test]
fn a1_factor() {
    let Some(recipient) = draft_hex("a1_recipient_secret_hex_be_clamped.hex") else { return };
    let forwardee = draft_hex("a1_forwardee_secret_hex_be_clamped.hex").unwrap();
    let (recipient, forwardee) = [recipient, forwardee].map(|mpi| SubkeySecret::from_mpi(&mpi).unwrap()).into();
    let k = ProxyFactor::compute(&recipient, &forwardee);
    assert_eq!(k.expose_bytes().to_vec(), draft_hex("a1_proxy_parameter_hex_le.hex").unwrap());
    assert!(k.verify(&recipient.public(), &forwardee.public()));
    assert!(!k.verify(&forwardee.public(), &recipient.public()));
}

#[test]
fn a1_factor_of_unclamped_secrets_is_the_same() {
    let Some(mut mpi) = draft_hex("a1_recipient_secret_hex_be_clamped.hex") else { return };
    let clamped = SubkeySecret::from_mpi(&mpi).unwrap();
    // What clamping clears and sets again: the high bit, bit 254, the low three bits.
    mpi[0] ^= 0xC0;
    mpi[31] ^= 0x07;
    let unclamped = SubkeySecret::from_mpi(&mpi).unwrap();
    assert_eq!(clamped.expose_mpi(), unclamped.expose_mpi());
}

#[test]
fn a2_point() {
    let Some(k) = factor("a2_proxy_parameter_hex_le.hex") else { return };
    let point = Point::from_wire(&draft_hex("a2_ephemeral_point_hex_wire.hex").unwrap()).unwrap();
    let expected = draft_hex("a2_transformed_point_hex_wire.hex").unwrap();
    for policy in [PointPolicy::Strict, PointPolicy::Draft] {
        assert_eq!(k.transform(&[point], policy)[0].unwrap().to_wire().to_vec(), expected, "{policy:?}");
    }
    // A clamped factor would give another point.
    let mut clamped = k.expose_bytes();
    clamped[0] &= 0xF8;
    let clamped = ProxyFactor::from_bytes(&clamped).unwrap();
    assert_ne!(clamped.transform(&[point], PointPolicy::Draft)[0].unwrap().to_wire().to_vec(), expected);
}

#[test]
fn a2_point_of_small_order_is_refused() {
    let Some(k) = factor("a2_proxy_parameter_hex_le.hex") else { return };
    let point = Point::from_wire(&draft_hex("a2_small_order_point_hex_wire.hex").unwrap()).unwrap();
    assert_eq!(k.transform(&[point], PointPolicy::Draft), [Err(PointRejection::SmallOrder)]);
    assert!(k.transform(&[point], PointPolicy::Strict)[0].is_err());
}

#[test]
fn a3_message_binary_and_armored() {
    let Some(instance) = instance() else { return };
    let instances = [instance];
    let transform = Transform::new(&instances, NOW);
    for suffix in ["pgp", "asc"] {
        let mut message = draft(&format!("a3_encrypted_message.{suffix}")).unwrap();
        let expected = draft(&format!("a3_transformed_message.{suffix}")).unwrap();
        let mut streamed = Vec::new();
        transform.stream(&message[..], &mut streamed).unwrap();
        let report = transform.in_place(&mut message).unwrap();
        assert_eq!(message, expected, "{suffix}");
        assert_eq!(streamed, expected, "{suffix}");
        assert_eq!(report.messages[0].pkesks[0].outcome, Outcome::Transformed { instances: vec![0] });
    }
}

#[test]
fn a3_instance_belongs_to_the_keys() {
    let Some(instance) = instance() else { return };
    let subkey = |file: &str| Curve25519Subkey::read_all(&draft(file).unwrap()).unwrap()[0];
    let (bob, charles) = (subkey("a3_recipient_key.asc"), subkey("a3_forwardee_key.pgp"));
    assert_eq!(charles.first_forwarder, Some(bob.fingerprint));
    instance.verify(&bob, &charles).unwrap();
    assert!(matches!(instance.verify(&charles, &bob), Err(Error::KeyMismatch(_))));
    let mut other_kdf = charles;
    other_kdf.kdf = Kdf::from_ids(8, 7).unwrap();
    assert!(matches!(instance.verify(&bob, &other_kdf), Err(Error::KeyMismatch(why)) if why.contains("derivation")));
    let mut other_forwarder = charles;
    other_forwarder.first_forwarder = Some(charles.fingerprint);
    assert!(
        matches!(instance.verify(&bob, &other_forwarder), Err(Error::KeyMismatch(why)) if why.contains("KDF field"))
    );
    let wrong = factor("a2_proxy_parameter_hex_le.hex").unwrap();
    let wrong = Instance::new(bob.fingerprint, charles.fingerprint, None, wrong);
    assert!(matches!(wrong.verify(&bob, &charles), Err(Error::FactorMismatch)));
}

#[test]
fn a3_session_key_is_decrypted_by_the_forwardee_only_after_the_transform() {
    let Some(before) = draft("a3_encrypted_message.pgp") else { return };
    let after = draft("a3_transformed_message.pgp").unwrap();
    let forwardee = ForwardeeKey::read(&draft("a3_forwardee_key.pgp").unwrap()).unwrap();
    let forwardee = &forwardee.subkeys()[0];
    // The PKESK is the first packet: two octets of header, then 94.
    let session_key = |message: &[u8]| forwardee.session_key(&Pkesk::parse(&message[2..96]).unwrap());
    let key = session_key(&after).unwrap();
    // The research notes and the vectors name AES-128 for this message.
    assert_eq!((key.algorithm(), key.expose_bytes().len()), (Some(7), 16));
    assert!(matches!(session_key(&before), Err(Error::Decryption)));
}

#[test]
fn a3_other_recipients_are_left_alone() {
    let Some(instance) = instance() else { return };
    let elsewhere = Instance::new(
        instance.forwardee(),
        instance.forwarder(),
        None,
        ProxyFactor::from_bytes(&instance.factor().held().unwrap().expose_bytes()).unwrap(),
    );
    let mut message = draft("a3_encrypted_message.pgp").unwrap();
    let before = message.clone();
    let report = Transform::new(&[elsewhere], NOW).in_place(&mut message).unwrap();
    assert_eq!(report.transformed(), 0);
    assert_eq!(message, before);
}
