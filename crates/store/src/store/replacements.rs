//! Replacing a set before a deadline.

use std::collections::{BTreeMap, BTreeSet};

use sealpost_rollover::{
    Error as PortError, Event, GenerationId, Happened, Selection, SubjectId, Time,
    port::{Attachment, Entry, Pace, Replacement},
};

use super::{
    generations::{key, read_id},
    record,
    session::{self, Session},
    subjects::{Kept, lock, parse, take_in, to_json, wake},
};
use crate::{
    Error, Result,
    sql::{Row, Transaction, Value, places},
};

/// How many serial numbers one statement looks for.
const CHUNK: usize = 500;

/// The generations that are selected, as a query without its first words.
///
/// Of each slot of those who have not left, the last one that is fit, if its adopted certificate is selected.
fn selected(selection: &Selection, serials: &[&Vec<u8>]) -> (String, Vec<Value>) {
    let mut sql = "FROM generation g
        JOIN certificate c ON c.subject = g.subject AND c.slot = g.slot AND c.number = g.number AND c.position = 0
        JOIN subject s ON s.id = g.subject
        WHERE g.fit = 1 AND s.gone = 0 AND (s.layout = 'dual') = (g.slot = 'dual') AND NOT EXISTS (
            SELECT 1 FROM generation h
                WHERE h.subject = g.subject AND h.slot = g.slot AND h.number > g.number AND h.fit = 1)"
        .to_owned();
    let mut values = Vec::new();
    let mut and = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" AND {condition} ?{}", values.len()));
        }
    };
    and("c.issuer =", selection.issuer.as_ref().map(Into::into));
    and("c.product =", selection.product.as_ref().map(Into::into));
    and("c.not_before >=", selection.not_before_from.map(Into::into));
    and("c.not_before <=", selection.not_before_to.map(Into::into));
    if !serials.is_empty() {
        sql.push_str(&format!(" AND c.serial IN ({})", places(values.len() + 1, serials.len())));
        values.extend(serials.iter().map(|&serial| Value::from(serial)));
    }
    (sql, values)
}

/// The serial numbers, each once, as many at a time as a statement takes; no chunk is empty but the only one.
fn chunks(selection: &Selection) -> Vec<Vec<&Vec<u8>>> {
    let serials: BTreeSet<&Vec<u8>> = selection.serials.iter().collect();
    let serials: Vec<&Vec<u8>> = serials.into_iter().collect();
    if serials.is_empty() { vec![Vec::new()] } else { serials.chunks(CHUNK).map(<[_]>::to_vec).collect() }
}

pub(super) async fn count<T: Transaction>(session: &mut Session<T>, selection: &Selection) -> Result<u64> {
    let mut count = 0;
    for serials in chunks(selection) {
        let (from, values) = selected(selection, &serials);
        if let Some(mut row) = session.query_one(&format!("SELECT count(*) {from}"), values).await? {
            count += row.next::<u64>("count")?;
        }
    }
    Ok(count)
}

pub(super) async fn replace<T: Transaction>(
    session: &mut Session<T>,
    selection: &Selection,
    (before, reason): (Time, &str),
    actor: &str,
) -> Result<Replacement> {
    let id = next_id(session).await?;
    let at = session::now(session).await?;
    let values = vec![id.into(), to_json(selection)?.into(), before.into(), reason.into()];
    session
        .execute(
            "INSERT INTO replacement (id, selection, before_at, reason, paused, selected, started)
                VALUES (?1, ?2, ?3, ?4, 0, 0, 0)",
            values,
        )
        .await?;
    let mut count = 0;
    for serials in chunks(selection) {
        let (from, values) = selected(selection, &serials);
        let sql = format!(
            "INSERT INTO replacement_item (replacement, subject, slot, number, started)
                SELECT {id}, g.subject, g.slot, g.number, 0 {from}"
        );
        count += session.execute(&sql, values).await?;
    }
    session.execute("UPDATE replacement SET selected = ?2 WHERE id = ?1", vec![id.into(), count.into()]).await?;
    let replacement = Replacement::new(id, selection.clone(), before, reason.to_owned(), count);
    let entry = Entry::Replacing { replacement: replacement.clone() };
    record::append(session, (at, actor), None, &entry).await?;
    Ok(replacement)
}

/// The next number. Whoever starts another replacement waits until this transaction ends.
async fn next_id<T: Transaction>(session: &mut Session<T>) -> Result<u64> {
    let row = session.query_one("SELECT replacements FROM store FOR UPDATE", Vec::new()).await?;
    let mut row = row.ok_or_else(|| Error::damaged("replacements", "it is missing"))?;
    let id = row.next::<u64>("replacements")? + 1;
    session.execute("UPDATE store SET replacements = ?1", vec![id.into()]).await?;
    Ok(id)
}

pub(super) async fn list<T: Transaction>(session: &mut Session<T>) -> Result<Vec<Replacement>> {
    let sql = "SELECT id, selection, before_at, reason, paused, selected, started FROM replacement ORDER BY id";
    session.query(sql, Vec::new()).await?.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Result<Replacement> {
    let id = row.next("id")?;
    let mut read = || {
        let (selection, before, reason) = (parse(&mut row, "selection")?, row.next("before_at")?, row.next("reason")?);
        let mut replacement = Replacement::new(id, selection, before, reason, 0);
        replacement.paused = row.next("paused")?;
        replacement.selected = row.next("selected")?;
        replacement.started = row.next("started")?;
        Ok(replacement)
    };
    read().map_err(|error: Error| error.of_row(|| format!("replacement {id}")))
}

pub(super) async fn pace<T: Transaction>(session: &mut Session<T>, id: u64, pace: Pace, actor: &str) -> Result<()> {
    let paused = pace == Pace::Paused;
    let values = vec![id.into(), paused.into()];
    if session.execute("UPDATE replacement SET paused = ?2 WHERE id = ?1", values).await? == 0 {
        return Err(PortError::NotFound { what: format!("replacement {id}") }.into());
    }
    let at = session::now(session).await?;
    record::append(session, (at, actor), None, &Entry::paced(id, pace)).await
}

/// A generation whose turn it is.
struct Next {
    replacement: u64,
    before: Time,
    id: GenerationId,
}

/// Hands generations of running replacements to the schedule.
pub(super) async fn start<T: Transaction>(session: &mut Session<T>, now: Time, limit: u32) -> Result<u32> {
    let next = next(session, limit).await?;
    // All of them are locked before the audit chain is: so nobody who holds a subject waits for one who waits for it.
    let ids: BTreeSet<SubjectId> = next.iter().map(|next| next.id.subject).collect();
    let mut kept: BTreeMap<SubjectId, Kept> = BTreeMap::new();
    let mut at = session::now(session).await?;
    for id in ids {
        if let Some((subject, clock)) = lock(session, id).await? {
            at = clock;
            kept.insert(id, subject);
        }
    }
    let started = u32::try_from(next.len()).unwrap_or(limit);
    for Next { replacement, before, id } in next {
        let event = Event::new(id.slot, id.number, now, Happened::ReplaceBy { by: before });
        if let Some(kept) = kept.get_mut(&id.subject) {
            kept.state = take_in(session, &kept.state, &event).await?;
            kept.wake = kept.wake.by(before).at_once(now);
            wake(session, id.subject, kept.wake).await?;
        }
        note(session, replacement, id).await?;
        let entry = Entry::happened(&event, &Attachment::None);
        record::append(session, (at, "schedule"), Some(id.subject), &entry).await?;
    }
    Ok(started)
}

/// Those whose turn it is. Their replacements are locked: no other node starts the same ones.
async fn next<T: Transaction>(session: &mut Session<T>, limit: u32) -> Result<Vec<Next>> {
    let sql = "SELECT id, before_at FROM replacement WHERE paused = 0 AND started < selected
        ORDER BY before_at, id FOR UPDATE";
    let mut next = Vec::new();
    let mut left = limit;
    for mut row in session.query(sql, Vec::new()).await? {
        if left == 0 {
            break;
        }
        let (replacement, before): (u64, Time) = (row.next("id")?, row.next("before_at")?);
        // The words of the slots, backwards, are in the order of the slots.
        let sql = "SELECT subject, slot, number FROM replacement_item WHERE replacement = ?1 AND started = 0
            ORDER BY subject, slot DESC, number LIMIT ?2";
        let rows = session.query(sql, vec![replacement.into(), left.into()]).await?;
        left = left.saturating_sub(u32::try_from(rows.len()).unwrap_or(left));
        for mut row in rows {
            next.push(Next { replacement, before, id: read_id(&mut row)? });
        }
    }
    Ok(next)
}

/// Notes that it was handed to the schedule.
async fn note<T: Transaction>(session: &mut Session<T>, replacement: u64, id: GenerationId) -> Result<()> {
    let mut values = key(id);
    values.push(replacement.into());
    let sql = "UPDATE replacement_item SET started = 1
        WHERE subject = ?1 AND slot = ?2 AND number = ?3 AND replacement = ?4";
    session.execute(sql, values).await?;
    session.execute("UPDATE replacement SET started = started + 1 WHERE id = ?1", vec![replacement.into()]).await?;
    Ok(())
}
