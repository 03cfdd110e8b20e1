//! Reports as octets: written and packed, read and unpacked within bounds.

use std::io::{Read, Write};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use sealpost_mail::{Encoding, Next, Walker};

use super::{Report, counted::Counted};
use crate::{Error, Result};

/// How large a report may be that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadLimits {
    /// As it comes, packed or not. A mail may have half as much again, for its base64.
    pub received: usize,
    /// Unpacked.
    pub unpacked: usize,
    /// How many policies it may have.
    pub policies: usize,
    /// How many causes of failures it may have, under all policies together.
    pub failures: usize,
    /// How many hosts and lines of policies it may have, under all policies together.
    pub texts: usize,
}

impl Default for ReadLimits {
    /// 10 MB, 32 MB unpacked, 10,000 policies, 100,000 causes, 100,000 hosts and lines.
    fn default() -> Self {
        Self { received: 10_000_000, unpacked: 32_000_000, policies: 10_000, failures: 100_000, texts: 100_000 }
    }
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Types in which reports come, the standard's two (§6.4) and those that some senders use instead.
const TYPES: [&str; 6] = [
    "application/tlsrpt+gzip",
    "application/tlsrpt+json",
    "application/gzip",
    "application/x-gzip",
    "application/json",
    "application/octet-stream",
];
/// Octets that are decoded at once.
const PIECE: usize = 1 << 16;

impl Report {
    /// As JSON.
    ///
    /// # Errors
    ///
    /// None that could be expected.
    pub fn json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| bad(&error))
    }

    /// As JSON, packed: the same report is the same octets.
    ///
    /// # Errors
    ///
    /// None that could be expected.
    pub fn gzip(&self) -> Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.json()?).map_err(|error| bad(&error))?;
        encoder.finish().map_err(|error| bad(&error))
    }

    /// Reads a report, packed or not, as it comes by HTTPS or in a file.
    ///
    /// # Errors
    ///
    /// If it is too large, can't be unpacked, or is no report: what is wrong, and in which line and column of the JSON.
    pub fn read(octets: &[u8], limits: &ReadLimits) -> Result<Self> {
        if octets.len() > limits.received {
            return Err(bad(&format_args!("it is larger than {} octets", limits.received)));
        }
        if !octets.starts_with(&GZIP) {
            return parse(octets, limits);
        }
        let mut json = Vec::new();
        let most = u64::try_from(limits.unpacked).unwrap_or(u64::MAX).saturating_add(1);
        let unpacked = MultiGzDecoder::new(octets).take(most).read_to_end(&mut json);
        unpacked.map_err(|error| bad(&format_args!("it can't be unpacked: {error}")))?;
        parse(&json, limits)
    }

    /// Reads the report that a mail carries (§5.3).
    ///
    /// Whether the mail is signed with DKIM by the domain that it names as submitter is to be checked before (§3).
    ///
    /// # Errors
    ///
    /// If it carries none, or one that can't be read.
    pub fn read_mail(mail: &[u8], limits: &ReadLimits) -> Result<Self> {
        if mail.len() > limits.received.saturating_add(limits.received / 2) {
            return Err(bad(&format_args!("the mail is larger than one with {} octets in it", limits.received)));
        }
        if mail.is_empty() {
            return Err(bad(&"it is no mail"));
        }
        let part = TYPES.into_iter().find_map(|media_type| part(mail, media_type));
        Self::read(&part.ok_or_else(|| bad(&"the mail carries none"))?, limits)
    }
}

/// The first part of a mail that has this type, decoded. Mails within mails are no deeper for the walk than others are:
/// nothing is kept of them.
fn part(mail: &[u8], media_type: &'static str) -> Option<Vec<u8>> {
    let (mut walker, mut rest) = (Walker::to(media_type), mail);
    loop {
        match walker.look(rest, true) {
            Next::Frame(len) => rest = rest.get(len..).filter(|_| len > 0)?,
            Next::Body { len, encoding, .. } => return Some(decoded(rest.get(..len)?, encoding)),
            _ => return None,
        }
    }
}

fn decoded(body: &[u8], encoding: Encoding) -> Vec<u8> {
    if encoding == Encoding::Identity {
        // The end of the line belongs to the boundary behind it (RFC 2046 §5.1.1).
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        return body.strip_suffix(b"\r").unwrap_or(body).to_vec();
    }
    let (mut octets, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let piece = rest.get(..PIECE).unwrap_or(rest);
        let decoded = encoding.decode(piece, piece.len() == rest.len());
        octets.extend_from_slice(decoded.octets());
        if decoded.has_ended() || decoded.consumed() == 0 {
            break;
        }
        rest = rest.get(decoded.consumed()..).unwrap_or_default();
    }
    octets
}

fn parse(json: &[u8], limits: &ReadLimits) -> Result<Report> {
    if json.len() > limits.unpacked {
        return Err(bad(&format_args!("unpacked it is larger than {} octets", limits.unpacked)));
    }
    // Some writers put a byte order mark in front.
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let counted: Counted = serde_json::from_slice(json).map_err(|error| bad(&error))?;
    for (count, most, of) in [
        (counted.policies, limits.policies, "policies"),
        (counted.failures, limits.failures, "causes of failures"),
        (counted.texts, limits.texts, "hosts and lines of policies"),
    ] {
        if count > most {
            return Err(bad(&format_args!("it has more than {most} {of}")));
        }
    }
    serde_json::from_slice(json).map_err(|error| bad(&error))
}

fn bad(problem: &dyn std::fmt::Display) -> Error {
    Error::Report { problem: problem.to_string() }
}
