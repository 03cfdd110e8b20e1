//! The audit chain.

use sealpost_rollover::{
    SubjectId, Time,
    audit::{Hash, Head, Record},
    port::Entry,
};

use super::session::Session;
use crate::{
    Error, Result,
    sql::{Row, Transaction},
};

/// Appends a record. Others who append wait until this transaction ends, so it comes last in it.
pub(super) async fn append<T: Transaction>(
    session: &mut Session<T>,
    (at, actor): (Time, &str),
    subject: Option<SubjectId>,
    entry: &Entry,
) -> Result<()> {
    let mut head = head(session).await?;
    let record = head.append(at, actor, subject, entry.text()?);
    session
        .execute(
            "INSERT INTO audit (sequence, at, actor, subject, text, previous, hash)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            vec![
                record.sequence.into(),
                record.at.into(),
                record.actor.into(),
                record.subject.into(),
                record.text.into(),
                record.previous.octets().as_slice().into(),
                record.hash.octets().as_slice().into(),
            ],
        )
        .await?;
    let end = vec![head.sequence.into(), head.hash.octets().as_slice().into()];
    session.execute("UPDATE audit_head SET sequence = ?1, hash = ?2", end).await?;
    Ok(())
}

/// The end of the chain, which nobody else changes until this transaction ends.
pub(crate) async fn head<T: Transaction>(session: &mut Session<T>) -> Result<Head> {
    let row = session.query_one("SELECT sequence, hash FROM audit_head FOR UPDATE", Vec::new()).await?;
    let mut row = row.ok_or_else(|| Error::damaged("hash", "it is missing").of_row(|| "audit_head".to_owned()))?;
    Ok(Head::new(row.next("sequence")?, Hash::from_octets(row.next("hash")?)))
}

pub(crate) async fn list<T: Transaction>(session: &mut Session<T>, after: u64, limit: u32) -> Result<Vec<Record>> {
    let rows = session
        .query(
            "SELECT sequence, at, actor, subject, text, previous, hash FROM audit
                WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
            vec![after.into(), limit.into()],
        )
        .await?;
    rows.into_iter().map(record).collect()
}

fn record(mut row: Row) -> Result<Record> {
    let sequence: u64 = row.next("sequence")?;
    let read = |mut row: Row| {
        let (at, actor, subject) = (row.next("at")?, row.next("actor")?, row.next("subject")?);
        let text = row.next("text")?;
        let hashes = (Hash::from_octets(row.next("previous")?), Hash::from_octets(row.next("hash")?));
        Ok(Record::new((sequence, at), (actor, subject, text), hashes))
    };
    read(row).map_err(|error: Error| error.of_row(|| format!("audit record {sequence}")))
}
