//! Signing a mail (RFC 8551 §3.5).

use std::{
    fmt,
    io::{self, Read, Seek, Write},
    sync::Arc,
};

use rand_core::CryptoRng;

use crate::{
    Capabilities, Certificate, Error, Form, HeaderProtection, IdentifyBy, Limits, Result, UnixTime,
    algorithm::SignatureScheme,
    content::Content,
    key::SigningKey,
    mime::{
        base64::Encoder,
        claim::SmimeType,
        frame::{SignedFrame, pkcs7_header},
        lines::{LineEnd, LineWriter},
        locate::Entity,
        seven_bit::{Purpose, Rewrite, Wanted},
    },
    oid,
    protected::Composed,
    signed::{self, Digests, Hashes, Parts},
};

/// Signs mails with one key.
#[derive(Clone)]
pub struct Signer {
    certificate: Certificate,
    key: Arc<dyn SigningKey>,
    scheme: SignatureScheme,
    chain: Vec<Certificate>,
    encryption_certificate: Option<Certificate>,
    capabilities: Capabilities,
    form: Form,
    identify_by: IdentifyBy,
    header_protection: Option<HeaderProtection>,
    limits: Limits,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signed {
    /// How many octets were signed.
    pub octets: u64,
    /// Whether parts were encoded anew, so that no relay has to.
    pub reencoded: bool,
    /// Whether something is left that a relay may change, and break the signature: octets that are not 7-bit in header
    /// fields, in parts that are protected already, or in an encoding that is not known. Not so in the opaque form.
    pub fragile: bool,
}

impl Signer {
    /// Signs with this key, for the owner of this certificate. Partners are told that they may encrypt to it, unless
    /// another one is named.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the key does not have that scheme; [`Error::Certificate`] if the certificate is not for
    /// signing; [`Error::Structure`] and [`Error::Algorithm`] if its key can't be read.
    pub fn new(certificate: Certificate, key: Arc<dyn SigningKey>, scheme: SignatureScheme) -> Result<Self> {
        if !key.supports(scheme) {
            return Err(Error::Key("it can't sign that way"));
        }
        if !certificate.may_sign() {
            let subject = certificate.subject_name();
            return Err(Error::Certificate { subject, what: "by its key usage it is not for signing" });
        }
        let capabilities = Capabilities::for_recipient(certificate.public_key())?;
        Ok(Self {
            certificate,
            key,
            scheme,
            chain: Vec::new(),
            encryption_certificate: None,
            capabilities,
            form: Form::Detached,
            identify_by: IdentifyBy::default(),
            header_protection: None,
            limits: Limits::default(),
        })
    }

    /// With certificates of authorities, which go along so that everybody can build the path. Roots are left out:
    /// whoever trusts one has it.
    #[must_use]
    pub fn chain(mut self, certificates: &[Certificate]) -> Self {
        let is_root = |certificate: &Certificate| certificate.issuer() == certificate.subject();
        self.chain.extend(certificates.iter().filter(|certificate| !is_root(certificate)).cloned());
        self
    }

    /// Tells partners to encrypt to this certificate, which goes along (RFC 8551 §2.5.3).
    ///
    /// # Errors
    ///
    /// [`Error::Structure`] and [`Error::Algorithm`] if its key can't be read.
    pub fn encrypt_to(mut self, certificate: &Certificate) -> Result<Self> {
        self.capabilities = Capabilities::for_recipient(certificate.public_key())?;
        self.encryption_certificate = Some(certificate.clone());
        Ok(self)
    }

    /// Tells partners these capabilities instead of all that this crate has.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Detached, if nothing is said: every program can read that.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// How the signature names the certificate.
    #[must_use]
    pub fn identified_by(mut self, by: IdentifyBy) -> Self {
        self.identify_by = by;
        self
    }

    /// Signs the header fields too (RFC 9788). A mail that is encrypted next needs [`HeaderProtection::Cipher`] here.
    #[must_use]
    pub fn protect_header(mut self, protection: HeaderProtection) -> Self {
        self.header_protection = Some(protection);
        self
    }

    /// Other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Signs a mail. The fields `Content-…` of its header and its body become the signed entity, with CR LF at the
    /// ends of lines. Parts that a relay could change, as it must with 8-bit text and long lines, are encoded anew first.
    /// All other header fields stay as they are, octet for octet.
    ///
    /// Nothing is written before the signature is made.
    ///
    /// # Errors
    ///
    /// [`Error::Mime`], [`Error::Encoding`] and [`Error::Limit`] if the mail can't be read; what
    /// [`SigningKey::sign`] returns; [`Error::Structure`] if a mail that has line feeds alone would not be verified;
    /// [`Error::Read`], [`Error::Write`].
    pub fn sign<M: Read + Seek>(
        &self,
        mail: &mut M,
        time: UnixTime,
        rng: &mut dyn CryptoRng,
        out: &mut dyn Write,
    ) -> Result<Signed> {
        let header = Entity::header(mail, &self.limits)?;
        let purpose = match self.form {
            Form::Detached => Purpose::Detached,
            Form::Opaque => Purpose::Enclosed,
        };
        let Composed { outer, inner } = Composed::for_body(&header, self.header_protection);
        let wanted = Wanted { inner: &inner, purpose };
        let hashing = || Hashing { hashes: Hashes::new([self.scheme.message_digest()]), octets: 0 };
        let (_, rewrite, Hashing { hashes, octets }) = Rewrite::plan(mail, &wanted, &self.limits, hashing)?;
        let (end, remaining) = (LineEnd::of(&header), rewrite.remaining());
        let fragile = self.form == Form::Detached && !remaining.is_seven_bit();
        if fragile && end == LineEnd::Lf && remaining.bare_cr {
            let what = "a carriage return alone would be taken for half of a line end; sign it in the opaque form";
            return Err(Error::structure("a mail with line feeds alone", what));
        }
        let signer = self.signer_info(time, &hashes.finish(), rng)?;
        let mut content = |to: &mut dyn Write| rewrite.write(mail, to, &self.limits);
        let certificates = self.certificates();
        let parts = Parts { content_type: oid::DATA, certificates: &certificates, signers: &[signer] };
        let mut out = LineWriter::new(out, end);
        out.write_all(&outer).map_err(Error::Write)?;
        match self.form {
            Form::Detached => self.detached(&parts, &mut content, rng, &mut out)?,
            Form::Opaque => opaque(&parts, octets, &mut content, &mut out)?,
        }
        out.finish().map_err(Error::Write)?;
        Ok(Signed { octets, reencoded: rewrite.changes(), fragile })
    }

    /// Signs the content's hash.
    fn signer_info(&self, time: UnixTime, digests: &Digests, rng: &mut dyn CryptoRng) -> Result<signed::Signed> {
        let mut signer = signed::Signer::new(&self.certificate, &*self.key, self.scheme);
        signer.naming = self.identify_by;
        signer.signing_time = Some(time);
        signer.capabilities = Some(&self.capabilities);
        signer.encryption_certificate = self.encryption_certificate.as_ref();
        let digest = digests.get(signer.digest()).unwrap_or_default();
        signer.sign(oid::DATA, digest, rng)
    }

    /// All that go along.
    fn certificates(&self) -> Vec<Certificate> {
        let own = std::iter::once(&self.certificate).chain(&self.encryption_certificate);
        own.chain(&self.chain).cloned().collect()
    }

    /// multipart/signed (RFC 8551 §3.5.3).
    fn detached(
        &self,
        parts: &Parts<'_>,
        content: &mut Content<'_>,
        rng: &mut dyn CryptoRng,
        out: &mut dyn Write,
    ) -> Result<()> {
        let frame = SignedFrame::new(self.scheme.message_digest(), rng);
        out.write_all(&frame.head).map_err(Error::Write)?;
        content(out)?;
        out.write_all(&frame.between).map_err(Error::Write)?;
        let mut encoder = Encoder::new(&mut *out);
        encoder.write_all(&parts.detached()).map_err(Error::Write)?;
        encoder.finish().map_err(Error::Write)?;
        out.write_all(&frame.tail).map_err(Error::Write)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { certificate, scheme, form, .. } = self;
        f.debug_struct("Signer")
            .field("certificate", certificate)
            .field("scheme", scheme)
            .field("form", form)
            .finish_non_exhaustive()
    }
}

/// application/pkcs7-mime with the content in it (RFC 8551 §3.5.2).
fn opaque(parts: &Parts<'_>, octets: u64, content: &mut Content<'_>, out: &mut dyn Write) -> Result<()> {
    out.write_all(&pkcs7_header(SmimeType::SignedData)).map_err(Error::Write)?;
    let mut encoder = Encoder::new(out);
    parts.opaque(octets).write(content, &mut encoder)?;
    encoder.finish().map(drop).map_err(Error::Write)
}

/// A message that carries certificates and nothing else, as DER (`smime.p7c`, RFC 8551 §3.8).
#[must_use]
pub fn certificates_only(certificates: &[Certificate]) -> Vec<u8> {
    Parts::certificates_only(certificates)
}

/// Hashes and counts.
struct Hashing {
    hashes: Hashes,
    octets: u64,
}

impl Write for Hashing {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.hashes.update(octets);
        self.octets += u64::try_from(octets.len()).unwrap_or_default();
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
