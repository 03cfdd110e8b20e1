//! A node that rolls keys without end, for tests that kill it, stop it, or take its database away.
//!
//! `rollover-node STORE FOLDER NAME [--subjects N] [--until-ready] [--think MILLISECONDS] [--naive] [--rewrap]`
//!
//! It says each step in a line, so that whoever kills it knows that work goes on, and ends when nobody listens.

use std::{path::PathBuf, sync::Arc, time::Duration};

use sealpost_interop_rollover::{Error, LEASE, authority, policy, store, subject, workshop};
use sealpost_rollover::{
    Stage, SubjectId,
    driver::{Driver, Limits, TickReport},
    port::KeyStore,
};
use sealpost_store::AnyStore;

mod naive;
mod thinking;

use thinking::Thinking;

/// How many subjects a node claims at once: few, so that a lease ends in the middle of work.
const BATCH: u32 = 3;

/// How long a node rests that has nothing to do, or whose store is gone.
const REST: Duration = Duration::from_millis(50);

struct Options {
    store: String,
    folder: PathBuf,
    name: String,
    subjects: u32,
    until_ready: bool,
    think: Duration,
    naive: bool,
    rewrap: bool,
}

fn options() -> Option<Options> {
    let mut words = std::env::args().skip(1);
    let (store, folder, name) = (words.next()?, words.next()?.into(), words.next()?);
    let (subjects, think) = (120, Duration::ZERO);
    let (until_ready, naive, rewrap) = (false, false, false);
    let mut options = Options { store, folder, name, subjects, until_ready, think, naive, rewrap };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--subjects" => options.subjects = words.next()?.parse().ok()?,
            "--think" => options.think = Duration::from_millis(words.next()?.parse().ok()?),
            "--until-ready" => options.until_ready = true,
            "--rewrap" => options.rewrap = true,
            "--naive" => options.naive = true,
            _ => return None,
        }
    }
    Some(options)
}

fn main() -> Result<(), Error> {
    let options = options().ok_or("usage: rollover-node STORE FOLDER NAME [options]")?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(options))
}

async fn run(options: Options) -> Result<(), Error> {
    let store = Arc::new(store(&options.store, &options.folder).await?);
    let authority = Arc::new(Thinking::new(authority(&options.folder)?, options.think));
    let workshop = Arc::new(workshop(authority.inner()));
    if options.rewrap {
        return rewrap(&store).await;
    }
    enroll(&store, options.subjects).await?;
    if options.naive {
        return naive::run(&*store, authority.inner(), &workshop, &options.name).await;
    }
    let driver = Driver::new(Arc::clone(&store), authority, workshop, policy(), options.name.as_str());
    let driver = driver.limited(Limits::new(LEASE, BATCH));
    let mut number = std::process::id();
    loop {
        let mut done = driver.tick().await.map(|report| say(&report));
        if options.until_ready {
            if matches!(done, Ok(false)) && all_are_ready(&store).await? {
                return Ok(());
            }
        } else if done.is_ok() {
            number = number.wrapping_add(1);
            let subject = subject(number % options.subjects, sealpost_rollover::Time::from_unix(0))?;
            done = driver.issue_now(subject.id, "the test").await.map(|()| true);
        }
        match done {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(REST).await,
            Err(error) => {
                println!("error: {error}");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Wraps all keys again, a few at a time.
async fn rewrap(store: &AnyStore) -> Result<(), Error> {
    loop {
        let rewrapped = store.rewrap(3).await?;
        println!("wrapped again: {}, left: {}", rewrapped.done, rewrapped.left);
        if rewrapped.left == 0 {
            return Ok(());
        }
        // Whoever kills it hits it before the end.
        tokio::time::sleep(REST).await;
    }
}

/// Enrols who is not enrolled yet.
async fn enroll(store: &AnyStore, subjects: u32) -> Result<(), Error> {
    let now = store.now().await?;
    let there: Vec<SubjectId> = store.list(None, u32::MAX).await?.iter().map(|listed| listed.subject.id).collect();
    for number in 0..subjects {
        let subject = subject(number, now)?;
        if !there.contains(&subject.id) {
            store.enroll(&subject, "the test").await?;
        }
    }
    Ok(())
}

/// Says what was done; whether it was anything.
fn say(report: &TickReport) -> bool {
    let TickReport { claimed, generated, issued, ready, surplus, fenced, failures, .. } = report;
    for failure in failures {
        println!("failure: {}", failure.what);
    }
    if *claimed > 0 {
        println!(
            "step: claimed {claimed}, generated {generated}, issued {issued}, ready {ready}, surplus {surplus}, \
             fenced {fenced}"
        );
    }
    *claimed > 0
}

/// Whether each subject has a certificate and nothing is under way.
async fn all_are_ready(store: &AnyStore) -> Result<bool, Error> {
    let listed = store.list(None, u32::MAX).await?;
    Ok(listed.iter().all(|listed| {
        let last = listed.state.generations().last();
        last.is_some_and(|last| last.stage() == Stage::Ready && last.published.is_some())
    }))
}
