//! Work that takes long is done on a thread of its own, so that whoever waits for it blocks nobody, under any executor.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

/// What the thread and who waits for it share.
enum Work<T> {
    Running(Option<Waker>),
    Done(T),
    /// The thread ended without a result.
    Lost,
    Taken,
}

struct Shared<T>(Arc<Mutex<Work<T>>>);

impl<T> Shared<T> {
    fn put(&self, outcome: Work<T>) {
        let mut work = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Work::Running(waker) = std::mem::replace(&mut *work, outcome) {
            drop(work);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// Tells who waits that nothing will come, unless something came.
struct Promise<T>(Option<Shared<T>>);

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.put(Work::Lost);
        }
    }
}

/// The result of work on another thread; `None` if there was no thread for it, or it panicked.
pub(crate) struct Apart<T>(Shared<T>);

/// Has `work` done on a thread of its own. It is done also if nobody waits any more.
pub(crate) fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Apart<T> {
    let shared = Arc::new(Mutex::new(Work::Running(None)));
    let mut promise = Promise(Some(Shared(Arc::clone(&shared))));
    // If no thread can be had, the promise is dropped with the closure.
    let _ = thread::Builder::new().name("sealpost-key".to_owned()).spawn(move || {
        let done = work();
        if let Some(shared) = promise.0.take() {
            shared.put(Work::Done(done));
        }
    });
    Apart(Shared(shared))
}

impl<T> Future for Apart<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut work = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *work, Work::Taken) {
            Work::Done(done) => Poll::Ready(Some(done)),
            Work::Lost | Work::Taken => Poll::Ready(None),
            Work::Running(_) => {
                *work = Work::Running(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::wait;

    #[test]
    fn who_waits_gets_the_result_or_learns_that_there_is_none() {
        assert_eq!(wait(apart(|| 7)), Some(7));
        assert_eq!(wait(apart(|| panic!("on purpose"))), None::<u8>);
    }
}
