//! The suite for stores: the reference model passes it, and what is broken does not.
#![cfg(test)]
#![cfg(feature = "testing")]

use std::{
    collections::BTreeSet,
    pin::pin,
    task::{Context, Poll, Waker},
};

use sealpost_rollover::{
    Result, Time,
    conformance::{self, CASES, Harness},
    memory::MemoryStore,
    port::KeyStore,
    testing::clock::ManualClock,
};

mod broken;

use broken::{Broken, Flaw};

/// Nothing in memory waits.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn empty() -> MemoryStore {
    MemoryStore::new(ManualClock::new(Time::from_unix(1_795_780_800)))
}

struct Memory;

impl Harness for Memory {
    type Store = MemoryStore;

    async fn fresh(&self) -> Result<MemoryStore> {
        Ok(empty())
    }

    async fn another(&self, store: &MemoryStore) -> Result<MemoryStore> {
        Ok(store.clone())
    }

    async fn reopen(&self, store: MemoryStore) -> Result<MemoryStore> {
        let reopened = empty();
        reopened.restore(&store.snapshot());
        Ok(reopened)
    }
}

struct With(Flaw);

impl Harness for With {
    type Store = Broken;

    async fn fresh(&self) -> Result<Broken> {
        Ok(Broken::new(empty(), self.0))
    }

    async fn another(&self, store: &Broken) -> Result<Broken> {
        Ok(store.clone())
    }

    async fn reopen(&self, store: Broken) -> Result<Broken> {
        Ok(store.reopened())
    }
}

#[test]
fn the_reference_model_passes() {
    let report = now(conformance::run(&Memory));
    assert!(report.is_passed(), "{report}");
    assert_eq!(report.passed, CASES.len());
}

#[test]
fn there_are_more_than_sixty_cases_each_with_its_own_name() {
    assert_eq!(CASES.iter().collect::<BTreeSet<_>>().len(), CASES.len());
    assert!(CASES.len() > 60, "{}", CASES.len());
    let unknown = now(conformance::run_case(&Memory, "no such case")).unwrap_err();
    assert_eq!(unknown.to_string(), "no such case: there is no such case");
}

/// A wrapper that breaks nothing passes: what is found below is the flaw.
#[test]
fn without_a_flaw_the_wrapper_passes() {
    let report = now(conformance::run(&With(Flaw::None)));
    assert!(report.is_passed(), "{report}");
}

#[test]
fn each_flaw_is_found_by_the_case_that_is_about_it() {
    for (flaw, case) in Flaw::ALL {
        let found = now(conformance::run_case(&With(flaw), case));
        let failure = found.expect_err(&format!("{case} does not find {flaw:?}"));
        assert_eq!(failure.case, case);
    }
}

/// What differs in an answer is found by a random walk as well.
#[test]
fn random_walks_find_flaws() {
    let is_unseen = |flaw: &Flaw| {
        let differs = |seed| now(conformance::random(seed, 600, &Broken::new(empty(), *flaw))).is_err();
        !(0..20).any(differs)
    };
    // A walk does not restart the store, and draws no long request.
    let unseen: Vec<Flaw> = Flaw::ALL.into_iter().map(|(flaw, _)| flaw).filter(is_unseen).collect();
    assert_eq!(unseen, [Flaw::LosesKeysAtRestart, Flaw::CutsRequests, Flaw::IgnoresLimits]);
    assert!(is_unseen(&Flaw::None));
}

#[test]
fn random_walks_on_two_reference_models_agree() {
    for seed in 0..40 {
        now(conformance::random(seed, 600, &empty())).unwrap();
    }
}

/// The same seed gives the same walk, another one another.
#[test]
fn a_random_walk_follows_from_its_seed() {
    let last_record = |seed| {
        let store = empty();
        now(conformance::random(seed, 300, &store)).unwrap();
        now(store.audit(0, u32::MAX)).unwrap().pop().unwrap().hash
    };
    assert_eq!(last_record(7), last_record(7));
    assert_ne!(last_record(7), last_record(8));
}
