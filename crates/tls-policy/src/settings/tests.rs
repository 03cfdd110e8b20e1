use proptest::{collection::vec, prelude::*};
use sealpost_time::Span;

use super::*;
use crate::{
    Error,
    one_time::{Redemption, Refused},
};

const NOW: Time = Time::from_unix(1_795_780_800);

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn party(text: &str) -> Party {
    text.parse().unwrap()
}

fn destination(text: &str) -> Destination {
    text.parse().unwrap()
}

fn domain(text: &str) -> NextHop {
    NextHop::Domain(text.parse().unwrap())
}

fn exception(until: Time) -> Rule {
    Rule::Exception { until, reason: "they know".to_owned(), owner: "postmaster@a.example".to_owned() }
}

fn top() -> Actor {
    Actor::new("root@a.example", Role::TopAdministrator)
}

const ALL: &str = r#"
version = 3
effective-from = 2026-11-27T00:00:00Z
route = "relay"

[users]
"u@a.example" = { guarantee = "on" }
"v@a.example" = { guarantee = "strict", off-until = "2026-11-27T13:00:00Z" }

[compliance]
"partner.example" = "secure"
".partner.example" = "encrypt"
".below.example" = "encrypt"
"boss@partner.example" = "tls13"

[rules]
"net.example" = { floor = "encrypt" }
".net.example" = { floor = "secure" }
".below.example" = { floor = "secure" }
"[mx.host.example]:587" = { floor = "dane-only" }
"[192.0.2.1]:25" = { floor = "encrypt" }

[rules."old.net.example".exception]
until = 2026-12-24T00:00:00Z
reason = "Their certificate ended."
owner = "postmaster@a.example"

[hosts.relay]
name = "relay.a.example"
min-tls = "1.3"

[hosts.other]
name = "other.example"
port = 587
enforces-recipient-policy = true
"#;

fn all() -> Settings {
    Settings::from_toml(ALL).unwrap()
}

#[test]
fn the_most_specific_entry_counts() {
    let settings = all();
    let compliance = |text: &str| settings.policy(None, &address(text), NOW).destination.compliance;
    assert_eq!(compliance("boss@partner.example"), Some(Level::Tls13));
    assert_eq!(compliance("Boss@Partner.EXAMPLE"), Some(Level::Authenticated));
    assert_eq!(compliance("a@x.y.partner.example"), Some(Level::Encrypted));
    assert_eq!(compliance("a@notpartner.example"), None);
    // What is said of a domain's subdomains is not said of the domain.
    assert_eq!(compliance("a@x.below.example"), Some(Level::Encrypted));
    assert_eq!(compliance("a@below.example"), None);
    assert_eq!(compliance("a@example"), None);
}

#[test]
fn the_most_specific_rule_counts() {
    let settings = all();
    let rule = |text: &str| settings.policy(None, &address(text), NOW).destination.rule;
    assert_eq!(rule("a@net.example"), Some(Rule::Floor(Level::Encrypted)));
    assert_eq!(rule("a@x.y.net.example"), Some(Rule::Floor(Level::Authenticated)));
    assert!(matches!(rule("a@old.net.example"), Some(Rule::Exception { .. })));
    assert_eq!(rule("a@[192.0.2.1]"), Some(Rule::Floor(Level::Encrypted)));
    assert_eq!(rule("a@[192.0.2.2]"), None);
    assert_eq!(rule("a@x.below.example"), Some(Rule::Floor(Level::Authenticated)));
    assert_eq!(rule("a@below.example"), None);
    assert_eq!(rule("a@mx.host.example"), None);
    let hop = |port| NextHop::Host { name: "mx.host.example".parse().unwrap(), port };
    let by = |port| settings.policy_by(None, &address("a@net.example"), &hop(port), NOW).destination.rule;
    assert_eq!((by(587), by(25)), (Some(Rule::Floor(Level::DaneOnly)), None));
}

#[test]
fn an_exception_that_is_over_counts_no_longer_and_is_listed() {
    let settings = all();
    let end = Time::from_rfc3339("2026-12-24T00:00:00Z").unwrap();
    let at = |now| settings.rule(&domain("old.net.example"), now).cloned();
    assert!(matches!(at(end - Span::seconds(1)), Some(Rule::Exception { .. })));
    assert_eq!(at(end), Some(Rule::Floor(Level::Authenticated)));
    assert_eq!(settings.expired(end - Span::seconds(1)).count(), 0);
    let listed: Vec<_> = settings.expired(end).map(|(destination, _)| destination.to_string()).collect();
    assert_eq!(listed, ["old.net.example"]);
}

#[test]
fn a_guarantee_that_is_switched_off_comes_back() {
    let settings = all();
    let at = |sender: &str, now| settings.policy(Some(&address(sender)), &address("a@b.example"), now).guarantee;
    assert_eq!(at("u@a.example", NOW), Guarantee::On);
    assert_eq!(at("U@a.example", NOW), Guarantee::Off);
    assert_eq!(settings.policy(None, &address("a@b.example"), NOW).guarantee, Guarantee::Off);
    let back = NOW + Span::hours(1);
    assert_eq!(at("v@a.example", back - Span::seconds(1)), Guarantee::Off);
    assert_eq!(at("v@a.example", back), Guarantee::Strict);
}

#[test]
fn the_route_is_the_host_that_it_is_bound_to() {
    let mut settings = all();
    let relay = settings.policy(None, &address("a@b.example"), NOW).route.unwrap().clone();
    assert_eq!((relay.name.as_str(), relay.port), ("relay.a.example", 25));
    let proved = |atoms: &[Atom]| relay.route(atoms.iter().copied().collect()).proved();
    // The organisation wants TLS 1.3 of it: a route without is none.
    assert_eq!(proved(&[Atom::Encrypted, Atom::Tls12]), Atoms::NONE);
    assert!(proved(&[Atom::Encrypted, Atom::Tls12, Atom::Tls13]).contains(Atom::Encrypted));
    settings.route = None;
    assert!(settings.policy(None, &address("a@b.example"), NOW).route.is_none());
    let other = RelayHost { enforces_recipient_policy: true, ..RelayHost::new("o.example".parse().unwrap()) };
    let route = other.route(Atoms::NONE.with(Atom::Encrypted).with(Atom::Tls12));
    assert!(route.enforces_recipient_policy && route.proved().contains(Atom::Encrypted));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    // Of a key that is there twice, either place is named.
    for (text, line, word) in [
        ("version = 1\nversoin = 2\n", 2, "versoin"),
        ("\n[users]\n\"u@a.example\" = { guarantee = \"onn\" }\n", 3, "onn"),
        ("[users]\n\"u@a.example\" = { guarantee = \"on\", x = 1 }\n", 2, "x"),
        ("[users]\n\"u@a.example\" = {}\n", 2, "guarantee"),
        ("[users]\n\"no address\" = { guarantee = \"on\" }\n", 2, "no address"),
        ("[users]\n\"u@a.example\" = { guarantee = \"on\" }\n\"u@A.example\" = { guarantee = \"off\" }\n", 2, "twice"),
        (
            "[users]\n\"u@a.example\" = { guarantee = \"on\" }\n\"u@a.example\" = { guarantee = \"off\" }\n",
            3,
            "duplicate",
        ),
        ("[compliance]\n\"b..example\" = \"secure\"\n", 2, "label"),
        ("[compliance]\n\"b.example\" = \"securely\"\n", 2, "securely"),
        ("[rules]\n\"[mx.example]\" = { floor = \"encrypt\" }\n", 2, "[mx.example.org]:25"),
        ("[rules]\n\"[mx.example]:0\" = { floor = \"encrypt\" }\n", 2, "[mx.example.org]:25"),
        ("[rules]\n\"b.example\" = { flor = \"encrypt\" }\n", 2, "flor"),
        ("[rules.\"b.example\".exception]\nuntil = 2026-12-24\nreason = \"r\"\nowner = \"o\"\n", 2, "2026-12-24"),
        ("[rules.\"b.example\".exception]\nuntil = 5\nreason = \"r\"\nowner = \"o\"\n", 2, "2026-11-27T08:00:00Z"),
        ("[rules.\"b.example\".exception]\nuntil = 2026-12-24T00:00:00Z\nreason = \" \"\nowner = \"o\"\n", 3, "blank"),
        ("[rules.\"b.example\".exception]\nuntil = 2026-12-24T00:00:00Z\nreason = \"r\"\n", 1, "owner"),
        (
            "[rules.\"b.example\".exception]\nuntil = 2026-12-24T00:00:00Z\nreason = \"r\"\nowner = \"o\"\nby = \"x\"\n",
            5,
            "by",
        ),
        ("[hosts.relay]\nname = \"relay.example\"\nmin-tls = \"1.1\"\n", 3, "1.1"),
        ("[hosts.relay]\nname = \"192.0.2.1\"\n", 2, "address"),
        ("version = 1\nroute = \"nowhere\"\n", 2, "nowhere"),
        ("effective-from = \"yesterday\"\n", 1, "yesterday"),
        ("version = \n", 1, ""),
        ("version = -1\n", 1, "-1"),
    ] {
        match Settings::from_toml(text) {
            Err(Error::Settings { line: found, problem }) => {
                assert!(problem.contains(word) && !problem.contains('\n'), "{text}: {problem}");
                assert_eq!(found, line, "{text}: {problem}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(Settings::from_toml("").unwrap(), Settings::default());
}

#[test]
fn roles_limit_what_is_changed() {
    let settings = all();
    let user = address("u@a.example");
    let on = Change::SetGuarantee { user: user.clone(), guarantee: Guarantee::Strict };
    let compliance = Change::SetCompliance { party: party("c.example"), level: Some(Level::Encrypted) };
    let rule = Change::SetRule { destination: destination("c.example"), rule: Some(exception(NOW + Span::days(1))) };
    let host = Change::SetHost { name: "x".to_owned(), host: Some(RelayHost::new("x.example".parse().unwrap())) };
    let route = Change::SetRoute { name: Some("other".to_owned()) };
    let allowed = |name: &str, role| {
        [&on, &compliance, &rule, &host, &route].map(|change| {
            match settings.apply(change, &Actor::new(name, role), NOW) {
                Ok(_) => true,
                Err(Error::NotAllowed { .. }) => false,
                Err(other) => panic!("{other}"),
            }
        })
    };
    assert_eq!(allowed("u@A.example", Role::User), [true, false, false, false, false]);
    assert_eq!(allowed("v@a.example", Role::User), [false; 5]);
    assert_eq!(allowed("U@a.example", Role::User), [false; 5]);
    assert_eq!(allowed("anybody", Role::User), [false; 5]);
    assert_eq!(allowed("admin", Role::Administrator), [true, true, true, false, false]);
    assert_eq!(allowed("root", Role::TopAdministrator), [true; 5]);
}

#[test]
fn changes_that_make_no_sense_are_refused() {
    let settings = all();
    let (user, nobody) = (address("u@a.example"), address("w@a.example"));
    let off = |user: &Address, until| Change::SwitchOff { user: user.clone(), until };
    let rule = |rule| Change::SetRule { destination: destination("c.example"), rule: Some(rule) };
    let blank = Rule::Exception { until: NOW + Span::days(1), reason: " ".to_owned(), owner: "o".to_owned() };
    let unowned = Rule::Exception { until: NOW + Span::days(1), reason: "r".to_owned(), owner: String::new() };
    for change in [
        Change::SetGuarantee { user: user.clone(), guarantee: Guarantee::On },
        Change::SetGuarantee { user: nobody.clone(), guarantee: Guarantee::Off },
        off(&nobody, NOW + Span::hours(1)),
        off(&user, NOW),
        off(&user, NOW + LONGEST_OFF + Span::seconds(1)),
        Change::SwitchOn { user: user.clone() },
        Change::SwitchOn { user: nobody },
        rule(exception(NOW)),
        rule(exception(Time::NEVER)),
        rule(blank),
        rule(unowned),
        Change::SetRule { destination: destination("c.example"), rule: None },
        Change::SetHost { name: "relay".to_owned(), host: None },
        Change::SetHost { name: " ".to_owned(), host: None },
        Change::SetRoute { name: Some("nowhere".to_owned()) },
        Change::SetRoute { name: Some("relay".to_owned()) },
    ] {
        assert!(matches!(settings.apply(&change, &top(), NOW), Err(Error::Change(_))), "{change:?}");
    }
    let anonymous = Actor::new("", Role::TopAdministrator);
    assert!(settings.apply(&off(&user, NOW + Span::hours(1)), &anonymous, NOW).is_err());
    let early = settings.apply_from(&off(&user, NOW + Span::hours(1)), &top(), NOW, NOW - Span::seconds(1));
    assert!(matches!(early, Err(Error::Change(_))));
}

#[test]
fn an_event_says_who_when_what_the_old_value_and_the_new() {
    let change = Change::SwitchOff { user: address("u@a.example"), until: NOW + Span::hours(1) };
    let changed = all().apply(&change, &Actor::new("u@a.example", Role::User), NOW).unwrap();
    let expected = r#"{"version":4,"at":"2026-11-27T12:00:00Z","actor":{"name":"u@a.example","role":"user"},"#
        .to_owned()
        + r#""effective-from":"2026-11-27T12:00:00Z","what":"guarantee","user":"u@a.example","old":{"guarantee":"on"},"#
        + r#""new":{"guarantee":"on","off-until":"2026-11-27T13:00:00Z"}}"#;
    assert_eq!(serde_json::to_string(&changed.event).unwrap(), expected);
    assert_eq!(serde_json::from_str::<AuditEvent>(&expected).unwrap(), changed.event);

    let refused = Redemption::Refused(Refused::Used);
    let event = AuditEvent::one_time(&all(), &address("u@a.example"), &address("g@b.example"), &refused, NOW);
    let json = serde_json::to_string(&event).unwrap();
    assert!(json.ends_with(r#""what":"one-time","recipient":"g@b.example","new":{"refused":"used"}}"#), "{json}");
    assert_eq!(serde_json::from_str::<AuditEvent>(&json).unwrap(), event);
}

#[test]
fn a_change_may_take_effect_later() {
    let settings = all();
    let change = Change::SetRoute { name: None };
    let later = settings.apply_from(&change, &top(), NOW, NOW + Span::hours(24)).unwrap().settings;
    let soon = Change::SetRule { destination: destination("c.example"), rule: Some(Rule::Floor(Level::Tls13)) };
    // What follows is not in force before it.
    let last = later.apply(&soon, &top(), NOW + Span::hours(1)).unwrap().settings;
    assert_eq!(last.effective_from, later.effective_from);
    let versions = [settings, later, last];
    let version = |now| Settings::in_force(&versions, now).map(|settings| settings.version);
    assert_eq!(version(Time::from_unix(0)), None);
    assert_eq!(version(NOW), Some(3));
    assert_eq!(version(NOW + Span::hours(24) - Span::seconds(1)), Some(3));
    assert_eq!(version(NOW + Span::hours(24)), Some(5));
}

#[test]
fn events_that_do_not_follow_are_refused() {
    let start = all();
    let change = |guarantee| Change::SetGuarantee { user: address("u@a.example"), guarantee };
    let first = start.apply(&change(Guarantee::Strict), &top(), NOW).unwrap();
    let second = first.settings.apply(&change(Guarantee::Off), &top(), NOW).unwrap();
    let refuses = |settings: &Settings, event: &AuditEvent| {
        let mut replayed = settings.clone();
        let refused = matches!(replayed.replay(event), Err(Error::Audit { .. }));
        refused && replayed == *settings
    };
    assert!(refuses(&start, &second.event) && refuses(&first.settings, &first.event));
    let mut forged = second.event.clone();
    forged.what = What::Guarantee { user: Mailbox::new(address("u@a.example")), old: None, new: None };
    assert!(refuses(&first.settings, &forged));
    forged.what = What::Route { old: Some("relay".to_owned()), new: Some("nowhere".to_owned()) };
    assert!(refuses(&first.settings, &forged));
    let old = start.hosts.get("relay").cloned();
    forged.what = What::Host { name: "relay".to_owned(), old, new: None };
    assert!(refuses(&first.settings, &forged));
    let mut early = second.event.clone();
    early.effective_from = first.settings.effective_from - Span::seconds(1);
    assert!(refuses(&first.settings, &early));
    assert!(!refuses(&first.settings, &second.event));
}

fn users() -> impl Strategy<Value = Address> {
    "[ab]@[cd]\\.example".prop_map(|text| address(&text))
}

fn levels() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Encrypted), Just(Level::Authenticated), Just(Level::DaneOnly), Just(Level::Tls13)]
}

fn times() -> impl Strategy<Value = Time> {
    (-2_i64..30).prop_map(|hours| NOW + Span::hours(hours))
}

fn changes() -> impl Strategy<Value = Change> {
    let guarantees = prop_oneof![Just(Guarantee::Off), Just(Guarantee::On), Just(Guarantee::Strict)];
    let rules = prop_oneof![levels().prop_map(Rule::Floor), times().prop_map(exception)];
    let hosts = ("[ab]\\.example", any::<bool>()).prop_map(|(name, enforces_recipient_policy)| RelayHost {
        enforces_recipient_policy,
        ..RelayHost::new(name.parse().unwrap())
    });
    let name = "[xy]";
    prop_oneof![
        (users(), guarantees).prop_map(|(user, guarantee)| Change::SetGuarantee { user, guarantee }),
        (users(), times()).prop_map(|(user, until)| Change::SwitchOff { user, until }),
        users().prop_map(|user| Change::SwitchOn { user }),
        ("\\.?[cd]\\.example|[ab]@c\\.example", proptest::option::of(levels()))
            .prop_map(|(to, level)| Change::SetCompliance { party: party(&to), level }),
        ("\\.?[cd]\\.example|\\[c\\.example\\]:[12]", proptest::option::of(rules))
            .prop_map(|(to, rule)| Change::SetRule { destination: destination(&to), rule }),
        (name, proptest::option::of(hosts)).prop_map(|(name, host)| Change::SetHost { name, host }),
        proptest::option::of(name).prop_map(|name| Change::SetRoute { name }),
    ]
}

fn actors() -> impl Strategy<Value = Actor> {
    prop_oneof![
        users().prop_map(|user| Actor::new(&user.to_string(), Role::User)),
        Just(Actor::new("admin", Role::Administrator)),
        Just(top()),
    ]
}

proptest! {
    /// The events, written and read again, lead from the first settings to the last; what was refused changed nothing.
    #[test]
    fn replaying_the_events_gives_the_settings(asked in vec((changes(), actors(), 0_i64..100, 0_i64..100), 0..40)) {
        let (mut settings, mut events, mut now) = (Settings::default(), Vec::new(), NOW - Span::hours(5));
        for (change, actor, wait, delay) in asked {
            now = now + Span::minutes(wait);
            let Ok(changed) = settings.apply_from(&change, &actor, now, now + Span::minutes(delay)) else { continue };
            let AuditEvent { version, at, effective_from, .. } = changed.event;
            prop_assert_eq!((version, at), (settings.version + 1, now));
            prop_assert_eq!(&changed.event.actor, &actor);
            prop_assert!(effective_from >= now && effective_from >= settings.effective_from);
            prop_assert_ne!(&changed.settings, &settings);
            settings = changed.settings;
            events.push(serde_json::to_string(&changed.event).unwrap());
        }
        let mut replayed = Settings::default();
        for event in &events {
            replayed.replay(&serde_json::from_str(event).unwrap()).unwrap();
        }
        prop_assert_eq!(&replayed, &settings);
        // A gap shows.
        if let Some(event) = events.get(1) {
            prop_assert!(Settings::default().replay(&serde_json::from_str(event).unwrap()).is_err());
        }
        // All of it is data.
        let json = serde_json::to_string(&settings).unwrap();
        prop_assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    }

    /// A user changes the own guarantee and nothing else, and nobody but the top unit's administrator the route.
    #[test]
    fn nobody_changes_what_is_not_theirs(asked in vec(changes(), 0..20), change in changes(), actor in actors()) {
        let mut settings = Settings::default();
        for change in asked {
            settings = settings.apply(&change, &top(), NOW).map_or(settings, |changed| changed.settings);
        }
        let Ok(Changed { settings: mut after, .. }) = settings.apply(&change, &actor, NOW) else { return Ok(()) };
        if actor.role < Role::TopAdministrator {
            prop_assert_eq!((&after.route, &after.hosts), (&settings.route, &settings.hosts));
        }
        if actor.role == Role::User {
            let own = Mailbox::new(address(&actor.name));
            match settings.users.get(&own) {
                Some(user) => after.users.insert(own, *user),
                None => after.users.remove(&own),
            };
            let Settings { version, effective_from, .. } = settings;
            prop_assert_eq!(Settings { version, effective_from, ..after }, settings);
        }
    }

    /// Names of parties and destinations are read as they are written.
    #[test]
    fn names_survive_their_text(
        text in "\\.?[a-z]{1,9}\\.example|[a-z]{1,9}@[a-z]{1,9}\\.example|\\[(mx\\.example|192\\.0\\.2\\.1|2001:db8::1)\\]:[1-9][0-9]{0,3}|[ -~ä]{0,20}",
    ) {
        if let Ok(party) = text.parse::<Party>() {
            prop_assert_eq!(party.to_string().parse::<Party>().unwrap(), party);
        }
        if let Ok(destination) = text.parse::<Destination>() {
            prop_assert_eq!(destination.to_string().parse::<Destination>().unwrap(), destination);
        }
    }

    /// Nothing that is written in a file stops the program, and a line is named that is there.
    #[test]
    fn any_file_is_read_or_refused(lines in vec(any::<prop::sample::Index>(), 0..30), other in "[ -~\n\"ä\0]{0,40}") {
        let all: Vec<&str> = ALL.lines().collect();
        let mut text: Vec<&str> = lines.iter().map(|line| all[line.index(all.len())]).collect();
        text.push(&other);
        let text = text.join("\n");
        if let Err(error) = Settings::from_toml(&text) {
            let Error::Settings { line, .. } = error else { panic!("{error}") };
            prop_assert!(line >= 1 && line <= text.split('\n').count());
        }
    }
}

#[test]
fn a_next_hop_as_a_whole_has_what_is_set_for_its_domain_and_not_what_is_set_for_an_address() {
    let settings = Settings::from_toml(
        "version = 1\n[compliance]\n\"postmaster@a.example\" = \"secure\"\n\".b.example\" = \"encrypt\"\n",
    )
    .unwrap();
    let compliance = |name: &str| settings.destination(&domain(name), NOW).compliance;
    assert_eq!(compliance("a.example"), None);
    assert_eq!(compliance("x.b.example"), Some(Level::Encrypted));
    assert_eq!(compliance("b.example"), None);
}
