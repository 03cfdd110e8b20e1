//! Issuing certificates (S/MIME Baseline Requirements, section 7.1.2.3).

use der::oid::ObjectIdentifier;
use sealpost_rollover::{Slot, Span, SubjectKind, Time, authority::Issued};
use serde::{Deserialize, Serialize};

use super::{LocalAuthority, fault::Fault, order::Order, settings::Settings};
use crate::{
    Check, Error, KeyKind, Result,
    address::{self, MailName},
    certificate::{self, Template},
    check::{Finding, LONGEST, Rule, Wanted},
    keys::{self, Key},
    oid,
    profile::{self, Extension, Weight},
    write,
};

/// Where certificates are kept.
pub(super) const ISSUED: &str = "issued";

/// A certificate that was signed, and for which order.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    order: String,
    pub(super) certificate: String,
}

pub(super) fn entry(serial: &[u8]) -> String {
    format!("{ISSUED}/{}.json", to_hex(serial))
}

pub(super) fn to_hex(octets: &[u8]) -> String {
    base16ct::lower::encode_string(octets)
}

pub(super) fn from_hex(digits: &str) -> Result<Vec<u8>> {
    let unreadable = Error::unreadable("a record of the authority");
    base16ct::lower::decode_vec(digits).map_err(|problem| unreadable(&problem))
}

/// 126 random bits: many more than the 64 that section 7.1 asks for.
pub(super) fn random_serial() -> Result<Vec<u8>> {
    certificate::random_serial(16)
}

/// For whom and for what key a certificate is.
pub(super) struct Asked {
    pub(super) kind: SubjectKind,
    pub(super) slot: Slot,
    pub(super) address: String,
    /// SubjectPublicKeyInfo in DER.
    pub(super) spki: Vec<u8>,
}

impl LocalAuthority {
    /// The certificate of an order that is decided: the same each time. The lock must be held.
    pub(super) fn issue(&self, id: &str, mut order: Order) -> Result<Issued> {
        let certificate = if let Some(certificate) = &order.certificate {
            from_hex(certificate)?
        } else {
            let certificate = self.make_certificate(id, &order)?;
            order.certificate = Some(to_hex(&certificate));
            order.save(&self.ledger, id)?;
            certificate
        };
        Ok(Issued::new(certificate, self.chain()))
    }

    fn chain(&self) -> Vec<Vec<u8>> {
        vec![self.issuing().as_der().to_vec(), self.root().as_der().to_vec()]
    }

    fn make_certificate(&self, id: &str, order: &Order) -> Result<Vec<u8>> {
        let template = self.template_of(order)?;
        let name = entry(template.serial.get(2..).unwrap_or_default());
        // Whoever signed it was stopped before it was noted with the order: it is not signed twice.
        if let Some(made) = self.ledger.read::<Entry>(&name)?.filter(|made| made.order == id) {
            return from_hex(&made.certificate);
        }
        let certificate = template.sign(&self.hierarchy.issuing.key)?;
        let wrong =
            matches!(order.fault, Some(Fault::WrongKey | Fault::WrongAddress | Fault::TooLong | Fault::NotYetValid));
        if !wrong {
            self.check_own(&certificate, &order.asked()?)?;
        }
        self.note(id, &certificate, &name)?;
        Ok(certificate)
    }

    /// Writes down that it was signed. The lock must be held.
    pub(super) fn note(&self, order: &str, certificate: &[u8], name: &str) -> Result<()> {
        self.ledger.write(name, &Entry { order: order.to_owned(), certificate: to_hex(certificate) })
    }

    /// Before anybody sees it (section 4.3.1.2).
    pub(super) fn check_own(&self, certificate: &[u8], asked: &Asked) -> Result<()> {
        let findings = self.findings(certificate, asked);
        if findings.is_empty() {
            return Ok(());
        }
        Err(Error::Unfit(findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
    }

    fn findings(&self, certificate: &[u8], asked: &Asked) -> Vec<Finding> {
        let spki_sha256 = keys::names_of(&asked.spki).spki_sha256;
        let wanted = Wanted { kind: asked.kind, slot: asked.slot, address: &asked.address, spki_sha256: &spki_sha256 };
        let check = Check::new(std::slice::from_ref(self.root())).profile(self.settings.profile);
        let mut findings = check.look((certificate, &self.chain()), &wanted, (self.clock)());
        // The Baseline Requirements know no X25519; RFC 8410 does, and RFC 8418 needs it.
        findings.retain(|finding| finding.rule != Rule::KeyKind || !keys::is_x25519(&asked.spki));
        findings
    }

    /// What it would issue, changed, and what is found wrong with it. Nothing of it is kept.
    #[cfg(feature = "testing")]
    pub(crate) fn flawed(
        &self,
        ask: &super::Ask<'_>,
        change: impl FnOnce(&mut Template),
    ) -> Result<(Vec<u8>, Vec<Finding>)> {
        let order = Order::new(ask, None, (self.clock)(), &self.settings)?;
        let mut template = self.template_of(&order)?;
        change(&mut template);
        let certificate = template.sign(&self.hierarchy.issuing.key)?;
        let findings = self.findings(&certificate, &order.asked()?);
        Ok((certificate, findings))
    }

    fn template_of(&self, order: &Order) -> Result<Template> {
        let mut asked = order.asked()?;
        match order.fault {
            // Somebody else's.
            Some(Fault::WrongAddress) => asked.address = format!("not.{}", asked.address),
            Some(Fault::WrongKey) => asked.spki = Key::generate(KeyKind::P256)?.spki().to_vec(),
            _ => {}
        }
        self.template(&asked, order.serial()?, order.fault)
    }

    /// With that serial number: INTEGER in DER.
    pub(super) fn template(&self, asked: &Asked, serial: Vec<u8>, fault: Option<Fault>) -> Result<Template> {
        let names = address::names(asked.kind, asked.slot, &asked.address)?;
        let (not_before, not_after) = self.validity((self.clock)(), fault);
        let subject = address::subject(&names, &asked.address);
        let extensions = self.extensions(asked, &names, &subject);
        let (issuer, spki) = (self.issuing().subject().to_vec(), asked.spki.clone());
        let (version, algorithm) = (Template::VERSION, None);
        Ok(Template { serial, issuer, not_before, not_after, subject, spki, extensions, version, algorithm })
    }

    /// The last second is in it (trap T10). Nothing is valid longer than what signed it.
    fn validity(&self, now: Time, fault: Option<Fault>) -> (Time, Time) {
        let end = Time::from_unix(self.issuing().not_after().0);
        let lifetime = Span::days(i64::from(self.settings.days));
        match fault {
            Some(Fault::TooLong) => (now, now + LONGEST),
            Some(Fault::NotYetValid) => (now + Span::days(1), now + Span::days(1) + lifetime - Span::seconds(1)),
            _ => (now, (now + lifetime - Span::seconds(1)).min(end)),
        }
    }

    fn extensions(&self, asked: &Asked, names: &[MailName], subject: &[u8]) -> Vec<Extension> {
        let usage = profile::key_usage(&asked.spki, asked.kind, asked.slot);
        let mut list = vec![
            profile::authority_key_id(self.issuing().public_key()),
            profile::subject_key_id(&asked.spki),
            Extension::critical(oid::KEY_USAGE, write::named_bits(usage)),
            Extension::plain(oid::EXTENDED_KEY_USAGE, profile::extended_key_usage(self.settings.profile.purposes())),
            revocation_list(&self.settings, "issuing"),
            authority_access(&self.settings, "issuing"),
        ];
        if asked.kind != SubjectKind::CaCredential {
            let policy = profile::policies(&[self.settings.profile.policy()]);
            list.push(Extension::plain(oid::CERTIFICATE_POLICIES, policy));
            let names = address::alternative_names(names);
            // Where the subject is empty they stand for it (RFC 5280, section 4.2.1.6).
            let weight = if subject == write::sequence(&[]) { Weight::Critical } else { Weight::Plain };
            list.push(Extension { id: oid::SUBJECT_ALT_NAME, weight, value: names });
        }
        list
    }
}

/// Where the revocation list of what signs is.
pub(super) fn revocation_list(settings: &Settings, signer: &str) -> Extension {
    let uri = format!("{}/{signer}.crl", settings.url);
    Extension::plain(oid::CRL_DISTRIBUTION_POINTS, profile::distribution_point(&[&uri]))
}

/// Where the certificate of what signs is, and what answers by OCSP.
pub(super) fn authority_access(settings: &Settings, signer: &str) -> Extension {
    let (certificate, ocsp) = (format!("{}/{signer}.cer", settings.url), format!("{}/ocsp", settings.url));
    let methods: [(ObjectIdentifier, &str); 2] = [(oid::OCSP, &ocsp), (oid::CA_ISSUERS, &certificate)];
    Extension::plain(oid::AUTHORITY_INFO_ACCESS, profile::information_access(&methods))
}
