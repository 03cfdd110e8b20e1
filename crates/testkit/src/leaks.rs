//! Whether secrets stay behind in memory that was freed.
//!
//! A test binary of its own installs [`Leaks`] as its allocator and calls [`search`]:
//!
//! ```
//! use sealpost_testkit::leaks::{Leaks, search};
//!
//! #[global_allocator]
//! static ALLOCATOR: Leaks = Leaks;
//!
//! let secret = *b"sixteen letters.";
//! let (_, found) = search(&[("the secret", secret)], || drop(secret.to_vec()));
//! assert_eq!(found, ["the secret"]);
//! ```

use std::{
    alloc::{GlobalAlloc, Layout, System},
    backtrace::{Backtrace, BacktraceStatus},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
};

/// How many octets a needle has.
pub const NEEDLE: usize = 16;
/// How many needles can be searched for at once.
const MOST: usize = 512;

/// The system's allocator; while [`search`] runs it looks through each block that is freed, of all threads.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests install it")]
pub struct Leaks;

/// What is searched for, the halves of each needle: an allocator must not take a lock that its caller may hold.
static NEEDLES: [[AtomicU64; 2]; MOST] = [const { [const { AtomicU64::new(0) }; 2] }; MOST];
/// The last two octets of the needles: few blocks have to be compared with all.
static LAST: [AtomicBool; 1 << 16] = [const { AtomicBool::new(false) }; 1 << 16];
/// How many there are; 0 while nothing is searched.
static ARMED: AtomicUsize = AtomicUsize::new(0);
/// Which of them were found.
static FOUND: [AtomicBool; MOST] = [const { AtomicBool::new(false) }; MOST];

/// Does something, and says of which needles there was a copy in a block of the heap when it was freed meanwhile.
/// With `RUST_BACKTRACE=1` it also shows where that was.
///
/// # Panics
///
/// If there are more than 512 needles.
pub fn search<N: Clone, T>(needles: &[(N, [u8; NEEDLE])], run: impl FnOnce() -> T) -> (T, Vec<N>) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(needles.len() <= MOST, "too many needles");
    LAST.iter().for_each(|last| last.store(false, SeqCst));
    for (i, (_, needle)) in needles.iter().enumerate() {
        let halves = halves(needle);
        NEEDLES[i][0].store(halves[0], SeqCst);
        NEEDLES[i][1].store(halves[1], SeqCst);
        FOUND[i].store(false, SeqCst);
        LAST[last(halves)].store(true, SeqCst);
    }
    ARMED.store(needles.len(), SeqCst);
    let result = run();
    ARMED.store(0, SeqCst);
    let found = needles.iter().zip(&FOUND).filter(|(_, found)| found.load(SeqCst));
    (result, found.map(|((name, _), _)| name.clone()).collect())
}

fn halves(needle: &[u8; NEEDLE]) -> [u64; 2] {
    let needle = u128::from_be_bytes(*needle);
    [needle >> 64, needle & u128::from(u64::MAX)].map(|half| half.try_into().unwrap_or_default())
}

/// The last two of 16 octets.
fn last([_, half]: [u64; 2]) -> usize {
    usize::try_from(half & 0xFFFF).unwrap_or_default()
}

#[expect(unsafe_code, reason = "an allocator can't be written without")]
// SAFETY: all is left to the system's allocator; what is looked at besides is a block that is still allocated.
unsafe impl GlobalAlloc for Leaks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller vouches for the layout. Zeros, so that no block holds what an earlier one left.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if ARMED.load(SeqCst) > 0 {
            // SAFETY: the block has `layout.size()` octets, none of which is read behind its end. They were zeros at
            // first; what has become of them, padding too, does not matter to a volatile read.
            look((0..layout.size()).map(|at| unsafe { block.add(at).read_volatile() }));
        }
        // SAFETY: the caller vouches for block and layout, and `alloc` got the block here.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Looks for the needles in the octets of a block.
fn look(octets: impl Iterator<Item = u8>) {
    let armed = ARMED.load(SeqCst);
    let mut window = [0_u64; 2];
    for (at, octet) in octets.enumerate() {
        window = [(window[0] << 8) | (window[1] >> 56), (window[1] << 8) | u64::from(octet)];
        if at + 1 < NEEDLE || !LAST[last(window)].load(SeqCst) {
            continue;
        }
        let is_needle = |needle: &[AtomicU64; 2]| [0, 1].map(|i| needle[i].load(SeqCst)) == window;
        for (i, _) in NEEDLES.iter().take(armed).enumerate().filter(|(_, needle)| is_needle(needle)) {
            FOUND[i].store(true, SeqCst);
            show(i);
        }
    }
}

/// Shows where a needle was found; what that frees is not looked at.
fn show(needle: usize) {
    let armed = ARMED.swap(0, SeqCst);
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        eprintln!("needle {needle} is in a block that is freed here:\n{trace}");
    }
    ARMED.store(armed, SeqCst);
}
