//! The bodies of the fuzz targets, over their seeds.

#![cfg(test)]

use sealpost_testkit::{fuzz, seeds::replay};

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
