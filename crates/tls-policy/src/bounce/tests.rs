use std::{fs, net::IpAddr};

use mail_parser::{Message, MessageParser};
use proptest::{collection, prelude::*};
use sealpost_mail::Field;
use sealpost_time::Span;

use super::*;
use crate::{
    Attempt, Guarantee, Status, Verdict, conclude,
    facts::{Addresses, Channel, DestinationFacts, Dnssec, HostFacts, Mx, NextHop, SessionFacts, StsState, Tlsa},
    judge,
    message::{DestinationPolicy, Level, Message as Mail},
    plan, requirements,
};

const NOW: Time = Time::from_unix(1_795_318_478);
const CAUSE: &str = "TLS is required, but was not offered by host";
const TEXT: &str = "TLS is required, but was not offered by host mx.plain.example[127.0.0.3]";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// What the engine says about a mail with `message`'s facts to a host that offers no TLS.
fn stopped_by(mail: Mail, guarantee: Guarantee, compliance: Option<Level>, channel: Channel) -> Verdict {
    let ip: IpAddr = [127, 0, 0, 3].into();
    let host = HostFacts {
        name: "mx.plain.example".parse().unwrap(),
        preference: 10,
        port: 25,
        addresses: Addresses::Found(vec![ip]),
        tlsa: Tlsa::Absent,
    };
    let facts = DestinationFacts {
        next_hop: NextHop::Domain("plain.example".parse().unwrap()),
        expanded: None,
        mx: Mx::Hosts { dnssec: Dnssec::Insecure, hosts: vec![host] },
        sts: StsState::Absent,
    };
    let wants = requirements(&mail, guarantee, &DestinationPolicy { compliance, rule: None }, NOW);
    let plan = plan(&wants, &facts);
    let session = SessionFacts { address: Some(ip), channel, requiretls: false };
    let tried: Vec<_> = plan.hosts().map(|host| judge(&host, &session)).collect();
    conclude(&plan, &tried, None, Attempt::default())
}

fn guaranteed() -> Verdict {
    stopped_by(Mail::default(), Guarantee::On, None, Channel::NotOffered)
}

fn stopped<'a>(mail: &'a [u8], sender: &'a Address) -> Stopped<'a> {
    Stopped { mail, sender: Some(sender), queue_id: "89735681", arrival: NOW, envelope_id: None, ret: None }
}

fn reporter() -> Reporter {
    Reporter::new("sender.example".parse().unwrap())
}

fn written(reporter: &Reporter, stopped: &Stopped<'_>, failed: &[Failed<'_>]) -> Composed {
    match reporter.bounce(stopped, failed, NOW).unwrap() {
        Outcome::Mail(notice) => notice.mail,
        Outcome::None(why) => panic!("{why:?}"),
    }
}

fn parsed(octets: &[u8]) -> Message<'_> {
    MessageParser::default().parse(octets).unwrap()
}

/// The groups of fields of the part for programs, unfolded.
fn groups(mail: &Message<'_>) -> Vec<Vec<(String, String)>> {
    let text = String::from_utf8_lossy(mail.parts[2].contents()).replace("\r\n", "\n");
    let text = text.trim_end().to_owned() + "\n";
    let read = |field: Field<'_>| {
        let value = String::from_utf8(field.uncommented()).unwrap();
        (String::from_utf8(field.name.to_vec()).unwrap(), value)
    };
    text.split("\n\n").map(|group| Fields::of(group.as_bytes()).map(read).collect()).collect()
}

fn value<'a>(group: &'a [(String, String)], name: &str) -> Option<&'a str> {
    group.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// The part for people, with lines that end as they do here.
fn human(mail: &Message<'_>) -> String {
    String::from_utf8(mail.parts[1].contents().to_vec()).unwrap().replace("\r\n", "\n")
}

#[test]
fn it_says_what_the_bounce_of_postfix_says() {
    let Some(folder) = sealpost_testkit::vectors() else { return };
    let theirs = fs::read(folder.join("tls/own/postfix-3.7-guarantee-bounce.eml")).unwrap();
    let theirs = parsed(&theirs);
    let (sender, recipient) = (address("u@sender.example"), address("g@plain.example"));
    let (verdict, original) = (guaranteed(), OriginalRecipient::read("rfc822;g@plain.example").unwrap());
    let failed = Failed::of(&recipient, &verdict).unwrap().originally(&original);
    let mail = b"From: u@sender.example\r\nSubject: test\r\n\r\nx\r\n";
    let composed = written(&reporter(), &stopped(mail, &sender), &[failed]);
    let ours = parsed(&composed.octets);

    assert_eq!((ours.subject(), ours.subject()), (theirs.subject(), Some(SUBJECT)));
    assert_eq!((ours.from(), ours.to()), (theirs.from(), theirs.to()));
    assert_eq!(ours.header_raw("Auto-Submitted").map(str::trim), theirs.header_raw("Auto-Submitted").map(str::trim));
    assert_eq!(ours.parts.len(), theirs.parts.len());
    let named = |mail: &Message<'_>| {
        let names =
            |group: Vec<(String, String)>| group.into_iter().map(|(name, _)| name.replace("Postfix", "Sealpost"));
        groups(mail)
            .into_iter()
            .map(|group| {
                let mut names: Vec<_> = names(group).collect();
                names.sort();
                names
            })
            .collect()
    };
    let (mut our_names, their_names): (Vec<Vec<String>>, Vec<Vec<String>>) = (named(&ours), named(&theirs));
    // Theirs left it out, although the host spoke.
    our_names[1].retain(|name| name != "Remote-MTA");
    assert_eq!(our_names, their_names);
    let (our_groups, their_groups) = (groups(&ours), groups(&theirs));
    for name in ["Reporting-MTA", "Final-Recipient", "Action"] {
        let of = |groups: &[Vec<(String, String)>]| {
            groups.iter().find_map(|group| value(group, name).map(ToOwned::to_owned))
        };
        assert_eq!(of(&our_groups), of(&their_groups), "{name}");
    }
    assert_eq!(value(&our_groups[1], "Original-Recipient"), Some("rfc822; g@plain.example"));
    assert_eq!(value(&our_groups[1], "Remote-MTA"), Some("dns; mx.plain.example"));
    // The code that RFC 8689 §4.2.1 has for it.
    assert_eq!((value(&our_groups[1], "Status"), value(&their_groups[1], "Status")), (Some("5.7.10"), Some("5.7.4")));
    let cause =
        |groups: &[Vec<(String, String)>]| value(&groups[1], "Diagnostic-Code").unwrap().replace("Postfix", "Sealpost");
    assert_eq!(cause(&our_groups), cause(&their_groups));
    assert_eq!(cause(&our_groups), format!("X-Sealpost; {TEXT}"));
    for mail in [&ours, &theirs] {
        assert!(human(mail).contains(&format!("\n<g@plain.example>: {CAUSE}")));
    }
}

#[test]
fn nobody_is_told_who_cannot_be_or_does_not_want_to() {
    let (sender, recipient) = (address("u@sender.example"), address("g@plain.example"));
    let verdict = guaranteed();
    let failed = |notify| Failed::of(&recipient, &verdict).unwrap().notified(notify);
    let why = |stopped: &Stopped<'_>, failed: &[Failed<'_>]| match reporter().bounce(stopped, failed, NOW).unwrap() {
        Outcome::Mail(_) => None,
        Outcome::None(why) => Some(why),
    };
    let from_nobody = Stopped { sender: None, ..stopped(b"", &sender) };
    let only = |failure| Notify::Only { success: true, failure, delay: true };
    assert_eq!(why(&from_nobody, &[failed(Notify::Default)]), Some(WhyNone::NullSender));
    assert_eq!(why(&stopped(b"", &sender), &[]), Some(WhyNone::NotWanted));
    assert_eq!(why(&stopped(b"", &sender), &[failed(Notify::Never), failed(only(false))]), Some(WhyNone::NotWanted));
    assert_eq!(why(&stopped(b"", &sender), &[failed(only(true)), failed(Notify::Never)]), None);
    // What is no bounce makes none.
    let delivered = stopped_by(Mail::default(), Guarantee::Off, None, Channel::NotOffered);
    assert!(Failed::of(&recipient, &delivered).is_none());
}

#[test]
fn as_much_is_given_back_as_may_be() {
    let (sender, recipient) = (address("u@sender.example"), address("g@plain.example"));
    let requiretls = Mail { requiretls: true, ..Mail::default() };
    let (plain, redacted) = (guaranteed(), stopped_by(requiretls, Guarantee::Off, None, Channel::NotOffered));
    assert!(matches!(redacted, Verdict::Bounce { headers_only: true, .. }));
    let mail = b"Subject: secret?\r\nX: y\r\n\r\nthe body\r\n";
    let binary = b"Subject: secret?\r\nX: y\r\n\r\nthe body\0\r\n";
    let given_back = |verdict: &Verdict, mail: &[u8], ret, limit| {
        let failed = Failed::of(&recipient, verdict).unwrap();
        let stopped = Stopped { ret, ..stopped(mail, &sender) };
        let composed = written(&reporter().limited_to(limit), &stopped, &[failed]);
        let text = String::from_utf8(composed.octets).unwrap();
        (text.contains("the body"), text.contains("Subject: secret?\r\n"), text.contains("\r\nX: y\r\n"))
    };
    let (all, head, subject) = ((true, true, true), (false, true, true), (false, true, false));
    assert_eq!(given_back(&plain, mail, None, 1000), all);
    assert_eq!(given_back(&plain, mail, Some(Ret::Full), 1000), all);
    assert_eq!(given_back(&plain, mail, Some(Ret::Hdrs), 1000), head);
    assert_eq!(given_back(&plain, mail, Some(Ret::Full), mail.len() - 1), head);
    assert_eq!(given_back(&plain, mail, None, 20), subject);
    assert_eq!(given_back(&plain, binary, None, 1000), head);
    assert_eq!(given_back(&redacted, mail, Some(Ret::Full), 1000), head);
    let both = [Failed::of(&recipient, &plain).unwrap(), Failed::of(&recipient, &redacted).unwrap()];
    let composed = written(&reporter(), &stopped(mail, &sender), &both);
    assert!(!String::from_utf8(composed.octets).unwrap().contains("the body"));
}

#[test]
fn the_envelope_id_comes_back() {
    let (sender, recipient) = (address("u@sender.example"), address("g@plain.example"));
    let id = EnvelopeId::read("QQ+2B1").unwrap();
    let stopped = Stopped { envelope_id: Some(&id), ..stopped(b"", &sender) };
    let composed = written(&reporter(), &stopped, &[Failed::new(&recipient, Status::new([5, 7, 10], TEXT))]);
    let groups = groups(&parsed(&composed.octets));
    assert_eq!(value(&groups[0], "Original-Envelope-Id"), Some("QQ+1"));
    assert_eq!(value(&groups[1], "Remote-MTA"), None);
}

#[test]
fn addresses_of_all_scripts_are_named() {
    let (sender, recipient) = (address("jürgen@sender.example"), address("empfänger@plain.example"));
    let verdict = guaranteed();
    let original = OriginalRecipient::read("utf-8;empf\\x{E4}nger@plain.example").unwrap();
    let failed = Failed::of(&recipient, &verdict).unwrap().originally(&original);
    let composed = written(&reporter(), &stopped("Subject: ä\r\n\r\n".as_bytes(), &sender), &[failed]);
    assert!(composed.utf8 && composed.eight_bit);
    let text = String::from_utf8(composed.octets).unwrap();
    for line in [
        "To: <jürgen@sender.example>",
        "Content-Type: message/global-delivery-status",
        "Content-Type: message/global",
        "Original-Recipient: utf-8; empfänger@plain.example",
        "Final-Recipient: utf-8; empfänger@plain.example",
    ] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{line}");
    }
}

#[test]
fn people_are_told_in_their_language_what_is_wrong_and_what_helps() {
    let (sender, recipient) = (address("u@sender.example"), address("g@plain.example"));
    let said = |verdict: &Verdict, language, offer: bool| {
        let once = Once { token: "AbC", link: None, until: NOW + Span::minutes(30) };
        let mut failed = Failed::of(&recipient, verdict).unwrap();
        if offer {
            failed = failed.offering(once);
        }
        let composed = written(&reporter().in_language(language), &stopped(b"", &sender), &[failed]);
        assert!(composed.octets.is_ascii());
        human(&parsed(&composed.octets)).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for language in Language::ALL {
        let words = words::words(language);
        let by_user = said(&guaranteed(), language, true);
        for sentence in [words.causes.not_offered, words.askers.guarantee, words.other_address, words.end_to_end, TEXT]
        {
            assert!(by_user.contains(sentence), "{sentence}");
        }
        assert!(by_user.contains(words.sent_folder) && by_user.contains(words.switch_off));
        assert!(by_user.contains(" AbC ") && by_user.contains("2026-11-22 04:04 UTC"));
        assert!(!said(&guaranteed(), language, false).contains("04:04 UTC"));
        // The user can't set the organisation's rule aside, so the way is not offered.
        let level = Some(Level::Encrypted);
        let by_both = said(&stopped_by(Mail::default(), Guarantee::On, level, Channel::NotOffered), language, true);
        assert!(by_both.contains(words.askers.compliance) && by_both.contains(words.ask_administrator));
        assert!(!by_both.contains("AbC") && !by_both.contains(words.switch_off));
        let old = said(&stopped_by(Mail::default(), Guarantee::On, None, Channel::TooOld), language, true);
        assert!(old.contains(words.causes.too_old) && old.contains(" AbC "));
        let refused = Channel::Refused { reply: "554 5.7.1 no".to_owned() };
        let refused = said(&stopped_by(Mail::default(), Guarantee::On, None, refused), language, true);
        assert!(refused.contains(words.causes.refused) && refused.contains("refused to start TLS: 554 5.7.1 no"));
    }
}

#[test]
fn a_link_stands_in_the_place_of_the_token() {
    let (sender, recipient, verdict) = (address("u@sender.example"), address("g@plain.example"), guaranteed());
    let once = Once { token: "AbC", link: Some("https://mail.sender.example/once/AbC"), until: NOW };
    let failed = Failed::of(&recipient, &verdict).unwrap().offering(once);
    assert!(failed.may_go_once());
    let composed = written(&reporter(), &stopped(b"", &sender), &[failed]);
    assert!(human(&parsed(&composed.octets)).contains("\n    https://mail.sender.example/once/AbC\n"));
}

#[test]
fn lines_for_people_are_short() {
    let (sender, verdict) = (address("u@sender.example"), guaranteed());
    let recipients = [address("g@plain.example"), address("\"h i\"@plain.example")];
    let failed: Vec<_> = recipients.iter().map(|recipient| Failed::of(recipient, &verdict).unwrap()).collect();
    for language in Language::ALL {
        let composed = written(&reporter().in_language(language), &stopped(b"", &sender), &failed);
        for line in human(&parsed(&composed.octets)).lines() {
            assert!(line.chars().count() <= 72 || line.starts_with('<'), "{line}");
            assert!(line.trim_end() == line, "{line}");
        }
    }
}

fn addresses() -> impl Strategy<Value = String> {
    "[a-z.]{0,0}[a-z]{1,9}@[a-z]{1,9}\\.example|\"[ -!#-\\[\\]-~]{0,9}\"@[a-z]{1,9}\\.example|[a-zäö]{1,9}@\\[192\\.0\\.2\\.1\\]"
}

proptest! {
    /// Whatever the mail and the causes are: a report of three parts, about the recipients that failed and no others,
    /// with the fields that it has to have and no more.
    #[test]
    fn it_is_a_report_about_the_recipients_concerned(
        sender in addresses(),
        recipients in collection::vec((addresses(), "[ -~äöü\r\n]{0,200}", any::<bool>()), 1..4),
        mail in collection::vec(any::<u8>(), 0..200).prop_map(|body| [&b"A: b\r\n\r\n"[..], &body].concat()),
        queue_id in "[ -~ä\r\n]{0,50}",
        language in prop_oneof![Just(Language::English), Just(Language::German)],
    ) {
        let sender = address(&sender);
        let recipients: Vec<_> = recipients.into_iter().map(|(to, text, wants)| (address(&to), text, wants)).collect();
        let failed: Vec<_> = recipients.iter().map(|(recipient, text, wants)| {
            let notify = if *wants { Notify::Default } else { Notify::Never };
            Failed::new(recipient, Status::new([5, 7, 10], text)).notified(notify)
        }).collect();
        let stopped = Stopped { queue_id: &queue_id, ..stopped(&mail, &sender) };
        let reporter = reporter().in_language(language);
        let outcome = reporter.bounce(&stopped, &failed, NOW).unwrap();
        let Outcome::Mail(notice) = outcome else {
            prop_assert!(recipients.iter().all(|(_, _, wants)| !wants));
            return Ok(());
        };
        prop_assert_eq!(&notice.to, &sender);
        let octets = &notice.mail.octets;
        let Outcome::Mail(again) = reporter.bounce(&stopped, &failed, NOW).unwrap() else { panic!() };
        prop_assert_eq!(octets, &again.mail.octets);
        prop_assert_eq!(octets.is_ascii(), !notice.mail.eight_bit);

        let names: Vec<_> = Fields::of(octets).map(|field| String::from_utf8_lossy(field.name).into_owned()).collect();
        prop_assert_eq!(names, [
            "Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
            "Content-Transfer-Encoding",
        ]);
        let read = parsed(octets);
        prop_assert_eq!(read.subject(), Some(SUBJECT));
        prop_assert_eq!(read.parts.len(), 4);
        let groups = groups(&read);
        let told: Vec<_> = recipients.iter().filter(|(_, _, wants)| *wants).collect();
        prop_assert_eq!(groups.len(), told.len() + 1);
        for (group, (_, text, _)) in groups.iter().skip(1).zip(&told) {
            prop_assert_eq!(value(group, "Action"), Some("failed"));
            prop_assert_eq!(value(group, "Status"), Some("5.7.10"));
            prop_assert!(value(group, "Diagnostic-Code").unwrap().starts_with("X-Sealpost"));
            prop_assert!(group.len() == 4, "{:?} {}", group, text);
        }
        let human = human(&read);
        for (recipient, _, _) in told {
            let line = format!("\n<{recipient}>: ");
            prop_assert!(human.contains(&line));
        }
    }
}
