//! What nobody may learn from how a message is opened.

use super::{super::unlock::Unlocker, support::*, *};
use crate::identifier::CertificateIdentifier;

/// The same octets for RSA in two ways, one of which can be right at most. If both are wrong, that must take as long:
/// each candidate is tried with all of the content.
#[test]
fn as_many_keys_are_tried_whether_a_padding_is_right_or_not() {
    let holder = Holder::new(Kind::Rsa);
    let certificate = &holder.credential.certificate;
    let public = crate::public_key::PublicKey::from_spki(certificate.public_key()).unwrap();
    let mut right = public.encrypt(&KeyTransport::Pkcs1, &[7; 32], &mut rng()).unwrap();
    let mut tried = Vec::new();
    for _ in 0..2 {
        let infos = [KeyTransport::Pkcs1, KeyTransport::oaep(Digest::Sha256)].map(|transport| {
            recipients::RecipientInfo::Transport {
                id: CertificateIdentifier::issuer_and_serial(certificate),
                algorithm: transport.to_der(),
                encrypted: right.clone(),
            }
        });
        let credentials = [holder.credential.clone()];
        tried.push(Unlocker::new(&credentials, 32, &mut rng()).run(&infos).unwrap().len());
        // Below the modulus still.
        right[0] = 0;
    }
    assert_eq!(tried[0], tried[1]);
}
