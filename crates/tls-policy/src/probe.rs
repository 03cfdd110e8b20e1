//! Connects to a host and finds out how secure the connection is, up to the point where MAIL FROM would be sent.
//!
//! [`Client::probe`] only looks, and says QUIT. [`Client::connect`] hands the connection over, with what was found: who
//! sends a mail lets the engine decide about it, and goes on over the same connection or ends it. What was found is
//! true of this connection only: look again for each one.
//!
//! Whatever a host does, it is a fact and no error: it may be silent, endless, slow, or not speak SMTP at all.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use sealpost_mail::Domain;
use tokio::{net::TcpStream, time};

use crate::{
    facts::{Channel, SessionFacts},
    tls::Conditions,
};

pub mod dialogue;
mod reply;
mod session;

pub use reply::{Limits, Reply, Trouble};
pub use session::Session;

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a caller sets each of them, or takes the default")]
pub struct Patience {
    /// For the connection.
    pub connect: Duration,
    /// For a whole reply, or the handshake.
    pub step: Duration,
    /// For everything up to the point where MAIL FROM would be sent.
    pub total: Duration,
}

impl Default for Patience {
    /// Less than RFC 5321 §4.5.3.2 gives a sender, who should wait five minutes for each reply: somebody is watching.
    fn default() -> Self {
        let [connect, step, total] = [10, 30, 60].map(Duration::from_secs);
        Self { connect, step, total }
    }
}

/// A client of SMTP.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Client {
    /// The name it gives itself: one that leads back to it.
    pub helo: Domain,
    /// How much a host may say.
    pub limits: Limits,
    /// How long it may take.
    pub patience: Patience,
}

impl Client {
    /// One with this name.
    #[must_use]
    pub fn new(helo: Domain) -> Self {
        Self { helo, limits: Limits::default(), patience: Patience::default() }
    }

    /// Finds out how secure a connection to a host is, and ends it. Its certificate is checked against `conditions`.
    pub async fn probe(&self, address: SocketAddr, conditions: &Conditions) -> SessionFacts {
        self.connect(address, conditions).await.quit().await
    }

    /// Connects to a host, with TLS if it offers that. Never without an answer: see [`Session::facts`].
    pub async fn connect(&self, address: SocketAddr, conditions: &Conditions) -> Session {
        self.within(address, Session::open(self, address, Ok(conditions))).await
    }

    /// The first of a host's addresses that answers; the last one, if none does.
    pub async fn connect_any(&self, addresses: &[IpAddr], port: u16, conditions: &Conditions) -> Session {
        let mut session = Session::none(None, "it has no address");
        for address in addresses {
            session = self.connect(SocketAddr::new(*address, port), conditions).await;
            if !matches!(session.facts().channel, Channel::Unreachable { .. }) {
                break;
            }
        }
        session
    }

    /// Connects to a host without TLS, whether it offers that or not: for a mail that may go in clear, since a
    /// connection before showed that there is no TLS. That is `because`, and becomes the fact about this one.
    pub async fn connect_in_clear(&self, address: SocketAddr, because: Channel) -> Session {
        self.within(address, Session::open(self, address, Err(because))).await
    }

    async fn within(&self, address: SocketAddr, session: impl Future<Output = Session>) -> Session {
        let late = || Session::none(Some(address.ip()), Trouble::TooSlow);
        time::timeout(self.patience.total, session).await.unwrap_or_else(|_| late())
    }

    async fn tcp(&self, address: SocketAddr) -> Result<TcpStream, Trouble> {
        let stream = time::timeout(self.patience.connect, TcpStream::connect(address)).await;
        Ok(stream.map_err(|_| Trouble::TooSlow)??)
    }
}
