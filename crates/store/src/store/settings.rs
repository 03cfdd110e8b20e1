//! Settings, and the latest look at the clock.

use sealpost_rollover::{Span, Time, port::Entry};

use super::{
    record,
    session::{self, Session},
};
use crate::{Error, Result, sql::Transaction};

pub(super) async fn get<T: Transaction>(session: &mut Session<T>, name: &str) -> Result<Option<String>> {
    let row = session.query_one("SELECT value FROM setting WHERE name = ?1", vec![name.into()]).await?;
    row.map(|mut row| row.next("value").map_err(|error| error.of_row(|| format!("setting {name:?}")))).transpose()
}

pub(super) async fn set<T: Transaction>(session: &mut Session<T>, name: &str, value: &str, actor: &str) -> Result<()> {
    // Whoever sets something waits here, so that the old value is the one before.
    record::head(session).await?;
    let at = session::now(session).await?;
    let old = get(session, name).await?;
    session
        .execute(
            "INSERT INTO setting (name, value) VALUES (?1, ?2)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            vec![name.into(), value.into()],
        )
        .await?;
    let entry = Entry::Set { name: name.to_owned(), old, new: value.to_owned() };
    record::append(session, (at, actor), None, &entry).await
}

/// Notes that it is `now`. Going back is no jump.
pub(super) async fn look<T: Transaction>(session: &mut Session<T>, now: Time, max_jump: Span) -> Result<()> {
    let row = session.query_one("SELECT latest_look FROM store FOR UPDATE", Vec::new()).await?;
    let mut row = row.ok_or_else(|| Error::damaged("latest_look", "it is missing"))?;
    let last = row.next::<Option<Time>>("latest_look")?.unwrap_or(now);
    if now > last + max_jump {
        return Err(sealpost_rollover::Error::ClockJumped { now, last }.into());
    }
    session.execute("UPDATE store SET latest_look = ?1", vec![last.max(now).into()]).await?;
    Ok(())
}
