//! What is PostgreSQL's own: a server that goes away, and many nodes at once.

use std::sync::Arc;

use sealpost_rollover::{
    Cause, Happened, Layout, RevocationReason, Selection, Span, Wake,
    port::{Claim, KeyStore},
};
use sealpost_store::{AnyStore, Error, Postgres, SqlStore, open};
use sealpost_testkit::postgres::{Server, shared};

use crate::{
    filled::{AT, event, fill, subject, told, verify},
    refusals::tamper,
    sealer::TestSealer,
};

pub(crate) async fn at(address: &str) -> SqlStore<Postgres> {
    SqlStore::new(Postgres::open(address).await.unwrap(), TestSealer::new(&[1])).await.unwrap()
}

fn source(error: &sealpost_rollover::Error) -> Option<&Error> {
    match error {
        sealpost_rollover::Error::Store { source, .. } => source.as_ref()?.downcast_ref(),
        _ => None,
    }
}

#[tokio::test]
async fn a_server_that_went_away_is_a_clear_error_and_then_it_goes_on_where_it_was() {
    let Some(server) = Server::start() else { return };
    let store = at(&server.database()).await;
    fill(&store, 4).await;
    let before = told(&store).await;
    server.crash();
    let error = store.enroll(&subject("lost", Layout::Dual), "test").await.unwrap_err();
    assert!(matches!(source(&error), Some(Error::Gone { .. })), "{error}");
    server.go_on();
    assert_eq!(told(&store).await, before);
    verify(&store).await;
    store.enroll(&subject("kept", Layout::Dual), "test").await.unwrap();
}

#[tokio::test]
async fn nodes_at_once_share_the_work_wait_for_nobody_in_a_circle_and_write_one_chain() {
    let Some(server) = shared() else { return };
    let address = server.database();
    let first = at(&address).await;
    fill(&first, 24).await;
    first.replace(&Selection::default(), AT + Span::days(5), "again", "test").await.unwrap();
    let now = first.now().await.unwrap() + Span::days(1_000);
    let mut nodes = Vec::new();
    for number in 0..4 {
        let store = Arc::new(at(&address).await);
        nodes.push(tokio::spawn(async move {
            let mut claimed = Vec::new();
            for round in 0..6 {
                let claim = Claim::new(format!("node{number}"), Span::hours(1), 2, 2);
                let leases = store.claim(now, &claim).await.unwrap();
                for lease in &leases {
                    claimed.push((lease.subject.id, lease.epoch));
                    let noted = Happened::Wanted { cause: Cause::Click };
                    let event = sealpost_rollover::Event::new(lease.subject.layout.slots()[0], 2, AT, noted);
                    store.advance(lease, &event, &sealpost_rollover::port::Attachment::None).await.unwrap();
                    store.release(lease, Wake::new(AT, AT, false)).await.unwrap();
                }
                store.start_replacing(now, 3).await.unwrap();
                let id = subject(&format!("user{}", round * 3 + 1), Layout::Dual).id;
                let generation = sealpost_rollover::GenerationId::new(id, crate::filled::DUAL, 1);
                let revoked = Happened::Revoked { reason: RevocationReason::Superseded };
                store.record(id, &event(generation, revoked), "test").await.unwrap();
                store.set("round", &round.to_string(), "test").await.unwrap();
            }
            claimed
        }));
    }
    let mut claimed = Vec::new();
    for node in nodes {
        claimed.extend(node.await.unwrap());
    }
    let count = claimed.len();
    claimed.sort_unstable();
    claimed.dedup();
    assert_eq!(claimed.len(), count, "no lease is given twice");
    assert!(count >= 24);
    verify(&first).await;
    let replacements = first.replacements().await.unwrap();
    assert!(replacements.iter().all(|one| one.started == one.selected), "{replacements:?}");
}

#[tokio::test]
async fn a_dropped_future_leaves_no_lock_behind() {
    let Some(server) = shared() else { return };
    let store = at(&server.database()).await;
    fill(&store, 3).await;
    let id = subject("user1", Layout::Dual).id;
    let generation = sealpost_rollover::GenerationId::new(id, crate::filled::DUAL, 1);
    for micros in (0..4_000).step_by(100) {
        let revoked = event(generation, Happened::Revoked { reason: RevocationReason::Superseded });
        let record = store.record(id, &revoked, "test");
        let wait = std::time::Duration::from_micros(micros);
        drop(tokio::time::timeout(wait, record).await);
        store.enroll(&subject(&format!("next{micros}"), Layout::Dual), "test").await.unwrap();
    }
    verify(&store).await;
}

#[tokio::test]
async fn errors_name_the_host_and_never_the_password() {
    let Some(server) = shared() else { return };
    let address = server.database().replace("sealpost@", "nobody:hunter2@");
    let nowhere = "postgres://nobody:hunter2@%2Fnowhere/db".to_owned();
    for (address, host) in [(nowhere, "/nowhere"), (address, "/sealpost-pg")] {
        let mut error: &dyn std::error::Error = &open(&address, TestSealer::new(&[1])).await.unwrap_err();
        assert!(error.to_string().contains(host), "{error}");
        loop {
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
            let Some(source) = error.source() else { break };
            error = source;
        }
    }
    let error = open("postgres://nobody:hunter2@host/db?hunter2=1", TestSealer::new(&[1])).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn another_version_and_a_wrong_key_encryption_key_are_refused() {
    let Some(server) = shared() else { return };
    let address = server.database();
    let store = at(&address).await;
    let error = open(&address, TestSealer::new(&[2])).await.unwrap_err();
    assert!(matches!(error, Error::WrongKeyEncryptionKey { .. }), "{error}");
    tamper(store.database(), "UPDATE store SET version = 7").await;
    let error = open(&address, TestSealer::new(&[1])).await.unwrap_err();
    assert!(matches!(error, Error::OtherVersion { found: 7, .. }), "{error}");
    tamper(store.database(), "UPDATE store SET version = 1").await;
    assert!(matches!(open(&address, TestSealer::new(&[1])).await.unwrap(), AnyStore::Postgres(_)));
}

#[tokio::test]
async fn stores_that_are_made_at_the_same_moment_are_one_store() {
    let Some(server) = shared() else { return };
    let address = server.database();
    let (one, other) = tokio::join!(at(&address), at(&address));
    fill(&one, 1).await;
    assert_eq!(told(&one).await, told(&other).await);
}
