use alloc::string::ToString;

use mail_parser::{Message, MessageParser, MimeHeaders as _, PartType};
use proptest::{collection, prelude::*};

use super::*;
use crate::Address;

fn header() -> FieldWriter {
    let from: Address = "MAILER-DAEMON@mail.example.org".parse().unwrap();
    let mut header = FieldWriter::new();
    header.mailbox("From", "Mail Delivery System", &from).unwrap();
    header.unstructured("Subject", "Undelivered Mail Returned to Sender").unwrap();
    header
}

fn parsed(octets: &[u8]) -> Message<'_> {
    MessageParser::default().parse(octets).unwrap()
}

/// The body of the `index`th part as it travels.
fn raw<'a>(mail: &Message<'a>, octets: &'a [u8], index: usize) -> &'a [u8] {
    let part = mail.part(u32::try_from(index).unwrap()).unwrap();
    &octets[usize::try_from(part.offset_body).unwrap()..usize::try_from(part.offset_end).unwrap()]
}

#[test]
fn a_report_is_written_so() {
    let machine = Machine::new("message/delivery-status", b"Reporting-MTA: dns; mail.example.org\n");
    let report = Report::new("delivery-status", header(), "Grüße\n", machine).in_language("de");
    let returned = b"Subject: x\r\n\r\n--=_a1_00000000\r\n";
    let composed = report.returning(Returned::Mail(returned)).compose("a1").unwrap();
    assert!(!composed.eight_bit && !composed.utf8);
    let expected = "From: Mail Delivery System <MAILER-DAEMON@mail.example.org>
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary=\"=_a1_00000001\"
Content-Transfer-Encoding: 7bit

--=_a1_00000001
Content-Type: text/plain; charset=utf-8
Content-Language: de
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe

--=_a1_00000001
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

--=_a1_00000001
Content-Type: message/rfc822

Subject: x

--=_a1_00000000

--=_a1_00000001--
";
    assert_eq!(String::from_utf8(composed.octets).unwrap(), expected.replace('\n', "\r\n"));
}

#[test]
fn binary_octets_travel_as_a_file() {
    let octets = [0x1f, 0x8b, 0, 255, b'\n', b'\r'];
    let machine = Machine::new("application/tlsrpt+gzip", &octets).named("a!b!1!2.json.gz");
    let composed = Report::new("tlsrpt", header(), "text", machine).compose("x").unwrap();
    let mail = parsed(&composed.octets);
    assert_eq!(mail.attachment(0).unwrap().contents(), octets);
    assert_eq!(mail.attachment(0).unwrap().attachment_name(), Some("a!b!1!2.json.gz"));
    assert_eq!(mail.content_type().unwrap().attribute("report-type"), Some("tlsrpt"));
    assert!(!composed.eight_bit);
}

#[test]
fn what_is_eight_bit_says_so() {
    let plain = Machine::new("message/delivery-status", b"Status: 5.7.10\r\n");
    let global = Machine::new("message/global-delivery-status", "Final-Recipient: utf-8; jürgen@x\r\n".as_bytes());
    let mail = "Subject: ä\r\n\r\nbody\r\n".as_bytes();
    let of = |machine, returned| {
        let composed = Report::new("delivery-status", header(), "t", machine).returning(returned).compose("x").unwrap();
        let text = String::from_utf8(composed.octets).unwrap();
        let types = text.split("Content-Type: ").skip(2).map(|rest| rest.lines().next().unwrap().to_string());
        (
            composed.eight_bit,
            composed.utf8,
            types.last().unwrap(),
            text.contains("\r\nContent-Transfer-Encoding: 8bit\r\n"),
        )
    };
    let expected = |eight_bit, utf8, last: &str| (eight_bit, utf8, last.to_string(), eight_bit);
    assert_eq!(of(plain, Returned::Mail(mail)), expected(true, false, "message/rfc822"));
    assert_eq!(of(global, Returned::Mail(mail)), expected(true, true, "message/global"));
    assert_eq!(of(plain, Returned::Header(mail)), expected(false, false, "text/rfc822-headers"));
    assert_eq!(of(global, Returned::Header(mail)), expected(true, true, "message/global-headers"));
    assert_eq!(of(global, Returned::Header(b"Subject: \xe4\r\n\r\n")).2, "text/rfc822-headers");
}

#[test]
fn what_cannot_be_carried_is_refused() {
    let machine = Machine::new("message/delivery-status", b"a: b\r\n");
    let report = || Report::new("delivery-status", header(), "text", machine);
    let long = [&b"a: b\r\n\r\n"[..], &[b'x'; 999]].concat();
    for mail in [&b"a: b\r\n\r\nx\0"[..], b"a: b\r\n\r\nx\ry", &long] {
        assert!(report().returning(Returned::Mail(mail)).compose("x").is_err());
        assert!(report().returning(Returned::Header(mail)).compose("x").is_ok());
    }
    for (kind, language) in [("a;b", "de"), ("", "de"), ("tlsrpt", "d e"), ("tlsrpt\r\nX: y", "de")] {
        assert!(Report::new(kind, header(), "", machine).in_language(language).compose("x").is_err());
    }
    for machine in [
        Machine::new("text", b""),
        Machine::new("text/plain; x=y", b""),
        Machine::new("message/delivery-status", b"a: b\rc\r\n"),
        machine.named("a\"b"),
        machine.named("a\r\nb"),
        machine.named(".\\b"),
    ] {
        assert!(Report::new("tlsrpt", header(), "", machine).compose("x").is_err());
    }
    let mut header = header();
    header.structured("Content-Type", "text/plain").unwrap();
    assert!(Report::new("tlsrpt", header, "", machine).compose("x").is_err());
}

proptest! {
    /// Three parts are read, each as it was given, whatever stands in them; the mail is fit for its transport.
    #[test]
    fn parts_are_read_as_they_were_given(
        text in "([ -~]{0,20}|ä|\n|\r\n|x{80}|--=_s_0000000[0-3]--|\r\n--|\\.){0,12}",
        octets in collection::vec(any::<u8>(), 0..200),
        mail in "A: b\r\n(C: ä\r\n)?\r\n(--=_s_0000000[0-3]|--|\r\n|ä|text){0,12}",
        seed in "s|[ -~]{0,60}",
        headers_only in any::<bool>(),
    ) {
        let machine = Machine::new("application/tlsrpt+gzip", &octets);
        let returned = if headers_only { Returned::Header(mail.as_bytes()) } else { Returned::Mail(mail.as_bytes()) };
        let report = Report::new("tlsrpt", header(), &text, machine).returning(returned);
        let composed = report.compose(&seed).unwrap();
        prop_assert_eq!(&composed.octets, &report.compose(&seed).unwrap().octets);
        prop_assert!(Lines::of(&composed.octets).is_eight_bit());
        prop_assert_eq!(composed.eight_bit, !composed.octets.is_ascii());

        let read = parsed(&composed.octets);
        prop_assert_eq!(read.parts.len(), 4);
        let PartType::Text(human) = &read.parts[1].body else { panic!("no text") };
        prop_assert_eq!(human.as_bytes(), &*canonical(text.as_bytes()));
        prop_assert_eq!(read.parts[2].contents(), &octets);
        if headers_only {
            let head = mail.split_at(mail.find("\r\n\r\n").unwrap() + 2).0;
            prop_assert_eq!(read.parts[3].contents(), head.as_bytes());
        } else {
            prop_assert_eq!(raw(&read, &composed.octets, 3), mail.as_bytes());
        }
    }

    /// A boundary is found in one look, however many are taken.
    #[test]
    fn boundaries_that_are_taken_are_passed_over(taken in collection::vec(0_u32..40, 0..60)) {
        let text: Vec<_> = taken.iter().map(|number| format!("--=_s_{number:08x}")).collect();
        let text = text.join("\r\n");
        let part = Part::plain(FieldWriter::new(), Cow::Borrowed(text.as_bytes())).unwrap();
        let found = boundary("s", &[part]).unwrap();
        let free = (0..100).find(|number| !taken.contains(number)).unwrap();
        prop_assert_eq!(found, format!("=_s_{free:08x}"));
    }
}
