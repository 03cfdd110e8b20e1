//! Every store passes the suite of the port, and answers random verbs as the reference model does.

use sealpost_rollover::{
    Result,
    conformance::{CASES, Harness, random, run},
};
use sealpost_store::{SqlStore, sql::Database};

use crate::sealer::TestSealer;

async fn store<D: Database>(database: D) -> Result<SqlStore<D>> {
    Ok(SqlStore::new(database, TestSealer::new(&[1])).await?)
}

async fn passes<H: Harness>(harness: &H) {
    let report = run(harness).await;
    assert!(report.is_passed(), "{report}");
    assert_eq!(report.passed, CASES.len());
}

async fn answers_as_the_model_does<H: Harness>(harness: &H, seeds: u64, steps: u32) {
    for seed in 0..seeds {
        let store = harness.fresh().await.unwrap();
        random(seed, steps, &store).await.unwrap();
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::{
        path::Path,
        sync::atomic::{AtomicU32, Ordering},
    };

    use sealpost_rollover::{Error, Result, conformance::Harness};
    use sealpost_store::{SqlStore, Sqlite};
    use tempfile::TempDir;

    use super::{answers_as_the_model_does, passes, store};

    struct InAFolder {
        folder: TempDir,
        made: AtomicU32,
    }

    impl InAFolder {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), made: AtomicU32::new(0) }
        }
    }

    async fn open(path: &Path) -> Result<SqlStore<Sqlite>> {
        store(Sqlite::open(path).await.map_err(Error::from)?).await
    }

    impl Harness for InAFolder {
        type Store = SqlStore<Sqlite>;

        async fn fresh(&self) -> Result<Self::Store> {
            open(&self.folder.path().join(self.made.fetch_add(1, Ordering::Relaxed).to_string())).await
        }

        async fn another(&self, store: &Self::Store) -> Result<Self::Store> {
            open(store.database().path()).await
        }

        async fn reopen(&self, store: Self::Store) -> Result<Self::Store> {
            let path = store.database().path().to_owned();
            drop(store);
            open(&path).await
        }
    }

    #[tokio::test]
    async fn sqlite_passes_the_suite() {
        passes(&InAFolder::new()).await;
    }

    #[tokio::test]
    async fn sqlite_answers_random_verbs_as_the_model_does() {
        answers_as_the_model_does(&InAFolder::new(), 6, 400).await;
    }
}

#[cfg(all(unix, feature = "postgres"))]
mod postgres {
    use sealpost_rollover::{Error, Result, conformance::Harness};
    use sealpost_store::{Postgres, SqlStore, sql::Database};
    use sealpost_testkit::postgres::{Server, shared};

    use super::{answers_as_the_model_does, passes, store};

    struct OnAServer(&'static Server);

    async fn open(address: &str) -> Result<SqlStore<Postgres>> {
        store(Postgres::open(address).await.map_err(Error::from)?).await
    }

    impl OnAServer {
        /// The address of the database of `store`.
        fn address(&self, store: &SqlStore<Postgres>) -> String {
            let name = store.database().name();
            self.0.address(name.rsplit('/').next().unwrap())
        }
    }

    impl Harness for OnAServer {
        type Store = SqlStore<Postgres>;

        async fn fresh(&self) -> Result<Self::Store> {
            open(&self.0.database()).await
        }

        async fn another(&self, store: &Self::Store) -> Result<Self::Store> {
            open(&self.address(store)).await
        }

        async fn reopen(&self, store: Self::Store) -> Result<Self::Store> {
            let address = self.address(&store);
            drop(store);
            open(&address).await
        }
    }

    #[tokio::test]
    async fn postgresql_passes_the_suite() {
        let Some(server) = shared() else { return };
        passes(&OnAServer(server)).await;
    }

    #[tokio::test]
    async fn postgresql_answers_random_verbs_as_the_model_does() {
        let Some(server) = shared() else { return };
        answers_as_the_model_does(&OnAServer(server), 4, 300).await;
    }
}
