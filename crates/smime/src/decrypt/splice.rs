//! The decrypted mail: the outer header without what described the encrypted body, then the entity that was encrypted.

use std::io::{self, Write};

use crate::{
    Error, Limits, Result,
    mime::{
        header::{Header, Transfer},
        lines::{LineEnd, LineWriter},
    },
    protected::{Heads, ProtectedFields, ProtectedForm, restored},
};

/// Takes an entity and writes the mail.
pub(super) struct Splice<'a> {
    outer: &'a Header,
    limits: &'a Limits,
    state: State<'a>,
}

enum State<'a> {
    /// There may be more of its header.
    Head(Vec<u8>, &'a mut dyn Write),
    Body(LineWriter<&'a mut dyn Write>),
    Failed,
}

impl<'a> Splice<'a> {
    pub(super) fn new(outer: &'a Header, limits: &'a Limits, out: &'a mut dyn Write) -> Self {
        Self { outer, limits, state: State::Head(Vec::new(), out) }
    }

    /// All of the entity has come.
    pub(super) fn finish(mut self) -> Result<()> {
        self.begin()?;
        match self.state {
            State::Body(body) => body.finish().map(drop).map_err(Error::Write),
            _ => Ok(()),
        }
    }

    /// Writes the header and what has come of the body.
    fn begin(&mut self) -> Result<()> {
        let (head, out) = match std::mem::replace(&mut self.state, State::Failed) {
            State::Head(head, out) => (head, out),
            other => {
                self.state = other;
                return Ok(());
            }
        };
        // What is wrong inside must look like all else that is wrong with an encrypted content.
        let Heads { payload, protected, len } = Heads::read(&head, self.limits).map_err(|_| Error::Decryption)?;
        // A mail inside by somebody else is one that was forwarded: it stays as it is.
        let is_own = |protected: &ProtectedFields| {
            protected.form != ProtectedForm::Wrapped || protected.same_author(self.outer) == Some(true)
        };
        let protected = protected.filter(is_own);
        // Octets that are no text are left alone.
        let end = if payload.encoding() == Transfer::Binary { LineEnd::CrLf } else { LineEnd::of(self.outer) };
        let mut mail = LineWriter::new(out, end);
        let fields = restored(self.outer, &payload, protected.as_ref());
        mail.write_all(&fields).and_then(|()| mail.write_all(b"\r\n")).map_err(Error::Write)?;
        // A whole mail inside stays one, unless its header is that of the mail now.
        let unwrapped = protected.is_some_and(|protected| protected.form == ProtectedForm::Wrapped);
        let body = head.get(if unwrapped { len } else { payload.raw().len() }..).unwrap_or_default();
        mail.write_all(body).map_err(Error::Write)?;
        self.state = State::Body(mail);
        Ok(())
    }
}

impl Write for Splice<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Body(body) => return body.write(octets),
            State::Failed => return Err(io::Error::other("writing failed before")),
            // As much as the header of an entity and that of a mail in it may have: to look for their ends each time
            // that an octet comes would take long.
            State::Head(head, _) => {
                head.extend_from_slice(octets);
                if head.len() <= self.limits.header.saturating_mul(2) {
                    return Ok(octets.len());
                }
            }
        }
        self.begin().map_err(io::Error::other)?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Body(body) => body.flush(),
            _ => Ok(()),
        }
    }
}
