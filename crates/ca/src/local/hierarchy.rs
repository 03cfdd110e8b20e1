//! The root and the issuing authority (S/MIME Baseline Requirements, sections 7.1.2.1 and 7.1.2.2).

use sealpost_rollover::{Span, Time};
use sealpost_smime::Certificate;

use super::{
    issue::{self, random_serial},
    ledger::Ledger,
    settings::Settings,
};
use crate::{
    Error, Result, address,
    certificate::Template,
    keys::Key,
    oid,
    profile::{self, Extension, usage},
    write,
};

/// How long a root is valid, and the authority below it.
const ROOT: Span = Span::days(25 * 365);
const ISSUING: Span = Span::days(20 * 365);

/// Its files: DER.
const ROOT_KEY: &str = "root.key";
const ROOT_CERTIFICATE: &str = "root.cer";
const ISSUING_KEY: &str = "issuing.key";
const ISSUING_CERTIFICATE: &str = "issuing.cer";

/// A certificate with its key.
pub(super) struct Authority {
    pub(super) certificate: Certificate,
    pub(super) key: Key,
}

pub(super) struct Hierarchy {
    pub(super) root: Authority,
    pub(super) issuing: Authority,
}

impl Hierarchy {
    pub(super) fn make(settings: &Settings, now: Time, ledger: &Ledger) -> Result<Self> {
        let root_key = Key::generate(settings.authority_key)?;
        let issuing_key = Key::generate(settings.authority_key)?;
        let [root_name, name] = ["Root", "Issuing"].map(|what| name(settings, what));
        let extensions = authority_extensions(&root_key, None);
        let root = template((&root_name, &root_name), (now, ROOT), &root_key, extensions)?.sign(&root_key)?;
        let mut extensions = authority_extensions(&issuing_key, Some(0));
        extensions.extend(subordinate_extensions(&root_key, settings));
        let issuing = template((&name, &root_name), (now, ISSUING), &issuing_key, extensions)?.sign(&root_key)?;
        // Keys before certificates: no certificate is without its key.
        ledger.put(ROOT_KEY, root_key.expose_pkcs8())?;
        ledger.put(ISSUING_KEY, issuing_key.expose_pkcs8())?;
        ledger.put(ROOT_CERTIFICATE, &root)?;
        ledger.put(ISSUING_CERTIFICATE, &issuing)?;
        Ok(Self { root: Authority::new(&root, root_key)?, issuing: Authority::new(&issuing, issuing_key)? })
    }

    pub(super) fn load(ledger: &Ledger) -> Result<Self> {
        let file = |name: &'static str| {
            let missing = || Error::File { path: name.into(), problem: "it is missing".to_owned() };
            ledger.get(name)?.ok_or_else(missing)
        };
        let root = Authority::new(&file(ROOT_CERTIFICATE)?, Key::from_pkcs8(file(ROOT_KEY)?)?)?;
        let issuing = Authority::new(&file(ISSUING_CERTIFICATE)?, Key::from_pkcs8(file(ISSUING_KEY)?)?)?;
        Ok(Self { root, issuing })
    }
}

impl Authority {
    fn new(der: &[u8], key: Key) -> Result<Self> {
        let unreadable = Error::unreadable("the authority's certificate");
        let certificate = Certificate::from_der(der).map_err(|problem| unreadable(&problem))?;
        if certificate.public_key() != key.spki() {
            return Err(Error::Key("the authority's key is not that of its certificate"));
        }
        Ok(Self { certificate, key })
    }
}

fn template(
    (subject, issuer): (&[u8], &[u8]),
    (now, lifetime): (Time, Span),
    key: &Key,
    extensions: Vec<Extension>,
) -> Result<Template> {
    Ok(Template {
        serial: write::unsigned(&random_serial()?),
        issuer: issuer.to_vec(),
        not_before: now,
        not_after: now + lifetime - Span::seconds(1),
        subject: subject.to_vec(),
        spki: key.spki().to_vec(),
        extensions,
        version: Template::VERSION,
        algorithm: None,
    })
}

fn name(settings: &Settings, what: &str) -> Vec<u8> {
    let common = format!("{} {what}", settings.name);
    // Section 7.1.4.3.1.
    address::distinguished(&[
        (oid::COUNTRY, write::text(&settings.country)),
        (oid::ORGANIZATION, write::text(&settings.name)),
        (oid::COMMON_NAME, write::text(&common)),
    ])
}

/// What makes it an authority's.
fn authority_extensions(key: &Key, below: Option<u8>) -> Vec<Extension> {
    let below = below.map(|most| write::unsigned(&[most])).unwrap_or_default();
    vec![
        Extension::critical(oid::BASIC_CONSTRAINTS, write::sequence(&[&write::truth(), &below])),
        Extension::critical(oid::KEY_USAGE, write::named_bits(usage::CERT_SIGN | usage::CRL_SIGN)),
        profile::subject_key_id(key.spki()),
    ]
}

/// What ties it to the root.
fn subordinate_extensions(root: &Key, settings: &Settings) -> Vec<Extension> {
    vec![
        profile::authority_key_id(root.spki()),
        Extension::plain(oid::EXTENDED_KEY_USAGE, profile::extended_key_usage(settings.profile.purposes())),
        Extension::plain(oid::CERTIFICATE_POLICIES, profile::policies(&[settings.profile.policy()])),
        issue::revocation_list(settings, "root"),
        issue::authority_access(settings, "root"),
    ]
}
