//! How authorities are doing.

use sealpost_rollover::{Time, port::AuthorityState};

use super::session::Session;
use crate::{
    Error, Result,
    sql::{Row, Transaction},
};

/// Changes the state of an authority, which nobody else changes meanwhile.
pub(super) async fn change<T: Transaction>(
    session: &mut Session<T>,
    name: &str,
    now: Time,
    change: impl FnOnce(&mut AuthorityState) + Send,
) -> Result<AuthorityState> {
    let first = AuthorityState::new(now);
    session
        .execute(
            "INSERT INTO authority (name, permits, filled_at, failures, ask_from) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (name) DO NOTHING",
            vec![
                name.into(),
                first.permits.into(),
                first.filled_at.into(),
                first.failures.into(),
                first.ask_from.into(),
            ],
        )
        .await?;
    let sql = "SELECT permits, filled_at, failures, ask_from FROM authority WHERE name = ?1 FOR UPDATE";
    let row = session.query_one(sql, vec![name.into()]).await?;
    let damaged = |error: Error| error.of_row(|| format!("authority {name:?}"));
    let row = row.ok_or_else(|| damaged(Error::damaged("name", "it is missing")))?;
    let mut state = read(row, now).map_err(damaged)?;
    change(&mut state);
    session
        .execute(
            "UPDATE authority SET permits = ?2, filled_at = ?3, failures = ?4, ask_from = ?5 WHERE name = ?1",
            vec![
                name.into(),
                state.permits.into(),
                state.filled_at.into(),
                state.failures.into(),
                state.ask_from.into(),
            ],
        )
        .await?;
    Ok(state)
}

fn read(mut row: Row, now: Time) -> Result<AuthorityState> {
    let mut state = AuthorityState::new(now);
    state.permits = row.next("permits")?;
    state.filled_at = row.next("filled_at")?;
    state.failures = row.next("failures")?;
    state.ask_from = row.next("ask_from")?;
    Ok(state)
}
