//! PEM (RFC 7468): several blocks, text around them, or DER by itself.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::{Certificate, Error, Limits, Result};

const PLACE: &str = "PEM";
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Octets of a full line: 64 characters of base64 (RFC 7468 §2).
const LINE: usize = 48;

/// Writes a block of PEM (RFC 7468 §3): `der`, called `label`, such as `CERTIFICATE` or `ENCRYPTED PRIVATE KEY`.
#[must_use]
pub fn write_pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    // As large as it becomes at once, so that nothing is left behind in memory: a line of 65 characters for each 48
    // octets, and two around them.
    let mut pem = Zeroizing::new(String::with_capacity(65 * (der.len() / LINE + 1) + 2 * (label.len() + 24)));
    let mut characters = Zeroizing::new([0; LINE / 3 * 4]);
    pem.extend(["-----BEGIN ", label, "-----\n"]);
    for line in der.chunks(LINE) {
        // A line has room for its characters.
        pem.push_str(Base64::encode(line, characters.as_mut_slice()).unwrap_or_default());
        pem.push('\n');
    }
    pem.extend(["-----END ", label, "-----\n"]);
    pem
}

/// What was between two lines of PEM, or DER by itself.
pub(crate) struct Block {
    label: Option<String>,
    /// Old headers (RFC 1421), which say that it is encrypted.
    headers: bool,
    der: Zeroizing<Vec<u8>>,
}

impl Block {
    /// All blocks in `input`; if there is none, but it begins as DER does, all of it.
    pub(crate) fn read_all(input: &[u8], limits: &Limits) -> Result<Vec<Self>> {
        if input.len() > limits.structure {
            let limit = u64::try_from(limits.structure).unwrap_or(u64::MAX);
            return Err(Error::Limit { what: "octets of a file", limit });
        }
        if input.first() == Some(&0x30) {
            return Ok(vec![Self { label: None, headers: false, der: Zeroizing::new(input.to_vec()) }]);
        }
        let mut blocks = Vec::new();
        // Room for the text of each block, one after the other: it never grows, and is wiped once.
        let mut text = Zeroizing::new(Vec::with_capacity(input.len()));
        let mut lines = Lines { input, at: 0 };
        while let Some((at, line)) = lines.next() {
            if let Some(label) = line.strip_prefix(BEGIN).and_then(|line| line.strip_suffix(DASHES)) {
                blocks.push(Self::read(label, at, &mut lines, &mut text)?);
            }
        }
        Ok(blocks)
    }

    /// What it is called; `None` of DER by itself.
    pub(crate) fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    pub(crate) fn der(&self) -> Result<&[u8]> {
        if self.headers {
            return Err(Error::Key("it is encrypted in the old form of OpenSSL: `openssl pkcs8 -topk8` makes it new"));
        }
        Ok(&self.der)
    }

    fn read(label: &[u8], begin: u64, lines: &mut Lines<'_>, text: &mut Vec<u8>) -> Result<Self> {
        text.clear();
        let mut headers = false;
        for (at, line) in lines {
            if let Some(end) = line.strip_prefix(END) {
                if end.strip_suffix(DASHES) != Some(label) {
                    return Err(wrong(at, "it ends as another block than it begins"));
                }
                let der = decode(text).ok_or(wrong(begin, "it is no base64"))?;
                let label = Some(String::from_utf8_lossy(label).into_owned());
                return Ok(Self { label, headers, der });
            }
            if line.contains(&b':') {
                headers = true;
            } else {
                text.extend(line.iter().filter(|octet| !octet.is_ascii_whitespace()));
            }
        }
        Err(wrong(begin, "it does not end"))
    }
}

impl Certificate {
    /// All certificates in `input`: PEM, with anything around them, or the DER of one.
    ///
    /// # Errors
    ///
    /// As [`from_der`](Self::from_der); [`Error::Limit`] if there are more than
    /// [`Limits::certificates`], or the file is too large.
    pub fn read_all(input: &[u8], limits: &Limits) -> Result<Vec<Self>> {
        let blocks = Block::read_all(input, limits)?;
        let certificates: Vec<_> = blocks
            .iter()
            .filter(|block| matches!(block.label(), None | Some("CERTIFICATE" | "X509 CERTIFICATE")))
            .collect();
        if certificates.len() > limits.certificates {
            let limit = u64::try_from(limits.certificates).unwrap_or(u64::MAX);
            return Err(Error::Limit { what: "certificates in a file", limit });
        }
        certificates.into_iter().map(|block| Self::from_der(block.der()?)).collect()
    }
}

/// DER of all certificate revocation lists in `input`: PEM, with anything around them, or the DER of one.
///
/// # Errors
///
/// [`Error::Encoding`] and [`Error::Limit`].
pub fn read_crls(input: &[u8], limits: &Limits) -> Result<Vec<Vec<u8>>> {
    let blocks = Block::read_all(input, limits)?;
    let lists = blocks.iter().filter(|block| matches!(block.label(), None | Some("X509 CRL")));
    lists.map(|block| Ok(block.der()?.to_vec())).collect()
}

/// Lines without their ends, and where they begin.
struct Lines<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let rest = self.input.get(at..).filter(|rest| !rest.is_empty())?;
        let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at = at + len + 1;
        Some((u64::try_from(at).unwrap_or(u64::MAX), rest.get(..len)?.trim_ascii_end()))
    }
}

/// In constant time for what is decoded: it may be a private key.
fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Wiped also where it is damaged behind a part of a key.
    let mut der = Zeroizing::new(vec![0; text.len().div_ceil(4) * 3]);
    let len = Base64::decode(text, &mut der).ok()?.len();
    der.truncate(len);
    Some(der)
}

fn wrong(offset: u64, what: &'static str) -> Error {
    Error::Encoding { place: PLACE, offset, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let blocks = Block::read_all(text.as_bytes(), &Limits::default())?;
        blocks.iter().map(|block| Ok((block.label().unwrap().to_owned(), block.der()?.to_vec()))).collect()
    }

    #[test]
    fn blocks_stand_among_other_text() {
        let text = "Bag Attributes\r\n  name: x\r\n-----BEGIN A-----\r\nAQID\r\nBA==\r\n-----END A-----\r\n\
                    -----BEGIN B C-----\n\n AQ I\tD \n-----END B C-----\nrest\n-----BEGIN D-----\n-----END D-----";
        let expected = [("A", vec![1, 2, 3, 4]), ("B C", vec![1, 2, 3]), ("D", vec![])];
        assert_eq!(read(text).unwrap(), expected.map(|(label, der)| (label.to_owned(), der)));
        assert!(read("no block").unwrap().is_empty());
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn what_is_written_is_read_and_its_buffer_never_grows() {
        for len in [0, 1, 47, 48, 49, 96, 1000, 100_000] {
            let der = vec![0x5a; len];
            let pem = write_pem("ENCRYPTED PRIVATE KEY", &der);
            assert_eq!(pem.capacity(), 65 * (len / LINE + 1) + 2 * ("ENCRYPTED PRIVATE KEY".len() + 24), "{len}");
            assert!(pem.lines().all(|line| line.len() <= 64), "{len}");
            assert_eq!(read(&pem).unwrap(), [("ENCRYPTED PRIVATE KEY".to_owned(), der)]);
        }
    }

    #[test]
    fn damaged_blocks_are_named_with_their_place() {
        for (text, offset) in [
            ("x\n-----BEGIN A-----\nAQID\n", 2),
            ("-----BEGIN A-----\nAQID\n-----END B-----\n", 23),
            ("-----BEGIN A-----\nAQ*D\n-----END A-----\n", 0),
            ("-----BEGIN A-----\nAQI\n-----END A-----\n", 0),
        ] {
            let Err(Error::Encoding { offset: at, .. }) = read(text) else { panic!("{text}") };
            assert_eq!(at, offset, "{text}");
        }
        let small = Limits { structure: 3, ..Limits::default() };
        assert!(matches!(Block::read_all(b"text", &small), Err(Error::Limit { .. })));
    }

    /// It took minutes once, and far longer here.
    #[test]
    fn a_file_of_many_blocks_is_read() {
        let text = "-----BEGIN A-----\nAQID\n-----END A-----\n".repeat(100_000);
        assert_eq!(Block::read_all(text.as_bytes(), &Limits::default()).unwrap().len(), 100_000);
    }

    #[test]
    fn a_key_in_the_old_encryption_says_how_it_is_made_new() {
        let old = include_bytes!("../tests/data/old-encrypted-key.pem");
        let error = crate::key::SoftwareKey::read(old, Some("x"), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("openssl pkcs8 -topk8"), "{error}");
    }
}
