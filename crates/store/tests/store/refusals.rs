//! A store that is not as it must be is refused with a clear error, and left as it is.

#![cfg(feature = "sqlite")]

use std::{fs, path::Path};

use sealpost_rollover::{GenerationId, Layout, port::KeyStore};
use sealpost_store::{
    Error, Result, SqlStore, Sqlite,
    sql::{Access, Database, Transaction},
};

use crate::{
    filled::{DUAL, fill, subject},
    sealer::TestSealer,
    sqlite::at,
};

async fn reopen(path: &Path, keys: &[u8]) -> Result<SqlStore<Sqlite>> {
    SqlStore::new(Sqlite::open(path).await?, TestSealer::new(keys)).await
}

/// Executes `sql` behind the store's back.
pub(crate) async fn tamper<D: Database>(database: &D, sql: &str) {
    let mut tx = database.begin(Access::Write).await.unwrap();
    assert!(tx.execute(sql, Vec::new()).await.unwrap() > 0, "{sql} changed nothing");
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_store_of_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    tamper(at(&path).await.database(), "UPDATE store SET version = 7").await;
    let error = reopen(&path, &[1]).await.unwrap_err();
    assert!(matches!(error, Error::OtherVersion { found: 7, needed: 1, .. }), "{error}");
    assert!(error.to_string().contains("store.db"), "{error}");
}

#[tokio::test]
async fn a_wrong_key_encryption_key_is_found_when_the_store_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(at(&path).await);
    for keys in [&[2][..], &[0, 2], &[2, 1]] {
        let error = reopen(&path, keys).await.unwrap_err();
        assert!(matches!(error, Error::WrongKeyEncryptionKey { .. }), "{error}");
    }
    reopen(&path, &[1]).await.unwrap();
    reopen(&path, &[1, 2]).await.unwrap();
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    let error = reopen(&path, &[1]).await.unwrap_err();
    assert!(matches!(&error, Error::NotAStore { problem, .. } if problem.contains("songs")), "{error}");
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn a_damaged_file_is_found_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = at(&path).await;
    fill(&store, 40).await;
    let copy = folder.path().join("copy.db");
    store.database().backup_to(&copy).await.unwrap();
    let whole = fs::read(&copy).unwrap();
    let mut found = 0;
    for page in 1..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..page * 4096 + 200].fill(0xa5);
        fs::write(&copy, damaged).unwrap();
        match Sqlite::open(&copy).await {
            Err(error) => {
                assert!(matches!(error, Error::DamagedDatabase { .. }), "{error}");
                found += 1;
            }
            Ok(database) => drop(database),
        }
        for log in ["copy.db-wal", "copy.db-shm"] {
            drop(fs::remove_file(folder.path().join(log)));
        }
    }
    assert!(found > 10, "{found} pages");
    fs::write(&copy, "no database at all, but long enough to be read as one").unwrap();
    let error = Sqlite::open(&copy).await.unwrap_err();
    assert!(matches!(error, Error::DamagedDatabase { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_row_is_named_and_the_others_are_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = at(&folder.path().join("store.db")).await;
    fill(&store, 3).await;
    let (damaged, whole) = (subject("user1", Layout::Dual).id, subject("user2", Layout::Dual).id);
    let key = GenerationId::new(damaged, DUAL, 1);
    let x = format!("x'{damaged}'");
    for (sql, column) in [
        (format!("UPDATE certificate SET chain = x'00' WHERE subject = {x}"), "chain"),
        (format!("UPDATE generation SET state = '{{' WHERE subject = {x}"), "state"),
        (format!("UPDATE subject SET kind = 'robot' WHERE id = {x}"), "kind"),
    ] {
        tamper(store.database(), &sql).await;
        let error = match store.load(damaged).await {
            Err(error) => error,
            Ok(_) => store.generation(key).await.unwrap_err(),
        };
        let text = error.to_string();
        assert!(text.contains(&damaged.to_string()) && text.contains(column), "{text}");
        assert!(store.load(whole).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn an_exchanged_key_does_not_open_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = at(&folder.path().join("store.db")).await;
    fill(&store, 3).await;
    let (one, other) = (subject("user1", Layout::Dual).id, subject("user2", Layout::Dual).id);
    let sql = format!(
        "UPDATE generation SET sealed = (SELECT sealed FROM generation WHERE subject = x'{other}')
            WHERE subject = x'{one}'"
    );
    tamper(store.database(), &sql).await;
    let error = store.private_key(GenerationId::new(one, DUAL, 1)).await.unwrap_err();
    assert!(error.to_string().contains(&format!("key 1 of slot dual of subject {one}")), "{error}");
    store.private_key(GenerationId::new(other, DUAL, 1)).await.unwrap();
}
