//! Finding a key by whatever a mail calls it (trap T4).

use super::{
    Harness,
    bench::{Bench, octets, public, seed},
    check::{Failed, Outcome, same},
};
use crate::{
    GenerationId, Happened, Layout, RevocationReason, Slot, SubjectKind,
    port::{CertificateRecord, KeyName, KeyStore},
};

fn by_serial(certificate: &CertificateRecord) -> KeyName {
    KeyName::IssuerAndSerial { issuer: certificate.issuer.clone(), serial: certificate.serial.clone() }
}

/// All names of a certificate.
pub(super) fn names(certificate: &CertificateRecord) -> [KeyName; 3] {
    let public = &certificate.public;
    [by_serial(certificate), KeyName::KeyId(public.key_id.clone()), KeyName::Spki(public.spki_sha256.clone())]
}

/// That `name` finds these, in whatever order.
pub(super) async fn finds<S: KeyStore>(store: &S, name: &KeyName, wanted: &[GenerationId]) -> Outcome {
    let mut found = store.find(name).await?;
    found.sort_unstable();
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    let kind = match name {
        KeyName::IssuerAndSerial { .. } => "issuer and serial number",
        KeyName::KeyId(_) => "key identifier",
        KeyName::Spki(_) => "SubjectPublicKeyInfo",
    };
    same("found", &found, &wanted).map_err(|failed: Failed| failed.at(format_args!("by {kind}")))
}

pub(super) async fn a_key_is_found_by_its_own_names<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    for number in [1, 2, 3] {
        let id = bench.insert(&lease, number).await?;
        let public = public(&seed(&lease, number));
        finds(&bench.store, &KeyName::Spki(public.spki_sha256), &[id]).await?;
        finds(&bench.store, &KeyName::KeyId(public.key_id), &[id]).await?;
    }
    Ok(())
}

pub(super) async fn a_key_is_found_by_each_of_its_certificates<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let certificates = ["first", "reissued", "duplicate"].map(|seed| bench.certificate(seed));
    for certificate in &certificates {
        bench.attach(&lease, id, certificate.clone()).await?;
    }
    for name in certificates.iter().flat_map(names) {
        finds(&bench.store, &name, &[id]).await?;
    }
    Ok(())
}

pub(super) async fn a_certificate_of_two_generations_finds_both<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let subject = bench.enrolled(SubjectKind::Mailbox, "ann@example.org", Layout::Split).await?;
    let lease = bench.lease(&subject).await?;
    let mut ids = Vec::new();
    for (slot, number) in [(Slot::Sign, 1), (Slot::Encrypt, 1), (Slot::Encrypt, 2)] {
        let mut new = bench.new_generation(&lease, number, &format!("{slot:?} {number}"));
        new.id.slot = slot;
        bench.store.insert_generation(&lease, &new).await?;
        bench.attach(&lease, new.id, bench.certificate("shared")).await?;
        ids.push(new.id);
    }
    for name in names(&bench.certificate("shared")) {
        finds(&bench.store, &name, &ids).await?;
    }
    Ok(())
}

pub(super) async fn a_key_in_two_generations_is_found_twice<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let mut ids = Vec::new();
    for local in ["ann", "bea"] {
        let lease = bench.held(local).await?;
        let new = bench.new_generation(&lease, 1, "one key");
        bench.store.insert_generation(&lease, &new).await?;
        ids.push(new.id);
    }
    let public = public("one key");
    finds(&bench.store, &KeyName::Spki(public.spki_sha256), &ids).await?;
    finds(&bench.store, &KeyName::KeyId(public.key_id), &ids).await
}

pub(super) async fn a_key_is_found_by_what_its_certificate_calls_it<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let mut certificate = bench.certificate(&seed(&lease, 1));
    let own = KeyName::KeyId(certificate.public.key_id.clone());
    certificate.public.key_id = octets(&["what the authority calls it"], 32);
    bench.attach(&lease, id, certificate.clone()).await?;
    for name in names(&certificate) {
        finds(&bench.store, &name, &[id]).await?;
    }
    finds(&bench.store, &own, &[id]).await
}

pub(super) async fn an_unknown_name_finds_nothing<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.insert(&lease, 1).await?;
    let certificate = bench.certificate("known");
    bench.attach(&lease, id, certificate.clone()).await?;
    for name in names(&bench.certificate("unknown")) {
        finds(&bench.store, &name, &[]).await?;
    }
    // The same number from another issuer, another number from the same issuer.
    let other = CertificateRecord { issuer: octets(&["other issuer"], 90), ..certificate.clone() };
    finds(&bench.store, &by_serial(&other), &[]).await?;
    let other = CertificateRecord { serial: octets(&["other serial"], 16), ..certificate.clone() };
    finds(&bench.store, &by_serial(&other), &[]).await?;
    finds(&bench.store, &KeyName::KeyId(Vec::new()), &[]).await
}

pub(super) async fn names_of_different_kinds_are_apart<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let mut first = bench.new_generation(&lease, 1, "first");
    let mut second = bench.new_generation(&lease, 2, "second");
    second.public.key_id.clone_from(&first.public.spki_sha256);
    first.public.key_id = octets(&["key id"], 20);
    for new in [&first, &second] {
        bench.store.insert_generation(&lease, new).await?;
    }
    let octets = first.public.spki_sha256.clone();
    finds(&bench.store, &KeyName::Spki(octets.clone()), &[first.id]).await?;
    finds(&bench.store, &KeyName::KeyId(octets), &[second.id]).await
}

pub(super) async fn serials_are_compared_octet_by_octet<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let serials: [&[u8]; 5] = [&[0x80], &[0, 0x80], &[0x80, 0], &[0], &[0x80; 20]];
    let mut kept = Vec::new();
    for (number, serial) in (1..).zip(serials) {
        let id = bench.insert(&lease, number).await?;
        let certificate = CertificateRecord { serial: serial.to_vec(), ..bench.certificate(&seed(&lease, number)) };
        bench.attach(&lease, id, certificate.clone()).await?;
        kept.push((by_serial(&certificate), id));
    }
    for (name, id) in kept {
        finds(&bench.store, &name, &[id]).await?;
    }
    Ok(())
}

/// Trap T27: what is revoked still decrypts.
pub(super) async fn names_find_what_was_revoked_and_destroyed<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let lease = bench.held("ann").await?;
    let id = bench.fit(&lease, 1, "product").await?;
    let reason = RevocationReason::KeyCompromise;
    for what in [Happened::Refused, Happened::Revoked { reason }] {
        bench.advance(&lease, id, what).await?;
        for name in names(&bench.certificate(&seed(&lease, 1))) {
            finds(&bench.store, &name, &[id]).await?;
        }
        bench.store.private_key(id).await?;
    }
    bench.store.destroy(id, bench.now, "operator").await?;
    for name in names(&bench.certificate(&seed(&lease, 1))) {
        finds(&bench.store, &name, &[id]).await?;
    }
    Ok(())
}
