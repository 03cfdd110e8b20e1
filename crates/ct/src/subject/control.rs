//! Controls: functions that leak, each in one way. A check that does not find them finds nothing.

use core::hint::black_box;

use super::{Hide, Run, Seed};

/// Branches on a secret bit.
pub(super) fn branch(seed: Seed, hide: Hide) -> Run {
    let secret = Box::new(seed);
    hide(&*secret);
    Box::new(move || {
        // `black_box` in one arm keeps the compiler from a branchless selection.
        let odd = secret.first().is_some_and(|octet| octet & 1 == 1);
        if odd { vec![black_box(secret.last().copied().unwrap_or_default())] } else { secret.to_vec() }
    })
}

/// Looks up a secret octet in a table.
pub(super) fn index(seed: Seed, hide: Hide) -> Run {
    let secret = Box::new(seed);
    hide(&*secret);
    let table: Vec<u8> = (0..=u8::MAX).rev().collect();
    Box::new(move || {
        let entry = secret.first().and_then(|octet| table.get(usize::from(*octet)));
        entry.copied().into_iter().collect()
    })
}
