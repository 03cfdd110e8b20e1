//! The text in a mail, decoded: for programs that look for armor in a text and know nothing of mails.

use std::io::{self, Read};

use sealpost::mail::{Next, Walker, starts_mail};

/// How much is read at once.
const WINDOW: usize = 64 * 1024;

/// Reads the bodies of a mail's text parts, one behind the other, with their transfer encodings removed. What is no
/// mail is read as it is.
pub(crate) struct Bodies<R> {
    from: R,
    /// `None` in what is no mail.
    walker: Option<Walker>,
    window: Vec<u8>,
    last: bool,
    /// Whether the encoded text of the part has ended; what is behind has no meaning.
    ended: bool,
    ready: io::Cursor<Vec<u8>>,
}

impl<R: Read> Bodies<R> {
    pub(crate) fn new(from: R) -> io::Result<Self> {
        let mut bodies = Self {
            from,
            walker: None,
            window: Vec::new(),
            last: false,
            ended: false,
            ready: io::Cursor::new(Vec::new()),
        };
        bodies.fill()?;
        bodies.walker = starts_mail(&bodies.window).then(Walker::new);
        Ok(bodies)
    }

    fn fill(&mut self) -> io::Result<()> {
        let wanted = u64::try_from(WINDOW).unwrap_or_default();
        self.last = self.from.by_ref().take(wanted).read_to_end(&mut self.window)? == 0;
        Ok(())
    }

    /// Gets more octets ready, or comes closer to them; says whether there are more.
    fn advance(&mut self) -> io::Result<bool> {
        let Some(walker) = &mut self.walker else {
            let more = !self.window.is_empty();
            self.ready = io::Cursor::new(std::mem::take(&mut self.window));
            self.fill()?;
            return Ok(more);
        };
        let consumed = match walker.look(&self.window, self.last) {
            Next::Frame(len) => len,
            Next::Body { len, encoding, ends } => {
                let text = self.window.get(..len).unwrap_or_default();
                let decoded = encoding.decode(if self.ended { &[] } else { text }, ends);
                self.ended |= decoded.has_ended();
                let consumed = if self.ended { len } else { decoded.consumed() };
                walker.pass(text.get(..consumed).unwrap_or_default());
                self.ready = io::Cursor::new(decoded.octets().to_vec());
                if consumed == 0 && ends {
                    walker.end_part();
                    self.ended = false;
                    self.ready = io::Cursor::new(b"\n".to_vec());
                    return Ok(true);
                }
                consumed
            }
            _ if self.last => return Ok(false),
            _ => 0,
        };
        self.window.drain(..consumed);
        if consumed == 0 {
            self.fill()?;
        }
        Ok(true)
    }
}

impl<R: Read> Read for Bodies<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.ready.read(buffer)?;
            if n > 0 || buffer.is_empty() || !self.advance()? {
                return Ok(n);
            }
        }
    }
}
