//! The structure of a mail, for a person: its parts, and what their protection shows to anyone. Nothing is verified or
//! decrypted.

use std::{
    fmt,
    io::{Read, Seek},
};

use crate::{
    Certificate, Enveloped, Error, Form, Limits, Result, SignerInfo,
    algorithm::Digest,
    certificate::name::printable,
    mime::{
        header::Header,
        locate::{Kind, Pkcs7},
        transfer::{Beginning, decoded},
    },
    signed::SignedData,
};

/// The parts of a mail, each before what is inside of it; the first is the mail itself.
#[derive(Debug)]
#[non_exhaustive]
pub struct Structure {
    /// The parts.
    pub parts: Vec<PartStructure>,
}

/// A part of a mail.
#[derive(Debug)]
#[non_exhaustive]
pub struct PartStructure {
    /// Where it stands: numbers such as `1.2`; empty for the mail itself.
    pub path: String,
    /// Its media type, in lower case.
    pub media_type: String,
    /// The name of its file, if it has one.
    pub file_name: Option<String>,
    /// Octets of its body, as they are in the mail.
    pub octets: u64,
    /// How it is protected, if it is.
    pub protection: Option<Protection>,
}

/// How a part is protected.
#[derive(Debug)]
#[non_exhaustive]
pub enum Protection {
    /// Signed, or only a carrier of certificates.
    Signed(SignedStructure),
    /// Encrypted.
    Encrypted(Enveloped),
    /// It says that it is protected, but can't be read.
    Unreadable(Error),
}

/// What a signature shows.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedStructure {
    /// How it is signed.
    pub form: Form,
    /// The hash functions of its signers that are known.
    pub digests: Vec<Digest>,
    /// Its signers; `None` for one that can't be read. Nobody: it only carries certificates.
    pub signers: Vec<Option<SignerInfo>>,
    /// Its certificates, as far as they can be read.
    pub certificates: Vec<Certificate>,
    /// How many certificates can't be read, or are no X.509 certificates.
    pub other_certificates: usize,
    /// How many revocation lists came along.
    pub crls: usize,
    /// The media type of a content inside of the signature.
    pub content: Option<String>,
}

impl Structure {
    /// Reads the structure of a mail.
    ///
    /// # Errors
    ///
    /// [`Error::Mime`], [`Error::Limit`], [`Error::Read`]. What is wrong with one part is said there, also that the
    /// structures of all parts together are more than [`Limits::structure`].
    pub fn read<M: Read + Seek>(mail: &mut M, limits: &Limits) -> Result<Self> {
        let end = mail.seek(std::io::SeekFrom::End(0)).map_err(Error::Read)?;
        if end > limits.mail {
            return Err(Error::Limit { what: "octets of a mail", limit: limits.mail });
        }
        let tree = crate::mime::tree::Tree::read(&mut *mail, 0..end, limits)?;
        let mut reader = Protections { limits, left: limits.structure };
        let parts = tree.parts.iter().enumerate().map(|(index, part)| PartStructure {
            path: tree.path(index),
            media_type: part.media_type.to_string(),
            file_name: Header::read(&mut *mail, part.entity.clone(), limits).ok().and_then(|header| header.file_name()),
            octets: part.body.end.saturating_sub(part.body.start),
            protection: match Kind::of(&tree, index) {
                Ok(kind) => reader.read(mail, kind),
                Err(error) => Some(Protection::Unreadable(error)),
            },
        });
        Ok(Self { parts: parts.collect() })
    }
}

/// Reads how parts are protected. What is kept of all of them together has a limit.
struct Protections<'a> {
    limits: &'a Limits,
    /// Octets that may yet be kept.
    left: usize,
}

impl Protections<'_> {
    fn read<M: Read + Seek>(&mut self, mail: &mut M, kind: Kind) -> Option<Protection> {
        let read = match kind {
            Kind::Other => return None,
            Kind::Signed(parts) => decoded(mail, parts.signature, parts.encoding)
                .and_then(|signature| self.signed(signature, Form::Detached))
                .map(Protection::Signed),
            Kind::Pkcs7(message) => self.pkcs7(mail, &message),
        };
        Some(read.unwrap_or_else(Protection::Unreadable))
    }

    /// What a message is it says itself: the parameter smime-type is only a hint.
    fn pkcs7<M: Read + Seek>(&mut self, mail: &mut M, message: &Pkcs7) -> Result<Protection> {
        let encrypted = Enveloped::read(decoded(&mut *mail, message.body.clone(), message.encoding)?, self.limits);
        if !matches!(encrypted, Err(Error::NotThis { .. })) {
            let encrypted = encrypted?;
            self.keep(encrypted.recipients.iter().map(|recipient| size_of_val(recipient) + recipient.octets()).sum())?;
            return Ok(Protection::Encrypted(encrypted));
        }
        let message = decoded(mail, message.body.clone(), message.encoding)?;
        self.signed(message, Form::Opaque).map(Protection::Signed)
    }

    fn signed(&mut self, message: impl Read, form: Form) -> Result<SignedStructure> {
        let mut head = Beginning::new(self.limits.header);
        let read = SignedData::read(message, self.limits, &mut |octets| {
            head.take(octets);
            Ok(())
        })?;
        self.keep(read.octets)?;
        let content = read.content_len.map(|_| Header::read_from(head.into_octets().as_slice(), self.limits));
        Ok(SignedStructure {
            form,
            digests: read.signer_digests().collect(),
            signers: read.signers.into_iter().map(Result::ok).collect(),
            certificates: read.certificates,
            other_certificates: read.unreadable_certificates + read.other_certificates,
            crls: read.crls.len(),
            content: content.transpose().ok().flatten().map(|header| printable(header.content_type().value())),
        })
    }

    fn keep(&mut self, octets: usize) -> Result<()> {
        let limit = self.limits.structure.try_into().unwrap_or(u64::MAX);
        let left = self.left.checked_sub(octets);
        self.left = left.unwrap_or_default();
        left.map(drop).ok_or(Error::Limit { what: "octets of all structures of a mail", limit })
    }
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            let depth = if part.path.is_empty() { 0 } else { part.path.split('.').count() };
            let indent = "  ".repeat(depth);
            let path = if part.path.is_empty() { "mail" } else { &part.path };
            let name = part.file_name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
            writeln!(f, "{indent}{path}  {}{name}, {} octets", part.media_type, part.octets)?;
            if let Some(protection) = &part.protection {
                for line in protection.to_string().lines() {
                    writeln!(f, "{indent}    {line}")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed(signed) => signed.fmt(f),
            Self::Encrypted(message) => encrypted(message, f),
            Self::Unreadable(error) => writeln!(f, "can't be read: {error}"),
        }
    }
}

impl fmt::Display for SignedStructure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.signers.is_empty() {
            writeln!(f, "certificates only")?;
        }
        for signer in &self.signers {
            match signer {
                Some(info) => {
                    write!(f, "signed by {}", info.signer_identifier())?;
                    info.scheme().map_or(Ok(()), |scheme| write!(f, ", {scheme}"))?;
                    info.signing_time().map_or(Ok(()), |time| write!(f, ", at {time}"))?;
                    writeln!(f)?;
                }
                None => writeln!(f, "signed by somebody who can't be read")?,
            }
        }
        for certificate in &self.certificates {
            let (name, serial) = (certificate.subject_name(), certificate.serial_hex());
            writeln!(f, "certificate of {name}, {serial}, until {}", certificate.not_after())?;
        }
        if self.other_certificates > 0 {
            writeln!(f, "{} certificates that are of no use here", self.other_certificates)?;
        }
        if self.crls > 0 {
            writeln!(f, "{} revocation lists", self.crls)?;
        }
        self.content.as_ref().map_or(Ok(()), |content| writeln!(f, "content: {content}"))
    }
}

fn encrypted(message: &Enveloped, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match message.cipher {
        Some(cipher) => writeln!(f, "encrypted, {cipher}")?,
        None => writeln!(f, "encrypted, by the algorithm {}", message.algorithm)?,
    }
    message.recipients.iter().try_for_each(|recipient| writeln!(f, "for {recipient}"))
}
