//! The part of a message in front of its encrypted data: the packets that carry session keys.

use alloc::vec::Vec;

use crate::{
    Error, Result,
    error::wide,
    packet::{Body, Header, Packet, Packets, tag},
};

use super::{EncryptedData, Limits};

/// The session keys in front of the encrypted data, and the header of the packet with the data.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) packets: Vec<Packet<'a>>,
    pub(crate) data: EncryptedData,
    /// All up to the body of the packet with the data.
    pub(crate) octets: &'a [u8],
    /// The length of that body, or of its first part.
    pub(crate) body: Body,
}

/// What the first octets of a message tell.
#[derive(Debug)]
pub(crate) enum Scan<'a> {
    /// So many of them are needed at least.
    Need(usize),
    Complete(Head<'a>),
}

/// Reads a message's packets up to the header of its encrypted data.
pub(crate) fn scan<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Scan<'a>> {
    let mut packets = Packets::new(bytes);
    let mut found = Vec::new();
    let within = |end| {
        let error = Error::Limit { what: "octets in front of the encrypted data", limit: limits.head };
        if end > limits.head { Err(error) } else { Ok(end) }
    };
    loop {
        let at = packets.offset();
        let Some(header) = packets.peek()? else { return within(bytes.len() + 1).map(Scan::Need) };
        match header.tag {
            tag::PKESK | tag::SKESK | tag::MARKER | tag::PADDING | 40.. => {}
            tag::SEIPD | tag::OCB => {
                let len = within(at + header.len)?;
                let Some(&version) = bytes.get(len) else { return Ok(Scan::Need(len + 1)) };
                let data = encrypted_data(header, version)?;
                let octets = bytes.get(..len).unwrap_or_default();
                return Ok(Scan::Complete(Head { packets: found, data, octets, body: header.body }));
            }
            tag::SED => return Err(Error::NotIntegrityProtected { offset: wide(at) }),
            tag => return Err(Error::UnexpectedPacket { tag, offset: wide(at) }),
        }
        let packet = match packets.take(header)? {
            Ok(packet) => packet,
            Err(needed) => return within(needed).map(Scan::Need),
        };
        within(packets.offset())?;
        if !matches!(packet.tag, tag::PKESK | tag::SKESK) {
            continue;
        }
        if found.len() >= limits.session_keys {
            return Err(Error::Limit { what: "encrypted session keys", limit: limits.session_keys });
        }
        found.push(packet);
    }
}

fn encrypted_data(header: Header, version: u8) -> Result<EncryptedData> {
    match (header.tag, version) {
        (tag::SEIPD, 1) => Ok(EncryptedData::SeipdV1),
        (tag::SEIPD, 2) => Ok(EncryptedData::SeipdV2),
        (tag::OCB, 1) => Ok(EncryptedData::Ocb),
        (_, id) => Err(Error::Unsupported { what: "version of the encrypted data", id }),
    }
}

/// Follows the lengths of the packet with the encrypted data to the message's end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    body: Body,
}

impl Walk {
    pub(crate) fn new(body: Body) -> Self {
        Self { body }
    }

    /// Consumes what it can of the window; says how much, and whether the packet is complete.
    pub(crate) fn step(&mut self, window: &[u8]) -> (usize, bool) {
        let mut at = 0;
        loop {
            let rest = window.get(at..).unwrap_or_default();
            let (Body::Definite(left) | Body::Partial(left)) = &mut self.body else { return (window.len(), false) };
            let here = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
            *left -= wide(here);
            at += here;
            match self.body {
                Body::Definite(0) => return (at, true),
                Body::Partial(0) => match crate::packet::new_length(window.get(at..).unwrap_or_default()) {
                    Some((len, body)) => (at, self.body) = (at + len, body),
                    None => return (at, false),
                },
                _ => return (at, false),
            }
        }
    }

    /// How many octets may be skipped without being looked at.
    pub(crate) fn ahead(&self) -> u64 {
        match self.body {
            Body::Definite(left) | Body::Partial(left) => left,
            Body::Indeterminate => u64::MAX,
        }
    }

    /// Consumes octets unseen, no more than there are [ahead](Self::ahead).
    pub(crate) fn skip(&mut self, octets: u64) {
        if let Body::Definite(left) | Body::Partial(left) = &mut self.body {
            *left = left.saturating_sub(octets);
        }
    }

    /// Whether the message may end here.
    pub(crate) fn may_end(&self) -> bool {
        self.body == Body::Indeterminate
    }
}
