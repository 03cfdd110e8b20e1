//! The public half of a key, for directories.

use alloc::vec::Vec;

use crate::{
    Error, Result, armor,
    forwardee::FLAG_FORWARDED,
    key::{KDF_FORWARDING, KeyBody},
    packet::{Packet, Packets, new_header, tag},
    signature::binding_flags,
};

/// The public half of a transferable key, as packets: what may be published.
///
/// Secret keys become public ones. A subkey for forwarded messages (the draft's §5.1: flag 0x40, or a KDF
/// field of type 0xFF) is left out with its signatures, and so are subkeys without a binding signature, with
/// an algorithm that is not known here, and all packets that are no part of a certificate
/// ([RFC 9580 §10.1](https://www.rfc-editor.org/rfc/rfc9580#section-10.1)). Of a key packet only the fields are
/// written that its algorithm has in public: no octet of a secret can come along in a packet that looked unknown.
///
/// Takes a public or a secret key, binary or in armor. User IDs and signatures are copied as they are, and
/// signatures are not verified.
///
/// # Errors
///
/// [`Error::NotAKey`] if the input does not start with a primary key; [`Error::Unsupported`] if that is of an
/// unknown version or algorithm; [`Error::Malformed`] and [`Error::Truncated`].
pub fn public_export(key: &[u8]) -> Result<Vec<u8>> {
    let octets = armor::dearmor(key)?;
    let mut packets = Packets::new(&octets);
    let mut certificate = Vec::new();
    match packets.next()? {
        Some(packet) if matches!(packet.tag, tag::PUBLIC_KEY | tag::SECRET_KEY) => {
            push(&mut certificate, tag::PUBLIC_KEY, KeyBody::parse(&packet)?.public);
        }
        _ => return Err(Error::NotAKey("it does not start with a primary key")),
    }
    let mut component = Component::Primary;
    while let Some(packet) = packets.next()? {
        match packet.tag {
            tag::SIGNATURE => component.signature(&packet)?,
            tag @ (tag::USER_ID | tag::USER_ATTRIBUTE) => {
                component.finish(&mut certificate);
                push(&mut certificate, tag, packet.body);
                component = Component::Primary;
            }
            tag::PUBLIC_SUBKEY | tag::SECRET_SUBKEY => {
                component.finish(&mut certificate);
                component = Component::subkey(&packet);
            }
            tag::PUBLIC_KEY | tag::SECRET_KEY => return Err(Error::NotAKey("there are several keys in one file")),
            _ => continue,
        }
        if let (Component::Primary, tag::SIGNATURE) = (&component, packet.tag) {
            push(&mut certificate, tag::SIGNATURE, packet.body);
        }
    }
    component.finish(&mut certificate);
    Ok(certificate)
}

/// To what the next signatures belong.
enum Component {
    /// The primary key or a user ID: they are copied at once.
    Primary,
    /// A subkey: it is copied once a signature has told what it is for.
    Subkey { packets: Vec<u8>, bound: bool },
    /// A subkey that is left out.
    Dropped,
}

impl Component {
    fn subkey(packet: &Packet<'_>) -> Self {
        let forwarding = |body: &KeyBody<'_>| matches!(body.ecdh(), Some((_, _, [KDF_FORWARDING, ..])));
        match KeyBody::parse(packet) {
            Ok(body) if !forwarding(&body) => {
                let mut packets = Vec::new();
                push(&mut packets, tag::PUBLIC_SUBKEY, body.public);
                Self::Subkey { packets, bound: false }
            }
            _ => Self::Dropped,
        }
    }

    /// Takes in a signature of a subkey.
    fn signature(&mut self, packet: &Packet<'_>) -> Result<()> {
        let Self::Subkey { packets, bound } = self else { return Ok(()) };
        match binding_flags(packet)? {
            Some(flags) if flags & FLAG_FORWARDED != 0 => *self = Self::Dropped,
            flags => {
                *bound |= flags.is_some();
                push(packets, tag::SIGNATURE, packet.body);
            }
        }
        Ok(())
    }

    fn finish(&self, certificate: &mut Vec<u8>) {
        if let Self::Subkey { packets, bound: true } = self {
            certificate.extend_from_slice(packets);
        }
    }
}

fn push(certificate: &mut Vec<u8>, tag: u8, body: &[u8]) {
    let (header, len) = new_header(tag, body.len());
    certificate.extend(header.iter().take(len));
    certificate.extend_from_slice(body);
}
