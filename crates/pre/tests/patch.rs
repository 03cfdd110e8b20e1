//! Patches: small, for one message only, and the same as the transform.

#![cfg(test)]

use curve25519_dalek::MontgomeryPoint;
use proptest::{collection::vec, prelude::*, sample::Index};
use sealpost_pre::{
    Disposition, Error, Fingerprint, Instance, Limits, Outcome, Patch, Policy, ProxyFactor, Refusal, Transform,
    UnixTime,
};
use sealpost_testkit::{
    forms::{NOW, instances, patched},
    messages::{Armor, Framing, Transfer, armored, mail, packet, pkesk_v3, pkesk_v6, untransfer},
};

const ARMOR: Armor = Armor { line: 64, crlf: true, headers: vec![], blanks: 0, checksum: true };

fn forwarder(i: usize) -> Fingerprint {
    let fingerprints = [instances()[0].forwarder(), Fingerprint::from_bytes([1; 20])];
    fingerprints[i % 2]
}

/// Instances of two forwarders, in turn, to as many forwardees.
fn several(n: u8) -> Vec<Instance> {
    let instance = |i: u8| {
        let mut factor = [i + 1; 32];
        factor[31] = 1;
        let factor = ProxyFactor::from_bytes(&factor).unwrap();
        Instance::new(forwarder(i.into()), Fingerprint::from_bytes([i + 100; 20]), None, factor)
    };
    (0..n).map(instance).collect()
}

/// A session key for a forwarder, or for a hidden recipient.
fn pkesk(v6: bool, to: Option<Fingerprint>, ephemeral: u8) -> Vec<u8> {
    let point = [&[0x40], &MontgomeryPoint::mul_base_clamped([ephemeral; 32]).to_bytes()[..]].concat();
    let body = if v6 {
        pkesk_v6(to.map(|to| *to.as_bytes()), &point, &[7; 40])
    } else {
        pkesk_v3(to.map_or([0; 8], |to| *to.key_id().as_bytes()), &point, &[7; 40])
    };
    packet(1, &body, Framing::New(1))
}

fn message(v6: bool, ephemeral: u8) -> Vec<u8> {
    let data = packet(18, &vec![1; 20_000], Framing::Partial(12));
    [pkesk(v6, Some(forwarder(0)), ephemeral), data].concat()
}

fn transformed(instance: &[Instance], input: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    Transform::new(instance, NOW).stream(input, &mut output).unwrap();
    output
}

fn plan(first: &[u8]) -> Patch {
    Transform::new(&instances(), NOW).plan_each(first).unwrap().each.remove(0).patch
}

#[test]
fn a_patch_is_small_and_the_same_from_any_part_in_any_wrapping() {
    for (v6, octets) in [(false, 125), (true, 137)] {
        let binary = message(v6, 5);
        let text = armored(&binary, &ARMOR);
        let patch = plan(&binary);
        assert_eq!(patch.to_bytes().len(), octets);
        assert!([&binary[..200], &text[..400], &text].iter().all(|first| plan(first) == patch));
        for input in [&binary, &text] {
            assert_eq!(patched(&patch, input, &[77]).unwrap(), transformed(&instances(), input));
        }
        // With headers in front, encoded, between other parts.
        let encodings = [Transfer::Identity, Transfer::Base64(76), Transfer::QuotedPrintable(76, 0)];
        for encoding in encodings {
            let (input, bodies) = mail(&[(b"Hello\r\n".to_vec(), encoding), (text.clone(), encoding)]);
            let output = patched(&patch, &input, &[1000]).unwrap();
            assert_eq!(output, transformed(&instances(), &input), "{encoding:?}");
            assert_eq!(untransfer(&output[bodies[1].clone()], encoding), transformed(&instances(), &text));
        }
    }
}

#[test]
fn another_message_is_refused_before_anything_is_written() {
    let patch = plan(&message(false, 5));
    let (other, longer) = (message(false, 6), [pkesk(false, None, 9), message(false, 5)].concat());
    for other in [other, longer] {
        for input in [other.clone(), [b"Subject: x\r\n\r\n", &armored(&other, &ARMOR)[..]].concat()] {
            let mut written = Vec::new();
            let error = patch.stream(&input[..], &mut written).unwrap_err();
            assert!(matches!(error, Error::PatchMismatch("it is for another message")), "{error}");
            assert!(written.is_empty());
            assert!(matches!(patched(&patch, &input, &[100]), Err(Error::PatchMismatch(_))));
        }
    }
    for input in [&b"hello\n"[..], b"", b"Subject: x\r\n\r\nhello\r\n"] {
        let mut written = Vec::new();
        assert!(matches!(patch.stream(input, &mut written), Err(Error::NoMessage)));
        assert!(written.is_empty());
    }
}

#[test]
fn messages_that_were_not_planned_are_never_passed_over() {
    let [one, two] = [5, 6].map(|ephemeral| armored(&message(false, ephemeral), &ARMOR));
    let both = [&one[..], b"And:\r\n", &two].concat();
    let (first, all) = (plan(&both[..one.len()]), plan(&both));
    assert_eq!(patched(&all, &both, &[500]).unwrap(), transformed(&instances(), &both));
    for (patch, input, says) in [(&first, &both, "more messages"), (&all, &one, "fewer messages")] {
        let error = patched(patch, input, &[500]).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn each_instance_is_the_only_one() {
    let (instances, data) = (several(6), packet(18, &[1; 500], Framing::New(2)));
    let [bob, hidden] =
        [Some(forwarder(0)), None].map(|to| [pkesk(false, to, 5), pkesk(true, to, 6), data.clone()].concat());
    // The last one has expired.
    let mut instances: Vec<Instance> = instances;
    let expired = instances.pop().unwrap().valid(None, Some(UnixTime(1)));
    instances.push(expired);
    for message in [bob, hidden] {
        let input = armored(&message, &ARMOR);
        let patches = Transform::new(&instances, NOW).plan_each_from(&input[..]).unwrap();
        let mut useful = Vec::new();
        for (i, (planned, instance)) in patches.each.iter().zip(instances.chunks(1)).enumerate() {
            let mut alone = input.clone();
            let report = Transform::new(instance, NOW).in_place(&mut alone).unwrap();
            assert_eq!(patched(&planned.patch, &input, &[99]).unwrap(), alone);
            assert_eq!(planned.transformed(), report.transformed());
            useful.extend((report.transformed() > 0).then_some(i));
        }
        let combined = Outcome::Transformed { instances: useful };
        assert!(patches.report.pkesks().count() == 2 && patches.report.pkesks().all(|pkesk| pkesk.outcome == combined));
    }
}

#[test]
fn the_limit_of_products_holds_for_each_instance() {
    let instances = several(4);
    let mut limits = Limits::default();
    limits.products = 2;
    let transform = Transform::new(&instances, NOW).limits(limits);
    let message = [vec![pkesk(false, None, 5); 3].concat(), packet(18, &[1; 50], Framing::New(1))].concat();
    for planned in transform.plan_each(&message).unwrap().each {
        assert_eq!(planned.transformed(), 2);
        assert_eq!(planned.pkesks[2].outcome, Outcome::Refused(Refusal::ProductLimit));
    }
}

#[test]
fn what_the_policy_drops_is_in_the_patch() {
    let mut policy = Policy::default();
    (policy.others, policy.skesks) = (Disposition::Drop, Disposition::Drop);
    let instances = instances();
    let transform = Transform::new(&instances, NOW).policy(policy);
    let other = pkesk(false, Some(Fingerprint::from_bytes([9; 20])), 7);
    let skesk = packet(3, &[4, 9, 3, 8, 1, 2, 3, 4, 5, 6, 7, 8, 96], Framing::Old(2));
    // In front of what is transformed, between, and behind it.
    let around = [&other[..], &skesk].concat();
    let ours = |ephemeral| pkesk(false, Some(forwarder(0)), ephemeral);
    let data = packet(18, &[1; 500], Framing::New(2));
    let binary = [&around[..], &ours(5), &around, &ours(6), &around, &data].concat();
    let text = armored(&binary, &ARMOR);
    let in_mail = mail(&[(text.clone(), Transfer::Base64(76))]).0;
    for input in [binary, text, in_mail] {
        let mut expected = input.clone();
        transform.in_place(&mut expected).unwrap();
        let patches = transform.plan_each_from(&input[..]).unwrap();
        let [planned] = &patches.each[..] else { panic!("one instance") };
        let outcomes: Vec<_> = planned.pkesks.iter().map(|pkesk| pkesk.outcome.clone()).collect();
        let transformed = Outcome::Transformed { instances: vec![0] };
        let dropped = Outcome::Dropped;
        assert_eq!(outcomes, [dropped.clone(), transformed.clone(), dropped.clone(), transformed, dropped]);
        assert_eq!(patches.report.messages[0].skesks_dropped, 3);
        let patch = Patch::from_bytes(&planned.patch.to_bytes()).unwrap();
        assert_eq!(patched(&patch, &input, &[50]).unwrap(), expected);
        let splice = patch.splice(&input).unwrap();
        assert!(splice.pieces().iter().all(|piece| !piece.is_empty()));
    }
}

#[test]
fn only_session_keys_that_concern_an_instance_are_in_its_report() {
    let others = [pkesk(false, Some(Fingerprint::from_bytes([9; 20])), 7), vec![0xC1, 0]].concat();
    let message = [others, message(false, 5)].concat();
    let outcomes = |instances: &[Instance]| {
        let patches = Transform::new(instances, NOW).plan_each(&message).unwrap();
        let each: Vec<_> = patches.each.iter().map(|planned| planned.pkesks.len()).collect();
        (each, patches.report.pkesks().map(|pkesk| pkesk.outcome.clone()).collect::<Vec<_>>())
    };
    let malformed = Outcome::Refused(Refusal::Malformed);
    assert_eq!(outcomes(&[]), (vec![], vec![Outcome::Kept, malformed.clone(), Outcome::Kept]));
    let transformed = Outcome::Transformed { instances: vec![0, 2] };
    assert_eq!(outcomes(&several(3)), (vec![1, 0, 1], vec![Outcome::Kept, malformed, transformed]));
}

#[test]
fn an_input_has_no_more_session_keys_than_the_limit() {
    let instances = instances();
    let mut limits = Limits::default();
    limits.session_keys = 3;
    let transform = Transform::new(&instances, NOW).limits(limits);
    let text = armored(&message(false, 5), &ARMOR);
    let whole = |text: &[u8]| mail(&[(text.to_vec(), Transfer::Base64(76)), (b"Hello".to_vec(), Transfer::Identity)]).0;
    for input in [text.repeat(3), whole(&text.repeat(3))] {
        assert_eq!(transform.plan_each_from(&input[..]).unwrap().each[0].transformed(), 3);
    }
    for input in [text.repeat(4), whole(&text.repeat(4))] {
        assert!(matches!(transform.plan_each_from(&input[..]), Err(Error::Limit { limit: 3, .. })));
        assert!(matches!(transform.plan_each(&input), Err(Error::Limit { limit: 3, .. })));
        assert_eq!(transform.stream(&input[..], std::io::sink()).unwrap().transformed(), 4);
    }
}

#[test]
fn limits_make_no_other_patch_of_it() {
    let patch = plan(&message(false, 5));
    let mut limits = Limits::default();
    limits.session_keys = 3;
    assert_eq!(patch.clone().limits(limits), patch);
    assert_ne!(plan(&message(false, 6)), patch);
}

#[test]
fn a_plan_needs_the_head_and_no_more() {
    let (message, instances) = (message(false, 5), instances());
    let transform = Transform::new(&instances, NOW);
    let head = message.len() - packet(18, &vec![1; 20_000], Framing::Partial(12)).len() + 3;
    assert!(transform.plan_each(&message[..head]).is_ok());
    assert!(matches!(transform.plan_each(&message[..head - 1]), Err(Error::Incomplete { .. })));
    // A reader that fails behind the first 64 KiB.
    let long = [&message[..], &vec![0; 1 << 17]].concat();
    let fails = std::io::Read::chain(&long[..1 << 16], Broken);
    assert_eq!(transform.plan_each_from(fails).unwrap().each[0].patch, plan(&message));
    assert!(matches!(transform.plan_each_from(Broken), Err(Error::Read(_))));
}

struct Broken;

impl std::io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("broken"))
    }
}

proptest! {
    #[test]
    fn what_is_no_patch_is_refused(
        cut in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 0..3),
        nonsense in vec(any::<u8>(), 0..200),
    ) {
        let bytes = plan(&message(false, 5)).to_bytes();
        prop_assert!(Patch::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(Patch::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        let mut changed = bytes;
        for (at, octet) in changes {
            let at = at.index(changed.len());
            changed[at] = octet;
        }
        for bytes in [changed, [&b"SPFP\x01"[..], &nonsense].concat(), nonsense] {
            if let Ok(patch) = Patch::from_bytes(&bytes) {
                prop_assert_eq!(patch.to_bytes(), bytes);
            }
        }
    }
}

#[test]
fn replacements_are_in_order_and_inside_the_head() {
    let patch = |head: u64, edits: &[(u64, u64)]| {
        let count = u64::try_from(edits.len()).unwrap();
        let mut bytes = [&b"SPFP\x01"[..], &head.to_be_bytes(), &[9; 32], &count.to_be_bytes()].concat();
        for (offset, len) in edits {
            bytes.extend([offset.to_be_bytes(), len.to_be_bytes()].concat());
            bytes.extend(vec![7; usize::try_from((*len).min(100)).unwrap()]);
        }
        Patch::from_bytes(&bytes)
    };
    assert!(patch(50, &[(0, 10), (10, 20), (40, 10)]).is_ok());
    let wrong: [&[(u64, u64)]; 6] =
        [&[(0, 10), (9, 5)], &[(10, 5), (0, 5)], &[(40, 11)], &[(5, 0)], &[(u64::MAX, 2)], &[(0, u64::MAX)]];
    for edits in wrong {
        assert!(matches!(patch(50, edits), Err(Error::Patch(_))), "{edits:?}");
    }
    assert!(matches!(Patch::from_bytes(b"SPFP\x01"), Err(Error::Patch(_))));
    assert!(matches!(Patch::from_bytes(b"SPFP\x02"), Err(Error::Patch(_))));
}
