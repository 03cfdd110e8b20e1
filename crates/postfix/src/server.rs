//! A server of short dialogues over TCP or a UNIX socket: one request, one reply, any number of them over a
//! connection, each in its turn.
//!
//! Nothing grows without a bound: so many connections at a time, one buffer of at most a request each, one request
//! each. Whoever sends junk, or nothing, or does not read, is put out; the others go on.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{Error, Result};

mod conversation;
mod listener;
#[cfg(test)]
mod tests;

pub use listener::Listener;

/// What is spoken over a connection.
pub trait Dialogue: Send + Sync + 'static {
    /// What the other side asks.
    type Request: Send;

    /// Takes the first request off `input`: it, and how many octets it takes. `None` if the rest is still to come.
    ///
    /// # Errors
    ///
    /// Any, if it is none and never will be one. The connection ends then.
    fn decode(&self, input: &[u8]) -> Result<Option<(Self::Request, usize)>>;

    /// Answers a request; `None` ends the connection without an answer.
    fn answer(&self, request: Self::Request) -> impl Future<Output = Option<Vec<u8>>> + Send;

    /// What to say before the connection ends on account of `error`; `None` for nothing.
    fn parting(&self, error: &Error) -> Option<Vec<u8>>;
}

/// What bounds a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "each has its default")]
pub struct Limits {
    /// How many connections there are at a time. Further ones wait until one ends.
    pub connections: usize,
    /// How long a connection may be silent between two requests.
    pub idle: Duration,
    /// How long a request may take to come in, an answer to be found, and a reply to be read. Postfix waits 100 s for
    /// a socketmap (`socketmap_table(5)`, `ipc_timeout`).
    pub request: Duration,
    /// How long what is under way may take once the server is told to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            idle: Duration::from_mins(5),
            request: Duration::from_mins(1),
            grace: Duration::from_secs(10),
        }
    }
}

/// What a server tells whoever runs it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A connection ended because of something other than its end.
    Ended {
        /// Where it came from.
        peer: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// No connection could be taken. It is tried again.
    NotAccepted(&'a Error),
    /// A look-up was answered with a doubt.
    Doubt {
        /// In which map.
        map: &'a str,
        /// Of what.
        key: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// A user's permission to send one mail without the guarantee was used up.
    OneTime {
        /// Whose.
        user: &'a str,
        /// For a mail to whom.
        recipient: &'a str,
        /// Which mail, as Postfix counts them.
        instance: &'a str,
    },
}

/// One line.
impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended { peer, error } => write!(f, "{peer}: connection ended: {error}"),
            Self::NotAccepted(error) => write!(f, "no connection taken: {error}"),
            Self::Doubt { map, key, error } => write!(f, "{map} {key:?}: no answer: {error}"),
            Self::OneTime { user, recipient, instance } => {
                write!(f, "one mail without the guarantee: user {user:?}, to {recipient:?}, mail {instance:?}")
            }
        }
    }
}

/// Who is told. It is called while requests wait, so it must not.
pub trait Journal: Send + Sync + 'static {
    /// Takes note of `event`.
    fn note(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync + 'static> Journal for F {
    fn note(&self, event: &Event<'_>) {
        self(event);
    }
}

/// Serves until `stop` comes true; then takes no connection, finishes the requests that came in, and returns.
pub async fn serve<D: Dialogue>(
    listener: Listener,
    dialogue: Arc<D>,
    limits: Limits,
    journal: Arc<dyn Journal>,
    stop: impl Future<Output = ()> + Send,
) {
    let gate = Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let (ending, ended) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = tasks.join_next() => continue,
            accepted = accept(&listener, &gate) => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => {
                let (dialogue, journal, ended) = (Arc::clone(&dialogue), Arc::clone(&journal), ended.clone());
                tasks.spawn(async move {
                    let _permit = permit;
                    if let Err(error) = conversation::hold(stream, &*dialogue, limits, ended).await {
                        journal.note(&Event::Ended { peer: &peer, error: &error });
                    }
                });
            }
            Err(error) => {
                journal.note(&Event::NotAccepted(&error));
                // Too many open files, mostly: time must pass until it can get better.
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let _ = ending.send(true);
    let rest = async { while tasks.join_next().await.is_some() {} };
    // What is not done by then is dropped with the set.
    let _ = timeout(limits.grace, rest).await;
}

/// Waits for room, then for a connection.
async fn accept(
    listener: &Listener,
    gate: &Arc<Semaphore>,
) -> Result<(listener::Stream, String, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(gate).acquire_owned().await.map_err(|_| Error::Late("the end of the server"))?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}
