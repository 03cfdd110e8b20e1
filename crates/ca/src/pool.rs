//! Keys made ahead: an RSA key takes about a second, a mass replacement needs thousands (trap T19).

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::{KeyKind, Result, apart::apart, keys::Key};

/// A bounded stock of keys of one kind, wiped when it is dropped. A thread fills it up in the background whenever a
/// key was taken; none runs while it is full.
#[derive(Clone)]
pub struct KeyPool(Arc<Pool>);

struct Pool {
    kind: KeyKind,
    size: usize,
    stock: Mutex<Stock>,
}

#[derive(Default)]
struct Stock {
    keys: VecDeque<Key>,
    filling: bool,
}

impl KeyPool {
    /// A pool of at most `size` keys; with 0, each is made when it is needed. It starts to fill at once.
    #[must_use]
    pub fn new(kind: KeyKind, size: usize) -> Self {
        let pool = Self(Arc::new(Pool { kind, size, stock: Mutex::default() }));
        pool.fill();
        pool
    }

    /// Of which kind its keys are.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.0.kind
    }

    /// How many keys are ready.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.0.stock().keys.len()
    }

    /// A key that nobody else gets: from the stock, or made now on a thread of its own.
    pub(crate) async fn take(&self) -> Result<Key> {
        let ready = self.0.stock().keys.pop_front();
        self.fill();
        if let Some(key) = ready {
            return Ok(key);
        }
        let kind = self.0.kind;
        apart(move || Key::generate(kind)).await.unwrap_or(Err(crate::Error::Key("it could not be made")))
    }

    fn fill(&self) {
        let pool = Arc::clone(&self.0);
        if !pool.may_start() {
            return;
        }
        let started = thread::Builder::new().name("sealpost-keys".to_owned()).spawn(move || pool.run());
        if started.is_err() {
            // The next one who takes a key tries again.
            self.0.stock().filling = false;
        }
    }
}

impl Pool {
    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a thread is to be started; one that asks then must start it.
    fn may_start(&self) -> bool {
        let mut stock = self.stock();
        let start = !stock.filling && stock.keys.len() < self.size;
        stock.filling |= start;
        start
    }

    fn run(self: Arc<Self>) {
        loop {
            // Who else still has the pool? If nobody, the keys would be for nobody.
            let made = if Arc::strong_count(&self) > 1 { Key::generate(self.kind).ok() } else { None };
            let mut stock = self.stock();
            let go_on = made.is_some();
            stock.keys.extend(made);
            if !go_on || stock.keys.len() >= self.size {
                stock.filling = false;
                return;
            }
        }
    }
}

impl fmt::Debug for KeyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPool").field("kind", &self.kind()).field("size", &self.0.size).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::wait::wait;

    #[test]
    fn a_pool_never_holds_more_than_its_size_and_never_gives_a_key_twice() {
        let pool = KeyPool::new(KeyKind::P256, 3);
        let keys: HashSet<Vec<u8>> = (0..40)
            .map(|_| {
                assert!(pool.ready() <= 3);
                wait(pool.take()).unwrap().spki().to_vec()
            })
            .collect();
        assert_eq!(keys.len(), 40);
        while pool.ready() < 3 {
            thread::yield_now();
        }
        assert_eq!(wait(KeyPool::new(KeyKind::P256, 0).take()).unwrap().spki().len(), 91);
    }
}
