//! How much memory something takes.
//!
//! A test binary of its own installs [`Meter`] as its allocator and calls [`peak`]:
//!
//! ```
//! use sealpost_testkit::memory::{Meter, peak};
//!
//! #[global_allocator]
//! static ALLOCATOR: Meter = Meter;
//!
//! let (_, octets) = peak(|| drop(vec![0_u8; 1000]));
//! assert!(octets >= 1000);
//! ```

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

/// The system's allocator, which counts what all threads have.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests install it")]
pub struct Meter;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static TIMES: AtomicUsize = AtomicUsize::new(0);

/// Does something, and says how many octets of the heap there were meanwhile at most, beyond those before. To be called
/// by one thread alone.
pub fn peak<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(SeqCst);
    MOST.store(before, SeqCst);
    let result = run();
    (result, MOST.load(SeqCst).saturating_sub(before))
}

/// Does something, and says how many times memory was asked for meanwhile. To be called by one thread alone.
pub fn allocations<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = TIMES.load(SeqCst);
    let result = run();
    (result, TIMES.load(SeqCst).saturating_sub(before))
}

#[expect(unsafe_code, reason = "an allocator can't be written without")]
// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), SeqCst) + layout.size();
        MOST.fetch_max(now, SeqCst);
        TIMES.fetch_add(1, SeqCst);
        // SAFETY: the caller vouches for the layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller vouches for block and layout, and `alloc` got the block here.
        unsafe { System.dealloc(block, layout) }
    }
}
