//! What `sealpost forward bench` reports. How fast it is no test says: machines are shared.

#![cfg(test)]

use std::process::{Command, Output};

use serde_json::Value;

fn bench(more: &[&str]) -> Output {
    let args = ["forward", "bench", "--rounds", "1"];
    let output = Command::new(env!("CARGO_BIN_EXE_sealpost")).args(args).args(more).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

#[test]
fn the_json_has_the_ratios_and_the_backend_and_nothing_else() {
    let output = bench(&["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&report), ["backend", "ratio_vs_dalek"]);
    assert_eq!(names(&report["ratio_vs_dalek"]), ["batch16", "batch64", "batch8", "fanout1000", "single"]);
    assert!(!report["backend"].as_str().unwrap().is_empty());
    for (name, ratio) in report["ratio_vs_dalek"].as_object().unwrap() {
        assert!(ratio.as_f64().is_some_and(|ratio| ratio > 0.0), "{name}: {ratio}");
    }
    assert_eq!(output.stderr, b"");
}

#[test]
fn people_get_a_table() {
    let output = bench(&[]);
    let text = String::from_utf8(output.stderr).unwrap();
    for line in ["curve25519-dalek ", "one point ", "64 points ", "one point, 1000 factors "] {
        assert!(text.lines().any(|text| text.starts_with(line)), "no line {line:?}: {text}");
    }
    assert_eq!(output.stdout, b"");
}
