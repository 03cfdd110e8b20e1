//! Subjects and their states.

use sealpost_rollover::{
    Event, Generation, GenerationId, Layout, Subject, SubjectId, SubjectKind, SubjectState, Time, Wake, apply,
    port::{Attachment, Entry, Lease, Listed},
};

use super::{
    certificates, generations, record,
    session::{self, Session},
};
use crate::{
    Error, Result,
    sql::{NOW, Row, Transaction, Value},
};

/// A subject as its row and those of its generations tell.
pub(super) struct Kept {
    pub(super) subject: Subject,
    pub(super) state: SubjectState,
    pub(super) wake: Wake,
    pub(super) held_by: Option<String>,
    pub(super) epoch: u64,
    pub(super) touched: bool,
}

impl Kept {
    fn listed(self) -> Listed {
        Listed::new(self.subject, self.state, self.wake)
    }
}

pub(super) const COLUMNS: &str =
    "id, kind, address, layout, enrolled, state, due_at, deadline, waits, lease_node, lease_epoch, touched";

pub(super) async fn enroll<T: Transaction>(session: &mut Session<T>, subject: &Subject, actor: &str) -> Result<()> {
    let at = session::now(session).await?;
    let (state, wake) = (SubjectState::new(subject), Wake::first(subject, at));
    let inserted = session
        .execute(
            "INSERT INTO subject (id, kind, address, layout, enrolled, state, gone, due_at, deadline, waits,
                    lease_node, lease_until, lease_epoch, touched)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, NULL, 0, 0, 0)
                ON CONFLICT (id) DO NOTHING",
            vec![
                subject.id.into(),
                subject.kind.word().into(),
                (&subject.address).into(),
                subject.layout.word().into(),
                subject.enrolled.into(),
                json(&state)?.into(),
                wake.at.into(),
                wake.deadline.into(),
                wake.waits_for_authority.into(),
            ],
        )
        .await?;
    if inserted == 0 {
        return Ok(());
    }
    let entry = Entry::Enrolled { subject: subject.clone() };
    record::append(session, (at, actor), Some(subject.id), &entry).await
}

pub(super) async fn load<T: Transaction>(session: &mut Session<T>, id: SubjectId) -> Result<Option<Listed>> {
    let row = session.query_one(&format!("SELECT {COLUMNS} FROM subject WHERE id = ?1"), vec![id.into()]).await?;
    let Some(mut row) = row else { return Ok(None) };
    let mut kept = vec![read(&mut row)?];
    generations::put_back(session, &mut kept).await?;
    Ok(kept.pop().map(Kept::listed))
}

pub(super) async fn list<T: Transaction>(
    session: &mut Session<T>,
    after: Option<SubjectId>,
    limit: u32,
) -> Result<Vec<Listed>> {
    // No id is shorter than this.
    let after = after.map_or_else(|| Value::Blob(Vec::new()), Value::from);
    let sql = format!("SELECT {COLUMNS} FROM subject WHERE id > ?1 ORDER BY id LIMIT ?2");
    let rows = session.query(&sql, vec![after, limit.into()]).await?;
    let mut kept: Vec<Kept> = rows.into_iter().map(|mut row| read(&mut row)).collect::<Result<_>>()?;
    generations::put_back(session, &mut kept).await?;
    Ok(kept.into_iter().map(Kept::listed).collect())
}

/// The subject, which nobody else changes until this transaction ends, and the time.
pub(super) async fn lock<T: Transaction>(session: &mut Session<T>, id: SubjectId) -> Result<Option<(Kept, Time)>> {
    let sql = format!("SELECT {NOW}, {COLUMNS} FROM subject WHERE id = ?1 FOR UPDATE");
    let Some(mut row) = session.query_one(&sql, vec![id.into()]).await? else { return Ok(None) };
    let at = session.at(&mut row)?;
    let mut kept = vec![read(&mut row)?];
    // A statement of its own, so that it sees what whoever held the lock before committed.
    generations::put_back(session, &mut kept).await?;
    Ok(kept.pop().map(|kept| (kept, at)))
}

/// The subject of a lease that has not ended, the node that holds it, and the time.
pub(super) async fn lock_leased<T: Transaction>(
    session: &mut Session<T>,
    lease: &Lease,
) -> Result<(Kept, String, Time)> {
    let id = lease.subject.id;
    let fenced = sealpost_rollover::Error::Fenced { subject: id, mine: lease.epoch };
    match lock(session, id).await? {
        Some((mut kept, at)) if kept.epoch == lease.epoch => match kept.held_by.take() {
            Some(node) => Ok((kept, node, at)),
            None => Err(fenced.into()),
        },
        _ => Err(fenced.into()),
    }
}

pub(super) async fn advance<T: Transaction>(
    session: &mut Session<T>,
    lease: &Lease,
    event: &Event,
    attachment: &Attachment,
) -> Result<SubjectState> {
    let (kept, node, at) = lock_leased(session, lease).await?;
    let id = GenerationId::new(lease.subject.id, event.slot, event.number);
    let needs_generation = matches!(attachment, Attachment::Order(_) | Attachment::Certificate(_));
    if needs_generation && !generations::exists(session, id).await? {
        return Err(generations::missing(id));
    }
    let state = take_in(session, &kept.state, event).await?;
    certificates::attach(session, id, attachment).await?;
    record::append(session, (at, &node), Some(id.subject), &Entry::happened(event, attachment)).await?;
    Ok(state)
}

pub(super) async fn record<T: Transaction>(
    session: &mut Session<T>,
    id: SubjectId,
    event: &Event,
    actor: &str,
) -> Result<SubjectState> {
    let (kept, at) = lock(session, id).await?.ok_or_else(|| missing(id))?;
    let state = take_in(session, &kept.state, event).await?;
    wake(session, id, kept.wake.after(event, at)).await?;
    record::append(session, (at, actor), Some(id), &Entry::happened(event, &Attachment::None)).await?;
    Ok(state)
}

/// Applies `event` to `old`, and writes what changed by it.
pub(super) async fn take_in<T: Transaction>(
    session: &mut Session<T>,
    old: &SubjectState,
    event: &Event,
) -> Result<SubjectState> {
    let mut new = old.clone();
    apply(&mut new, event);
    if old.without_generations() != new.without_generations() {
        let values = vec![new.id.into(), json(&new)?.into(), new.left.is_some().into()];
        session.execute("UPDATE subject SET state = ?2, gone = ?3 WHERE id = ?1", values).await?;
    }
    let changed = |generation: &&Generation| old.generation(generation.slot, generation.number) != Some(*generation);
    for generation in new.generations().iter().filter(changed) {
        generations::write_state(session, new.id, generation).await?;
    }
    Ok(new)
}

/// Something happened that its node, if it is held, did not see: it is due then.
pub(super) async fn wake<T: Transaction>(session: &mut Session<T>, id: SubjectId, wake: Wake) -> Result<()> {
    let values = vec![id.into(), wake.at.into(), wake.deadline.into(), wake.waits_for_authority.into()];
    session
        .execute("UPDATE subject SET due_at = ?2, deadline = ?3, waits = ?4, touched = 1 WHERE id = ?1", values)
        .await?;
    Ok(())
}

/// A subject from its [`COLUMNS`], without its generations.
pub(super) fn read(row: &mut Row) -> Result<Kept> {
    let id: SubjectId = row.next("id").map_err(|error| error.of_row(|| "a subject".to_owned()))?;
    read_of(id, row).map_err(|error| error.of_row(|| format!("subject {id}")))
}

fn read_of(id: SubjectId, row: &mut Row) -> Result<Kept> {
    let kind = word(row, "kind", SubjectKind::from_word)?;
    let address: String = row.next("address")?;
    let layout = word(row, "layout", Layout::from_word)?;
    let subject = Subject::new(kind, &address, layout, row.next("enrolled")?)
        .map_err(|error| Error::damaged("address", &error))?;
    let state: SubjectState = parse(row, "state")?;
    if subject.id != id || state.id != id {
        return Err(Error::damaged("id", "it is another subject's"));
    }
    Ok(Kept {
        subject,
        state,
        wake: Wake::new(row.next("due_at")?, row.next("deadline")?, row.next("waits")?),
        held_by: row.next("lease_node")?,
        epoch: row.next("lease_epoch")?,
        touched: row.next("touched")?,
    })
}

/// A column that holds a word for something.
pub(super) fn word<V>(row: &mut Row, column: &'static str, from: impl Fn(&str) -> Option<V>) -> Result<V> {
    let word: String = row.next(column)?;
    from(&word).ok_or_else(|| Error::damaged(column, &format!("{word:?} means nothing")))
}

/// A column that holds JSON.
pub(super) fn parse<V: serde::de::DeserializeOwned>(row: &mut Row, column: &'static str) -> Result<V> {
    let text: String = row.next(column)?;
    serde_json::from_str(&text).map_err(|error| Error::damaged(column, &error))
}

fn json(state: &SubjectState) -> Result<String> {
    to_json(&state.without_generations())
}

pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| sealpost_rollover::Error::store("writing JSON", error).into())
}

pub(super) fn missing(id: SubjectId) -> Error {
    sealpost_rollover::Error::NotFound { what: format!("subject {id}") }.into()
}
