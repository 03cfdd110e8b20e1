//! Destroying keys: on somebody's order, and nothing but the key (invariant I4).

use super::{
    Harness,
    bench::{Bench, key, seed},
    check::{Outcome, ensure, not_found, same, there},
};
use crate::{
    GenerationId, Slot, Span, SubjectId, Time, Wake,
    port::{Insertion, KeyStore},
};

pub(super) async fn destroying_takes_the_key_and_nothing_else<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let (id, kept) = (bench.fit(&lease, 1, "product").await?, bench.fit(&lease, 2, "product").await?);
    let record = bench.store.generation(id).await?;
    let at = bench.now + Span::days(4_000);
    bench.store.destroy(id, at, "operator").await?;
    not_found("private_key", &bench.store.private_key(id).await)?;
    same("record", &bench.store.generation(id).await?, &record)?;
    let state = bench.state(&lease.subject).await?;
    let destroyed = there("the generation", state.generation(Slot::Dual, 1))?;
    same("when it was destroyed", &destroyed.destroyed, &Some(at))?;
    same("when it was ready", &destroyed.ready, &Some(bench.now))?;
    let other = bench.store.private_key(kept).await?;
    ensure(other.expose_pkcs8() == key(&seed(&lease, 2)).expose_pkcs8(), "another key is another one now")?;
    ensure(bench.store.back_up(id).await.is_err(), "a key that was destroyed was backed up")
}

pub(super) async fn destroying_again_changes_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    bench.store.destroy(id, bench.now, "operator").await?;
    let before = bench.trace(&lease.subject).await?;
    bench.store.destroy(id, bench.now + Span::days(1), "somebody").await?;
    same("what is written", &bench.trace(&lease.subject).await?, &before)
}

pub(super) async fn destroying_makes_due_at_once<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    bench.store.release(&lease, Wake::new(Time::NEVER, Time::NEVER, false)).await?;
    bench.store.destroy(id, bench.now, "operator").await?;
    same("claimed", &bench.claim("one", 9).await?.len(), &1)
}

pub(super) async fn a_destroyed_key_does_not_come_back<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    bench.store.destroy(id, bench.now, "operator").await?;
    let again = bench.new_generation(&lease, 1, "another");
    same("insertion", &bench.store.insert_generation(&lease, &again).await?, &Insertion::AlreadyThere)?;
    not_found("private_key", &bench.store.private_key(id).await)
}

pub(super) async fn destroying_the_unknown_is_refused<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let known = bench.insert(&lease, 1).await?;
    let before = bench.trace(&lease.subject).await?;
    let nobody = SubjectId::from_octets([7; 16]);
    for unknown in [GenerationId { number: 2, ..known }, GenerationId { subject: nobody, ..known }] {
        not_found("destroy", &bench.store.destroy(unknown, bench.now, "operator").await)?;
    }
    same("what is written", &bench.trace(&lease.subject).await?, &before)
}
