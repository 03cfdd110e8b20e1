//! What was written is there after the store was closed and opened again.

use super::{
    Harness,
    bench::{Bench, LIFETIME, key, seed, wake},
    chain::records,
    check::{Outcome, ensure, fenced, same, there},
    names::{finds, names},
    replacing::product,
};
use crate::{
    Error, Happened, Span, Time, Wake,
    port::{Attachment, AuthorityState, KeyStore, Pace},
};

pub(super) async fn subjects_and_keys_survive<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let fit = bench.fit(&lease, 1, "product").await?;
    let new = bench.insert(&lease, 2).await?;
    let gone = bench.insert(&lease, 3).await?;
    bench.store.destroy(gone, bench.now, "operator").await?;
    bench.store.release(&lease, Wake::new(bench.now, bench.now, false)).await?;
    let wake = Wake::new(bench.now + Span::days(3), bench.now + Span::days(30), true);
    bench.settle(|_| wake).await?;
    let before = there("it", bench.store.load(lease.subject.id).await?)?;
    bench.reopen().await?;
    let after = there("the subject", bench.store.load(lease.subject.id).await?)?;
    same("subject", &after.subject, &before.subject)?;
    same("state", &after.state, &before.state)?;
    same("wake", &after.wake, &wake)?;
    for (id, number) in [(fit, 1), (new, 2)] {
        let found = bench.store.private_key(id).await?;
        ensure(found.expose_pkcs8() == key(&seed(&lease, number)).expose_pkcs8(), "it is another key")?;
    }
    ensure(bench.store.private_key(gone).await.is_err(), "a key that was destroyed is there again")
}

pub(super) async fn names_and_certificates_survive<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let certificates = ["first", "second"].map(|seed| bench.certificate(seed));
    for certificate in &certificates {
        bench.attach(&lease, id, certificate.clone()).await?;
    }
    let accepted = bench.event(id, Happened::Accepted { poll_at: bench.now });
    bench.store.advance(&lease, &accepted, &Attachment::Order("order".to_owned())).await?;
    let before = bench.store.generation(id).await?;
    bench.reopen().await?;
    same("generation", &bench.store.generation(id).await?, &before)?;
    for name in certificates.iter().flat_map(names) {
        finds(&bench.store, &name, &[id]).await?;
    }
    Ok(())
}

pub(super) async fn leases_survive<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    bench.reopen().await?;
    same("claimed of what is held", &bench.claim("two", 9).await?.len(), &0)?;
    let id = bench.insert(&lease, 1).await?;
    let new = bench.lease_at(bench.now + LIFETIME, "two", &lease.subject).await?;
    ensure(new.epoch > lease.epoch, "the epoch of the new lease is not higher")?;
    bench.reopen().await?;
    fenced("release", &bench.store.release(&lease, wake(bench.now, bench.now)).await)?;
    bench.advance(&new, id, Happened::Asking { ask: 1 }).await?;
    // What is recorded during a lease is not forgotten either.
    bench.store.record(new.subject.id, &bench.event(id, Happened::Refused), "somebody").await?;
    bench.reopen().await?;
    bench.store.release(&new, wake(Time::NEVER, Time::NEVER)).await?;
    same("claimed at once", &bench.claim("one", 9).await?.len(), &1)
}

pub(super) async fn replacements_survive<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    for number in 0..3 {
        let lease = bench.held(&format!("user{number}")).await?;
        bench.fit(&lease, 1, "product").await?;
    }
    for days in [5, 9] {
        bench.store.replace(&product("product"), bench.now + Span::days(days), "reason", "operator").await?;
    }
    bench.store.start_replacing(bench.now, 2).await?;
    bench.store.pace(2, Pace::Paused, "operator").await?;
    let before = bench.store.replacements().await?;
    bench.reopen().await?;
    same("replacements", &bench.store.replacements().await?, &before)?;
    same("started", &bench.store.start_replacing(bench.now, 9).await?, &1)?;
    bench.store.pace(2, Pace::Running, "operator").await?;
    same("started of the other one", &bench.store.start_replacing(bench.now, 9).await?, &3)
}

pub(super) async fn settings_and_looks_survive<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let wanted = AuthorityState { permits: 4, filled_at: bench.now, failures: 2, ask_from: bench.now };
    bench.store.authority("local", bench.now, |state| *state = wanted).await?;
    bench.store.set("policy", "yearly", "operator").await?;
    bench.store.look(bench.now, Span::days(30)).await?;
    bench.reopen().await?;
    let later = bench.now + Span::days(31);
    same("authority", &bench.store.authority("local", later, |_| ()).await?, &wanted)?;
    same("setting", &bench.store.setting("policy").await?.as_deref(), &Some("yearly"))?;
    let jumped = bench.store.look(later, Span::days(30)).await;
    ensure(matches!(jumped, Err(Error::ClockJumped { .. })), "a jump while the store was closed is not seen")
}

pub(super) async fn the_chain_goes_on<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    bench.mailbox("ann").await?;
    bench.store.set("policy", "one", "operator").await?;
    let before = records(&bench.store).await?;
    bench.reopen().await?;
    same("records", &records(&bench.store).await?, &before)?;
    bench.mailbox("bea").await?;
    let after = records(&bench.store).await?;
    let (first, last) = (before.last(), there("a new record", after.last())?);
    same("the number of the next one", &last.sequence, &3)?;
    same("what it follows", &Some(last.previous), &first.map(|first| first.hash))
}
