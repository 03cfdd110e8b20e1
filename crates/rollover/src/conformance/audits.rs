//! The audit chain: each change is in it. That it is whole is looked at after every case.

use super::{
    Harness,
    bench::{Bench, public, seed, wake},
    chain::records,
    check::{Outcome, ensure, same, there},
    replacing::product,
};
use crate::{
    Cause, Event, GenerationId, Happened, Selection, Slot, Span, SubjectId,
    audit::{Head, Record},
    port::{Attachment, Claim, Entry, KeyName, KeyStore, Lease, Pace, PublicKey, With},
};

/// Does one of each, and gives the lease, the generation and what the record of each must say: who, and whose.
async fn one_of_each<H: Harness>(
    bench: &Bench<'_, H>,
) -> Outcome<(Lease, GenerationId, Vec<(&'static str, Option<SubjectId>)>)> {
    let lease = bench.held("ann").await?;
    let whose = Some(lease.subject.id);
    let id = bench.fit(&lease, 1, "product").await?;
    let store = &bench.store;
    let click = Event::new(Slot::Dual, 1, bench.now, Happened::Wanted { cause: Cause::Click });
    store.record(lease.subject.id, &click, "ann").await?;
    store.replace(&product("product"), bench.now, "reason", "reviser").await?;
    store.pace(1, Pace::Paused, "reviser").await?;
    store.pace(1, Pace::Running, "operator").await?;
    store.start_replacing(bench.now, 9).await?;
    store.set("policy", "one", "operator").await?;
    store.destroy(id, bench.now, "reviser").await?;
    let wanted = vec![
        ("operator", whose),
        // Inserted, issued, ready.
        ("one", whose),
        ("one", whose),
        ("one", whose),
        ("ann", whose),
        ("reviser", None),
        ("reviser", None),
        ("operator", None),
        ("schedule", whose),
        ("operator", None),
        ("reviser", whose),
    ];
    Ok((lease, id, wanted))
}

pub(super) async fn each_change_is_one_record<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let (_, _, wanted) = one_of_each(bench).await?;
    same("records", &bench.records().await?, &wanted.len())?;
    // An event that changes no state is told as well: somebody said it.
    let subject = bench.mailbox("bea").await?;
    let event = Event::new(Slot::Dual, 0, bench.now, Happened::Left);
    for count in 2..5 {
        bench.store.record(subject.id, &event, "operator").await?;
        same("records", &bench.records().await?, &(wanted.len() + count))?;
    }
    Ok(())
}

pub(super) async fn a_record_names_who_and_whose<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let before = bench.store.now().await?;
    let (_, _, wanted) = one_of_each(bench).await?;
    let after = bench.store.now().await?;
    let records = records(&bench.store).await?;
    let found: Vec<_> = records.iter().map(|record| (record.actor.as_str(), record.subject)).collect();
    same("who and whose", &found, &wanted)?;
    let in_time = |record: &Record| before <= record.at && record.at <= after;
    ensure(records.iter().all(in_time), "a record's time is not the store's")
}

pub(super) async fn a_record_tells_what_came_with_it<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let key_durable = bench.event(id, Happened::KeyDurable { cause: Cause::Enrolled });
    let mut wanted = vec![Entry::committed(&key_durable, &public(&seed(&lease, 1)))];
    let event = bench.event(id, Happened::Refused);
    for attachment in [
        Attachment::None,
        Attachment::Order("order \"1\"".to_owned()),
        Attachment::Reason("it is ünfit".to_owned()),
        Attachment::Certificate(Box::new(bench.certificate("certificate"))),
    ] {
        bench.store.advance(&lease, &event, &attachment).await?;
        wanted.push(Entry::happened(&event, &attachment));
    }
    let mut found = Vec::new();
    for record in records(&bench.store).await?.iter().skip(1) {
        found.push(Entry::read(&record.text)?);
    }
    same("entries", &found, &wanted)?;
    let keys = |entry: &&Entry| matches!(entry, Entry::Happened { with: With::Key { .. }, .. });
    same("keys", &found.iter().filter(keys).count(), &1)
}

pub(super) async fn the_chain_is_read_in_pages<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    for number in 0..9 {
        bench.store.set("number", &number.to_string(), "operator").await?;
    }
    let whole = bench.store.audit(0, u32::MAX).await?;
    same("records", &whole.len(), &9)?;
    for (after, limit) in [(0, 0), (0, 1), (0, 4), (4, 4), (8, 4), (9, 4), (1_000, 4), (2, u32::MAX)] {
        let found = bench.store.audit(after, limit).await?;
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        let wanted = whole.iter().skip(skipped).take(usize::try_from(limit).unwrap_or(usize::MAX));
        same("a page", &found, &wanted.cloned().collect())?;
    }
    // Who knows the last record of a page can go on from it.
    let last = there("the fourth record", whole.get(3))?;
    let mut head = Head::new(last.sequence, last.hash);
    Ok(bench.store.audit(4, 9).await?.iter().try_for_each(|record| head.verify(record))?)
}

pub(super) async fn reading_leaves_no_record<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let (lease, id, wanted) = one_of_each(bench).await?;
    read_each(bench, id, &public(&seed(&lease, 1))).await?;
    let store = &bench.store;
    store.authority("local", bench.now, |state| state.permits = 3).await?;
    store.look(bench.now, Span::days(1)).await?;
    store.release(&lease, wake(bench.now, bench.now)).await?;
    store.claim(bench.now, &Claim::new("two", Span::minutes(1), 9, 9)).await?;
    store.start_replacing(bench.now, 9).await?;
    same("records", &bench.records().await?, &wanted.len())
}

async fn read_each<H: Harness>(bench: &Bench<'_, H>, id: GenerationId, public: &PublicKey) -> Outcome {
    let store = &bench.store;
    store.load(id.subject).await?;
    store.list(None, 9).await?;
    store.generation(id).await?;
    store.find(&KeyName::Spki(public.spki_sha256.clone())).await?;
    store.count(&Selection::default()).await?;
    store.replacements().await?;
    store.setting("policy").await?;
    store.audit(0, 9).await?;
    Ok(())
}
