//! Plan, in place and streaming agree on messages in any framing, read in any pieces.

#![cfg(test)]

use curve25519_dalek::{MontgomeryPoint, Scalar};
use proptest::{collection::vec, option, prelude::*, sample::select};
use sealpost_pre::{Disposition, Error, Instance, Limits, Outcome, Policy, ProxyFactor, Refusal, Transform};
use sealpost_testkit::{
    forms::{NOW, agree, instances},
    messages::{Armor, Framing, Transfer, armored, dearmored, mail, packet, pkesk_v3, pkesk_v6, untransfer},
};

/// The key of [`instances`].
const FINGERPRINT: [u8; 20] = [
    0x8A, 0x5F, 0x35, 0x75, 0x38, 0x33, 0xFF, 0x99, 0x19, 0xAD, 0x88, 0x16, 0x15, 0x57, 0xE5, 0x50, 0x93, 0x93, 5, 0x10,
];
const KEY_ID: [u8; 8] = [0x15, 0x57, 0xE5, 0x50, 0x93, 0x93, 0x05, 0x10];

/// What stands in front of the encrypted data.
#[derive(Clone, Debug)]
enum Esk {
    /// For the forwarder, version 3 or 6, named or hidden.
    Ours {
        v6: bool,
        hidden: bool,
    },
    /// For another key.
    Other,
    /// For a hidden recipient on P-256.
    P256,
    /// For the forwarder, but not as it should be.
    Garbage(Vec<u8>),
    Skesk,
    Marker,
    Padding(usize),
}

fn esk() -> impl Strategy<Value = Esk> {
    prop_oneof![
        4 => any::<(bool, bool)>().prop_map(|(v6, hidden)| Esk::Ours { v6, hidden }),
        1 => Just(Esk::Other),
        1 => Just(Esk::P256),
        1 => vec(any::<u8>(), 0..40).prop_map(Esk::Garbage),
        1 => Just(Esk::Skesk),
        1 => Just(Esk::Marker),
        1 => (0..600_usize).prop_map(Esk::Padding),
    ]
}

fn framing() -> impl Strategy<Value = Framing> {
    select(vec![Framing::Old(1), Framing::Old(2), Framing::Old(4), Framing::New(1), Framing::New(2), Framing::New(5)])
}

/// An ephemeral point that an honest sender makes.
fn point() -> impl Strategy<Value = Vec<u8>> {
    any::<[u8; 32]>().prop_map(|e| {
        let point = MontgomeryPoint::mul_base_clamped(e).to_bytes();
        [&[0x40], &point[..]].concat()
    })
}

fn body(esk: &Esk, point: &[u8]) -> (u8, Vec<u8>) {
    let wrapped = [7; 40];
    match esk {
        Esk::Ours { v6: false, hidden } => (1, pkesk_v3(if *hidden { [0; 8] } else { KEY_ID }, point, &wrapped)),
        Esk::Ours { v6: true, hidden } => (1, pkesk_v6((!hidden).then_some(FINGERPRINT), point, &wrapped)),
        Esk::Other => (1, pkesk_v3([9; 8], point, &wrapped)),
        Esk::P256 => (1, pkesk_v3([0; 8], &[4; 65], &wrapped)),
        Esk::Garbage(octets) => (1, [&[3], &KEY_ID[..], octets].concat()),
        Esk::Skesk => (3, vec![4, 9, 3, 8, 1, 2, 3, 4, 5, 6, 7, 8, 96]),
        Esk::Marker => (10, b"PGP".to_vec()),
        Esk::Padding(len) => (21, vec![0xAA; *len]),
    }
}

#[derive(Clone, Debug)]
struct Sample {
    esks: Vec<(Esk, Framing, Vec<u8>)>,
    data: Vec<u8>,
    data_framing: Framing,
    armor: Option<Armor>,
    before: String,
    after: String,
    sizes: Vec<usize>,
}

impl Sample {
    fn binary(&self) -> Vec<u8> {
        let mut message = Vec::new();
        for (esk, framing, point) in &self.esks {
            let (tag, body) = body(esk, point);
            let framing = if tag > 15 { Framing::New(1) } else { *framing };
            message.extend(packet(tag, &body, framing));
        }
        let framing = match self.data_framing {
            // Tag 18 has no old format.
            Framing::Old(n) => Framing::New(n),
            framing => framing,
        };
        message.extend(packet(18, &[&[1], &self.data[..]].concat(), framing));
        message
    }

    fn input(&self) -> Vec<u8> {
        match &self.armor {
            None => self.binary(),
            Some(armor) => [self.before.as_bytes(), &armored(&self.binary(), armor), self.after.as_bytes()].concat(),
        }
    }
}

fn armor() -> impl Strategy<Value = Armor> {
    let headers = vec(select(vec!["Version: x".to_owned(), "Comment: a: b".to_owned()]), 0..3);
    (1..100_usize, any::<bool>(), headers, 0..3_usize, any::<bool>())
        .prop_map(|(line, crlf, headers, blanks, checksum)| Armor { line, crlf, headers, blanks, checksum })
}

fn sample() -> impl Strategy<Value = Sample> {
    let text = select(vec![
        "",
        "\n",
        "a\n",
        "Hello\n",
        "Subject: x\r\n\r\n> -----BEGIN PGP MESSAGE-----\r\n\r\n",
        "-----BEGIN PGP\n",
    ]);
    let data_framing = prop_oneof![3 => framing(), 1 => (9..12_u8).prop_map(Framing::Partial)];
    (
        vec((esk(), framing(), point()), 1..6),
        vec(any::<u8>(), 30..6000),
        data_framing,
        option::of(armor()),
        text.clone(),
        text,
        vec(1..200_usize, 1..4),
    )
        .prop_map(|(esks, data, data_framing, armor, before, after, sizes)| Sample {
            esks,
            data,
            data_framing,
            armor,
            before: before.into(),
            after: after.into(),
            sizes,
        })
}

fn transfer() -> impl Strategy<Value = Transfer> {
    prop_oneof![
        Just(Transfer::Identity),
        (1..100_usize).prop_map(Transfer::Base64),
        (4..100_usize, 0..9_usize).prop_map(|(line, every)| Transfer::QuotedPrintable(line, every)),
    ]
}

/// Where the octets of a message may differ after the transform: recipient and point of each packet of ours.
fn may_differ(sample: &Sample) -> Vec<bool> {
    let mut may = Vec::new();
    for (esk, framing, point) in &sample.esks {
        let (tag, body) = body(esk, point);
        let whole = packet(tag, &body, if tag > 15 { Framing::New(1) } else { *framing });
        let start = may.len() + whole.len() - body.len();
        may.resize(may.len() + whole.len(), false);
        if let Esk::Ours { v6, hidden } = esk {
            let (recipient, len) = if *v6 { (3, 20) } else { (1, 8) };
            if !hidden {
                may[start + recipient..start + recipient + len].fill(true);
            }
            let end = start + body.len() - 41;
            may[end - 32..end].fill(true);
        }
    }
    may.resize(sample.binary().len(), false);
    may
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn all_forms_agree_and_only_the_planned_octets_change(sample in sample()) {
        let instances = instances();
        let transform = Transform::new(&instances, NOW);
        let input = sample.input();
        let report = agree(&transform, &input, &sample.sizes).unwrap();
        let ours = sample.esks.iter().filter(|(esk, ..)| matches!(esk, Esk::Ours { .. })).count();
        prop_assert_eq!(report.transformed(), ours);

        let mut output = input.clone();
        transform.in_place(&mut output).unwrap();
        let (mut before, mut after) = (input, output);
        if sample.armor.is_some() {
            // Line ends, blanks, headers and the text around are where they were.
            let letter = |c: &u8| c.is_ascii_alphanumeric() || b"+/".contains(c);
            let frame = |text: &[u8]| text.iter().map(|c| if letter(c) { b'x' } else { *c }).collect::<Vec<_>>();
            prop_assert_eq!(frame(&before), frame(&after));
            let (octets, checksum) = dearmored(&after[sample.before.len()..]);
            prop_assert!(checksum, "the checksum is wrong");
            (before, after) = (dearmored(&before[sample.before.len()..]).0, octets);
        }
        prop_assert_eq!(before.len(), after.len());
        for (at, may) in may_differ(&sample).into_iter().enumerate() {
            prop_assert!(may || before[at] == after[at], "octet {} changed", at);
        }
    }

    #[test]
    fn parts_of_mails_are_transformed_in_any_encoding(
        samples in vec((sample(), armor(), transfer()), 1..4),
        damage in option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let instances = instances();
        let transform = Transform::new(&instances, NOW);
        let sizes = samples[0].0.sizes.clone();
        let parts: Vec<(Vec<u8>, Transfer)> = samples
            .into_iter()
            .map(|(sample, armor, transfer)| (Sample { armor: Some(armor), ..sample }.input(), transfer))
            .collect();
        let (mut input, bodies) = mail(&parts);
        let report = agree(&transform, &input, &sizes).unwrap();
        let mut output = input.clone();
        transform.in_place(&mut output).unwrap();
        let mut transformed = 0;
        for ((content, transfer), body) in parts.iter().zip(&bodies) {
            let mut expected = content.clone();
            transformed += transform.in_place(&mut expected).unwrap().transformed();
            prop_assert_eq!(&untransfer(&output[body.clone()], *transfer), &expected);
        }
        prop_assert_eq!(report.transformed(), transformed);
        // All around the parts is as it was.
        for body in &bodies {
            output[body.clone()].copy_from_slice(&input[body.clone()]);
        }
        prop_assert_eq!(&output, &input);
        if let Some((at, octet)) = damage {
            let at = at.index(input.len());
            input[at] = octet;
            drop(agree(&transform, &input, &sizes));
            drop(agree(&transform, &input[..at], &sizes));
        }
    }

    #[test]
    fn whatever_is_cut_off_or_changed_all_forms_agree(
        sample in sample(),
        cut in any::<prop::sample::Index>(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let instances = instances();
        let transform = Transform::new(&instances, NOW);
        let mut input = sample.input();
        for (at, octet) in changes {
            let at = at.index(input.len());
            input[at] = octet;
        }
        drop(agree(&transform, &input, &sample.sizes));
        let cut = cut.index(input.len() + 1);
        drop(agree(&transform, &input[..cut], &sample.sizes));
    }

    #[test]
    fn a_message_that_is_cut_off_is_never_accepted(sample in sample(), cut in any::<prop::sample::Index>()) {
        let instances = instances();
        let binary = Sample { armor: None, ..sample };
        let input = binary.input();
        let mut cut = input[..cut.index(input.len())].to_vec();
        prop_assert!(Transform::new(&instances, NOW).in_place(&mut cut).is_err());
    }

    #[test]
    fn nonsense_is_refused_without_a_panic(input in vec(any::<u8>(), 0..2000), sizes in vec(1..50_usize, 1..3)) {
        let instances = instances();
        drop(agree(&Transform::new(&instances, NOW), &input, &sizes));
    }

    #[test]
    fn factors_compose(k in any::<[u8; 32]>(), l in any::<[u8; 32]>(), point in point()) {
        let [k, l] = [k, l].map(|bytes| {
            let scalar = Scalar::from_bytes_mod_order(bytes) + Scalar::ONE;
            ProxyFactor::from_bytes(&scalar.to_bytes()).unwrap()
        });
        let point = sealpost_pre::Point::from_wire(&point).unwrap();
        for policy in [sealpost_pre::PointPolicy::Strict, sealpost_pre::PointPolicy::Draft] {
            let twice = l.transform(&[k.transform(&[point], policy)[0].unwrap()], policy)[0].unwrap();
            prop_assert_eq!(k.compose(&l).transform(&[point], policy)[0].unwrap(), twice);
            prop_assert_eq!(l.compose(&k).transform(&[point], policy)[0].unwrap(), twice);
        }
        // Strict and Draft give the same octets for every honest point.
        prop_assert_eq!(
            k.transform(&[point], sealpost_pre::PointPolicy::Strict),
            k.transform(&[point], sealpost_pre::PointPolicy::Draft)
        );
    }
}

fn ours(hidden: bool) -> Vec<u8> {
    let point = [&[0x40], &MontgomeryPoint::mul_base_clamped([5; 32]).to_bytes()[..]].concat();
    packet(1, &pkesk_v3(if hidden { [0; 8] } else { KEY_ID }, &point, &[7; 40]), Framing::Old(1))
}

fn seipd() -> Vec<u8> {
    packet(18, &[1; 100], Framing::New(1))
}

/// Instances of as many subkeys of a forwarder.
fn several(n: u8) -> Vec<Instance> {
    let instance = |i: u8| {
        let mut factor = [i + 1; 32];
        factor[31] = 1;
        let fingerprint = |octet: u8| sealpost_pre::Fingerprint::from_bytes([octet; 20]);
        Instance::new(fingerprint(i), fingerprint(i + 100), None, ProxyFactor::from_bytes(&factor).unwrap())
    };
    (0..n).map(instance).collect()
}

#[test]
fn a_hidden_recipient_gets_a_packet_for_each_instance() {
    let instances = several(3);
    let transform = Transform::new(&instances, NOW);
    let message = [ours(true), seipd()].concat();
    let plan = transform.plan(&message).unwrap();
    assert_eq!(plan.report.messages[0].pkesks[0].outcome, Outcome::Transformed { instances: vec![0, 1, 2] });
    let mut streamed = Vec::new();
    transform.stream(&message[..], &mut streamed).unwrap();
    assert_eq!(streamed.len(), message.len() + 2 * ours(true).len());
    assert!(streamed.ends_with(&seipd()));
    // In armor whole lines are inserted: the others stay as they were.
    for (crlf, line) in [(true, 64), (false, 76)] {
        let armor = Armor { line, crlf, headers: vec!["Comment: x".into()], blanks: 0, checksum: true };
        let text = armored(&message, &armor);
        let mut streamed_text = Vec::new();
        transform.stream(&text[..], &mut streamed_text).unwrap();
        let (octets, checksum) = dearmored(&streamed_text);
        assert!(checksum);
        // Behind the inserted packets there are Marker packets up to the next whole line.
        let inserted = octets.len() - message.len();
        assert_eq!(inserted % 48, 0);
        assert_eq!(octets[..2 * ours(true).len()], streamed[..2 * ours(true).len()]);
        assert_eq!(octets[inserted..], streamed[streamed.len() - message.len()..]);
    }
    // In place there is no room.
    let mut in_place = message.clone();
    let report = transform.in_place(&mut in_place).unwrap();
    assert_eq!(report.messages[0].pkesks[0].outcome, Outcome::Refused(Refusal::NoRoom));
    assert_eq!(in_place, message);
}

#[test]
fn limits_hold() {
    let instances = several(5);
    let mut limits = Limits::default();
    // Two times five, and one less than five.
    (limits.session_keys, limits.products) = (4, 14);
    let transform = Transform::new(&instances, NOW).limits(limits);
    let message = |n: usize| [vec![ours(true); n].concat(), seipd()].concat();
    let plan = transform.plan(&message(4)).unwrap();
    let refused = plan.report.pkesks().filter(|pkesk| pkesk.outcome == Outcome::Refused(Refusal::ProductLimit));
    assert_eq!((plan.report.transformed(), refused.count()), (2, 2));
    assert!(matches!(transform.plan(&message(5)), Err(Error::Limit { limit: 4, .. })));
    let padding = packet(21, &vec![0; 2 << 20], Framing::New(5));
    let error = transform.stream(&[padding, message(1)].concat()[..], std::io::sink()).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
}

#[test]
fn what_the_policy_drops_is_overwritten_with_markers() {
    let instances = instances();
    let mut policy = Policy::default();
    (policy.others, policy.skesks) = (Disposition::Drop, Disposition::Drop);
    let transform = Transform::new(&instances, NOW).policy(policy);
    let (skesk, other) = (body(&Esk::Skesk, &[]), body(&Esk::P256, &[]));
    let others = [packet(other.0, &other.1, Framing::New(1)), packet(skesk.0, &skesk.1, Framing::Old(2))].concat();
    let mut message = [others.clone(), ours(false), seipd()].concat();
    let report = transform.in_place(&mut message).unwrap();
    assert_eq!(report.messages[0].pkesks[0].outcome, Outcome::Dropped);
    let markers = &message[..others.len()];
    assert!(markers.windows(3).filter(|octets| octets == b"PGP").count() >= others.len() / 9);
    assert!(markers.chunks(5).next() == Some(b"\xCA\x03PGP") || markers.starts_with(b"\xA9\0\x03PGP"));
    // Nothing for us: nothing is dropped.
    let mut message = [others, seipd()].concat();
    let before = message.clone();
    transform.in_place(&mut message).unwrap();
    assert_eq!(message, before);
}

#[test]
fn blanks_behind_the_lines_of_armor_are_passed_over() {
    let (instances, binary) = (instances(), [ours(false), seipd()].concat());
    let long = [ours(false), packet(18, &vec![1; 20_000], Framing::Partial(10))].concat();
    for binary in [binary, long] {
        for blanks in [0, 31, 300] {
            let plain = armored(&binary, &Armor { line: 62, crlf: true, headers: vec![], blanks: 0, checksum: true });
            // The first line of armor may have a few only.
            let (first, rest) = plain.split_at(plain.iter().position(|c| *c == b'\n').unwrap() + 1);
            let rest = String::from_utf8_lossy(rest).replace('\r', &(" ".repeat(blanks) + "\r"));
            let text = [first, rest.as_bytes()].concat();
            let transform = Transform::new(&instances, NOW);
            let report = agree(&transform, &text, &[700, 64, 1]).unwrap();
            assert_eq!(report.transformed(), 1);
            let (mut plain, mut output) = (binary.clone(), text);
            transform.in_place(&mut plain).unwrap();
            transform.in_place(&mut output).unwrap();
            assert_eq!(dearmored(&output), (plain, true), "{blanks}");
        }
    }
}

#[test]
fn one_odd_pkesk_does_not_kill_the_mail() {
    let instances = instances();
    let odd = [body(&Esk::Garbage(vec![18, 1]), &[]).1, vec![9], vec![], vec![6, 40, 4]];
    for odd in odd {
        let mut message = [packet(1, &odd, Framing::New(1)), ours(false), seipd()].concat();
        let report = Transform::new(&instances, NOW).in_place(&mut message).unwrap();
        assert_eq!(report.transformed(), 1);
        assert_eq!(report.messages[0].pkesks[0].outcome, Outcome::Refused(Refusal::Malformed));
    }
}

#[test]
fn what_is_no_encrypted_message_is_refused_and_says_where() {
    let instances = instances();
    let transform = Transform::new(&instances, NOW);
    let refused = |tail: Vec<u8>| transform.in_place(&mut [ours(false), tail].concat()).unwrap_err().to_string();
    let at = ours(false).len();
    assert!(refused(packet(9, &[1; 100], Framing::Old(1))).contains(&format!("offset {at} (tag 9)")));
    assert!(refused(packet(11, &[1; 100], Framing::Old(1))).contains(&format!("tag 11 at offset {at}")));
    assert!(refused(packet(18, &[3; 100], Framing::New(1))).contains("unsupported version of the encrypted data: 3"));
    assert!(refused(packet(1, &[3; 600], Framing::Partial(9))).contains(&format!("packet length at offset {at}")));
    let trailing = [seipd(), vec![0xD2]].concat();
    assert!(refused(trailing).contains(&format!("offset {}", at + seipd().len())));
    assert!(refused(seipd()[..50].to_vec()).contains(&format!("offset {}", at + 50)));
}

#[test]
fn an_instance_is_used_only_in_its_time() {
    use sealpost_pre::{NotValid, UnixTime};
    let [instance] = instances();
    let instances = [instance.valid(Some(UnixTime(100)), Some(UnixTime(200)))];
    for (now, refusal) in [
        (99, Some(NotValid::NotYet { not_before: UnixTime(100) })),
        (100, None),
        (200, None),
        (201, Some(NotValid::Expired { not_after: UnixTime(200) })),
    ] {
        let mut message = [ours(false), seipd()].concat();
        let report = Transform::new(&instances, UnixTime(now)).in_place(&mut message).unwrap();
        let expected =
            refusal.map_or(Outcome::Transformed { instances: vec![0] }, |why| Outcome::Refused(Refusal::NotValid(why)));
        assert_eq!(report.messages[0].pkesks[0].outcome, expected, "at {now}");
    }
}

#[test]
fn a_damaged_message_in_one_part_does_not_stop_those_in_others() {
    let instances = instances();
    let transform = Transform::new(&instances, NOW);
    let armor = Armor { line: 64, crlf: true, headers: vec![], blanks: 0, checksum: true };
    let good = armored(&[ours(false), seipd()].concat(), &armor);
    // A quote that somebody cut short.
    let snipped = [&good[..good.len() / 2], b"\r\n[...]\r\n"].concat();
    let encodings = [Transfer::Identity, Transfer::Base64(76), Transfer::QuotedPrintable(76, 0)];
    for encoding in encodings {
        let (input, _) = mail(&[(snipped.clone(), encoding), (good.clone(), encoding)]);
        let report = agree(&transform, &input, &[100]).unwrap();
        assert_eq!((report.transformed(), report.skipped.len()), (1, 1), "{encoding:?}");
        let (alone, _) = mail(&[(snipped.clone(), encoding)]);
        assert!(agree(&transform, &alone, &[100]).unwrap_err().contains("malformed armor"), "{encoding:?}");
        // A mail that ends inside its only message is truncated.
        let (whole, bodies) = mail(&[(good.clone(), encoding)]);
        let cut = &whole[..bodies[0].end - 40];
        assert!(agree(&transform, cut, &[100]).unwrap_err().contains("truncated"), "{encoding:?}");
    }
}

#[test]
fn several_messages_in_one_mail_are_each_transformed_and_a_broken_one_is_left_alone() {
    let instances = instances();
    let armor = Armor { line: 64, crlf: true, headers: vec![], blanks: 0, checksum: true };
    let good = armored(&[ours(false), seipd()].concat(), &armor);
    let broken = b"-----BEGIN PGP MESSAGE-----\r\n\r\n!!!!\r\n-----END PGP MESSAGE-----\r\n".to_vec();
    let mail = [b"Subject: x\r\n\r\n".to_vec(), good.clone(), broken.clone(), b"And:\r\n".to_vec(), good].concat();
    let report = agree(&Transform::new(&instances, NOW), &mail, &[7]).unwrap();
    assert_eq!((report.transformed(), report.messages.len(), report.skipped.len()), (2, 2, 1));
    let alone = agree(&Transform::new(&instances, NOW), &broken, &[7]).unwrap_err();
    assert!(alone.contains("malformed armor at offset 31"), "{alone}");
}
