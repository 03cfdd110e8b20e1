//! ASCII armor ([RFC 9580 §6](https://www.rfc-editor.org/rfc/rfc9580#section-6)).
//!
//! A message's armor is kept as it came: [`block`] reads its first part and finds for each octet the
//! characters that carry it, [`tail`] follows the rest to the checksum. Only keys are armored and
//! dearmored as a whole, in constant time.

use alloc::{string::String, vec::Vec};

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::{Error, Result};

pub(crate) mod block;
pub(crate) mod crc24;
pub(crate) mod tail;

/// Base64 characters in a line of armor that we write: 48 octets.
pub(crate) const LINE: usize = 64;

/// Puts a key into armor. `kind` is for example "PRIVATE KEY".
pub(crate) fn armor(kind: &str, bytes: &[u8]) -> Zeroizing<String> {
    let encoded = Zeroizing::new(Base64::encode_string(bytes));
    let mut text = Zeroizing::new(String::with_capacity(encoded.len() + encoded.len() / LINE + 2 * kind.len() + 80));
    let border =
        |text: &mut String, what: &str| ["-----", what, " PGP ", kind, " BLOCK-----\n"].map(|s| text.push_str(s));
    border(&mut text, "BEGIN");
    text.push('\n');
    for (i, c) in encoded.chars().enumerate() {
        text.push(c);
        if (i + 1) % LINE == 0 && i + 1 < encoded.len() {
            text.push('\n');
        }
    }
    text.push('\n');
    border(&mut text, "END");
    text
}

/// The packets of a key, which is in ASCII armor or already without it
/// ([RFC 9580 §6](https://www.rfc-editor.org/rfc/rfc9580#section-6)), in memory that is wiped and in constant time: to
/// be called before a secret key goes to a library whose armor reader leaves copies behind.
///
/// Text around the block is ignored, and so is the optional checksum, as §6.1 wants it.
///
/// # Errors
///
/// [`Error::NotAKey`] if there is no armor, [`Error::Malformed`] or [`Error::Truncated`] if it is broken.
pub fn dearmor(input: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    if input.first().is_some_and(|first| first & 0x80 != 0) {
        return Ok(Zeroizing::new(input.to_vec()));
    }
    let no_key = Error::NotAKey("it is neither binary nor in ASCII armor");
    let begin = memchr::memmem::find(input, b"-----BEGIN PGP ").ok_or(no_key)?;
    let body = block::body_start(input.get(begin..).unwrap_or_default()).ok().flatten();
    let body = begin + body.ok_or(Error::malformed("armor header", begin))?;
    let text = input.get(body..).unwrap_or_default();
    let end = memchr::memmem::find(text, b"-----END").ok_or(Error::truncated("armor", input.len()))?;
    let mut characters = Zeroizing::new(Vec::with_capacity(end));
    for line in text.get(..end).unwrap_or_default().split(|&c| c == b'\n') {
        let line = line.trim_ascii();
        if !line.starts_with(b"=") || characters.len() % 4 != 0 {
            characters.extend_from_slice(line);
        }
    }
    let mut octets = Zeroizing::new(alloc::vec![0; characters.len()]);
    let len = Base64::decode(&*characters, &mut octets).map_err(|_| Error::malformed("armor", body))?.len();
    octets.truncate(len);
    Ok(octets)
}

/// Whether this is a character of base64, padding aside.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armor_is_read_back() {
        for len in [1, 2, 3, 47, 48, 49, 96, 500] {
            let bytes: Vec<u8> = (0..len).map(|i| u8::try_from(i % 251).unwrap() | 0x80).collect();
            let text = armor("PRIVATE KEY", &bytes);
            assert_eq!(*dearmor(text.as_bytes()).unwrap(), bytes);
            assert!(text.lines().all(|line| line.len() <= LINE));
        }
    }

    #[test]
    fn a_checksum_line_and_text_around_are_ignored() {
        let text = b"Hi\r\n-----BEGIN PGP PUBLIC KEY BLOCK-----\r\nComment: x\r\n\r\nxgA=\r\n=abcd\r\n-----END PGP PUBLIC KEY BLOCK-----\r\nbye";
        assert_eq!(**dearmor(text).unwrap(), [0xC6, 0]);
    }

    #[test]
    fn what_is_no_armor_is_refused() {
        for text in ["", "hello", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxg", "-----BEGIN PGP X-----\n\n*!\n-----END"]
        {
            assert!(dearmor(text.as_bytes()).is_err(), "{text}");
        }
    }
}
