//! ML-DSA keys (RFC 9881 §6) and ML-KEM keys (RFC 9935 §6): a seed, an expanded key, or both.

mod lattice;

use der::{Tag, TagNumber};
use ml_dsa::{MlDsa44, MlDsa65, MlDsa87, MlDsaParams};
use ml_kem::{Decapsulate, KeyExport, KeyInit, MlKem512, MlKem768, MlKem1024, array::Array};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use self::lattice::Shape;
use super::{
    super::{KemKey, SigningKey, UNSUPPORTED},
    MISMATCH, PLACE,
};
use crate::{
    Error, Result,
    algorithm::SignatureScheme,
    asn1::Element,
    public_key::{Dsa, DsaSet, Kem, KemSet, PublicKey},
};

const LENGTH: Error = Error::Key("it does not have the length of its parameter set");
const BROKEN: Error = Error::Key("the parts of its expanded form do not belong together");

/// The private key as its algorithm's CHOICE has it.
enum Form<'a> {
    Seed(&'a [u8]),
    Expanded(&'a [u8]),
    Both(&'a [u8], &'a [u8]),
}

impl<'a> Form<'a> {
    fn read(der: &'a [u8]) -> Result<Self> {
        let choice = Element::from_der(der, PLACE)?;
        match choice.tag {
            Tag::ContextSpecific { constructed: false, number: TagNumber(0) } => Ok(Self::Seed(choice.value)),
            Tag::OctetString => Ok(Self::Expanded(choice.value)),
            Tag::Sequence => match choice.inner(PLACE)?.as_slice() {
                [seed, expanded] if seed.tag == Tag::OctetString && expanded.tag == Tag::OctetString => {
                    Ok(Self::Both(seed.value, expanded.value))
                }
                _ => Err(Error::structure(PLACE, "there must be a seed and an expanded key")),
            },
            _ => Err(Error::structure(PLACE, "there must be a seed or an expanded key")),
        }
    }
}

/// An ML-DSA key.
pub(super) struct MlDsaKey {
    secret: DsaSecret,
    spki: Vec<u8>,
}

enum DsaSecret {
    MlDsa44(Box<ml_dsa::ExpandedSigningKey<MlDsa44>>),
    MlDsa65(Box<ml_dsa::ExpandedSigningKey<MlDsa65>>),
    MlDsa87(Box<ml_dsa::ExpandedSigningKey<MlDsa87>>),
}

impl MlDsaKey {
    pub(super) fn read(set: DsaSet, der: &[u8]) -> Result<Self> {
        let form = Form::read(der)?;
        let (secret, public) = match set {
            DsaSet::MlDsa44 => {
                let key = expanded::<MlDsa44>(&form, Shape { rows: 4, columns: 4, eta: 2 })?;
                let public = key.verifying_key().encode().to_vec();
                (DsaSecret::MlDsa44(key), public)
            }
            DsaSet::MlDsa65 => {
                let key = expanded::<MlDsa65>(&form, Shape { rows: 6, columns: 5, eta: 4 })?;
                let public = key.verifying_key().encode().to_vec();
                (DsaSecret::MlDsa65(key), public)
            }
            DsaSet::MlDsa87 => {
                let key = expanded::<MlDsa87>(&form, Shape { rows: 8, columns: 7, eta: 2 })?;
                let public = key.verifying_key().encode().to_vec();
                (DsaSecret::MlDsa87(key), public)
            }
        };
        let public = PublicKey::MlDsa(Dsa::new(set, &public).ok_or(LENGTH)?);
        Ok(Self { secret, spki: public.to_spki() })
    }

    fn set(&self) -> DsaSet {
        match self.secret {
            DsaSecret::MlDsa44(_) => DsaSet::MlDsa44,
            DsaSecret::MlDsa65(_) => DsaSet::MlDsa65,
            DsaSecret::MlDsa87(_) => DsaSet::MlDsa87,
        }
    }
}

impl SigningKey for MlDsaKey {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn supports(&self, scheme: SignatureScheme) -> bool {
        self.set().scheme() == scheme
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        if !self.supports(scheme) {
            return Err(UNSUPPORTED);
        }
        let signature = match &self.secret {
            DsaSecret::MlDsa44(key) => key.sign_randomized(message, &[], rng).ok().map(|it| it.encode().to_vec()),
            DsaSecret::MlDsa65(key) => key.sign_randomized(message, &[], rng).ok().map(|it| it.encode().to_vec()),
            DsaSecret::MlDsa87(key) => key.sign_randomized(message, &[], rng).ok().map(|it| it.encode().to_vec()),
        };
        signature.ok_or(Error::Key("it gives no signature"))
    }
}

fn expanded<P: MlDsaParams>(form: &Form<'_>, shape: Shape) -> Result<Box<ml_dsa::ExpandedSigningKey<P>>> {
    let from_seed = |seed: &[u8]| {
        let seed = seed.try_into().map_err(|_| LENGTH)?;
        Ok(Box::new(ml_dsa::ExpandedSigningKey::<P>::from_seed(seed)))
    };
    match form {
        Form::Seed(seed) => from_seed(seed),
        Form::Both(seed, expanded) => {
            let key = from_seed(seed)?;
            #[expect(deprecated, reason = "RFC 9881 has this form, and asks that it be compared")]
            let mut own = key.to_expanded();
            let same = bool::from(own.as_slice().ct_eq(expanded));
            own.as_mut_slice().zeroize();
            if same { Ok(key) } else { Err(MISMATCH) }
        }
        Form::Expanded(octets) => {
            let encoded = (*octets).try_into().map_err(|_| LENGTH)?;
            if !shape.fits(octets) {
                return Err(BROKEN);
            }
            #[expect(deprecated, reason = "RFC 9881 has this form; what it lacks in checks is done here")]
            let key = ml_dsa::ExpandedSigningKey::<P>::from_expanded(encoded);
            Ok(Box::new(key))
        }
    }
}

/// An ML-KEM key.
pub(super) struct MlKemKey {
    secret: KemSecret,
    spki: Vec<u8>,
}

enum KemSecret {
    MlKem512(ml_kem::DecapsulationKey<MlKem512>),
    MlKem768(ml_kem::DecapsulationKey<MlKem768>),
    MlKem1024(ml_kem::DecapsulationKey<MlKem1024>),
}

impl MlKemKey {
    pub(super) fn read(set: KemSet, der: &[u8]) -> Result<Self> {
        let form = Form::read(der)?;
        let (secret, public) = match set {
            KemSet::MlKem512 => {
                let key: ml_kem::DecapsulationKey<MlKem512> = decapsulating(&form)?;
                let public = key.encapsulation_key().to_bytes().to_vec();
                (KemSecret::MlKem512(key), public)
            }
            KemSet::MlKem768 => {
                let key: ml_kem::DecapsulationKey<MlKem768> = decapsulating(&form)?;
                let public = key.encapsulation_key().to_bytes().to_vec();
                (KemSecret::MlKem768(key), public)
            }
            KemSet::MlKem1024 => {
                let key: ml_kem::DecapsulationKey<MlKem1024> = decapsulating(&form)?;
                let public = key.encapsulation_key().to_bytes().to_vec();
                (KemSecret::MlKem1024(key), public)
            }
        };
        let public = Kem::new(set, &public).ok_or(LENGTH)?;
        let (ciphertext, expected) = public.encapsulate_fixed().ok_or(LENGTH)?;
        let key = Self { secret, spki: PublicKey::MlKem(public).to_spki() };
        if !bool::from(key.decapsulate(&ciphertext)?.ct_eq(&expected)) {
            return Err(BROKEN);
        }
        Ok(key)
    }
}

impl KemKey for MlKemKey {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn decapsulate(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match &self.secret {
            KemSecret::MlKem512(key) => decapsulated(key, ciphertext),
            KemSecret::MlKem768(key) => decapsulated(key, ciphertext),
            KemSecret::MlKem1024(key) => decapsulated(key, ciphertext),
        }
    }
}

#[expect(deprecated, reason = "RFC 9935 has expanded keys")]
fn decapsulating<K: KeyInit + ml_kem::ExpandedKeyEncoding>(form: &Form<'_>) -> Result<K> {
    match form {
        Form::Seed(seed) => K::new_from_slice(seed).map_err(|_| LENGTH),
        Form::Expanded(octets) => {
            let encoded = <&Array<u8, K::EncodedSize>>::try_from(*octets).map_err(|_| LENGTH)?;
            K::from_expanded_bytes(encoded).map_err(|_| BROKEN)
        }
        Form::Both(seed, expanded) => {
            let key = K::new_from_slice(seed).map_err(|_| LENGTH)?;
            let mut own = key.to_expanded_bytes();
            let same = bool::from(own.as_slice().ct_eq(expanded));
            own.as_mut_slice().zeroize();
            if same { Ok(key) } else { Err(MISMATCH) }
        }
    }
}

fn decapsulated(key: &impl Decapsulate, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut secret = key
        .decapsulate_slice(ciphertext)
        .map_err(|_| Error::Key("what is to be decapsulated does not have the length of the parameter set"))?;
    let kept = Zeroizing::new(secret.to_vec());
    secret.as_mut_slice().zeroize();
    Ok(kept)
}
