//! On the wire to a server of DNS.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What is done to questions about TLSA records. All others pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NameTrick {
    /// Nothing.
    #[default]
    None,
    /// They are not answered.
    Drop,
    /// They are answered with SERVFAIL.
    Fail,
    /// They are answered: there are none. Nothing proves it.
    Deny,
    /// They are answered: there is no such name. Nothing proves it.
    DenyName,
}

impl NameTrick {
    /// All that are tricks.
    pub const ALL: [Self; 4] = [Self::Drop, Self::Fail, Self::Deny, Self::DenyName];
}

const TLSA: [u8; 2] = [0, 52];

/// The longest message over UDP that we take.
const LONGEST: usize = 65_535;

#[derive(Debug, Default)]
struct State {
    trick: NameTrick,
    killed: usize,
}

/// The attacker.
#[derive(Clone, Debug)]
pub struct NameAttacker(Arc<Mutex<State>>);

impl NameAttacker {
    /// Sits down at `address`, on the way to the server at `target`.
    pub(crate) fn start(address: &str, target: &'static str) -> Self {
        let socket = Arc::new(UdpSocket::bind(address).expect("the attacker's address"));
        let listener = TcpListener::bind(address).expect("the attacker's address");
        let attacker = Self(Arc::default());
        let this = attacker.clone();
        thread::spawn(move || {
            let mut question = vec![0; LONGEST];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                let (this, socket, question) = (this.clone(), Arc::clone(&socket), question[..length].to_vec());
                thread::spawn(move || match this.forge(&question) {
                    Some(answer) => socket.send_to(&answer, from).map(drop),
                    None if this.is_dropped(&question) => Ok(()),
                    None => socket.send_to(&over_udp(target, &question)?, from).map(drop),
                });
            }
        });
        let this = attacker.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let this = this.clone();
                thread::spawn(move || this.serve(client, target));
            }
        });
        attacker
    }

    /// Does this to all questions from now on.
    ///
    /// # Panics
    ///
    /// If a thread of the attacker panicked.
    pub fn play(&self, trick: NameTrick) {
        *self.0.lock().unwrap() = State { trick, killed: 0 };
    }

    /// How many answers were killed.
    ///
    /// # Panics
    ///
    /// If a thread of the attacker panicked.
    #[must_use]
    pub fn killed(&self) -> usize {
        self.0.lock().unwrap().killed
    }

    fn serve(&self, mut client: TcpStream, target: &str) -> io::Result<()> {
        loop {
            let question = read_framed(&mut client)?;
            let answer = match self.forge(&question) {
                Some(answer) => answer,
                None if self.is_dropped(&question) => continue,
                None => {
                    let mut server = TcpStream::connect(target)?;
                    write_framed(&mut server, &question)?;
                    read_framed(&mut server)?
                }
            };
            write_framed(&mut client, &answer)?;
        }
    }

    fn is_dropped(&self, question: &[u8]) -> bool {
        let mut state = self.0.lock().unwrap();
        let dropped = state.trick == NameTrick::Drop && asks_for_tlsa(question).is_some();
        state.killed += usize::from(dropped);
        dropped
    }

    /// An answer of ours.
    fn forge(&self, question: &[u8]) -> Option<Vec<u8>> {
        let end = asks_for_tlsa(question)?;
        let mut state = self.0.lock().unwrap();
        let code = match state.trick {
            NameTrick::None | NameTrick::Drop => return None,
            NameTrick::Fail => 2,
            NameTrick::Deny => 0,
            NameTrick::DenyName => 3,
        };
        state.killed += 1;
        // The question, as an answer that is authoritative, with nothing behind it.
        let mut answer = question[..end].to_vec();
        answer[2] = 0x84 | (question[2] & 1);
        answer[3] = 0x80 | code;
        answer[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        Some(answer)
    }
}

/// Where the question ends, if it is one for TLSA records.
fn asks_for_tlsa(question: &[u8]) -> Option<usize> {
    let mut at = 12;
    loop {
        match question.get(at)? {
            0 => break,
            length => at += 1 + usize::from(*length),
        }
    }
    (question.get(at + 1..at + 3)? == TLSA && question.len() >= at + 5).then_some(at + 5)
}

fn over_udp(target: &str, question: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    socket.send_to(question, target)?;
    let mut answer = vec![0; LONGEST];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn read_framed(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(message)
}

fn write_framed(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], message].concat())
}
