//! Generations and their sealed keys.

use std::collections::HashMap;

use sealpost_rollover::{
    Event, Generation, GenerationId, Happened, Slot, SubjectId, Time,
    port::{Attachment, Entry, GenerationRecord, Insertion, Lease, NewGeneration, PublicKey},
};

use super::{
    certificates, record, rewrap,
    session::Session,
    subjects::{Kept, lock, lock_leased, parse, take_in, to_json, wake, word},
};
use crate::{
    Error, Result,
    seal::Sealed,
    sql::{Row, Transaction, Value, places},
};

/// How many subjects' generations are read by one statement.
const CHUNK: usize = 100;

/// What a sealed key is bound to: subject, slot, number (4 octets, big-endian) and SHA-256 of the public key.
pub(crate) fn row_name(id: GenerationId, spki_sha256: &[u8]) -> Vec<u8> {
    let mut name = id.subject.octets().to_vec();
    name.extend(id.slot.word().as_bytes());
    // Words are of different lengths, but none is another one's beginning, and they end here.
    name.push(0);
    name.extend(id.number.to_be_bytes());
    name.extend(spki_sha256);
    name
}

/// How errors call it.
pub(super) fn name(id: GenerationId) -> String {
    format!("key {} of slot {} of subject {}", id.number, id.slot.word(), id.subject)
}

pub(super) fn missing(id: GenerationId) -> Error {
    sealpost_rollover::Error::NotFound { what: name(id) }.into()
}

/// The values that name it.
pub(super) fn key(id: GenerationId) -> Vec<Value> {
    vec![id.subject.into(), id.slot.word().into(), id.number.into()]
}

pub(super) async fn insert<T: Transaction>(
    session: &mut Session<T>,
    lease: &Lease,
    new: &NewGeneration,
    sealed: Sealed,
) -> Result<Insertion> {
    let (kept, node, at) = lock_leased(session, lease).await?;
    let id = new.id;
    if id.subject != lease.subject.id {
        let found = id.subject.to_string();
        return Err(sealpost_rollover::Error::BadField { field: "subject of the generation", found }.into());
    }
    if exists(session, id).await? {
        return Ok(Insertion::AlreadyThere);
    }
    let current = rewrap::retired(session).await?;
    if sealed.version < current {
        return Err(Error::RetiredKeyEncryptionKey { version: sealed.version, current });
    }
    let event = Event::new(id.slot, id.number, new.at, Happened::KeyDurable { cause: new.cause });
    take_in(session, &kept.state, &event).await?;
    let mut values = key(id);
    values.extend([(&new.public.spki_sha256).into(), (&new.public.key_id).into(), (&new.request).into()]);
    values.extend([sealed.version.into(), sealed.wrapped.into(), sealed.ciphertext.into()]);
    session
        .execute(
            "UPDATE generation SET spki = ?4, key_id = ?5, request = ?6, kek = ?7, wrapped = ?8, sealed = ?9
                WHERE subject = ?1 AND slot = ?2 AND number = ?3",
            values,
        )
        .await?;
    record::append(session, (at, &node), Some(id.subject), &Entry::committed(&event, &new.public)).await?;
    Ok(Insertion::Inserted)
}

/// Whether its key was inserted, destroyed since or not.
pub(super) async fn exists<T: Transaction>(session: &mut Session<T>, id: GenerationId) -> Result<bool> {
    let sql = "SELECT 1 FROM generation WHERE subject = ?1 AND slot = ?2 AND number = ?3 AND spki IS NOT NULL";
    Ok(!session.query(sql, key(id)).await?.is_empty())
}

/// Writes what happened to it.
pub(super) async fn write_state<T: Transaction>(
    session: &mut Session<T>,
    subject: SubjectId,
    generation: &Generation,
) -> Result<()> {
    let mut values = key(GenerationId::new(subject, generation.slot, generation.number));
    values.extend([to_json(generation)?.into(), generation.is_fit().into()]);
    session
        .execute(
            "INSERT INTO generation (subject, slot, number, state, fit) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (subject, slot, number) DO UPDATE SET state = excluded.state, fit = excluded.fit",
            values,
        )
        .await?;
    Ok(())
}

/// Puts their generations back into the states of subjects.
pub(super) async fn put_back<T: Transaction>(session: &mut Session<T>, kept: &mut [Kept]) -> Result<()> {
    for chunk in kept.chunks_mut(CHUNK) {
        let sql = format!(
            "SELECT subject, slot, number, state FROM generation WHERE subject IN ({})",
            places(1, chunk.len())
        );
        let ids = chunk.iter().map(|kept| kept.subject.id.into()).collect();
        let mut of: HashMap<SubjectId, Vec<Generation>> = HashMap::new();
        for row in session.query(&sql, ids).await? {
            let (subject, generation) = read(row)?;
            of.entry(subject).or_default().push(generation);
        }
        for kept in chunk {
            let generations = of.remove(&kept.subject.id).unwrap_or_default();
            kept.state = kept.state.without_generations().with_generations(generations);
        }
    }
    Ok(())
}

fn read(mut row: Row) -> Result<(SubjectId, Generation)> {
    let id = read_id(&mut row)?;
    let generation: Generation = parse(&mut row, "state").map_err(|error| error.of_row(|| name(id)))?;
    if (generation.slot, generation.number) != (id.slot, id.number) {
        return Err(Error::damaged("state", "it is another generation's").of_row(|| name(id)));
    }
    Ok((id.subject, generation))
}

/// Which generation a row starts with.
pub(super) fn read_id(row: &mut Row) -> Result<GenerationId> {
    let mut read =
        || Ok(GenerationId::new(row.next("subject")?, word(row, "slot", Slot::from_word)?, row.next("number")?));
    read().map_err(|error: Error| error.of_row(|| "a generation".to_owned()))
}

pub(super) async fn load<T: Transaction>(
    session: &mut Session<T>,
    id: GenerationId,
) -> Result<Option<GenerationRecord>> {
    let row = session
        .query_one(
            "SELECT spki, key_id, request, order_name FROM generation
                WHERE subject = ?1 AND slot = ?2 AND number = ?3 AND spki IS NOT NULL",
            key(id),
        )
        .await?;
    let Some(mut row) = row else { return Ok(None) };
    let mut read = || {
        let public = PublicKey::new(row.next("spki")?, row.next("key_id")?);
        let mut record = GenerationRecord::new(public, row.next("request")?);
        record.order = row.next("order_name")?;
        Ok(record)
    };
    let mut record = read().map_err(|error: Error| error.of_row(|| name(id)))?;
    record.certificates = certificates::of(session, id).await?;
    Ok(Some(record))
}

/// SHA-256 of the public key, and the sealed private key.
pub(super) async fn sealed_key<T: Transaction>(
    session: &mut Session<T>,
    id: GenerationId,
) -> Result<(Vec<u8>, Sealed)> {
    let row = session
        .query_one(
            "SELECT spki, kek, wrapped, sealed FROM generation
                WHERE subject = ?1 AND slot = ?2 AND number = ?3 AND sealed IS NOT NULL",
            key(id),
        )
        .await?;
    let mut row = row.ok_or_else(|| missing(id))?;
    let mut read = || Ok((row.next("spki")?, Sealed::new(row.next("kek")?, row.next("wrapped")?, row.next("sealed")?)));
    read().map_err(|error: Error| error.of_row(|| name(id)))
}

pub(super) async fn destroy<T: Transaction>(
    session: &mut Session<T>,
    id: GenerationId,
    at: Time,
    actor: &str,
) -> Result<()> {
    let (kept, clock) = lock(session, id.subject).await?.ok_or_else(|| missing(id))?;
    if !exists(session, id).await? {
        return Err(missing(id));
    }
    let destroyed = session
        .execute(
            "UPDATE generation SET kek = NULL, wrapped = NULL, sealed = NULL
                WHERE subject = ?1 AND slot = ?2 AND number = ?3 AND sealed IS NOT NULL",
            key(id),
        )
        .await?;
    if destroyed == 0 {
        return Ok(());
    }
    let event = Event::new(id.slot, id.number, at, Happened::Destroyed);
    take_in(session, &kept.state, &event).await?;
    wake(session, id.subject, kept.wake.at_once(clock)).await?;
    record::append(session, (clock, actor), Some(id.subject), &Entry::happened(&event, &Attachment::None)).await
}
