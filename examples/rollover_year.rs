//! A year in the life of one mailbox: it is enrolled, its first mail sets off a key, the key rolls by itself, and what
//! was encrypted to the old one is still read. Time is virtual: the year passes in a moment.
//!
//! `cargo run --example rollover_year`

use std::{error::Error, sync::Arc, sync::atomic::AtomicI64, sync::atomic::Ordering::Relaxed};

use sealpost::{
    ca::{Check, KeyKind, KeyPool, MailWorkshop, local::LocalAuthority, local::Settings},
    rollover::driver::{Authenticated, Driver, FirstMail},
    rollover::port::{KeyName, KeyStore},
    rollover::{Layout, Policy, Span, Subject, SubjectKind, Time, explain},
    store::seal::{self, Keyring},
};

const ALICE: &str = "alice@example.org";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Everything goes by this clock, which starts on 2027-01-04.
    let seconds = Arc::new(AtomicI64::new(1_799_049_600));
    let shown = Arc::clone(&seconds);
    let clock = move || Time::from_unix(shown.load(Relaxed));
    let pass = |span: Span| _ = seconds.fetch_add(span.as_seconds(), Relaxed);

    // A store in a file, whose private keys are sealed; an authority of one's own; keys on P-256.
    let folder = tempfile::tempdir()?;
    let [store, kek] = ["keys.db", "keys.kek"].map(|name| folder.path().join(name).display().to_string());
    seal::create(&format!("file:{kek}"))?;
    let keyring = Arc::new(Keyring::open(&format!("file:{kek}"))?);
    let store = sealpost::store::open(&format!("sqlite:{store}"), keyring).await?.with_clock(clock.clone());
    let settings = Settings::new("Example", "http://ca.example.org");
    let authority = LocalAuthority::in_memory(settings, Arc::new(clock.clone()))?;
    let check = Check::new(&[authority.root().clone()]);
    let workshop = MailWorkshop::new(KeyPool::new(KeyKind::P256, 0), check);
    let policy = Policy::secumail_7d();
    let driver = Driver::new(Arc::new(store), Arc::new(authority), Arc::new(workshop), policy.clone(), "node 1");
    let store = driver.store();

    let alice = Subject::new(SubjectKind::Mailbox, ALICE, Layout::Dual, clock())?;
    store.enroll(&alice, "the operator").await?;
    println!("{}  enrolled: no key before it is needed", clock());
    // The first mail sets off the order, and is held for the seconds that it takes.
    let arrived = clock();
    let first = loop {
        match driver.first_mail(Authenticated::sender(ALICE), arrived).await? {
            FirstMail::Ready(signer) => break signer,
            FirstMail::WaitUntil(time) => pass(time - clock()),
            _ => return Err("the first mail is signed".into()),
        }
    };
    let old = first.certificates.first().ok_or("a signer has a certificate")?;
    println!("{}  first mail: generation {} signs until {}", clock(), first.generation.number, old.not_after);

    // A look a day. Most find nothing to do.
    for _ in 0..370 {
        pass(Span::days(1));
        if driver.tick().await?.ready > 0 {
            println!("{}  renewed", clock());
        }
    }
    let now = driver.signer(ALICE, clock()).await?.ok_or("there is always a signer")?;
    assert_eq!(now.generation.number, 2);
    let name = KeyName::IssuerAndSerial { issuer: old.issuer.clone(), serial: old.serial.clone() };
    let keys = driver.decrypters_for(&name).await?;
    let (id, _key) = keys.first().ok_or("no key is ever lost")?;
    assert_eq!(*id, first.generation);
    println!("{}  a mail to the first certificate, which ended: generation {} decrypts it", clock(), id.number);
    let alice = store.load(alice.id).await?.ok_or("she is enrolled")?;
    println!("\n{}", explain(&alice.state, &policy, clock()));
    Ok(())
}

#[test]
fn it_runs() {
    main().unwrap();
}
