//! The suite that every store must pass: ours, and other people's.
//!
//! Give it a [`Harness`] that makes stores, and [`run`] it; or [`run_case`] each of [`CASES`] in a test of its own.
//! After each case the audit chain is verified, and its events are applied again: they must give the states that
//! the store has. [`random`] compares a store with [`MemoryStore`](crate::memory::MemoryStore), step by step.
//!
//! ```
//! # use std::{pin::pin, task::{Context, Waker}};
//! use sealpost_rollover::{
//!     Result, Time, conformance::{self, Harness}, memory::MemoryStore, testing::clock::ManualClock,
//! };
//!
//! struct Memory;
//!
//! impl Harness for Memory {
//!     type Store = MemoryStore;
//!
//!     async fn fresh(&self) -> Result<MemoryStore> {
//!         Ok(MemoryStore::new(ManualClock::new(Time::from_unix(1_795_780_800))))
//!     }
//!
//!     async fn another(&self, store: &MemoryStore) -> Result<MemoryStore> {
//!         Ok(store.clone())
//!     }
//!
//!     async fn reopen(&self, store: MemoryStore) -> Result<MemoryStore> {
//!         Ok(store)
//!     }
//! }
//!
//! # let test = pin!(async {
//! let report = conformance::run(&Memory).await;
//! assert!(report.is_passed(), "{report}");
//! # });
//! # assert!(test.poll(&mut Context::from_waker(Waker::noop())).is_ready());
//! ```
//!
//! The suite needs no clock that it can set: it passes the time where a verb takes it, from an hour after the
//! store's own time on.

use std::fmt;

use crate::{Error, Result, port::KeyStore};

mod bench;
mod chain;
mod check;
mod random;

mod audits;
mod claims;
mod destroying;
mod events;
mod fencing;
mod generations;
mod names;
mod races;
mod reopening;
mod replacing;
mod settings;
mod subjects;

use bench::Bench;
use check::{Failed, Outcome};
pub use random::random;

/// Makes the stores that the suite runs on.
pub trait Harness {
    /// The store.
    type Store: KeyStore;

    /// A fresh, empty store that nobody else uses.
    fn fresh(&self) -> impl Future<Output = Result<Self::Store>>;

    /// Another handle to what `store` holds, as another node opens it.
    fn another(&self, store: &Self::Store) -> impl Future<Output = Result<Self::Store>>;

    /// Closes `store` and opens what it holds again, as after a restart.
    fn reopen(&self, store: Self::Store) -> impl Future<Output = Result<Self::Store>>;
}

/// A case that a store does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// Which one.
    pub case: String,
    /// What differed.
    pub problem: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.problem)
    }
}

impl std::error::Error for Failure {}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many cases hold.
    pub passed: usize,
    /// Those that don't.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Whether all cases hold.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} cases hold", self.passed, self.passed + self.failures.len())?;
        self.failures.iter().try_for_each(|failure| write!(f, "\n{failure}"))
    }
}

macro_rules! cases {
    ($($module:ident: $($name:ident)+;)+) => {
        /// The names of all cases.
        pub const CASES: &[&str] = &[$($(stringify!($name)),+),+];

        async fn one<H: Harness>(name: &str, bench: &mut Bench<'_, H>) -> Outcome {
            match name {
                $($(stringify!($name) => Box::pin($module::$name(bench)).await,)+)+
                _ => Err(Failed::new("there is no such case")),
            }
        }
    };
}

cases! {
    subjects:
        a_subject_comes_back_as_it_was_enrolled
        an_unknown_subject_is_not_there
        enrolling_again_changes_nothing
        an_enrolled_subject_is_due_at_once
        subjects_are_listed_by_their_ids
        a_page_holds_no_more_than_asked_for
        unicode_and_long_addresses_come_back
        far_times_come_back;
    claims:
        the_earliest_deadline_is_claimed_first
        equal_deadlines_are_claimed_by_id
        a_claim_takes_no_more_than_its_limit
        a_claim_takes_no_more_askers_than_it_may
        what_is_not_due_is_not_claimed
        never_does_not_come
        one_subject_is_claimed_whether_it_is_due_or_not
        what_is_held_is_not_claimed
        epochs_count_up
        a_lease_ends_when_it_says
        a_lease_shows_the_state_as_it_is
        releasing_sets_the_wake
        what_was_recorded_during_a_lease_is_not_forgotten
        what_was_recorded_before_a_claim_needs_no_second_look;
    fencing:
        an_old_lease_advances_nothing
        an_old_lease_inserts_nothing
        an_old_lease_releases_nothing
        a_lease_that_was_given_back_writes_nothing
        a_lease_that_nobody_gave_writes_nothing
        the_new_holder_finds_what_the_old_one_committed;
    generations:
        an_inserted_generation_is_there
        inserting_again_keeps_the_first_key
        a_generation_of_somebody_else_is_not_inserted
        slots_and_numbers_are_apart
        large_values_come_back
        an_empty_request_comes_back
        the_last_number_comes_back
        an_unknown_generation_is_not_there;
    events:
        each_event_is_applied_as_the_core_does
        an_event_twice_is_an_event_once
        an_event_of_an_unknown_generation_changes_no_state
        the_first_order_stays
        an_order_of_an_unknown_generation_is_refused
        a_certificate_comes_back_with_its_chain
        a_certificate_of_an_unknown_generation_is_refused
        spare_certificates_come_after_the_adopted_one
        a_certificate_that_comes_twice_is_kept_once
        recording_needs_no_lease
        recording_and_advancing_meet_in_one_state
        recording_makes_due_at_once
        a_revocation_goes_before_all_others
        what_was_recorded_waits_for_no_authority
        nothing_is_recorded_of_an_unknown_subject;
    names:
        a_key_is_found_by_its_own_names
        a_key_is_found_by_each_of_its_certificates
        a_certificate_of_two_generations_finds_both
        a_key_in_two_generations_is_found_twice
        a_key_is_found_by_what_its_certificate_calls_it
        an_unknown_name_finds_nothing
        names_of_different_kinds_are_apart
        serials_are_compared_octet_by_octet
        names_find_what_was_revoked_and_destroyed;
    destroying:
        destroying_takes_the_key_and_nothing_else
        destroying_again_changes_nothing
        destroying_makes_due_at_once
        a_destroyed_key_does_not_come_back
        destroying_the_unknown_is_refused;
    replacing:
        a_selection_selects_by_each_of_its_parts
        what_is_not_fit_or_has_left_is_not_selected
        the_last_fit_generation_is_selected
        the_adopted_certificate_is_selected_by
        replacements_are_numbered_and_listed
        a_large_selection_comes_back
        starting_hands_over_once
        the_earliest_replacement_starts_first
        a_paused_replacement_rests
        the_pace_of_an_unknown_replacement_is_refused
        what_comes_later_is_not_replaced
        starting_brings_the_deadline_forward
        starting_during_a_lease_is_not_forgotten;
    settings:
        an_authority_starts_without_permits
        an_authority_keeps_what_was_changed
        authorities_are_apart
        changes_of_an_authority_meet
        a_setting_comes_back
        an_unknown_setting_is_not_there
        setting_is_audited_with_the_old_value
        looking_forward_is_noted
        a_jump_is_refused_and_not_noted
        looking_back_is_no_jump
        time_does_not_run_back;
    audits:
        each_change_is_one_record
        a_record_names_who_and_whose
        a_record_tells_what_came_with_it
        the_chain_is_read_in_pages
        reading_leaves_no_record;
    races:
        of_two_insertions_one_wins
        of_two_claims_each_takes_its_own
        of_two_enrolments_one_counts
        what_many_record_is_all_there
        what_two_start_is_started_once
        another_handle_sees_what_was_written
        a_future_that_never_ran_wrote_nothing
        a_dropped_insertion_is_whole_or_nothing
        a_dropped_advance_is_whole_or_nothing
        a_dropped_setting_is_whole_or_nothing;
    reopening:
        subjects_and_keys_survive
        names_and_certificates_survive
        leases_survive
        replacements_survive
        settings_and_looks_survive
        the_chain_goes_on;
}

/// Runs all cases, each on a fresh store.
pub async fn run<H: Harness>(harness: &H) -> Report {
    let mut report = Report::default();
    for name in CASES {
        match run_case(harness, name).await {
            Ok(()) => report.passed += 1,
            Err(failure) => report.failures.push(failure),
        }
    }
    report
}

/// Runs the case `name` on a fresh store, and looks through the audit chain after it.
///
/// # Errors
///
/// What differed from what must be.
pub async fn run_case<H: Harness>(harness: &H, name: &str) -> Result<(), Failure> {
    let fail = |failed: Failed| Failure { case: name.to_owned(), problem: failed.into_text() };
    let mut bench = Bench::new(harness).await.map_err(fail)?;
    one(name, &mut bench).await.map_err(fail)?;
    chain::look_through(&bench.store).await.map_err(fail)
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::new(format!("the store failed: {error}"))
    }
}
