//! OCSP responses (RFC 6960), given by the caller: there is no request, hence no nonce.

use der::Tag;

use super::{
    RevocationPolicy,
    build::{Node, Search},
    issuer,
    revocation::{Known, Subject},
    signature::StatementId,
    signed::{Entry, Period, Signed, extensions},
};
use crate::{
    Certificate, Error, Result, UnixTime,
    algorithm::Digest,
    asn1::Element,
    certificate::{
        extension::{is_tagged, number},
        name,
    },
    oid,
};

const PLACE: &str = "an OCSP response";
const SINGLE: &str = "an answer of an OCSP response";

/// How long an answer is in force that does not say how long: newer ones are always at hand then (RFC 6960 §2.4).
const SHORT: i64 = 24 * 3600;

/// A response.
pub(super) struct OcspResponse {
    signed: Signed,
    responder: Responder,
    answers: Vec<Answer>,
    /// Certificates that came with it.
    pub(super) certificates: Vec<Certificate>,
}

enum Responder {
    /// The name in the form in which names are compared.
    Name(Vec<u8>),
    /// SHA-1 of the key.
    Key(Vec<u8>),
}

/// SingleResponse (RFC 6960 §4.2.1).
struct Answer {
    digest: Digest,
    issuer_name: Vec<u8>,
    issuer_key: Vec<u8>,
    serial: Vec<u8>,
    period: Period,
    status: Status,
}

enum Status {
    Good,
    Revoked(Entry),
    Unknown,
}

impl OcspResponse {
    /// Reads an OCSPResponse or a BasicOCSPResponse.
    pub(super) fn from_der(der: &[u8]) -> Result<Self> {
        let whole = Element::from_der(der, PLACE)?.expect(Tag::Sequence, PLACE)?;
        let fields = whole.inner(PLACE)?;
        if fields.first().is_none_or(|field| field.tag != Tag::Enumerated) {
            return Self::from_basic(der);
        }
        let [Element { value: [0], .. }, tagged] = fields.as_slice() else {
            return Err(Error::structure(PLACE, "it says that it is no answer"));
        };
        match Element::from_der(tagged.value, PLACE)?.inner(PLACE)?.as_slice() {
            [id, basic] if id.oid(PLACE)? == oid::OCSP_BASIC => {
                Self::from_basic(basic.expect(Tag::OctetString, PLACE)?.value)
            }
            _ => Err(Error::structure(PLACE, "it is of an unknown type")),
        }
    }

    fn from_basic(der: &[u8]) -> Result<Self> {
        let signed = Signed::from_der(der, PLACE)?;
        let (fields, _) = signed.fields(der, PLACE)?;
        let mut fields = fields.iter().peekable();
        let _version = fields.next_if(|field| is_tagged(field, 0));
        let missing = || Error::structure(PLACE, "a field is missing");
        let responder = Responder::read(fields.next().ok_or_else(missing)?)?;
        fields.next().ok_or_else(missing)?.expect(Tag::GeneralizedTime, PLACE)?;
        let answers = fields.next().ok_or_else(missing)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let answers = answers.iter().filter_map(|answer| Answer::read(answer).transpose()).collect::<Result<_>>()?;
        if let Some(list) = fields.next() {
            refuse_critical(list, PLACE)?;
        }
        Ok(Self { responder, answers, certificates: certificates(der)?, signed })
    }
}

/// The certificates behind the signature; those that can't be read are left out.
fn certificates(der: &[u8]) -> Result<Vec<Certificate>> {
    let fields = Element::from_der(der, PLACE)?.inner(PLACE)?;
    let Some(tagged) = fields.get(3) else { return Ok(Vec::new()) };
    let list = Element::from_der(tagged.value, PLACE)?.inner(PLACE)?;
    Ok(list.iter().filter_map(|certificate| Certificate::from_der(certificate.raw).ok()).collect())
}

/// Extensions under a tag of their own, of which none may be critical: none is known that would be.
fn refuse_critical(tagged: &Element<'_>, place: &'static str) -> Result<()> {
    let list = extensions(&Element::from_der(tagged.value, place)?, place)?;
    if list.iter().any(|extension| extension.critical) {
        return Err(Error::structure(place, "it has a critical extension that is not known"));
    }
    Ok(())
}

impl Responder {
    fn read(tagged: &Element<'_>) -> Result<Self> {
        match tagged {
            _ if is_tagged(tagged, 1) => Ok(Self::Name(name::canonical(tagged.value))),
            _ if is_tagged(tagged, 2) => Ok(Self::Key(Element::from_der(tagged.value, PLACE)?.value.to_vec())),
            _ => Err(Error::structure(PLACE, "it does not say whose it is")),
        }
    }

    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => name == certificate.canonical_subject(),
            Self::Key(hash) => key_bits(certificate).is_some_and(|bits| *hash == Digest::Sha1.hash(bits)),
        }
    }
}

impl Answer {
    /// `None` if its hash function is not known: it is about a certificate that can't be told.
    fn read(answer: &Element<'_>) -> Result<Option<Self>> {
        let fields = answer.expect(Tag::Sequence, SINGLE)?.inner(SINGLE)?;
        let mut fields = fields.iter().peekable();
        let missing = || Error::structure(SINGLE, "a field is missing");
        let id = fields.next().ok_or_else(missing)?.expect(Tag::Sequence, SINGLE)?.inner(SINGLE)?;
        let [algorithm, name, key, serial] = id.as_slice() else { return Err(missing()) };
        let Ok(digest) = Digest::from_der(algorithm.raw, SINGLE) else { return Ok(None) };
        let status = Status::read(fields.next().ok_or_else(missing)?)?;
        let this_update = UnixTime::from_asn1(fields.next().ok_or_else(missing)?)?;
        let next_update = fields.next_if(|field| is_tagged(field, 0));
        let next_update = next_update.map(|time| UnixTime::from_asn1(&Element::from_der(time.value, SINGLE)?));
        let next_update = next_update.transpose()?.unwrap_or(UnixTime(this_update.0.saturating_add(SHORT)));
        if let Some(list) = fields.next() {
            refuse_critical(list, SINGLE)?;
        }
        Ok(Some(Self {
            digest,
            issuer_name: name.value.to_vec(),
            issuer_key: key.value.to_vec(),
            serial: serial.value.to_vec(),
            period: Period { this_update, next_update: Some(next_update) },
            status,
        }))
    }

    /// Whether it is about that certificate (CertID, RFC 6960 §4.1.1).
    fn is_about(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let same_name =
            || [certificate.issuer(), issuer.subject()].iter().any(|name| self.digest.hash(name) == self.issuer_name);
        let same_key = || key_bits(issuer).is_some_and(|bits| self.digest.hash(bits) == self.issuer_key);
        self.serial == certificate.serial() && same_name() && same_key()
    }

    fn says(&self, at: UnixTime) -> Known {
        let in_force = self.period.contains(at);
        match &self.status {
            Status::Revoked(entry) if entry.holds(in_force, at) => Known::Revoked(*entry),
            Status::Good if in_force => Known::Good,
            _ => Known::Nothing,
        }
    }
}

impl Status {
    fn read(status: &Element<'_>) -> Result<Self> {
        match status {
            _ if is_tagged(status, 0) => Ok(Self::Good),
            _ if is_tagged(status, 1) => {
                let fields = status.inner(SINGLE)?;
                let at = fields.first().ok_or(Error::structure(SINGLE, "it does not say when"))?;
                let reason = fields.get(1).map(|tagged| number(&Element::from_der(tagged.value, SINGLE)?, SINGLE));
                Ok(Self::Revoked(Entry { at: UnixTime::from_asn1(at)?, reason: reason.transpose()?.unwrap_or(0) }))
            }
            _ if is_tagged(status, 2) => Ok(Self::Unknown),
            _ => Err(Error::structure(SINGLE, "its status is unknown")),
        }
    }
}

/// The octets of the BIT STRING subjectPublicKey, which key hashes are about.
fn key_bits(certificate: &Certificate) -> Option<&[u8]> {
    let fields = Element::from_der(certificate.public_key(), PLACE).ok()?.inner(PLACE).ok()?;
    fields.get(1)?.value.get(1..)
}

impl<'a> Search<'a> {
    /// What the responses say.
    pub(super) fn by_ocsp(&mut self, subject: Subject<'a>) -> Known {
        let validator = self.validator;
        let mut known = Known::Nothing;
        for (at, response) in validator.responses.iter().enumerate() {
            for answer in &response.answers {
                let says = answer.says(validator.at);
                let news = says != Known::Nothing && says != known;
                if !news || !answer.is_about(subject.node.certificate, subject.issuer.certificate) {
                    continue;
                }
                if !self.may_answer(at, response, subject) {
                    break;
                }
                if matches!(says, Known::Revoked(_)) {
                    return says;
                }
                known = says;
            }
        }
        known
    }

    /// Whether a response is signed by the issuer or by whom it has named for that (RFC 6960 §4.2.2.2).
    fn may_answer(&mut self, at: usize, response: &OcspResponse, subject: Subject<'a>) -> bool {
        let id = StatementId::Ocsp(at);
        let issuer = subject.issuer;
        if response.responder.is(issuer.certificate) && self.accepts(issuer, id, response.signed.statement()) {
            return true;
        }
        let named = |node: &Node<'a>| {
            node.certificate.canonical_issuer() == issuer.certificate.canonical_subject()
                && response.responder.is(node.certificate)
                && node
                    .certificate
                    .extended_key_usage()
                    .is_ok_and(|ids| ids.is_some_and(|ids| ids.contains(&oid::OCSP_SIGNING)))
                && node.certificate.allows(node.certificate.signing_usage())
                && issuer::sound(node.certificate, self.validator.at).is_ok()
        };
        let responders: Vec<Node<'a>> = self.pool.iter().copied().filter(named).collect();
        responders.into_iter().any(|responder| {
            self.signed(issuer, responder).is_ok()
                && self.accepts(responder, id, response.signed.statement())
                && self.is_not_revoked(Subject { node: responder, ..subject })
        })
    }

    /// Whether a responder was revoked can't be asked by OCSP: its certificate says that it need not be asked, or
    /// lists say it (RFC 6960 §4.2.2.2.1).
    fn is_not_revoked(&mut self, responder: Subject<'a>) -> bool {
        if responder.node.certificate.extension(oid::OCSP_NOCHECK).is_some() {
            return true;
        }
        match self.by_crls(responder) {
            Known::Good => true,
            Known::Nothing => self.validator.revocation != RevocationPolicy::Require,
            Known::Revoked(_) => false,
        }
    }
}
