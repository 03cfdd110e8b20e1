//! No secret stays behind on the heap: what is freed is searched for the parties' keys and for the factors.

#![cfg(test)]

use sealpost_pre::{
    Curve25519Subkey, ForwardeeKey, Forwarder, ForwarderSubkey, Instance, MultiHop, Pkesk, Point, SubkeySecret,
    Transform, UnixTime, public_export, set_up,
};
use sealpost_testkit::{
    draft,
    keys::join,
    leaks::{Leaks, NEEDLE, search},
    rng::Scripted,
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

#[global_allocator]
static ALLOCATOR: Leaks = Leaks;

const NOW: UnixTime = UnixTime(1_700_000_000);
const PASSPHRASE: &[u8] = b"correct horse battery staple";

type Needles = Vec<(String, [u8; NEEDLE])>;

fn secret(number: u8) -> [u8; 32] {
    Sha256::digest([number]).into()
}

/// Secrets that are known beforehand: the next is [`secret`] of this number, and all else is the same octet.
fn dice(mut number: u8) -> Scripted<impl FnMut(&mut [u8])> {
    Scripted(move |to: &mut [u8]| match <&mut [u8; 32]>::try_from(&mut *to) {
        Ok(to) => {
            *to = secret(number);
            number += 1;
        }
        Err(_) => to.fill(0x5A),
    })
}

/// The first secrets of Bob's, Charles's and Dora's. That of Charles's primary key comes before his subkeys'.
const BOB: u8 = 0;
const CHARLES: u8 = 100;
const DORA: u8 = 200;

/// Bob: the subkey of A.3 with its secret (big-endian), and five more.
fn bob() -> Option<Vec<(Curve25519Subkey, [u8; 32])>> {
    let key = draft("a3_recipient_key.pgp")?;
    // The secret MPI: behind the KDF field and usage octet 0, 255 bits.
    let at = key.windows(5).rposition(|octets| octets == [3, 1, 10, 9, 0]).unwrap() + 7;
    let mut subkeys = vec![(Curve25519Subkey::read_all(&key).unwrap()[0], key[at..at + 32].try_into().unwrap())];
    let mut dice = dice(BOB);
    for _ in 0..5 {
        let secret = SubkeySecret::generate(&mut dice);
        // Of no primary key at all.
        let key = join(&[(6, vec![]), (14, subkey(secret.public()))]);
        subkeys.push((Curve25519Subkey::read_all(&key).unwrap()[0], *secret.expose_mpi()));
    }
    Some(subkeys)
}

/// The body of a public subkey packet: ECDH, the OID of Curve25519, the point of 263 bits, SHA-512 and AES-256.
fn subkey(point: Point) -> Vec<u8> {
    let oid = [10, 0x2B, 6, 1, 4, 1, 0x97, 0x55, 1, 5, 1];
    [&[4, 0, 0, 0, 1, 18], &oid[..], &[1, 7], &point.to_wire(), &[3, 1, 10, 9]].concat()
}

/// What [`forward`] makes.
enum Made<'a> {
    Factor(usize, &'a [u8]),
    /// The forwardee's key as packets and in armor.
    Key(&'a [u8], &'a str),
    SessionKey(&'a [u8]),
}

/// All that is done with secrets, from the set-up to the session key; `look` is shown some of them.
fn forward(
    bob: &[(Curve25519Subkey, [u8; 32])],
    message: &[u8],
    passphrase: Option<&[u8]>,
    look: &mut dyn FnMut(Made<'_>),
) {
    let subkeys = bob.iter().map(|(public, secret)| {
        let secret = SubkeySecret::from_mpi(secret).unwrap();
        ForwarderSubkey::new(*public, secret).unwrap()
    });
    let forwarder = Forwarder::new(subkeys.collect(), vec![], MultiHop::Forbid).unwrap();
    let setup = set_up(&forwarder, "Charles <charles@example.org>", NOW, passphrase, &mut dice(CHARLES)).unwrap();
    for (i, instance) in setup.instances.iter().enumerate() {
        look(Made::Factor(i, &*instance.factor().held().unwrap().expose_bytes()));
        assert_eq!(&Instance::from_json(instance.expose_json().unwrap().as_bytes()).unwrap(), instance);
        assert_eq!(&Instance::from_bytes(&*instance.expose_bytes().unwrap()).unwrap(), instance);
        Instance::from_proton(instance.expose_proton().unwrap().as_bytes()).unwrap();
        for (field, other) in [("\"version\": 1", "\"version\": 2"), ("forwardee", "x")] {
            let broken = Zeroizing::new(instance.expose_json().unwrap().replace(field, other));
            assert!(Instance::from_json(broken.as_bytes()).is_err());
        }
    }
    let armored = setup.key.expose_armored();
    look(Made::Key(setup.key.expose_bytes(), &armored));
    let mut forwarded = message.to_vec();
    assert_eq!(Transform::new(&setup.instances, NOW).in_place(&mut forwarded).unwrap().transformed(), 1);
    Transform::new(&setup.instances, NOW).stream(message, &mut Vec::new()).unwrap();
    for key in [setup.key.expose_bytes(), armored.as_bytes()] {
        public_export(key).unwrap();
        assert_eq!(Forwarder::candidates(key, NOW, MultiHop::Allow).unwrap().len(), bob.len());
        let mut key = ForwardeeKey::read(key).unwrap();
        if let Some(passphrase) = passphrase {
            assert!(key.unlock(b"wrong horse").is_err());
            key.unlock(passphrase).unwrap();
        }
        let pkesk = Pkesk::parse(&forwarded[2..96]).unwrap();
        look(Made::SessionKey(key.session_key(&pkesk).unwrap().expose_bytes()));
        let again = key.into_subkeys().into_iter().map(|subkey| subkey.into_forwarder().unwrap()).collect();
        let again = Forwarder::new(again, vec![], MultiHop::Allow).unwrap();
        set_up(&again, "Dora <dora@example.org>", NOW, passphrase, &mut dice(DORA)).unwrap();
    }
}

/// A secret of 32 octets in both orders, without the ends, where a clamped one may differ.
fn halves(name: &str, secret: &[u8]) -> Needles {
    let reversed: Vec<u8> = secret.iter().rev().copied().collect();
    let orders = [("as it is", secret), ("reversed", &reversed)];
    let halves = |(order, octets): (&str, &[u8])| {
        [&octets[1..17], &octets[15..31]].map(|half| (format!("{name}, {order}"), half.try_into().unwrap()))
    };
    orders.into_iter().flat_map(halves).collect()
}

/// What [`forward`] must not leave behind.
fn needles(bob: &[(Curve25519Subkey, [u8; 32])], message: &[u8]) -> Needles {
    let forwarder = bob.iter().enumerate().flat_map(|(i, (_, secret))| halves(&format!("forwarder {i}"), secret));
    let drawn = (CHARLES..=CHARLES + 6).chain(DORA..=DORA + 6);
    let mut needles: Needles =
        forwarder.chain(drawn.flat_map(|n| halves(&format!("secret {n}"), &secret(n)))).collect();
    needles.push(("passphrase".into(), PASSPHRASE[..NEEDLE].try_into().unwrap()));
    forward(bob, message, None, &mut |made| match made {
        Made::Factor(i, factor) => {
            needles.extend(halves(&format!("factor {i}"), factor));
            let hex = base16ct::lower::encode_string(factor);
            let parts = hex.as_bytes().chunks(NEEDLE);
            needles.extend(parts.map(|part| (format!("factor {i}, in hex"), part.try_into().unwrap())));
        }
        Made::Key(key, armored) => {
            let lines = armored.lines().skip(2).take_while(|line| !line.starts_with('-'));
            let base64 = lines.collect::<String>().into_bytes();
            for n in CHARLES..=CHARLES + 6 {
                let middle = &secret(n)[1..31];
                let reversed: Vec<u8> = middle.iter().rev().copied().collect();
                let at = key.windows(30).position(|octets| octets == middle || octets == reversed).unwrap();
                // Each three octets are four characters.
                let at = at.div_ceil(3) * 4;
                needles.push((format!("secret {n}, in armor"), base64[at..at + NEEDLE].try_into().unwrap()));
            }
        }
        Made::SessionKey(key) => needles.push(("session key".into(), key.try_into().unwrap())),
    });
    needles
}

#[test]
fn no_secret_stays_behind() {
    let (Some(bob), Some(message)) = (bob(), draft("a3_encrypted_message.pgp")) else { return };
    let needles = needles(&bob, &message);
    for passphrase in [None, Some(PASSPHRASE)] {
        let ((), found) = search(&needles, || forward(&bob, &message, passphrase, &mut |_| {}));
        assert_eq!(found, [""; 0], "with a passphrase: {}", passphrase.is_some());
    }
    // The needles are the right ones: copies that are not wiped are found, each of them.
    let careless = &mut |made: Made<'_>| match made {
        Made::Factor(_, factor) => {
            let hex = base16ct::lower::encode_string(factor);
            drop((factor.to_vec(), factor.iter().rev().copied().collect::<Vec<_>>(), hex));
        }
        Made::Key(key, armored) => drop((key.to_vec(), armored.replace('\n', ""))),
        Made::SessionKey(key) => drop(key.to_vec()),
    };
    let ((), mut found) = search(&needles, || forward(&bob, &message, None, careless));
    found.dedup();
    let kinds = |part: &str| found.iter().filter(|name| name.contains(part)).count();
    assert_eq!((kinds("factor"), kinds("in hex"), kinds("in armor"), kinds("session")), (18, 6, 7, 1), "{found:?}");
    // As they are in the key: the primary key's as it is, the others big-endian.
    assert_eq!((kinds("secret 100, as it is"), kinds(", reversed")), (1, 6 + 6), "{found:?}");
}

#[test]
fn a_copy_that_was_not_wiped_is_found() {
    let secret = [("secret", *b"sixteen letters.")];
    let ((), found) = search(&secret, || drop([b"in front ", &secret[0].1[..], b" behind"].concat()));
    assert_eq!(found, ["secret"]);
    // A buffer that grows leaves a copy where it was.
    let grown = || {
        let mut buffer = Zeroizing::new(secret[0].1.to_vec());
        buffer.extend([0; 100]);
    };
    assert_eq!(search(&secret, grown).1, ["secret"]);
    assert_eq!(search(&secret, || drop(Zeroizing::new(secret[0].1.to_vec()))).1, [""; 0]);
    assert_eq!(search(&secret, || drop(secret[0].1[1..].to_vec())).1, [""; 0]);
}
