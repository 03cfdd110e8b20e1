//! Certificates that are named on the command line.

use std::path::Path;

use sealpost::smime::{Certificate, Limits};

use crate::{
    failure::{At, Failure, Result},
    files::read_small,
};

/// Issuer's name in DER, and serial number, of the certificate in a file.
pub(super) fn name(path: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
    let certificates = Certificate::read_all(&read_small(path)?, &Limits::default()).at(path)?;
    let first = certificates.first().ok_or_else(|| Failure::new(format!("{}: no certificate", path.display())))?;
    Ok((first.issuer().to_vec(), first.serial().to_vec()))
}

/// The name in DER of an issuer: of its certificate, or what the file holds.
pub(super) fn issuer(path: &Path) -> Result<Vec<u8>> {
    let content = read_small(path)?;
    if let Ok(certificates) = Certificate::read_all(&content, &Limits::default())
        && let Some(first) = certificates.first()
    {
        return Ok(first.subject().to_vec());
    }
    if is_name(&content) {
        return Ok(content.to_vec());
    }
    Err(Failure::new(format!("{}: neither a certificate nor a name in DER", path.display())))
}

/// Whether it looks like a Name: a SEQUENCE that fills it, with a SET in front.
fn is_name(der: &[u8]) -> bool {
    let Some((0x30, rest)) = der.split_first().map(|(tag, rest)| (*tag, rest)) else { return false };
    let content = match rest.split_first() {
        Some((&len, rest)) if len < 0x80 => (usize::from(len) == rest.len()).then_some(rest),
        Some((0x81, rest)) => {
            rest.split_first().filter(|(len, rest)| usize::from(**len) == rest.len()).map(|(_, rest)| rest)
        }
        Some((0x82, [high, low, rest @ ..])) => {
            (usize::from(u16::from_be_bytes([*high, *low])) == rest.len()).then_some(rest)
        }
        _ => None,
    };
    content.is_some_and(|content| content.first() == Some(&0x31))
}

/// A serial number in hexadecimal digits, with or without colons: the content octets, big-endian.
pub(super) fn serial(digits: &str) -> Option<Vec<u8>> {
    let digits: String = digits.chars().filter(|digit| *digit != ':' && *digit != ' ').collect();
    let digits = digits.trim_start_matches("0x").trim_start_matches("0X");
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let padded = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let octets: Option<Vec<u8>> = padded.as_bytes().chunks(2).map(octet).collect();
    octets.map(canonical)
}

/// As DER writes a positive number: without zeros in front but the one that keeps it positive.
fn canonical(octets: Vec<u8>) -> Vec<u8> {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count().min(octets.len() - 1);
    let mut octets: Vec<u8> = octets.into_iter().skip(zeros).collect();
    if octets.first().is_some_and(|first| *first >= 0x80) {
        octets.insert(0, 0);
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_read_however_programs_write_it() {
        for digits in ["0x0A1b", "A1B", "0a:1b", "00 0A 1B"] {
            assert_eq!(serial(digits), Some(vec![0x0a, 0x1b]), "{digits}");
        }
        assert_eq!(serial("80"), Some(vec![0, 0x80]));
        assert_eq!(serial("0"), Some(vec![0]));
        for digits in ["", "xyz", "0x", "12-34"] {
            assert_eq!(serial(digits), None, "{digits}");
        }
    }

    #[test]
    fn a_name_in_der_is_told_from_other_files() {
        assert!(is_name(&[0x30, 4, 0x31, 2, 0x30, 0]));
        for der in [&b"hello"[..], &[], &[0x30], &[0x30, 3, 0x31, 2, 0x30, 0], &[0x30, 2, 0x30, 0]] {
            assert!(!is_name(der), "{der:?}");
        }
    }
}
