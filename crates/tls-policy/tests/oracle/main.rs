//! All 172,800 combinations for one host: the engine, a model of the rules that shares nothing with it, and the
//! oracle's own cases, all equal. And the table of decisions that is published.
#![cfg(test)]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sealpost_testkit::vectors;

mod engine;
mod model;
mod page;

use engine::Bench;
use model::{Case, Outcome, Sample};

/// What the oracle counts.
const COUNTS: [(Outcome, usize); 7] = [
    (("bounce", "5.7.10"), 14_732),
    (("bounce", "5.7.30"), 3_780),
    (("defer", "4.7.10"), 70_848),
    (("defer", "4.7.5"), 48_888),
    (("deliver", "plain"), 7_392),
    (("deliver", "tls"), 25_224),
    (("reroute", "tls"), 1_936),
];

#[test]
fn every_combination_is_decided_as_the_model_and_the_oracle_say() {
    let start = Instant::now();
    let bench = Bench::new();
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    model::all(|case| {
        let (ours, theirs) = (bench.decide(&case), model::verdict(&case));
        assert_eq!(ours, theirs, "{case:?}");
        *counts.entry(ours).or_default() += 1;
    });
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), COUNTS);
    assert_eq!(COUNTS.iter().map(|(_, count)| count).sum::<usize>(), 172_800);
    let took = start.elapsed();
    println!("172,800 combinations in {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn the_oracles_own_cases_agree() {
    let Some(vectors) = vectors() else { return };
    let json = std::fs::read(vectors.join("tls/own/sample_cases.json")).unwrap();
    let samples: Vec<Sample> = serde_json::from_slice(&json).unwrap();
    assert_eq!(samples.len(), 1_782);
    let bench = Bench::new();
    let mut cases: Vec<Case> = Vec::new();
    for sample in &samples {
        let case = sample.case();
        let said = (sample.verdict.0.as_str(), sample.verdict.1.as_str());
        assert_eq!(bench.decide(&case), said, "the engine: {case:?}");
        assert_eq!(model::verdict(&case), said, "the model: {case:?}");
        cases.push(case);
    }
    // Every 97th of all, so the order of the combinations is the oracle's too.
    let mut number = 0;
    model::all(|case| {
        if number % 97 == 0 {
            assert_eq!(cases[number / 97], case);
        }
        number += 1;
    });
}

#[test]
fn the_page_of_decisions_is_what_is_decided() {
    page::check();
}
