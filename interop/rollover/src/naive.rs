//! The design that loses keys: a key is in memory only until the authority has answered. The test that kills nodes
//! must find that out.

use sealpost_ca::{LocalAuthority, MailWorkshop, testing};
use sealpost_interop_rollover::{Error, LEASE};
use sealpost_rollover::{
    Cause, Event, GenerationId, Happened, Slot, Wake,
    authority::Submission,
    port::{Attachment, Claim, KeyStore, Lease, NewGeneration},
    workshop::Workshop,
};

pub(crate) async fn run<S: KeyStore>(
    store: &S,
    authority: &LocalAuthority,
    workshop: &MailWorkshop,
    name: &str,
) -> Result<(), Error> {
    loop {
        let now = store.now().await?;
        for lease in store.claim(now, &Claim::new(name, LEASE, 1, 1)).await? {
            roll(store, authority, workshop, &lease).await?;
        }
    }
}

async fn roll<S: KeyStore>(
    store: &S,
    authority: &LocalAuthority,
    workshop: &MailWorkshop,
    lease: &Lease,
) -> Result<(), Error> {
    let now = store.now().await?;
    let number = lease.state.generations().last().map_or(0, |last| last.number) + 1;
    let id = GenerationId::new(lease.subject.id, Slot::Dual, number);
    let made = workshop.make_key(&lease.subject, id).await?;
    println!("asking: {}", lease.subject.address);
    let Submission::Issued { issued, .. } = testing::submit(authority, &lease.subject, id, &made) else {
        return Err("the authority did not issue".into());
    };
    // Here the certificate is out, and its key is nowhere.
    let certificate = workshop.read(&issued)?;
    let new = NewGeneration::new((id, Cause::Click, now), made.key, made.public, made.request);
    store.insert_generation(lease, &new).await?;
    let (not_before, not_after) = (certificate.not_before, certificate.not_after);
    for (what, attachment) in [
        (Happened::Asking { ask: 1 }, Attachment::None),
        (Happened::Issued { not_before, not_after }, Attachment::Certificate(Box::new(certificate))),
        (Happened::Ready { activate_at: now, renew_at: not_after }, Attachment::None),
        (Happened::Published { activate_at: now }, Attachment::None),
    ] {
        store.advance(lease, &Event::new(Slot::Dual, number, now, what), &attachment).await?;
    }
    println!("step: ready 1");
    // Due again at once.
    Ok(store.release(lease, Wake::new(now, not_after, false)).await?)
}
