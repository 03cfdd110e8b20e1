//! Keys with forwarding subkeys, and with subkeys that Sequoia does not know: none is taken that must not be, none is
//! lost, and none stands in the way of the others.

#![cfg(test)]

use std::time::{Duration, SystemTime};

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_pre::{Error as CoreError, ForwardeeKey, Forwarder, Ineligible, MultiHop, Skipped, UnixTime, set_up};
use sealpost_pre_sequoia::{Error, forwarder};
use sealpost_testkit::keys::{join, signature, split};
use sequoia_openpgp::{
    Cert, Packet,
    cert::{CertBuilder, CipherSuite},
    crypto::KeyPair,
    packet::signature::SignatureBuilder,
    parse::Parse,
    serialize::SerializeInto,
    types::{ReasonForRevocation, SignatureType},
};

const HOUR: Duration = Duration::from_hours(1);

const SIGNATURE: u8 = 2;
const SECRET_SUBKEY: u8 = 7;
const PUBLIC_SUBKEY: u8 = 14;
/// How many octets of a forwarding subkey are public, and of another one over Curve25519.
const PUBLIC: usize = 6 + 11 + 35 + 24;
const PUBLIC_OWN: usize = 6 + 11 + 35 + 4;

type Packets = Vec<(u8, Vec<u8>)>;

fn builder() -> CertBuilder<'static> {
    let builder = CertBuilder::new().add_userid("Bob <bob@example.org>").set_cipher_suite(CipherSuite::Cv25519);
    builder.set_creation_time(SystemTime::now() - 2 * HOUR).add_transport_encryption_subkey()
}

/// Bob's key: its binding signature is the last packet, the subkey the one before.
fn bob() -> Packets {
    split(&builder().generate().unwrap().0.as_tsk().to_vec().unwrap())
}

/// Charles's key, made an hour ago for Bob's mail, in the same order.
fn charles(passphrase: Option<&[u8]>) -> Packets {
    let bob = read(&bob(), MultiHop::Forbid).unwrap();
    let made = (SystemTime::now() - HOUR).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let setup = set_up(&bob, "Charles", UnixTime(made), passphrase, &mut UnwrapErr(SysRng)).unwrap();
    split(setup.key.expose_bytes())
}

/// The last two packets: a subkey and its binding signature.
fn subkey(key: &Packets) -> Packets {
    key[key.len() - 2..].to_vec()
}

fn read(key: &Packets, hops: MultiHop) -> Result<Forwarder, Error> {
    forwarder(&join(key), None, SystemTime::now(), hops)
}

fn reasons(skipped: &[Skipped]) -> Vec<Ineligible> {
    skipped.iter().map(|skipped| skipped.reason.clone()).collect()
}

/// Why none of the subkeys can be forwarded, if forwarding again is allowed.
fn refused(key: &Packets) -> Vec<Ineligible> {
    match read(key, MultiHop::Allow) {
        Err(Error::Core(CoreError::NoEligibleSubkey(skipped))) => reasons(&skipped),
        other => panic!("{other:?}"),
    }
}

/// Charles's key with one more signature of his primary key.
fn signed(key: &Packets, sign: impl FnOnce(&Cert, &mut KeyPair) -> Packet) -> Packets {
    let cert = Cert::from_bytes(&join(key)).unwrap();
    let mut signer = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let signature = split(&sign(&cert, &mut signer).to_vec().unwrap());
    [&key[..1], &signature, &key[1..]].concat()
}

#[test]
fn without_its_primary_key_a_forwarding_subkey_is_not_forwarded() {
    let charles = charles(None);
    assert_eq!(read(&charles, MultiHop::Allow).unwrap().subkeys().len(), 1);
    let revoked =
        signed(&charles, |cert, signer| cert.revoke(signer, ReasonForRevocation::KeyRetired, b"").unwrap().into());
    let expired = |after| {
        signed(&charles, |cert, signer| {
            let direct = SignatureBuilder::new(SignatureType::DirectKey).set_key_validity_period(Some(after)).unwrap();
            direct.sign_direct_key(signer, cert.primary_key().key()).unwrap().into()
        })
    };
    // The primary key, its user ID, and a signature that is damaged.
    let mut unsigned = charles.clone();
    *unsigned[2].1.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&revoked), [Ineligible::Revoked]);
    assert_eq!(refused(&expired(HOUR / 2)), [Ineligible::Expired]);
    assert_eq!(read(&expired(2 * HOUR), MultiHop::Allow).unwrap().subkeys().len(), 1);
    assert!(matches!(&refused(&unsigned)[..], [Ineligible::NotValid(_)]));
    for key in [revoked, expired(HOUR / 2), unsigned] {
        assert_eq!(ForwardeeKey::read(&join(&key)).unwrap().subkeys().len(), 1, "it decrypts old messages");
    }
}

#[test]
fn a_revoked_or_expired_forwarding_subkey_is_not_forwarded() {
    let charles = charles(None);
    let with = |kind, subpackets: &[(u8, &[u8])]| [&charles[..], &[(SIGNATURE, signature(kind, subpackets))]].concat();
    assert_eq!(refused(&with(0x28, &[])), [Ineligible::Revoked]);
    let binding = |lifetime: u32| with(0x18, &[(2, &[0xFF; 4]), (9, &lifetime.to_be_bytes())]);
    assert_eq!(refused(&binding(1800)), [Ineligible::Expired]);
    assert_eq!(read(&binding(7200), MultiHop::Allow).unwrap().subkeys().len(), 1);
}

#[test]
fn a_forwarding_subkey_that_can_t_be_read_does_not_stand_in_the_way() {
    let mut unreadable = subkey(&charles(None));
    // AEAD of some kind, and octets that are no protection.
    unreadable[0].1.splice(PUBLIC.., [253, 9, 2, 1]);
    for forwarding in [subkey(&charles(None)), subkey(&charles(Some(b"correct horse"))), unreadable] {
        let bob = read(&[bob(), forwarding].concat(), MultiHop::Forbid).unwrap();
        assert_eq!((bob.subkeys().len(), reasons(bob.skipped())), (1, vec![Ineligible::ForwardingSubkey]));
    }
    let locked = [bob(), subkey(&charles(Some(b"correct horse")))].concat();
    assert!(matches!(read(&locked, MultiHop::Allow), Err(Error::Core(CoreError::Locked))));
    let unlocked = forwarder(&join(&locked), Some(b"correct horse"), SystemTime::now(), MultiHop::Allow).unwrap();
    assert_eq!((unlocked.subkeys().len(), unlocked.skipped().len()), (2, 0));
    // Of a forwarding subkey that is out of the question anyway no secret is asked for.
    let revoked = [locked, vec![(SIGNATURE, signature(0x28, &[]))]].concat();
    let bob = read(&revoked, MultiHop::Allow).unwrap();
    assert_eq!((bob.subkeys().len(), reasons(bob.skipped())), (1, vec![Ineligible::Revoked]));
}

#[test]
fn no_subkey_is_lost() {
    let mut public = subkey(&charles(None));
    public[0] = (PUBLIC_SUBKEY, public[0].1[..PUBLIC].to_vec());
    // One whose secret has a wrong checksum: Sequoia takes it for something unknown.
    let mut damaged = subkey(&bob());
    *damaged[0].1.last_mut().unwrap() ^= 1;
    // One that nobody bound.
    let unbound = [(PUBLIC_SUBKEY, subkey(&bob())[0].1[..PUBLIC_OWN].to_vec())];
    let unknown = |tag| (tag, vec![4, 0, 0, 0, 1, 99, 1, 2, 3]);
    let more = [unknown(PUBLIC_SUBKEY), unknown(SECRET_SUBKEY), (PUBLIC_SUBKEY, vec![3, 0, 0, 0, 1, 0, 0, 1])];
    let own = bob();
    let key = [&own[..], &public, &damaged, &unbound, &more].concat();
    let bob = read(&key, MultiHop::Allow).unwrap();
    assert_eq!((bob.subkeys().len(), bob.skipped().len()), (1, 6), "{bob:?}");
    let skipped = reasons(bob.skipped());
    assert_eq!(skipped[0], Ineligible::NoSecret);
    assert_eq!(skipped[1], Ineligible::NotValid("Sequoia can't read it".into()));
    assert!(matches!(skipped[2], Ineligible::NotValid(_)), "{skipped:?}");
    assert_eq!(skipped[5], Ineligible::KeyVersion(3));
    let names: Vec<_> = bob.skipped().iter().map(|skipped| skipped.subkey.as_str()).collect();
    assert!(names[..4].iter().all(|name| name.len() == 40 && name.bytes().all(|c| c.is_ascii_hexdigit())), "{names:?}");
    assert!(names[4..].iter().all(|name| name.starts_with("the subkey at offset ")), "{names:?}");
    // The same subkey twice is taken once.
    let twice = [key, subkey(&own)].concat();
    assert_eq!(read(&twice, MultiHop::Allow).unwrap().subkeys().len(), 1);
}
