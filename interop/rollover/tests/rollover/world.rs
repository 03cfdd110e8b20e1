//! A site in virtual time: subjects with keys of several kinds, an authority, whatever store is given, and partners
//! who write to each certificate that they see.

use std::{
    io::Cursor,
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_ca::{Check, KeyKind, KeyPool, LocalAuthority, MailWorkshop, local::Clock};
use sealpost_interop_rollover::{policy, settings};
use sealpost_rollover::{
    GenerationId, Layout, Policy, Result, Span, Subject, SubjectKind, Time,
    authority::Issued,
    driver::{Driver, Nobody, Publisher},
    port::{CertificateRecord, KeyName, KeyStore, PrivateKey, PublicKey},
    workshop::{Asked, Inspection, MadeKey, Workshop},
};
use sealpost_smime::{
    self as smime, Certificate, CertificateIdentifier, Credential, Decrypter, Encrypter, IdentifyBy, Limits,
    Protection, Recipient, Structure, key::SoftwareKey,
};
use sealpost_store::AnyStore;

pub(crate) const START: Time = Time::from_unix(1_795_780_800);

const MAIL: &str = "From: partner@example.com\r\nTo: us@example.org\r\nMIME-Version: 1.0\r\n\
    Content-Type: text/plain\r\n\r\nThe combination of the vault is ";

/// A node.
pub(crate) type Rolling = Driver<AnyStore, LocalAuthority, Kinds, Partners, Nobody>;

/// A mail to us.
pub(crate) struct Mail {
    address: String,
    octets: Vec<u8>,
    says: String,
    /// Whom it is encrypted to.
    pub(crate) certificate: Vec<u8>,
}

impl Mail {
    /// Reads it with these keys.
    pub(crate) fn read(&self, keys: Vec<Credential>) {
        let mut read = Vec::new();
        let decrypter = Decrypter::new(&self.address).with_assigned(keys);
        let done = decrypter.decrypt(&mut Cursor::new(&self.octets), &mut UnwrapErr(SysRng), &mut read);
        assert!(done.is_ok(), "{}: {}: {done:?}", self.address, self.says);
        let body = |mail: &str| mail.rsplit("\r\n\r\n").next().unwrap().trim_end().to_owned();
        assert_eq!(body(std::str::from_utf8(&read).unwrap()), body(&self.says));
    }
}

/// Whoever sees a certificate of ours keeps it.
#[derive(Clone, Default)]
pub(crate) struct Partners(Arc<Mutex<Vec<(Subject, CertificateRecord)>>>);

impl Publisher for Partners {
    async fn publish(&self, subject: &Subject, certificate: &CertificateRecord) -> Result<(), String> {
        self.0.lock().unwrap().push((subject.clone(), certificate.clone()));
        Ok(())
    }

    async fn announce(&self, _: &Subject, _: &CertificateRecord, _: Time) -> Result<(), String> {
        Ok(())
    }
}

/// Makes RSA keys for those who are called so.
pub(crate) struct Kinds {
    curve: MailWorkshop,
    rsa: MailWorkshop,
}

impl Workshop for Kinds {
    async fn make_key(&self, subject: &Subject, generation: GenerationId) -> Result<MadeKey> {
        let workshop = if subject.address.starts_with("rsa") { &self.rsa } else { &self.curve };
        workshop.make_key(subject, generation).await
    }

    fn read(&self, issued: &Issued) -> Result<CertificateRecord, String> {
        self.curve.read(issued)
    }

    fn inspect(&self, certificate: &CertificateRecord, asked: &Asked<'_>, now: Time) -> Inspection {
        self.curve.inspect(certificate, asked, now)
    }
}

pub(crate) struct World {
    clock: Arc<AtomicI64>,
    authority: Arc<LocalAuthority>,
    workshop: Arc<Kinds>,
    partners: Partners,
    pub(crate) mails: Vec<Mail>,
    pub(crate) certificates: usize,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(START.unix()));
        let hand = Arc::clone(&clock);
        let tells: Clock = Arc::new(move || Time::from_unix(hand.load(Ordering::SeqCst)));
        let authority = Arc::new(LocalAuthority::in_memory(settings(), tells).unwrap());
        let check = Check::new(std::slice::from_ref(authority.root()));
        let [curve, rsa] =
            [KeyKind::P256, KeyKind::Rsa2048].map(|kind| MailWorkshop::new(KeyPool::new(kind, 0), check.clone()));
        let workshop = Arc::new(Kinds { curve, rsa });
        Self { clock, authority, workshop, partners: Partners::default(), mails: Vec::new(), certificates: 0 }
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_unix(self.clock.load(Ordering::SeqCst))
    }

    /// A node on `store`, in this world's time.
    pub(crate) fn node(&self, store: AnyStore) -> Rolling {
        self.node_with(store, policy())
    }

    /// The same under another policy.
    pub(crate) fn node_with(&self, store: AnyStore, policy: Policy) -> Rolling {
        let hand = Arc::clone(&self.clock);
        let store = Arc::new(store.with_clock(move || Time::from_unix(hand.load(Ordering::SeqCst))));
        let (authority, workshop) = (Arc::clone(&self.authority), Arc::clone(&self.workshop));
        Driver::new(store, authority, workshop, policy, "node").telling(self.partners.clone(), Nobody)
    }

    /// Lives on for so many days. Partners write to each certificate that they see.
    pub(crate) async fn live(&mut self, node: &Rolling, days: i64) {
        for _ in 0..days / 10 {
            self.clock.fetch_add(Span::days(10).as_seconds(), Ordering::SeqCst);
            loop {
                let report = node.tick().await.unwrap();
                assert!(report.failures.is_empty() && report.refused == 0, "{report:?}");
                if report.claimed == 0 {
                    break;
                }
            }
            let seen = std::mem::take(&mut *self.partners.0.lock().unwrap());
            seen.iter().for_each(|(subject, certificate)| self.write(subject, certificate));
        }
    }

    /// Partners write to a certificate, unless it only signs: by two programs, naming it in both ways.
    fn write(&mut self, subject: &Subject, record: &CertificateRecord) {
        let certificate = Certificate::from_der(&record.der).unwrap();
        let Ok(recipient) = Recipient::new(certificate) else {
            assert_eq!(subject.layout, Layout::Split);
            return;
        };
        self.certificates += 1;
        for by in [IdentifyBy::IssuerAndSerial, IdentifyBy::SubjectKeyIdentifier] {
            let says = format!("{MAIL}{}\r\n", self.mails.len());
            let mut ours = Vec::new();
            let to = recipient.clone().identified_by(by).unwrap();
            let encrypter = Encrypter::new().to(to);
            encrypter.encrypt(&mut Cursor::new(&says), &mut UnwrapErr(SysRng), &mut ours).unwrap();
            let theirs = openssl(&record.der, by, &says);
            for octets in [ours, theirs] {
                let (address, says, certificate) = (subject.address.clone(), says.clone(), record.der.clone());
                self.mails.push(Mail { address, octets, says, certificate });
            }
        }
    }

    /// Reads each mail that ever came, with the key that it names.
    pub(crate) async fn read_all(&self, node: &Rolling) {
        for mail in &self.mails {
            let keys = keys_for(node, mail).await;
            assert!(!keys.is_empty(), "no key for {}: {}", mail.address, mail.says);
            mail.read(keys);
        }
    }
}

/// The names of the public key of a certificate.
pub(crate) fn names(certificate: &[u8]) -> PublicKey {
    let check = Check::new(&[]);
    let workshop = MailWorkshop::new(KeyPool::new(KeyKind::P256, 0), check);
    workshop.read(&Issued::new(certificate.to_vec(), Vec::new())).unwrap().public
}

/// A certificate with its key.
pub(crate) fn credential(certificate: &[u8], key: &PrivateKey) -> Credential {
    let certificate = Certificate::from_der(certificate).unwrap();
    let key = SoftwareKey::from_der(key.expose_pkcs8(), None, &Limits::default()).unwrap();
    Credential::new(certificate, smime::PrivateKey::from_software(&key).unwrap()).unwrap()
}

/// Encrypts with OpenSSL.
fn openssl(certificate: &[u8], by: IdentifyBy, mail: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let [to, content, out] = ["to.cer", "mail", "encrypted"].map(|name| folder.path().join(name));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    std::fs::write(&to, certificate).unwrap();
    std::fs::write(&content, mail.split_once("\r\n").map_or("", |(_, rest)| rest)).unwrap();
    let mut command = Command::new("openssl");
    command.args(["cms", "-encrypt", "-binary", "-crlfeol", "-aes-256-cbc", "-in", &text(&content)]);
    command.args(["-out", &text(&out), "-recip", &text(&to)]);
    if matches!(by, IdentifyBy::SubjectKeyIdentifier) {
        command.arg("-keyid");
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::read(out).unwrap()
}

/// The keys that the mail names.
pub(crate) async fn keys_for(node: &Rolling, mail: &Mail) -> Vec<Credential> {
    let structure = Structure::read(&mut Cursor::new(&mail.octets), &Limits::default()).unwrap();
    let Some(Protection::Encrypted(enveloped)) = structure.parts.into_iter().next().and_then(|part| part.protection)
    else {
        panic!("it is not encrypted");
    };
    let mut credentials = Vec::new();
    for id in enveloped.recipients.into_iter().filter_map(|recipient| recipient.id) {
        let name = match id {
            CertificateIdentifier::IssuerAndSerial { issuer, serial } => KeyName::IssuerAndSerial { issuer, serial },
            CertificateIdentifier::SubjectKeyIdentifier(id) => KeyName::KeyId(id),
            _ => continue,
        };
        for (id, key) in node.decrypters_for(&name).await.unwrap() {
            let record = node.store().generation(id).await.unwrap().unwrap();
            credentials.push(credential(&record.certificates.first().unwrap().der, &key));
        }
    }
    credentials
}

/// Subjects of each kind.
pub(crate) fn subjects() -> Vec<Subject> {
    [
        (SubjectKind::Mailbox, "anna@example.org", Layout::Dual),
        (SubjectKind::Mailbox, "bert@example.org", Layout::Split),
        (SubjectKind::SharedMailbox, "rsa@example.org", Layout::Dual),
        (SubjectKind::Domain, "example.org", Layout::Dual),
        (SubjectKind::Mailbox, "leaves@example.org", Layout::Dual),
    ]
    .map(|(kind, address, layout)| Subject::new(kind, address, layout, START).unwrap())
    .into()
}
