//! The bodies of the fuzz targets; no part of the interface. The tests run them over the seeds in `fuzz/seeds`.

use sealpost_mail::Domain;

use crate::{
    dane::{DigestOrder, TlsaRecord, in_force, matches, matches_leaf},
    sts::{self, MAX_AGE, Policy},
    tlsrpt::{self, Aggregate, Event, ReadLimits, Report},
};

/// Any octets as TXT records: one a line, their strings with NUL between them. What is read is written and read as the
/// same, and more than one record is none.
///
/// # Panics
///
/// If it isn't so.
pub fn sts_record(input: &[u8]) {
    let records: Vec<Vec<&[u8]>> = input.split(|c| *c == b'\n').map(|line| line.split(|c| *c == 0).collect()).collect();
    let twice: Vec<_> = records.iter().chain(&records).cloned().collect();
    if let Ok(Some(record)) = sts::Record::of(&records) {
        assert_eq!(sts::Record::parse(record.to_string().as_bytes()).ok(), Some(record));
        assert!(sts::Record::of(&twice).is_err(), "two are none");
    }
    if let Ok(Some(record)) = tlsrpt::Record::of(&records) {
        assert!((1..=tlsrpt::MAX_RUA).contains(&record.rua.len()));
        assert_eq!(tlsrpt::Record::parse(record.to_string().as_bytes()).ok(), Some(record));
        assert!(tlsrpt::Record::of(&twice).is_err(), "two are none");
    }
}

/// Any octets as a policy: what is read is written and read as the same; it does not matter how lines end, nor what
/// comes behind of what was said already; and nothing of it could end a line elsewhere.
///
/// # Panics
///
/// If it isn't so.
pub fn sts_policy(input: &[u8]) {
    let Ok(policy) = Policy::parse(input) else { return };
    assert!(policy.max_age <= MAX_AGE);
    assert_eq!(Policy::parse(policy.to_string().as_bytes()).ok().as_ref(), Some(&policy));
    let again = [input, b"\r\nmode: none\nmode: enforce\nmax_age: 0\nmax_age: 1\nversion: x"].concat();
    assert!(Policy::parse(&again).ok().is_none_or(|again| again == policy), "the first counts");
    for pattern in &policy.mx {
        assert!(pattern.bytes().all(|c| c.is_ascii_alphanumeric() || b"*.-_".contains(&c)));
        let name = pattern.strip_prefix("*.").unwrap_or(pattern);
        let below = format!("x.{name}").parse::<Domain>();
        assert!(below.is_err() || below.is_ok_and(|below| policy.lists(&below) || !pattern.starts_with("*.")));
    }
}

/// Any octets as a report, by itself and in a mail, and as a datagram about a session: what is read is written and read
/// as the same.
///
/// # Panics
///
/// If it isn't so.
pub fn report(input: &[u8]) {
    let limits = ReadLimits { received: 100_000, unpacked: 200_000, policies: 50, failures: 200, texts: 200 };
    for report in [Report::read(input, &limits), Report::read_mail(input, &limits)].into_iter().flatten() {
        let (json, gzip) = (report.json(), report.gzip());
        let wide = ReadLimits::default();
        assert_eq!(json.and_then(|json| Report::read(&json, &wide)).ok().as_ref(), Some(&report));
        assert_eq!(gzip.and_then(|gzip| Report::read(&gzip, &wide)).ok().as_ref(), Some(&report));
    }
    if let Ok(event) = Event::from_datagram(input) {
        Aggregate::default().add(&event, sealpost_time::Time::from_unix(0));
    }
}

/// Any octets as a TLSA record and, behind as many octets as the first one says, a certificate; and as a record's text.
/// What is read is written and read as the same, and what is in force was there.
///
/// # Panics
///
/// If it isn't so.
pub fn tlsa(input: &[u8]) {
    if let Some(record) = str::from_utf8(input).ok().and_then(|text| text.parse::<TlsaRecord>().ok()) {
        assert_eq!(record.to_string().parse::<TlsaRecord>().ok(), Some(record));
    }
    let Some((len, rest)) = input.split_first() else { return };
    let (rdata, certificate) = rest.split_at(usize::from(*len).min(rest.len()));
    let Ok(record) = TlsaRecord::from_wire(rdata) else { return };
    assert_eq!(record.to_string().parse::<TlsaRecord>().ok().as_ref(), Some(&record));
    let whole = TlsaRecord { usage: 3, selector: 0, matching: 0, data: certificate.to_vec() };
    assert!(matches(&whole, certificate));
    let records = [record, whole];
    for order in [DigestOrder::Sha512First, DigestOrder::Sha256First] {
        assert!(in_force(&records, order).all(|record| records.contains(record) && record.is_usable()));
        let _ = matches_leaf(&records, order, certificate);
    }
}
