//! The tables, and what is looked at before a store is used.

use sealpost_rollover::{Time, audit::Head, port::PrivateKey};
use zeroize::Zeroizing;

use crate::{
    Error, Result,
    seal::{Sealed, Sealer},
    sql::{Dialect, Transaction, query_one},
};

/// The version of the tables. A store of another one is refused.
pub(crate) const VERSION: i64 = 1;

/// Never is the latest time there is: [`Time::NEVER`].
const NEVER: i64 = Time::NEVER.unix();

/// The columns of a table, by which whole rows are copied.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Those that name a row come first.
    pub(crate) columns: &'static [&'static str],
    /// How many columns name a row.
    pub(crate) key: usize,
    definition: &'static str,
}

/// All tables, each after those that it refers to.
pub(crate) const TABLES: [Table; 9] = [
    Table {
        name: "store",
        key: 1,
        columns: &["only_row", "version", "latest_look", "replacements", "kek", "wrapped", "sealed"],
        // One row. What is sealed in it tells whether the key-encryption key is the right one.
        definition: "only_row INTEGER PRIMARY KEY CHECK (only_row = 1), version INTEGER NOT NULL,
            latest_look INTEGER, replacements INTEGER NOT NULL,
            kek INTEGER NOT NULL, wrapped BLOB NOT NULL, sealed BLOB NOT NULL",
    },
    Table {
        name: "subject",
        key: 1,
        columns: &[
            "id",
            "kind",
            "address",
            "layout",
            "enrolled",
            "state",
            "gone",
            "due_at",
            "deadline",
            "waits",
            "lease_node",
            "lease_until",
            "lease_epoch",
            "touched",
        ],
        // The state is JSON, without the generations. While somebody holds the lease, touched tells that the
        // subject is due at once when it is given back.
        definition: "id BLOB PRIMARY KEY, kind TEXT NOT NULL, address TEXT NOT NULL, layout TEXT NOT NULL,
            enrolled INTEGER NOT NULL, state TEXT NOT NULL, gone INTEGER NOT NULL,
            due_at INTEGER NOT NULL, deadline INTEGER NOT NULL, waits INTEGER NOT NULL,
            lease_node TEXT, lease_until INTEGER NOT NULL, lease_epoch INTEGER NOT NULL, touched INTEGER NOT NULL",
    },
    Table {
        name: "generation",
        key: 3,
        columns: &[
            "subject",
            "slot",
            "number",
            "state",
            "fit",
            "spki",
            "key_id",
            "request",
            "order_name",
            "kek",
            "wrapped",
            "sealed",
        ],
        // The state is JSON. A key that was destroyed leaves its row without what was sealed.
        definition: "subject BLOB NOT NULL REFERENCES subject (id), slot TEXT NOT NULL, number INTEGER NOT NULL,
            state TEXT NOT NULL, fit INTEGER NOT NULL, spki BLOB, key_id BLOB, request BLOB, order_name TEXT,
            kek INTEGER, wrapped BLOB, sealed BLOB, PRIMARY KEY (subject, slot, number)",
    },
    Table {
        name: "certificate",
        key: 4,
        columns: &[
            "subject",
            "slot",
            "number",
            "position",
            "issuer",
            "serial",
            "spki",
            "key_id",
            "product",
            "not_before",
            "not_after",
            "der",
            "chain",
        ],
        // The adopted one has position 0.
        definition: "subject BLOB NOT NULL, slot TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
            issuer BLOB NOT NULL, serial BLOB NOT NULL, spki BLOB NOT NULL, key_id BLOB NOT NULL,
            product TEXT NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
            der BLOB NOT NULL, chain BLOB NOT NULL, PRIMARY KEY (subject, slot, number, position),
            FOREIGN KEY (subject, slot, number) REFERENCES generation (subject, slot, number)",
    },
    Table {
        name: "replacement",
        key: 1,
        columns: &["id", "selection", "before_at", "reason", "paused", "selected", "started"],
        definition: "id INTEGER PRIMARY KEY, selection TEXT NOT NULL, before_at INTEGER NOT NULL,
            reason TEXT NOT NULL, paused INTEGER NOT NULL, selected INTEGER NOT NULL, started INTEGER NOT NULL",
    },
    Table {
        name: "replacement_item",
        key: 4,
        columns: &["replacement", "subject", "slot", "number", "started"],
        definition: "replacement INTEGER NOT NULL REFERENCES replacement (id), subject BLOB NOT NULL,
            slot TEXT NOT NULL, number INTEGER NOT NULL, started INTEGER NOT NULL,
            PRIMARY KEY (replacement, subject, slot, number)",
    },
    Table {
        name: "authority",
        key: 1,
        columns: &["name", "permits", "filled_at", "failures", "ask_from"],
        definition: "name TEXT PRIMARY KEY, permits INTEGER NOT NULL, filled_at INTEGER NOT NULL,
            failures INTEGER NOT NULL, ask_from INTEGER NOT NULL",
    },
    Table {
        name: "setting",
        key: 1,
        columns: &["name", "value"],
        definition: "name TEXT PRIMARY KEY, value TEXT NOT NULL",
    },
    Table {
        name: "audit",
        key: 1,
        columns: &["sequence", "at", "actor", "subject", "text", "previous", "hash"],
        definition: "sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, subject BLOB,
            text TEXT NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL",
    },
];

impl Table {
    /// The columns that name a row.
    pub(crate) fn key_columns(&self) -> String {
        self.columns.get(..self.key).unwrap_or_default().join(", ")
    }
}

/// The end of the audit chain: one row, whose lock orders those who append.
const HEAD: &str = "CREATE TABLE audit_head (only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    sequence INTEGER NOT NULL, hash BLOB NOT NULL) STRICT";

const INDICES: [&str; 7] = [
    "CREATE INDEX generation_spki ON generation (spki)",
    "CREATE INDEX generation_key_id ON generation (key_id)",
    "CREATE INDEX generation_kek ON generation (kek) WHERE sealed IS NOT NULL",
    // By the serial number first: a list of them may be all that is known.
    "CREATE INDEX certificate_serial ON certificate (serial, issuer)",
    "CREATE INDEX certificate_spki ON certificate (spki)",
    "CREATE INDEX certificate_key_id ON certificate (key_id)",
    "CREATE INDEX replacement_waiting ON replacement_item (replacement, subject, slot DESC, number) WHERE started = 0",
];

/// Subjects that are due, without those that never are again.
fn due_index() -> String {
    format!("CREATE INDEX subject_due ON subject (waits, due_at) WHERE due_at < {NEVER}")
}

/// Makes the tables if there are none; refuses those of another version, and another key-encryption key.
pub(crate) async fn prepare<T: Transaction>(
    tx: &mut T,
    dialect: Dialect,
    sealer: &dyn Sealer,
    store: &str,
) -> Result<()> {
    if let Some(lock) = dialect.schema_lock() {
        tx.query(lock, Vec::new()).await?;
    }
    if !exists(tx, dialect).await? {
        return make(tx, dialect, sealer).await;
    }
    // The only column that every version has.
    let version = query_one(tx, "SELECT version FROM store", Vec::new()).await?;
    let found = version.map_or(Ok(0), |mut row| row.next("version"))?;
    if found != VERSION {
        return Err(Error::OtherVersion { store: store.to_owned(), found, needed: VERSION });
    }
    check(tx, sealer, store).await
}

async fn exists<T: Transaction>(tx: &mut T, dialect: Dialect) -> Result<bool> {
    let sql = match dialect {
        Dialect::Sqlite => "SELECT 1 FROM sqlite_schema WHERE name = 'store'",
        Dialect::Postgres => "SELECT oid::bigint FROM pg_class WHERE oid = to_regclass('store')",
    };
    Ok(!tx.query(sql, Vec::new()).await?.is_empty())
}

async fn make<T: Transaction>(tx: &mut T, dialect: Dialect, sealer: &dyn Sealer) -> Result<()> {
    for table in &TABLES {
        let sql = format!("CREATE TABLE {} ({}) STRICT", table.name, table.definition);
        tx.execute(&dialect.translate_schema(&sql), Vec::new()).await?;
    }
    tx.execute(&dialect.translate_schema(HEAD), Vec::new()).await?;
    for sql in INDICES {
        tx.execute(sql, Vec::new()).await?;
    }
    tx.execute(&due_index(), Vec::new()).await?;
    let head = Head::START;
    tx.execute(
        "INSERT INTO audit_head (only_row, sequence, hash) VALUES (1, ?1, ?2)",
        vec![head.sequence.into(), head.hash.octets().as_slice().into()],
    )
    .await?;
    let sealed = seal_check(sealer)?;
    tx.execute(
        "INSERT INTO store (only_row, version, latest_look, replacements, kek, wrapped, sealed)
            VALUES (1, ?1, NULL, 0, ?2, ?3, ?4)",
        vec![VERSION.into(), sealed.version.into(), sealed.wrapped.into(), sealed.ciphertext.into()],
    )
    .await?;
    Ok(())
}

/// What is sealed to tell whether the key-encryption key is the right one, and as whose row.
pub(crate) const CHECK: &[u8] = b"sealpost: the key-encryption key is the right one";

fn seal_check(sealer: &dyn Sealer) -> Result<Sealed> {
    sealer.seal(CHECK, &PrivateKey::from_pkcs8(Zeroizing::new(CHECK.to_vec())))
}

/// Refuses another key-encryption key than the one that the store's keys are sealed under.
pub(crate) async fn check<T: Transaction>(tx: &mut T, sealer: &dyn Sealer, store: &str) -> Result<()> {
    let Some(mut row) = query_one(tx, "SELECT kek, wrapped, sealed FROM store", Vec::new()).await? else {
        return Err(Error::NotAStore {
            store: store.to_owned(),
            problem: "its table of that name is empty".to_owned(),
        });
    };
    let sealed = Sealed::new(row.next("kek")?, row.next("wrapped")?, row.next("sealed")?);
    match sealer.open(CHECK, &sealed) {
        Ok(_) => Ok(()),
        Err(source @ (Error::NotOpened { .. } | Error::NoKeyEncryptionKey { .. })) => {
            Err(Error::WrongKeyEncryptionKey { store: store.to_owned(), source: Box::new(source) })
        }
        // What keeps it can't be asked now.
        Err(error) => Err(error),
    }
}
