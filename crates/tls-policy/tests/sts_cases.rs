//! The project's cases of MTA-STS: records, policies, and which hosts a policy lists.

#![cfg(test)]

use std::fs;

use sealpost_mail::Domain;
use sealpost_tls_policy::sts::{Mode, Policy, Record};
use serde::Deserialize;

#[derive(Deserialize)]
struct Cases {
    txt: Vec<Txt>,
    policy: Vec<Written>,
    mx_match: Vec<Match>,
}

#[derive(Deserialize)]
struct Txt {
    rrs: Vec<Vec<String>>,
    id: Option<String>,
    note: String,
}

#[derive(Deserialize)]
struct Written {
    body: String,
    parsed: Option<Parsed>,
    note: String,
}

#[derive(Deserialize, PartialEq, Debug)]
struct Parsed {
    mode: String,
    mx: Vec<String>,
    max_age: u32,
}

#[derive(Deserialize)]
struct Match {
    pattern: String,
    mx: String,
    #[serde(rename = "match")]
    matches: bool,
}

fn cases() -> Option<Cases> {
    let json = fs::read(sealpost_testkit::vectors()?.join("tls/own/mta_sts_cases.json")).unwrap();
    Some(serde_json::from_slice(&json).unwrap())
}

#[test]
fn records() {
    let Some(cases) = cases() else { return };
    assert_eq!(cases.txt.len(), 21);
    for case in cases.txt {
        let found = Record::of(&case.rrs).ok().flatten().map(|record| record.id.to_string());
        // The one case that leaves the choice: a blank in front of the semicolon. It is allowed, as the grammar says.
        let wanted = case.id.map(|id| id.trim_end_matches('?').to_owned());
        assert_eq!(found, wanted, "{}", case.note);
    }
}

#[test]
fn policies() {
    let Some(cases) = cases() else { return };
    assert_eq!(cases.policy.len(), 27);
    for case in cases.policy {
        let found = Policy::parse(case.body.as_bytes()).ok();
        if let Some(policy) = &found {
            assert_eq!(Policy::parse(policy.to_string().as_bytes()).unwrap(), *policy, "{}", case.note);
        }
        let found = found.map(|policy| Parsed {
            mode: policy.mode.as_str().to_owned(),
            mx: policy.mx,
            max_age: policy.max_age,
        });
        assert_eq!(found, case.parsed, "{}", case.note);
    }
}

#[test]
fn hosts() {
    let Some(cases) = cases() else { return };
    assert_eq!(cases.mx_match.len(), 10);
    for case in cases.mx_match {
        let policy = Policy::new(Mode::Enforce, &[&case.pattern], 1).unwrap();
        let lists = case.mx.parse::<Domain>().is_ok_and(|host| policy.lists(&host));
        assert_eq!(lists, case.matches, "{} {}", case.pattern, case.mx);
    }
}
