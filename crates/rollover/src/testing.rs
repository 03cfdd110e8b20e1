//! What tests of the schedule and of stores need: a world in virtual time, with faults that follow from a seed.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

pub mod authority;
pub mod clock;
pub mod crashing;
pub mod dice;
pub mod workshop;

/// What `future` comes to. `None` if it stands still: nothing in this world waits, but for a node that stopped.
pub fn run<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
