//! Replies of SMTP servers, out of octets that come in any pieces (RFC 5321 §4.2).

use std::{io, mem};

/// How much a host may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a caller sets each of them, or takes the default")]
pub struct Limits {
    /// Octets of a line, without its end. RFC 5321 §4.5.3.1.5 says 510; hosts that greet at length say more.
    pub line: usize,
    /// Lines of a reply.
    pub lines: usize,
    /// Octets in all, over the life of a connection.
    pub octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 2048, lines: 128, octets: 65_536 }
    }
}

/// What went wrong in a dialogue with a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// Reading or writing failed.
    #[error("the connection failed: {0}")]
    Io(io::ErrorKind),
    /// The host closed the connection.
    #[error("the host closed the connection")]
    Closed,
    /// The time for this step is over.
    #[error("no answer in time")]
    TooSlow,
    /// A line is too long.
    #[error("the host sent a line of more than {0} octets")]
    LongLine(usize),
    /// A reply has too many lines.
    #[error("the host sent a reply of more than {0} lines")]
    ManyLines(usize),
    /// It is too much in all.
    #[error("the host sent more than {0} octets")]
    ManyOctets(usize),
    /// A line is no line of a reply (RFC 5321 §4.2), or has another code than the line before.
    #[error("the host sent what is no reply")]
    NoReply,
    /// Octets stood between the reply to STARTTLS and the handshake: somebody wants them to be taken for what comes
    /// over TLS (RFC 3207 §4.2, CVE-2011-0411).
    #[error("octets came between the reply to STARTTLS and the handshake")]
    Injected,
    /// The host answered before it was asked.
    #[error("the host answered before it was asked")]
    OutOfTurn,
    /// A mail was to be sent to a host that did not answer 354.
    #[error("the host does not take a mail now")]
    NoMail,
    /// The host said no.
    #[error("the host said {0}")]
    Rejected(String),
    /// A command holds what would be taken for more than one.
    #[error("a command must not hold the end of a line")]
    BadCommand,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            kind => Self::Io(kind),
        }
    }
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// Its code: three digits.
    pub code: u16,
    /// The text of each line, without code and end of line: printable ASCII, anything else is `?`.
    pub lines: Vec<String>,
}

impl Reply {
    /// Whether the host did what it was asked for, or asks for more (RFC 5321 §4.2.1).
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        self.code >= 200 && self.code < 400
    }

    /// In one line, as it is quoted: code and texts, of at most some 500 characters.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.code.to_string();
        for line in self.lines.iter().filter(|line| !line.is_empty()) {
            text.push(' ');
            text.push_str(line);
        }
        // All of it is ASCII: each octet is a character.
        text.truncate(512);
        text
    }
}

/// Makes replies out of octets. What comes out depends on the octets alone, not on how they were split.
#[derive(Debug)]
pub(crate) struct Replies {
    limits: Limits,
    /// What came and is in no line yet.
    buffer: Vec<u8>,
    /// The octets of `buffer` that were searched already: no line ends in them.
    searched: usize,
    /// Octets of all lines so far.
    octets: usize,
    /// The lines of the reply that is coming.
    code: u16,
    lines: Vec<String>,
}

impl Replies {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, buffer: Vec::new(), searched: 0, octets: 0, code: 0, lines: Vec::new() }
    }

    pub(crate) fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// Whether nothing is left that came.
    pub(crate) const fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.lines.is_empty()
    }

    /// The next reply, if all of it came.
    pub(crate) fn next(&mut self) -> Result<Option<Reply>, Trouble> {
        while let Some(line) = self.line()? {
            let (code, last, text) = parse(&line).ok_or(Trouble::NoReply)?;
            if !self.lines.is_empty() && code != self.code {
                return Err(Trouble::NoReply);
            }
            self.code = code;
            self.lines.push(text);
            if last {
                return Ok(Some(Reply { code, lines: mem::take(&mut self.lines) }));
            }
            if self.lines.len() >= self.limits.lines {
                return Err(Trouble::ManyLines(self.limits.lines));
            }
        }
        Ok(None)
    }

    /// The next line, without its end, if all of it came.
    fn line(&mut self) -> Result<Option<Vec<u8>>, Trouble> {
        let unseen = self.buffer.iter().skip(self.searched).position(|octet| *octet == b'\n');
        let end = unseen.map(|at| at.saturating_add(self.searched));
        let len = end.unwrap_or(self.buffer.len());
        // Whichever comes first, so that it does not matter how much came at once. A CR may be the last octet.
        let (longest, left) = (self.limits.line.saturating_add(1), self.limits.octets.saturating_sub(self.octets));
        if len > longest.min(left) {
            let many = left < longest;
            return Err(if many { Trouble::ManyOctets(self.limits.octets) } else { self.long_line() });
        }
        let Some(end) = end else {
            self.searched = len;
            return Ok(None);
        };
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        self.searched = 0;
        self.octets = self.octets.saturating_add(line.len());
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if line.len() > self.limits.line { Err(self.long_line()) } else { Ok(Some(line)) }
    }

    const fn long_line(&self) -> Trouble {
        Trouble::LongLine(self.limits.line)
    }
}

/// Code, whether it is the last line, and the text.
fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let (code, rest) = line.split_at_checked(3)?;
    let (first, others) = code.split_first()?;
    // RFC 5321 §4.2: %x32-35 %x30-35 %x30-39; the second digit of some hosts is larger.
    if !(b'2'..=b'5').contains(first) || !others.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = code.iter().fold(0_u16, |code, digit| code * 10 + u16::from(digit - b'0'));
    let (last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    let printable = |octet: &u8| if (b' '..=b'~').contains(octet) { char::from(*octet) } else { '?' };
    Some((code, last, text.iter().map(printable).collect()))
}
