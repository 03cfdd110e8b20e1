//! Claiming what is due, and giving it back.

use super::{
    Harness,
    bench::{Bench, LIFETIME, wake},
    check::{Outcome, ensure, same, there},
};
use crate::{
    Cause, Event, Happened, Slot, Span, Subject, SubjectId, Time, Wake,
    port::{Attachment, Claim, KeyStore, Lease},
};

fn ids(leases: &[Lease]) -> Vec<SubjectId> {
    leases.iter().map(|lease| lease.subject.id).collect()
}

/// So many mailboxes, all due, with these deadlines in days.
async fn with_deadlines<H: Harness>(bench: &Bench<'_, H>, days: &[i64]) -> Outcome<Vec<SubjectId>> {
    let mut subjects: Vec<Subject> = Vec::new();
    for number in 0..days.len() {
        subjects.push(bench.mailbox(&format!("user{number}")).await?);
    }
    let deadline = |subject: &Subject| {
        let days = subjects.iter().zip(days).find(|(other, _)| other.id == subject.id).map_or(0, |(_, &days)| days);
        bench.now + Span::days(days)
    };
    bench.settle(|subject| wake(bench.now, deadline(subject))).await?;
    Ok(subjects.iter().map(|subject| subject.id).collect())
}

pub(super) async fn the_earliest_deadline_is_claimed_first<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subjects = with_deadlines(bench, &[9, 2, 7, 1, 30, 3]).await?;
    let mut order = Vec::new();
    for limit in [2, 3, 9] {
        order.extend(ids(&bench.claim("one", limit).await?));
    }
    let wanted: Vec<_> =
        [3, 1, 5, 2, 0, 4].into_iter().filter_map(|place: usize| subjects.get(place).copied()).collect();
    same("order", &order, &wanted)
}

pub(super) async fn equal_deadlines_are_claimed_by_id<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let mut subjects = with_deadlines(bench, &[5; 12]).await?;
    subjects.sort_unstable();
    let mut order = ids(&bench.claim("one", 5).await?);
    order.extend(ids(&bench.claim("one", 20).await?));
    same("order", &order, &subjects)
}

pub(super) async fn a_claim_takes_no_more_than_its_limit<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    with_deadlines(bench, &[1, 2, 3, 4, 5]).await?;
    for (limit, wanted) in [(0, 0), (1, 1), (3, 3), (u32::MAX, 1), (1, 0)] {
        same("claimed", &bench.claim("one", limit).await?.len(), &wanted)?;
    }
    Ok(())
}

pub(super) async fn a_claim_takes_no_more_askers_than_it_may<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    for number in 0..6 {
        bench.mailbox(&format!("user{number}")).await?;
    }
    // Those that wait for the authority are the more urgent ones, so that they stand in the way.
    let mut waits = true;
    let mut asking = Vec::new();
    for (day, lease) in (0..).zip(bench.claim("settle", 6).await?) {
        let deadline = bench.now + Span::days(if waits { day } else { 100 + day });
        bench.store.release(&lease, Wake::new(bench.now, deadline, waits)).await?;
        asking.extend(waits.then_some(lease.subject.id));
        waits = !waits;
    }
    let claim = |limit, asking| Claim::new("one", LIFETIME, limit, asking);
    let none = ids(&bench.store.claim(bench.now, &claim(1, 0)).await?);
    ensure(none.len() == 1 && !none.iter().any(|id| asking.contains(id)), "without asking, one that does not ask")?;
    let two = ids(&bench.store.claim(bench.now, &claim(4, 2)).await?);
    same("claimed with two asking", &two.len(), &4)?;
    same("the first two", &two.get(..2), &asking.get(..2))?;
    ensure(!two.iter().skip(2).any(|id| asking.contains(id)), "more were claimed that ask than may")?;
    let last = ids(&bench.store.claim(bench.now, &claim(4, 4)).await?);
    same("the last one", &last, &asking.iter().copied().skip(2).collect())
}

pub(super) async fn what_is_not_due_is_not_claimed<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subject = bench.mailbox("ann").await?;
    let at = bench.now + Span::days(3);
    bench.settle(|_| wake(at, bench.now)).await?;
    same("a second before", &bench.claim_at(at - Span::seconds(1), "one", 9).await?.len(), &0)?;
    same("then", &ids(&bench.claim_at(at, "one", 9).await?), &vec![subject.id])
}

pub(super) async fn never_does_not_come<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    bench.mailbox("ann").await?;
    bench.settle(|_| wake(Time::NEVER, Time::NEVER)).await?;
    same("in a hundred years", &bench.claim_at(bench.now + Span::days(36_525), "one", 9).await?.len(), &0)
}

pub(super) async fn one_subject_is_claimed_whether_it_is_due_or_not<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let (ann, bob) = (bench.mailbox("ann").await?, bench.mailbox("bob").await?);
    bench.settle(|subject| Wake::new(if *subject == ann { Time::NEVER } else { bench.now }, bench.now, true)).await?;
    for subject in [&ann, &bob] {
        let only = Claim::only(subject.id, "one", LIFETIME);
        same("claimed", &ids(&bench.store.claim(bench.now, &only).await?), &vec![subject.id])?;
        same("claimed of what is held", &bench.store.claim(bench.now, &only).await?.len(), &0)?;
    }
    let nobody = Claim::only(SubjectId::from_octets([7; 16]), "one", LIFETIME);
    same("claimed of nobody", &bench.store.claim(bench.now, &nobody).await?.len(), &0)
}

pub(super) async fn what_is_held_is_not_claimed<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    for node in ["one", "two"] {
        same("claimed of what is held", &bench.claim(node, 9).await?.len(), &0)?;
    }
    bench.store.release(&lease, wake(bench.now, bench.now)).await?;
    same("claimed of what was given back", &bench.claim("two", 9).await?.len(), &1)
}

pub(super) async fn epochs_count_up<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subject = bench.mailbox("ann").await?;
    let mut last = 0;
    for round in 0..6 {
        let now = bench.now + LIFETIME * round;
        let lease = bench.lease_at(now, "one", &subject).await?;
        ensure(lease.epoch > last, "the epoch of a later lease is not higher")?;
        last = lease.epoch;
        if round % 2 == 0 {
            bench.store.release(&lease, wake(now, now)).await?;
        }
    }
    Ok(())
}

pub(super) async fn a_lease_ends_when_it_says<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    same("its end", &lease.until, &(bench.now + LIFETIME))?;
    let before = bench.claim_at(lease.until - Span::seconds(1), "two", 9).await?;
    same("claimed a second before its end", &before.len(), &0)?;
    let new = bench.lease_at(lease.until, "two", &lease.subject).await?;
    ensure(new.epoch > lease.epoch, "the epoch of the new lease is not higher")
}

pub(super) async fn a_lease_shows_the_state_as_it_is<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let old = bench.held("ann").await?;
    let id = bench.insert(&old, 1).await?;
    bench.advance(&old, id, Happened::Asking { ask: 1 }).await?;
    let state = bench.state(&old.subject).await?;
    let new = bench.lease_at(old.until, "two", &old.subject).await?;
    same("state", &new.state, &state)?;
    same("subject", &new.subject, &old.subject)?;
    same("how often it was asked", &new.state.generation(Slot::Dual, 1).map(|generation| generation.asked), &Some(1))
}

pub(super) async fn releasing_sets_the_wake<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let wake = Wake::new(bench.now + Span::days(4), bench.now + Span::days(40), true);
    bench.store.release(&lease, wake).await?;
    let found = there("it", bench.store.load(lease.subject.id).await?)?;
    same("wake", &found.wake, &wake)
}

fn click(at: Time) -> Event {
    Event::new(Slot::Dual, 2, at, Happened::Wanted { cause: Cause::Click })
}

pub(super) async fn what_was_recorded_during_a_lease_is_not_forgotten<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    bench.store.record(lease.subject.id, &click(bench.now), "ann").await?;
    same("claimed of what is held", &bench.claim("two", 9).await?.len(), &0)?;
    bench.store.release(&lease, Wake::new(bench.now + Span::days(30), bench.now + Span::days(60), true)).await?;
    let leases = bench.store.claim(bench.now, &Claim::new("two", LIFETIME, 9, 0)).await?;
    same("claimed at once", &ids(&leases), &vec![lease.subject.id])
}

pub(super) async fn what_was_recorded_before_a_claim_needs_no_second_look<H: Harness>(
    bench: &mut Bench<'_, H>,
) -> Outcome {
    let subject = bench.mailbox("ann").await?;
    bench.store.record(subject.id, &click(bench.now), "ann").await?;
    let lease = bench.lease(&subject).await?;
    // What the holder writes itself, it knows.
    bench.store.advance(&lease, &click(bench.now), &Attachment::None).await?;
    bench.store.release(&lease, wake(bench.now + Span::days(30), bench.now)).await?;
    same("claimed", &bench.claim("two", 9).await?.len(), &0)?;
    // Nor does the one who took over need to look again at what was recorded before.
    let later = bench.now + Span::days(30);
    let old = bench.lease_at(later, "one", &subject).await?;
    bench.store.record(subject.id, &click(bench.now), "ann").await?;
    let new = bench.lease_at(old.until, "two", &subject).await?;
    bench.store.release(&new, wake(later + Span::days(30), bench.now)).await?;
    same("claimed after a takeover", &bench.claim_at(later + Span::days(1), "two", 9).await?.len(), &0)
}
