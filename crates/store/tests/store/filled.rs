//! Stores with something of everything in them.

use sealpost_rollover::{
    Cause, Event, GenerationId, Happened, Layout, Selection, Slot, Span, Subject, SubjectKind, Time, Wake, audit,
    port::{Attachment, CertificateRecord, Claim, KeyName, KeyStore, Lease, NewGeneration, PrivateKey, PublicKey},
};
use zeroize::Zeroizing;

pub(crate) const AT: Time = Time::from_unix(1_800_000_000);

pub(crate) fn subject(name: &str, layout: Layout) -> Subject {
    Subject::new(SubjectKind::Mailbox, &format!("{name}@example.org"), layout, AT).unwrap()
}

pub(crate) fn public(id: GenerationId) -> PublicKey {
    let mut spki = id.subject.octets().to_vec();
    spki.extend([u8::try_from(id.slot.word().len()).unwrap(); 12]);
    spki.extend(id.number.to_be_bytes());
    PublicKey::new(spki.clone(), spki[..20].to_vec())
}

pub(crate) fn generation(id: GenerationId) -> NewGeneration {
    let key = PrivateKey::from_pkcs8(Zeroizing::new(format!("the key of {id:?}").into_bytes()));
    NewGeneration::new((id, Cause::Enrolled, AT), key, public(id), vec![7; 40])
}

pub(crate) fn certificate(id: GenerationId, serial: u8) -> CertificateRecord {
    let names = (b"issuer".to_vec(), [id.subject.octets().as_slice(), &[serial]].concat());
    let chain = vec![vec![1; 30], vec![], vec![2; 5]];
    CertificateRecord::new(names, public(id), (AT, AT + Span::days(365)), (vec![9; 50], chain)).product("1.2.3")
}

/// Enrols, makes keys and certificates, starts a replacement: all tables get rows.
pub(crate) async fn fill<S: KeyStore>(store: &S, subjects: u32) -> Vec<GenerationId> {
    for number in 0..subjects {
        let layout = if number % 3 == 0 { Layout::Split } else { Layout::Dual };
        store.enroll(&subject(&format!("user{number}"), layout), "fill").await.unwrap();
    }
    let far = store.now().await.unwrap() + Span::days(1);
    let mut ids = Vec::new();
    for lease in store.claim(far, &Claim::new("fill", Span::hours(1), subjects, subjects)).await.unwrap() {
        for &slot in lease.subject.layout.slots() {
            let id = GenerationId::new(lease.subject.id, slot, 1);
            roll(store, &lease, id).await;
            ids.push(id);
        }
        store.release(&lease, Wake::new(AT + Span::days(300), AT + Span::days(365), false)).await.unwrap();
    }
    store.replace(&Selection::default(), AT + Span::days(9), "a rehearsal", "fill").await.unwrap();
    store.start_replacing(far, 2).await.unwrap();
    store.set("policy", "yearly", "fill").await.unwrap();
    store.look(AT, Span::days(1)).await.unwrap();
    store.authority("local", AT, |state| state.permits = 5).await.unwrap();
    ids.sort_unstable();
    ids
}

/// Makes a key, and has two certificates come for it.
async fn roll<S: KeyStore>(store: &S, lease: &Lease, id: GenerationId) {
    store.insert_generation(lease, &generation(id)).await.unwrap();
    let issued = Happened::Issued { not_before: AT, not_after: AT + Span::days(365) };
    let ready = Happened::Ready { activate_at: AT, renew_at: AT + Span::days(300) };
    for (what, attachment) in [
        (Happened::Asking { ask: 1 }, Attachment::Order("order".to_owned())),
        (issued, Attachment::Certificate(Box::new(certificate(id, 1)))),
        (issued, Attachment::Certificate(Box::new(certificate(id, 2)))),
        (ready, Attachment::None),
    ] {
        store.advance(lease, &event(id, what), &attachment).await.unwrap();
    }
}

pub(crate) fn event(id: GenerationId, what: Happened) -> Event {
    Event::new(id.slot, id.number, AT, what)
}

/// All that the verbs tell of a store.
pub(crate) async fn told<S: KeyStore>(store: &S) -> String {
    let mut told = String::new();
    for listed in store.list(None, u32::MAX).await.unwrap() {
        told += &format!("{:?}\n{:?}\n{:?}\n", listed.subject, listed.state, listed.wake);
        for generation in listed.state.generations() {
            let id = GenerationId::new(listed.subject.id, generation.slot, generation.number);
            let key = store.private_key(id).await.map(|key| key.expose_pkcs8().to_vec()).ok();
            let found = store.find(&KeyName::Spki(public(id).spki_sha256)).await.unwrap();
            told += &format!("{key:?} {:?} {found:?}\n", store.generation(id).await.unwrap());
        }
    }
    told += &format!("{:?}\n", store.replacements().await.unwrap());
    told += &format!("{:?}\n", store.setting("policy").await.unwrap());
    told += &format!("{:?}\n", store.authority("local", AT, |_| ()).await.unwrap());
    told += &format!("{:?}\n", store.audit(0, u32::MAX).await.unwrap());
    told
}

/// Follows the audit chain from its start.
pub(crate) async fn verify<S: KeyStore>(store: &S) -> audit::Head {
    let mut head = audit::Head::START;
    for record in store.audit(0, u32::MAX).await.unwrap() {
        head.verify(&record).unwrap();
    }
    head
}

pub(crate) const DUAL: Slot = Slot::Dual;
