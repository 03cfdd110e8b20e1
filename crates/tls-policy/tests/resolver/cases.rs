//! What the resolver makes of honest and of other answers.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use hickory_resolver::proto::{
    dnssec::{
        Nsec3HashAlgorithm,
        rdata::{DNSSECRData, NSEC, NSEC3},
    },
    op::{Message, Query, ResponseCode},
    rr::{
        RData, Record, RecordType,
        rdata::{A, CNAME, MX, NS, TLSA, TXT},
    },
};
use sealpost_mail::Domain;
use sealpost_tls_policy::{
    facts::{Addresses, DestinationFacts, Dnssec, HostFacts, Mx, NextHop, Tlsa},
    resolver::{Known, Resolver, Settings, State, Txt},
};

use crate::server::{Server, Zone, failed, honest, name, record, soa};

fn a(owner: &str) -> Record {
    record(owner, RData::A(A(Ipv4Addr::new(192, 0, 2, 1))))
}

fn mx(owner: &str, preference: u16, exchange: &str) -> Record {
    record(owner, RData::MX(MX::new(preference, name(exchange))))
}

fn alias(owner: &str, target: &str) -> Record {
    record(owner, RData::CNAME(CNAME(name(target))))
}

fn tlsa(host: &str, usage: u8) -> Record {
    let data = RData::TLSA(TLSA::new(usage.into(), 1.into(), 1.into(), vec![usage; 32]));
    record(&format!("_25._tcp.{host}"), data)
}

fn txt(owner: &str, parts: &[&str]) -> Record {
    record(owner, RData::TXT(TXT::new(parts.iter().map(|part| (*part).to_owned()).collect())))
}

fn world() -> Vec<Record> {
    vec![
        record("insecure.", RData::NS(NS(name("ns.insecure.")))),
        mx("example.", 10, "mx.example."),
        mx("example.", 20, "mx.insecure."),
        mx("example.", 30, "alias.example."),
        mx("example.", 40, "cross.example."),
        mx("example.", 50, "none.example."),
        mx("example.", 60, "odd.example."),
        mx("example.", 70, "gone.example."),
        mx("example.", 80, "192.0.2.7."),
        a("mx.example."),
        tlsa("mx.example.", 3),
        tlsa("mx.example.", 2),
        a("mx.insecure."),
        tlsa("mx.insecure.", 3),
        alias("alias.example.", "mx.example."),
        alias("cross.example.", "mx.insecure."),
        tlsa("cross.example.", 3),
        a("none.example."),
        a("odd.example."),
        tlsa("odd.example.", 1),
        mx("null.example.", 0, "."),
        mx("plain.insecure.", 10, "mx.example."),
        alias("www.example.", "bare.example."),
        a("bare.example."),
        alias("www.insecure.", "bare.example."),
        txt("_mta-sts.example.", &["v=STSv1; ", "id=1;"]),
        txt("_mta-sts.insecure.", &["v=STSv1; id=2;"]),
        txt("long.example.", &["x"; 200]),
        txt("long.example.", &["y".repeat(255).as_str(); 10]),
    ]
}

fn settings(server: &(SocketAddr, String)) -> Settings {
    let settings = Settings::new(&[server.0]).unwrap().with_trust_anchors(&server.1).unwrap();
    settings.with_time_limits(Duration::from_millis(700), Duration::from_secs(5))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

fn search(domain: &str, way: impl Fn(&Query, Message) -> Option<Message> + Send + Sync + 'static) -> DestinationFacts {
    let server = Server::start(world(), way);
    let resolver = Resolver::new(&settings(&server)).unwrap();
    run(resolver.destination(&NextHop::Domain(domain.parse().unwrap())))
}

fn hosts(facts: &DestinationFacts) -> (Dnssec, &[HostFacts]) {
    match &facts.mx {
        Mx::Hosts { dnssec, hosts, .. } => (*dnssec, hosts),
        other => panic!("{other:?}"),
    }
}

/// The TLSA look-up of `mx.example`, with this on the way of its answer.
fn attacked(way: impl Fn(&Query, Message) -> Option<Message> + Send + Sync + 'static) -> Tlsa {
    let facts = search("example", move |query, answer| {
        let hit = *query.name() == name("_25._tcp.mx.example.");
        if hit { way(query, answer) } else { Some(answer) }
    });
    let (dnssec, hosts) = hosts(&facts);
    assert_eq!(dnssec, Dnssec::Secure);
    // No other host is spoiled by it.
    assert!(matches!(&hosts[3].tlsa, Tlsa::Usable { .. }), "{:?}", hosts[3]);
    hosts[0].tlsa.clone()
}

#[test]
fn honest_answers_give_the_facts() {
    let facts = search("example", honest);
    let (dnssec, hosts) = hosts(&facts);
    assert_eq!(dnssec, Dnssec::Secure);
    let found: Vec<(&str, &Tlsa)> = hosts.iter().map(|host| (host.name.as_str(), &host.tlsa)).collect();
    let usable = |tlsa: &Tlsa, wanted: &str, count: usize| {
        let Tlsa::Usable { base, records, .. } = tlsa else { panic!("{tlsa:?}") };
        assert_eq!((base.as_str(), records.len()), (wanted, count));
    };
    assert_eq!(found.len(), 7, "what names an address is no host");
    usable(found[0].1, "mx.example", 2);
    assert_eq!(found[1], ("mx.insecure", &Tlsa::NotAsked));
    // Under the name that the alias stands for, and under its own where that is not secured.
    usable(found[2].1, "mx.example", 2);
    usable(found[3].1, "cross.example", 1);
    assert_eq!(found[4], ("none.example", &Tlsa::Absent));
    assert_eq!(found[5], ("odd.example", &Tlsa::Unusable));
    assert_eq!(found[6], ("gone.example", &Tlsa::NotAsked));
    let v4 = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    assert!(hosts[..6].iter().all(|host| host.addresses == Addresses::Found(vec![v4])), "{hosts:?}");
    assert_eq!(hosts[6].addresses, Addresses::None);
}

#[test]
fn domains_without_hosts_are_told_apart() {
    assert_eq!(search("null.example", honest).mx, Mx::Null);
    let gone = |query: &Query, answer: Message| {
        let hit = *query.name() == name("gone.insecure.");
        let zone = [soa("insecure.")];
        let mut gone = failed(answer.clone(), ResponseCode::NXDomain);
        gone.add_authorities(zone);
        Some(if hit { gone } else { answer })
    };
    assert_eq!(search("gone.insecure", gone).mx, Mx::NoSuchDomain);
    // The same lie about a signed zone is found out.
    let lie = |query: &Query, answer: Message| {
        let hit = *query.name() == name("example.");
        Some(if hit { failed(answer, ResponseCode::NXDomain) } else { answer })
    };
    assert_eq!(search("example", lie).mx, Mx::Failed);
}

/// A domain without MX records is its own host. An alias on the way that is not secured makes all of it insecure.
#[test]
fn aliases_of_domains_without_mx_are_seen() {
    for (domain, expanded, secure) in [
        ("bare.example", None, Dnssec::Secure),
        ("www.example", Some("bare.example"), Dnssec::Secure),
        ("www.insecure", Some("bare.example"), Dnssec::Insecure),
    ] {
        let facts = search(domain, honest);
        let (dnssec, hosts) = hosts(&facts);
        assert_eq!((dnssec, facts.expanded.as_ref().map(Domain::as_str)), (secure, expanded), "{domain}");
        assert_eq!((hosts.len(), hosts[0].name.as_str()), (1, domain));
    }
    let facts = search("plain.insecure", honest);
    let (dnssec, hosts) = hosts(&facts);
    // The host of an unsigned domain is looked up for itself (RFC 7672 §2.2.1).
    assert_eq!(dnssec, Dnssec::Insecure);
    assert!(matches!(hosts[0].tlsa, Tlsa::Usable { .. }));
}

#[test]
fn nobody_on_the_way_takes_tlsa_records_away() {
    assert!(matches!(attacked(honest), Tlsa::Usable { .. }));
    assert_eq!(attacked(|_, _| None), Tlsa::Failed, "silence");
    for code in [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::NXDomain, ResponseCode::NoError] {
        assert_eq!(attacked(move |_, answer| Some(failed(answer, code))), Tlsa::Failed, "{code}");
    }
    // With the SOA of a zone that is proved to be unsigned, but is another one.
    for code in [ResponseCode::NXDomain, ResponseCode::NoError] {
        let foreign = move |_: &Query, answer: Message| {
            let mut forged = failed(answer, code);
            forged.add_authorities([soa("insecure.")]);
            Some(forged)
        };
        assert_eq!(attacked(foreign), Tlsa::Failed, "{code}, and a foreign SOA");
    }
    for zone in [".", "example.", "mx.example.", "_tcp.mx.example.", "_25._tcp.mx.example."] {
        let own = move |_: &Query, answer: Message| {
            let mut forged = failed(answer, ResponseCode::NoError);
            forged.add_authorities([soa(zone)]);
            Some(forged)
        };
        assert_eq!(attacked(own), Tlsa::Failed, "an unsigned SOA of {zone}");
    }
}

#[test]
fn nobody_on_the_way_changes_answers() {
    let changed = |_: &Query, mut answer: Message| {
        for record in &mut answer.answers {
            if let RData::TLSA(tlsa) = &mut record.data {
                tlsa.cert_data[0] ^= 1;
            }
        }
        Some(answer)
    };
    assert_eq!(attacked(changed), Tlsa::Failed);
    let unsigned = |_: &Query, mut answer: Message| {
        answer.answers.retain(|record| record.record_type() != RecordType::RRSIG);
        Some(answer)
    };
    assert_eq!(attacked(unsigned), Tlsa::Failed);
    let elsewhere = |_: &Query, mut answer: Message| {
        answer.answers = vec![alias("_25._tcp.mx.example.", "_25._tcp.mx.insecure."), tlsa("mx.insecure.", 3)];
        Some(answer)
    };
    assert_eq!(attacked(elsewhere), Tlsa::Failed);
    let other_hosts = search("example", |query, mut answer| {
        if *query.name() == name("example.") && query.query_type() == RecordType::MX {
            answer.answers = vec![mx("example.", 1, "mx.insecure.")];
        }
        Some(answer)
    });
    assert_eq!(other_hosts.mx, Mx::Failed);
}

/// Whoever has a signed zone can sign a denial that reaches out of it: it proves nothing about other zones.
#[test]
fn nobody_denies_records_of_another_zone() {
    let nsec = NSEC::new(name("zzz."), [RecordType::A]);
    let nsec = record("x.aaa.", RData::DNSSEC(DNSSECRData::NSEC(nsec)));
    // More iterations than count as a proof (RFC 9276 §3.2): then a zone counts as unsigned, but only that zone.
    let nsec3 = NSEC3::new(Nsec3HashAlgorithm::SHA1, false, 150, Vec::new(), vec![0; 20], [RecordType::A]);
    let nsec3 = record("00000000000000000000000000000000.aaa.", RData::DNSSEC(DNSSECRData::NSEC3(nsec3)));
    for (denial, code) in [&nsec, &nsec3]
        .into_iter()
        .flat_map(|denial| [ResponseCode::NXDomain, ResponseCode::NoError].map(|code| (denial, code)))
    {
        for with_answer in [false, true] {
            let zone = Zone::new("aaa.");
            let mut records = world();
            records.push(zone.delegation());
            let forged = zone.signed(denial.clone());
            let server = Server::start(records, move |query, mut answer| {
                if *query.name() == name("aaa.") && query.query_type() == RecordType::DNSKEY {
                    answer = failed(answer, ResponseCode::NoError);
                    answer.add_answers(zone.keys());
                }
                if *query.name() == name("_25._tcp.mx.example.") && query.query_type() == RecordType::TLSA {
                    let records = std::mem::take(&mut answer.answers);
                    answer = failed(answer, code);
                    answer.add_authorities(forged.clone());
                    answer.add_answers(records.into_iter().filter(|_| with_answer));
                }
                Some(answer)
            });
            let resolver = Resolver::new(&settings(&server)).unwrap();
            let facts = run(resolver.destination(&NextHop::Domain("example".parse().unwrap())));
            let (_, hosts) = hosts(&facts);
            let kind = denial.record_type();
            assert_eq!(hosts[0].tlsa, Tlsa::Failed, "{kind} {code} {with_answer}");
            assert!(matches!(hosts[3].tlsa, Tlsa::Usable { .. }));
        }
    }
}

/// A record of a wildcard, signed well, for a name that has its own: that the name has none must be proved too.
#[test]
fn nobody_on_the_way_puts_a_wildcard_in_the_place_of_a_record() {
    for foreign in [false, true] {
        let wildcard: Arc<OnceLock<Vec<Record>>> = Arc::default();
        let mut records = world();
        records.push(record("*.mx.example.", tlsa("mx.example.", 3).data));
        let replayed = Arc::clone(&wildcard);
        let server = Server::start(records, move |query, mut answer| {
            if let Some(records) = replayed.get().filter(|_| *query.name() == name("_25._tcp.mx.example.")) {
                answer.answers.clone_from(records);
                answer.answers.iter_mut().for_each(|record| record.name = query.name().clone());
                answer.authorities = if foreign { vec![soa("insecure.")] } else { vec![] };
            }
            Some(answer)
        });
        wildcard.get_or_init(|| ask(server.0, "*.mx.example.", RecordType::TLSA).answers);
        let resolver = Resolver::new(&settings(&server)).unwrap();
        let facts = run(resolver.destination(&NextHop::Domain("example".parse().unwrap())));
        let (_, hosts) = hosts(&facts);
        assert_eq!(hosts[0].tlsa, Tlsa::Failed, "{foreign}");
        assert!(matches!(hosts[3].tlsa, Tlsa::Usable { .. }));
    }
}

/// One question over UDP, without a resolver.
fn ask(server: SocketAddr, owner: &str, kind: RecordType) -> Message {
    let mut question = Message::query();
    question.add_query(Query::query(name(owner), kind));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&question.to_vec().unwrap(), server).unwrap();
    let mut buffer = [0; 4096];
    let (len, _) = socket.recv_from(&mut buffer).unwrap();
    Message::from_vec(&buffer[..len]).unwrap()
}

/// What belongs to one host stays with it.
#[test]
fn an_address_that_fails_spoils_no_other_host() {
    let facts = search("example", |query, answer| {
        let hit = *query.name() == name("mx.example.") && query.query_type() != RecordType::DS;
        Some(if hit { failed(answer, ResponseCode::ServFail) } else { answer })
    });
    let (_, hosts) = hosts(&facts);
    assert_eq!((&hosts[0].addresses, &hosts[0].tlsa), (&Addresses::Failed, &Tlsa::NotAsked));
    assert!(matches!(hosts[3].tlsa, Tlsa::Usable { .. }));
    assert_eq!(hosts[4].tlsa, Tlsa::Absent);
}

/// hickory answers for `localhost` by itself, with no proof of anything: that is no answer.
#[test]
fn an_answer_without_a_proof_is_none() {
    let server = Server::start(world(), honest);
    let resolver = Resolver::new(&settings(&server)).unwrap();
    let host = serde_json::json!({ "host": { "name": "localhost", "port": 25 } });
    let facts = run(resolver.destination(&serde_json::from_value(host).unwrap()));
    let (_, hosts) = hosts(&facts);
    assert_eq!((&hosts[0].addresses, &hosts[0].tlsa), (&Addresses::Failed, &Tlsa::NotAsked));
}

#[test]
fn searches_end_in_time() {
    let server = Server::start(world(), |query, answer| (query.query_type() != RecordType::MX).then_some(answer));
    let resolver = Resolver::new(&settings(&server)).unwrap();
    let start = Instant::now();
    let facts = run(resolver.destination(&NextHop::Domain("example".parse().unwrap())));
    assert_eq!(facts.mx, Mx::Failed);
    assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
}

#[test]
fn txt_records_are_found_with_and_without_signatures() {
    let server = Server::start(world(), |query, answer| {
        let hit = *query.name() == name("broken.example.");
        Some(if hit { failed(answer, ResponseCode::ServFail) } else { answer })
    });
    let resolver = Resolver::new(&settings(&server)).unwrap();
    let found = |parts: &[&str]| Txt::Found(vec![parts.iter().map(|part| part.as_bytes().to_vec()).collect()]);
    run(async {
        assert_eq!(resolver.txt("_mta-sts.example").await, found(&["v=STSv1; ", "id=1;"]));
        assert_eq!(resolver.txt("_mta-sts.insecure.").await, found(&["v=STSv1; id=2;"]));
        assert_eq!(resolver.txt("_mta-sts.none.example").await, Txt::Found(vec![]));
        assert_eq!(resolver.txt("_mta-sts.none.insecure").await, Txt::Found(vec![]));
        assert_eq!(resolver.txt("broken.example").await, Txt::Failed);
        assert_eq!(resolver.txt(&"x".repeat(300)).await, Txt::Failed);
        assert_eq!(resolver.txt("a..b").await, Txt::Failed);
        // Too long for UDP.
        let Txt::Found(long) = resolver.txt("long.example").await else { panic!() };
        assert_eq!(long.iter().flatten().map(Vec::len).sum::<usize>(), 200 + 2_550);
    });
}

fn known() -> Known {
    Known::new("mx.example", "bogus.example", "mx.insecure")
}

/// `bogus.example` is signed wrongly.
#[expect(clippy::unnecessary_wraps, reason = "other ways lose answers")]
fn with_bogus(query: &Query, mut answer: Message) -> Option<Message> {
    if *query.name() == name("bogus.example.") && query.query_type() == RecordType::A {
        answer.answers = vec![a("bogus.example.")];
    }
    Some(answer)
}

#[test]
fn the_self_check_sees_whether_validation_works() {
    let server = Server::start(world(), with_bogus);
    let (resolver, found) = run(Resolver::checked(&settings(&server), &known())).unwrap();
    assert!(found.validates() && !found.refuses_dane() && resolver.validates(), "{found:?}");
    assert_eq!(found.to_string(), "DNSSEC works");
}

/// A name server that takes signatures away makes everything bogus: DANE is refused, and mail still finds its hosts.
#[test]
fn the_self_check_refuses_dane_where_signatures_are_taken_away() {
    let server = Server::start(world(), |_, mut answer| {
        let signs = |record: &Record| !matches!(record.record_type(), RecordType::RRSIG | RecordType::NSEC);
        answer.answers.retain(signs);
        answer.authorities.retain(signs);
        Some(answer)
    });
    let unchecked = Resolver::new(&settings(&server)).unwrap();
    assert_eq!(run(unchecked.destination(&NextHop::Domain("example".parse().unwrap()))).mx, Mx::Failed);
    let (resolver, found) = run(Resolver::checked(&settings(&server), &known())).unwrap();
    assert!(found.refuses_dane() && !resolver.validates());
    assert_eq!(found.secure, State::Failed);
    assert!(found.to_string().starts_with("DNSSEC does not work, DANE is off: a signed name is not proved"), "{found}");
    let facts = run(resolver.destination(&NextHop::Domain("example".parse().unwrap())));
    let (dnssec, hosts) = hosts(&facts);
    assert_eq!((dnssec, hosts.len()), (Dnssec::Insecure, 7));
    assert!(hosts.iter().all(|host| host.tlsa == Tlsa::NotAsked));
    assert!(matches!(hosts[0].addresses, Addresses::Found(_)));
}

/// Silence proves nothing: then mail waits, and nothing is given up.
#[test]
fn the_self_check_gives_nothing_up_for_silence() {
    let server = Server::start(world(), |_, _| None);
    let settings = settings(&server).with_time_limits(Duration::from_millis(200), Duration::from_millis(600));
    let (resolver, found) = run(Resolver::checked(&settings, &known())).unwrap();
    assert!(!found.validates() && !found.refuses_dane() && resolver.validates());
    assert_eq!(found.to_string(), "no name server answers: nothing is known about DNSSEC");
}

/// Whoever loses the answers about one unsigned name must not end DANE for all.
#[test]
fn the_self_check_keeps_dane_though_the_unsigned_name_is_silent() {
    let server = Server::start(world(), |query, answer| {
        with_bogus(query, answer).filter(|_| *query.name() != name("mx.insecure."))
    });
    let settings = settings(&server).with_time_limits(Duration::from_millis(200), Duration::from_millis(600));
    let (resolver, found) = run(Resolver::checked(&settings, &known())).unwrap();
    assert!(!found.validates() && !found.refuses_dane() && resolver.validates(), "{found:?}");
    assert_eq!(found.to_string(), "DNSSEC works for signed names; an unsigned one is not answered at all");
}

#[test]
fn settings_that_can_not_work_are_refused() {
    let settings = || Settings::new(&["127.0.0.1:53".parse().unwrap()]).unwrap();
    assert!(Settings::new(&[]).is_err());
    let key = "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";
    assert!(settings().with_trust_anchors(&format!(". 300 IN DNSKEY {key}")).is_ok());
    for wrong in [format!("example. 300 IN DNSKEY {key}"), String::new(), "no key".to_owned(), " ".repeat(70_000)] {
        let error = settings().with_trust_anchors(&wrong).unwrap_err().to_string();
        assert!(error.starts_with("DNS: "), "{error}");
    }
}
