//! The store in memory, where it does more than the port says: clocks, threads, backups, a second place.
#![cfg(test)]
#![cfg(feature = "testing")]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    thread,
};

use sealpost_rollover::{
    Cause, Error, GenerationId, Layout, Slot, Span, Subject, SubjectKind, Time,
    audit::Head,
    memory::{MemoryStore, SecondMode},
    port::{Claim, Insertion, KeyStore, Lease, NewGeneration, PrivateKey, PublicKey},
    testing::clock::ManualClock,
};

/// Nothing in memory waits.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

const START: Time = Time::from_unix(1_795_780_800);

/// A store, and a lease of the one subject in it.
fn held() -> (MemoryStore, Lease) {
    let store = MemoryStore::new(ManualClock::new(START));
    let subject = Subject::new(SubjectKind::Mailbox, "ann@example.org", Layout::Dual, START).unwrap();
    now(store.enroll(&subject, "operator")).unwrap();
    let lease = now(store.claim(START, &Claim::new("one", Span::hours(1), 1, 1))).unwrap().remove(0);
    (store, lease)
}

fn generation(lease: &Lease, number: u32, key: u8) -> NewGeneration {
    let id = GenerationId::new(lease.subject.id, Slot::Dual, number);
    let pkcs8 = PrivateKey::from_pkcs8(vec![key; 40].into());
    NewGeneration::new((id, Cause::Enrolled, START), pkcs8, PublicKey::new(vec![key; 32], vec![key; 20]), vec![key])
}

/// Invariant I7, with threads that really run at once.
#[test]
fn of_many_threads_that_insert_one_wins() {
    let (store, lease) = held();
    let wins = |thread: u8| {
        let (store, lease) = (&store, &lease);
        move || -> Vec<bool> {
            let insert = |number| now(store.insert_generation(lease, &generation(lease, number, thread))).unwrap();
            (1..=50).map(|number| insert(number) == Insertion::Inserted).collect()
        }
    };
    let won: Vec<Vec<bool>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(wins(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for number in 1..=50 {
        let winners: Vec<u8> = (0..4).filter(|&thread| won[usize::from(thread)][number - 1]).collect();
        let [winner] = winners[..] else { panic!("{winners:?} won number {number}") };
        let id = GenerationId::new(lease.subject.id, Slot::Dual, u32::try_from(number).unwrap());
        assert_eq!(now(store.private_key(id)).unwrap().expose_pkcs8(), [winner; 40]);
    }
    let records = now(store.audit(0, u32::MAX)).unwrap();
    assert_eq!(records.len(), 51);
    records.iter().try_fold(Head::START, |mut head, record| head.verify(record).map(|()| head)).unwrap();
}

#[test]
fn a_handle_is_the_same_store_with_the_same_clock() {
    let (store, lease) = held();
    let another = store.clone();
    store.clock().advance(Span::days(2));
    assert_eq!(now(another.now()).unwrap(), START + Span::days(2));
    now(another.insert_generation(&lease, &generation(&lease, 1, 7))).unwrap();
    assert!(now(store.generation(generation(&lease, 1, 7).id)).unwrap().is_some());
    let last = now(store.audit(0, u32::MAX)).unwrap().pop().unwrap();
    assert_eq!(last.at, START + Span::days(2));
    another.clock().set(START);
    assert_eq!(now(store.now()).unwrap(), START);
}

#[test]
fn a_backup_is_what_was_there_when_it_was_made() {
    let (store, lease) = held();
    let another = store.clone();
    let (first, second) = (generation(&lease, 1, 1), generation(&lease, 2, 2));
    now(store.insert_generation(&lease, &first)).unwrap();
    let backup = store.snapshot();
    now(store.insert_generation(&lease, &second)).unwrap();
    now(store.destroy(first.id, START, "operator")).unwrap();
    store.restore(&backup);
    // For all handles.
    assert_eq!(now(another.private_key(first.id)).unwrap().expose_pkcs8(), [1; 40]);
    assert!(now(another.generation(second.id)).unwrap().is_none());
    assert_eq!(now(another.audit(0, u32::MAX)).unwrap().len(), 2);
    // And the backup itself stays what it is.
    now(store.destroy(first.id, START, "operator")).unwrap();
    store.restore(&backup);
    assert_eq!(now(store.private_key(first.id)).unwrap().expose_pkcs8(), [1; 40]);
}

#[test]
fn the_second_place_holds_what_was_acknowledged_and_only_that() {
    let (store, lease) = held();
    let backup = store.snapshot();
    let new = generation(&lease, 1, 7);
    now(store.insert_generation(&lease, &new)).unwrap();
    for mode in [SecondMode::Missing, SecondMode::Failing] {
        store.second_place(mode);
        assert!(matches!(now(store.back_up(new.id)), Err(Error::Store { .. })), "{mode:?}");
        assert!(store.key_in_second_place(new.id).is_none(), "{mode:?}");
    }
    store.second_place(SecondMode::Working);
    now(store.back_up(new.id)).unwrap();
    now(store.back_up(new.id)).unwrap();
    // It is elsewhere: an old backup of the store does not change it.
    store.restore(&backup);
    assert_eq!(store.key_in_second_place(new.id).unwrap().expose_pkcs8(), [7; 40]);
    assert!(matches!(now(store.back_up(new.id)), Err(Error::NotFound { .. })));
}

#[test]
fn no_key_is_shown() {
    let (store, lease) = held();
    store.second_place(SecondMode::Working);
    let new = generation(&lease, 1, 0xA7);
    now(store.insert_generation(&lease, &new)).unwrap();
    now(store.back_up(new.id)).unwrap();
    let key = format!("{:?}", new.key.expose_pkcs8());
    let shown = format!("{store:?} {:?} {new:?}", store.snapshot());
    assert!(shown.contains("PrivateKey(…)") && !shown.contains(&key));
}
