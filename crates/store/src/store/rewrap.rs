//! Another key-encryption key: what the keys are sealed with is wrapped again, a few at a time.

use super::{
    SqlStore,
    generations::{self, key, read_id, row_name},
    session::Session,
};
use crate::{
    Error, Result,
    schema::CHECK,
    seal::{Sealed, Sealer},
    second_place::SecondPlace,
    sql::{Database, Row, Transaction},
};

/// How far wrapping again has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewrapped {
    /// How many keys this step wrapped again.
    pub done: u64,
    /// How many are left.
    pub left: u64,
}

impl<D: Database> SqlStore<D> {
    /// Wraps up to `limit` keys again under the sealer's current key-encryption key: one transaction. Call it until
    /// none is left; whoever stops goes on later where it was. Keys that the second place has are acknowledged there
    /// as they are now, so that the old key-encryption key is needed nowhere in the end.
    ///
    /// # Errors
    ///
    /// If a key does not open, or what the database or the second place says. Then none of this step is changed in the
    /// database.
    pub async fn rewrap(&self, limit: u32) -> Result<Rewrapped> {
        let mut session = self.write().await?;
        let rewrapped = rewrap(&mut session, (&*self.sealer, self.second.as_deref()), limit).await;
        session.end(rewrapped).await
    }
}

async fn rewrap<T: Transaction>(
    session: &mut Session<T>,
    (sealer, second): (&dyn Sealer, Option<&dyn SecondPlace>),
    limit: u32,
) -> Result<Rewrapped> {
    let version = sealer.version();
    // One at a time, and nobody seals a key meanwhile: what is counted at the end is all there is.
    retired(session).await?;
    let rows = session
        .query(
            "SELECT subject, slot, number, spki, kek, wrapped, sealed FROM generation
                WHERE sealed IS NOT NULL AND (kek < ?1 OR kek > ?1) LIMIT ?2 FOR UPDATE",
            vec![version.into(), limit.into()],
        )
        .await?;
    let mut done = 0;
    for mut row in rows {
        let id = read_id(&mut row)?;
        let of_row = |error: Error| error.of_row(|| generations::name(id)).of_key(|| generations::name(id));
        let spki: Vec<u8> = row.next("spki").map_err(of_row)?;
        let name = row_name(id, &spki);
        let sealed = sealer.rewrap(&name, &sealed(&mut row).map_err(of_row)?).map_err(of_row)?;
        if let Some(place) = second
            && place.fetch(&name)?.is_some()
        {
            place.acknowledge(&name, &sealed)?;
        }
        let mut values = key(id);
        values.extend([sealed.version.into(), sealed.wrapped.into(), sealed.ciphertext.into()]);
        let sql = "UPDATE generation SET kek = ?4, wrapped = ?5, sealed = ?6
            WHERE subject = ?1 AND slot = ?2 AND number = ?3";
        done += session.execute(sql, values).await?;
    }
    let left = "SELECT count(*) FROM generation WHERE sealed IS NOT NULL AND (kek < ?1 OR kek > ?1)";
    let left = match session.query_one(left, vec![version.into()]).await? {
        Some(mut row) => row.next("count")?,
        None => 0,
    };
    if left == 0 {
        rewrap_check(session, sealer).await?;
    }
    Ok(Rewrapped { done, left })
}

/// The version under which all keys were wrapped: earlier ones are retired. Locked until this transaction ends.
pub(super) async fn retired<T: Transaction>(session: &mut Session<T>) -> Result<u32> {
    let row = session.query_one("SELECT kek FROM store FOR UPDATE", Vec::new()).await?;
    row.map_or(Ok(0), |mut row| row.next("kek"))
}

/// What tells the right key-encryption key comes last: until then the old one is needed anyway.
async fn rewrap_check<T: Transaction>(session: &mut Session<T>, sealer: &dyn Sealer) -> Result<()> {
    let sql = "SELECT kek, wrapped, sealed FROM store WHERE kek <> ?1 FOR UPDATE";
    if let Some(mut row) = session.query_one(sql, vec![sealer.version().into()]).await? {
        let sealed = sealer.rewrap(CHECK, &sealed(&mut row)?)?;
        let values = vec![sealed.version.into(), sealed.wrapped.into(), sealed.ciphertext.into()];
        session.execute("UPDATE store SET kek = ?1, wrapped = ?2, sealed = ?3", values).await?;
    }
    Ok(())
}

fn sealed(row: &mut Row) -> Result<Sealed> {
    Ok(Sealed::new(row.next("kek")?, row.next("wrapped")?, row.next("sealed")?))
}
