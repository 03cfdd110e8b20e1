//! What is SQLite's own: files, backups, full disks, dropped futures.

use std::{
    fs,
    future::Future,
    os::unix::fs::PermissionsExt,
    path::Path,
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
};

use sealpost_rollover::{
    Layout, Span,
    port::{Claim, KeyStore},
};
use sealpost_store::{AnyStore, Error, SqlStore, Sqlite, open, seal::Sealer, second_place::SecondPlace};

use crate::{
    filled::{AT, fill, subject, told, verify},
    sealer::{TestPlace, TestSealer},
};

pub(crate) async fn at(path: &Path) -> SqlStore<Sqlite> {
    SqlStore::new(Sqlite::open(path).await.unwrap(), TestSealer::new(&[1])).await.unwrap()
}

#[tokio::test]
async fn only_its_owner_reads_the_file_and_what_belongs_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = at(&folder.path().join("store.db")).await;
    fill(&store, 1).await;
    let mut files = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        files += 1;
    }
    assert!(files >= 2, "the database and its log");
}

#[tokio::test]
async fn a_backup_made_while_others_write_is_a_store_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("store.db"), folder.path().join("backup.db"));
    let store = at(&path).await;
    fill(&store, 5).await;
    let before = told(&store).await;
    fs::write(&backup, "an older backup").unwrap();
    store.database().backup_to(&backup).await.unwrap();
    store.enroll(&subject("later", Layout::Dual), "test").await.unwrap();
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    let restored = at(&backup).await;
    assert_eq!(told(&restored).await, before);
    verify(&restored).await;
    let error = store.database().backup_to(&path).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    let error = store.database().backup_to(folder.path().join("no/where.db")).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    verify(&store).await;
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("partial")), "{names:?}");
}

#[tokio::test]
async fn a_full_disk_is_a_clear_error_and_writes_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = at(&path).await;
    let ids = fill(&store, 3).await;
    store.database().limit_pages(1).await.unwrap();
    let (mut number, mut kept) = (0, told(&store).await);
    let error = loop {
        assert!(number < 5_000, "it never was full");
        match store.enroll(&subject(&format!("more{number}"), Layout::Dual), "test").await {
            Ok(()) => kept = told(&store).await,
            Err(error) => break error,
        }
        number += 1;
    };
    let sealpost_rollover::Error::Store { message, source: Some(source) } = error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(Error::Full { .. })), "{message}");
    assert!(message.contains("no space left"), "{message}");
    assert_eq!(told(&store).await, kept);
    verify(&store).await;
    // Once there is space again it goes on where it was.
    store.database().limit_pages(u32::MAX).await.unwrap();
    store.enroll(&subject(&format!("more{number}"), Layout::Dual), "test").await.unwrap();
    store.private_key(ids[0]).await.unwrap();
    verify(&store).await;
}

#[tokio::test]
async fn a_dropped_future_wrote_nothing_or_all_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = at(&folder.path().join("store.db")).await;
    fill(&store, 2).await;
    let mut finished = 0;
    for polls in 0..60 {
        let name = subject(&format!("dropped{polls}"), Layout::Dual);
        let mut enroll = Box::pin(store.enroll(&name, "test"));
        let mut left = polls;
        let done = std::future::poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(false);
            }
            left -= 1;
            match pin!(&mut enroll).poll(context) {
                Poll::Ready(outcome) => Poll::Ready(outcome.is_ok()),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        drop(enroll);
        finished += u32::from(done);
        let head = verify(&store).await;
        let there = store.load(name.id).await.unwrap().is_some();
        assert!(there || !done);
        let told = store.audit(head.sequence - 1, 1).await.unwrap();
        assert_eq!(told[0].subject == Some(name.id), there, "the subject and its record come together");
    }
    assert!(finished > 0);
}

#[tokio::test]
async fn two_that_open_one_file_never_claim_the_same_subject() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (one, other) = (at(&path).await, at(&path).await);
    fill(&one, 30).await;
    let now = one.now().await.unwrap() + Span::days(1_000);
    let mut claimed = Vec::new();
    for _ in 0..10 {
        let claim = |node| Claim::new(node, Span::hours(1), 2, 2);
        let (claim_one, claim_other) = (claim("one"), claim("other"));
        let (mine, theirs) = tokio::join!(one.claim(now, &claim_one), other.claim(now, &claim_other));
        claimed.extend(mine.unwrap().into_iter().chain(theirs.unwrap()).map(|lease| lease.subject.id));
    }
    assert_eq!(claimed.len(), 30);
    claimed.sort_unstable();
    claimed.dedup();
    assert_eq!(claimed.len(), 30);
}

#[tokio::test]
async fn a_store_is_opened_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("sqlite:{}", folder.path().join("store.db").display());
    let store = open(&name, TestSealer::new(&[1])).await.unwrap();
    fill(&store, 1).await;
    assert_eq!(store.name(), name);
    assert!(matches!(store, AnyStore::Sqlite(_)));
    for (name, shown) in [("mysql://u:secret@host/x", "mysql"), ("sqlite:", "sqlite"), ("store.db", "store.db")] {
        let error = open(name, TestSealer::new(&[1])).await.unwrap_err();
        assert!(matches!(&error, Error::BadName { found } if found == shown), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[tokio::test]
async fn a_key_is_backed_up_only_where_a_second_place_says_so_and_opens_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = at(&folder.path().join("store.db")).await;
    let id = fill(&store, 1).await[0];
    store.back_up(id).await.unwrap_err();
    let store = store.with_second_place(Arc::new(TestPlace(Mutex::default(), true)));
    store.back_up(id).await.unwrap_err();
    let place = Arc::new(TestPlace::default());
    let store = store.with_second_place(Arc::<TestPlace>::clone(&place));
    store.back_up(id).await.unwrap();
    let row = place.rows().unwrap().pop().unwrap();
    let opened = TestSealer::new(&[1]).open(&row, &place.fetch(&row).unwrap().unwrap()).unwrap();
    assert_eq!(opened.expose_pkcs8(), store.private_key(id).await.unwrap().expose_pkcs8());
    store.destroy(id, AT, "test").await.unwrap();
    store.back_up(id).await.unwrap_err();
}
