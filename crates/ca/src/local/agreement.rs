//! Certificates for keys that only agree on secrets, asked for by who holds them.

use sealpost_rollover::{Slot, SubjectKind};
use sealpost_smime::Certificate;

use super::{
    LocalAuthority,
    issue::{self, Asked, random_serial},
};
use crate::{Error, Result, address::MailName, profile, profile::usage, write};

impl LocalAuthority {
    /// A certificate for encryption only, of a key of P-256, P-384 or X25519, and those above it but the root; the next
    /// is always the issuer's.
    ///
    /// `public_key` is DER of a SubjectPublicKeyInfo. No request proves that the caller has its secret: X25519 keys can't
    /// sign one. So the caller must have made the key, or know who did. Such a certificate can be revoked as any other.
    ///
    /// # Errors
    ///
    /// [`Error::Address`]; [`Error::Key`] for a key of another kind; [`Error::Refused`] if there were too many requests
    /// this hour; [`Error::Unfit`]; [`Error::File`].
    pub fn certify_agreement(&self, public_key: &[u8], address: &str) -> Result<Vec<Certificate>> {
        if profile::encryption_usage(public_key) != Some(usage::KEY_AGREEMENT) {
            return Err(Error::Key("it is not one that agrees on secrets"));
        }
        let address = MailName::new(address)?.as_str().to_owned();
        let asked = Asked { kind: SubjectKind::Mailbox, slot: Slot::Encrypt, address, spki: public_key.to_vec() };
        if let Some(retry_at) = self.too_many((self.clock)()) {
            return Err(Error::Refused(format!("too many requests this hour; ask again at {retry_at}")));
        }
        let serial = random_serial()?;
        let certificate = self.template(&asked, write::unsigned(&serial), None)?.sign(&self.hierarchy.issuing.key)?;
        self.check_own(&certificate, &asked)?;
        let unreadable = Error::unreadable("the certificate");
        let read = Certificate::from_der(&certificate).map_err(|problem| unreadable(&problem))?;
        let _lock = self.ledger.lock()?;
        self.note(OF_NO_ORDER, &certificate, &issue::entry(&serial))?;
        Ok(vec![read, self.issuing().clone()])
    }
}

/// What stands for the order of a certificate that had none. No order has an empty name.
const OF_NO_ORDER: &str = "";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sealpost_rollover::{RevocationReason, Selection, Time};
    use sealpost_smime::{
        UnixTime,
        path::{Purpose, Revocation, Validator},
    };

    use super::*;
    use crate::{KeyKind, Profile, keys::Key, local::Settings, oid};

    const START: Time = Time::from_unix(1_795_780_800);

    fn authority(settings: impl FnOnce(Settings) -> Settings) -> LocalAuthority {
        let settings = settings(Settings::new("Test", "http://ca.example.com"));
        LocalAuthority::in_memory(settings, Arc::new(|| START)).unwrap()
    }

    fn validator(authority: &LocalAuthority) -> Validator {
        let anchors = std::slice::from_ref(authority.root());
        Validator::new(anchors, UnixTime(START.unix()), Purpose::EmailEncryption)
    }

    fn x25519(point: &[u8]) -> Vec<u8> {
        write::sequence(&[&write::sequence(&[&write::oid(oid::X25519)]), &write::bits(point)])
    }

    #[test]
    fn keys_that_agree_get_certificates_that_can_be_revoked() {
        for profile in Profile::ALL {
            let authority = authority(|settings| settings.profile(profile));
            let point = [&[9][..], &[0; 31]].concat();
            let keys = [KeyKind::P256, KeyKind::P384].map(|kind| Key::generate(kind).unwrap().spki().to_vec());
            let status = |chain: &[Certificate]| {
                let validator = validator(&authority).crl(&authority.crl().unwrap()).unwrap();
                validator.validate(&chain[0], &chain[1..]).map(|path| path.revocation[0])
            };
            for key in keys.into_iter().chain([x25519(&point)]) {
                let chain = authority.certify_agreement(&key, "çharles@Example.org").unwrap();
                let certificate = &chain[0];
                assert_eq!(certificate.public_key(), key);
                assert_eq!(certificate.addresses(), ["çharles@example.org"]);
                assert!(certificate.may_encrypt() && !certificate.may_sign());
                assert_eq!(status(&chain).unwrap(), Revocation::GoodByCrl);
                let mut selection = Selection::default();
                selection.serials = vec![certificate.serial().to_vec()];
                assert_eq!(authority.revoke_all(&selection, RevocationReason::Superseded).unwrap(), 1);
                assert!(status(&chain).unwrap_err().to_string().contains("revoked"));
            }
        }
    }

    #[test]
    fn other_keys_names_and_rates_are_refused() {
        let authority = authority(|settings| settings.requests_per_hour(1));
        let good = Key::generate(KeyKind::P256).unwrap().spki().to_vec();
        let rsa = Key::generate(KeyKind::Rsa2048).unwrap().spki().to_vec();
        assert!(matches!(authority.certify_agreement(&rsa, "a@example.org"), Err(Error::Key(_))));
        assert!(matches!(authority.certify_agreement(b"", "a@example.org"), Err(Error::Key(_))));
        assert!(matches!(authority.certify_agreement(&good, "a"), Err(Error::Address { .. })));
        let short = authority.certify_agreement(&x25519(&[9; 31]), "a@example.org");
        assert!(matches!(short, Err(Error::Unfit(_))), "{short:?}");
        let too_many = authority.certify_agreement(&good, "a@example.org");
        assert!(matches!(&too_many, Err(Error::Refused(why)) if why.contains("too many")), "{too_many:?}");
    }
}
