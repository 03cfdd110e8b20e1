//! OCSP answers (RFC 6960). Whoever runs a server passes it the requests.

use der::{
    Decode, Encode, Sequence,
    asn1::{AnyRef, OctetStringRef},
    oid::ObjectIdentifier,
};
use sealpost_rollover::{Span, Time};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{LocalAuthority, crl::code, hierarchy::Authority, issue::entry};
use crate::{
    Result, keys, oid,
    profile::{self, Extension},
    write,
};

/// How long an answer is in force (S/MIME Baseline Requirements, section 4.9.10: 8 hours to 10 days).
const IN_FORCE: Span = Span::days(4);

/// How many certificates may be asked for at once.
const MOST: usize = 32;

/// The longest nonce (RFC 9654, section 2.1).
const NONCE: usize = 128;

/// OCSPResponseStatus.
const MALFORMED: u8 = 1;
const INTERNAL: u8 = 2;
const UNAUTHORIZED: u8 = 6;

#[derive(Sequence)]
struct Request<'a> {
    tbs: Tbs<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    signature: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct Tbs<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    version: Option<u8>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    requestor: Option<AnyRef<'a>>,
    list: Vec<Single<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<x509_cert::ext::Extensions>,
}

#[derive(Sequence)]
struct Single<'a> {
    id: Id<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<AnyRef<'a>>,
}

/// CertID.
#[derive(Clone, Sequence)]
struct Id<'a> {
    algorithm: Algorithm<'a>,
    name: &'a OctetStringRef,
    key: &'a OctetStringRef,
    serial: AnyRef<'a>,
}

#[derive(Clone, Sequence)]
struct Algorithm<'a> {
    id: ObjectIdentifier,
    #[asn1(optional = "true")]
    parameters: Option<AnyRef<'a>>,
}

impl Id<'_> {
    /// Whether it is about what that authority issued.
    fn is_of(&self, authority: &Authority) -> bool {
        let hash = |octets: &[u8]| match self.algorithm.id {
            oid::SHA1 => Sha1::digest(octets).to_vec(),
            oid::SHA256 => Sha256::digest(octets).to_vec(),
            _ => Vec::new(),
        };
        let key = keys::bits_of(authority.certificate.public_key()).unwrap_or_default();
        hash(authority.certificate.subject()) == self.name.as_bytes() && hash(&key) == self.key.as_bytes()
    }
}

impl LocalAuthority {
    /// The answer to a request, both in DER. Signed with the key that signed the certificate; a request for what was
    /// never issued here is answered by "unknown", one for other authorities' certificates is refused.
    #[must_use]
    pub fn ocsp(&self, request: &[u8]) -> Vec<u8> {
        let Ok(request) = Request::from_der(request) else { return status(MALFORMED) };
        let list = &request.tbs.list;
        if list.is_empty() || list.len() > MOST {
            return status(MALFORMED);
        }
        let signers = [&self.hierarchy.issuing, &self.hierarchy.root];
        let by = signers.into_iter().find(|signer| list.iter().all(|single| single.id.is_of(signer)));
        let Some(by) = by else { return status(UNAUTHORIZED) };
        self.answer(by, &request.tbs).unwrap_or_else(|_| status(INTERNAL))
    }

    fn answer(&self, by: &Authority, tbs: &Tbs<'_>) -> Result<Vec<u8>> {
        let now = (self.clock)();
        let answers: Vec<_> = tbs.list.iter().map(|single| self.single(by, &single.id, now)).collect::<Result<_>>()?;
        let key_hash = write::octets(&keys::key_id(by.certificate.public_key()));
        let data = write::sequence(&[
            &write::tagged(2, &[&key_hash]),
            &write::generalized_time(now),
            &write::sequence(&[&answers.concat()]),
            &nonce(tbs),
        ]);
        let basic = by.key.signed(&data)?;
        let bytes = write::sequence(&[&write::oid(oid::OCSP_BASIC), &write::octets(&basic)]);
        Ok(write::sequence(&[&write::enumerated(0), &write::tagged(0, &[&bytes])]))
    }

    /// SingleResponse.
    fn single(&self, by: &Authority, id: &Id<'_>, now: Time) -> Result<Vec<u8>> {
        let serial = id.serial.value();
        let issued = if std::ptr::eq(by, &raw const self.hierarchy.root) {
            serial == self.issuing().serial()
        } else {
            self.ledger.get(&entry(serial))?.is_some()
        };
        let revoked = self.revoked(serial)?;
        let state = match (issued, revoked) {
            (false, _) => write::implicit(2, &[]),
            (true, None) => write::implicit(0, &[]),
            (true, Some(revoked)) => {
                let reason = match code(revoked.reason) {
                    0 => Vec::new(),
                    code => write::tagged(0, &[&write::enumerated(code)]),
                };
                write::tagged(1, &[&write::generalized_time(revoked.at), &reason])
            }
        };
        let id = id.to_der().map_err(|problem| crate::Error::unreadable("an OCSP request")(&problem))?;
        let next = write::tagged(0, &[&write::generalized_time(now + IN_FORCE)]);
        Ok(write::sequence(&[&id, &state, &write::generalized_time(now), &next]))
    }
}

/// What makes the answer one to this request, if it was asked for (RFC 9654).
fn nonce(tbs: &Tbs<'_>) -> Vec<u8> {
    let asked = tbs.extensions.iter().flatten().find(|extension| extension.extn_id == oid::OCSP_NONCE);
    match asked.map(|extension| extension.extn_value.as_bytes()) {
        Some(nonce) if nonce.len() <= NONCE => {
            let extension = Extension::plain(oid::OCSP_NONCE, nonce.to_vec());
            write::tagged(1, &[&profile::extensions(&[extension])])
        }
        _ => Vec::new(),
    }
}

/// A response without an answer.
fn status(status: u8) -> Vec<u8> {
    write::sequence(&[&write::enumerated(status)])
}
