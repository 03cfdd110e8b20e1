//! Runs one subject, for whoever watches: `subject NAME memcheck | callgrind | step`.

#![forbid(unsafe_code)]

use std::{hint::black_box, io, process::ExitCode};

use sealpost_ct::{
    request, step,
    subject::{Seed, Subject, named},
};

/// The secrets. They differ in the first bit, by which the control branches.
const SEEDS: [Seed; 2] = [*b"One secret, it has 32 octets too", *b"the other secret also has 32 oct"];
/// After so many runs the allocator has filled its lists, and does the same in each.
const WARM: usize = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, way] = &arguments[..] else { return usage() };
    let Some(subject) = named(name) else { return usage() };
    match way.as_str() {
        "memcheck" => memcheck(subject),
        "callgrind" => callgrind(subject),
        "step" => match stepped(subject) {
            Ok(()) => (),
            Err(error) => {
                eprintln!("subject: {error}");
                return ExitCode::FAILURE;
            }
        },
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("subject NAME memcheck | callgrind | step");
    ExitCode::from(2)
}

/// Says how often it decided by what is hidden, how many octets the result has, and how many of them depend on that.
fn memcheck(subject: Subject) {
    let [seed, ..] = black_box(SEEDS);
    let result = (subject.prepare)(seed, request::hide)();
    let errors = request::errors();
    let hidden = request::hidden(&result);
    request::reveal(&result);
    println!("{errors} {} {hidden}", result.len());
    drop(result);
}

fn callgrind(subject: Subject) {
    let [seed, ..] = black_box(SEEDS);
    // What is done once, as finding out what the processor knows, is not counted.
    (0..WARM).for_each(|_| drop((subject.prepare)(seed, |_| ())()));
    let run = (subject.prepare)(seed, |_| ());
    request::toggle_counting();
    let result = run();
    request::toggle_counting();
    drop(black_box(result));
}

fn stepped(subject: Subject) -> io::Result<()> {
    step::watch_me()?;
    for seed in SEEDS.into_iter().cycle().take(WARM) {
        drop((subject.prepare)(black_box(seed), |_| ())());
    }
    for seed in SEEDS {
        let run = (subject.prepare)(black_box(seed), |_| ());
        drop(black_box(step::marked(run)?));
    }
    Ok(())
}
