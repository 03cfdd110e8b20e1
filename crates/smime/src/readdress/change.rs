//! Bodies whose beginning stands for other octets. Of base64 (RFC 2045 §6.8) the rest stays as it is, or is written anew in
//! lines as long as they were.

use std::{
    io::{BufRead, Read, Seek, Write},
    ops::Range,
};

use base64_simd::{AsOut, STANDARD};

use crate::{
    Error, Result,
    mime::{
        base64::{Decoder, Encoder, Lines, is_blank},
        header::Transfer,
        window::Window,
    },
};

/// How many line ends and blanks at the end of a text are kept.
const BLANKS_MAX: u64 = 1 << 10;

/// What becomes of a part of a mail.
#[derive(Debug)]
pub(super) struct Change {
    /// Where it is.
    pub(super) place: Range<u64>,
    /// What stands at the beginning then.
    pub(super) head: Vec<u8>,
    pub(super) form: Form,
}

/// How it is written.
#[derive(Debug)]
pub(super) enum Form {
    /// As it is.
    Octets,
    /// In base64, and a line end behind if the line is to end.
    Text { lines: Lines, ended: bool },
    /// In base64 with all that stood in its place, but for so many octets at the beginning.
    Whole { lines: Lines, old: u64 },
}

impl Change {
    /// `head` in the place of the first `old` octets that a body stands for.
    pub(super) fn plan<M: Read + Seek>(
        mail: &mut M,
        (body, encoding): (Range<u64>, Transfer),
        old: u64,
        mut head: Vec<u8>,
    ) -> Result<Self> {
        if encoding.is_identity() {
            return Ok(Self { place: body.start..body.start.saturating_add(old), head, form: Form::Octets });
        }
        let lines = Window::new(&mut *mail, body.clone()).and_then(Lines::of).map_err(Error::read)?;
        // Octets of the last group of three that are behind the head.
        let behind = usize::try_from((3 - old % 3) % 3).unwrap_or_default();
        if (head.len() + behind).is_multiple_of(3)
            && let Some(seam) = Seam::find(Window::new(mail, body.clone()).map_err(Error::read)?, old)?
        {
            head.extend_from_slice(seam.last.get(3 - behind..).unwrap_or_default());
            let form = Form::Text { lines, ended: !seam.ends_line };
            return Ok(Self { place: body.start..body.start.saturating_add(seam.at), head, form });
        }
        Ok(Self { place: body, head, form: Form::Whole { lines, old } })
    }

    pub(super) fn write<M: Read + Seek>(&self, mail: &mut M, out: &mut dyn Write) -> Result<()> {
        match self.form {
            Form::Octets => out.write_all(&self.head).map_err(Error::Write),
            Form::Text { lines, ended } => {
                let mut encoder = Encoder::in_lines(out, lines);
                encoder.write_all(&self.head).map_err(Error::Write)?;
                let written = if ended { encoder.finish() } else { encoder.finish_open() };
                written.map(drop).map_err(Error::Write)
            }
            Form::Whole { lines, old } => self.write_whole(mail, lines, old, out),
        }
    }

    /// The blanks and line ends at the end of the text stay.
    fn write_whole<M: Read + Seek>(&self, mail: &mut M, lines: Lines, old: u64, out: &mut dyn Write) -> Result<()> {
        let mut encoder = Encoder::in_lines(&mut *out, lines);
        encoder.write_all(&self.head).map_err(Error::Write)?;
        let mut decoder = Decoder::new(Window::new(&mut *mail, self.place.clone()).map_err(Error::read)?);
        let mut old = old;
        loop {
            let octets = decoder.fill_buf().map_err(Error::read)?;
            let len = octets.len();
            if len == 0 {
                break;
            }
            let passed = usize::try_from(old).map_or(len, |old| old.min(len));
            encoder.write_all(octets.get(passed..).unwrap_or_default()).map_err(Error::Write)?;
            old -= u64::try_from(passed).unwrap_or(old);
            decoder.consume(len);
        }
        encoder.finish_open().map_err(Error::Write)?;
        out.write_all(&blanks(mail, &self.place)?).map_err(Error::Write)
    }
}

/// What a text ends with behind its last character.
fn blanks<M: Read + Seek>(mail: &mut M, text: &Range<u64>) -> Result<Vec<u8>> {
    let start = text.end.saturating_sub(BLANKS_MAX).max(text.start);
    let mut end = Vec::new();
    let window = Window::new(mail, start..text.end);
    window.and_then(|mut window| window.read_to_end(&mut end)).map_err(Error::read)?;
    Ok(end.split_off(end.trim_ascii_end().len()))
}

/// Where, behind characters that stand for whole groups of three octets, a text can be cut.
struct Seam {
    /// How many octets of text are in front of it.
    at: u64,
    /// The three octets right in front of it.
    last: [u8; 3],
    /// Whether a line ends there.
    ends_line: bool,
}

impl Seam {
    /// The first behind so many octets of what the text stands for. None if it ends before.
    fn find(text: impl BufRead, octets: u64) -> Result<Option<Self>> {
        let mut text = text.bytes();
        let mut missing = octets.div_ceil(3).saturating_mul(4);
        let (mut at, mut group) = (0, [0; 4]);
        while missing > 0 {
            let Some(c) = text.next().transpose().map_err(Error::read)? else { return Ok(None) };
            at += 1;
            if !is_blank(c) {
                let [_, second, third, fourth] = group;
                group = [second, third, fourth, c];
                missing -= 1;
            }
        }
        let mut last = [0; 3];
        let whole = STANDARD.decode(&group, last.as_mut_slice().as_out()).is_ok_and(|octets| octets.len() == 3);
        let ends_line = text.next().transpose().map_err(Error::read)?.is_none_or(|c| matches!(c, b'\r' | b'\n'));
        Ok(whole.then_some(Self { at, last, ends_line }))
    }
}
