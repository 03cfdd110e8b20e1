//! The content of a signed mail: hashed first, given out later.

use std::{
    io::{Read, Seek, Write},
    ops::Range,
};

use super::{Form, Verifier};
use crate::{
    Error, Limits, Result,
    algorithm::Digest,
    mime::{
        canonical::Canonical,
        header::Transfer,
        locate::{Entity, Kind, Pkcs7, Signed},
        transfer::{Beginning, decoded, each},
        window::Window,
    },
    signed::{Digests, Hashes, SignedData},
};

/// A content that was hashed.
#[derive(Debug)]
pub(super) struct Content {
    place: Place,
    pub(super) digests: Digests,
    pub(super) octets: u64,
    /// Its beginning, with its header.
    pub(super) head: Vec<u8>,
    limits: Limits,
}

/// Where it is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The first part of multipart/signed.
    Part(Range<u64>, Lines),
    /// In the message in this body.
    Message(Range<u64>, Transfer),
}

/// How the lines of a part were signed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lines {
    /// With CR LF at their ends, as RFC 8551 §3.1.1 wants it.
    Canonical,
    /// As they came: some programs sign a content as binary that has other line ends.
    AsTheyCame,
}

impl Verifier {
    /// A content beside its signature: it is hashed as the signers need it.
    pub(super) fn detached<M: Read + Seek>(&self, mail: &mut M, parts: &Signed) -> Result<(Form, SignedData, Content)> {
        parts.has_clear_parts(mail)?;
        let signature = decoded(&mut *mail, parts.signature.clone(), parts.encoding)?;
        let signed = SignedData::read(signature, &self.limits, &mut |_| Ok(()))?;
        let digests: Vec<_> = signed.signer_digests().collect();
        let content = self.hash(mail, Place::Part(parts.content.clone(), Lines::Canonical), &digests)?;
        let fits = |content: &Content| signed.signers.iter().flatten().any(|signer| signer.is_about(&content.digests));
        if fits(&content) {
            return Ok((Form::Detached, signed, content));
        }
        let other = self.hash(mail, Place::Part(parts.content.clone(), Lines::AsTheyCame), &digests)?;
        let content = if fits(&other) { other } else { content };
        Ok((Form::Detached, signed, content))
    }

    /// A content in its signature: it is hashed as it comes.
    pub(super) fn opaque<M: Read + Seek>(&self, mail: &mut M, place: &Pkcs7) -> Result<(Form, SignedData, Content)> {
        let message = decoded(&mut *mail, place.body.clone(), place.encoding)?;
        let mut head = self.beginning();
        let mut signed = SignedData::read(message, &self.limits, &mut |piece| {
            head.take(piece);
            Ok(())
        })?;
        let content = Content {
            place: Place::Message(place.body.clone(), place.encoding),
            digests: std::mem::take(&mut signed.digests),
            octets: signed.content_len.unwrap_or_default(),
            head: head.into_octets(),
            limits: self.limits.clone(),
        };
        Ok((Form::Opaque, signed, content))
    }

    /// Room for the headers of a content and of a mail in it.
    fn beginning(&self) -> Beginning {
        Beginning::new(self.limits.header.saturating_mul(2))
    }

    fn hash<M: Read + Seek>(&self, mail: &mut M, place: Place, digests: &[Digest]) -> Result<Content> {
        let mut hashes = Hashes::new(digests.iter().copied());
        let (mut octets, mut head) = (0, self.beginning());
        place.read(mail, &self.limits, &mut |piece| {
            hashes.update(piece);
            octets += u64::try_from(piece.len()).unwrap_or_default();
            head.take(piece);
            Ok(())
        })?;
        Ok(Content { place, digests: hashes.finish(), octets, head: head.into_octets(), limits: self.limits.clone() })
    }
}

impl Content {
    /// Writes it, and sees that it is still what was hashed.
    pub(super) fn write<M: Read + Seek>(&self, mail: &mut M, out: &mut dyn Write) -> Result<()> {
        let mut hashes = Hashes::new(self.digests.names());
        self.place.read(mail, &self.limits, &mut |piece| {
            hashes.update(piece);
            out.write_all(piece).map_err(Error::Write)
        })?;
        if hashes.finish() == self.digests {
            Ok(())
        } else {
            Err(Error::structure("the content", "it is no longer what was verified"))
        }
    }
}

impl Place {
    fn read<M: Read + Seek>(
        &self,
        mail: &mut M,
        limits: &Limits,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        match self {
            Self::Part(range, lines) => {
                let part = Window::new(mail, range.clone()).map_err(Error::read)?;
                match lines {
                    Lines::Canonical => each(&mut Canonical::new(part), sink).map(drop),
                    Lines::AsTheyCame => each(&mut { part }, sink).map(drop),
                }
            }
            Self::Message(body, encoding) => {
                SignedData::read(decoded(mail, body.clone(), *encoding)?, limits, sink).map(drop)
            }
        }
    }
}

/// What a mail is that is not signed.
pub(super) fn instead(entity: &Entity) -> String {
    let signed = entity.protected().find(|part| matches!(part.kind, Ok(Kind::Signed(_))));
    match (signed, entity.tree.root()) {
        (Some(part), _) => format!("only its part {} is signed", part.path),
        (None, Some(root)) => format!("it is {}", root.media_type),
        (None, None) => "it is empty".to_owned(),
    }
}
