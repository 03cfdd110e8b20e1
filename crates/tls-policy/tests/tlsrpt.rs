//! Reports about TLS: counted (T1), written, sent and read.

#![cfg(test)]

use std::{collections::BTreeMap, io::Write};

use flate2::{Compression, write::GzEncoder};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{TestCaseError, TestRunner},
};
use sealpost_mail::Domain;
use sealpost_time::{Span, Time};
use sealpost_tls_policy::tlsrpt::{
    Addressed, Aggregate, AggregateLimits, Event, Failure, Outcome, PolicyDescription, PolicyType, ReadLimits, Report,
    Reporter, ResultType,
};

const NOON: Time = Time::from_unix(1_795_780_800);

fn reporter() -> Reporter {
    Reporter::new("Company-X", "tls@company-x.example".parse().unwrap(), "mx1").unwrap()
}

/// A session some hours after noon.
type Session = (i64, Event);

fn sessions() -> impl Strategy<Value = Vec<Session>> {
    let failures = || vec(select(ResultType::KNOWN.to_vec()).prop_map(Failure::new), 0..3);
    let outcome = (any::<bool>(), failures());
    let session = (0..60_i64, select(vec!["a.example", "b.example"]), outcome.clone(), outcome, 0..8);
    let event = session.prop_map(|(hours, domain, (dane_failed, dane), (sts_failed, sts), kind)| {
        let policy = |policy_type| {
            let mut policy = PolicyDescription::none(domain);
            policy.policy_type = policy_type;
            policy
        };
        let dane = Outcome::new(policy(PolicyType::Tlsa), dane_failed, dane);
        let sts = Outcome::new(policy(PolicyType::Sts), sts_failed, sts);
        let outcomes = match kind {
            0..3 => vec![dane],
            3..6 => vec![sts],
            _ => vec![dane, sts],
        };
        let mut event = Event::new(domain.parse().unwrap(), outcomes);
        event.carries_report = kind == 7;
        (hours, event)
    });
    vec(event, 0..40)
}

/// What the law is about.
trait Counter: Default {
    fn add(&mut self, event: &Event, at: Time);
    fn take(&mut self, now: Time) -> Vec<Addressed>;
}

impl Counter for Aggregate {
    fn add(&mut self, event: &Event, at: Time) {
        Aggregate::add(self, event, at);
    }

    fn take(&mut self, now: Time) -> Vec<Addressed> {
        Aggregate::take(self, now, &reporter())
    }
}

/// Per day, domain and policy: what went well, what failed, and why.
type Counts = BTreeMap<(String, Domain, PolicyDescription), (u64, u64, BTreeMap<Failure, u64>)>;

/// Law T1: those that went well and those that failed are all sessions, per day, domain and policy, and those that
/// carried a report are none of them.
fn t1<C: Counter>(sessions: &[Session]) -> Result<(), TestCaseError> {
    let mut counter = C::default();
    let mut wanted = Counts::new();
    for (hours, event) in sessions {
        let at = NOON + Span::hours(*hours);
        counter.add(event, at);
        let counted = if event.carries_report { &[][..] } else { &event.outcomes };
        for outcome in counted {
            let day = format!("{at}").split('T').next().unwrap().to_owned();
            let tally = wanted.entry((day, event.domain.clone(), outcome.policy.clone())).or_default();
            *(if outcome.failed { &mut tally.1 } else { &mut tally.0 }) += 1;
            outcome.failures.iter().for_each(|failure| *tally.2.entry(failure.clone()).or_default() += 1);
        }
    }
    let mut found = Counts::new();
    // The day that is not over yet is not reported yet.
    prop_assert_eq!(counter.take(NOON).len(), 0);
    for Addressed { domain, report, .. } in counter.take(NOON + Span::days(4)) {
        let range = report.date_range;
        prop_assert_eq!(range.end_datetime - range.start_datetime, Span::seconds(86_399));
        let day = range.start_datetime.to_string().split('T').next().unwrap().to_owned();
        for policy in report.policies {
            let details =
                policy.failure_details.into_iter().map(|detail| (detail.failure, detail.failed_session_count));
            let counts = policy.summary;
            let counts = (counts.total_successful_session_count, counts.total_failure_session_count, details.collect());
            prop_assert!(found.insert((day.clone(), domain.clone(), policy.policy), counts).is_none());
        }
    }
    prop_assert_eq!(found, wanted);
    prop_assert_eq!(counter.take(NOON + Span::days(9)).len(), 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn t1_all_sessions_are_counted_once(sessions in sessions()) {
        t1::<Aggregate>(&sessions)?;
    }

    #[test]
    fn a_report_is_read_as_it_is_written(sessions in sessions()) {
        let mut aggregate = Aggregate::default();
        sessions.iter().for_each(|(hours, event)| aggregate.add(event, NOON + Span::hours(*hours)));
        for Addressed { report, .. } in aggregate.take(Time::NEVER, &reporter()) {
            prop_assert_eq!(&Report::read(&report.json().unwrap(), &ReadLimits::default()).unwrap(), &report);
            prop_assert_eq!(Report::read(&report.gzip().unwrap(), &ReadLimits::default()).unwrap(), report);
        }
    }

    #[test]
    fn what_has_no_room_is_counted(sessions in sessions(), octets in 0..2_000_usize, policies in 1..3_usize) {
        let mut limits = AggregateLimits::default();
        (limits.octets, limits.policies, limits.failures) = (octets, policies, 2);
        let mut aggregate = Aggregate::new(limits);
        sessions.iter().for_each(|(hours, event)| aggregate.add(event, NOON + Span::hours(*hours)));
        let dropped = aggregate.dropped();
        let reports = aggregate.take(Time::NEVER, &reporter());
        let summaries = reports.iter().flat_map(|found| &found.report.policies).map(|policy| policy.summary);
        let counted: u64 = summaries.map(|sum| sum.total_successful_session_count + sum.total_failure_session_count).sum();
        let all = sessions.iter().filter(|(_, event)| !event.carries_report).map(|(_, event)| event.outcomes.len());
        prop_assert_eq!(counted + dropped, u64::try_from(all.sum::<usize>()).unwrap());
    }
}

/// A counter that breaks one rule.
#[derive(Default)]
struct Broken<const RULE: usize>(Aggregate);

const BROKEN_RULES: [&str; 5] = [
    "reports about reports are counted",
    "a session is counted for each of its failures",
    "what went well is not counted",
    "a session that failed went well also",
    "all days are one",
];

impl<const RULE: usize> Counter for Broken<RULE> {
    fn add(&mut self, event: &Event, at: Time) {
        let mut event = event.clone();
        match BROKEN_RULES[RULE] {
            "reports about reports are counted" => event.carries_report = false,
            "a session is counted for each of its failures" => {
                let split = |outcome: &Outcome| {
                    let single =
                        |failure: &Failure| Outcome::new(outcome.policy.clone(), outcome.failed, vec![failure.clone()]);
                    outcome.failures.iter().map(single).collect::<Vec<_>>()
                };
                event.outcomes = event.outcomes.iter().flat_map(split).collect();
            }
            "what went well is not counted" => event.outcomes.retain(|outcome| outcome.failed),
            "a session that failed went well also" => {
                let also = event.outcomes.iter().filter(|outcome| outcome.failed);
                let also: Vec<_> = also.map(|outcome| Outcome::new(outcome.policy.clone(), false, vec![])).collect();
                event.outcomes.extend(also);
            }
            _ => return self.0.add(&event, NOON),
        }
        self.0.add(&event, at);
    }

    fn take(&mut self, now: Time) -> Vec<Addressed> {
        self.0.take(now, &reporter())
    }
}

#[test]
fn each_broken_counter_is_caught() {
    fn is_caught<C: Counter>() -> bool {
        TestRunner::deterministic().run(&sessions(), |sessions| t1::<C>(&sessions)).is_err()
    }
    assert!(!is_caught::<Aggregate>());
    let caught = [
        is_caught::<Broken<0>>(),
        is_caught::<Broken<1>>(),
        is_caught::<Broken<2>>(),
        is_caught::<Broken<3>>(),
        is_caught::<Broken<4>>(),
    ];
    for (rule, caught) in BROKEN_RULES.into_iter().zip(caught) {
        assert!(caught, "{rule}");
    }
}

/// RFC 8460, Appendix B, with both forms of what the standard has in two.
const EXAMPLE: &str = r#"{
  "organization-name": "Company-X",
  "date-range": {"start-datetime": "2016-04-01T00:00:00Z", "end-datetime": "2016-04-01T23:59:59Z"},
  "contact-info": "sts-reporting@company-x.example",
  "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
  "policies": [{
    "policy": {
      "policy-type": "sts",
      "policy-string": ["version: STSv1","mode: testing","mx: *.mail.company-y.example","max_age: 86400"],
      "policy-domain": "company-y.example",
      "mx-host": MX
    },
    "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 303},
    "failure-details": [
      {"result-type": "certificate-expired", "sending-mta-ip": "2001:db8:abcd:0012::1",
       "receiving-mx-hostname": "mx1.mail.company-y.example", "failed-session-count": 100},
      {"result-type": "starttls-not-supported", "sending-mta-ip": "2001:db8:abcd:0013::1",
       "receiving-mx-hostname": "mx2.mail.company-y.example", "receiving-ip": "203.0.113.56",
       "failed-session-count": 200, "MORE": "https://reports.company-x.example/report_info?id=5065427c-23d3"},
      {"result-type": "validation-failure", "sending-mta-ip": "198.51.100.62", "receiving-ip": "203.0.113.58",
       "receiving-mx-hostname": "mx-backup.mail.company-y.example", "failed-session-count": 3,
       "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED", "unknown": {"a": [null]}}
    ]
  }]
}"#;

fn example(mx: &str, more: &str) -> Report {
    let json = EXAMPLE.replace("MX", mx).replace("MORE", more);
    Report::read(json.as_bytes(), &ReadLimits::default()).unwrap()
}

#[test]
fn the_example_of_the_standard_is_read_in_both_forms() {
    let pattern = r#""*.mail.company-y.example""#;
    let report = example(pattern, "additional-information");
    assert_eq!(report, example(&format!("[{pattern}]"), "additional-info-uri"));
    let policy = &report.policies[0];
    assert_eq!(policy.policy.mx_host, ["*.mail.company-y.example"]);
    assert_eq!(policy.summary.total_successful_session_count, 5326);
    let counts: Vec<_> = policy.failure_details.iter().map(|detail| detail.failed_session_count).collect();
    assert_eq!(counts, [100, 200, 3]);
    assert!(policy.failure_details[1].failure.additional_information.is_some());
    // What is written is in the form of the standard's text.
    let json = String::from_utf8(report.json().unwrap()).unwrap();
    assert!(json.contains(r#""mx-host":["*.mail.company-y.example"]"#) && json.contains("additional-information"));
}

#[test]
fn what_may_be_missing_may_be_missing() {
    let json = r#"{"date-range": {"start-datetime": "2026-11-26T00:00:00Z", "end-datetime": "2026-11-26T23:59:59Z"},
        "contact-info": null, "policies": [{"policy": {"policy-type": "no-policy-found", "policy-string": null},
        "summary": {"total-successful-session-count": 1}, "failure-details": null}]}"#;
    let report = Report::read(json.as_bytes(), &ReadLimits::default()).unwrap();
    assert_eq!((report.contact_info.as_str(), report.policies.len()), ("", 1));
    assert_eq!(report.policies[0].policy, PolicyDescription::none(""));
}

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_is_wrong_with_a_report() {
    let limits = ReadLimits::default();
    let bomb = gzip(&vec![b' '; limits.unpacked + 1]);
    assert!(bomb.len() < 100_000);
    let mut broken = gzip(b"{}");
    broken.truncate(12);
    let deep = "[".repeat(100_000);
    let nested = format!(r#"{{"policies": [{{"policy": {{"policy-string": {deep}"#);
    let closed = format!("{nested}{}}}}}]}}", "]".repeat(deep.len()));
    let many = format!(
        r#"{{"date-range": {{"start-datetime": "2026-11-26T00:00:00Z", "end-datetime": "2026-11-26T23:59:59Z"}},
        "policies": [{}]}}"#,
        vec![r#"{"policy": {"policy-type": "sts"}, "summary": {}}"#; limits.policies + 1].join(",")
    );
    // Some kilobytes that would take a gigabyte.
    let policy = |inner: &str| {
        format!(
            r#"{{"date-range": {{"start-datetime": "2026-11-26T00:00:00Z", "end-datetime": "2026-11-26T23:59:59Z"}},
            "policies": [{{"policy": {{"policy-type": "sts", {inner} }}, "summary": {{}}, "failure-details": [FAILURES]}}]}}"#
        )
    };
    let texts = gzip(
        policy(&format!(r#""policy-string": [{}"a"]"#, r#""","#.repeat(10_000_000))).replace("FAILURES", "").as_bytes(),
    );
    let hosts = policy(&format!(r#""mx-host": [{}"a"]"#, r#""","#.repeat(limits.texts))).replace("FAILURES", "");
    let failures = policy(r#""mx-host": "a""#)
        .replace("FAILURES", &vec![r#"{"result-type": "a"}"#; limits.failures + 1].join(","));
    assert!(texts.len() < 100_000);
    let negative = EXAMPLE.replace("MX", "[]").replace("5326", "-1");
    for (octets, problem) in [
        (&vec![b' '; limits.received + 1][..], "larger than 10000000 octets"),
        (&bomb, "unpacked it is larger than 32000000 octets"),
        (&broken, "can't be unpacked"),
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b"<html>", "expected value at line 1 column 1"),
        (b"{\"policies\": []}", "missing field `date-range`"),
        (nested.as_bytes(), "EOF while parsing a list"),
        (closed.as_bytes(), "recursion limit exceeded"),
        (many.as_bytes(), "more than 10000 policies"),
        (&texts, "more than 100000 hosts and lines"),
        (hosts.as_bytes(), "more than 100000 hosts and lines"),
        (failures.as_bytes(), "more than 100000 causes"),
        (negative.as_bytes(), "invalid value"),
    ] {
        let error = Report::read(octets, &limits).unwrap_err().to_string();
        assert!(error.contains(problem), "{problem}: {error}");
    }
}

fn addressed() -> Addressed {
    let mut aggregate = Aggregate::default();
    let failure = Failure::new(ResultType::StarttlsNotSupported);
    let outcome = Outcome::new(PolicyDescription::none("company-y.example"), true, vec![failure]);
    aggregate.add(&Event::new("company-y.example".parse().unwrap(), vec![outcome]), NOON);
    aggregate.take(NOON + Span::days(1), &reporter()).remove(0)
}

#[test]
fn the_mail_carries_the_report() {
    let addressed = addressed();
    let to = "reports@company-y.example".parse().unwrap();
    let mail = addressed.mail(&reporter(), &to, NOON + Span::days(1)).unwrap();
    assert!(!mail.eight_bit && !mail.utf8);
    assert_eq!(Report::read_mail(&mail.octets, &ReadLimits::default()).unwrap(), addressed.report);
    let text = String::from_utf8(mail.octets).unwrap().replace("\r\n ", " ").replace("\r\n", "\n");
    for line in [
        "From: Company-X <tls@company-x.example>\n",
        "To: <reports@company-y.example>\n",
        "Date: Sat, 28 Nov 2026 12:00:00 +0000\n",
        "Message-ID: <2026-11-27.company-y.example.mx1@company-x.example>\n",
        "Subject: Report Domain: company-y.example Submitter: company-x.example Report-ID: \
            <2026-11-27.company-y.example.mx1@company-x.example>\n",
        "TLS-Report-Domain: company-y.example\n",
        "TLS-Report-Submitter: company-x.example\n",
        "TLS-Required: No\n",
        "Content-Type: multipart/report; report-type=tlsrpt; boundary=",
        "Content-Type: application/tlsrpt+gzip; name=\"company-x.example!company-y.example!1795737600!1795823999!mx1.json.gz\"",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(
        addressed.file_name(&reporter()),
        "company-x.example!company-y.example!1795737600!1795823999!mx1.json.gz"
    );
}

/// However long the names of both domains are.
#[test]
fn domains_with_long_names_get_reports() {
    let long: String = [&"a".repeat(63); 3].map(|label| format!("{label}.")).concat() + &"b".repeat(61);
    let mut aggregate = Aggregate::default();
    let outcome = Outcome::new(PolicyDescription::none(&long), false, Vec::new());
    aggregate.add(&Event::new(long.parse().unwrap(), vec![outcome]), NOON);
    let reporter = Reporter::new("X", format!("tls@{long}").parse().unwrap(), &"1".repeat(40)).unwrap();
    let addressed = aggregate.take(NOON + Span::days(1), &reporter).remove(0);
    let mail = addressed.mail(&reporter, &format!("a@{long}").parse().unwrap(), NOON + Span::days(1)).unwrap();
    assert_eq!(Report::read_mail(&mail.octets, &ReadLimits::default()).unwrap(), addressed.report);
}

#[test]
fn mails_of_others_are_read() {
    let json = addressed().report.json().unwrap();
    let mail = |kind: &str| {
        let body = String::from_utf8(json.clone()).unwrap();
        format!(
            "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\nContent-Type: {kind}\r\n\r\n{body}\r\n--b--\r\n"
        )
    };
    for kind in ["application/tlsrpt+json", "application/json; name=x", "APPLICATION/OCTET-STREAM"] {
        let read = Report::read_mail(mail(kind).as_bytes(), &ReadLimits::default()).unwrap();
        assert_eq!(read, addressed().report, "{kind}");
    }
    for (mail, problem) in [
        (mail("text/plain"), "the mail carries none"),
        (mail("application/tlsrpt+json").replace("\"policies\"", "\"x\""), "missing field `policies`"),
        (String::new(), "no mail"),
        ("x".repeat(15_000_001), "the mail is larger"),
    ] {
        let error = Report::read_mail(mail.as_bytes(), &ReadLimits::default()).unwrap_err().to_string();
        assert!(error.contains(problem), "{problem}: {error}");
    }
}

/// Whoever sends a mail can put as many mails into each other as fit.
#[test]
fn mails_within_mails_do_not_stop_the_program() {
    let mail = "Content-Type: message/rfc822\r\n\r\n".repeat(400_000);
    let multipart = |i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n");
    let multiparts: String = (0..200_000).map(multipart).collect();
    for mail in [mail, multiparts] {
        let error = Report::read_mail(mail.as_bytes(), &ReadLimits::default()).unwrap_err().to_string();
        assert!(error.contains("the mail carries none"), "{error}");
    }
}

#[test]
fn a_reporter_has_a_domain() {
    let new =
        |organization: &str, contact: &str, unique: &str| Reporter::new(organization, contact.parse().unwrap(), unique);
    assert!(new("X", "a@example.org", "mx-1").is_ok());
    for (organization, contact, unique) in [
        ("", "a@example.org", "1"),
        ("X\r\nY", "a@example.org", "1"),
        ("X", "a@[192.0.2.1]", "1"),
        ("X", "a@example.org", "a!b"),
    ] {
        assert!(new(organization, contact, unique).is_err());
    }
}
