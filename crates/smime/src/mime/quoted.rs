//! Quoted-printable (RFC 2045 §6.7), written so that no relay changes it.

use std::io::{self, Write};

use sealpost_mail::QuotedPrintable;

/// How much is written at once.
const BLOCK: usize = 16 << 10;

/// Writes text, whose lines end with CRLF, in quoted-printable.
pub(crate) struct Encoder<W> {
    to: W,
    pending: Vec<u8>,
    out: Vec<u8>,
    state: QuotedPrintable,
}

impl<W: Write> Encoder<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { to, pending: Vec::new(), out: Vec::new(), state: QuotedPrintable::new() }
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.encode(0)?;
        Ok(self.to)
    }

    /// Writes all that is pending but the last octets.
    fn encode(&mut self, but: usize) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        while rest.len() > but {
            let len = self.state.octet(rest, &mut self.out);
            rest = rest.get(len..).unwrap_or_default();
        }
        self.pending = rest.to_vec();
        let written = self.to.write_all(&self.out);
        self.out.clear();
        written
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let taken = octets.len().min(BLOCK);
        self.pending.extend_from_slice(octets.get(..taken).unwrap_or_default());
        self.encode(QuotedPrintable::AHEAD)?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use sealpost_mail::Encoding;

    use super::*;
    use crate::mime::hazards::Hazards;

    fn encoded(text: &[u8], sizes: &[usize]) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        let (mut rest, mut sizes) = (text, sizes.iter().cycle());
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            encoder.write_all(piece).unwrap();
            rest = behind;
        }
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_fragile_is_written_as_digits() {
        let text = "From me\r\n-- \r\n\r\nxFrom = ä\t\r\n ";
        assert_eq!(encoded(text.as_bytes(), &[100]), b"=46rom me\r\n--=20\r\n\r\nxFrom =3D =C3=A4=09\r\n=20");
    }

    proptest! {
        #[test]
        fn nothing_is_fragile_and_all_can_be_read_again(
            text in "(From |F|\r\n| |\t|a{1,30}|\r|=|\0|ä|x{60,90}){0,20}", sizes in vec(1_usize..30, 1..4),
        ) {
            let written = encoded(text.as_bytes(), &sizes);
            prop_assert_eq!(Encoding::QuotedPrintable.decode(&written, true).octets().to_vec(), text.as_bytes());
            let hazards = Hazards::of(&written[..]).unwrap();
            prop_assert!(hazards.is_seven_bit() && !hazards.is_fragile() && hazards.longest <= 76);
            prop_assert_eq!(written, encoded(text.as_bytes(), &[1000]));
        }
    }
}
