//! A connection to a host, and what goes over it.

use std::{
    fmt, io, mem,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{self, Instant},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    Client,
    dialogue::{Dialogue, Step},
    reply::{Replies, Reply, Trouble},
};
use crate::{
    facts::{Channel, SessionFacts},
    tls::{Conditions, Handshake, channel_of_io},
};

/// A connection to a host at the point where MAIL FROM would be sent, or why there is none.
#[derive(Debug)]
pub struct Session {
    facts: SessionFacts,
    open: Option<Open>,
}

/// A connection that is open.
#[derive(Debug)]
struct Open {
    stream: Stream,
    replies: Replies,
    step: Duration,
    /// Whether the last reply was 354: what is sent next is a mail, and no commands.
    takes_mail: bool,
}

impl Session {
    /// No connection.
    pub(crate) fn none(address: Option<IpAddr>, reason: impl fmt::Display) -> Self {
        Self::failed(address, Channel::Unreachable { reason: reason.to_string() })
    }

    const fn failed(address: Option<IpAddr>, channel: Channel) -> Self {
        Self { facts: SessionFacts { address, channel, requiretls: false }, open: None }
    }

    /// With TLS if the host offers that; with a reason not to, without.
    pub(crate) async fn open(client: &Client, address: SocketAddr, security: Result<&Conditions, Channel>) -> Self {
        let ip = Some(address.ip());
        let patience = client.patience.step;
        let mut tcp = match client.tcp(address).await {
            Ok(tcp) => tcp,
            Err(trouble) => return Self::none(ip, trouble),
        };
        let (conditions, clear) = match security {
            Ok(conditions) => (Some(conditions), None),
            Err(clear) => (None, Some(clear)),
        };
        let mut dialogue = Dialogue::new(client.helo.clone(), clear, client.limits);
        let conditions = match (drive(&mut tcp, &mut dialogue, patience).await, conditions) {
            (Step::Over(channel), _) => return Self::failed(ip, channel),
            (Step::Handshake, Some(conditions)) => conditions,
            _ => {
                let clear = dialogue.clear().cloned().unwrap_or(Channel::NotOffered);
                return Self::ready(ip, clear, Stream::Clear(tcp), dialogue, patience);
            }
        };
        let (mut tls, channel) = match handshake(tcp, conditions, patience).await {
            Ok(done) => done,
            Err(channel) => return Self::failed(ip, channel),
        };
        dialogue.secured();
        match drive(&mut tls, &mut dialogue, patience).await {
            Step::Over(channel) => Self::failed(ip, channel),
            _ => Self::ready(ip, channel, Stream::Tls(Box::new(tls)), dialogue, patience),
        }
    }

    fn ready(ip: Option<IpAddr>, channel: Channel, stream: Stream, dialogue: Dialogue, step: Duration) -> Self {
        // What a host says in clear, anybody can have said.
        let requiretls = matches!(channel, Channel::Tls { .. }) && dialogue.offers().requiretls;
        let open = Open { stream, replies: dialogue.into_replies(), step, takes_mail: false };
        Self { facts: SessionFacts { address: ip, channel, requiretls }, open: Some(open) }
    }

    /// What was found.
    #[must_use]
    pub const fn facts(&self) -> &SessionFacts {
        &self.facts
    }

    /// Whether there is a connection that a mail can go over.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Says QUIT, if there is a connection, and gives back what was found.
    pub async fn quit(mut self) -> SessionFacts {
        if let Some(open) = &mut self.open {
            // Everything that matters is known: a host that is slow to say goodbye is left.
            open.step = open.step.min(Duration::from_secs(2));
            drop(open.command("QUIT").await);
            drop(time::timeout(open.step, open.stream.shutdown()).await);
        }
        self.facts
    }

    /// Sends a command, without its end of line, and gives back the reply.
    ///
    /// # Errors
    ///
    /// [`Error::Smtp`](crate::Error::Smtp) if there is no connection, or if it fails.
    pub async fn command(&mut self, line: &str) -> crate::Result<Reply> {
        let open = self.open.as_mut().ok_or(Trouble::Closed)?;
        Ok(open.command(line).await?)
    }

    /// Sends a mail's content after the host answered 354 to DATA, with its dots doubled (RFC 5321 §4.5.2), and gives
    /// back the reply.
    ///
    /// # Errors
    ///
    /// [`Error::Smtp`](crate::Error::Smtp) if there is no connection, if it fails, or if the host did not answer 354:
    /// it would take the lines of the mail for commands.
    pub async fn content(&mut self, mail: &[u8]) -> crate::Result<Reply> {
        let open = self.open.as_mut().ok_or(Trouble::Closed)?;
        if !mem::take(&mut open.takes_mail) {
            return Err(Trouble::NoMail.into());
        }
        if !open.replies.is_empty() {
            return Err(Trouble::OutOfTurn.into());
        }
        open.send(&stuffed(mail)).await?;
        Ok(open.reply().await?)
    }
}

impl Open {
    async fn command(&mut self, line: &str) -> Result<Reply, Trouble> {
        if line.contains(['\r', '\n']) {
            return Err(Trouble::BadCommand);
        }
        // What is taken for the reply must be one: else a mail counts as sent that was not.
        if !self.replies.is_empty() {
            return Err(Trouble::OutOfTurn);
        }
        self.send(format!("{line}\r\n").as_bytes()).await?;
        let reply = self.reply().await?;
        self.takes_mail = reply.code == 354;
        Ok(reply)
    }

    async fn send(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        write(&mut self.stream, octets, self.step).await
    }

    async fn reply(&mut self) -> Result<Reply, Trouble> {
        let (stream, replies) = (&mut self.stream, &mut self.replies);
        let whole = async {
            loop {
                if let Some(reply) = replies.next()? {
                    return Ok(reply);
                }
                replies.push(&read(stream).await?);
            }
        };
        time::timeout(self.step, whole).await.map_err(|_| Trouble::TooSlow)?
    }
}

/// Sends and receives, until it is time for something else.
async fn drive<S>(stream: &mut S, dialogue: &mut Dialogue, patience: Duration) -> Step
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // For a whole reply: a host that sends it octet by octet gets no more time for that.
    let mut until = Instant::now() + patience;
    loop {
        let done = match dialogue.step() {
            Step::Send(line) => {
                until = Instant::now() + patience;
                write(stream, line.as_bytes(), patience).await
            }
            Step::Receive => match time::timeout_at(until, read(stream)).await {
                Ok(read) => read.map(|octets| dialogue.received(&octets)),
                Err(_) => Err(Trouble::TooSlow),
            },
            step => return step,
        };
        if let Err(trouble) = done {
            dialogue.broke(&trouble);
        }
    }
}

/// Gives back the connection and what it shows, or why there is none.
async fn handshake(
    tcp: TcpStream,
    conditions: &Conditions,
    patience: Duration,
) -> Result<(TlsStream<TcpStream>, Channel), Channel> {
    let failed = |reason: String| Channel::HandshakeFailed { reason };
    // A server of TLS waits for the client to speak first.
    if tcp.try_read(&mut [0]).is_ok_and(|octets| octets > 0) {
        return Err(failed(Trouble::Injected.to_string()));
    }
    // One for each connection: what it saw is true of that only.
    let handshake = Handshake::new(conditions.clone()).map_err(|error| failed(error.to_string()))?;
    let connected = TlsConnector::from(handshake.config()).connect(handshake.server_name(), tcp);
    match time::timeout(patience, connected).await {
        Ok(Ok(tls)) => match handshake.channel(tls.get_ref().1.protocol_version()) {
            channel @ Channel::Tls { .. } => Ok((tls, channel)),
            other => Err(other),
        },
        Ok(Err(error)) => Err(channel_of_io(&error)),
        Err(_) => Err(failed(Trouble::TooSlow.to_string())),
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, octets: &[u8], patience: Duration) -> Result<(), Trouble> {
    let all = async {
        stream.write_all(octets).await?;
        stream.flush().await
    };
    Ok(time::timeout(patience, all).await.map_err(|_| Trouble::TooSlow)??)
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, Trouble> {
    let mut octets = Vec::with_capacity(2048);
    match stream.read_buf(&mut octets).await? {
        0 => Err(Trouble::Closed),
        _ => Ok(octets),
    }
}

/// A connection, with TLS or without.
#[derive(Debug)]
enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_write(cx, octets),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

/// A mail as it goes over the wire: each line ends with CRLF, a dot at its start is doubled, and a dot ends it.
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len().saturating_add(5));
    let lines = mail.strip_suffix(b"\n").unwrap_or(mail).split(|octet| *octet == b'\n');
    for line in lines {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        // A bare CR could be taken for the end of a line, too.
        out.extend(line.iter().filter(|octet| **octet != b'\r'));
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}
