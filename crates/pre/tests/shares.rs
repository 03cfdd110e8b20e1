//! Two proxies, each with a share: together they forward as one with the whole factor, and neither alone.

#![cfg(test)]

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_pre::{
    Error, Factor, ForwardeeKey, Instance, Kdf, NotValid, Pkesk, Recipient, Transform, UnixTime, dearmor,
};
use sealpost_testkit::{
    a3::{INSTANCE, MESSAGE},
    draft,
    rng::Scripted,
};
use subtle::ConstantTimeEq;

const NOW: UnixTime = UnixTime(1_700_000_000);

fn whole() -> Instance {
    let bare = Instance::from_proton(INSTANCE).unwrap();
    let factor = bare.factor().held().unwrap().clone();
    Instance::new(bare.forwarder(), bare.forwardee(), Some(Kdf::from_ids(10, 9).unwrap()), factor)
        .valid(Some(UnixTime(1_600_000_000)), Some(UnixTime(1_800_000_000)))
}

fn split() -> [[Instance; 2]; 2] {
    whole().split(&mut UnwrapErr(SysRng)).unwrap()
}

fn transformed(instances: &[Instance], input: &[u8]) -> (Vec<u8>, usize) {
    let mut octets = input.to_vec();
    let report = Transform::new(instances, NOW).in_place(&mut octets).unwrap();
    (octets, report.transformed())
}

/// Each form of a message, and how many messages are in it.
fn inputs() -> [(Vec<u8>, usize); 4] {
    let quoted = MESSAGE.replace('=', "=3D");
    let part = "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n";
    [
        (dearmor(MESSAGE.as_bytes()).unwrap().to_vec(), 1),
        (MESSAGE.into(), 1),
        (format!("Subject: hello\n\n{MESSAGE}").into(), 1),
        (format!("Subject: hello\n{part}{quoted}\n{quoted}").into(), 2),
    ]
}

#[test]
fn in_either_order_two_proxies_do_what_one_does() {
    for (input, messages) in inputs() {
        let shares = split();
        let expected = transformed(&[whole()], &input);
        assert_eq!(expected.1, messages);
        for [first, second] in [[0, 1], [1, 0]] {
            // Each proxy has both of its instances, and the message says which it is for.
            let (between, count) = transformed(&shares[first], &input);
            assert_eq!(count, messages);
            assert_ne!(between, input);
            // The same share again changes nothing.
            assert_eq!(transformed(&shares[first], &between), (between.clone(), 0));
            let (forwarded, count) = transformed(&shares[second], &between);
            assert_eq!((forwarded.as_slice(), count), (expected.0.as_slice(), messages));
            for share in &shares {
                assert_eq!(transformed(share, &forwarded), (forwarded.clone(), 0));
            }
        }
    }
}

#[test]
fn one_proxy_alone_forwards_to_nobody() {
    let Some(key) = draft("a3_forwardee_key.pgp") else { return };
    let charles = ForwardeeKey::read(&key).unwrap();
    let message = dearmor(MESSAGE.as_bytes()).unwrap();
    // The first packet: two octets of header, then 94.
    let pkesk = |message: &[u8]| message[2..96].to_vec();
    let shares = split();
    for share in &shares {
        let (between, _) = transformed(share, &message);
        let pkesk = pkesk(&between);
        let parsed = Pkesk::parse(&pkesk).unwrap();
        assert_eq!(parsed.recipient(), Recipient::KeyId(share[0].forwardee().key_id()));
        assert!(![whole().forwarder(), whole().forwardee()].contains(&share[0].forwardee()));
        // Not even where Charles tries it.
        assert!(matches!(charles.session_key(&parsed), Err(Error::Decryption)));
        let subkey = &charles.subkeys()[0];
        let mut readdressed = pkesk.clone();
        readdressed[1..9].copy_from_slice(subkey.public().fingerprint.key_id().as_bytes());
        assert!(matches!(charles.session_key(&Pkesk::parse(&readdressed).unwrap()), Err(Error::Decryption)));
    }
    let both = transformed(&shares[1], &transformed(&shares[0], &message).0).0;
    charles.session_key(&Pkesk::parse(&pkesk(&both)).unwrap()).unwrap();
}

#[test]
fn a_share_is_two_instances_with_one_factor() {
    let whole = whole();
    let [[first, second], [other_first, other_second]] = split();
    let factor = |instance: &Instance| instance.factor().held().unwrap().clone();
    for (one, other) in [(&first, &second), (&other_first, &other_second)] {
        assert!(bool::from(factor(one).ct_eq(&factor(other))));
    }
    let product = factor(&first).compose(&factor(&other_second));
    assert!(bool::from(product.ct_eq(whole.factor().held().unwrap())));
    // B -> M1 -> C, and B -> M2 -> C.
    assert_eq!((first.forwardee(), other_first.forwardee()), (other_second.forwarder(), second.forwarder()));
    for (first, second) in [(&first, &other_second), (&other_first, &second)] {
        assert_eq!((first.forwarder(), second.forwardee()), (whole.forwarder(), whole.forwardee()));
    }
    let names = [first.forwardee(), other_first.forwardee(), whole.forwarder(), whole.forwardee()];
    assert!(names.iter().enumerate().all(|(i, name)| !names[..i].contains(name)));
    // What else the instance says, each share says, also when it was written and read.
    for share in [first, second, other_first, other_second] {
        assert_eq!(
            (share.kdf(), share.not_before(), share.not_after()),
            (whole.kdf(), whole.not_before(), whole.not_after())
        );
        assert_eq!(
            share.check_time(UnixTime(1_900_000_000)),
            Err(NotValid::Expired { not_after: UnixTime(1_800_000_000) })
        );
        assert_eq!(Instance::from_json(share.expose_json().unwrap().as_bytes()).unwrap(), share);
        assert_eq!(Instance::from_bytes(&*share.expose_bytes().unwrap()).unwrap(), share);
    }
}

#[test]
fn the_ends_of_one_way_make_the_whole_again_and_no_others_do() {
    let [[first, end], [other_first, other_end]] = split();
    for (one, next) in [(&first, &other_end), (&other_first, &end)] {
        assert_eq!(one.compose(next).unwrap(), whole());
        assert!(matches!(next.compose(one), Err(Error::KeyMismatch(_))));
    }
    for (one, next) in [(&first, &end), (&first, &other_first), (&first, &split()[1][1])] {
        assert!(matches!(one.compose(next), Err(Error::KeyMismatch(_))));
    }
    let factor = end.factor().held().unwrap().clone();
    let another = Instance::new(first.forwardee(), end.forwardee(), None, factor);
    assert!(matches!(first.compose(&another), Err(Error::KeyMismatch(_))));
    // Valid when both are.
    let other_end = other_end.valid(Some(UnixTime(1_500_000_000)), Some(UnixTime(1_650_000_000)));
    let shorter = first.valid(None, Some(UnixTime(1_700_000_000))).compose(&other_end).unwrap();
    assert_eq!((shorter.not_before(), shorter.not_after()), (other_end.not_before(), other_end.not_after()));
}

#[test]
fn what_is_elsewhere_is_not_split() {
    #[derive(Debug)]
    struct Elsewhere;
    impl sealpost_pre::Backend for Elsewhere {
        fn x25519(&self, point: sealpost_pre::Point) -> Result<sealpost_pre::Point, sealpost_pre::BackendError> {
            Ok(point)
        }
    }
    let instance = Instance::new(whole().forwarder(), whole().forwardee(), None, Factor::from(Elsewhere));
    assert!(matches!(instance.split(&mut UnwrapErr(SysRng)), Err(Error::FactorElsewhere)));
}

/// The same octet again and again, another each time it is asked.
fn counting(mut octet: u8) -> Scripted<impl FnMut(&mut [u8])> {
    Scripted(move |to: &mut [u8]| {
        to.fill(octet);
        octet = octet.wrapping_add(1);
    })
}

/// 0 and what is not below the order is drawn again.
#[test]
fn what_is_drawn_and_is_no_factor_is_drawn_again() {
    for (start, expected) in [(0, 1), (1, 1), (0x10, 0x20), (0x1F, 0x20), (0xF0, 0)] {
        let [one, _] = whole().factor().held().unwrap().split(&mut counting(start));
        let top = one.expose_bytes()[31];
        if start == 0xF0 {
            // Past 255 it starts with 1 again.
            assert_eq!(one.expose_bytes()[0], 1);
        } else {
            assert_eq!((one.expose_bytes()[0], top), (expected, expected & 0x1F));
        }
    }
}
