//! Inserting generations, and what is known of them.

use zeroize::Zeroizing;

use super::{
    Harness,
    bench::{Bench, key, octets, public, seed},
    check::{Outcome, ensure, not_found, same, there},
};
use crate::{
    Cause, Generation, GenerationId, Layout, Slot, SubjectKind,
    port::{GenerationRecord, Insertion, KeyStore, NewGeneration, PrivateKey},
};

pub(super) async fn an_inserted_generation_is_there<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    for (number, cause) in [(1, Cause::FirstMail), (2, Cause::Replacement)] {
        let mut new = bench.new_generation(&lease, number, &format!("key {number}"));
        new.cause = cause;
        same("insertion", &bench.store.insert_generation(&lease, &new).await?, &Insertion::Inserted)?;
        let record = there("the generation", bench.store.generation(new.id).await?)?;
        same("record", &record, &GenerationRecord::new(new.public.clone(), new.request.clone()))?;
        let found = bench.store.private_key(new.id).await?;
        ensure(found.expose_pkcs8() == new.key.expose_pkcs8(), "it is not the key that was inserted")?;
        let state = bench.state(&lease.subject).await?;
        let wanted = Generation::new(Slot::Dual, number, cause, bench.now);
        same("its state", &state.generation(Slot::Dual, number), &Some(&wanted))?;
    }
    Ok(())
}

/// Invariant I7.
pub(super) async fn inserting_again_keeps_the_first_key<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let (before, record) = (bench.trace(&lease.subject).await?, bench.store.generation(id).await?);
    let again = bench.new_generation(&lease, 1, "another key");
    same("insertion", &bench.store.insert_generation(&lease, &again).await?, &Insertion::AlreadyThere)?;
    let found = bench.store.private_key(id).await?;
    ensure(found.expose_pkcs8() == key(&seed(&lease, 1)).expose_pkcs8(), "it is not the first key")?;
    same("record", &bench.store.generation(id).await?, &record)?;
    same("what is written", &bench.trace(&lease.subject).await?, &before)?;
    let name = crate::port::KeyName::Spki(again.public.spki_sha256);
    ensure(bench.store.find(&name).await?.is_empty(), "the key that was dropped is found")
}

pub(super) async fn a_generation_of_somebody_else_is_not_inserted<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let ann = bench.held("ann").await?;
    let bea = bench.mailbox("bea").await?;
    let mut new = bench.new_generation(&ann, 1, "key");
    new.id.subject = bea.id;
    let (anns, beas) = (bench.trace(&ann.subject).await?, bench.trace(&bea).await?);
    ensure(bench.store.insert_generation(&ann, &new).await.is_err(), "it was inserted with another one's lease")?;
    same("what is written of the one", &bench.trace(&ann.subject).await?, &anns)?;
    same("what is written of the other", &bench.trace(&bea).await?, &beas)
}

pub(super) async fn slots_and_numbers_are_apart<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subject = bench.enrolled(SubjectKind::Mailbox, "ann@example.org", Layout::Split).await?;
    let lease = bench.lease(&subject).await?;
    let ids = [(Slot::Sign, 1), (Slot::Encrypt, 1), (Slot::Encrypt, 2), (Slot::Sign, 11)];
    for (slot, number) in ids {
        let mut new = bench.new_generation(&lease, number, &format!("{slot:?} {number}"));
        new.id.slot = slot;
        same("insertion", &bench.store.insert_generation(&lease, &new).await?, &Insertion::Inserted)?;
    }
    for (slot, number) in ids {
        let found = bench.store.private_key(GenerationId::new(subject.id, slot, number)).await?;
        let wanted = key(&format!("{slot:?} {number}"));
        ensure(found.expose_pkcs8() == wanted.expose_pkcs8(), "it is the key of another slot or number")?;
    }
    same("how many there are", &bench.state(&subject).await?.generations().len(), &4)
}

pub(super) async fn large_values_come_back<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = GenerationId::new(lease.subject.id, Slot::Dual, 1);
    let pkcs8 = octets(&["large"], 10_000);
    let large = PrivateKey::from_pkcs8(Zeroizing::new(pkcs8.clone()));
    let request = octets(&["request"], 65_536);
    let new = NewGeneration::new((id, Cause::Due, bench.now), large, public("large"), request.clone());
    bench.store.insert_generation(&lease, &new).await?;
    let mut certificate = bench.certificate("large");
    certificate.der = octets(&["certificate"], 65_536);
    certificate.chain = (0..8).map(|number: u8| octets(&["chain", &number.to_string()], 10_000)).collect();
    bench.attach(&lease, id, certificate.clone()).await?;
    let record = there("the generation", bench.store.generation(id).await?)?;
    ensure(record.request == request, "the request is another one")?;
    ensure(record.certificates == [certificate], "the certificate is another one")?;
    ensure(bench.store.private_key(id).await?.expose_pkcs8() == pkcs8, "the key is another one")
}

pub(super) async fn an_empty_request_comes_back<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let mut new = bench.new_generation(&lease, 1, "imported");
    new.cause = Cause::Imported;
    new.request.clear();
    bench.store.insert_generation(&lease, &new).await?;
    let record = there("the generation", bench.store.generation(new.id).await?)?;
    same("request", &record.request, &Vec::new())
}

pub(super) async fn the_last_number_comes_back<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, u32::MAX).await?;
    there("the generation", bench.store.generation(id).await?)?;
    let found = bench.store.find(&crate::port::KeyName::Spki(public(&seed(&lease, u32::MAX)).spki_sha256)).await?;
    same("found", &found, &vec![id])
}

pub(super) async fn an_unknown_generation_is_not_there<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let known = bench.insert(&lease, 1).await?;
    let nobody = crate::SubjectId::from_octets([7; 16]);
    for unknown in [
        GenerationId { number: 2, ..known },
        GenerationId { number: 0, ..known },
        GenerationId { slot: Slot::Encrypt, ..known },
        GenerationId { subject: nobody, ..known },
    ] {
        same("generation", &bench.store.generation(unknown).await?, &None)?;
        not_found("private_key", &bench.store.private_key(unknown).await)?;
        ensure(bench.store.back_up(unknown).await.is_err(), "a key that is not there was backed up")?;
    }
    Ok(())
}
