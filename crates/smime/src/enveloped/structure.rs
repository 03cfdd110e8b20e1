//! The structure of EnvelopedData (RFC 5652 §6.1) and AuthEnvelopedData (RFC 5083 §2.1) around their content, read in
//! a stream.

use std::io::Read;

use der::{Decode, oid::ObjectIdentifier};

use super::{
    cipher::{ContentAlgorithm, ContentCipher},
    recipients::{ListedRecipient, RecipientInfo},
};
use crate::{
    Error, Limits, Result,
    algorithm::Algorithm,
    ber::{Reader, Tag, to_der},
    oid,
};

const PLACE: &str = "an encrypted message";

/// The longest tag of a content (RFC 5084 §3.2).
const TAG_MAX: usize = 16;

/// What an encrypted message shows to anyone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Enveloped {
    /// Whether it says that changes to its content are noticed: AuthEnvelopedData, else EnvelopedData.
    pub authenticated: bool,
    /// The type of its content: data, nearly always.
    pub content_type: ObjectIdentifier,
    /// The algorithm of its content.
    pub algorithm: ObjectIdentifier,
    /// The same, if it is known and its parameters are sound.
    pub cipher: Option<ContentCipher>,
    /// Its recipients, in their order.
    pub recipients: Vec<ListedRecipient>,
}

/// All that stands before the content.
pub(super) struct Head {
    pub(super) authenticated: bool,
    content_type: ObjectIdentifier,
    /// DER.
    algorithm: Vec<u8>,
    pub(super) recipients: Vec<RecipientInfo>,
}

/// What stands behind the content of AuthEnvelopedData.
#[derive(Default)]
pub(super) struct Tail {
    /// DER of authAttrs as a SET OF, which is authenticated with the content; nothing if there are none.
    pub(super) additional: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

impl Enveloped {
    /// Reads the structure to its end; the content is passed over.
    pub(crate) fn read(from: impl Read, limits: &Limits) -> Result<Self> {
        let mut reader = Reader::new(from, limits);
        let head = Head::read(&mut reader, limits)?;
        content(&mut reader, &mut |_| Ok(()))?;
        Tail::read(&mut reader, head.authenticated, limits)?;
        head.describe()
    }
}

impl Head {
    /// Reads up to the content.
    pub(super) fn read<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<Self> {
        let authenticated = enter(reader, limits)?;
        reader.expect(Tag::SET, PLACE)?;
        reader.enter()?;
        let mut recipients = Vec::new();
        let mut count = 0;
        while reader.peek()?.is_some() {
            let info = RecipientInfo::read(&reader.element()?, limits);
            count += info.count();
            if count > limits.recipients {
                return Err(too_many(limits));
            }
            recipients.push(info);
        }
        reader.leave()?;
        reader.expect(Tag::SEQUENCE, PLACE)?;
        reader.enter()?;
        let content_type = reader.element()?;
        let content_type = ObjectIdentifier::from_der(&to_der(&content_type, limits)?).map_err(Error::der(PLACE))?;
        let algorithm = to_der(&reader.element()?, limits)?.into_owned();
        Ok(Self { authenticated, content_type, algorithm, recipients })
    }

    /// Passes over what [`Head::read`] reads.
    pub(super) fn skip<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<()> {
        enter(reader, limits)?;
        reader.skip()?;
        reader.enter()?;
        reader.skip()?;
        reader.skip()
    }

    /// The algorithm of the content, which must be of the kind that the structure is for: with one of CBC in
    /// AuthEnvelopedData, or the reverse, an attacker turns one into the other (RFC 9709 §1).
    pub(super) fn algorithm(&self) -> Result<ContentAlgorithm> {
        let algorithm = ContentAlgorithm::from_der(&self.algorithm)?;
        if algorithm.cipher.is_authenticated() != self.authenticated {
            return Err(Error::structure(PLACE, "its content is encrypted in a way that does not belong into it"));
        }
        Ok(algorithm)
    }

    pub(super) fn describe(self) -> Result<Enveloped> {
        Ok(Enveloped {
            authenticated: self.authenticated,
            content_type: self.content_type,
            algorithm: Algorithm::read(&self.algorithm, PLACE)?.id,
            cipher: self.algorithm().ok().map(|algorithm| algorithm.cipher),
            recipients: self.recipients.iter().flat_map(RecipientInfo::list).collect(),
        })
    }
}

impl Tail {
    /// Reads to the end.
    pub(super) fn read<R: Read>(reader: &mut Reader<R>, authenticated: bool, limits: &Limits) -> Result<Self> {
        reader.leave()?;
        let tail = if authenticated { Self::authenticated(reader, limits)? } else { Self::default() };
        // unprotectedAttrs, unauthAttrs.
        let number = if authenticated { 2 } else { 1 };
        if reader.peek()?.is_some_and(|tag| tag.same(Tag::context(number))) {
            reader.skip()?;
        }
        (0..3).try_for_each(|_| reader.leave())?;
        reader.finish()?;
        Ok(tail)
    }

    fn authenticated<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<Self> {
        let mut additional = Vec::new();
        if reader.peek()?.is_some_and(|tag| tag.same(Tag::context(1))) {
            // Authenticated in DER, with the tag of a SET OF (RFC 5083 §2.2).
            additional = to_der(&reader.element()?, limits)?.into_owned();
            additional.first_mut().into_iter().for_each(|tag| *tag = 0x31);
        }
        reader.expect(Tag::OCTET_STRING, PLACE)?;
        let mut tag = Vec::new();
        reader.octets(&mut |octets| {
            if tag.len() + octets.len() > TAG_MAX {
                return Err(Error::structure(PLACE, "its tag is too long"));
            }
            tag.extend_from_slice(octets);
            Ok(())
        })?;
        Ok(Self { additional, tag })
    }
}

/// Pieces of an encrypted content that are shorter are put together: a sender could cut it into single octets, each of
/// which costs as much as a long piece.
const SHORT: usize = 16 << 10;

/// Gives the encrypted content to `sink`.
pub(super) fn content<R: Read>(reader: &mut Reader<R>, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    if reader.peek()?.is_none() {
        return Err(Error::structure(PLACE, "its content is elsewhere"));
    }
    reader.expect(Tag::context(0), PLACE)?;
    let mut gathered = Vec::with_capacity(2 * SHORT);
    reader.octets(&mut |piece| {
        if piece.len() < SHORT {
            gathered.extend_from_slice(piece);
            if gathered.len() < SHORT {
                return Ok(());
            }
        }
        if !gathered.is_empty() {
            sink(&gathered)?;
            gathered.clear();
        }
        if piece.len() < SHORT { Ok(()) } else { sink(piece) }
    })?;
    if gathered.is_empty() { Ok(()) } else { sink(&gathered) }
}

/// Goes up to the recipients. Says which of both it is.
fn enter<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<bool> {
    reader.expect(Tag::SEQUENCE, PLACE)?;
    reader.enter()?;
    let (authenticated, _) = kind(reader, limits)?;
    reader.expect(Tag::context(0), PLACE)?;
    reader.enter()?;
    reader.expect(Tag::SEQUENCE, PLACE)?;
    reader.enter()?;
    reader.expect(Tag::INTEGER, PLACE)?;
    reader.skip()?;
    if reader.peek()?.is_some_and(|tag| tag.same(Tag::context(0))) {
        // originatorInfo: certificates and CRLs that nothing here is in need of.
        reader.skip()?;
    }
    Ok(authenticated)
}

/// Reads the content type of a ContentInfo: whether it is AuthEnvelopedData, else EnvelopedData, and its octets as they
/// came.
pub(crate) fn kind<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<(bool, Vec<u8>)> {
    reader.expect(Tag::OID, PLACE)?;
    let kind = reader.element()?;
    match ObjectIdentifier::from_der(&to_der(&kind, limits)?).map_err(Error::der(PLACE))? {
        oid::ENVELOPED_DATA => Ok((false, kind)),
        oid::AUTH_ENVELOPED_DATA => Ok((true, kind)),
        other => Err(Error::not("an encrypted message", format_args!("content of type {other}"))),
    }
}

/// More recipients than there may be.
pub(crate) fn too_many(limits: &Limits) -> Error {
    Error::Limit { what: "recipients", limit: u64::try_from(limits.recipients).unwrap_or(u64::MAX) }
}
