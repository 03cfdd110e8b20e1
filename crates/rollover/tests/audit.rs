//! The audit chain: nobody changes it unseen.
#![cfg(test)]

use proptest::{prelude::*, sample::Index};
use sealpost_rollover::{
    Error, SubjectId, Time,
    audit::{Hash, Head, Record},
};

/// What a record is made of.
type Told = (i64, String, Option<[u8; 16]>, String);

fn told() -> impl Strategy<Value = Told> {
    (any::<i64>(), "\\PC{0,8}", proptest::option::of(any::<[u8; 16]>()), "\\PC{0,24}")
}

fn append(head: &mut Head, (at, actor, subject, text): &Told) -> Record {
    head.append(Time::from_unix(*at), actor, subject.map(SubjectId::from_octets), text.clone())
}

fn chain(told: &[Told]) -> (Vec<Record>, Head) {
    let mut head = Head::START;
    let records = told.iter().map(|told| append(&mut head, told)).collect();
    (records, head)
}

/// The head after all records, or which one is wrong.
fn verify(records: &[Record]) -> Result<Head, Error> {
    let mut head = Head::START;
    records.iter().try_for_each(|record| head.verify(record))?;
    Ok(head)
}

/// Whether somebody who knows the last hash takes these records for the chain.
fn is_taken(records: &[Record], known: Head) -> bool {
    verify(records).is_ok_and(|head| head == known)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_was_appended_verifies(told in prop::collection::vec(told(), 0..12)) {
        let (records, head) = chain(&told);
        prop_assert!(is_taken(&records, head));
        prop_assert!(records.iter().zip(1..).all(|(record, number)| record.sequence == number));
    }

    /// Also from the middle on, for who knows the hash there.
    #[test]
    fn any_part_verifies_from_its_start_on(told in prop::collection::vec(told(), 1..12), cut in any::<Index>()) {
        let (records, head) = chain(&told);
        let (before, after) = records.split_at(cut.index(records.len()));
        let mut middle = verify(before).unwrap();
        for record in after {
            middle.verify(record).unwrap();
        }
        prop_assert_eq!(middle, head);
        // But not from another place.
        if !before.is_empty() {
            prop_assert!(!is_taken(after, head));
        }
    }

    #[test]
    fn a_changed_field_is_found(
        told in prop::collection::vec(told(), 1..8), place in any::<Index>(), field in 0..7_u8, bit in 0..128_u8,
        extra in "\\PC{1,3}",
    ) {
        let (mut records, _) = chain(&told);
        let place = place.index(records.len());
        let changed = &mut records[place];
        let flipped = |hash: &Hash| {
            let mut octets = *hash.octets();
            octets[usize::from(bit / 8)] ^= 1 << (bit % 8);
            Hash::from_octets(octets)
        };
        match field {
            0 => changed.sequence ^= 1 << (bit % 63),
            1 => changed.at = Time::from_unix(changed.at.unix() ^ (2 << (bit % 60))),
            2 => changed.actor.push_str(&extra),
            3 => {
                let mut octets = changed.subject.map_or([0; 16], |subject| *subject.octets());
                octets[usize::from(bit / 8)] ^= 1 << (bit % 8);
                changed.subject = Some(SubjectId::from_octets(octets));
            }
            4 => changed.text.push_str(&extra),
            5 => changed.previous = flipped(&changed.previous),
            _ => changed.hash = flipped(&changed.hash),
        }
        let Err(Error::Audit { sequence, .. }) = verify(&records) else {
            return Err(TestCaseError::fail("the change is not seen"));
        };
        // It is told where.
        prop_assert_eq!(sequence, u64::try_from(place).unwrap() + 1);
    }

    /// Whoever changes a record and computes all hashes anew changes the last one.
    #[test]
    fn a_chain_that_is_computed_anew_ends_otherwise(
        told in prop::collection::vec(told(), 1..8), place in any::<Index>(), another in told(),
    ) {
        let (_, head) = chain(&told);
        let mut forged = told.clone();
        let place = place.index(forged.len());
        prop_assume!(chain(std::slice::from_ref(&forged[place])).1 != chain(std::slice::from_ref(&another)).1);
        forged[place] = another;
        let (records, ended) = chain(&forged);
        prop_assert!(verify(&records).is_ok());
        prop_assert_ne!(ended, head);
        prop_assert!(!is_taken(&records, head));
    }

    /// Whoever changes one record and computes its hash anew breaks the one after it.
    #[test]
    fn a_record_that_is_computed_anew_is_found(
        told in prop::collection::vec(told(), 1..8), place in any::<Index>(), another in told(), skipped in 0..3_u64,
    ) {
        let (mut records, head) = chain(&told);
        let place = place.index(records.len());
        let before = verify(&records[..place]).unwrap();
        let forged = append(&mut Head::new(before.sequence + skipped, before.hash), &another);
        prop_assume!(forged != records[place]);
        records[place] = forged;
        prop_assert!(!is_taken(&records, head));
        // It is seen without knowing the last hash, unless it is the last one itself and has its number.
        prop_assert_eq!(verify(&records).is_ok(), place + 1 == records.len() && skipped == 0);
    }

    #[test]
    fn a_removed_record_is_found(told in prop::collection::vec(told(), 1..8), place in any::<Index>()) {
        let (mut records, head) = chain(&told);
        records.remove(place.index(records.len()));
        prop_assert!(!is_taken(&records, head));
    }

    #[test]
    fn swapped_records_are_found(
        told in prop::collection::vec(told(), 2..8), one in any::<Index>(), other in any::<Index>(),
    ) {
        let (mut records, _) = chain(&told);
        let (one, other) = (one.index(records.len()), other.index(records.len()));
        prop_assume!(one != other);
        records.swap(one, other);
        prop_assert!(verify(&records).is_err());
    }

    #[test]
    fn an_inserted_record_is_found(
        told in prop::collection::vec(told(), 1..8), place in any::<Index>(), another in told(), twice in any::<bool>(),
    ) {
        let (mut records, head) = chain(&told);
        let place = place.index(records.len() + 1);
        // A good one that stands there twice, or a new one that follows the one before it.
        let new = match records.get(place).filter(|_| twice) {
            Some(record) => record.clone(),
            None => append(&mut verify(&records[..place]).unwrap(), &another),
        };
        prop_assume!(records.get(place).is_none_or(|record| twice || *record != new));
        records.insert(place, new);
        prop_assert!(!is_taken(&records, head));
    }

    /// What moves from one field into the next gives another hash: each has its length before it.
    #[test]
    fn fields_do_not_run_into_each_other(text in "[a-z]{2,12}", cut in any::<Index>(), other in any::<Index>()) {
        let (cut, other) = (cut.index(text.len()), other.index(text.len()));
        prop_assume!(cut != other);
        let split = |cut: usize| {
            let (actor, text) = text.split_at(cut);
            (0, actor.to_owned(), None, text.to_owned())
        };
        prop_assert_ne!(chain(&[split(cut)]).1, chain(&[split(other)]).1);
    }

    #[test]
    fn a_hash_is_read_as_it_is_written(octets in any::<[u8; 32]>()) {
        let hash = Hash::from_octets(octets);
        let digits = String::from(hash);
        prop_assert_eq!(digits.len(), 64);
        prop_assert_eq!(Hash::try_from(digits.clone()).unwrap(), hash);
        let (_, rest) = digits.split_at(1);
        for wrong in [rest.to_owned(), format!("{digits}00"), format!("g{rest}"), String::new()] {
            prop_assert!(Hash::try_from(wrong).is_err());
        }
    }
}

/// No subject is another one than the subject of sixteen zeros.
#[test]
fn no_subject_has_a_hash_of_its_own() {
    let with = |subject| chain(&[(0, String::new(), subject, String::new())]).1;
    assert_ne!(with(None), with(Some([0; 16])));
}

/// The format is for other programs as well: this is what they must compute (the hash by Python's hashlib).
#[test]
fn a_record_hashes_as_the_format_says() {
    let mut head = Head::START;
    let subject = Some(SubjectId::from_octets([0x11; 16]));
    let first = head.append(Time::from_unix(1_795_780_800), "node-1", subject, "{\"did\":\"ü\"}".to_owned());
    let second = head.append(Time::from_unix(-2), "", None, String::new());
    assert_eq!(String::from(first.hash), "3d54c763ca7b4d05ab0c861d7153fc82484d1131bfe4b0991a7d1982e86abd36");
    assert_eq!(String::from(second.hash), "a07e3893dd9f0fcf27c2566c42e7c60de4cb4d57ca50ff23af5b7f4d1f14ad43");
    assert_eq!(second.previous, first.hash);
}
