//! Who lost its lease writes nothing (trap T14).

use super::{
    Harness,
    bench::{Bench, key, seed, wake},
    check::{Outcome, ensure, fenced, same, there},
};
use crate::{
    Happened, Layout, Subject, SubjectKind,
    port::{Attachment, Insertion, KeyStore, Lease},
};

pub(super) async fn an_old_lease_advances_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subject = bench.mailbox("ann").await?;
    let old = bench.lease(&subject).await?;
    let id = bench.insert(&old, 1).await?;
    let new = bench.lease_at(old.until, "two", &subject).await?;
    let before = bench.trace(&subject).await?;
    let certificate = Box::new(bench.certificate("late"));
    for attachment in
        [Attachment::None, Attachment::Order("late".to_owned()), Attachment::Certificate(certificate.clone())]
    {
        let late = bench.store.advance(&old, &bench.event(id, Happened::Refused), &attachment).await;
        fenced("advance", &late)?;
    }
    same("what is written", &bench.trace(&subject).await?, &before)?;
    let record = there("the generation", bench.store.generation(id).await?)?;
    ensure(record.order.is_none() && record.certificates.is_empty(), "what a late node attached is there")?;
    let name = crate::port::KeyName::Spki(certificate.public.spki_sha256);
    ensure(bench.store.find(&name).await?.is_empty(), "a certificate that a late node attached is found")?;
    bench.advance(&new, id, Happened::Asking { ask: 1 }).await?;
    Ok(())
}

pub(super) async fn an_old_lease_inserts_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let (old, new) = bench.taken_over("ann").await?;
    let before = bench.trace(&old.subject).await?;
    let late = bench.new_generation(&old, 1, "late");
    fenced("insert_generation", &bench.store.insert_generation(&old, &late).await)?;
    same("what is written", &bench.trace(&old.subject).await?, &before)?;
    ensure(bench.store.generation(late.id).await?.is_none(), "the generation of a late node is there")?;
    ensure(bench.store.private_key(late.id).await.is_err(), "the key of a late node is there")?;
    let id = bench.insert(&new, 1).await?;
    let found = bench.store.private_key(id).await?;
    ensure(found.expose_pkcs8() == key(&seed(&new, 1)).expose_pkcs8(), "it is not the holder's key")
}

pub(super) async fn an_old_lease_releases_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let (old, new) = bench.taken_over("ann").await?;
    let before = bench.trace(&old.subject).await?;
    fenced("release", &bench.store.release(&old, wake(bench.now, bench.now)).await)?;
    same("what is written", &bench.trace(&old.subject).await?, &before)?;
    // The holder still holds it.
    same("claimed", &bench.claim_at(old.until, "three", 9).await?.len(), &0)?;
    Ok(bench.store.release(&new, wake(bench.now, bench.now)).await?)
}

pub(super) async fn a_lease_that_was_given_back_writes_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    bench.store.release(&lease, wake(bench.now, bench.now)).await?;
    nothing_is_written_with(bench, &lease).await?;
    let again = bench.lease(&lease.subject).await?;
    bench.advance(&again, id, Happened::Asking { ask: 1 }).await?;
    nothing_is_written_with(bench, &lease).await
}

pub(super) async fn a_lease_that_nobody_gave_writes_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    for epoch in [0, lease.epoch + 1, u64::MAX >> 1] {
        nothing_is_written_with(bench, &Lease::new(lease.subject.clone(), lease.state.clone(), epoch, lease.until))
            .await?;
    }
    let nobody = Subject::new(SubjectKind::Mailbox, "nobody@example.org", Layout::Dual, bench.now)?;
    nothing_is_written_with(bench, &Lease::new(nobody, lease.state, 1, lease.until)).await
}

async fn nothing_is_written_with<H: Harness>(bench: &Bench<'_, H>, lease: &Lease) -> Outcome {
    let before = bench.trace(&lease.subject).await?;
    let new = bench.new_generation(lease, 9, "late");
    fenced("insert_generation", &bench.store.insert_generation(lease, &new).await)?;
    let refused = bench.event(new.id, Happened::Refused);
    fenced("advance", &bench.store.advance(lease, &refused, &Attachment::None).await)?;
    fenced("release", &bench.store.release(lease, wake(bench.now, bench.now)).await)?;
    same("what is written", &bench.trace(&lease.subject).await?, &before)?;
    ensure(bench.store.generation(new.id).await?.is_none(), "the generation is there")
}

/// One key for each generation, whoever goes on with it (invariant I7).
pub(super) async fn the_new_holder_finds_what_the_old_one_committed<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let old = bench.held("ann").await?;
    let id = bench.insert(&old, 1).await?;
    let new = bench.lease_at(old.until, "two", &old.subject).await?;
    let own = bench.new_generation(&new, 1, "the new holder's own");
    same("insertion", &bench.store.insert_generation(&new, &own).await?, &Insertion::AlreadyThere)?;
    let found = bench.store.private_key(id).await?;
    ensure(found.expose_pkcs8() == key(&seed(&old, 1)).expose_pkcs8(), "it is not the key that was committed first")
}
