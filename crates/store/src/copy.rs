//! Moving: everything from one store to another, whatever their databases.

use sealpost_rollover::audit::{Hash, Head};

use crate::{
    Error, Result, SqlStore,
    schema::{TABLES, Table},
    sql::{Database, Row, Transaction, Value, places},
    store::{record, session::Session},
};

/// How many values one statement inserts at most.
const VALUES: usize = 500;

/// How many rows are read at a time.
const PAGE: u32 = 500;

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// How many rows of each table.
    pub rows: Vec<(&'static str, u64)>,
    /// The end of the audit chain, which is the same in both.
    pub head: Head,
}

/// Copies everything from one store to an empty one: keys as they are sealed, so both have the same key-encryption
/// key; the audit chain; replacements. Leases end. It is one transaction on either side: all arrives, or nothing.
///
/// Nobody should use `from` any more: what is written to it later is not copied.
///
/// # Errors
///
/// [`Error::NotEmpty`], [`Error::CopyDiffers`], or what a database says. Then nothing was written.
pub async fn copy<A: Database, B: Database>(from: &SqlStore<A>, to: &SqlStore<B>) -> Result<Copied> {
    let mut source = from.read().await?;
    let mut target = to.write().await?;
    let copied = copy_all(&mut source, &mut target, to).await;
    let copied = target.end(copied).await;
    source.end(copied).await
}

async fn copy_all<A: Transaction, B: Database>(
    source: &mut Session<A>,
    target: &mut Session<B::Transaction>,
    to: &SqlStore<B>,
) -> Result<Copied> {
    // The row that every store has is replaced; no other table has rows.
    for table in TABLES.iter().filter(|table| table.name != "store") {
        if count(target, table).await? > 0 {
            return Err(Error::NotEmpty { store: to.database().name(), table: table.name });
        }
    }
    target.execute("DELETE FROM store", Vec::new()).await?;
    let mut rows = Vec::with_capacity(TABLES.len());
    for table in &TABLES {
        rows.push((table.name, copy_table(source, target, table).await?));
    }
    target.execute("UPDATE subject SET lease_node = NULL, lease_until = 0", Vec::new()).await?;
    let head = copy_chain(source, target).await?;
    to.check(target).await?;
    Ok(Copied { rows, head })
}

async fn count<T: Transaction>(session: &mut Session<T>, table: &Table) -> Result<u64> {
    match session.query_one(&format!("SELECT count(*) FROM {}", table.name), Vec::new()).await? {
        Some(mut row) => row.next("count"),
        None => Ok(0),
    }
}

/// Copies the rows of a table, and counts them on either side.
async fn copy_table<A: Transaction, B: Transaction>(
    source: &mut Session<A>,
    target: &mut Session<B>,
    table: &Table,
) -> Result<u64> {
    let mut copied = 0;
    let mut last: Option<Vec<Value>> = None;
    loop {
        let rows = page(source, table, last.as_deref()).await?;
        let Some(end) = rows.last() else { break };
        last = Some(end.iter().take(table.key).cloned().collect());
        for rows in rows.chunks(VALUES / table.columns.len()) {
            copied += insert(target, table, rows).await?;
        }
    }
    for (side, there) in [("were read", count(source, table).await?), ("arrived", count(target, table).await?)] {
        if there != copied {
            let problem = format!("{copied} rows were copied, {there} {side}");
            return Err(Error::CopyDiffers { table: table.name, problem });
        }
    }
    Ok(copied)
}

/// The rows after the one with the key `last`, in the order of their keys.
async fn page<T: Transaction>(
    session: &mut Session<T>,
    table: &Table,
    last: Option<&[Value]>,
) -> Result<Vec<Vec<Value>>> {
    let (columns, key) = (table.columns.join(", "), table.key_columns());
    let after = last.map_or_else(String::new, |last| format!("WHERE ({key}) > ({})", places(1, last.len())));
    let sql = format!("SELECT {columns} FROM {} {after} ORDER BY {key} LIMIT {PAGE}", table.name);
    let rows = session.query(&sql, last.map(<[Value]>::to_vec).unwrap_or_default()).await?;
    Ok(rows.into_iter().map(Row::rest).collect())
}

async fn insert<T: Transaction>(session: &mut Session<T>, table: &Table, rows: &[Vec<Value>]) -> Result<u64> {
    let width = table.columns.len();
    let tuples: Vec<String> = (0..rows.len()).map(|row| format!("({})", places(row * width + 1, width))).collect();
    let sql = format!("INSERT INTO {} ({}) VALUES {}", table.name, table.columns.join(", "), tuples.join(", "));
    session.execute(&sql, rows.iter().flatten().cloned().collect()).await
}

/// Follows the chain that arrived from its start to its end, which must be the one that was left.
async fn copy_chain<A: Transaction, B: Transaction>(source: &mut Session<A>, target: &mut Session<B>) -> Result<Head> {
    let differs = |problem: String| Error::CopyDiffers { table: "audit", problem };
    let row = source.query_one("SELECT sequence, hash FROM audit_head", Vec::new()).await?;
    let mut row = row.ok_or_else(|| differs("its end is missing".to_owned()))?;
    let (sequence, hash): (u64, [u8; 32]) = (row.next("sequence")?, row.next("hash")?);
    let end = Head::new(sequence, Hash::from_octets(hash));
    let mut head = Head::START;
    while head.sequence < end.sequence {
        let records = record::list(target, head.sequence, PAGE).await?;
        if records.is_empty() {
            break;
        }
        records.iter().try_for_each(|record| head.verify(record)).map_err(|error| differs(error.to_string()))?;
    }
    if head != end {
        return Err(differs(format!("it ends at record {}, not at {}", head.sequence, end.sequence)));
    }
    let values = vec![sequence.into(), hash.as_slice().into()];
    target.execute("UPDATE audit_head SET sequence = ?1, hash = ?2", values).await?;
    Ok(head)
}
