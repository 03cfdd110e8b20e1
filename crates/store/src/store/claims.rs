//! Leases.

use sealpost_rollover::{
    SubjectId, Time, Wake,
    port::{Claim, Lease},
};

use super::{
    generations,
    session::Session,
    subjects::{self, COLUMNS, Kept, lock_leased},
};
use crate::{Result, sql::Transaction};

/// Claims those whose wake has come. Rows that somebody else locks are skipped: whoever locks them works on them.
pub(super) async fn claim<T: Transaction>(session: &mut Session<T>, now: Time, claim: &Claim) -> Result<Vec<Lease>> {
    let mut due = if let Some(id) = claim.only {
        only(session, now, id).await?
    } else {
        let mut due = due(session, now, (false, claim.limit)).await?;
        due.extend(self::due(session, now, (true, claim.limit.min(claim.asking))).await?);
        due
    };
    due.sort_by_key(|kept| (kept.wake.deadline, kept.subject.id));
    due.truncate(usize::try_from(claim.limit).unwrap_or(usize::MAX));
    generations::put_back(session, &mut due).await?;
    let until = now + claim.lifetime;
    let mut leases = Vec::with_capacity(due.len());
    for Kept { subject, state, epoch, .. } in due {
        let epoch = epoch + 1;
        session
            .execute(
                "UPDATE subject SET lease_node = ?2, lease_until = ?3, lease_epoch = ?4, touched = 0 WHERE id = ?1",
                vec![subject.id.into(), claim.node.as_str().into(), until.into(), epoch.into()],
            )
            .await?;
        leases.push(Lease::new(subject, state, epoch, until));
    }
    Ok(leases)
}

/// Those that are due, whether or not they wait for the authority, without their generations.
async fn due<T: Transaction>(session: &mut Session<T>, now: Time, (waits, limit): (bool, u32)) -> Result<Vec<Kept>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    // That it is not never says the index, too.
    let sql = format!(
        "SELECT {COLUMNS} FROM subject
            WHERE waits = ?1 AND due_at <= ?2 AND due_at < {never} AND (lease_node IS NULL OR lease_until <= ?2)
            ORDER BY deadline, id LIMIT ?3 FOR UPDATE SKIP LOCKED",
        never = Time::NEVER.unix(),
    );
    let rows = session.query(&sql, vec![waits.into(), now.into(), limit.into()]).await?;
    rows.into_iter().map(|mut row| subjects::read(&mut row)).collect()
}

/// That one if nobody holds it, without its generations.
async fn only<T: Transaction>(session: &mut Session<T>, now: Time, id: SubjectId) -> Result<Vec<Kept>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM subject WHERE id = ?1 AND (lease_node IS NULL OR lease_until <= ?2)
            FOR UPDATE SKIP LOCKED"
    );
    let rows = session.query(&sql, vec![id.into(), now.into()]).await?;
    rows.into_iter().map(|mut row| subjects::read(&mut row)).collect()
}

pub(super) async fn release<T: Transaction>(session: &mut Session<T>, lease: &Lease, wake: Wake) -> Result<()> {
    let (kept, _, at) = lock_leased(session, lease).await?;
    let wake = if kept.touched { wake.by(kept.wake.deadline).at_once(at) } else { wake };
    session
        .execute(
            "UPDATE subject SET lease_node = NULL, due_at = ?2, deadline = ?3, waits = ?4 WHERE id = ?1",
            vec![lease.subject.id.into(), wake.at.into(), wake.deadline.into(), wake.waits_for_authority.into()],
        )
        .await?;
    Ok(())
}
