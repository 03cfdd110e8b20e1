mod support;

use std::io::Cursor;

use base64ct::{Base64, Encoding as _};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{change::Form as Written, *};
use crate::{
    ContentCipher, Enveloped, Recipient, RecipientKind,
    enveloped::tests::support::{Holder, Kind, open, seal},
    identifier::IdentifyBy,
    mime::base64::Decoder,
};
use support::*;

/// What is decided about a recipient, by numbers: of replacements which name and which key they get.
#[derive(Clone, Debug)]
enum Choice {
    Keep,
    Drop,
    Replace(Vec<(u8, u8)>),
}

fn choices() -> impl Strategy<Value = Choice> {
    prop_oneof![
        2 => Just(Choice::Keep),
        1 => Just(Choice::Drop),
        3 => vec((0..4_u8, 0..3_u8), 0..3).prop_map(Choice::Replace),
    ]
}

fn messages() -> impl Strategy<Value = Vec<u8>> {
    let kind = select(vec![Kind::Rsa, Kind::P256, Kind::P384, Kind::X25519]);
    let by = select(vec![IdentifyBy::IssuerAndSerial, IdentifyBy::SubjectKeyIdentifier]);
    let cipher = select(vec![ContentCipher::Aes256Cbc, ContentCipher::Aes128Gcm]);
    (vec((kind, by), 1..5), cipher, 0..2000_usize, any::<bool>(), vec(any::<u8>(), 0..30)).prop_map(
        |(recipients, cipher, len, shared, ber)| {
            let recipients: Vec<_> =
                recipients.into_iter().map(|(kind, by)| recipient(&Holder::new(kind), by)).collect();
            let message = seal(cipher, &recipients, &vec![b'x'; len]);
            let message = if shared { with_shared(&message) } else { message };
            to_any_ber(&message, &ber)
        },
    )
}

fn recipient(holder: &Holder, by: IdentifyBy) -> Recipient {
    Recipient::new(holder.credential.certificate().clone()).unwrap().identified_by(by).unwrap()
}

/// The recipients as they are to be, and what to decide for that.
#[derive(Default)]
struct Model {
    asked: Vec<ListedRecipient>,
    replaced: bool,
}

impl Model {
    fn decide(&mut self, about: &Addressed<'_>, choice: &Choice) -> Fate {
        self.asked.push(about.recipient.clone());
        match choice {
            Choice::Keep => Fate::Keep,
            Choice::Replace(with) if about.recipient.kind == RecipientKind::KeyAgreement => {
                let len = about.originator.unwrap().point.len();
                self.replaced |= !with.is_empty();
                Fate::Replace(with.iter().map(|(id, point)| replacement(*id, *point, len)).collect())
            }
            _ => Fate::Drop,
        }
    }
}

fn replacement(id: u8, point: u8, len: usize) -> Replacement {
    let id = match id {
        0 | 1 => CertificateIdentifier::SubjectKeyIdentifier(vec![id; usize::from(id) + 3]),
        _ => CertificateIdentifier::IssuerAndSerial { issuer: vec![0x30, 0], serial: vec![id; usize::from(id)] },
    };
    Replacement { id, point: vec![point; len] }
}

/// The recipients of each RecipientInfo that there should be.
fn expected(message: &[u8], choices: &[Choice]) -> Vec<Vec<(ListedRecipient, Option<Vec<u8>>)>> {
    let mut choices = choices.iter().cycle();
    let mut expected = Vec::new();
    for info in infos(message) {
        let (mut kept, mut groups) = (Vec::new(), Vec::<(u8, Vec<_>)>::new());
        for (recipient, point) in listed(&info) {
            match (choices.next().unwrap(), &point) {
                (Choice::Keep, _) => kept.push((recipient, point)),
                (Choice::Replace(with), Some(old)) => {
                    for (id, point) in with {
                        let Replacement { id, point: octets } = replacement(*id, *point, old.len());
                        let new = (ListedRecipient { id: Some(id), ..recipient.clone() }, Some(octets));
                        match groups.iter_mut().find(|(of, _)| of == point) {
                            Some((_, group)) => group.push(new),
                            None => groups.push((*point, vec![new])),
                        }
                    }
                }
                _ => {}
            }
        }
        expected.extend(std::iter::once(kept).chain(groups.into_iter().map(|(_, group)| group)));
    }
    expected.retain(|info| !info.is_empty());
    expected
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn only_recipients_become_others(message in messages(), form in forms(), choices in vec(choices(), 1..6)) {
        let mail = form.mail(&message);
        let mut model = Model::default();
        let mut next = choices.iter().cycle();
        let plan = Readdressing::plan(&mut Cursor::new(&mail), &Limits::default(), &mut |about| {
            assert_eq!(about.part, "");
            model.decide(about, next.next().unwrap())
        }).unwrap();
        prop_assert_eq!(&model.asked, &Enveloped::read(&message[..], &Limits::default()).unwrap().recipients);
        prop_assert_eq!(plan.changes(), model.replaced);
        prop_assert!(!plan.breaks_signature());
        let written = write(&plan, &mail);
        if !model.replaced {
            prop_assert!(written == mail);
            return Ok(());
        }
        let other = form.message(&written);
        let shown = Enveloped::read(&other[..], &Limits::default()).unwrap();
        let expected = expected(&message, &choices);
        let found: Vec<_> = infos(&other).iter().map(|info| listed(info)).collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(shown.recipients, expected.into_iter().flatten().map(|(listed, _)| listed).collect::<Vec<_>>());
        prop_assert_eq!(frame(&message), frame(&other));
        for key in keys(&other) {
            prop_assert!(keys(&message).contains(&key), "what a key is got by must stay");
        }
        prop_assert!(form.has_same_lines(&mail, &written));
    }

    #[test]
    fn a_text_stays_from_the_seam_on(message in messages(), form in forms(), id in 0..60_usize) {
        let mail = form.mail(&message);
        let mut agreed = false;
        let plan = Readdressing::plan(&mut Cursor::new(&mail), &Limits::default(), &mut |about| {
            if about.originator.is_none() || agreed {
                return Fate::Keep;
            }
            agreed = true;
            let id = CertificateIdentifier::SubjectKeyIdentifier(vec![7; id]);
            Fate::Replace(vec![Replacement { id, point: about.originator.unwrap().point.to_vec() }])
        }).unwrap();
        let Some(change) = plan.changes.first() else { return Ok(()) };
        let written = write(&plan, &mail);
        let other = form.message(&written);
        let delta = other.len().abs_diff(message.len());
        if form.binary {
            assert!(matches!(change.form, Written::Octets));
            return Ok(());
        }
        if delta.is_multiple_of(3) {
            let Written::Text { lines, .. } = change.form else { panic!("the text must stay") };
            let (start, end) = (usize::try_from(change.place.start).unwrap(), usize::try_from(change.place.end).unwrap());
            prop_assert!(written.ends_with(&mail[end..]));
            let characters = mail[start..end].iter().filter(|c| !c.is_ascii_whitespace()).count();
            let old = Head::read(&message[..], &Limits::default()).unwrap().len;
            prop_assert_eq!(u64::try_from(characters).unwrap(), old.div_ceil(3) * 4);
            // The same, written anew.
            let new = Head::read(&other[..], &Limits::default()).unwrap().len;
            let head = other[..usize::try_from(new).unwrap()].to_vec();
            let change = Change { place: form.body(&mail), head, form: Written::Whole { lines, old } };
            let plan = Readdressing { changes: vec![change], breaks_signature: false, len: plan.len };
            let again = write(&plan, &mail);
            prop_assert!(form.message(&again) == other);
            prop_assert!(form.has_same_lines(&mail, &again));
        } else {
            assert!(matches!(change.form, Written::Whole { .. }));
        }
    }
}

#[test]
fn another_certificate_of_the_same_key_opens_it() {
    for kind in [Kind::P256, Kind::P384, Kind::X25519] {
        let (holder, other) = (Holder::new(kind), Holder::new(kind));
        let renewed = other.of_key(&holder);
        let message = seal(ContentCipher::Aes256Gcm, &[recipient(&holder, IdentifyBy::IssuerAndSerial)], b"hello");
        assert!(open(&message, std::slice::from_ref(&renewed)).is_err());
        let form = Form::default();
        let mail = form.mail(&message);
        let plan = Readdressing::plan(&mut Cursor::new(&mail), &Limits::default(), &mut |about| {
            let originator = about.originator.unwrap();
            assert_eq!(originator.curve, Some(holder.credential.certificate().agreement_point().unwrap().0));
            let id = CertificateIdentifier::issuer_and_serial(renewed.certificate());
            Fate::Replace(vec![Replacement { id, point: originator.point.to_vec() }])
        });
        let other = form.message(&write(&plan.unwrap(), &mail));
        assert_eq!(open(&other, &[renewed]).unwrap().1, b"hello");
        assert!(open(&other, &[holder.credential]).is_err());
    }
}

/// Replaces all that can be, by names of another length.
fn replace_all(about: &Addressed<'_>) -> Fate {
    let id = CertificateIdentifier::SubjectKeyIdentifier(b"another".to_vec());
    let by = |originator: Originator<'_>| Replacement { id, point: originator.point.to_vec() };
    about.originator.map_or(Fate::Keep, |originator| Fate::Replace(vec![by(originator)]))
}

fn plan(mail: &[u8], limits: &Limits) -> Result<Readdressing> {
    Readdressing::plan(&mut Cursor::new(mail), limits, &mut replace_all)
}

fn for_one(kind: Kind) -> Vec<u8> {
    seal(ContentCipher::Aes256Cbc, &[recipient(&Holder::new(kind), IdentifyBy::IssuerAndSerial)], b"hello")
}

#[test]
fn there_is_a_limit_for_recipients_before_anyone_is_asked() {
    let limits = Limits { recipients: 10, ..Limits::default() };
    let message = for_one(Kind::P256);
    for binary in [false, true] {
        let form = Form { binary, ..Form::default() };
        for (count, fits) in [(10, true), (12, false), (10_000, false)] {
            let halves = with_many_infos(&with_many_keys(&message, count / 2), 2);
            for many in [with_many_keys(&message, count), with_many_infos(&message, count), halves] {
                let mut asked = 0;
                let planned = Readdressing::plan(&mut Cursor::new(form.mail(&many)), &limits, &mut |about| {
                    asked += 1;
                    replace_all(about)
                });
                match planned {
                    Ok(plan) => assert!(fits && plan.changes() && asked == count),
                    Err(error) => {
                        assert!(matches!(error, Error::Limit { what: "recipients", limit: 10 }), "{error}");
                        assert!(!fits && asked == 0);
                    }
                }
            }
        }
    }
    let limits = Limits { structure: message.len() / 2, ..Limits::default() };
    let planned = plan(&Form::default().mail(&message), &limits);
    assert!(matches!(planned, Err(Error::Limit { what: "octets of a structure", .. })));
    // All messages of a mail together.
    let part = String::from_utf8(Form::default().mail(&message)).unwrap();
    let two = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{part}\r\n--b\r\n{part}\r\n--b--\r\n");
    let head = usize::try_from(Head::read(&message[..], &Limits::default()).unwrap().len).unwrap();
    assert!(plan(two.as_bytes(), &Limits { structure: 2 * head, ..Limits::default() }).unwrap().changes());
    assert!(plan(two.as_bytes(), &Limits { structure: 2 * head - 40, ..Limits::default() }).is_err());
}

#[test]
fn a_head_that_ends_too_early_is_an_error() {
    let ber = to_any_ber(&for_one(Kind::P384), &[1, 2, 1, 7, 1, 6, 1]);
    for message in [for_one(Kind::P256), ber] {
        let head = usize::try_from(Head::read(&message[..], &Limits::default()).unwrap().len).unwrap();
        for binary in [false, true] {
            let form = Form { binary, ..Form::default() };
            for len in 0..head {
                let planned = plan(&form.mail(&message[..len]), &Limits::default());
                assert!(matches!(planned, Err(Error::Encoding { .. } | Error::Structure { .. })), "{len}");
            }
            // What is behind is not looked at.
            let mail = form.mail(&message[..head]);
            let written = form.message(&write(&plan(&mail, &Limits::default()).unwrap(), &mail));
            assert_eq!(infos(&[&written[..], &message[head..]].concat()).len(), 1);
        }
    }
}

proptest! {
    #[test]
    fn garbage_is_an_error_or_stays(message in messages(), damage in vec((any::<u16>(), any::<u8>()), 1..4), form in forms()) {
        let head = usize::try_from(Head::read(&message[..], &Limits::default()).unwrap().len).unwrap();
        let mut message = message;
        for (at, octet) in damage {
            message[usize::from(at) % head] = octet;
        }
        let mail = form.mail(&message);
        let Ok(plan) = plan(&mail, &Limits::default()) else { return Ok(()) };
        let written = form.message(&write(&plan, &mail));
        let (old, new) = [&message, &written].map(|message| Head::read(&message[..], &Limits::default()).ok()).into();
        prop_assert_eq!(old.is_some(), new.is_some());
        let Some((old, new)) = old.zip(new) else { return Ok(()) };
        let behind = |message: &[u8], head: &Head| message[usize::try_from(head.len).unwrap()..].to_vec();
        prop_assert_eq!(behind(&message, &old), behind(&written, &new));
    }
}

#[test]
fn a_malformed_recipient_is_asked_about_and_stays() {
    let message = for_one(Kind::P256);
    let whole = infos(&message).pop().unwrap();
    let without_keys = infos(&with_keys(&message, |_| Vec::new())).pop().unwrap();
    let odd = [&[0xA1, 2, 5, 0][..], &[0xA4, 0], &[0xA9, 0], &[5, 0], &[0x30, 0x80, 0, 0], &without_keys];
    for odd in odd {
        let message = with_infos(&message, &[odd, &whole, odd].concat());
        let mail = Form::default().mail(&message);
        let mut kinds = Vec::new();
        let plan = Readdressing::plan(&mut Cursor::new(&mail), &Limits::default(), &mut |about| {
            kinds.push(about.recipient.kind);
            replace_all(about)
        });
        assert_eq!(kinds, [RecipientKind::Other, RecipientKind::KeyAgreement, RecipientKind::Other]);
        let written = infos(&Form::default().message(&write(&plan.unwrap(), &mail)));
        assert!(written.len() == 3 && written[0] == odd && written[1] != whole && written[2] == odd);
    }
}

/// Only one with the tag of a KeyAgreeRecipientInfo (RFC 5652 §6.2) is one: else the mail would become readable, or another
/// one for readers who go by the tag.
#[test]
fn what_has_another_tag_is_no_agreement() {
    let message = for_one(Kind::P256);
    let whole = infos(&message).pop().unwrap();
    for tag in [0x30, 0x31, 0x61, 0xA0, 0xA2, 0xA3, 0xA4, 0xE1] {
        let mut other = whole.clone();
        other[0] = tag;
        let mail = Form::default().mail(&with_infos(&message, &[&*whole, &*other].concat()));
        let plan = plan(&mail, &Limits::default()).unwrap();
        let written = infos(&Form::default().message(&write(&plan, &mail)));
        assert!(written.len() == 2 && written[0] != whole && written[1] == other, "{tag:x}");
    }
}

/// What recipients share is there once for each new key.
#[test]
fn there_is_a_limit_for_what_is_made() {
    let mail = Form::default().mail(&with_material(&for_one(Kind::P256), 1000));
    let limits = Limits { structure: 4000, ..Limits::default() };
    for (count, fits) in [(1, true), (3, true), (4, false), (255, false)] {
        let planned = Readdressing::plan(&mut Cursor::new(&mail), &limits, &mut |_| {
            Fate::Replace((0..count).map(|point| replacement(0, point, 65)).collect())
        });
        match planned {
            Ok(plan) => assert!(fits && plan.changes(), "{count}"),
            Err(error) => {
                assert!(matches!(error, Error::Limit { what: "octets of a structure", limit: 4000 }), "{error}");
                assert!(!fits, "{count}");
            }
        }
    }
}

/// A blank at the seam ends no line.
#[test]
fn lines_with_blanks_in_them_become_no_longer() {
    let message = for_one(Kind::P256);
    let flat = Base64::encode_string(&message);
    let pieces: Vec<_> = flat.as_bytes().chunks(4).map(|four| str::from_utf8(four).unwrap()).collect();
    let lines: Vec<_> = pieces.chunks(15).map(|line| line.join(" ")).collect();
    let header = "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let mail = format!("{header}{}\r\n", lines.join("\r\n"));
    let plan = Readdressing::plan(&mut Cursor::new(&mail), &Limits::default(), &mut |about| {
        let (id, point) = (about.recipient.id.clone().unwrap(), about.originator.unwrap().point.to_vec());
        Fate::Replace(vec![Replacement { id, point }])
    });
    let plan = plan.unwrap();
    assert!(matches!(plan.changes[0].form, Written::Text { .. }));
    let written = String::from_utf8(write(&plan, mail.as_bytes())).unwrap();
    assert!(written.lines().all(|line| line.len() <= 76), "{written}");
    let mut decoded = Vec::new();
    Decoder::new(&written.as_bytes()[header.len()..]).read_to_end(&mut decoded).unwrap();
    assert!(decoded == message);
}

#[test]
fn a_malformed_key_stays_with_the_original_key_of_the_originator() {
    let message = for_one(Kind::P256);
    let message = with_keys(&message, |keys| [&[0x30, 2, 5, 0], keys, &[0x30, 0]].concat());
    let mail = Form::default().mail(&message);
    let mut kinds = Vec::new();
    let plan = Readdressing::plan(&mut Cursor::new(&mail), &Limits::default(), &mut |about| {
        kinds.push(about.recipient.kind);
        if about.recipient.kind == RecipientKind::Other { Fate::Keep } else { replace_all(about) }
    });
    assert_eq!(kinds, [RecipientKind::Other, RecipientKind::KeyAgreement, RecipientKind::Other]);
    let written = Form::default().message(&write(&plan.unwrap(), &mail));
    let stayed = infos(&with_keys(&message, |_| vec![0x30, 2, 5, 0, 0x30, 0]));
    assert_eq!(infos(&written)[0], stayed[0]);
    assert_eq!(infos(&written).len(), 2);
}

#[test]
fn what_can_t_be_replaced_is_an_error() {
    let replace = |message: &[u8], point: &[u8]| {
        let point = point.to_vec();
        let mail = Form::default().mail(message);
        let plan = Readdressing::plan(&mut Cursor::new(mail), &Limits::default(), &mut |_| {
            let id = CertificateIdentifier::SubjectKeyIdentifier(vec![1]);
            Fate::Replace(vec![Replacement { id, point: point.clone() }])
        });
        plan.map(drop).unwrap_err()
    };
    assert!(matches!(replace(&for_one(Kind::Rsa), &[4; 65]), Error::NotThis { .. }));
    for len in [0, 33, 64, 66] {
        let error = replace(&for_one(Kind::P256), &vec![4; len]);
        assert!(error.to_string().contains("not as long as"), "{error}");
    }
    // The originator by its key identifier (RFC 5652 §6.2.2).
    let message = with_originator(&for_one(Kind::P256), &[0x80, 1, 1]);
    assert!(replace(&message, &[4; 65]).to_string().contains("does not have the originator's key"));
}

#[test]
fn the_curve_is_the_named_one_or_that_of_the_length() {
    let named = |oid: &[u8]| [&[0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1], oid].concat();
    let p256: &[u8] = &[0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
    let p384: &[u8] = &[0x06, 5, 0x2B, 0x81, 4, 0, 34];
    let p521: &[u8] = &[0x06, 5, 0x2B, 0x81, 4, 0, 35];
    let x25519: &[u8] = &[0x06, 3, 0x2B, 0x65, 0x6E];
    for (algorithm, len, curve) in [
        (named(&[]), 65, Some(Curve::P256)),
        (named(&[]), 33, Some(Curve::P256)),
        (named(&[5, 0]), 97, Some(Curve::P384)),
        (named(&[5, 0]), 49, Some(Curve::P384)),
        (named(&[]), 133, None),
        (named(&[]), 32, None),
        (named(p256), 97, Some(Curve::P256)),
        (named(p384), 65, Some(Curve::P384)),
        (named(p521), 65, None),
        (x25519.to_vec(), 32, Some(Curve::X25519)),
        (x25519.to_vec(), 65, Some(Curve::X25519)),
        (p521.to_vec(), 65, None),
    ] {
        let message = with_originator(&for_one(Kind::P256), &originator_key(&algorithm, &vec![4; len]));
        let mut found = None;
        let mail = Form::default().mail(&message);
        let plan = Readdressing::plan(&mut Cursor::new(&mail), &Limits::default(), &mut |about| {
            let originator = about.originator.unwrap();
            found = Some((originator.curve, originator.point.len()));
            replace_all(about)
        });
        assert_eq!(found, Some((curve, len)), "{algorithm:?}");
        let written = Form::default().message(&write(&plan.unwrap(), &mail));
        assert_eq!(keys(&written), keys(&message));
    }
}

#[test]
fn parts_are_readdressed_where_they_are() {
    let message = for_one(Kind::X25519);
    let part = |encoding: &str, body: &str| {
        format!("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}")
    };
    let encrypted = String::from_utf8(Form::default().mail(&message)).unwrap();
    // ContentInfo of SignedData, whatever smime-type says.
    let other = part("base64", "MA8GCSqGSIb3DQEHAqACMAA=").replace("-mime", "-mime; smime-type=enveloped-data");
    let mixed = format!(
        "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n{other}\r\n--m\r\n\
         Content-Type: message/rfc822\r\n\r\n{encrypted}\r\n--m\r\n\r\ntext\r\n--m--\r\n"
    );
    let signed = format!(
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=s\r\n\r\n--s\r\n{mixed}\r\n\
         --s\r\nContent-Type: application/pkcs7-signature\r\n\r\nMAA=\r\n--s--\r\n"
    );
    for (mail, path, breaks) in [(&encrypted, "", false), (&mixed, "2.1", false), (&signed, "1.2.1", true)] {
        let mut parts = Vec::new();
        let plan = Readdressing::plan(&mut Cursor::new(mail), &Limits::default(), &mut |about| {
            parts.push(about.part.to_owned());
            replace_all(about)
        });
        let plan = plan.unwrap();
        assert_eq!(parts, [path]);
        assert_eq!(plan.breaks_signature(), breaks);
        let written = String::from_utf8(write(&plan, mail.as_bytes())).unwrap();
        let (before, behind) = mail.split_once(&encrypted).unwrap();
        let inner = written.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind)).unwrap();
        let inner = Form::default().message(inner.as_bytes());
        assert_eq!((frame(&inner), keys(&inner)), (frame(&message), keys(&message)));
        assert!(infos(&inner) != infos(&message));
        let kept = Readdressing::plan(&mut Cursor::new(mail), &Limits::default(), &mut |_| Fate::Drop).unwrap();
        assert!(!kept.changes() && !kept.breaks_signature());
    }
    let quoted = part("quoted-printable", "0=80=06=09*=86H=86=F7=0D=01=07=03=A0=800=80=02=01=001=80=00=00");
    let error = plan(quoted.as_bytes(), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("neither in base64"), "{error}");
    for other in ["text/plain", "application/octet-stream; name=invoice.xml.p7m"] {
        let other = format!("Content-Type: {other}\r\n\r\nhello");
        assert!(!plan(other.as_bytes(), &Limits::default()).unwrap().changes());
    }
    assert!(plan(b"Content-Type: application/pkcs7-mime\r\n\r\nhello", &Limits::default()).is_err());
}
