//! How a case fails: with words, not with a panic.

use std::{
    fmt::Debug,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{Error, Result};

/// Longer texts are cut: a request of 64 KiB helps nobody.
const LONGEST: usize = 2_000;

/// What differed.
#[derive(Debug)]
pub(super) struct Failed(String);

/// What came of a case.
pub(super) type Outcome<T = ()> = std::result::Result<T, Failed>;

impl Failed {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// The same, at that point.
    pub(super) fn at(self, point: impl std::fmt::Display) -> Self {
        Self(format!("{point}: {}", self.0))
    }
}

/// That `found` is as `wanted`.
pub(super) fn same<T: Debug + PartialEq>(what: &str, found: &T, wanted: &T) -> Outcome {
    if found == wanted { Ok(()) } else { Err(Failed(format!("{what}: {} instead of {}", cut(found), cut(wanted)))) }
}

/// That `holds`.
pub(super) fn ensure(holds: bool, problem: &str) -> Outcome {
    if holds { Ok(()) } else { Err(Failed::new(problem)) }
}

/// What must be there.
pub(super) fn there<T>(what: &str, found: Option<T>) -> Outcome<T> {
    found.ok_or_else(|| Failed(format!("{what} is missing")))
}

/// That it was refused because another node took over.
pub(super) fn fenced<T: Debug>(what: &str, result: &Result<T>) -> Outcome {
    match result {
        Err(Error::Fenced { .. }) => Ok(()),
        other => Err(Failed(format!("{what}: {} instead of Fenced", cut(other)))),
    }
}

/// That it was refused because there is no such thing.
pub(super) fn not_found<T: Debug>(what: &str, result: &Result<T>) -> Outcome {
    match result {
        Err(Error::NotFound { .. }) => Ok(()),
        other => Err(Failed(format!("{what}: {} instead of NotFound", cut(other)))),
    }
}

fn cut(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Runs all of them together.
pub(super) async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<Running<F>> = futures.into_iter().map(|future| Running::Yet(Box::pin(future))).collect();
    poll_fn(|context| {
        let left = running.iter_mut().filter_map(|running| running.poll(context).is_pending().then_some(())).count();
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(Running::into_output).collect()
}

enum Running<F: Future> {
    Yet(Pin<Box<F>>),
    Done(F::Output),
}

impl<F: Future> Running<F> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Self::Yet(future) = self {
            match future.as_mut().poll(context) {
                Poll::Ready(output) => *self = Self::Done(output),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    fn into_output(self) -> Option<F::Output> {
        match self {
            Self::Done(output) => Some(output),
            Self::Yet(_) => None,
        }
    }
}

/// Lets `future` run until it waits for the first time, and drops it.
pub(super) async fn start_and_drop<F: Future>(future: F) {
    let mut future = Box::pin(future);
    poll_fn(|context| {
        drop(future.as_mut().poll(context));
        Poll::Ready(())
    })
    .await;
}
