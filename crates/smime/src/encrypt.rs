//! Encrypting a mail (RFC 8551 §3.3, §3.4).

use std::io::{self, Read, Seek, Write};

use rand_core::CryptoRng;

use crate::{
    Capabilities, ContentCipher, Error, HeaderConfidentiality, HeaderProtection, Limits, Recipient, Result,
    enveloped::Envelope,
    mime::{
        base64::Encoder,
        claim::SmimeType,
        frame::pkcs7_header,
        header::{Field, Header},
        lines::{LineEnd, LineWriter},
        locate::{Entity, Kind},
        seven_bit::{Purpose, Rewrite, Wanted},
    },
    protected::Composed,
};

/// What everybody reads.
const FOR_ALL: ContentCipher = ContentCipher::Aes256Cbc;

/// Encrypts mails for some recipients.
#[derive(Clone, Debug, Default)]
pub struct Encrypter {
    recipients: Vec<Recipient>,
    /// What each recipient reads best, as far as that is known.
    preferred: Vec<Option<ContentCipher>>,
    cipher: Option<ContentCipher>,
    header_confidentiality: Option<HeaderConfidentiality>,
    limits: Limits,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encrypted {
    /// How the content is encrypted.
    pub cipher: ContentCipher,
    /// Whether the content is signed. Without that nobody notices changes to what is encrypted in CBC mode.
    pub signed: bool,
    /// How many octets were encrypted.
    pub octets: u64,
}

impl Encrypter {
    /// For nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For one more recipient, of whose program nothing is known.
    #[must_use]
    pub fn to(mut self, recipient: Recipient) -> Self {
        self.recipients.push(recipient);
        self.preferred.push(None);
        self
    }

    /// For one more recipient, whose program can do this (from a signed message, RFC 8551 §2.5.2).
    #[must_use]
    pub fn to_capable(mut self, recipient: Recipient, capabilities: &Capabilities) -> Self {
        let best = capabilities.key_transports().next();
        let recipient = best.map_or(recipient.clone(), |transport| recipient.with_transport(transport));
        self.recipients.push(recipient);
        self.preferred.push(capabilities.preferred_cipher());
        self
    }

    /// With this cipher, whatever is known. Otherwise it is the one that all recipients prefer, and AES-256 in CBC mode
    /// where that is not known: few programs read GCM.
    #[must_use]
    pub fn cipher(mut self, cipher: ContentCipher) -> Self {
        self.cipher = Some(cipher);
        self
    }

    /// Encrypts the header fields too, and hides what the policy hides (RFC 9788). For a mail that is signed this must
    /// be done when it is signed ([`Signer::protect_header`](crate::Signer::protect_header)).
    #[must_use]
    pub fn protect_header(mut self, confidentiality: HeaderConfidentiality) -> Self {
        self.header_confidentiality = Some(confidentiality);
        self
    }

    /// Other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The recipients.
    pub fn recipients(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients.iter()
    }

    /// The cipher for these recipients.
    #[must_use]
    pub fn chosen_cipher(&self) -> ContentCipher {
        let known = self.preferred.first().copied().flatten();
        let agreed = known.filter(|_| self.preferred.iter().all(|preferred| *preferred == known));
        self.cipher.or(agreed).unwrap_or(FOR_ALL)
    }

    /// Encrypts a mail. The fields `Content-…` of its header and its body become the encrypted entity, 7-bit and with
    /// CR LF at the ends of lines. All other header fields stay as they are, octet for octet.
    ///
    /// # Errors
    ///
    /// [`Error::NoRecipient`]; [`Error::NotThis`] if the header of a signed mail is to be protected; [`Error::Algorithm`]
    /// for a cipher that is only read; [`Error::Certificate`] and [`Error::Structure`] if a recipient's key is not for this;
    /// [`Error::Mime`], [`Error::Encoding`] and [`Error::Limit`] if the mail can't be read; [`Error::Read`],
    /// [`Error::Write`].
    pub fn encrypt<M: Read + Seek>(
        &self,
        mail: &mut M,
        rng: &mut dyn CryptoRng,
        out: &mut dyn Write,
    ) -> Result<Encrypted> {
        let cipher = self.chosen_cipher();
        let envelope = Envelope::new(cipher, &self.recipients, rng)?;
        let header = Entity::header(mail, &self.limits)?;
        let protection = self.header_confidentiality.map(HeaderProtection::Cipher);
        let Composed { outer, inner } = Composed::for_body(&header, protection);
        let inner = with_one_type(&inner, &self.limits)?;
        let wanted = Wanted { inner: &inner, purpose: Purpose::Enclosed };
        let (entity, rewrite, Count(octets)) = Rewrite::plan(mail, &wanted, &self.limits, || Count(0))?;
        let signed = matches!(entity.kind, Kind::Signed(_)) || is_opaque_signature(&entity);
        if signed && self.header_confidentiality.is_some() {
            return Err(Error::not(
                "a mail whose header can be protected",
                "it is signed, and what is signed must stay",
            ));
        }
        let smime_type =
            if cipher.is_authenticated() { SmimeType::AuthEnvelopedData } else { SmimeType::EnvelopedData };
        let mut out = LineWriter::new(out, LineEnd::of(&header));
        out.write_all(&outer).map_err(Error::Write)?;
        out.write_all(&pkcs7_header(smime_type)).map_err(Error::Write)?;
        let mut encoder = Encoder::new(&mut out);
        envelope.write(&mut |to| rewrite.write(mail, to, &self.limits), octets, &mut encoder)?;
        encoder.finish().map_err(Error::Write)?;
        out.finish().map_err(Error::Write)?;
        Ok(Encrypted { cipher, signed, octets })
    }
}

/// The fields of an entity with one Content-Type: what has none is plain text (RFC 2045 §5.2), and of several the first
/// counts. Careful programs, as this one, decrypt content without authentication only if it says what it is.
fn with_one_type(fields: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    let header = Header::read_from(fields, limits)?;
    let is_type = |field: &Field<'_>| field.name.eq_ignore_ascii_case(b"content-type");
    let (mut kept, mut types) = (Vec::with_capacity(fields.len()), 0);
    for field in header.fields() {
        types += usize::from(is_type(&field));
        if !(is_type(&field) && types > 1) {
            kept.extend_from_slice(field.raw);
        }
    }
    if types == 0 {
        kept.extend_from_slice(b"Content-Type: text/plain\r\n");
    }
    Ok(kept)
}

/// By what its header says.
fn is_opaque_signature(entity: &Entity) -> bool {
    matches!(&entity.kind, Kind::Pkcs7(message) if message.smime_type == SmimeType::SignedData)
}

/// Counts octets.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0 += u64::try_from(octets.len()).unwrap_or_default();
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
