//! Which subkeys of a key can be forwarded, as far as its packets tell.

#![cfg(test)]

use std::collections::HashSet;

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_pre::{
    Curve25519Subkey, Error, ForwardeeKey, Forwarder, ForwarderSubkey, Ineligible, MultiHop, SubkeySecret, UnixTime,
    set_up,
};
use sealpost_testkit::{
    draft,
    keys::{join, signature, split},
};

/// When the keys were made, and when they are looked at.
const MADE: UnixTime = UnixTime(1_700_000_000);
const NOW: UnixTime = UnixTime(1_700_100_000);

const PUBLIC_KEY: u8 = 6;
const SECRET_SUBKEY: u8 = 7;
const PUBLIC_SUBKEY: u8 = 14;
const SIGNATURE: u8 = 2;
/// How many octets of a forwarding subkey are public.
const PUBLIC: usize = 6 + 11 + 35 + 24;
/// Kinds of signatures, and subpackets of them.
const BINDING: u8 = 0x18;
const REVOCATION: u8 = 0x28;
const CREATED: u8 = 2;
const EXPIRATION: u8 = 9;
const FLAGS: u8 = 27;

type Verdict = Result<Curve25519Subkey, Ineligible>;

/// A forwardee's key with one subkey: its binding signature is the last packet, the subkey the one before.
fn charles(passphrase: Option<&[u8]>) -> Vec<(u8, Vec<u8>)> {
    let mut rng = UnwrapErr(SysRng);
    let secret = SubkeySecret::generate(&mut rng);
    let key = join(&[(PUBLIC_KEY, vec![]), (PUBLIC_SUBKEY, ecdh(secret.public().to_wire(), [1, 10, 9]))]);
    let public = Curve25519Subkey::read_all(&key).unwrap()[0];
    let subkey = ForwarderSubkey::new(public, secret).unwrap();
    let forwarder = Forwarder::new(vec![subkey], vec![], MultiHop::Forbid).unwrap();
    split(set_up(&forwarder, "Charles", MADE, passphrase, &mut rng).unwrap().key.expose_bytes())
}

/// The body of a public subkey over Curve25519 with this KDF field.
fn ecdh<const N: usize>(point: [u8; 33], kdf: [u8; N]) -> Vec<u8> {
    let oid = [10, 0x2B, 6, 1, 4, 1, 0x97, 0x55, 1, 5, 1];
    [&[4, 0, 0, 0, 1, 18], &oid[..], &[1, 7], &point, &[u8::try_from(N).unwrap()], &kdf].concat()
}

fn candidates(packets: &[(u8, Vec<u8>)], hops: MultiHop) -> Vec<(String, Verdict)> {
    Forwarder::candidates(&join(packets), NOW, hops).unwrap()
}

/// What is said of Charles's subkey with these signatures behind it, if forwarding again is allowed.
fn with(signatures: &[Vec<u8>]) -> Result<(), Ineligible> {
    let mut key = charles(None);
    key.extend(signatures.iter().map(|body| (SIGNATURE, body.clone())));
    let [(_, verdict)] = &candidates(&key, MultiHop::Allow)[..] else { panic!("one subkey") };
    // Whatever is said of it: it decrypts old messages.
    assert_eq!(ForwardeeKey::read(&join(&key)).unwrap().subkeys().len(), 1);
    verdict.clone().map(drop)
}

/// A binding signature made so long after [`MADE`], with this key expiration time.
fn binding(made: u32, expiration: u32) -> Vec<u8> {
    let made = 1_700_000_000 + made;
    signature(BINDING, &[(CREATED, &made.to_be_bytes()), (EXPIRATION, &expiration.to_be_bytes()), (FLAGS, &[0x50])])
}

#[test]
fn a_revoked_forwarding_subkey_is_not_forwarded() {
    assert_eq!(with(&[]), Ok(()));
    assert_eq!(with(&[signature(REVOCATION, &[])]), Err(Ineligible::Revoked));
    // Revocations of other things, and by signatures of a version that does not exist.
    assert_eq!(with(&[signature(0x20, &[]), signature(0x30, &[]), vec![5, REVOCATION, 0, 0]]), Ok(()));
}

#[test]
fn an_expired_forwarding_subkey_is_not_forwarded() {
    // It was made 100000 seconds ago.
    assert_eq!(with(&[binding(1, 100_000)]), Err(Ineligible::Expired));
    assert_eq!(with(&[binding(1, 100_001)]), Ok(()));
    assert_eq!(with(&[binding(1, 0)]), Ok(()), "0 is never");
    assert_eq!(with(&[binding(1, u32::MAX)]), Ok(()));
    // The latest signature says it, wherever it stands.
    assert_eq!(with(&[binding(2, 0), binding(1, 5)]), Ok(()));
    assert_eq!(with(&[binding(2, 5), binding(1, 0)]), Err(Ineligible::Expired));
    // A subpacket that is marked as critical is the same subpacket; one among the unhashed ones counts.
    let critical = signature(BINDING, &[(0x80 | CREATED, &[0xFF; 4]), (0x80 | EXPIRATION, &[0, 0, 0, 5])]);
    assert_eq!(with(&[critical]), Err(Ineligible::Expired));
    let mut unhashed = signature(BINDING, &[(CREATED, &[0xFF; 4])]);
    unhashed.splice(12..14, [0, 6, 5, EXPIRATION, 0, 0, 0, 5]);
    assert_eq!(with(&[unhashed]), Err(Ineligible::Expired));
}

#[test]
fn the_flag_of_a_forwarding_subkey_is_needed_critical_or_not() {
    let mut key = charles(None);
    let flags = |bits: &[u8], id| vec![(SIGNATURE, signature(BINDING, &[(id, bits)]))];
    key.pop();
    let verdict = |more: Vec<_>| candidates(&[key.clone(), more].concat(), MultiHop::Allow).remove(0).1.map(drop);
    assert_eq!(verdict(vec![]), Err(Ineligible::KeyFlags));
    assert_eq!(verdict(flags(&[0x0C], FLAGS)), Err(Ineligible::KeyFlags));
    assert_eq!(verdict(vec![(SIGNATURE, vec![4, BINDING, 22])]), Err(Ineligible::KeyFlags), "nothing that can be read");
    for (bits, id) in [(0x40, FLAGS), (0x5C, FLAGS), (0x50, 0x80 | FLAGS)] {
        let more = flags(&[bits], id);
        assert_eq!(verdict(more.clone()), Ok(()));
        assert_eq!(ForwardeeKey::read(&join(&[key.clone(), more].concat())).unwrap().subkeys().len(), 1);
    }
}

#[test]
fn a_forwarding_subkey_is_judged_without_its_secret() {
    for passphrase in [None, Some(&b"correct horse"[..])] {
        let mut key = charles(passphrase);
        let subkey = key.len() - 2;
        let verdict = |key: &[_], hops| candidates(key, hops).remove(0).1.map(drop);
        for protection in [key[subkey].1.clone(), [&key[subkey].1[..PUBLIC], &[253, 9, 9]].concat()] {
            key[subkey].1 = protection;
            assert_eq!(verdict(&key, MultiHop::Forbid), Err(Ineligible::ForwardingSubkey));
            assert_eq!(verdict(&key, MultiHop::Allow), Ok(()));
        }
        // The public half.
        key[subkey] = (PUBLIC_SUBKEY, key[subkey].1[..PUBLIC].to_vec());
        assert_eq!(verdict(&key, MultiHop::Forbid), Err(Ineligible::ForwardingSubkey));
        assert_eq!(verdict(&key, MultiHop::Allow), Err(Ineligible::NoSecret));
    }
}

#[test]
fn every_subkey_is_listed_once() {
    let Some(bob) = draft("a3_recipient_key.pgp") else { return };
    let mut key = charles(None);
    let subkey = key[key.len() - 2].clone();
    let public = (PUBLIC_SUBKEY, subkey.1[..PUBLIC].to_vec());
    let point = [0x40; 33];
    let curve = [&[4, 0, 0, 0, 1, 18, 3, 1, 2, 3], &[0, 9, 1, 1, 3, 1, 8, 7][..]].concat();
    let x25519 = [&[4, 0, 0, 0, 1, 25], &[9; 32][..]].concat();
    let algorithm = |text: &str| Err(Ineligible::Algorithm(text.into()));
    let others: [(u8, Vec<u8>, Verdict); 9] = [
        (PUBLIC_SUBKEY, vec![4, 0, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1], algorithm("algorithm 1")),
        (PUBLIC_SUBKEY, vec![4, 0, 0, 0, 1, 99, 1, 2, 3], algorithm("an algorithm that is not known here")),
        (SECRET_SUBKEY, vec![4, 0, 0, 0, 1, 99, 1, 2, 3], algorithm("an algorithm that is not known here")),
        (PUBLIC_SUBKEY, x25519, Err(Ineligible::X25519)),
        (PUBLIC_SUBKEY, curve, Err(Ineligible::Curve("another curve".into()))),
        (PUBLIC_SUBKEY, vec![3, 0, 0, 0, 1, 0, 0, 1], Err(Ineligible::KeyVersion(3))),
        (PUBLIC_SUBKEY, vec![6, 0, 0, 0, 1, 25, 0, 0, 0, 0], Err(Ineligible::KeyVersion(6))),
        (
            PUBLIC_SUBKEY,
            ecdh(point, [1, 2, 9]),
            Err(Ineligible::UnsupportedKdf("unsupported hash function of the key derivation: 2".into())),
        ),
        (
            PUBLIC_SUBKEY,
            ecdh(point, [9, 8, 7]),
            Err(Ineligible::UnsupportedKdf("its KDF field is of an unknown type".into())),
        ),
    ];
    key.extend(others.iter().map(|(tag, body, _)| (*tag, body.clone())));
    // Charles's again: it is the same subkey, and was revoked.
    key.extend([public, (SIGNATURE, signature(REVOCATION, &[]))]);
    let listed = candidates(&key, MultiHop::Allow);
    let expected = [Err(Ineligible::Revoked)].into_iter().chain(others.into_iter().map(|(_, _, verdict)| verdict));
    assert_eq!(listed.iter().map(|(_, verdict)| verdict.clone()).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let names: HashSet<_> = listed.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 10, "{names:?}");
    // No fingerprint: where the public part ends is not known, or of which version it is.
    assert_eq!(names.iter().filter(|name| name.starts_with("the subkey at offset ")).count(), 2, "{names:?}");

    // An ordinary subkey is as its packet says; what its signatures say is not for this to judge.
    let mut key = split(&bob);
    key.push((SIGNATURE, signature(REVOCATION, &[])));
    let subkey = Curve25519Subkey::read_all(&bob).unwrap()[0];
    assert_eq!(candidates(&key, MultiHop::Forbid), [(subkey.fingerprint.to_string(), Ok(subkey))]);
    assert!(matches!(Forwarder::candidates(b"\xC2\0", NOW, MultiHop::Forbid), Err(Error::NotAKey(_))));
}
