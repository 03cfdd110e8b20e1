//! A store and an authority, and all that can be known of them.

use std::{
    collections::BTreeSet,
    fs,
    future::Future,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use sealpost_ca::MailWorkshop;
use sealpost_interop_rollover::{AUTHORITY, authority, found, policy, workshop};
use sealpost_rollover::{
    GenerationId, Stage, Time, audit,
    authority::Issued,
    driver::Driver,
    port::{KeyName, KeyStore, Listed},
    workshop::Workshop,
};
use sealpost_smime::{Certificate, Limits, key::SoftwareKey};
use sealpost_store::AnyStore;
use sealpost_testkit::{postgres::Server, unhex};
use tempfile::TempDir;

use crate::lost::Lost;

/// Runs what waits for a database.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) struct Site {
    folder: Arc<TempDir>,
    store: String,
}

impl Site {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("store.db").display());
        Self::new(folder, store)
    }

    pub(crate) fn postgres(server: &Server) -> Self {
        Self::new(tempfile::tempdir().unwrap(), server.database())
    }

    pub(crate) fn new(folder: TempDir, store: String) -> Self {
        found(folder.path()).unwrap();
        Self { folder: Arc::new(folder), store }
    }

    /// The same authority with another store.
    pub(crate) fn beside(&self, store: &str) -> Self {
        Self { folder: Arc::clone(&self.folder), store: store.to_owned() }
    }

    /// What SQLite finds when it looks at all of the database.
    pub(crate) fn integrity(&self) -> String {
        let connection = rusqlite::Connection::open(self.store.strip_prefix("sqlite:").unwrap()).unwrap();
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn store(&self) -> &str {
        &self.store
    }

    pub(crate) async fn open(&self) -> AnyStore {
        sealpost_interop_rollover::store(&self.store, self.folder()).await.unwrap()
    }

    /// Lets a node that nobody kills do all that is left: each subject comes to rest with a certificate.
    pub(crate) fn settle(&self) {
        wait(async {
            // The leases of those that were killed have ended, and whatever waits to be asked again gets its turn.
            let clock = Arc::new(AtomicI64::new(self.open().await.now().await.unwrap().unix()));
            let hand = Arc::clone(&clock);
            let store = self.open().await.with_clock(move || Time::from_unix(hand.load(Ordering::SeqCst)));
            let store = Arc::new(store);
            let authority = Arc::new(authority(self.folder()).unwrap());
            let workshop = Arc::new(workshop(&authority));
            let driver = Driver::new(Arc::clone(&store), authority, workshop, policy(), "settle");
            for _ in 0..50 {
                clock.fetch_add(60, Ordering::SeqCst);
                let report = driver.tick().await.unwrap();
                assert!(report.failures.is_empty(), "{report:?}");
                if report.claimed == 0 && rests(&store).await {
                    return;
                }
            }
            panic!("it does not come to rest");
        });
    }

    /// The octets of the field `field` in each record of that kind in the authority's folder.
    fn records(&self, kind: &str, field: &str) -> Vec<Vec<u8>> {
        let Ok(files) = fs::read_dir(self.folder().join(AUTHORITY).join(kind)) else { return Vec::new() };
        let files = files.map(|file| file.unwrap().path());
        // What stands beside its place was not finished.
        let records = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let octets = |path| {
            let json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap())
                .unwrap_or_else(|problem| panic!("{path:?} is half written: {problem}"));
            unhex(json[field].as_str().unwrap_or_default())
        };
        records.map(octets).collect()
    }

    /// The certificates that the authority issued, whether it told anybody or not.
    pub(crate) fn issued(&self) -> Vec<Vec<u8>> {
        self.records("issued", "certificate")
    }

    /// The keys that it was asked to certify, once for each order.
    fn ordered(&self) -> Vec<Vec<u8>> {
        self.records("orders", "spki_sha256")
    }

    /// Compares what the authority has with what the store has.
    pub(crate) fn look(&self) -> Lost {
        wait(async {
            let store = self.open().await;
            let workshop = workshop(&authority(self.folder()).unwrap());
            let mut lost = Lost::default();
            for der in self.issued() {
                certificate(&store, &workshop, &der, &mut lost).await;
            }
            let ordered = self.ordered();
            let keys: BTreeSet<&Vec<u8>> = ordered.iter().collect();
            for key in &keys {
                let found = store.find(&KeyName::Spki((*key).clone())).await.unwrap();
                lost.orders_without_key += usize::from(found.is_empty());
            }
            lost.orders = ordered.len();
            lost.keys_ordered = keys.len();
            for listed in store.list(None, u32::MAX).await.unwrap() {
                generations(&store, &listed, &mut lost).await;
            }
            lost.audited = verify(&store).await;
            lost
        })
    }
}

/// Whether the key of a certificate is in the store, and the right one.
async fn certificate(store: &AnyStore, workshop: &MailWorkshop, der: &[u8], lost: &mut Lost) {
    lost.certificates += 1;
    let certificate = Certificate::from_der(der).unwrap();
    let read = workshop.read(&Issued::new(der.to_vec(), Vec::new())).unwrap();
    let found = store.find(&KeyName::Spki(read.public.spki_sha256)).await.unwrap();
    let [id] = found.as_slice() else {
        lost.certificates_without_key += 1;
        return;
    };
    let key = store.private_key(*id).await.unwrap();
    let key = SoftwareKey::from_der(key.expose_pkcs8(), None, &Limits::default()).unwrap();
    assert_eq!(key.public_key(), certificate.public_key(), "{id:?} has another key");
    let record = store.generation(*id).await.unwrap().unwrap();
    lost.spare += usize::from(record.certificates.iter().all(|adopted| adopted.der != der));
}

async fn rests(store: &AnyStore) -> bool {
    let listed = store.list(None, u32::MAX).await.unwrap();
    let last = |listed: &Listed| listed.state.generations().last().cloned();
    listed.iter().all(|listed| last(listed).is_none_or(|last| last.stage() == Stage::Ready && last.published.is_some()))
}

/// Whether each generation is whole.
async fn generations(store: &AnyStore, listed: &Listed, lost: &mut Lost) {
    for (generation, number) in listed.state.generations().iter().zip(1..) {
        let id = GenerationId::new(listed.subject.id, generation.slot, generation.number);
        assert_eq!(generation.number, number, "{}: one is missing", listed.subject.address);
        lost.generations += 1;
        let record = store.generation(id).await.unwrap().unwrap();
        let adopted = record.certificates.first();
        let fits = adopted.is_some_and(|adopted| adopted.public == record.public);
        lost.half_written += usize::from(generation.stage() != Stage::Ready || !fits);
    }
}

/// Follows the audit chain from its start to its end; how many records it has.
pub(crate) async fn verify(store: &AnyStore) -> u64 {
    let mut head = audit::Head::START;
    loop {
        let records = store.audit(head.sequence, 1000).await.unwrap();
        if records.is_empty() {
            return head.sequence;
        }
        records.iter().for_each(|record| head.verify(record).unwrap());
    }
}

/// The audit records, one line each: its actor first.
pub(crate) async fn audited(store: &AnyStore) -> Vec<(String, String)> {
    let records = store.audit(0, u32::MAX).await.unwrap();
    records.into_iter().map(|record| (record.actor, record.text)).collect()
}
