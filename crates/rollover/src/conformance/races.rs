//! Two handles at once, and futures that are dropped.

use std::collections::BTreeSet;

use super::{
    Harness,
    bench::{Bench, key, wake},
    check::{Outcome, all, ensure, same, start_and_drop, there},
    replacing::product,
};
use crate::{
    Cause, Event, Happened, Layout, Slot, Span, Subject, SubjectId, SubjectKind,
    port::{Attachment, Claim, Insertion, KeyStore},
};

/// Invariant I7.
pub(super) async fn of_two_insertions_one_wins<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let another = bench.another().await?;
    let stores = [&bench.store, &another, &bench.store, &another];
    let lease = bench.held("ann").await?;
    for number in 1..=8 {
        let seeds: Vec<String> = (0..stores.len()).map(|node| format!("key {number} of {node}")).collect();
        let news: Vec<_> = seeds.iter().map(|seed| bench.new_generation(&lease, number, seed)).collect();
        let insertions = stores.iter().zip(&news).map(|(store, new)| store.insert_generation(&lease, new));
        let mut winners = Vec::new();
        for (result, new) in all(insertions.collect()).await.into_iter().zip(&news) {
            winners.extend((result? == Insertion::Inserted).then_some(new));
        }
        same("how many won", &winners.len(), &1)?;
        let winner = there("a winner", winners.first())?;
        let found = another.private_key(winner.id).await?;
        ensure(found.expose_pkcs8() == winner.key.expose_pkcs8(), "it is not the winner's key")?;
        let record = there("the generation", another.generation(winner.id).await?)?;
        same("public key", &record.public, &winner.public)?;
    }
    Ok(())
}

pub(super) async fn of_two_claims_each_takes_its_own<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let another = bench.another().await?;
    for number in 0..20 {
        bench.mailbox(&format!("user{number}")).await?;
    }
    let claim = Claim::new("node", Span::minutes(5), 4, 4);
    let stores = [&bench.store, &another];
    let mut taken: Vec<SubjectId> = Vec::new();
    // A claim may miss what another one looks at in the same moment; the next one gets it.
    for _ in 0..20 {
        let claims = stores.iter().cycle().take(4).map(|store| store.claim(bench.now, &claim));
        for leases in all(claims.collect()).await {
            let leases = leases?;
            ensure(leases.len() <= 4, "more were claimed than the limit")?;
            taken.extend(leases.into_iter().map(|lease| lease.subject.id));
        }
    }
    same("claimed", &taken.len(), &20)?;
    same("claimed by one only", &taken.into_iter().collect::<BTreeSet<_>>().len(), &20)
}

pub(super) async fn of_two_enrolments_one_counts<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let another = bench.another().await?;
    let subject = Subject::new(SubjectKind::Mailbox, "ann@example.org", Layout::Dual, bench.now)?;
    let stores = [&bench.store, &another];
    for result in all(stores.iter().cycle().take(6).map(|store| store.enroll(&subject, "operator")).collect()).await {
        result?;
    }
    same("records", &bench.records().await?, &1)
}

pub(super) async fn what_many_record_is_all_there<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let another = bench.another().await?;
    let stores = [&bench.store, &another];
    let lease = bench.held("ann").await?;
    let mut events = Vec::new();
    for number in 1..=8 {
        let id = bench.insert(&lease, number).await?;
        events.push(bench.event(id, Happened::ReplaceBy { by: bench.now }));
        events.push(bench.event(id, Happened::Hinted { renew_at: bench.now }));
    }
    let before = bench.records().await?;
    let id = lease.subject.id;
    let records = stores.iter().cycle().zip(&events).map(|(store, event)| store.record(id, event, "somebody"));
    for result in all(records.collect()).await {
        result?;
    }
    same("records", &bench.records().await?, &(before + events.len()))?;
    let state = bench.state(&lease.subject).await?;
    let done = state
        .generations()
        .iter()
        .filter(|generation| generation.replace_by == Some(bench.now) && generation.renew_at == Some(bench.now));
    same("generations that took in both", &done.count(), &8)
}

pub(super) async fn what_two_start_is_started_once<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let another = bench.another().await?;
    for number in 0..10 {
        let lease = bench.held(&format!("user{number}")).await?;
        bench.fit(&lease, 1, "product").await?;
    }
    bench.store.replace(&product("product"), bench.now + Span::days(5), "reason", "operator").await?;
    let before = bench.records().await?;
    let stores = [&bench.store, &another];
    let mut started = 0;
    for _ in 0..10 {
        let starts = stores.iter().cycle().take(4).map(|store| store.start_replacing(bench.now, 2));
        for count in all(starts.collect()).await {
            started += count?;
        }
    }
    same("started", &started, &10)?;
    same("records", &bench.records().await?, &(before + 10))?;
    let replacements = bench.store.replacements().await?;
    same("started of it", &replacements.first().map(|replacement| replacement.started), &Some(10))
}

pub(super) async fn another_handle_sees_what_was_written<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let another = bench.another().await?;
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let found = there("it", another.load(lease.subject.id).await?)?;
    same("state", &found.state, &bench.state(&lease.subject).await?)?;
    another.private_key(id).await?;
    // And a lease is good with either.
    let event = bench.event(id, Happened::Asking { ask: 1 });
    let state = another.advance(&lease, &event, &Attachment::None).await?;
    same("state after the other one's advance", &bench.state(&lease.subject).await?, &state)?;
    another.release(&lease, wake(bench.now, bench.now)).await?;
    same("claimed", &bench.claim("one", 9).await?.len(), &1)
}

pub(super) async fn a_future_that_never_ran_wrote_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let before = bench.trace(&lease.subject).await?;
    let new = bench.new_generation(&lease, 2, "never");
    let event = bench.event(id, Happened::Refused);
    drop(bench.store.insert_generation(&lease, &new));
    drop(bench.store.advance(&lease, &event, &Attachment::None));
    drop(bench.store.record(lease.subject.id, &event, "somebody"));
    drop(bench.store.release(&lease, wake(bench.now, bench.now)));
    drop(bench.store.destroy(id, bench.now, "somebody"));
    drop(bench.store.set("policy", "one", "somebody"));
    same("what is written", &bench.trace(&lease.subject).await?, &before)?;
    bench.store.private_key(id).await?;
    same("setting", &bench.store.setting("policy").await?, &None)
}

// What a dropped future had begun may still be on its way to the disk. In each of these the next verb comes after it,
// or before it, and then either way all parts of it must be there, or none; the chain is looked at after the case.

pub(super) async fn a_dropped_insertion_is_whole_or_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    for number in 1..=16 {
        let seed = format!("key {number}");
        let new = bench.new_generation(&lease, number, &seed);
        start_and_drop(bench.store.insert_generation(&lease, &new)).await;
        // It is still possible to go on, whatever became of it.
        let again = bench.new_generation(&lease, number, "another");
        let wanted = match bench.store.insert_generation(&lease, &again).await? {
            Insertion::Inserted => key("another"),
            Insertion::AlreadyThere => key(&seed),
        };
        let found = bench.store.private_key(new.id).await?;
        ensure(found.expose_pkcs8() == wanted.expose_pkcs8(), "it is not the key that was committed")?;
        let state = bench.state(&lease.subject).await?;
        ensure(state.generation(Slot::Dual, number).is_some(), "the key is there, but not its generation")?;
    }
    Ok(())
}

pub(super) async fn a_dropped_advance_is_whole_or_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    for number in 1..=16 {
        let id = bench.insert(&lease, number).await?;
        let event = bench.event(id, Happened::Accepted { poll_at: bench.now });
        let order = Attachment::Order("order".to_owned());
        start_and_drop(bench.store.advance(&lease, &event, &order)).await;
        // A verb that waits for its turn behind it.
        bench.advance(&lease, id, Happened::Asking { ask: 1 }).await?;
        // In this order: what is there at the first look is there at the second one.
        let record = there("the generation", bench.store.generation(id).await?)?;
        let state = bench.state(&lease.subject).await?;
        let accepted = there("the generation", state.generation(Slot::Dual, number))?.accepted.is_some();
        ensure(accepted || record.order.is_none(), "the order is there, but not its event")?;
    }
    Ok(())
}

pub(super) async fn a_dropped_setting_is_whole_or_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subject = bench.mailbox("ann").await?;
    for number in 0..16 {
        start_and_drop(bench.store.set("policy", &number.to_string(), "somebody")).await;
        let click = Event::new(Slot::Dual, number, bench.now, Happened::Wanted { cause: Cause::Click });
        start_and_drop(bench.store.record(subject.id, &click, "somebody")).await;
    }
    // The last one tells in the chain what was there before it.
    Ok(bench.store.set("policy", "last", "somebody").await?)
}
