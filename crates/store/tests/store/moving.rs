//! Stores move between databases, and their keys to other key-encryption keys.

#![cfg(feature = "sqlite")]

use std::{fs, path::Path, sync::Arc};

use sealpost_rollover::{
    GenerationId, Span, Wake,
    port::{Claim, KeyStore},
};
use sealpost_store::{
    Error, SqlStore, Sqlite, copy,
    seal::{Keyring, Sealer, add_version, create},
    second_place::{FolderPlace, SecondPlace},
    sql::Database,
};

use crate::{
    filled::{AT, fill, generation, told, verify},
    refusals::tamper,
    sealer::TestSealer,
    sqlite::at,
};

async fn with(path: &Path, keys: &[u8]) -> Result<SqlStore<Sqlite>, Error> {
    SqlStore::new(Sqlite::open(path).await?, TestSealer::new(keys)).await
}

/// Copies a filled store, and looks whether the copy tells the same.
async fn moves<A: Database, B: Database>(from: &SqlStore<A>, to: &SqlStore<B>) {
    let copied = copy(from, to).await.unwrap();
    assert_eq!(told(to).await, told(from).await);
    assert_eq!(verify(to).await, copied.head);
    assert!(copied.rows.iter().all(|&(_, rows)| rows > 0), "{copied:?}");
    let error = copy(from, to).await.unwrap_err();
    assert!(matches!(error, Error::NotEmpty { .. }), "{error}");
}

#[tokio::test]
async fn a_copy_tells_the_same_and_its_leases_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let from = at(&folder.path().join("from.db")).await;
    fill(&from, 700).await;
    let now = from.now().await.unwrap() + Span::days(1_000);
    let claim = Claim::new("one", Span::hours(1), 10, 10);
    let held = from.claim(now, &claim).await.unwrap();
    let to = at(&folder.path().join("to.db")).await;
    moves(&from, &to).await;
    let claimed = to.claim(now, &claim).await.unwrap();
    assert_eq!(claimed[0].subject, held[0].subject);
    assert_eq!(claimed[0].epoch, held[0].epoch + 1);
}

#[tokio::test]
async fn what_can_not_be_copied_whole_is_not_copied_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let from = at(&folder.path().join("from.db")).await;
    fill(&from, 3).await;
    let other = with(&folder.path().join("other.db"), &[2]).await.unwrap();
    let error = copy(&from, &other).await.unwrap_err();
    assert!(matches!(error, Error::WrongKeyEncryptionKey { .. }), "{error}");
    let to = at(&folder.path().join("to.db")).await;
    tamper(from.database(), "UPDATE audit SET actor = 'nobody' WHERE sequence = 3").await;
    let error = copy(&from, &to).await.unwrap_err();
    assert!(matches!(error, Error::CopyDiffers { table: "audit", .. }), "{error}");
    for empty in [&other, &to] {
        assert!(empty.list(None, 10).await.unwrap().is_empty());
        assert!(empty.audit(0, 10).await.unwrap().is_empty());
    }
    with(&folder.path().join("other.db"), &[2]).await.unwrap();
}

#[tokio::test]
async fn keys_are_wrapped_again_a_few_at_a_time_and_the_old_key_is_needed_until_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = at(&path).await;
    let ids = fill(&store, 6).await;
    let before = told(&store).await;
    drop(store);
    let mut left = u64::try_from(ids.len()).unwrap();
    while left > 0 {
        assert!(matches!(with(&path, &[0, 2]).await, Err(Error::WrongKeyEncryptionKey { .. })));
        // Each step by somebody who starts anew.
        let store = with(&path, &[1, 2]).await.unwrap();
        let step = store.rewrap(3).await.unwrap();
        assert_eq!(step.left + step.done, left);
        left = step.left;
        assert_eq!(told(&store).await, before);
    }
    let store = with(&path, &[0, 2]).await.unwrap();
    assert_eq!(told(&store).await, before);
    assert_eq!(store.rewrap(3).await.unwrap().done, 0);
}

/// With the real sealing and the real second place: what is restored from there opens without the old key.
#[tokio::test]
async fn the_second_place_follows_to_the_new_key_encryption_key() {
    let folder = tempfile::tempdir().unwrap();
    let source = format!("file:{}", folder.path().join("kek").display());
    create(&source).unwrap();
    let open = async || {
        let place = Arc::new(FolderPlace::open(folder.path().join("second")).unwrap());
        let database = Sqlite::open(folder.path().join("store.db")).await.unwrap();
        let store = SqlStore::new(database, Arc::new(Keyring::open(&source).unwrap())).await.unwrap();
        (store.with_second_place(Arc::<FolderPlace>::clone(&place)), place)
    };
    fs::create_dir(folder.path().join("second")).unwrap();
    let (store, _) = open().await;
    let ids = fill(&store, 3).await;
    for &id in &ids[1..] {
        store.back_up(id).await.unwrap();
    }
    drop(store);
    assert_eq!(add_version(&source).unwrap(), 2);
    let (store, place) = open().await;
    while store.rewrap(2).await.unwrap().left > 0 {}
    let rows = place.rows().unwrap();
    assert_eq!(rows.len(), ids.len() - 1, "what was not there is not put there");
    let keyring = Keyring::open(&source).unwrap();
    for row in rows {
        let sealed = place.fetch(&row).unwrap().unwrap();
        assert_eq!(sealed.version, 2);
        Sealer::open(&keyring, &row, &sealed).unwrap();
    }
}

/// The next key of the first subject.
async fn insert_another(store: &SqlStore<Sqlite>) -> sealpost_rollover::Result<()> {
    let id = store.list(None, 1).await?[0].subject.id;
    let claim = Claim::only(id, "another", Span::hours(1));
    let lease = store.claim(store.now().await?, &claim).await?.pop().unwrap();
    let slot = lease.subject.layout.slots()[0];
    let new = generation(GenerationId::new(id, slot, lease.state.highest(slot) + 1));
    let inserted = store.insert_generation(&lease, &new).await;
    store.release(&lease, Wake::new(AT, AT, false)).await?;
    inserted.map(drop)
}

/// A node that was not told would seal under a key that is thrown away next.
#[tokio::test]
async fn nobody_seals_under_a_retired_key_encryption_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let old = with(&path, &[1]).await.unwrap();
    fill(&old, 2).await;
    let new = with(&path, &[1, 2]).await.unwrap();
    assert!(new.rewrap(1).await.unwrap().left > 0);
    insert_another(&old).await.unwrap();
    while new.rewrap(9).await.unwrap().left > 0 {}
    let error = insert_another(&old).await.unwrap_err();
    assert!(error.to_string().contains("key-encryption key 0 is retired"), "{error}");
    insert_another(&new).await.unwrap();
    told(&with(&path, &[0, 2]).await.unwrap()).await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn a_store_moves_to_postgresql_and_back() {
    let Some(server) = sealpost_testkit::postgres::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let from = at(&folder.path().join("from.db")).await;
    fill(&from, 60).await;
    let address = server.database();
    let there = crate::postgres::at(&address).await;
    moves(&from, &there).await;
    moves(&there, &at(&folder.path().join("back.db")).await).await;
}
