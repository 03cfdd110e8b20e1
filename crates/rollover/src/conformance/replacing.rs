//! Replacing a set of certificates before a deadline.

use super::{
    Harness,
    bench::{Bench, octets, seed, wake},
    check::{Failed, Outcome, ensure, not_found, same, there},
};
use crate::{
    GenerationId, Happened, RevocationReason, Selection, Slot, Span, SubjectId, Time,
    port::{KeyStore, Lease, Pace, Replacement},
};

pub(super) fn product(product: &str) -> Selection {
    Selection { product: Some(product.to_owned()), ..Selection::default() }
}

/// So many mailboxes with a fit generation of `product` each, looked at again in a year.
async fn fit<H: Harness>(bench: &Bench<'_, H>, product: &str, count: usize) -> Outcome<Vec<GenerationId>> {
    let mut ids = Vec::new();
    for number in 0..count {
        let lease = bench.held(&format!("{product}{number}")).await?;
        ids.push(bench.fit(&lease, 1, product).await?);
        let later = bench.now + Span::days(365);
        bench.store.release(&lease, wake(later, later)).await?;
    }
    Ok(ids)
}

async fn replace_by<H: Harness>(bench: &Bench<'_, H>, id: GenerationId) -> Outcome<Option<Time>> {
    let state = there("the subject", bench.store.load(id.subject).await?)?.state;
    Ok(there("the generation", state.generation(id.slot, id.number))?.replace_by)
}

pub(super) async fn a_selection_selects_by_each_of_its_parts<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let mut serials = Vec::new();
    for number in 0..6_u8 {
        let lease = bench.held(&format!("user{number}")).await?;
        let id = bench.insert(&lease, 1).await?;
        let mut certificate = bench.certificate(&seed(&lease, 1));
        certificate.issuer = vec![number % 2];
        certificate.product = format!("product {}", number % 3);
        certificate.not_before = bench.now + Span::days(i64::from(number));
        serials.push(certificate.serial.clone());
        bench.attach(&lease, id, certificate).await?;
        bench.advance(&lease, id, Happened::Ready { activate_at: bench.now, renew_at: Time::NEVER }).await?;
    }
    let day = |days| Some(bench.now + Span::days(days));
    let two = serials.get(..2).unwrap_or_default().to_vec();
    let strangers = vec![vec![9; 16]];
    for (selection, wanted) in [
        (Selection::default(), 6),
        (Selection { issuer: Some(vec![1]), ..Selection::default() }, 3),
        (Selection { issuer: Some(vec![7]), ..Selection::default() }, 0),
        (product("product 2"), 2),
        (Selection { issuer: Some(vec![0]), ..product("product 2") }, 1),
        (Selection { not_before_from: day(4), ..Selection::default() }, 2),
        (Selection { not_before_to: day(2), ..Selection::default() }, 3),
        (Selection { not_before_from: day(1), not_before_to: day(3), ..Selection::default() }, 3),
        (Selection { serials: two.clone(), ..Selection::default() }, 2),
        (Selection { serials: two, issuer: Some(vec![1]), ..Selection::default() }, 1),
        (Selection { serials: strangers, ..Selection::default() }, 0),
    ] {
        let failed = |failed: Failed| failed.at(format_args!("{selection:?}"));
        same("how many", &bench.store.count(&selection).await?, &wanted).map_err(failed)?;
    }
    Ok(())
}

pub(super) async fn what_is_not_fit_or_has_left_is_not_selected<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let reason = RevocationReason::Superseded;
    let ends = [Happened::Refused, Happened::Revoked { reason }, Happened::Destroyed, Happened::Left];
    for (number, end) in (0..).zip(ends) {
        let lease = bench.held(&format!("user{number}")).await?;
        let id = bench.fit(&lease, 1, "product").await?;
        same("how many before", &bench.store.count(&product("product")).await?, &1)?;
        bench.advance(&lease, id, end).await?;
        let failed = |failed: Failed| failed.at(format_args!("after {end:?}"));
        same("how many", &bench.store.count(&product("product")).await?, &0).map_err(failed)?;
    }
    // One whose certificate was not looked at yet.
    let lease = bench.held("new").await?;
    let id = bench.insert(&lease, 1).await?;
    bench.attach(&lease, id, bench.certificate("new")).await?;
    same("how many of what is only issued", &bench.store.count(&Selection::default()).await?, &0)
}

pub(super) async fn the_last_fit_generation_is_selected<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    bench.fit(&lease, 1, "old").await?;
    let count = async |selection: &str| bench.store.count(&product(selection)).await;
    // Its successor is on its way: until it is there, the first one is what the user has.
    let second = bench.insert(&lease, 2).await?;
    same("old ones while the new one is on its way", &count("old").await?, &1)?;
    bench.advance(&lease, second, Happened::Refused).await?;
    same("old ones after the new one was refused", &count("old").await?, &1)?;
    let third = bench.fit(&lease, 3, "new").await?;
    same("old ones that are replaced", &count("old").await?, &0)?;
    same("new ones", &count("new").await?, &1)?;
    bench.advance(&lease, third, Happened::Revoked { reason: RevocationReason::Superseded }).await?;
    same("old ones after the new one was revoked", &count("old").await?, &1)
}

pub(super) async fn the_adopted_certificate_is_selected_by<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.fit(&lease, 1, "adopted").await?;
    let mut spare = bench.certificate("spare");
    "spare".clone_into(&mut spare.product);
    bench.attach(&lease, id, spare).await?;
    same("by the spare one", &bench.store.count(&product("spare")).await?, &0)?;
    same("by the adopted one", &bench.store.count(&product("adopted")).await?, &1)
}

pub(super) async fn replacements_are_numbered_and_listed<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    fit(bench, "product", 2).await?;
    same("before", &bench.store.replacements().await?, &Vec::new())?;
    let mut wanted = Vec::new();
    for (id, (name, selected)) in (1..).zip([("product", 2), ("another", 0), ("product", 2)]) {
        let before = bench.now + Span::days(5);
        let found = bench.store.replace(&product(name), before, "ALV ünd mehr", "operator").await?;
        let replacement = Replacement::new(id, product(name), before, "ALV ünd mehr".to_owned(), selected);
        same("answered", &found, &replacement)?;
        wanted.push(replacement);
    }
    same("listed", &bench.store.replacements().await?, &wanted)
}

pub(super) async fn a_large_selection_comes_back<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.fit(&lease, 1, "product").await?;
    let mut serials: Vec<Vec<u8>> =
        (0..10_000).map(|number: u32| octets(&["serial", &number.to_string()], 16)).collect();
    serials.push(bench.certificate(&seed(&lease, 1)).serial);
    let selection = Selection {
        issuer: Some(bench.certificate("any").issuer),
        not_before_from: Some(bench.now - Span::days(1)),
        not_before_to: Some(bench.now + Span::days(1)),
        serials,
        ..product("product")
    };
    same("how many", &bench.store.count(&selection).await?, &1)?;
    bench.store.replace(&selection, bench.now + Span::days(1), "many", "operator").await?;
    let found = bench.store.replacements().await?;
    ensure(found.first().is_some_and(|found| found.selection == selection), "the selection is another one")?;
    same("started", &bench.store.start_replacing(bench.now, 10).await?, &1)?;
    same("its deadline", &replace_by(bench, id).await?, &Some(bench.now + Span::days(1)))
}

pub(super) async fn starting_hands_over_once<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let ids = fit(bench, "product", 5).await?;
    fit(bench, "another", 1).await?;
    let before = bench.now + Span::days(5);
    bench.store.replace(&product("product"), before, "reason", "operator").await?;
    same("due before it started", &bench.claim("one", 9).await?.len(), &0)?;
    for (limit, wanted, started) in [(0, 0, 0), (2, 2, 2), (2, 2, 4), (9, 1, 5), (9, 0, 5)] {
        same("started", &bench.store.start_replacing(bench.now, limit).await?, &wanted)?;
        let replacements = bench.store.replacements().await?;
        same("started of it", &replacements.first().map(|found| found.started), &Some(started))?;
    }
    for &id in &ids {
        same("its deadline", &replace_by(bench, id).await?, &Some(before))?;
    }
    let mut due: Vec<SubjectId> = bench.claim("one", 9).await?.into_iter().map(|lease| lease.subject.id).collect();
    due.sort_unstable();
    let mut wanted: Vec<SubjectId> = ids.iter().map(|id| id.subject).collect();
    wanted.sort_unstable();
    same("due", &due, &wanted)
}

/// Invariant I9.
pub(super) async fn the_earliest_replacement_starts_first<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    for (name, days) in [("late", 9), ("early", 2), ("middle", 5)] {
        fit(bench, name, 2).await?;
        bench.store.replace(&product(name), bench.now + Span::days(days), "reason", "operator").await?;
    }
    let mut seen = Vec::new();
    for _ in 0..3 {
        bench.store.start_replacing(bench.now, 2).await?;
        let started = bench.store.replacements().await?;
        seen.push(started.iter().map(|replacement| replacement.started).collect::<Vec<_>>());
    }
    same("started, step by step", &seen, &vec![vec![0, 2, 0], vec![0, 2, 2], vec![2, 2, 2]])
}

pub(super) async fn a_paused_replacement_rests<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    fit(bench, "product", 3).await?;
    fit(bench, "another", 1).await?;
    bench.store.replace(&product("product"), bench.now + Span::days(1), "reason", "operator").await?;
    bench.store.replace(&product("another"), bench.now + Span::days(9), "reason", "operator").await?;
    same("started", &bench.store.start_replacing(bench.now, 1).await?, &1)?;
    bench.store.pace(1, Pace::Paused, "operator").await?;
    same("started while the first one rests", &bench.store.start_replacing(bench.now, 9).await?, &1)?;
    let found = bench.store.replacements().await?;
    let shown: Vec<_> = found.iter().map(|replacement| (replacement.paused, replacement.started)).collect();
    same("rests and started", &shown, &vec![(true, 1), (false, 1)])?;
    bench.store.pace(1, Pace::Running, "operator").await?;
    same("started after it went on", &bench.store.start_replacing(bench.now, 9).await?, &2)?;
    let found = bench.store.replacements().await?;
    same("whether it rests", &found.first().map(|replacement| replacement.paused), &Some(false))
}

pub(super) async fn the_pace_of_an_unknown_replacement_is_refused<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    for unknown in [0, 1, 7] {
        not_found("pace", &bench.store.pace(unknown, Pace::Paused, "operator").await)?;
    }
    same("records", &bench.records().await?, &0)
}

pub(super) async fn what_comes_later_is_not_replaced<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    fit(bench, "product", 1).await?;
    bench.store.replace(&product("product"), bench.now + Span::days(5), "reason", "operator").await?;
    let lease = bench.held("later").await?;
    let later = bench.fit(&lease, 1, "product").await?;
    same("started", &bench.store.start_replacing(bench.now, 9).await?, &1)?;
    same("the deadline of what came later", &replace_by(bench, later).await?, &None)
}

pub(super) async fn starting_brings_the_deadline_forward<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let ids = fit(bench, "product", 2).await?;
    bench.store.replace(&product("product"), bench.now + Span::days(5), "reason", "operator").await?;
    bench.store.start_replacing(bench.now, 1).await?;
    for id in ids {
        let wake = there("the subject", bench.store.load(id.subject).await?)?.wake;
        if replace_by(bench, id).await?.is_some() {
            same("deadline", &wake.deadline, &(bench.now + Span::days(5)))?;
            ensure(wake.at <= bench.now, "it is not due")?;
        } else {
            same("wake of what was not started", &wake.at, &(bench.now + Span::days(365)))?;
        }
    }
    Ok(())
}

pub(super) async fn starting_during_a_lease_is_not_forgotten<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease: Lease = bench.held("ann").await?;
    let id = bench.fit(&lease, 1, "product").await?;
    let before = bench.now + Span::days(5);
    bench.store.replace(&product("product"), before, "reason", "operator").await?;
    same("started", &bench.store.start_replacing(bench.now, 9).await?, &1)?;
    let state = bench.advance(&lease, id, Happened::BackedUp).await?;
    let generation = there("the generation", state.generation(Slot::Dual, 1))?;
    same("the deadline that the holder sees", &generation.replace_by, &Some(before))?;
    bench.store.release(&lease, wake(bench.now + Span::days(300), bench.now + Span::days(330))).await?;
    same("claimed at once", &bench.claim("two", 9).await?.len(), &1)
}
