//! What a client says to an SMTP server up to the point where MAIL FROM would be sent (RFC 5321 §3.2, RFC 3207):
//! greeting, EHLO, STARTTLS, and EHLO again. No socket: octets in, steps out.

use sealpost_mail::Domain;

use super::reply::{Limits, Replies, Reply, Trouble};
use crate::facts::Channel;

/// What a host offers in its answer to EHLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offers {
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// REQUIRETLS (RFC 8689).
    pub requiretls: bool,
}

impl Offers {
    /// The first line is the greeting; each other one starts with a keyword, in either case (RFC 5321 §4.1.1.1).
    fn of(reply: &Reply) -> Self {
        let offers = |keyword: &str| {
            let first = |line: &String| line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(keyword));
            reply.lines.iter().skip(1).any(first)
        };
        Self { starttls: offers("STARTTLS"), requiretls: offers("REQUIRETLS") }
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "who drives it must know each step")]
pub enum Step {
    /// Send this line.
    Send(String),
    /// Read octets and hand them to [`Dialogue::received`].
    Receive,
    /// Do the handshake of TLS, then call [`Dialogue::secured`]. What comes before its first octet was sent must be
    /// handed to [`Dialogue::received`] also.
    Handshake,
    /// Everything is said up to MAIL FROM. Without TLS: [`Dialogue::clear`] says why.
    Ready,
    /// It is over: this is why.
    Over(Channel),
}

/// A dialogue with one host. The same octets give the same steps, however they were split.
#[derive(Debug)]
pub struct Dialogue {
    helo: Domain,
    replies: Replies,
    phase: Phase,
    pending: Option<String>,
    offers: Offers,
    /// Why there is no TLS, if that is known.
    clear: Option<Channel>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Handshake,
    SecondEhlo,
    SecondHelo,
    Ready,
    Over(Channel),
}

impl Dialogue {
    /// With a host that was just connected to. `helo` is the client's own name. With a reason for `clear`, STARTTLS is
    /// not asked for, though the host offers it: for a mail that may go in clear, after a handshake failed.
    #[must_use]
    pub const fn new(helo: Domain, clear: Option<Channel>, limits: Limits) -> Self {
        let offers = Offers { starttls: false, requiretls: false };
        let replies = Replies::new(limits);
        Self { helo, replies, phase: Phase::Greeting, pending: None, offers, clear }
    }

    /// These octets came.
    pub fn received(&mut self, octets: &[u8]) {
        if !matches!(self.phase, Phase::Over(_)) {
            self.replies.push(octets);
        }
    }

    /// The handshake succeeded: all that the host said so far is forgotten (RFC 3207 §4.2).
    pub fn secured(&mut self) {
        if self.phase == Phase::Handshake && self.replies.is_empty() {
            self.offers = Offers::default();
            self.say(Phase::SecondEhlo, format!("EHLO {}\r\n", self.helo));
        }
    }

    /// The connection broke.
    pub fn broke(&mut self, trouble: &Trouble) {
        let reason = trouble.to_string();
        self.end(match self.phase {
            Phase::Over(_) => return,
            Phase::Greeting | Phase::Ehlo | Phase::Helo => Channel::Unreachable { reason },
            _ => Channel::HandshakeFailed { reason },
        });
    }

    /// The handshake failed, or whatever else made an end.
    pub fn end(&mut self, channel: Channel) {
        self.pending = None;
        self.phase = Phase::Over(channel);
    }

    /// What to do next.
    pub fn step(&mut self) -> Step {
        loop {
            if let Phase::Over(channel) = &self.phase {
                return Step::Over(channel.clone());
            }
            if let Some(line) = self.pending.take() {
                return Step::Send(line);
            }
            match self.phase {
                Phase::Handshake if self.replies.is_empty() => return Step::Handshake,
                Phase::Handshake => self.broke(&Trouble::Injected),
                Phase::Ready => return Step::Ready,
                _ => match self.replies.next() {
                    Ok(Some(reply)) => self.answered(&reply),
                    Ok(None) => return Step::Receive,
                    Err(trouble) => self.broke(&trouble),
                },
            }
        }
    }

    /// What the host offers on the connection as it is: inside of TLS once there is TLS.
    #[must_use]
    pub const fn offers(&self) -> Offers {
        self.offers
    }

    /// Why there is no TLS, once it is [`Step::Ready`]; `None` if there is.
    #[must_use]
    pub const fn clear(&self) -> Option<&Channel> {
        self.clear.as_ref()
    }

    /// What came and was not taken: on a connection that is handed over, nothing.
    pub(crate) fn into_replies(self) -> Replies {
        self.replies
    }

    fn say(&mut self, phase: Phase, line: String) {
        self.phase = phase;
        self.pending = Some(line);
    }

    fn answered(&mut self, reply: &Reply) {
        match (&self.phase, reply.code) {
            (Phase::Greeting, 220) => self.say(Phase::Ehlo, format!("EHLO {}\r\n", self.helo)),
            (Phase::Ehlo, 250) => {
                self.offers = Offers::of(reply);
                if self.clear.is_none() && self.offers.starttls {
                    self.say(Phase::StartTls, "STARTTLS\r\n".to_owned());
                } else {
                    self.ready(Channel::NotOffered);
                }
            }
            // A host that knows no EHLO may know HELO (RFC 5321 §3.2).
            (Phase::Ehlo, 500..=599) => self.say(Phase::Helo, format!("HELO {}\r\n", self.helo)),
            (Phase::SecondEhlo, 500..=599) => self.say(Phase::SecondHelo, format!("HELO {}\r\n", self.helo)),
            (Phase::Helo, 250) => self.ready(Channel::NotOffered),
            (Phase::StartTls, 220) => self.phase = Phase::Handshake,
            (Phase::StartTls, _) => self.ready(Channel::Refused { reply: reply.text() }),
            (Phase::SecondEhlo, 250) => {
                self.offers = Offers::of(reply);
                self.phase = Phase::Ready;
            }
            (Phase::SecondHelo, 250) => self.phase = Phase::Ready,
            _ => self.broke(&Trouble::Rejected(reply.text())),
        }
    }

    fn ready(&mut self, clear: Channel) {
        self.phase = Phase::Ready;
        self.clear.get_or_insert(clear);
    }
}
