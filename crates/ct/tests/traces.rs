//! No branch depends on a secret: the processor takes the same instructions, in the same order, for each secret.
//!
//! Valgrind does not know all instructions (AVX-512); here the processor itself runs them, step by step. Which octets
//! they read is not seen here but by Memcheck.

#![cfg(test)]

use std::process::Command;

use sealpost_ct::{
    step::{Trace, traces},
    subject::{Decisions, STEPPED, named},
    tool::subject_binary,
};
use sealpost_testkit::missing;

fn of(subject: &str) -> Option<[Trace; 2]> {
    let binary = subject_binary().unwrap();
    match traces(Command::new(binary).args([subject, "step"])) {
        Ok(traces) => Some(traces.try_into().expect("two secrets")),
        Err(error) => {
            missing(&format!("permission to step through a program ({error})"));
            None
        }
    }
}

#[test]
fn the_instructions_are_the_same_for_each_secret() {
    for subject in STEPPED {
        assert_ne!(named(subject).unwrap().decisions, Decisions::Leaks);
        let Some([one, other]) = of(subject) else { return };
        let differ = one.iter().zip(&other).position(|(one, other)| one != other);
        assert_eq!(differ, None, "{subject}: at this instruction the secrets go different ways");
        assert_eq!(one.len(), other.len(), "{subject}");
    }
}

#[test]
fn a_branch_on_a_secret_is_seen() {
    let Some([one, other]) = of("control-branch") else { return };
    assert_ne!(one, other);
}
