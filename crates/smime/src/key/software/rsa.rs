//! RSA keys (RFC 8017). The private operation is blinded and its result checked; paddings come off in constant time.

use rand_core::CryptoRng;
use rsa::{
    BoxedUint, RsaPrivateKey, hazmat::rsa_decrypt_and_check, pkcs1::DecodeRsaPrivateKey, traits::PublicKeyParts,
};
use zeroize::{Zeroize, Zeroizing};

#[cfg(feature = "aws-lc")]
use super::super::aws_lc;
use super::{
    super::{DecryptionKey, SigningKey, UNSUPPORTED, substitute::Substitute},
    PLACE,
};
use crate::{
    Error, Result,
    algorithm::{KeyTransport, SignatureScheme},
    asn1::Element,
    public_key::{PublicKey, Rsa, padding},
};

/// An RSA key of two primes.
pub(super) struct RsaKey {
    secret: RsaPrivateKey,
    public: Rsa,
    spki: Vec<u8>,
    substitute: Substitute,
    #[cfg(feature = "aws-lc")]
    fast: Option<aws_lc::RsaKey>,
}

impl RsaKey {
    /// Reads DER of an RSAPrivateKey.
    pub(super) fn read(der: &[u8]) -> Result<Self> {
        // `rsa` computes with numbers of any length, and its stack does not last for those of a million bits.
        let numbers = Element::from_der(der, PLACE)?.inner(PLACE)?;
        if numbers.iter().any(|number| number.value.len() > Rsa::MAX_NUMBER) {
            return Err(Error::Key("an RSA key must have 8192 bits or fewer"));
        }
        let secret = RsaPrivateKey::from_pkcs1_der(der).map_err(|_| Error::Key("its numbers are no RSA key"))?;
        let public = PublicKey::Rsa(Rsa::from_key(secret.to_public_key()));
        let spki = public.to_spki();
        // Of a size that is supported?
        let PublicKey::Rsa(public) = PublicKey::from_spki(&spki)? else { return Err(UNSUPPORTED) };
        Ok(Self {
            secret,
            public,
            spki,
            substitute: Substitute::new(der),
            #[cfg(feature = "aws-lc")]
            fast: aws_lc::RsaKey::read(der),
        })
    }

    /// A number below the modulus, of its length.
    fn number(&self, octets: &[u8]) -> Result<BoxedUint> {
        let modulus = self.secret.n();
        BoxedUint::from_be_slice(octets, modulus.bits_precision())
            .ok()
            .filter(|number| octets.len() == self.public.len() && *number < *modulus.as_ref())
            .ok_or(Error::Key("what is to be decrypted does not have the length of the modulus"))
    }

    /// The private operation.
    fn operate(&self, number: &BoxedUint, rng: &mut dyn CryptoRng) -> Result<Zeroizing<Vec<u8>>> {
        let mut result =
            rsa_decrypt_and_check(&self.secret, Some(rng), number).map_err(|_| Error::Key("it gives no result"))?;
        let mut octets = Zeroizing::new(result.to_be_bytes().into_vec());
        result.zeroize();
        let extra = octets.len().saturating_sub(self.public.len());
        Ok(Zeroizing::new(octets.split_off(extra)))
    }
}

impl SigningKey for RsaKey {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn supports(&self, scheme: SignatureScheme) -> bool {
        matches!(scheme, SignatureScheme::RsaPkcs1(_) | SignatureScheme::RsaPss { .. })
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        #[cfg(feature = "aws-lc")]
        if let Some(signature) = self.fast.as_ref().and_then(|key| key.sign(scheme, message)) {
            return Ok(signature);
        }
        let encoded = match scheme {
            SignatureScheme::RsaPkcs1(digest) => {
                padding::pkcs1_signed(digest, &digest.hash(message), self.public.len())
            }
            SignatureScheme::RsaPss { digest, mask, salt } => {
                padding::Pss { digest, mask, salt }.encode(&digest.hash(message), self.public.bits(), rng)
            }
            _ => return Err(UNSUPPORTED),
        };
        let encoded = encoded.ok_or(Error::Key("it is too short for such a signature"))?;
        self.operate(&self.number(&encoded)?, rng).map(|signature| signature.to_vec())
    }
}

impl DecryptionKey for RsaKey {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn decrypt(
        &self,
        transport: &KeyTransport,
        encrypted: &[u8],
        len: usize,
        rng: &mut dyn CryptoRng,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let number = self.number(encrypted)?;
        #[cfg(feature = "aws-lc")]
        if let Some((right, message)) = self.fast.as_ref().and_then(|key| key.decrypt(transport, encrypted, len)) {
            return Ok(self.substitute.unless(right, message, encrypted));
        }
        let mut padded = self.operate(&number, rng)?;
        let (right, message) = match transport {
            KeyTransport::Pkcs1 => padding::pkcs1_unpad(&padded, len),
            KeyTransport::Oaep { digest, mask, label } => {
                padding::Oaep { digest: *digest, mask: *mask, label }.unpad(&mut padded, len)
            }
        };
        Ok(self.substitute.unless(right, message, encrypted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::{write, write_unsigned};

    /// The stack overflowed once.
    #[test]
    fn a_key_of_a_million_bits_is_an_error() {
        let long = write_unsigned(&vec![0xff; 128 << 10]);
        let [zero, e, one] = [0, 3, 1].map(|number| write_unsigned(&[number]));
        let key = write(0x30, &[&zero, &long, &e, &one, &one, &one, &one, &one, &one]);
        assert!(matches!(RsaKey::read(&key), Err(Error::Key(_))));
    }
}
