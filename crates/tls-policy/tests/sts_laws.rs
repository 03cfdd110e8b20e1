//! The laws of MTA-STS: a kept policy stays in force whatever an attacker does to DNS and HTTPS (A2), and a policy is
//! read in one way only (P1). Each law is shown to fail where its rule is broken.

#![cfg(test)]

use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{TestCaseError, TestRunner},
};
use sealpost_time::{Span, Time};
use sealpost_tls_policy::{
    facts::StsState,
    sts::{BACK_OFF, FetchFailure, FetchProblem, Known, MAX_AGE, MAX_BODY, Mode, Policy, REFRESH, RecordId},
    sts::{Settled, Step, TxtAnswer},
};

/// What happens for one mail: so much later, this answer, and this if the policy is fetched.
#[derive(Clone, Debug)]
struct Mail {
    later: i64,
    answer: TxtAnswer,
    outcome: Result<Policy, FetchFailure>,
}

fn mails() -> impl Strategy<Value = Vec<Mail>> {
    let later = prop_oneof![0..400_i64, 80_000..90_000_i64, 500_000..700_000_i64, -100_000..0_i64];
    let record = (0..3).prop_map(|id| TxtAnswer::found(&[&[format!("v=STSv1; id={id}")]]));
    let two = TxtAnswer::found(&[["v=STSv1; id=a"], ["v=STSv1; id=b"]]);
    let none = TxtAnswer::found::<&str>(&[[]]);
    let answer = prop_oneof![6 => record, 1 => Just(two), 1 => Just(none), 1 => Just(TxtAnswer::Failed)];
    let modes = select(vec![Mode::Enforce, Mode::Enforce, Mode::Testing, Mode::None]);
    let policy = (modes, select(vec!["a.example", "*.b.example"]), select(vec![0, 100, 90_000, 604_800, MAX_AGE]));
    let policy = policy.prop_map(|(mode, mx, max_age)| Ok(Policy::new(mode, &[mx], max_age).unwrap()));
    let problem = select(vec![FetchProblem::Fetch, FetchProblem::Invalid, FetchProblem::WebPki]);
    let failure = problem.prop_map(|problem| Err(FetchFailure::new(problem, "…".to_owned())));
    let mail = (later, answer, prop_oneof![policy, failure]);
    vec(mail.prop_map(|(later, answer, outcome)| Mail { later, answer, outcome }), 1..40)
}

/// What the laws are about.
trait Automaton: Default {
    fn look(&mut self, answer: &TxtAnswer, now: Time) -> Step;
    fn fetched(&mut self, id: &RecordId, outcome: Result<Policy, FetchFailure>, now: Time) -> Settled;
}

impl Automaton for Known {
    fn look(&mut self, answer: &TxtAnswer, now: Time) -> Step {
        Known::look(self, answer, now)
    }

    fn fetched(&mut self, id: &RecordId, outcome: Result<Policy, FetchFailure>, now: Time) -> Settled {
        Known::fetched(self, id, outcome, now)
    }
}

fn in_force(policy: &Policy) -> StsState {
    if policy.mode == Mode::None { StsState::Absent } else { StsState::Policy(policy.clone()) }
}

/// Law A2, and that a policy's time is counted from its last fetch; that a fetch that failed is not tried again at
/// once; that a policy is fetched where it must be, and again after a day.
fn laws<A: Automaton>(mails: &[Mail]) -> Result<(), TestCaseError> {
    let mut automaton = A::default();
    let mut now = Time::from_unix(1_795_780_800);
    let mut good: Option<(Policy, RecordId, Time)> = None;
    let mut bad: Option<(RecordId, Time)> = None;
    for mail in mails {
        now = now + Span::seconds(mail.later);
        let valid = good.as_ref().filter(|(policy, _, at)| now < *at + Span::seconds(i64::from(policy.max_age)));
        let unknown = mail.answer == TxtAnswer::Failed && valid.is_none();
        let nothing = if unknown { StsState::Unknown } else { StsState::Absent };
        let wanted = valid.map_or(nothing, |(policy, ..)| in_force(policy));
        let same = |id: &RecordId| valid.is_some_and(|(_, valid, _)| valid == id);
        let fresh = valid.is_some_and(|(_, _, at)| *at <= now && now < *at + REFRESH);
        let waits = |id: &RecordId| bad.as_ref().is_some_and(|(of, at)| of == id && *at <= now && now < *at + BACK_OFF);
        match automaton.look(&mail.answer, now) {
            Step::Use(settled) => {
                prop_assert_eq!(settled.state, wanted, "in force at {}", now);
                if let TxtAnswer::Record(record) = &mail.answer {
                    let id = &record.id;
                    prop_assert!(waits(id) || same(id) && fresh, "not fetched for {} at {}", id, now);
                }
            }
            Step::Fetch { id, refresh, meanwhile } => {
                prop_assert_eq!(meanwhile.state, wanted.clone(), "in force at {}", now);
                prop_assert!(!waits(&id), "fetched again at once");
                prop_assert!(!(same(&id) && fresh), "fetched for nothing");
                prop_assert_eq!(refresh, same(&id));
                let settled = automaton.fetched(&id, mail.outcome.clone(), now);
                if let Ok(policy) = mail.outcome.clone() {
                    prop_assert_eq!(settled.state, in_force(&policy), "fetched at {}", now);
                    (good, bad) = (Some((policy, id, now)), None);
                } else {
                    prop_assert_eq!(settled.state, wanted, "in force at {}, after a failure", now);
                    prop_assert!(settled.finding.is_some(), "nothing is reported");
                    bad = Some((id, now));
                }
            }
        }
    }
    Ok(())
}

/// Whether some sequence of mails breaks the laws.
fn is_caught<A: Automaton>() -> bool {
    TestRunner::deterministic().run(&mails(), |mails| laws::<A>(&mails)).is_err()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a2_a_kept_policy_stays_in_force(mails in mails()) {
        laws::<Known>(&mails)?;
    }
}

/// An automaton that breaks one rule.
#[derive(Default)]
struct Broken<const RULE: usize>(Known);

const BROKEN_RULES: [&str; 8] = [
    "no record ends it",
    "a failed look-up ends it",
    "two records end it",
    "a failed fetch ends it",
    "a record renews it",
    "it never ends",
    "a failed fetch is tried again at once",
    "it is never refreshed",
];

impl<const RULE: usize> Automaton for Broken<RULE> {
    fn look(&mut self, answer: &TxtAnswer, now: Time) -> Step {
        let forgets = match BROKEN_RULES[RULE] {
            "no record ends it" => *answer == TxtAnswer::Absent,
            "a failed look-up ends it" => *answer == TxtAnswer::Failed,
            "two records end it" => matches!(answer, TxtAnswer::Broken(_)),
            _ => false,
        };
        if forgets {
            self.0 = Known::default();
        }
        let cached = self.0.cached().filter(|cached| cached.is_valid(now)).cloned();
        match (BROKEN_RULES[RULE], answer, cached) {
            ("a record renews it", TxtAnswer::Record(record), Some(cached)) if record.id == cached.id => {
                self.0.fetched(&record.id, Ok(cached.policy), now);
            }
            ("it never ends", ..) => {
                let fetched = self.0.cached().map_or(now, |cached| cached.fetched);
                return self.0.look(answer, fetched);
            }
            _ => {}
        }
        match (BROKEN_RULES[RULE], self.0.look(answer, now), answer) {
            ("a failed fetch is tried again at once", Step::Use(meanwhile), TxtAnswer::Record(record))
                if meanwhile.finding.is_some() =>
            {
                Step::Fetch { id: record.id.clone(), refresh: false, meanwhile }
            }
            ("it is never refreshed", Step::Fetch { refresh: true, meanwhile, .. }, _) => Step::Use(meanwhile),
            (_, step, _) => step,
        }
    }

    fn fetched(&mut self, id: &RecordId, outcome: Result<Policy, FetchFailure>, now: Time) -> Settled {
        if BROKEN_RULES[RULE] == "a failed fetch ends it" && outcome.is_err() {
            self.0 = Known::default();
        }
        self.0.fetched(id, outcome, now)
    }
}

#[test]
fn each_broken_automaton_is_caught() {
    assert!(!is_caught::<Known>());
    let caught = [
        is_caught::<Broken<0>>(),
        is_caught::<Broken<1>>(),
        is_caught::<Broken<2>>(),
        is_caught::<Broken<3>>(),
        is_caught::<Broken<4>>(),
        is_caught::<Broken<5>>(),
        is_caught::<Broken<6>>(),
        is_caught::<Broken<7>>(),
    ];
    for (rule, caught) in BROKEN_RULES.into_iter().zip(caught) {
        assert!(caught, "{rule}");
    }
}

#[test]
fn a_wild_clock_does_no_harm() {
    let id = RecordId::parse("1").unwrap();
    let answer = TxtAnswer::found(&[&["v=STSv1; id=1"]]);
    for at in [i64::MIN, 0, i64::MAX - 2, i64::MAX].map(Time::from_unix) {
        let mut known = Known::default();
        known.fetched(&id, Ok(Policy::new(Mode::Enforce, &["a.example"], MAX_AGE).unwrap()), at);
        for now in [i64::MIN, -1, 0, i64::MAX - 2, i64::MAX].map(Time::from_unix) {
            let _ = (known.look(&answer, now), known.refresh(now), known.is_spent(now));
        }
        known.fetched(&id, Err(FetchFailure::new(FetchProblem::Fetch, String::new())), at);
        let _ = known.look(&answer, Time::NEVER);
    }
}

/// A reader and a writer of policies.
#[derive(Clone, Copy)]
struct Form {
    read: fn(&[u8]) -> Option<Policy>,
    write: fn(&Policy) -> String,
}

const OURS: Form = Form { read: |body| Policy::parse(body).ok(), write: Policy::to_string };

/// Lines of a policy, most of them good.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let good = ["version: STSv1", "mode: enforce", "mx: *.Example.org", "max_age: 604800", "mode:none", "max_age: 1"];
    let odd = ["mode: testing ", "mx:a.example", "max_age: 9999999999", "max_age: 0031557601", "x-y: z: ä", ""];
    let bad = ["mode: Enforce", "mx: *", "max_age: -1", "version: STSv2", "} {", "a", "max_age: 99999999999"];
    let line = prop_oneof![20 => select(good.to_vec()), 8 => select(odd.to_vec()), 1 => select(bad.to_vec())];
    let head = Just(good.iter().take(4).map(|line| (*line).to_owned()).collect::<Vec<_>>()).prop_shuffle();
    (head, vec(line.prop_map(str::to_owned), 0..6), any::<bool>()).prop_map(|(head, more, first)| {
        if first { more.into_iter().chain(head).collect() } else { head.into_iter().chain(more).collect() }
    })
}

/// Law P1: what is written is read as the same; ages are capped; the first of two fields counts; nothing is longer
/// than it may be.
fn p1(form: Form, lines: &[String]) -> Result<(), TestCaseError> {
    let body = lines.join("\n");
    let Some(policy) = (form.read)(body.as_bytes()) else { return Ok(()) };
    prop_assert!(policy.max_age <= MAX_AGE);
    prop_assert_eq!((form.read)((form.write)(&policy).as_bytes()), Some(policy.clone()));
    prop_assert_eq!((form.read)(lines.join("\r\n").as_bytes()), Some(policy.clone()));
    let again = format!("{body}\nmode: testing\nmode: none\nmax_age: 7\nmax_age: 8\nversion: STSv9");
    prop_assert_eq!((form.read)(again.as_bytes()), Some(policy.clone()), "the first counts");
    let long = format!("{body}\n{}", "\n".repeat(MAX_BODY));
    prop_assert_eq!((form.read)(long.as_bytes()), None, "too long");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn p1_a_policy_is_read_in_one_way(lines in lines()) {
        p1(OURS, &lines)?;
    }

    #[test]
    fn p1_no_octets_are_too_much(octets in vec(any::<u8>(), 0..300), lines in lines(), at in any::<prop::sample::Index>()) {
        let _ = Policy::parse(&octets);
        let _ = TxtAnswer::found(&[&[&octets]]);
        let mut body = lines.join("\n").into_bytes();
        let at = at.index(body.len() + 1);
        body.splice(at..at, octets);
        let _ = Policy::parse(&body);
    }
}

#[test]
fn each_broken_form_is_caught() {
    let is_caught = |form| TestRunner::deterministic().run(&lines(), |lines| p1(form, &lines)).is_err();
    assert!(!is_caught(OURS));
    // The last of two fields counts.
    assert!(is_caught(Form {
        read: |body| {
            let mut lines: Vec<_> = body.split(|c| *c == b'\n').collect();
            lines.reverse();
            Policy::parse(&lines.join(&b'\n')).ok()
        },
        ..OURS
    }));
    // The age is not capped.
    assert!(is_caught(Form {
        read: |body| {
            let mut policy = Policy::parse(body).ok()?;
            policy.max_age += u32::from(policy.max_age == MAX_AGE);
            Some(policy)
        },
        ..OURS
    }));
    // What is too long is cut.
    assert!(is_caught(Form { read: |body| Policy::parse(body.get(..MAX_BODY).unwrap_or(body)).ok(), ..OURS }));
    // What is written is another policy.
    assert!(is_caught(Form { write: |policy| policy.to_string().replace("enforce", "testing"), ..OURS }));
    // Only LF ends a line.
    assert!(is_caught(Form {
        read: |body| if body.contains(&b'\r') { None } else { Policy::parse(body).ok() },
        ..OURS
    }));
}
