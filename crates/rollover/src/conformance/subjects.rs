//! Enrolling, loading and listing.

use super::{
    Harness,
    bench::{Bench, wake},
    check::{Failed, Outcome, ensure, same, there},
};
use crate::{
    Cause, Happened, Layout, Slot, Span, Subject, SubjectId, SubjectKind, SubjectState, Time, Wake,
    port::{Claim, KeyStore, Listed},
};

pub(super) async fn a_subject_comes_back_as_it_was_enrolled<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let addresses = ["ann@example.org", "team@example.org", "example.org", "operator"];
    for (kind, address) in SubjectKind::ALL.into_iter().zip(addresses) {
        let layout = if kind == SubjectKind::Mailbox { Layout::Split } else { Layout::Dual };
        let subject = bench.enrolled(kind, address, layout).await?;
        let Listed { subject: found, state, wake, .. } = there("it", bench.store.load(subject.id).await?)?;
        same("subject", &found, &subject)?;
        same("state", &state, &SubjectState::new(&subject))?;
        ensure(wake.at <= bench.now, "it is not due")?;
        same("wake", &wake, &Wake::first(&subject, wake.at))?;
    }
    Ok(())
}

pub(super) async fn an_unknown_subject_is_not_there<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    bench.mailbox("ann").await?;
    let unknown = SubjectId::of(SubjectKind::Mailbox, "bea@example.org");
    ensure(bench.store.load(unknown).await?.is_none(), "a subject that nobody enrolled is there")
}

pub(super) async fn enrolling_again_changes_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    bench.insert(&lease, 1).await?;
    bench.store.release(&lease, wake(bench.now + Span::days(9), bench.now + Span::days(10))).await?;
    let before = bench.trace(&lease.subject).await?;
    let later = bench.now + Span::days(1);
    let again = Subject::new(SubjectKind::Mailbox, &lease.subject.address, Layout::Split, later)?;
    bench.store.enroll(&again, "somebody").await?;
    same("what is written", &bench.trace(&lease.subject).await?, &before)?;
    let found = there("it", bench.store.load(again.id).await?)?;
    same("subject", &found.subject, &lease.subject)
}

pub(super) async fn an_enrolled_subject_is_due_at_once<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subject = bench.mailbox("ann").await?;
    let now = bench.store.now().await?;
    let leases = bench.store.claim(now, &Claim::new("one", Span::minutes(1), 10, 0)).await?;
    same("claimed", &leases.iter().map(|lease| lease.subject.id).collect(), &vec![subject.id])
}

pub(super) async fn subjects_are_listed_by_their_ids<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let mut wanted = Vec::new();
    for number in 0..25 {
        wanted.push(bench.mailbox(&format!("user{number}")).await?.id);
    }
    wanted.sort_unstable();
    let mut found: Vec<SubjectId> = Vec::new();
    for _ in 0..4 {
        let page = bench.store.list(found.last().copied(), 7).await?;
        found.extend(page.into_iter().map(|listed| listed.subject.id));
    }
    same("listed", &found, &wanted)?;
    // From the middle on, also if the one that it starts after is not there.
    let middle = SubjectId::from_octets([0x80; 16]);
    let page = bench.store.list(Some(middle), 100).await?;
    let above = wanted.into_iter().filter(|&id| id > middle).collect();
    same("listed from the middle on", &page.into_iter().map(|listed| listed.subject.id).collect::<Vec<_>>(), &above)
}

pub(super) async fn a_page_holds_no_more_than_asked_for<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let first = bench.mailbox("ann").await?.id.max(bench.mailbox("bea").await?.id);
    same("of two, at most none", &bench.store.list(None, 0).await?.len(), &0)?;
    same("of two, at most one", &bench.store.list(None, 1).await?.len(), &1)?;
    same("of two, at most all", &bench.store.list(None, u32::MAX).await?.len(), &2)?;
    same("after the last one", &bench.store.list(Some(first), 10).await?.len(), &0)
}

pub(super) async fn unicode_and_long_addresses_come_back<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let long = format!("{}@example.org", "l".repeat(254 - 12));
    for address in ["grüße@bücher.example", "用户@例子.广告", "o'hara\"--;@example.org", "🗝@example.org", &long]
    {
        let subject = bench.enrolled(SubjectKind::Mailbox, address, Layout::Dual).await?;
        let found = there(address, bench.store.load(subject.id).await?)?;
        same("address", &found.subject, &subject)?;
    }
    Ok(())
}

pub(super) async fn far_times_come_back<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let times = [-86_400, -1, 0, 951_782_400, 2_524_608_000, 253_402_300_799].map(Time::from_unix);
    for (number, at) in (1_u32..).zip(times.into_iter().chain([Time::NEVER])) {
        let subject = Subject::new(SubjectKind::Mailbox, &format!("user{number}@example.org"), Layout::Dual, at)?;
        bench.store.enroll(&subject, "operator").await?;
        let lease = bench.lease(&subject).await?;
        let wanted = crate::Event::new(Slot::Dual, number, at, Happened::Wanted { cause: Cause::Click });
        let left = crate::Event::new(Slot::Dual, 0, at, Happened::Left);
        for event in [wanted, left] {
            bench.store.advance(&lease, &event, &crate::port::Attachment::None).await?;
        }
        bench.store.release(&lease, wake(Time::NEVER, at)).await?;
        let found = there("it", bench.store.load(subject.id).await?)?;
        let failed = |failed: Failed| failed.at(at);
        same("subject", &found.subject, &subject).map_err(failed)?;
        same("left", &found.state.left, &Some(at)).map_err(failed)?;
        same("wake", &found.wake, &wake(Time::NEVER, at)).map_err(failed)?;
    }
    Ok(())
}
