//! What the driver does with the answers it gets, and what sets keys rolling.

#![cfg(test)]

use std::sync::{Arc, Mutex};

use sealpost_rollover::{
    Cause, FirstKey, GenerationId, Layout, Policy, RevocationReason, SecondPlace, Selection, Slot, Span, Stage,
    Subject, SubjectKind, SubjectState, Time,
    alarm::Level,
    authority::{Capabilities, CertificateAuthority, OrderId, Progress, Reconciled, Submission},
    driver::{Alarm, Alarms, Authenticated, Driver, FirstMail, Limits, Nobody, Publisher, TickReport, WithoutSigner},
    memory::{MemoryStore, SecondMode},
    port::{CertificateRecord, Claim, DurableRequest, KeyName, KeyStore},
    testing::{
        authority::{Faults, SimulatedAuthority},
        clock::ManualClock,
        crashing::{Blow, Crashing, Fate},
        run,
        workshop::SimulatedWorkshop,
    },
};

const START: Time = Time::from_unix(2_208_988_800);
const YEAR: Span = Span::days(365);

type Node<P = Nobody, A = Nobody, C = SimulatedAuthority> = Driver<MemoryStore, C, SimulatedWorkshop, P, A>;

struct World {
    clock: ManualClock,
    store: MemoryStore,
    authority: SimulatedAuthority,
    workshop: SimulatedWorkshop,
}

impl World {
    fn new(faults: Faults) -> Self {
        let clock = ManualClock::new(START);
        Self {
            store: MemoryStore::new(clock.clone()),
            authority: SimulatedAuthority::new(clock.clone(), 3_600, YEAR, faults),
            workshop: SimulatedWorkshop::new(1),
            clock,
        }
    }

    fn node(&self, policy: Policy, name: &str) -> Node {
        let (store, authority) = (Arc::new(self.store.clone()), Arc::new(self.authority.clone()));
        Driver::new(store, authority, Arc::new(self.workshop.clone()), policy, name)
    }

    fn enroll(&self, kind: SubjectKind, address: &str, layout: Layout) -> Subject {
        let subject = Subject::new(kind, address, layout, self.clock.now()).unwrap();
        run(self.store.enroll(&subject, "admin")).unwrap().unwrap();
        subject
    }

    fn anna(&self) -> Subject {
        self.enroll(SubjectKind::Mailbox, "anna@example.org", Layout::Dual)
    }

    fn state(&self, subject: &Subject) -> SubjectState {
        run(self.store.load(subject.id)).unwrap().unwrap().unwrap().state
    }

    /// Ticks each `step` for `span`.
    fn live<P, A, C>(&self, node: &Node<P, A, C>, step: Span, span: Span) -> Vec<TickReport>
    where
        P: Publisher,
        A: Alarms,
        C: CertificateAuthority,
    {
        let end = self.clock.now() + span;
        let mut reports = Vec::new();
        while self.clock.now() < end {
            self.clock.advance(step);
            reports.push(run(node.tick()).unwrap().unwrap());
        }
        reports
    }

    fn minutes<P: Publisher, A: Alarms>(&self, node: &Node<P, A>, minutes: i64) -> Vec<TickReport> {
        self.live(node, Span::minutes(1), Span::minutes(minutes))
    }
}

fn sum(reports: &[TickReport], of: impl Fn(&TickReport) -> u32) -> u32 {
    reports.iter().map(of).sum()
}

/// Who hears of certificates and alarms.
#[derive(Clone, Default)]
struct Ears(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    deaf: bool,
    told: Vec<String>,
    alarms: Vec<(Level, Time, Span)>,
}

impl Ears {
    fn tell(&self, what: String) -> Result<(), String> {
        let mut heard = self.0.lock().unwrap();
        if heard.deaf {
            return Err("nobody hears".to_owned());
        }
        heard.told.push(what);
        Ok(())
    }
}

impl Publisher for Ears {
    async fn publish(&self, subject: &Subject, _: &CertificateRecord) -> Result<(), String> {
        self.tell(format!("{} has a certificate", subject.address))
    }

    async fn announce(&self, subject: &Subject, _: &CertificateRecord, from: Time) -> Result<(), String> {
        self.tell(format!("{} uses it from {from} on", subject.address))
    }
}

impl Alarms for Ears {
    async fn raise(&self, alarm: &Alarm<'_>) -> Result<(), String> {
        self.tell(format!("{} at {}", alarm.subject.address, alarm.affected_at))?;
        self.0.lock().unwrap().alarms.push((alarm.level, alarm.affected_at, alarm.left));
        Ok(())
    }
}

#[test]
fn a_year_passes_with_one_key_and_one_order() {
    let world = World::new(Faults::none());
    let anna = world.anna();
    let node = world.node(Policy::safe(), "a");
    world.live(&node, Span::hours(6), YEAR);
    let state = world.state(&anna);
    assert_eq!(state.generations().len(), 2);
    assert_eq!(world.authority.orders().len(), 2);
    assert_eq!(world.workshop.made(), 2);
    assert_eq!(state.signer(world.clock.now()).unwrap().number, 2);
    assert!(world.authority.asked().len() == 2, "nothing is asked twice");
}

/// A090: by a click, in real time.
#[test]
fn a_click_makes_one_new_key_however_often_it_comes() {
    let world = World::new(Faults::none());
    let anna = world.enroll(SubjectKind::Mailbox, "anna@example.org", Layout::Split);
    let node = world.node(Policy::safe(), "a");
    world.minutes(&node, 3);
    for _ in 0..3 {
        run(node.issue_now(anna.id, "admin")).unwrap().unwrap();
    }
    world.minutes(&node, 90);
    let state = world.state(&anna);
    for slot in [Slot::Sign, Slot::Encrypt] {
        let causes: Vec<Cause> = state.of_slot(slot).map(|generation| generation.cause).collect();
        assert_eq!(causes, [Cause::Enrolled, Cause::Click]);
        assert_eq!(state.holder(slot, world.clock.now()).unwrap().number, 2, "it is used");
    }
    assert!(run(node.issue_now(sealpost_rollover::SubjectId::from_octets([7; 16]), "admin")).unwrap().is_err());
}

/// A091, A092: the first mail sets off the order and waits for it.
#[test]
fn a_thousand_first_mails_at_once_make_one_order() {
    let world = World::new(Faults { delay: Span::minutes(5), ..Faults::none() });
    let anna = world.anna();
    let nodes: Vec<Node> = (0..3).map(|name| world.node(Policy::secumail_7d(), &name.to_string())).collect();
    world.minutes(&nodes[0], 2);
    assert!(world.state(&anna).generations().is_empty(), "nobody asked for a key");
    let arrived = world.clock.now();
    let sender = Authenticated::sender("anna@Example.org");
    for mail in 0..1_000 {
        let outcome = run(nodes[mail % 3].first_mail(sender, arrived)).unwrap().unwrap();
        assert!(
            matches!(outcome, FirstMail::WaitUntil(again) if again > arrived && again <= arrived + Span::minutes(15))
        );
    }
    world.minutes(&nodes[1], 10);
    let FirstMail::Ready(signer) = run(nodes[2].first_mail(sender, arrived)).unwrap().unwrap() else {
        panic!("it is not ready");
    };
    assert_eq!((signer.generation, signer.certificates.len()), (GenerationId::new(anna.id, Slot::Dual, 1), 1));
    assert_eq!(world.authority.orders().len(), 1);
    let records = run(world.store.audit(0, 1_000)).unwrap().unwrap();
    let wanted = records.iter().filter(|record| record.text.contains("first-mail")).count();
    assert!((1..=2).contains(&wanted), "that a key is wanted is written down once, not {wanted} times");
}

/// A092: the rule decides, not chance.
#[test]
fn a_first_mail_waits_as_long_as_the_rule_says_then_goes_unsigned() {
    let world = World::new(Faults { outages: vec![(START, START + YEAR)], ..Faults::none() });
    world.anna();
    let sender = Authenticated::sender("anna@example.org");
    let node = world.node(Policy::secumail_7d(), "a");
    let arrived = world.clock.now();
    assert!(matches!(run(node.first_mail(sender, arrived)).unwrap().unwrap(), FirstMail::WaitUntil(_)));
    world.clock.advance(Span::minutes(15));
    assert_eq!(run(node.first_mail(sender, arrived)).unwrap().unwrap(), FirstMail::Unsigned);
    let hasty = world.node(Policy::secumail_7d(), "b").without_signer(WithoutSigner::GoUnsigned);
    let arrived = world.clock.now();
    assert_eq!(run(hasty.first_mail(sender, arrived)).unwrap().unwrap(), FirstMail::Unsigned);
}

/// T16: whoever writes on while the authority refuses sets off no order with each mail.
#[test]
fn mails_after_a_refusal_set_off_no_further_orders() {
    let world = World::new(Faults { refused: 100, in_a_row: u32::MAX, ..Faults::none() });
    let anna = world.anna();
    let node = world.node(Policy::secumail_7d(), "a");
    for _ in 0..60 {
        let sender = Authenticated::sender("anna@example.org");
        run(node.first_mail(sender, world.clock.now())).unwrap().unwrap();
        world.clock.advance(Span::minutes(1));
    }
    assert_eq!((world.workshop.made(), world.authority.orders().len()), (1, 1));
    // A person is heard at once.
    run(node.issue_now(anna.id, "admin")).unwrap().unwrap();
    world.minutes(&node, 1);
    assert_eq!(world.authority.orders().len(), 2);
}

/// T15.
#[test]
fn a_mail_of_somebody_who_is_not_enrolled_or_has_left_sets_off_nothing() {
    let world = World::new(Faults::none());
    let anna = world.anna();
    let node = world.node(Policy::secumail_7d(), "a");
    run(node.leave(anna.id, "admin")).unwrap().unwrap();
    for address in ["anna@example.org", "mallory@example.org", "example.org"] {
        let outcome = run(node.first_mail(Authenticated::sender(address), START)).unwrap().unwrap();
        assert_eq!(outcome, FirstMail::Unsigned);
    }
    world.minutes(&node, 5);
    assert_eq!((world.workshop.made(), world.authority.asked().len()), (0, 0));
}

/// T27: signing is off at once, the successor comes within minutes, decrypting goes on (A087).
#[test]
fn a_revoked_certificate_signs_no_more_and_is_replaced_but_still_decrypts() {
    let world = World::new(Faults::none());
    let anna = world.anna();
    let node = world.node(Policy::safe(), "a");
    world.live(&node, Span::hours(1), Span::days(2));
    let signer = run(node.signer("anna@example.org", world.clock.now())).unwrap().unwrap().unwrap();
    let certificate = &signer.certificates[0];
    let now = world.clock.now();
    let reason = RevocationReason::PrivilegeWithdrawn;
    let affected = run(node.revoked(&certificate.issuer, &certificate.serial, reason, now)).unwrap().unwrap();
    assert_eq!(affected, [signer.generation]);
    assert!(run(node.signer("anna@example.org", now)).unwrap().unwrap().is_none());
    world.minutes(&node, 62);
    let successor = run(node.signer("anna@example.org", world.clock.now())).unwrap().unwrap().unwrap();
    assert_eq!(successor.generation.number, 2);
    assert_eq!(world.state(&anna).generation(Slot::Dual, 2).unwrap().cause, Cause::Revoked);
    assert!(world.state(&anna).generation(Slot::Dual, 2).unwrap().ready.unwrap() <= now + Span::minutes(15));
    let name = KeyName::IssuerAndSerial { issuer: certificate.issuer.clone(), serial: certificate.serial.clone() };
    let keys = run(node.decrypters_for(&name)).unwrap().unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(SimulatedWorkshop::public(&keys[0].1), certificate.public);
    assert!(run(node.revoked(b"CN=Somebody", b"1", reason, now)).unwrap().unwrap().is_empty());
}

#[test]
fn a_hint_brings_renewal_forward_and_never_back() {
    let world = World::new(Faults::none());
    let anna = world.anna();
    let node = world.node(Policy::safe(), "a");
    world.minutes(&node, 5);
    let first = GenerationId::new(anna.id, Slot::Dual, 1);
    run(node.hint(first, START + Span::days(10))).unwrap().unwrap();
    run(node.hint(first, START + Span::days(300))).unwrap().unwrap();
    world.live(&node, Span::hours(1), Span::days(9));
    assert_eq!(world.state(&anna).generations().len(), 1);
    world.live(&node, Span::hours(1), Span::days(2));
    assert_eq!(world.state(&anna).generations().len(), 2);
}

/// A misissued certificate signs nothing, is revoked, and a new key is tried.
#[test]
fn an_unfit_certificate_is_refused_and_revoked() {
    let world = World::new(Faults { wrong: 100, in_a_row: 4, ..Faults::none() });
    let anna = world.anna();
    let node = world.node(Policy::safe(), "a");
    let reports = world.live(&node, Span::hours(1), Span::days(30));
    assert_eq!(sum(&reports, |report| report.refused), 4);
    assert_eq!(sum(&reports, |report| report.ready), 1);
    let orders = world.authority.orders();
    assert!(orders.iter().all(|order| order.is_revoked != order.is_fit), "{orders:?}");
    let state = world.state(&anna);
    let stages: Vec<Stage> = state.generations().iter().map(sealpost_rollover::Generation::stage).collect();
    assert_eq!(stages[..4], [Stage::Refused; 4]);
    // That it is on the authority's list then brings no further key forward.
    let refused = GenerationId::new(anna.id, Slot::Dual, 4);
    let unfit = run(world.store.generation(refused)).unwrap().unwrap().unwrap().certificates[0].clone();
    let reason = RevocationReason::Unspecified;
    let affected = run(node.revoked(&unfit.issuer, &unfit.serial, reason, world.clock.now())).unwrap().unwrap();
    assert_eq!((affected, world.state(&anna)), (vec![], state));
    let reasons = run(world.store.audit(0, 1_000)).unwrap().unwrap();
    assert!(reasons.iter().any(|record| record.text.contains("it is")), "why it was unfit is in the audit chain");
}

/// T7: no paid duplicates.
#[test]
fn after_a_lost_answer_the_order_is_found_again_with_the_same_key() {
    let world = World::new(Faults { ambiguous: 100, ..Faults::none() });
    let anna = world.anna();
    let node = world.node(Policy::safe(), "a");
    let reports = world.live(&node, Span::minutes(1), Span::days(1));
    assert!(sum(&reports, |report| report.ambiguous) > 0);
    assert_eq!(world.state(&anna).generations().len(), 1);
    assert_eq!((world.workshop.made(), world.authority.orders().len()), (1, 1));
    assert_eq!(world.state(&anna).generation(Slot::Dual, 1).unwrap().stage(), Stage::Ready);
    assert_eq!(sum(&reports, |report| report.surplus), 0);
}

#[test]
fn orders_beside_the_adopted_one_are_counted_and_their_certificates_kept() {
    let world = World::new(Faults { ambiguous: 100, duplicate: 100, ..Faults::none() });
    let anna = world.anna();
    let node = world.node(Policy::safe(), "a");
    let reports = world.live(&node, Span::minutes(1), Span::days(1));
    assert_eq!((world.authority.orders().len(), sum(&reports, |report| report.surplus)), (2, 1));
    // I4: a partner may have found either of them in the authority's directory.
    let id = GenerationId::new(anna.id, Slot::Dual, 1);
    let record = run(world.store.generation(id)).unwrap().unwrap().unwrap();
    assert_eq!(record.certificates.len(), 2);
    for CertificateRecord { issuer, serial, .. } in record.certificates {
        let found = run(world.store.find(&KeyName::IssuerAndSerial { issuer, serial })).unwrap().unwrap();
        assert_eq!(found, [id]);
    }
}

/// Garbles what comes of the first order.
struct Garbler(SimulatedAuthority);

impl CertificateAuthority for Garbler {
    fn name(&self) -> &'static str {
        "garbler"
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn submit(&self, request: &DurableRequest) -> Submission {
        self.0.submit(request).await
    }

    async fn find(&self, request: &DurableRequest) -> Reconciled {
        self.0.find(request).await
    }

    async fn poll(&self, order: &OrderId) -> Progress {
        match self.0.poll(order).await {
            Progress::Issued(mut issued) if *order == OrderId::new("0") => {
                issued.certificate = b"garbled".to_vec();
                Progress::Issued(issued)
            }
            other => other,
        }
    }

    async fn revoke(&self, certificate: &CertificateRecord, reason: RevocationReason) -> Result<(), String> {
        self.0.revoke(certificate, reason).await
    }
}

#[test]
fn one_order_whose_certificate_cant_be_read_does_not_spoil_the_other() {
    let world = World::new(Faults { ambiguous: 100, duplicate: 100, ..Faults::none() });
    let anna = world.anna();
    let (store, authority) = (Arc::new(world.store.clone()), Arc::new(Garbler(world.authority.clone())));
    let node = Driver::new(store, authority, Arc::new(world.workshop.clone()), Policy::safe(), "a");
    let reports = world.live(&node, Span::minutes(1), Span::days(1));
    assert_eq!((world.authority.orders().len(), sum(&reports, |report| report.refused)), (2, 0));
    assert_eq!(world.state(&anna).generation(Slot::Dual, 1).unwrap().stage(), Stage::Ready);
    assert_eq!(world.workshop.made(), 1);
}

/// T12: one breaker for all, not one for each.
#[test]
fn a_thousand_subjects_discover_an_outage_together() {
    let world = World::new(Faults { outages: vec![(START, START + Span::days(5))], ..Faults::none() });
    for index in 0..1_000 {
        world.enroll(SubjectKind::Mailbox, &format!("user{index}@example.org"), Layout::Dual);
    }
    let node = world.node(Policy::safe(), "a").limited(Limits::new(Span::minutes(10), 1_000));
    world.live(&node, Span::minutes(5), Span::days(5));
    let during = world.authority.asked().len();
    assert!(during < 60, "{during} requests into an outage of five days");
    world.live(&node, Span::minutes(1), Span::hours(7));
    assert_eq!(world.authority.orders().len(), 1_000, "then all are served");
}

/// I9: a Monday morning on which all are enrolled at once.
#[test]
fn two_hundred_users_enrolled_at_once_wait_for_the_authoritys_rate() {
    let world = World::new(Faults::none());
    for index in 0..200 {
        world.enroll(SubjectKind::Mailbox, &format!("user{index}@example.org"), Layout::Dual);
    }
    let slow = SimulatedAuthority::new(world.clock.clone(), 20, YEAR, Faults::none());
    let (store, workshop) = (Arc::new(world.store.clone()), Arc::new(world.workshop.clone()));
    let node = Driver::new(store, Arc::new(slow.clone()), workshop, Policy::safe(), "a");
    let reports = world.live(&node, Span::minutes(1), Span::hours(9));
    assert!(sum(&reports, |report| report.waiting) > 170, "who finds no permit waits");
    let asked = slow.asked();
    let within = |&from: &Time| asked.iter().filter(|&&at| from <= at && at < from + Span::hours(1)).count();
    assert_eq!((asked.iter().map(within).max(), asked.len()), (Some(20), 179));
    assert!(sum(&reports, |report| report.claimed) < 200 + 180 * 2, "those that wait are left alone");
}

/// I9, and the mass replacements of 2026 in small: earliest deadline first, at the authority's rate.
#[test]
fn a_set_is_replaced_before_its_deadline_at_the_authoritys_rate() {
    let world = World::new(Faults::none());
    let users: Vec<Subject> = (0..500)
        .map(|index| world.enroll(SubjectKind::Mailbox, &format!("user{index}@example.org"), Layout::Dual))
        .collect();
    let node = world.node(Policy::safe(), "a").limited(Limits::new(Span::minutes(10), 1_000));
    world.minutes(&node, 120);
    let slow = SimulatedAuthority::new(world.clock.clone(), 20, YEAR, Faults::none());
    let slow_node = Driver::new(
        Arc::new(world.store.clone()),
        Arc::new(slow.clone()),
        Arc::new(world.workshop.clone()),
        Policy::safe(),
        "a",
    );
    let before = world.clock.now() + Span::hours(48);
    run(world.store.replace(&Selection::default(), before, "a wording in the practice statement", "admin"))
        .unwrap()
        .unwrap();
    let reports = world.live(&slow_node, Span::minutes(1), Span::hours(26));
    assert_eq!(sum(&reports, |report| report.replacing), 500);
    assert!(
        users
            .iter()
            .all(|user| world.state(user).generation(Slot::Dual, 2).is_some_and(sealpost_rollover::Generation::is_fit))
    );
    let asked = slow.asked();
    let most =
        asked.iter().map(|&from| asked.iter().filter(|&&at| from <= at && at < from + Span::hours(1)).count()).max();
    assert_eq!((asked.len(), most), (500, Some(20)), "no request is wasted, and none is too many");
}

/// T14: a node is stopped in the middle of its lease, at each of its calls in turn, and goes on after `other` did what
/// it does. It must not change anything then. How many of its writes were fenced off.
fn late_writes(other: impl Fn(&World)) -> u32 {
    let mut fenced = 0;
    for call in 3..30 {
        let world = World::new(Faults::none());
        let anna = world.anna();
        run(world.store.authority("simulated", START, |state| state.permits = 9)).unwrap().unwrap();
        let fate = Fate::default();
        let slow = Driver::new(
            Arc::new(Crashing::new(world.store.clone(), fate.clone())),
            Arc::new(Crashing::new(world.authority.clone(), fate.clone())),
            Arc::new(Crashing::new(world.workshop.clone(), fate.clone())),
            Policy::safe(),
            "slow",
        );
        fate.strike(call, Blow::StopAfter);
        let mut tick = Box::pin(slow.tick());
        if run(tick.as_mut()).is_some() {
            break;
        }
        other(&world);
        let before = world.state(&anna);
        fate.go_on();
        let report = run(tick.as_mut()).unwrap().unwrap();
        fenced += report.fenced;
        assert_eq!((world.state(&anna), report.failures.len()), (before, 0), "stopped after call {call}");
        let keys: Vec<_> = world.authority.orders().into_iter().map(|order| order.spki_sha256).collect();
        assert!(keys.len() <= 2 && keys.iter().all(|key| *key == keys[0]), "one key, whatever was ordered");
    }
    fenced
}

#[test]
fn a_node_that_stood_still_writes_nothing_once_another_did_the_work() {
    let fenced = late_writes(|world| {
        world.minutes(&world.node(Policy::safe(), "quick"), 30);
    });
    assert!(fenced > 10, "{fenced}");
}

#[test]
fn a_node_that_stood_still_writes_nothing_while_another_is_at_work() {
    let fenced = late_writes(|world| {
        world.clock.advance(Span::minutes(11));
        let claim = Claim::new("other", Span::hours(1), 9, 9);
        run(world.store.claim(world.clock.now(), &claim)).unwrap().unwrap();
    });
    assert!(fenced > 10, "{fenced}");
}

/// I8: nothing happens until somebody confirms it.
#[test]
fn a_clock_that_jumps_freezes_the_node() {
    let world = World::new(Faults::none());
    let anna = world.anna();
    let node = world.node(Policy::safe(), "a");
    world.minutes(&node, 5);
    world.clock.advance(YEAR);
    let before = world.state(&anna);
    assert!(matches!(run(node.tick()).unwrap(), Err(sealpost_rollover::Error::ClockJumped { .. })));
    assert_eq!(world.state(&anna), before);
    assert_eq!(run(node.confirm_clock()).unwrap().unwrap(), world.clock.now());
    world.minutes(&node, 5);
    assert_eq!(world.state(&anna).signer(world.clock.now()).unwrap().number, 2);
}

/// OpenDNSSEC's rule: before the key is in the second place, nobody is asked.
#[test]
fn without_the_second_place_no_authority_is_asked_and_with_it_work_goes_on() {
    let world = World::new(Faults::none());
    let anna = world.anna();
    let mut policy = Policy::safe();
    policy.second_place = SecondPlace::Required;
    let node = world.node(policy, "a");
    world.store.second_place(SecondMode::Failing);
    let reports = world.minutes(&node, 60);
    assert!(reports.iter().any(|report| !report.failures.is_empty()));
    assert!(world.authority.asked().is_empty());
    world.store.second_place(SecondMode::Working);
    world.minutes(&node, 10);
    assert!(world.state(&anna).generation(Slot::Dual, 1).unwrap().backed_up.is_some());
    assert_eq!(world.state(&anna).generation(Slot::Dual, 1).unwrap().stage(), Stage::Ready);
}

/// T28: partners of a domain are told when it changes, a month ahead.
#[test]
fn a_domain_is_announced_and_a_mailbox_is_not() {
    let world = World::new(Faults::none());
    world.anna();
    let domain = world.enroll(SubjectKind::Domain, "example.org", Layout::Dual);
    let ears = Ears::default();
    let node = world.node(Policy::safe(), "a").telling(ears.clone(), Nobody);
    world.minutes(&node, 5);
    let mut told = ears.0.lock().unwrap().told.clone();
    told.sort();
    let generation = world.state(&domain).generation(Slot::Dual, 1).unwrap().clone();
    let from = generation.activate_at.unwrap();
    assert_eq!(from, generation.published.unwrap() + Policy::safe().announce);
    let announced = format!("example.org uses it from {from} on");
    assert_eq!(told, ["anna@example.org has a certificate", "example.org has a certificate", announced.as_str()]);
}

/// Who can't be told holds up nobody.
#[test]
fn where_nobody_hears_keys_roll_all_the_same() {
    let outage = (START + Span::days(300), START + Span::days(352));
    let world = World::new(Faults { outages: vec![outage], ..Faults::none() });
    let anna = world.anna();
    let ears = Ears::default();
    ears.0.lock().unwrap().deaf = true;
    let node = world.node(Policy::safe(), "a").telling(ears.clone(), ears);
    let reports = world.live(&node, Span::hours(1), YEAR);
    assert!(reports.iter().all(|report| report.alarms.is_empty()));
    assert!(reports.iter().flat_map(|report| &report.failures).any(|failure| failure.what.starts_with("alarm: ")));
    assert!(world.state(&anna).signer(START + YEAR + Span::days(1)).is_some());
}

/// I10: each level rings once, before anybody is affected.
#[test]
fn in_a_long_outage_each_level_rings_once_and_says_how_long_is_left() {
    let outage = (START + Span::days(300), START + Span::days(400));
    let world = World::new(Faults { outages: vec![outage], ..Faults::none() });
    let anna = world.anna();
    let ears = Ears::default();
    let node = world.node(Policy::safe(), "a").telling(Nobody, ears.clone());
    let reports = world.live(&node, Span::hours(1), Span::days(380));
    let end = world.state(&anna).generation(Slot::Dual, 1).unwrap().not_after.unwrap();
    let alarms = ears.0.lock().unwrap().alarms.clone();
    let levels: Vec<Level> = alarms.iter().map(|&(level, ..)| level).collect();
    assert_eq!(levels, [Level::Notice, Level::Warning, Level::Error, Level::Page, Level::LastCall]);
    assert!(alarms.iter().all(|&(_, affected, left)| affected == end && left > Span::ZERO), "{alarms:?}");
    assert_eq!(reports.iter().filter_map(|report| report.first_affected).min(), Some(end));
    assert_eq!(reports.iter().flat_map(|report| report.alarms.values()).sum::<u32>(), 5);
}

/// I9: having unfit certificates revoked takes of the rate, too.
#[test]
fn revoking_what_is_unfit_keeps_to_the_rate() {
    let faults = Faults { wrong: 100, in_a_row: u32::MAX, ..Faults::none() };
    let mut world = World::new(faults.clone());
    world.authority = SimulatedAuthority::new(world.clock.clone(), 60, YEAR, faults);
    for user in 0..100 {
        world.enroll(SubjectKind::Mailbox, &format!("u{user}@example.org"), Layout::Dual);
    }
    let reports = world.minutes(&world.node(Policy::safe(), "a"), 59);
    let asked = world.authority.asked().len();
    assert!((50..=60).contains(&asked), "{asked} requests in an hour that takes 60");
    assert_eq!(sum(&reports, |report| report.asked), u32::try_from(asked).unwrap());
    let unfit = world.authority.orders().iter().filter(|order| order.is_revoked).count();
    assert!(unfit > 20, "{unfit} of {asked} are revoked");
}

/// I1: a slot without a signer is told of, also where somebody destroyed its last key.
#[test]
fn where_the_last_key_was_destroyed_an_alarm_rings() {
    let world = World::new(Faults::none());
    let anna = world.anna();
    let node = world.node(Policy::safe(), "a");
    world.live(&node, Span::hours(1), Span::days(1));
    let id = GenerationId::new(anna.id, Slot::Dual, 1);
    run(world.store.destroy(id, world.clock.now(), "admin")).unwrap().unwrap();
    assert_eq!(world.state(&anna).signer(world.clock.now()), None);
    let reports = world.live(&node, Span::days(1), YEAR);
    assert_eq!(sum(&reports, |report| report.alarms.values().sum()), 1);
    assert_eq!(world.state(&anna).generations().len(), 1, "that is no reason to make another one");
}

/// Who never had a key is told of once a day has passed.
#[test]
fn a_first_key_on_demand_rings_no_alarm() {
    let world = World::new(Faults::none());
    world.anna();
    let mut policy = Policy::safe();
    policy.first_key = FirstKey::OnDemand;
    let node = world.node(policy, "a");
    let reports = world.live(&node, Span::hours(1), Span::days(3));
    assert!(reports.iter().all(|report| report.alarms.is_empty()));
}

/// An authority whose clock lags behind: all times that it says are past. It decides nothing.
#[derive(Clone, Default)]
struct Laggard {
    limits: bool,
    asked: Arc<Mutex<u32>>,
}

impl Laggard {
    const PAST: Option<Time> = Some(START);

    fn ask(&self) {
        *self.asked.lock().unwrap() += 1;
    }
}

impl CertificateAuthority for Laggard {
    fn name(&self) -> &'static str {
        "laggard"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(360_000)
    }

    async fn submit(&self, _: &DurableRequest) -> Submission {
        self.ask();
        if self.limits {
            return Submission::RateLimited { retry_at: Self::PAST };
        }
        Submission::Accepted { order: OrderId::new("1"), poll_at: Self::PAST }
    }

    async fn find(&self, _: &DurableRequest) -> Reconciled {
        Reconciled::Orders(Vec::new())
    }

    async fn poll(&self, _: &OrderId) -> Progress {
        self.ask();
        Progress::Pending { poll_at: Self::PAST }
    }

    async fn revoke(&self, _: &CertificateRecord, _: RevocationReason) -> Result<(), String> {
        Ok(())
    }
}

/// Otherwise one order uses up the rate of all, and whoever is told to wait does not.
#[test]
fn what_an_authority_says_of_the_past_is_no_reason_to_ask_at_once() {
    for limits in [false, true] {
        let world = World::new(Faults::none());
        for user in 0..20 {
            world.enroll(SubjectKind::Mailbox, &format!("u{user}@example.org"), Layout::Dual);
        }
        let (store, authority) = (Arc::new(world.store.clone()), Laggard { limits, ..Laggard::default() });
        let workshop = Arc::new(world.workshop.clone());
        let node = Driver::new(store, Arc::new(authority.clone()), workshop, Policy::safe(), "a");
        for _ in 0..2 {
            world.clock.advance(Span::minutes(2));
            run(node.tick()).unwrap().unwrap();
        }
        let asked = *authority.asked.lock().unwrap();
        // Each once and once for news; or one for all, twice.
        assert!(asked <= if limits { 2 } else { 40 }, "{asked} requests");
    }
}
