//! The local authority: what it issues, what it does wrong on demand, and that the check finds it (A047).
#![cfg(test)]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use proptest::prelude::*;

use sealpost_ca::{
    Check, KeyKind, KeyPool, LocalAuthority, MailWorkshop, Profile,
    check::Rule,
    local::{Clock, Fault, Settings},
    testing::{self, wait},
};
use sealpost_rollover::{
    GenerationId, Layout, RevocationReason, Selection, Slot, Span, Subject, SubjectKind, Time,
    authority::{CertificateAuthority, Issued, OrderId, Progress, Reconciled, Submission},
    port::CertificateRecord,
    workshop::{Asked, Inspection, MadeKey, Workshop},
};
use sealpost_smime::{
    Certificate, UnixTime,
    path::{Purpose, Revocation, Validator},
};

const START: Time = Time::from_unix(1_795_780_800);

/// A clock that is set by hand.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START.unix())))
    }

    fn clock(&self) -> Clock {
        let hand = self.clone();
        Arc::new(move || hand.now())
    }

    fn now(&self) -> Time {
        Time::from_unix(self.0.load(Ordering::SeqCst))
    }

    fn turn(&self, span: Span) {
        self.0.fetch_add(span.as_seconds(), Ordering::SeqCst);
    }
}

/// An authority with whoever asks it.
struct Scene {
    hand: Hand,
    authority: LocalAuthority,
    check: Check,
    workshop: MailWorkshop,
}

impl Scene {
    fn new(profile: Profile, key: KeyKind) -> Self {
        let hand = Hand::new();
        let settings = Settings::new("Test", "http://ca.example.com").profile(profile);
        let authority = LocalAuthority::in_memory(settings, hand.clock()).unwrap();
        Self::with(authority, hand, key)
    }

    fn with(authority: LocalAuthority, hand: Hand, key: KeyKind) -> Self {
        let check = Check::new(std::slice::from_ref(authority.root()));
        let workshop = MailWorkshop::new(KeyPool::new(key, 0), check.clone());
        Self { hand, authority, check, workshop }
    }

    fn order(&self, subject: &Subject, slot: Slot) -> Order<'_> {
        let id = GenerationId::new(subject.id, slot, 1);
        let made = wait(self.workshop.make_key(subject, id)).unwrap();
        Order { scene: self, subject: subject.clone(), id, made }
    }
}

struct Order<'a> {
    scene: &'a Scene,
    subject: Subject,
    id: GenerationId,
    made: MadeKey,
}

impl Order<'_> {
    fn submit(&self) -> Submission {
        testing::submit(&self.scene.authority, &self.subject, self.id, &self.made)
    }

    fn find(&self) -> Vec<OrderId> {
        match testing::find(&self.scene.authority, &self.subject, self.id, &self.made) {
            Reconciled::Orders(orders) => orders,
            other => panic!("{other:?}"),
        }
    }

    fn issued(&self) -> CertificateRecord {
        match self.submit() {
            Submission::Issued { issued, .. } => self.scene.workshop.read(&issued).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn rules(&self, certificate: &CertificateRecord) -> Vec<Rule> {
        let asked = Asked::new(&self.subject, self.id, &self.made.public);
        let findings = self.scene.check.inspect(certificate, &asked, self.scene.hand.now());
        findings.into_iter().map(|finding| finding.rule).collect()
    }
}

fn subject(kind: SubjectKind, address: &str) -> Subject {
    Subject::new(kind, address, Layout::Dual, START).unwrap()
}

fn anna() -> Subject {
    subject(SubjectKind::Mailbox, "anna@example.org")
}

#[test]
fn all_that_it_issues_is_what_was_asked_for() {
    let long = format!("{}@example.org", "a".repeat(60));
    let subjects = [
        anna(),
        subject(SubjectKind::Mailbox, "änne@example.org"),
        subject(SubjectKind::Mailbox, &long),
        subject(SubjectKind::SharedMailbox, "Info@Example.org"),
        subject(SubjectKind::Domain, "example.org"),
    ];
    for profile in Profile::ALL {
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048] {
            let scene = Scene::new(profile, kind);
            for subject in subjects.iter().take(if kind.is_rsa() { 1 } else { subjects.len() }) {
                for slot in Slot::ALL {
                    let order = scene.order(subject, slot);
                    let certificate = order.issued();
                    assert_eq!(order.rules(&certificate), [], "{profile:?} {kind:?} {subject:?} {slot:?}");
                    assert_eq!(certificate.public, order.made.public);
                    assert_eq!(certificate.not_after, START + Span::days(365) - Span::seconds(1));
                    assert_eq!(certificate.chain, [scene.authority.issuing().as_der()]);
                    let policy = if profile == Profile::Strict { "2.23.140.1.5.1.3" } else { "2.23.140.1.5.1.2" };
                    assert_eq!(certificate.product, policy);
                    let read = Certificate::from_der(&certificate.der).unwrap();
                    assert_eq!((read.may_sign(), read.may_encrypt()), (slot.signs(), slot.decrypts()));
                }
            }
        }
    }
}

#[test]
fn a_credential_logs_in_and_only_a_multipurpose_authority_issues_it() {
    let credential = subject(SubjectKind::CaCredential, "operator-7");
    let scene = Scene::new(Profile::Multipurpose, KeyKind::P256);
    let order = scene.order(&credential, Slot::Sign);
    let certificate = order.issued();
    assert_eq!(order.rules(&certificate), []);
    // It is nobody's for mail.
    let mut as_mail = scene.order(&anna(), Slot::Sign);
    as_mail.made = order.made;
    assert!(as_mail.rules(&certificate).contains(&Rule::Address));
    let strict = Scene::new(Profile::Strict, KeyKind::P256);
    assert!(matches!(strict.order(&credential, Slot::Sign).submit(), Submission::Refused { .. }));
}

#[test]
fn what_an_authority_gets_wrong_is_found_before_it_signs_anything() {
    for (fault, rule) in [
        (Fault::WrongKey, Rule::AskedKey),
        (Fault::WrongAddress, Rule::AskedAddress),
        (Fault::TooLong, Rule::Lifetime),
        (Fault::NotYetValid, Rule::NotYetValid),
    ] {
        let scene = Scene::new(Profile::Strict, KeyKind::P256);
        scene.authority.fail_next(fault);
        let order = scene.order(&anna(), Slot::Dual);
        let certificate = order.issued();
        assert!(order.rules(&certificate).contains(&rule), "{fault:?}");
        let asked = Asked::new(&order.subject, order.id, &order.made.public);
        let inspection = scene.workshop.inspect(&certificate, &asked, scene.hand.now());
        assert!(
            matches!(inspection, Inspection::Unfit { findings } if findings.len() == 1 || fault == Fault::WrongAddress)
        );
        // The next one is right again.
        let next = scene.order(&anna(), Slot::Dual);
        assert_eq!(next.rules(&next.issued()), []);
    }
}

/// Trap T10.
#[test]
fn the_longest_validity_is_825_days_with_both_ends() {
    let hand = Hand::new();
    let settings = Settings::new("Test", "http://ca.example.com").days(825);
    let scene = Scene::with(LocalAuthority::in_memory(settings, hand.clock()).unwrap(), hand, KeyKind::P256);
    let order = scene.order(&anna(), Slot::Dual);
    let certificate = order.issued();
    assert_eq!(certificate.not_after - certificate.not_before, Span::days(825) - Span::seconds(1));
    assert_eq!(order.rules(&certificate), []);
}

#[test]
fn a_certificate_is_fit_only_for_whom_it_was_asked_and_only_while_it_is_valid() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    let mut order = scene.order(&anna(), Slot::Dual);
    let certificate = order.issued();
    order.subject = subject(SubjectKind::Mailbox, "Anna@example.org");
    assert_eq!(order.rules(&certificate), [Rule::AskedAddress, Rule::AskedAddress]);
    order.subject = anna();
    order.id.slot = Slot::Sign;
    assert_eq!(order.rules(&certificate), [Rule::AskedUse]);
    order.id.slot = Slot::Dual;
    scene.hand.turn(Span::days(365) - Span::seconds(1));
    assert_eq!(order.rules(&certificate), []);
    scene.hand.turn(Span::seconds(1));
    assert_eq!(order.rules(&certificate), [Rule::Expired]);
}

#[test]
fn a_certificate_without_its_chain_or_of_another_root_is_unfit() {
    let (scene, other) = (Scene::new(Profile::Strict, KeyKind::P256), Scene::new(Profile::Strict, KeyKind::P256));
    let order = scene.order(&anna(), Slot::Dual);
    let mut certificate = order.issued();
    let asked = Asked::new(&order.subject, order.id, &order.made.public);
    assert_eq!(other.check.inspect(&certificate, &asked, START)[0].rule, Rule::Chain);
    certificate.chain.clear();
    assert_eq!(order.rules(&certificate), [Rule::Chain]);
}

#[test]
fn one_bit_anywhere_makes_a_certificate_unfit() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    let order = scene.order(&anna(), Slot::Dual);
    let certificate = order.issued();
    for at in 0..certificate.der.len() {
        for bit in [0, 7] {
            let mut wrong = certificate.clone();
            wrong.der[at] ^= 1 << bit;
            assert_ne!(order.rules(&wrong), [], "bit {bit} of octet {at}");
        }
    }
}

#[test]
fn an_order_that_waits_is_decided_when_its_time_has_come() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    scene.authority.fail_next(Fault::Delay(Span::hours(2)));
    let order = scene.order(&anna(), Slot::Dual);
    let Submission::Accepted { order: id, poll_at } = order.submit() else { panic!("not accepted") };
    assert_eq!(poll_at, Some(START + Span::hours(2)));
    assert_eq!(wait(scene.authority.poll(&id)), Progress::Pending { poll_at });
    scene.hand.turn(Span::hours(2));
    let Progress::Issued(issued) = wait(scene.authority.poll(&id)) else { panic!("not issued") };
    let certificate = scene.workshop.read(&issued).unwrap();
    assert_eq!((order.rules(&certificate), certificate.not_before), (vec![], START + Span::hours(2)));
    // It is the same one each time.
    assert_eq!(wait(scene.authority.poll(&id)), Progress::Issued(issued));
    assert!(matches!(wait(scene.authority.poll(&OrderId::new("../root"))), Progress::Refused { .. }));
}

#[test]
fn silence_lasts() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    scene.authority.fail_next(Fault::Silence);
    let Submission::Accepted { order, poll_at: None } = scene.order(&anna(), Slot::Dual).submit() else {
        panic!("not accepted")
    };
    scene.hand.turn(Span::days(3650));
    assert_eq!(wait(scene.authority.poll(&order)), Progress::Pending { poll_at: None });
}

/// Trap T7: a lost answer is no refusal, and a lost request is no order.
#[test]
fn what_was_lost_is_found_again_or_was_never_there() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    let order = scene.order(&anna(), Slot::Dual);
    scene.authority.fail_next(Fault::RequestLost);
    assert!(matches!(order.submit(), Submission::Ambiguous { .. }));
    assert_eq!(order.find(), []);
    scene.authority.fail_next(Fault::AnswerLost);
    assert!(matches!(order.submit(), Submission::Ambiguous { .. }));
    let found = order.find();
    assert_eq!(found.len(), 1);
    let Progress::Issued(issued) = wait(scene.authority.poll(&found[0])) else { panic!("not issued") };
    assert_eq!(order.rules(&scene.workshop.read(&issued).unwrap()), []);
    // Asking again makes no second one.
    assert!(matches!(order.submit(), Submission::Issued { issued: again, .. } if again == issued));
    assert_eq!(order.find(), found);
    // Another key's orders are not found.
    assert_eq!(scene.order(&anna(), Slot::Dual).find(), []);
}

#[test]
fn a_duplicate_has_another_serial_number_and_the_same_key() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    let order = scene.order(&anna(), Slot::Dual);
    scene.authority.fail_next(Fault::Duplicate);
    let first = order.issued();
    let found = order.find();
    assert_eq!(found.len(), 2);
    let Progress::Issued(second) = wait(scene.authority.poll(&found[1])) else { panic!("not issued") };
    let second = scene.workshop.read(&second).unwrap();
    assert_ne!(first.serial, second.serial);
    assert_eq!(first.public, second.public);
    assert_eq!(order.rules(&second), []);
}

#[test]
fn outages_limits_and_refusals_are_told_apart() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    let order = scene.order(&anna(), Slot::Dual);
    let certificate = scene.order(&anna(), Slot::Dual).issued();
    scene.authority.fail(Fault::Outage);
    assert!(matches!(order.submit(), Submission::Unavailable { .. }));
    let found = testing::find(&scene.authority, &order.subject, order.id, &order.made);
    assert!(matches!(found, Reconciled::Unavailable { .. }));
    assert!(matches!(wait(scene.authority.poll(&OrderId::new("x-1"))), Progress::Unavailable { .. }));
    assert!(wait(scene.authority.revoke(&certificate, RevocationReason::Superseded)).is_err());
    scene.authority.mend();
    scene.authority.fail_next(Fault::RateLimit(Span::minutes(5)));
    assert_eq!(order.submit(), Submission::RateLimited { retry_at: Some(START + Span::minutes(5)) });
    scene.authority.fail_next(Fault::Refusal);
    assert!(matches!(order.submit(), Submission::Refused { .. }));
    assert_eq!(order.find(), []);
    assert_eq!(order.rules(&order.issued()), []);
}

/// Invariant I9, seen from the authority.
#[test]
fn no_more_requests_are_taken_in_an_hour_than_the_rate_allows() {
    let hand = Hand::new();
    let settings = Settings::new("Test", "http://ca.example.com").requests_per_hour(3);
    let scene = Scene::with(LocalAuthority::in_memory(settings, hand.clock()).unwrap(), hand, KeyKind::P256);
    for minute in 0..3 {
        assert!(matches!(scene.order(&anna(), Slot::Dual).submit(), Submission::Issued { .. }), "{minute}");
        scene.hand.turn(Span::minutes(1));
    }
    let order = scene.order(&anna(), Slot::Dual);
    assert_eq!(order.submit(), Submission::RateLimited { retry_at: Some(START + Span::hours(1)) });
    scene.hand.turn(Span::minutes(57));
    assert!(matches!(order.submit(), Submission::Issued { .. }));
}

#[test]
fn a_request_must_be_signed_with_its_key_and_be_for_the_subject_that_asks() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    let refused = |order: &Order<'_>| matches!(order.submit(), Submission::Refused { .. });
    let mut forged = scene.order(&anna(), Slot::Dual);
    let last = forged.made.request.len() - 1;
    forged.made.request[last] ^= 1;
    assert!(refused(&forged));
    let mut others = scene.order(&anna(), Slot::Dual);
    others.subject = subject(SubjectKind::Mailbox, "bob@example.org");
    assert!(refused(&others), "the id is not that of the address");
    others.id = GenerationId::new(others.subject.id, Slot::Dual, 1);
    assert!(refused(&others), "the request is for another address");
    let mut swapped = scene.order(&anna(), Slot::Dual);
    swapped.made.request = scene.order(&anna(), Slot::Dual).made.request;
    assert!(refused(&swapped), "the request is for another key");
}

/// What the list and the answers say, as this side reads them.
fn revocation(scene: &Scene, certificate: &CertificateRecord) -> [Result<Revocation, String>; 2] {
    let leaf = Certificate::from_der(&certificate.der).unwrap();
    let at = UnixTime(scene.hand.now().unix());
    let base = Validator::new(std::slice::from_ref(scene.authority.root()), at, Purpose::EmailSigning)
        .intermediates(std::slice::from_ref(scene.authority.issuing()));
    let by_list = base.clone().crl(&scene.authority.crl().unwrap()).unwrap();
    let by_answer = base.ocsp(&scene.authority.ocsp(&ocsp_request(scene, &leaf))).unwrap();
    [by_list, by_answer].map(|validator| match validator.validate(&leaf, &[]) {
        Ok(path) => Ok(path.revocation[0]),
        Err(distrust) => Err(distrust.to_string()),
    })
}

/// An OCSP request by SHA-1, as programs make it.
fn ocsp_request(scene: &Scene, leaf: &Certificate) -> Vec<u8> {
    use sha1::{Digest, Sha1};
    let tlv = |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
    let issuer = scene.authority.issuing();
    let key = &issuer.public_key()[issuer.public_key().len() - 65..];
    let algorithm = tlv(0x30, &[&tlv(6, &[0x2b, 14, 3, 2, 26])[..], &[5, 0]].concat());
    let (name, key) = (Sha1::digest(leaf.issuer()), Sha1::digest(key));
    let id = tlv(0x30, &[algorithm, tlv(4, &name), tlv(4, &key), tlv(2, leaf.serial())].concat());
    tlv(0x30, &tlv(0x30, &tlv(0x30, &tlv(0x30, &id))))
}

#[test]
fn lists_and_answers_say_what_was_revoked_and_only_that() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    let [one, other] = [0, 1].map(|_| scene.order(&anna(), Slot::Dual).issued());
    let good = [Ok(Revocation::GoodByCrl), Ok(Revocation::GoodByOcsp)];
    assert_eq!(revocation(&scene, &one), good);
    wait(scene.authority.revoke(&one, RevocationReason::KeyCompromise)).unwrap();
    // Once more changes nothing.
    scene.hand.turn(Span::hours(1));
    wait(scene.authority.revoke(&one, RevocationReason::Superseded)).unwrap();
    for said in revocation(&scene, &one) {
        let said = said.unwrap_err();
        assert!(said.contains(&START.to_string()), "{said}");
    }
    assert_eq!(revocation(&scene, &other), good);
    // What another authority issued, under the same name.
    let stranger = Scene::new(Profile::Strict, KeyKind::P256);
    let theirs = stranger.order(&anna(), Slot::Dual).issued();
    assert!(wait(scene.authority.revoke(&theirs, RevocationReason::Superseded)).is_err());
}

#[test]
fn an_answer_is_given_only_for_its_own_certificates() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    let stranger = Scene::new(Profile::Strict, KeyKind::P256);
    let theirs = stranger.order(&anna(), Slot::Dual).issued();
    let theirs = Certificate::from_der(&theirs.der).unwrap();
    assert_eq!(scene.authority.ocsp(b"no request"), [0x30, 3, 0x0a, 1, 1]);
    assert_eq!(scene.authority.ocsp(&ocsp_request(&stranger, &theirs)), [0x30, 3, 0x0a, 1, 6]);
    // Its own name and key, but a serial number that it never gave: unknown, hence not good.
    let answer = scene.authority.ocsp(&ocsp_request(&scene, &theirs));
    assert!(answer.windows(2).any(|window| window == [0x82, 0]), "it must say unknown");
}

/// As on 2026-04-22 and 2026-05-08: a whole product of a time span.
#[test]
fn a_mass_revocation_takes_what_is_selected_and_nothing_else() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    let before = scene.order(&anna(), Slot::Dual).issued();
    scene.hand.turn(Span::days(1));
    let during: Vec<_> = (0..5).map(|_| scene.order(&anna(), Slot::Dual).issued()).collect();
    scene.hand.turn(Span::days(1));
    let after = scene.order(&anna(), Slot::Dual).issued();
    let mut selection = Selection::default();
    selection.product = Some("2.23.140.1.5.1.3".to_owned());
    selection.not_before_from = Some(START + Span::seconds(1));
    selection.not_before_to = Some(START + Span::days(2) - Span::seconds(1));
    let revoke = || scene.authority.revoke_all(&selection, RevocationReason::PrivilegeWithdrawn).unwrap();
    assert_eq!((revoke(), revoke()), (5, 0));
    for certificate in during {
        assert!(revocation(&scene, &certificate).iter().all(Result::is_err));
    }
    for certificate in [before, after] {
        assert!(revocation(&scene, &certificate).iter().all(Result::is_ok));
    }
    selection.product = Some("2.23.140.1.5.1.2".to_owned());
    selection.not_before_from = None;
    assert_eq!(revoke_of(&scene, &selection), 0);
}

fn revoke_of(scene: &Scene, selection: &Selection) -> u64 {
    scene.authority.revoke_all(selection, RevocationReason::Superseded).unwrap()
}

/// The issuing authority is valid for 20 years: what it signs later would not be.
#[test]
fn what_would_not_be_fit_is_not_issued() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    scene.hand.turn(Span::days(20 * 365 - 1));
    let order = scene.order(&anna(), Slot::Dual);
    let certificate = order.issued();
    assert_eq!((order.rules(&certificate), certificate.not_after), (vec![], scene.hand.now() + Span::seconds(86_399)));
    scene.hand.turn(Span::days(1));
    let submission = scene.order(&anna(), Slot::Dual).submit();
    assert!(matches!(submission, Submission::Refused { reason } if reason.contains("not issued")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is asked for is issued as it was asked for, or refused when the key is made; serial numbers are used
    /// once.
    #[test]
    fn an_address_has_a_certificate_that_is_fit_or_none(
        address in "([a-zA-Z0-9._+'-]{1,66}|[a-zäßéЖ字]{1,20})@[a-z0-9-]{1,20}\\.(org|com)",
        slot in 0usize..3,
        profile in 0usize..2,
    ) {
        static SCENES: LazyLock<[Scene; 2]> = LazyLock::new(|| Profile::ALL.map(|it| Scene::new(it, KeyKind::P256)));
        static SERIALS: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());
        let (scene, subject) = (&SCENES[profile], subject(SubjectKind::Mailbox, &address));
        let id = GenerationId::new(subject.id, Slot::ALL[slot], 1);
        let Ok(made) = wait(scene.workshop.make_key(&subject, id)) else { return Ok(()) };
        let order = Order { scene, subject, id, made };
        let certificate = order.issued();
        prop_assert_eq!(order.rules(&certificate), []);
        prop_assert!((9..=16).contains(&certificate.serial.len()));
        prop_assert!(SERIALS.lock().unwrap().insert(certificate.serial));
    }
}

#[test]
fn what_comes_without_a_certificate_is_an_error() {
    let scene = Scene::new(Profile::Strict, KeyKind::P256);
    assert!(scene.workshop.read(&Issued::new(vec![0x30, 0], vec![])).is_err());
}

#[test]
fn settings_that_cannot_be_met_are_refused() {
    let settings = || Settings::new("Test", "http://ca.example.com");
    for wrong in [
        settings().days(0),
        settings().days(826),
        settings().country("Germany"),
        Settings::new("", "http://ca.example.com"),
        Settings::new("Test", "https://ca.example.com"),
        Settings::new("Test", "http://ca.example.com/"),
    ] {
        assert!(LocalAuthority::in_memory(wrong, Hand::new().clock()).is_err());
    }
}

mod folder {
    use super::*;

    fn settings() -> Settings {
        Settings::new("Test", "http://ca.example.com")
    }

    #[test]
    fn another_process_goes_on_where_one_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca");
        let hand = Hand::new();
        let first = Scene::with(LocalAuthority::create(&path, settings(), hand.clock()).unwrap(), hand, KeyKind::P256);
        first.authority.fail_next(Fault::Delay(Span::hours(1)));
        let order = first.order(&anna(), Slot::Dual);
        assert!(matches!(order.submit(), Submission::Accepted { .. }));
        let revoked = first.order(&anna(), Slot::Dual).issued();
        wait(first.authority.revoke(&revoked, RevocationReason::Superseded)).unwrap();

        let open = || LocalAuthority::open(&path, first.hand.clock()).unwrap();
        let second = Scene::with(open(), first.hand.clone(), KeyKind::P256);
        assert_eq!(second.authority.root(), first.authority.root());
        assert_eq!(second.authority.settings(), first.authority.settings());
        assert!(revocation(&second, &revoked).iter().all(Result::is_err));
        second.hand.turn(Span::hours(1));
        let same = Order { scene: &second, subject: order.subject.clone(), id: order.id, made: order.made };
        let found = same.find();
        assert_eq!(found.len(), 1);
        let Progress::Issued(issued) = wait(second.authority.poll(&found[0])) else { panic!("not issued") };
        assert_eq!(same.rules(&second.workshop.read(&issued).unwrap()), []);
        // And the first one knows it, too.
        assert_eq!(wait(first.authority.poll(&found[0])), Progress::Issued(issued));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_its_files() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca");
        let _authority = LocalAuthority::create(&path, settings(), Hand::new().clock()).unwrap();
        for file in std::fs::read_dir(&path).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
        }
    }

    #[test]
    fn an_authority_is_not_made_over_another_one_or_opened_where_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Hand::new().clock();
        assert!(LocalAuthority::open(folder.path(), clock.clone()).is_err());
        assert!(LocalAuthority::open(&folder.path().join("none"), clock.clone()).is_err());
        let made = LocalAuthority::create(folder.path(), settings(), clock.clone()).unwrap();
        assert!(LocalAuthority::create(folder.path(), settings(), clock.clone()).is_err());
        assert_eq!(LocalAuthority::open(folder.path(), clock.clone()).unwrap().root(), made.root());
        std::fs::write(folder.path().join("issuing.key"), b"damaged").unwrap();
        assert!(LocalAuthority::open(folder.path(), clock).is_err());
    }

    #[test]
    fn of_those_who_make_an_authority_in_one_folder_at_once_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let make = || LocalAuthority::create(folder.path(), settings(), Hand::new().clock()).ok();
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(make));
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(made.len(), 1);
        let opened = LocalAuthority::open(folder.path(), Hand::new().clock()).unwrap();
        assert_eq!(made[0].root(), opened.root());
    }

    /// The certificate is written before its order: in between the process may be killed.
    #[test]
    fn what_was_signed_when_the_process_was_killed_is_not_signed_again() {
        let folder = tempfile::tempdir().unwrap();
        let hand = Hand::new();
        let authority = LocalAuthority::create(folder.path(), settings(), hand.clock()).unwrap();
        let scene = Scene::with(authority, hand, KeyKind::P256);
        let order = scene.order(&anna(), Slot::Dual);
        let signed = order.issued();
        let id = order.find().pop().unwrap();
        let path = folder.path().join(format!("orders/{id}.json"));
        let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        kept["certificate"] = serde_json::Value::Null;
        std::fs::write(&path, kept.to_string()).unwrap();
        let Progress::Issued(issued) = wait(scene.authority.poll(&id)) else { panic!("not issued") };
        assert_eq!(issued.certificate, signed.der);
        assert_eq!(std::fs::read_dir(folder.path().join("issued")).unwrap().count(), 1);
    }

    /// A crash between writing and moving leaves a file beside its place, which counts for nothing.
    #[test]
    fn what_a_crash_leaves_behind_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let hand = Hand::new();
        let authority = LocalAuthority::create(folder.path(), settings(), hand.clock()).unwrap();
        let scene = Scene::with(authority, hand, KeyKind::P256);
        let certificate = scene.order(&anna(), Slot::Dual).issued();
        for place in ["revoked", "issued", "orders"] {
            std::fs::create_dir_all(folder.path().join(place)).unwrap();
            std::fs::write(folder.path().join(place).join("00.new"), b"{").unwrap();
        }
        assert!(revocation(&scene, &certificate).iter().all(Result::is_ok));
        assert_eq!(revoke_of(&scene, &Selection::default()), 1);
    }

    #[test]
    fn an_order_of_two_threads_is_one_order() {
        let folder = tempfile::tempdir().unwrap();
        let hand = Hand::new();
        let authority = LocalAuthority::create(folder.path(), settings(), hand.clock()).unwrap();
        let scene = Scene::with(authority, hand.clone(), KeyKind::P256);
        let order = scene.order(&anna(), Slot::Dual);
        let ask = || {
            let other = LocalAuthority::open(folder.path(), hand.clock()).unwrap();
            testing::submit(&other, &order.subject, order.id, &order.made)
        };
        let answers = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(answers.iter().all(|answer| *answer == answers[0] && matches!(answer, Submission::Issued { .. })));
        assert_eq!(order.find().len(), 1);
    }
}
