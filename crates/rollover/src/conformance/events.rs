//! Advancing and recording.

use super::{
    Harness,
    bench::{Bench, LIFETIME},
    check::{Failed, Outcome, ensure, not_found, same, there},
};
use crate::{
    Cause, Event, GenerationId, Happened, RevocationReason, Slot, Span, SubjectId, Time, Wake,
    alarm::Level,
    apply,
    port::{Attachment, CertificateRecord, Claim, KeyName, KeyStore},
};

/// One of each.
pub(super) fn each(now: Time) -> Vec<Happened> {
    let (soon, late) = (now + Span::hours(1), now + Span::days(300));
    vec![
        Happened::BackedUp,
        Happened::Asking { ask: 1 },
        Happened::Unanswered { ask: 1, retry_at: soon },
        Happened::Asking { ask: 2 },
        Happened::Accepted { poll_at: soon },
        Happened::Pending { poll_at: soon + Span::hours(1) },
        Happened::Issued { not_before: now, not_after: late },
        Happened::Ready { activate_at: Time::NEVER, renew_at: late },
        Happened::Published { activate_at: soon },
        Happened::Hinted { renew_at: late - Span::days(9) },
        Happened::ReplaceBy { by: late - Span::days(30) },
        Happened::Refused,
        Happened::Revoked { reason: RevocationReason::Superseded },
        Happened::Alarmed { level: Level::Page },
        Happened::Wanted { cause: Cause::FirstMail },
        Happened::Left,
        Happened::Destroyed,
    ]
}

pub(super) async fn each_event_is_applied_as_the_core_does<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let mut wanted = bench.state(&lease.subject).await?;
    for what in each(bench.now) {
        let event = bench.event(id, what);
        apply(&mut wanted, &event);
        let failed = |failed: Failed| failed.at(format_args!("after {what:?}"));
        let answered = bench.store.advance(&lease, &event, &Attachment::None).await?;
        same("the state that is answered", &answered, &wanted).map_err(failed)?;
        same("the state that is kept", &bench.state(&lease.subject).await?, &wanted).map_err(failed)?;
    }
    Ok(())
}

/// Invariant I5.
pub(super) async fn an_event_twice_is_an_event_once<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    for what in each(bench.now) {
        let once = bench.advance(&lease, id, what).await?;
        let mut late = bench.event(id, what);
        late.at = bench.now + Span::days(1);
        same("the state after it came again", &bench.advance(&lease, id, what).await?, &once)?;
        let again = bench.store.record(lease.subject.id, &late, "late").await?;
        same("the state after it came again, late", &again, &once)?;
    }
    Ok(())
}

pub(super) async fn an_event_of_an_unknown_generation_changes_no_state<H: Harness>(
    bench: &mut Bench<'_, H>,
) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let before = bench.state(&lease.subject).await?;
    let unknown = GenerationId { number: 2, ..id };
    same("the state", &bench.advance(&lease, unknown, Happened::Refused).await?, &before)?;
    same("the state that is kept", &bench.state(&lease.subject).await?, &before)?;
    same("the generation", &bench.store.generation(unknown).await?, &None)
}

pub(super) async fn the_first_order_stays<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let accepted = bench.event(id, Happened::Accepted { poll_at: bench.now });
    for order in ["Ä/4711 ✓", "another"] {
        bench.store.advance(&lease, &accepted, &Attachment::Order(order.to_owned())).await?;
        let record = there("the generation", bench.store.generation(id).await?)?;
        same("order", &record.order.as_deref(), &Some("Ä/4711 ✓"))?;
    }
    Ok(())
}

pub(super) async fn an_order_of_an_unknown_generation_is_refused<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    refused_of_an_unknown_generation(bench, Attachment::Order("order".to_owned())).await
}

pub(super) async fn a_certificate_of_an_unknown_generation_is_refused<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let certificate = bench.certificate("unknown");
    let name = KeyName::Spki(certificate.public.spki_sha256.clone());
    refused_of_an_unknown_generation(bench, Attachment::Certificate(Box::new(certificate))).await?;
    ensure(bench.store.find(&name).await?.is_empty(), "its certificate is found")
}

async fn refused_of_an_unknown_generation<H: Harness>(bench: &Bench<'_, H>, attachment: Attachment) -> Outcome {
    let lease = bench.held("ann").await?;
    bench.insert(&lease, 1).await?;
    let before = bench.trace(&lease.subject).await?;
    let event = Event::new(Slot::Dual, 2, bench.now, Happened::Accepted { poll_at: bench.now });
    not_found("advance", &bench.store.advance(&lease, &event, &attachment).await)?;
    same("what is written", &bench.trace(&lease.subject).await?, &before)
}

pub(super) async fn a_certificate_comes_back_with_its_chain<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    for (number, product, chain) in [(1, "", 0), (2, "1.3.6.1.4.1.99999.1", 5)] {
        let id = bench.insert(&lease, number).await?;
        let mut certificate = bench.certificate(&format!("certificate {number}"));
        product.clone_into(&mut certificate.product);
        certificate.chain = (0..chain).map(|place| vec![place; 700]).collect();
        bench.attach(&lease, id, certificate.clone()).await?;
        let record = there("the generation", bench.store.generation(id).await?)?;
        same("certificates", &record.certificates, &vec![certificate])?;
    }
    Ok(())
}

pub(super) async fn spare_certificates_come_after_the_adopted_one<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    // In no order but that of their coming.
    let certificates: Vec<CertificateRecord> = ["m", "a", "z"].iter().map(|seed| bench.certificate(seed)).collect();
    for certificate in &certificates {
        bench.attach(&lease, id, certificate.clone()).await?;
    }
    let record = there("the generation", bench.store.generation(id).await?)?;
    same("how many", &record.certificates.len(), &3)?;
    same("the adopted one", &record.certificates.first(), &certificates.first())?;
    ensure(certificates.iter().all(|certificate| record.certificates.contains(certificate)), "a spare one is missing")
}

pub(super) async fn a_certificate_that_comes_twice_is_kept_once<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    for seed in ["one", "two", "one", "two"] {
        bench.attach(&lease, id, bench.certificate(seed)).await?;
    }
    let record = there("the generation", bench.store.generation(id).await?)?;
    same("certificates", &record.certificates, &vec![bench.certificate("one"), bench.certificate("two")])?;
    let spki = KeyName::Spki(bench.certificate("two").public.spki_sha256);
    same("found", &bench.store.find(&spki).await?, &vec![id])
}

fn click(number: u32, at: Time) -> Event {
    Event::new(Slot::Dual, number, at, Happened::Wanted { cause: Cause::Click })
}

pub(super) async fn recording_needs_no_lease<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subject = bench.mailbox("ann").await?;
    let mut wanted = bench.state(&subject).await?;
    apply(&mut wanted, &click(1, bench.now));
    same("the state", &bench.store.record(subject.id, &click(1, bench.now), "ann").await?, &wanted)?;
    same("the state that is kept", &bench.state(&subject).await?, &wanted)
}

pub(super) async fn recording_and_advancing_meet_in_one_state<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let revoked = bench.event(id, Happened::Revoked { reason: RevocationReason::KeyCompromise });
    bench.store.record(lease.subject.id, &revoked, "revocation list").await?;
    let state = bench.advance(&lease, id, Happened::Asking { ask: 1 }).await?;
    let generation = there("the generation", state.generation(Slot::Dual, 1))?;
    same("asked and revoked", &(generation.asked, generation.revoked), &(1, Some(bench.now)))?;
    same("the state that is kept", &bench.state(&lease.subject).await?, &state)
}

pub(super) async fn recording_makes_due_at_once<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subject = bench.mailbox("ann").await?;
    let deadline = bench.now + Span::days(70);
    bench.settle(|_| Wake::new(bench.now + Span::days(50), deadline, false)).await?;
    same("claimed before", &bench.claim("one", 9).await?.len(), &0)?;
    bench.store.record(subject.id, &click(1, bench.now), "ann").await?;
    let found = there("it", bench.store.load(subject.id).await?)?;
    same("deadline", &found.wake.deadline, &deadline)?;
    ensure(found.wake.at <= bench.now, "it is not due")?;
    same("claimed after", &bench.claim("one", 9).await?.len(), &1)
}

pub(super) async fn a_revocation_goes_before_all_others<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    bench.store.release(&lease, Wake::new(Time::NEVER, bench.now + Span::days(70), false)).await?;
    let revoked = bench.event(id, Happened::Revoked { reason: RevocationReason::KeyCompromise });
    bench.store.record(lease.subject.id, &revoked, "revocation list").await?;
    let found = there("it", bench.store.load(lease.subject.id).await?)?;
    same("deadline", &found.wake.deadline, &revoked.at)?;
    ensure(found.wake.at <= bench.now, "it is not due")?;
    // Also if it is recorded while somebody holds the subject, who decided before.
    let lease = there("a lease", bench.claim("one", 1).await?.pop())?;
    bench.store.record(lease.subject.id, &revoked, "revocation list").await?;
    bench.store.release(&lease, Wake::new(Time::NEVER, bench.now + Span::days(70), false)).await?;
    let found = there("it", bench.store.load(lease.subject.id).await?)?;
    same("deadline of one that was held", &found.wake.deadline, &revoked.at)?;
    ensure(found.wake.at <= bench.now, "it is not due after it was held")
}

pub(super) async fn what_was_recorded_waits_for_no_authority<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subject = bench.mailbox("ann").await?;
    bench.settle(|_| Wake::new(bench.now, bench.now, true)).await?;
    let claim = Claim::new("one", LIFETIME, 9, 0);
    same("claimed before", &bench.store.claim(bench.now, &claim).await?.len(), &0)?;
    bench.store.record(subject.id, &click(1, bench.now), "ann").await?;
    same("claimed after", &bench.store.claim(bench.now, &claim).await?.len(), &1)
}

pub(super) async fn nothing_is_recorded_of_an_unknown_subject<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let nobody = SubjectId::from_octets([7; 16]);
    not_found("record", &bench.store.record(nobody, &click(1, bench.now), "ann").await)?;
    ensure(bench.store.load(nobody).await?.is_none(), "it is there now")?;
    same("records", &bench.records().await?, &0)
}
