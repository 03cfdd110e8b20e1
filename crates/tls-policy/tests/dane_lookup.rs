//! In which order DNS is asked, and what its answers mean: against another reading of RFC 7672 §2.2.

#![cfg(test)]

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use proptest::prelude::*;
use sealpost_mail::Domain;
use sealpost_tls_policy::{
    dane::{
        TlsaRecord,
        lookup::{Alias, Answer, Found, Limits, MxRecord, Outcome, Question, Reply, Search},
    },
    facts::{Addresses, DestinationFacts, Dnssec, HostFacts, Mx, NextHop, Tlsa},
};

/// What a small DNS has.
#[derive(Clone, Debug)]
struct World {
    mx: Outcome<MxRecord>,
    addresses: BTreeMap<(String, bool), Outcome<IpAddr>>,
    tlsa: BTreeMap<String, Outcome<TlsaRecord>>,
}

const HOSTS: [&str; 4] = ["example.org", "a.example.org", "b.example.org", "c.example.org"];
const TARGETS: [&str; 3] = ["a.example.org", "x.example.net", "y.example.net"];

fn dnssec() -> impl Strategy<Value = Dnssec> {
    // More often secure: else long ways are never secure to their end.
    prop_oneof![3 => Just(Dnssec::Secure), 1 => Just(Dnssec::Insecure)]
}

fn outcome<T: Clone + std::fmt::Debug>(record: impl Strategy<Value = T>) -> impl Strategy<Value = Outcome<T>> {
    let alias = (prop::sample::select(&TARGETS[..]), dnssec())
        .prop_map(|(target, dnssec)| Alias::new(target.parse().unwrap(), dnssec));
    let found = prop_oneof![
        4 => prop::collection::vec(record, 1..4).prop_map(Found::Records),
        1 => Just(Found::NoData),
        1 => Just(Found::NoSuchName),
    ];
    let aliases = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(alias, 1..4)];
    let answer = (aliases, found, dnssec()).prop_map(|(aliases, found, dnssec)| Answer::new(aliases, found, dnssec));
    prop_oneof![1 => Just(Outcome::Failed), 6 => answer.prop_map(Outcome::Answered)]
}

fn world() -> impl Strategy<Value = World> {
    let exchange = prop_oneof![
        8 => prop::sample::select(&HOSTS[..]).prop_map(|name| name.to_uppercase() + "."),
        1 => Just(".".to_owned()),
        1 => Just("192.0.2.1.".to_owned()),
    ];
    let mx = outcome((0_u16..3, exchange).prop_map(|(preference, exchange)| MxRecord::new(preference, exchange)));
    let address = (1_u8..20).prop_map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
    let families: Vec<(String, bool)> =
        HOSTS.iter().flat_map(|host| [false, true].map(|v6| ((*host).to_owned(), v6))).collect();
    let addresses = prop::collection::vec(outcome(address), families.len())
        .prop_map(move |outcomes| families.clone().into_iter().zip(outcomes).collect());
    let record = (0_u8..5, any::<bool>())
        .prop_map(|(usage, whole)| TlsaRecord::new(usage, 1, 1, vec![usage; if whole { 32 } else { 31 }]).unwrap());
    let names: Vec<String> = HOSTS.iter().chain(&TARGETS).map(|name| (*name).to_owned()).collect();
    let tlsa = prop::collection::vec(outcome(record), names.len())
        .prop_map(move |outcomes| names.clone().into_iter().zip(outcomes).collect());
    (mx, addresses, tlsa).prop_map(|(mx, addresses, tlsa)| World { mx, addresses, tlsa })
}

impl World {
    fn reply(&self, question: &Question) -> Reply {
        match question {
            Question::Mx(_) => Reply::Mx(self.mx.clone()),
            Question::A(name) => Reply::Addresses(self.addresses[&(name.to_string(), false)].clone()),
            Question::Aaaa(name) => Reply::Addresses(self.addresses[&(name.to_string(), true)].clone()),
            Question::Tlsa { base, .. } => Reply::Tlsa(self.tlsa[base.as_str()].clone()),
            other => panic!("{other:?}"),
        }
    }

    /// Asks until there is nothing to ask, or `most` questions are answered; what was asked, and the facts.
    fn search(&self, next_hop: NextHop, most: usize) -> (Vec<Question>, DestinationFacts) {
        let mut search = Search::new(next_hop, Limits::default());
        let mut asked = Vec::new();
        for _round in 0..5 {
            for question in search.questions() {
                if asked.len() < most {
                    search.answer(&question, self.reply(&question));
                    asked.push(question);
                }
            }
        }
        assert!(asked.len() == most || search.questions().is_empty(), "it takes four rounds at most");
        (asked, search.facts())
    }

    /// The table of RFC 7672 §2.2, for one host.
    fn tlsa(&self, host: &str) -> Tlsa {
        let families = [false, true].map(|v6| &self.addresses[&(host.to_owned(), v6)]);
        let found = families.into_iter().filter_map(|outcome| match outcome {
            Outcome::Answered(answer) if matches!(answer.found, Found::Records(_)) => Some(answer),
            _ => None,
        });
        let found: Vec<&Answer<IpAddr>> = found.collect();
        let steps = |answer: &Answer<IpAddr>| -> Vec<Dnssec> {
            answer.aliases.iter().map(|alias| alias.dnssec).chain([answer.dnssec]).collect()
        };
        // §2.2.2: all secured; or the first alias only; or no TLSA records at all.
        let whole = found.iter().find(|answer| !steps(answer).contains(&Dnssec::Insecure));
        let bases = match whole {
            Some(answer) => match answer.aliases.last() {
                Some(alias) => vec![alias.target.to_string(), host.to_owned()],
                None => vec![host.to_owned()],
            },
            None if found.iter().any(|answer| steps(answer).len() > 1 && steps(answer)[0] == Dnssec::Secure) => {
                vec![host.to_owned()]
            }
            None => return Tlsa::NotAsked,
        };
        for base in bases {
            match &self.tlsa[&base] {
                Outcome::Failed => return Tlsa::Failed,
                Outcome::Answered(answer) if answer.is_secure() => {
                    if let Found::Records(records) = &answer.found {
                        let usable = records.iter().any(TlsaRecord::is_usable);
                        return if usable { usable_tlsa(&base, records) } else { Tlsa::Unusable };
                    }
                }
                Outcome::Answered(_) => {}
            }
        }
        Tlsa::Absent
    }
}

/// By way of its JSON, since other crates can't make one.
fn usable_tlsa(base: &str, records: &[TlsaRecord]) -> Tlsa {
    serde_json::from_value(serde_json::json!({ "usable": { "base": base, "records": records } })).unwrap()
}

fn hosts(facts: &DestinationFacts) -> &[HostFacts] {
    match &facts.mx {
        Mx::Hosts { hosts, .. } => hosts,
        _ => &[],
    }
}

fn domain() -> NextHop {
    NextHop::Domain("example.org".parse().unwrap())
}

fn host(name: &str) -> NextHop {
    serde_json::from_value(serde_json::json!({ "host": { "name": name, "port": 25 } })).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn each_host_is_judged_as_the_table_says(world in world()) {
        let (_, facts) = world.search(domain(), usize::MAX);
        for host in hosts(&facts) {
            prop_assert_eq!(&host.tlsa, &world.tlsa(host.name.as_str()), "{}", host.name);
        }
    }

    /// What fails for one host spoils no other: each is as if it were asked for alone.
    #[test]
    fn hosts_do_not_spoil_each_other(world in world()) {
        let (_, facts) = world.search(domain(), usize::MAX);
        for found in hosts(&facts) {
            let (_, alone) = world.search(host(found.name.as_str()), usize::MAX);
            let alone = &hosts(&alone)[0];
            prop_assert_eq!((&alone.addresses, &alone.tlsa), (&found.addresses, &found.tlsa));
        }
    }

    #[test]
    fn nothing_is_asked_twice_or_too_early(world in world()) {
        let (asked, facts) = world.search(domain(), usize::MAX);
        // One name can have TLSA records for two hosts, for one of them in its second try: a cache answers that.
        let once: Vec<&Question> = asked.iter().filter(|question| !matches!(question, Question::Tlsa { .. })).collect();
        prop_assert_eq!(once.iter().collect::<BTreeSet<_>>().len(), once.len());
        let place = |wanted: &dyn Fn(&Question) -> bool| asked.iter().position(wanted);
        prop_assert_eq!(place(&|question| matches!(question, Question::Mx(_))), Some(0));
        let first = place(&|question| matches!(question, Question::Tlsa { .. })).unwrap_or(usize::MAX);
        let last = asked.iter().rposition(|question| matches!(question, Question::A(_) | Question::Aaaa(_)));
        prop_assert!(last.is_none_or(|last| last < first), "addresses before TLSA records");
        let wanted = hosts(&facts).iter().any(|host| host.tlsa != Tlsa::NotAsked);
        prop_assert_eq!(wanted, first < usize::MAX);
    }

    /// Whoever keeps answers back, or lets them fail, never makes a host look as if it had no TLSA records.
    #[test]
    fn missing_answers_weaken_nothing(world in world(), most in 0_usize..20, failing: bool) {
        let (asked, whole) = world.search(domain(), usize::MAX);
        let facts = if failing {
            let mut world = world.clone();
            match asked.get(most) {
                Some(Question::Mx(_)) => world.mx = Outcome::Failed,
                // A family of addresses that fails leaves the other one; that is judged by itself.
                Some(Question::Tlsa { base, .. }) => drop(world.tlsa.insert(base.to_string(), Outcome::Failed)),
                _ => {}
            }
            world.search(domain(), usize::MAX).1
        } else {
            world.search(domain(), most).1
        };
        let by_name: BTreeMap<&str, &HostFacts> = hosts(&whole).iter().map(|host| (host.name.as_str(), host)).collect();
        for host in hosts(&facts) {
            let before = by_name[host.name.as_str()];
            let usable = matches!(host.addresses, Addresses::Found(_));
            let same = host.tlsa == before.tlsa;
            prop_assert!(!usable || same || host.tlsa == Tlsa::Failed, "{:?} after {:?}", host.tlsa, before.tlsa);
        }
    }

    #[test]
    fn hosts_stand_in_the_order_of_their_preference(world in world()) {
        let (_, facts) = world.search(domain(), usize::MAX);
        let found = hosts(&facts);
        prop_assert!(found.is_sorted_by_key(|host| host.preference));
        prop_assert_eq!(found.iter().map(|host| &host.name).collect::<BTreeSet<_>>().len(), found.len());
        match &world.mx {
            Outcome::Failed => prop_assert_eq!(&facts.mx, &Mx::Failed),
            Outcome::Answered(answer) => match &answer.found {
                Found::NoSuchName => prop_assert_eq!(&facts.mx, &Mx::NoSuchDomain),
                Found::NoData => prop_assert_eq!(found[0].name.as_str(), "example.org"),
                Found::Records(records) => {
                    let named: BTreeSet<String> = records
                        .iter()
                        .map(|record| record.exchange.trim_end_matches('.').to_lowercase())
                        .filter(|name| HOSTS.contains(&name.as_str()))
                        .collect();
                    prop_assert_eq!(found.len(), named.len());
                    if records.iter().all(|record| record.exchange == ".") {
                        prop_assert_eq!(&facts.mx, &Mx::Null);
                    } else if named.is_empty() {
                        prop_assert_eq!(&facts.mx, &Mx::Failed);
                    }
                }
            },
        }
        if let (Mx::Hosts { dnssec, .. }, Outcome::Answered(answer)) = (&facts.mx, &world.mx) {
            prop_assert_eq!(*dnssec == Dnssec::Secure, answer.is_secure());
            let last = answer.aliases.last().map(|alias| alias.target.as_str());
            prop_assert_eq!(facts.expanded.as_ref().map(Domain::as_str), last);
        }
    }
}

#[test]
fn limits_hold() {
    let limits = Limits::default();
    let many = (0..900).map(|host| MxRecord::new(900 - host, format!("mx{host}.example.org"))).collect();
    let mut search = Search::new(domain(), limits);
    search.answer(&search.questions()[0].clone(), Reply::Mx(secure(Found::Records(many))));
    for question in search.questions() {
        let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST); 900];
        search.answer(&question, Reply::Addresses(secure(Found::Records(addresses))));
    }
    for question in search.questions() {
        let record = TlsaRecord::new(3, 1, 1, vec![0; 32]).unwrap();
        search.answer(&question, Reply::Tlsa(secure(Found::Records(vec![record; limits.tlsa_records + 1]))));
    }
    let facts = search.facts();
    assert_eq!(hosts(&facts).len(), limits.hosts);
    assert_eq!(hosts(&facts)[0].name.as_str(), "mx899.example.org");
    for host in hosts(&facts) {
        let Addresses::Found(addresses) = &host.addresses else { panic!() };
        assert_eq!(addresses.len(), 2 * limits.addresses);
        assert_eq!(host.tlsa, Tlsa::Failed, "too many records are a failed look-up");
    }
    // Aliases without end.
    let alias = Alias::new("x.example.net".parse().unwrap(), Dnssec::Secure);
    let long = Answer::new(vec![alias; limits.aliases + 1], Found::NoData, Dnssec::Secure);
    let mut search = Search::new(domain(), limits);
    search.answer(&search.questions()[0].clone(), Reply::Mx(Outcome::Answered(long)));
    assert_eq!(search.facts().mx, Mx::Failed);
}

fn secure<T>(found: Found<T>) -> Outcome<T> {
    Outcome::Answered(Answer::new(vec![], found, Dnssec::Secure))
}

#[test]
fn replies_to_nothing_are_passed_over() {
    let mut search = Search::new(domain(), Limits::default());
    let name: Domain = "example.org".parse().unwrap();
    search.answer(&Question::A(name.clone()), Reply::Addresses(Outcome::Failed));
    search.answer(&Question::Mx(name.clone()), Reply::Addresses(Outcome::Failed));
    search.answer(&Question::Mx("example.net".parse().unwrap()), Reply::Mx(Outcome::Failed));
    assert_eq!(search.questions(), [Question::Mx(name)]);
    let address = Search::new(NextHop::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)), Limits::default());
    assert!(address.questions().is_empty());
}
