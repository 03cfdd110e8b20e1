//! The body of the fuzz target, over its seeds.

#![cfg(test)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use sealpost_smime_forwarding::fuzz::fuzz;
use sealpost_testkit::seeds::replay;

#[test]
fn smime_forwarding() {
    static TRANSFORMED: AtomicUsize = AtomicUsize::new(0);
    replay("smime_forwarding", |seed| {
        TRANSFORMED.fetch_add(fuzz(seed), Relaxed);
    });
    assert!(TRANSFORMED.load(Relaxed) > 5, "most seeds have something to transform");
}
