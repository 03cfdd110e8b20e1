//! The bodies of the fuzz targets, over their seeds.

#![cfg(test)]

use std::{fs, path::Path};

use sealpost_testkit::fuzz;

fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| body(seed));
}

#[test]
fn pre_rewrite() {
    replay("pre_rewrite", fuzz::rewrite);
}

#[test]
fn pre_armor() {
    replay("pre_armor", fuzz::armor);
}

#[test]
fn pre_keys() {
    replay("pre_keys", fuzz::keys);
}

#[test]
fn pre_patch() {
    replay("pre_patch", fuzz::patch);
}

#[test]
fn pre_points() {
    replay("pre_points", fuzz::points);
}
