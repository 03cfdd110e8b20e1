//! Instances and keys: what is written is read back, what is wrong is refused, and no secret gets out.

#![cfg(test)]

use getrandom::{SysRng, rand_core::UnwrapErr};
use proptest::{option, prelude::*};
use sealpost_pre::{
    Curve25519Subkey, Error, Fingerprint, ForwardeeKey, Forwarder, ForwarderSubkey, Ineligible, Instance, Kdf,
    MultiHop, ProxyFactor, Setup, SubkeySecret, UnixTime,
    document::{Kind, Writer, read},
    public_export, set_up,
};
use sealpost_testkit::{
    draft,
    messages::{Framing, packet},
    unhex,
};

const NOW: UnixTime = UnixTime(1_700_000_000);

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Bob of A.3, whose key is not locked.
fn bob() -> Option<ForwarderSubkey> {
    let key = draft("a3_recipient_key.pgp")?;
    let public = Curve25519Subkey::read_all(&key).unwrap()[0];
    // The secret MPI: behind the KDF field and usage octet 0, 255 bits.
    let at = key.windows(5).rposition(|octets| octets == [3, 1, 10, 9, 0]).unwrap() + 7;
    Some(ForwarderSubkey::new(public, SubkeySecret::from_mpi(&key[at..at + 32]).unwrap()).unwrap())
}

fn forward(passphrase: Option<&[u8]>) -> Option<Setup> {
    let forwarder = Forwarder::new(vec![bob()?], vec![], MultiHop::Forbid).unwrap();
    Some(set_up(&forwarder, "Charles <charles@example.org>", NOW, passphrase, &mut rng()).unwrap())
}

fn instance() -> impl Strategy<Value = Instance> {
    let time = || option::of(any::<u64>().prop_map(UnixTime));
    let ids = option::of((8..=10_u8, 7..=9_u8));
    (any::<[u8; 20]>(), any::<[u8; 20]>(), ids, 1..=u64::MAX, time(), time()).prop_map(|(from, to, ids, k, nb, na)| {
        let kdf = ids.map(|(hash, symmetric)| Kdf::from_ids(hash, symmetric).unwrap());
        let mut factor = [0; 32];
        factor[..8].copy_from_slice(&k.to_le_bytes());
        let factor = ProxyFactor::from_bytes(&factor).unwrap();
        Instance::new(Fingerprint::from_bytes(from), Fingerprint::from_bytes(to), kdf, factor).valid(nb, na)
    })
}

proptest! {
    #[test]
    fn instances_are_read_back(instance in instance()) {
        prop_assert_eq!(&Instance::from_json(instance.expose_json().unwrap().as_bytes()).unwrap(), &instance);
        prop_assert_eq!(&Instance::from_bytes(&*instance.expose_bytes().unwrap()).unwrap(), &instance);
        let proton = Instance::from_proton(instance.expose_proton().unwrap().as_bytes()).unwrap();
        prop_assert_eq!(proton.expose_proton().unwrap(), instance.expose_proton().unwrap());
    }

    #[test]
    fn a_changed_binary_instance_is_refused_or_another_one(instance in instance(), at in 0..96_usize, bit in 0..8_u8) {
        let mut bytes = *instance.expose_bytes().unwrap();
        bytes[at] ^= 1 << bit;
        // Each instance has one form: what is read differs, and is written as it was read.
        if let Ok(read) = Instance::from_bytes(&bytes) {
            prop_assert_ne!(&read, &instance);
            prop_assert_eq!(*read.expose_bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn keys_made_of_nonsense_are_refused_without_a_panic(key in prop::collection::vec(any::<u8>(), 0..300)) {
        drop((ForwardeeKey::read(&key), Curve25519Subkey::read_all(&key), public_export(&key)));
        drop(Forwarder::candidates(&key, NOW, MultiHop::Allow));
    }

    #[test]
    fn a_damaged_key_is_refused_without_a_panic(at in any::<prop::sample::Index>(), octet in any::<u8>(), cut in any::<bool>()) {
        let Some(mut key) = draft("a3_forwardee_key.pgp") else { return Ok(()) };
        let at = at.index(key.len());
        if cut { key.truncate(at) } else { key[at] = octet }
        drop((ForwardeeKey::read(&key), Curve25519Subkey::read_all(&key), public_export(&key)));
        drop(Forwarder::candidates(&key, NOW, MultiHop::Allow));
    }
}

#[test]
fn proton_s_fields_are_these() {
    let json = r#"{"PgpVersion":4,"ForwarderKeyFingerprint":"8a5f35753833ff9919ad88161557e55093930510",
        "ForwardeeKeyFingerprint":"805249BE13F8FE08FD5DBCB2076ED69FDEDE0029",
        "ProxyParam":"04b657045fc9c0759c5fd11d8ca75a2b1aa101c9c896490bcec100f941e97e0e"}"#;
    let instance = Instance::from_proton(json.as_bytes()).unwrap();
    assert_eq!(instance.forwarder().to_string(), "8A5F35753833FF9919AD88161557E55093930510");
    assert_eq!(instance.factor().held().unwrap().expose_bytes()[..4], [0x04, 0xB6, 0x57, 0x04]);
    let written = instance.expose_proton().unwrap();
    for field in [
        "\"PgpVersion\": 4",
        "\"ForwarderKeyFingerprint\": \"8a5f",
        "\"ForwardeeKeyFingerprint\": \"8052",
        "\"ProxyParam\": \"04b6",
    ] {
        assert!(written.contains(field), "{field}");
    }
    for wrong in
        [json.replace(":4,", ":6,"), json.replace("ProxyParam", "Param"), json.replace("04b657", "04b6"), "[]".into()]
    {
        assert!(Instance::from_proton(wrong.as_bytes()).is_err());
    }
}

#[test]
fn what_is_wrong_with_an_instance_s_json_is_said_without_its_values() {
    let factor = "04b657045fc9c0759c5fd11d8ca75a2b1aa101c9c896490bcec100f941e97e0e";
    let good = format!(
        r#"{{ "format": "sealpost-forwarding-instance", "version": 1,
        "forwarder": "8a5f35753833ff9919ad88161557e55093930510",
        "forwardee": "805249be13f8fe08fd5dbcb2076ed69fdede0029", "factor": "{factor}" }}"#
    );
    Instance::from_json(good.as_bytes()).unwrap();
    let newer = good.replace("\"version\": 1", "\"version\": 4294967296, \"new\": { \"to\": [1, \"\\u0031\"] }");
    let renamed = |field: &str| good.replace(field, "new");
    for (json, reason) in [
        (newer, "newer program"),
        (renamed("factor"), "field is missing"),
        (renamed("forwardee"), "field is missing"),
        (good.replace("\"version\": 1", &format!("\"version\": \"{factor}\"")), "another type"),
        (good.replace("\"version\": 1", "\"version\": 1, \"version\": 1"), "there twice"),
        (good.replace("\"version\": 1", &format!("\"version\": 1, \"{factor}\": 1")), "unknown"),
        (good.replace("\"sealpost-", "\"another-"), "\"format\""),
        (good.replace("\"version\": 1", "\"version\": 1, \"kind\": \"smime\""), "it is for S/MIME"),
        (good.replace("\"version\": 1", "\"version\": 1, \"kind\": \"openpgp\""), "kind is unknown: a newer program"),
        (good.replace("\"version\": 1", &format!("\"version\": 1, \"kind\": \"{factor}\"")), "kind is unknown"),
        (good.replace("\"version\": 1", "\"version\": 1, \"kind\": 1"), "another type"),
        (good.replace("\"version\": 1", "\"version\": 2, \"kind\": \"other\""), "version is unknown"),
        (good.replace(factor, "04b6"), "out of range"),
        (good.replace('}', ""), "not JSON"),
        (format!("{good}{factor}"), "not JSON"),
    ] {
        let error = Instance::from_json(json.as_bytes()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(reason) && !shown.contains("5fc9c075"), "{shown}: {json}");
    }
}

#[test]
fn the_document_of_an_instance_is_as_it_always_was() {
    let factor = "04b657045fc9c0759c5fd11d8ca75a2b1aa101c9c896490bcec100f941e97e0e";
    let text = format!(
        "{{\n  \"format\": \"sealpost-forwarding-instance\",\n  \"version\": 1,\n  \
         \"forwarder\": \"8a5f35753833ff9919ad88161557e55093930510\",\n  \
         \"forwardee\": \"805249be13f8fe08fd5dbcb2076ed69fdede0029\",\n  \
         \"kdf\": {{ \"hash\": 10, \"symmetric\": 9 }},\n  \"not_before\": 1700000000,\n  \
         \"not_after\": 1800000000,\n  \"factor\": \"{factor}\"\n}}\n"
    );
    assert_eq!(*Instance::from_json(text.as_bytes()).unwrap().expose_json().unwrap(), text);
    assert_eq!(Kind::of(text.as_bytes()).unwrap(), Kind::OpenPgp);
}

#[test]
fn documents_of_other_kinds_have_the_same_frame() {
    let mut document = Writer::new(Kind::Smime);
    document.string("group", "P-256");
    document.value("names", "[1, 2]");
    let text = document.finish();
    assert_eq!(
        *text,
        "{\n  \"format\": \"sealpost-forwarding-instance\",\n  \"version\": 1,\n  \"kind\": \"smime\",\n  \
         \"group\": \"P-256\",\n  \"names\": [1, 2]\n}\n"
    );
    assert_eq!(Kind::of(text.as_bytes()).unwrap(), Kind::Smime);
    // However long it gets.
    let long = "7f".repeat(10_000);
    let mut document = Writer::new(Kind::Smime);
    document.string("factor", &long);
    document.string("other", &long);
    let read: serde_json::Value = read(document.finish().as_bytes()).unwrap();
    assert_eq!((&read["factor"], &read["other"], &read["kind"]), (&long.clone().into(), &long.into(), &"smime".into()));
}

#[test]
fn an_instance_s_debug_form_has_no_factor() {
    let Some(setup) = forward(None) else { return };
    let [instance] = &setup.instances[..] else { panic!("one subkey") };
    let secret = format!("{:02x?}", *instance.factor().held().unwrap().expose_bytes());
    let shown = format!("{instance:?} {:?} {:?}", instance.factor().held().unwrap(), setup.key);
    assert!(!shown.contains(secret.get(1..30).unwrap()) && shown.contains("ProxyFactor(..)"), "{shown}");
}

#[test]
fn a_set_up_key_has_the_fields_of_the_draft() {
    let (Some(setup), Some(bob)) = (forward(None), bob()) else { return };
    let key = ForwardeeKey::read(setup.key.expose_armored().as_bytes()).unwrap();
    assert_eq!(key.user_ids(), ["Charles <charles@example.org>"]);
    let [subkey] = key.subkeys() else { panic!("one subkey") };
    assert_eq!(subkey.public().first_forwarder, Some(bob.public().fingerprint));
    assert_eq!(subkey.public().kdf, bob.public().kdf);
    setup.instances[0].verify(bob.public(), subkey.public()).unwrap();
    let octets = setup.key.expose_bytes();
    // KDF field: 23 octets, type 0xFF, SHA-512, AES-256, Bob's fingerprint.
    let kdf = [&[0x17, 0xFF, 10, 9], &bob.public().fingerprint.as_bytes()[..]].concat();
    assert_eq!(octets.windows(kdf.len()).filter(|window| *window == kdf).count(), 1);
    // Key flags (subpacket 27, two octets with its type): certify on the primary, exactly 0x50 on the subkey.
    let flags: Vec<u8> = octets.windows(3).filter(|window| window[..2] == [2, 27]).map(|window| window[2]).collect();
    assert_eq!(flags, [0x01, 0x50]);
}

#[test]
fn a_locked_key_needs_its_passphrase() {
    let Some(setup) = forward(Some(b"correct horse")) else { return };
    let mut key = ForwardeeKey::read(setup.key.expose_bytes()).unwrap();
    assert!(key.is_locked());
    assert!(matches!(key.unlock(b"wrong horse"), Err(Error::WrongPassphrase)));
    assert!(key.is_locked());
    key.unlock(b"correct horse").unwrap();
    assert!(!key.is_locked());
}

#[test]
fn forwarding_again_is_forbidden_unless_it_is_allowed() {
    let (Some(setup), Some(bob)) = (forward(None), bob()) else { return };
    let again = || ForwardeeKey::read(setup.key.expose_bytes()).unwrap().into_subkeys();
    let subkeys = |hops| {
        let subkeys = again().into_iter().map(|subkey| subkey.into_forwarder().unwrap()).collect();
        Forwarder::new(subkeys, vec![], hops)
    };
    let Err(Error::NoEligibleSubkey(skipped)) = subkeys(MultiHop::default()) else { panic!("must be forbidden") };
    assert_eq!(skipped[0].reason, Ineligible::ForwardingSubkey);
    let forwarder = subkeys(MultiHop::Allow).unwrap();
    let second = set_up(&forwarder, "Dora <dora@example.org>", NOW, None, &mut rng()).unwrap();
    let dora = ForwardeeKey::read(second.key.expose_bytes()).unwrap();
    // The sender took Bob's fingerprint into the key derivation: it is inherited.
    assert_eq!(dora.subkeys()[0].public().first_forwarder, Some(bob.public().fingerprint));
    second.instances[0].verify(again()[0].public(), dora.subkeys()[0].public()).unwrap();
    // Both hops in one step.
    let both = setup.instances[0].factor().held().unwrap().compose(second.instances[0].factor().held().unwrap());
    assert!(both.verify(&bob.public().public, &dora.subkeys()[0].public().public));
    // A.3's message, twice transformed, is Dora's.
    let mut message = draft("a3_encrypted_message.pgp").unwrap();
    for instances in [&setup.instances, &second.instances] {
        let report = sealpost_pre::Transform::new(instances, NOW).in_place(&mut message).unwrap();
        assert_eq!(report.transformed(), 1);
    }
    let pkesk = sealpost_pre::Pkesk::parse(&message[2..96]).unwrap();
    assert_eq!(dora.session_key(&pkesk).unwrap().algorithm(), Some(7));
    assert!(matches!(
        ForwardeeKey::read(setup.key.expose_bytes()).unwrap().session_key(&pkesk),
        Err(Error::Decryption)
    ));
}

#[test]
fn user_ids_and_times_that_make_no_sense_are_refused() {
    let Some(bob) = bob() else { return };
    let forwarder = Forwarder::new(vec![bob], vec![], MultiHop::Forbid).unwrap();
    for user_id in ["", "a\nb", &"x".repeat(1025)] {
        assert!(set_up(&forwarder, user_id, NOW, None, &mut rng()).is_err());
    }
    assert!(set_up(&forwarder, "x", UnixTime(1 << 32), None, &mut rng()).is_err());
}

/// The first halves of the secrets in A.3: of Bob's primary key and subkey, and of Charles's.
const SECRETS: [&str; 4] = [
    "dae783c44472ef0ea20ca347f4dfe989",
    "49dd785e48dfcb597caf4bd0e519be8c",
    "5b14be273c1768d387a2d02d88021e51",
    "5356f03f2731cda4cb5e34b0f850af09",
];

fn contains(octets: &[u8], part: &[u8]) -> bool {
    octets.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_public_export_has_neither_secrets_nor_forwarding_subkeys() {
    let Some(bob) = draft("a3_recipient_key.pgp") else { return };
    let charles = draft("a3_forwardee_key.asc").unwrap();
    let (bob_exported, charles_exported) = (public_export(&bob).unwrap(), public_export(&charles).unwrap());
    let charles = draft("a3_forwardee_key.pgp").unwrap();
    for secret in SECRETS.map(unhex) {
        assert!(contains(&bob, &secret) || contains(&charles, &secret), "the test must be able to fail");
        assert!(!contains(&bob_exported, &secret) && !contains(&charles_exported, &secret));
    }
    assert_eq!(Curve25519Subkey::read_all(&bob_exported).unwrap(), Curve25519Subkey::read_all(&bob).unwrap());
    // The forwarding subkey is gone with its public point and its binding signature (key flags 0x50).
    assert!(Curve25519Subkey::read_all(&charles_exported).unwrap().is_empty());
    let point = Curve25519Subkey::read_all(&charles).unwrap()[0].public;
    for part in [&point.as_bytes()[..], &[2, 27, 0x50]] {
        assert!(contains(&charles, part) && !contains(&charles_exported, part));
    }
}

#[test]
fn a_subkey_with_the_flag_alone_is_not_exported() {
    let Some(mut bob) = draft("a3_recipient_key.pgp") else { return };
    assert_eq!(Curve25519Subkey::read_all(&public_export(&bob).unwrap()).unwrap().len(), 1);
    let flags = bob.windows(3).rposition(|octets| octets == [2, 27, 0x0C]).unwrap() + 2;
    bob[flags] |= 0x40;
    assert!(Curve25519Subkey::read_all(&public_export(&bob).unwrap()).unwrap().is_empty());
}

#[test]
fn a_secret_in_a_packet_that_looks_unknown_does_not_get_out() {
    let Some(charles) = draft("a3_forwardee_key.pgp") else { return };
    let secret = [0x5A; 24];
    // An unknown packet, a subkey of an unknown algorithm, a public subkey with something behind it.
    let unknown_subkey = [&[4, 0, 0, 0, 1, 99], &secret[..]].concat();
    let with_tail = {
        let public = public_export(&draft("a3_recipient_key.pgp").unwrap()).unwrap();
        let at = public.windows(11).position(|window| window.starts_with(&[0x0A, 0x2B, 6, 1, 4, 1, 0x97])).unwrap() - 6;
        [&public[at..at + 6 + 11 + 35 + 4], &secret[..]].concat()
    };
    for (tag, body) in [(60, secret.to_vec()), (14, unknown_subkey.clone()), (7, unknown_subkey), (14, with_tail)] {
        let key = [charles.clone(), packet(tag, &body, Framing::New(1))].concat();
        assert!(contains(&key, &secret) && !contains(&public_export(&key).unwrap(), &secret[..8]), "tag {tag}");
    }
}
