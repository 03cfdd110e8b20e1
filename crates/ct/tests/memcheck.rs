//! No branch and no address depends on a secret, says Valgrind's Memcheck, to which the secrets are undefined memory.

#![cfg(test)]

use sealpost_ct::{
    subject::{Decisions, SUBJECTS, Subject},
    tool::{FOUND, has_valgrind, memcheck},
};
use sealpost_testkit::missing;

#[test]
fn nothing_depends_on_a_secret_but_what_is_public() {
    if !has_valgrind() {
        return missing("valgrind");
    }
    let wrong: Vec<String> = SUBJECTS.into_iter().filter_map(|subject| complaint(subject).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not as it should be.
fn complaint(subject: Subject) -> Result<(), String> {
    let output = memcheck(subject).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let Ok([errors, len, hidden]) = <[usize; 3]>::try_from(numbers(&said)) else {
        return Err(format!("{}: {output:?}", subject.name));
    };
    let (as_it_should, exit) = match subject.decisions {
        Decisions::None => (errors == 0, 0),
        Decisions::Public(decisions) => (errors == decisions, FOUND),
        Decisions::Syntax | Decisions::Leaks => (errors > 0, FOUND),
        other => panic!("{other:?}"),
    };
    // A result that does not depend on the secrets: they were not hidden, or not used.
    let watched = len > 0 && (hidden == len || subject.decisions == Decisions::Leaks);
    if as_it_should && watched && output.status.code() == Some(exit) {
        return Ok(());
    }
    let report = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}: {errors} decisions, {hidden} of {len} octets, {}\n{report}", subject.name, output.status))
}

fn numbers(text: &str) -> Vec<usize> {
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}
