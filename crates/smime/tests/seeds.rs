//! The bodies of the fuzz targets, over their seeds.

#![cfg(test)]

use std::{fs, path::Path};

use sealpost_smime::fuzz;

fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| body(seed));
}

#[test]
fn smime_ber() {
    replay("smime_ber", fuzz::ber);
}

#[test]
fn smime_signed() {
    replay("smime_signed", fuzz::signed);
}

#[test]
fn smime_pkcs12() {
    replay("smime_pkcs12", fuzz::pkcs12);
}

#[test]
fn smime_enveloped() {
    replay("smime_enveloped", fuzz::enveloped);
}
