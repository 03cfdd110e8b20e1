//! The seeds of the fuzz targets (`fuzz/seeds`).

use std::{fs, path::Path};

/// Runs the body of a fuzz target over its seeds.
///
/// # Panics
///
/// If there are none, or the body does.
pub fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| body(seed));
}
