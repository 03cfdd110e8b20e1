//! The forwardee's key and certificate.

use sealpost::{
    ca::{
        local::{LocalAuthority, system_clock},
        personal::{self, Holder},
    },
    rollover::Span,
    smime::{Certificate, algorithm::Curve, key::SoftwareKey},
    smime_forwarding::serial_octets,
};

use super::{args, load, rng};
use crate::{
    failure::{At, Failure, Result},
    time::now,
};

/// How far clocks may be behind ours, and how long the key has its name. A forward ends by the instance; a certificate
/// that ended would only make mail programs complain about mails of that time.
const EARLIER: Span = Span::days(1);
const LIFETIME: Span = Span::days(3650);

/// A forwardee's key, with what messages name it by.
pub(super) struct Forwardee {
    pub(super) key: SoftwareKey,
    pub(super) certificate: Certificate,
    /// The certificates above.
    pub(super) chain: Vec<Certificate>,
}

impl Forwardee {
    /// The one that was given, or a new one, on the curve of the forwarder's key.
    pub(super) fn new(args: &args::Setup, holder: &Holder, (forwarder, curve): (&Certificate, Curve)) -> Result<Self> {
        match (&args.forwardee_key, &args.authority) {
            (Some(path), _) => Self::given(args, path, holder),
            (None, Some(folder)) => {
                let key = new_key(args, curve)?;
                let authority = LocalAuthority::open(folder, system_clock()).at(folder)?;
                let mut chain = authority.certify_agreement(key.public_key(), holder.address()).at(folder)?;
                let certificate = chain.remove(0);
                Ok(Self { key, certificate, chain })
            }
            (None, None) => {
                let key = signing_key(args, curve)?;
                let validity = (now() - EARLIER, now() + LIFETIME);
                let serial = serial_octets(forwarder, &holder.subject());
                let certificate =
                    personal::self_signed(&key, holder, validity, serial).at("the forwardee's certificate")?;
                Ok(Self { key, certificate, chain: Vec::new() })
            }
        }
    }

    fn given(args: &args::Setup, path: &std::path::Path, holder: &Holder) -> Result<Self> {
        let found = load::agreeing(path, &args.forwardee_cert, args.forwardee_password_file.as_ref())?;
        let place = args.forwardee_cert.first().map_or(path, |path| path.as_path());
        let wrong = |what: String| Err(Failure::new(format!("{}: {what}", place.display())));
        let mut certificates = found.certificates.into_iter();
        let Some(certificate) = certificates.next() else { return wrong("there is no certificate in it".to_owned()) };
        let address = holder.address();
        if !certificate.addresses().iter().any(|of| of.eq_ignore_ascii_case(address)) {
            return wrong(format!("the certificate is not for {address}"));
        }
        if certificate.may_sign() && !args.allow_signing_key {
            return wrong(
                "the certificate lets its key sign, which others than its owner have: --allow-signing-key".to_owned(),
            );
        }
        Ok(Self { key: found.key, certificate, chain: found.others })
    }
}

/// A new key that can sign its own certificate, or a request for one.
pub(super) fn signing_key(args: &args::Setup, curve: Curve) -> Result<SoftwareKey> {
    let key = new_key(args, curve)?;
    if key.signing().is_none() {
        let path = args.key.display();
        let why = "for a key of X25519, which can sign neither a certificate nor a request, give --authority";
        return Err(Failure::new(format!("{path}: {why}")));
    }
    Ok(key)
}

fn new_key(args: &args::Setup, curve: Curve) -> Result<SoftwareKey> {
    SoftwareKey::generate_agreement(curve, &mut rng()).at(&args.key)
}
