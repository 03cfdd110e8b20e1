//! How many instructions each function takes, beside what it took when `baselines/` was written.
//!
//! No clock and no neighbour changes these numbers; another compiler, another version of a dependency or another libc
//! may. `cargo xtask baselines` writes them anew.

#![cfg(test)]

use std::{collections::BTreeMap, env, fs, path::PathBuf, process::Command};

use sealpost_ct::{
    step::{LIMIT, traces},
    subject::{Decisions, STEPPED, SUBJECTS, backend},
    tool::{callgrind, compiler, has_valgrind, subject_binary},
};
use sealpost_testkit::missing;

/// By how much a count may differ, in percent.
const TOLERANCE: u64 = 2;

/// What takes fewer is no multiplication. There one register more or less, and how the compiler cut the program into
/// parts, is more than the tolerance.
const LEAST: u64 = 20_000;

/// Instructions by what was run.
type Counts = BTreeMap<String, u64>;

#[test]
fn callgrind_counts_what_it_counted() {
    if !has_valgrind() {
        return missing("valgrind");
    }
    let subjects = SUBJECTS.into_iter().filter(|subject| subject.decisions != Decisions::Leaks);
    compare("callgrind.csv", subjects.map(|subject| (subject.name.to_owned(), callgrind(subject).unwrap())).collect());
}

/// What the processor itself takes, also where Valgrind does not know the instructions.
#[test]
fn the_processor_takes_as_many_as_it_took() {
    let mut counts = Counts::new();
    for subject in STEPPED {
        match traces(Command::new(subject_binary().unwrap()).args([subject, "step"])) {
            Ok(traces) if traces[0].len() == LIMIT => eprintln!("{subject}: more than {LIMIT} instructions"),
            Ok(traces) => drop(counts.insert(format!("{subject} {}", backend()), traces[0].len().try_into().unwrap())),
            Err(error) => return missing(&format!("permission to step through a program ({error})")),
        }
    }
    compare("processor.csv", counts);
}

fn compare(name: &str, mut counts: Counts) {
    counts.retain(|_, count| *count >= LEAST);
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("baselines").join(name);
    let text = fs::read_to_string(&file).unwrap_or_default();
    let mut lines = text.lines();
    let head = format!("instructions with {}", compiler().unwrap());
    if env::var_os("SEALPOST_BASELINES").is_some() {
        // Other backends' counts stay: they are those of other machines.
        let mut all = read(lines.skip(1));
        all.extend(counts);
        let lines: String = all.iter().fold(String::new(), |text, (what, count)| format!("{text}{what},{count}\n"));
        return fs::write(file, format!("{head},\n{lines}")).unwrap();
    }
    if lines.next() != Some(&format!("{head},")) {
        return missing(&format!("a baseline for {}", compiler().unwrap()));
    }
    let baseline = read(lines);
    let wrong: Vec<String> = counts.iter().filter_map(|(what, count)| complaint(what, *count, &baseline)).collect();
    assert!(wrong.is_empty(), "{}\nIf it is meant to be so: cargo xtask baselines", wrong.join("\n"));
}

fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Counts {
    lines.map(|line| line.split_once(',').unwrap()).map(|(what, count)| (what.into(), count.parse().unwrap())).collect()
}

/// What is not as it should be.
fn complaint(what: &str, count: u64, baseline: &Counts) -> Option<String> {
    let Some(before) = baseline.get(what) else {
        eprintln!("SKIPPED: {what}: no baseline; {count} instructions");
        return None;
    };
    let differs = count.abs_diff(*before) * 100 > before * TOLERANCE;
    differs.then(|| format!("{what}: {count} instructions, before it was {before}"))
}

#[test]
fn a_difference_of_more_than_two_percent_is_told() {
    let baseline = Counts::from([("x".to_owned(), 1000)]);
    let told = |count| complaint("x", count, &baseline).is_some();
    assert_eq!([979, 980, 1000, 1020, 1021].map(told), [true, false, false, false, true]);
}
