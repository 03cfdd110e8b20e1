//! Netstrings (<https://cr.yp.to/proto/netstrings.txt>): the length in decimal digits, a colon, the octets, a comma.

use crate::{Error, Result};

/// Takes the first netstring off `input`, of at most `limit` octets: what it holds, and how many octets it takes.
/// `None` if the rest of it is still to come.
///
/// # Errors
///
/// [`Error::Netstring`] if `input` does not begin with one, [`Error::TooLong`] if it holds more.
pub fn decode(input: &[u8], limit: usize) -> Result<Option<(&[u8], usize)>> {
    let mut length = 0_usize;
    for (octet, c) in input.iter().enumerate() {
        match c {
            b'0'..=b'9' => {
                if octet == 1 && length == 0 {
                    return Err(Error::Netstring { octet, problem: "its length begins with a zero" });
                }
                length = length.saturating_mul(10).saturating_add(usize::from(c - b'0'));
                // Checked with each digit, so that nothing endless is read.
                if length > limit {
                    return Err(Error::TooLong { what: "a netstring", limit });
                }
            }
            b':' if octet > 0 => return rest(input, octet + 1, length),
            _ => return Err(Error::Netstring { octet, problem: "its length is not made of digits and a colon" }),
        }
    }
    Ok(None)
}

/// What a netstring holds that has this length and starts behind its colon.
fn rest(input: &[u8], start: usize, length: usize) -> Result<Option<(&[u8], usize)>> {
    let end = start + length;
    match input.get(end) {
        None => Ok(None),
        Some(b',') => Ok(input.get(start..end).map(|payload| (payload, end + 1))),
        Some(_) => Err(Error::Netstring { octet: end, problem: "no comma is at its end" }),
    }
}

/// Appends the netstring that holds `payload` to `out`.
pub fn encode(payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(payload.len().to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(payload);
    out.push(b',');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_however_it_comes_in(payload: Vec<u8>, behind: Vec<u8>) {
            let mut wire = Vec::new();
            encode(&payload, &mut wire);
            for end in 0..wire.len() {
                prop_assert!(decode(&wire[..end], 1000).unwrap().is_none());
            }
            let length = wire.len();
            wire.extend_from_slice(&behind);
            prop_assert_eq!(decode(&wire, 1000).unwrap(), Some((&*payload, length)));
        }

        #[test]
        fn nothing_longer_than_the_limit_is_waited_for(length in 11_usize.., behind: Vec<u8>) {
            let wire = [length.to_string().as_bytes(), &behind].concat();
            prop_assert!(decode(&wire, 10).is_err());
        }

        #[test]
        fn one_netstring_has_one_form(wire: Vec<u8>) {
            if let Ok(Some((payload, length))) = decode(&wire, 1000) {
                let mut again = Vec::new();
                encode(payload, &mut again);
                prop_assert_eq!(&again[..], &wire[..length]);
            }
        }
    }

    #[test]
    fn what_is_none_is_told_at_once() {
        for (wire, octet) in [("a", 0), (":", 0), ("-1:", 0), ("1;", 1), ("00:,", 1), ("01:a,", 1), ("1:ab", 3)] {
            let error = decode(wire.as_bytes(), 10).unwrap_err();
            assert!(matches!(error, Error::Netstring { octet: at, .. } if at == octet), "{wire}: {error}");
        }
        assert_eq!(decode(b"0:,", 10).unwrap(), Some((&b""[..], 3)));
    }
}
