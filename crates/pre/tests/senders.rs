//! Messages of real senders, and points that no honest sender makes (`vectors/senders`).

#![cfg(test)]

use curve25519_dalek::{MontgomeryPoint, Scalar, constants::EIGHT_TORSION, edwards::EdwardsPoint};
use sealpost_pre::{
    Error, ForwardeeKey, Instance, Outcome, Pkesk, Point, PointPolicy, ProxyFactor, Refusal, Transform, UnixTime,
};
use sealpost_testkit::{draft, draft_hex, senders, unhex, unhex_array};

const NOW: UnixTime = UnixTime(1_700_000_000);

fn a3_instances() -> Option<[Instance; 1]> {
    let k = ProxyFactor::from_bytes(&draft_hex("a3_proxy_parameter_le.hex")?.try_into().unwrap()).unwrap();
    let forwarder = "8A5F35753833FF9919AD88161557E55093930510".parse().unwrap();
    let forwardee = "805249BE13F8FE08FD5DBCB2076ED69FDEDE0029".parse().unwrap();
    Some([Instance::new(forwarder, forwardee, None, k)])
}

#[test]
fn every_sender_s_message_is_forwarded_and_its_session_key_decrypted() {
    let (Some(senders), Some(instances)) = (senders(), a3_instances()) else { return };
    let forwardee = ForwardeeKey::read(&draft("a3_forwardee_key.pgp").unwrap()).unwrap();
    assert_eq!(senders.messages.len(), 6);
    for sender in senders.messages {
        let mut message = unhex(&sender.hex);
        let report = Transform::new(&instances, NOW).in_place(&mut message).unwrap();
        assert_eq!(message, unhex(&sender.forwarded_hex), "{}", sender.name);
        assert_eq!(report.transformed(), 1, "{}", sender.name);
        let others = report.pkesks().filter(|pkesk| pkesk.outcome == Outcome::Kept).count();
        assert_eq!(others, usize::from(sender.name == "named_mixed"), "{}", sender.name);
        // All of them have their PKESK first, behind a header of two octets.
        let pkesk = Pkesk::parse(&message[2..2 + usize::from(message[1])]).unwrap();
        let key = forwardee.session_key(&pkesk).unwrap();
        assert!(matches!(key.expose_bytes().len(), 16 | 24 | 32), "{}", sender.name);
        assert_eq!(key.algorithm().is_none(), pkesk.version() == 6, "{}", sender.name);
    }
}

#[test]
fn hostile_points_get_their_verdicts() {
    let Some(senders) = senders() else { return };
    let k = ProxyFactor::from_bytes(&unhex_array(&senders.points.k_le)).unwrap();
    assert_eq!(senders.points.list.len(), 11);
    for hostile in senders.points.list {
        let point = Point::from_bytes(unhex_array(&hostile.u));
        let [strict] = k.transform(&[point], PointPolicy::Strict)[..] else { panic!("one point") };
        let [draft] = k.transform(&[point], PointPolicy::Draft)[..] else { panic!("one point") };
        let wire = |point: Point| point.as_bytes().to_vec();
        match &hostile.cleared {
            Some(cleared) => assert_eq!(strict.map(wire), Ok(unhex(cleared)), "{}", hostile.why),
            None => assert!(strict.is_err(), "{}", hostile.why),
        }
        match &hostile.draft {
            Some(leaking) => assert_eq!(draft.map(wire), Ok(unhex(leaking)), "{}", hostile.why),
            None if hostile.verdict == "reject" => assert!(draft.is_err(), "{}", hostile.why),
            None => assert!(draft.is_ok(), "{}", hostile.why),
        }
    }
}

/// What a sender learns who adds each of the eight torsion points to an honest point `e·G`, and later sees
/// what a forwardee got: the factor modulo 8 up to its sign (u-coordinates have none), or nothing.
fn recovered(k: &ProxyFactor, policy: PointPolicy) -> Vec<u8> {
    let honest = EdwardsPoint::mul_base(&Scalar::from(0x5EA1_7057_u64));
    let send = |point: EdwardsPoint| k.transform(&[Point::from_bytes(point.to_montgomery().to_bytes())], policy)[0];
    let Some(to_edwards) = MontgomeryPoint(*send(honest).unwrap().as_bytes()).to_edwards(0) else { return vec![] };
    let answer = send(honest + EIGHT_TORSION[1]).unwrap();
    (0..8)
        .filter(|j| {
            let guess = to_edwards + EIGHT_TORSION[1] * Scalar::from(*j);
            guess.to_montgomery().to_bytes() == *answer.as_bytes()
        })
        .collect()
}

#[test]
fn the_factor_modulo_8_leaks_under_draft_and_not_under_strict() {
    for low in 1..=64_u8 {
        let mut bytes = [0x42; 32];
        (bytes[0], bytes[31]) = (low, 0x0B);
        let k = ProxyFactor::from_bytes(&bytes).unwrap();
        let found = recovered(&k, PointPolicy::Draft);
        let residue = low % 8;
        assert!(found.len() == 1 && (found[0] == residue || found[0] == (8 - residue) % 8), "k = {residue}: {found:?}");
        // Under Strict the answer is that to the honest point, whatever the factor: a guess of 0 tells nothing.
        assert_eq!(recovered(&k, PointPolicy::Strict), [0]);
    }
}

#[test]
fn a_hostile_point_in_a_message_is_refused_and_the_message_left_alone() {
    let (Some(senders), Some(instances)) = (senders(), a3_instances()) else { return };
    for hostile in senders.points.list.iter().filter(|hostile| hostile.cleared.is_none()) {
        let mut message = unhex(&senders.messages[0].hex);
        let at = message.windows(3).position(|octets| octets == [0x01, 0x07, 0x40]).unwrap() + 3;
        message[at..at + 32].copy_from_slice(&unhex(&hostile.u));
        let before = message.clone();
        let report = Transform::new(&instances, NOW).in_place(&mut message).unwrap();
        let outcome = &report.messages[0].pkesks[0].outcome;
        assert!(matches!(outcome, Outcome::Refused(Refusal::Point(_))), "{}: {outcome:?}", hostile.why);
        assert_eq!(message, before);
    }
}

#[test]
fn factors_out_of_range_are_refused() {
    let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    for bytes in [[0; 32], order.try_into().unwrap(), [0xFF; 32]] {
        assert!(matches!(ProxyFactor::from_bytes(&bytes), Err(Error::FactorOutOfRange)));
    }
}
