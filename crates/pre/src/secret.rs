//! The secret of an ECDH subkey on Curve25519.

use alloc::boxed::Box;
use core::fmt;

use curve25519_dalek::{MontgomeryPoint, Scalar, scalar::clamp_integer};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{Error, Point, Result};

/// The secret integer of a Curve25519 subkey, clamped. Wiped when dropped.
///
/// It stays in one place: moving this moves a pointer, and leaves no copy behind.
pub struct SubkeySecret(Box<Zeroizing<[u8; 32]>>);

impl SubkeySecret {
    /// A fresh secret.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut secret = Box::new(Zeroizing::new([0; 32]));
        rng.fill_bytes(&mut **secret);
        **secret = clamp_integer(**secret);
        Self(secret)
    }

    /// Reads the secret as OpenPGP stores it: at most 32 octets, big-endian, leading zeros left out
    /// ([RFC 9580 §11.2.1](https://www.rfc-editor.org/rfc/rfc9580#section-11.2.1)).
    ///
    /// It is clamped here: some programs store it unclamped and clamp on use.
    ///
    /// # Errors
    ///
    /// [`Error::NotAKey`] for more than 32 octets, or for none.
    pub fn from_mpi(mpi: &[u8]) -> Result<Self> {
        if mpi.is_empty() || mpi.len() > 32 {
            return Err(Error::NotAKey("the secret of a Curve25519 subkey has 1 to 32 octets"));
        }
        let mut secret = Box::new(Zeroizing::new([0; 32]));
        for (to, from) in secret.iter_mut().zip(mpi.iter().rev()) {
            *to = *from;
        }
        **secret = clamp_integer(**secret);
        Ok(Self(secret))
    }

    /// The secret as X25519 has it: 32 octets, little-endian
    /// ([RFC 7748 §5](https://www.rfc-editor.org/rfc/rfc7748#section-5)). It is clamped here.
    #[must_use]
    pub fn from_x25519(octets: &[u8; 32]) -> Self {
        let mut secret = Box::new(Zeroizing::new([0; 32]));
        secret.copy_from_slice(octets);
        **secret = clamp_integer(**secret);
        Self(secret)
    }

    /// The clamped integer as OpenPGP stores it: 32 octets, big-endian; its highest set bit is bit 254.
    #[must_use]
    pub fn expose_mpi(&self) -> Zeroizing<[u8; 32]> {
        let mut mpi = Zeroizing::clone(&self.0);
        mpi.reverse();
        mpi
    }

    /// The public point of this secret.
    #[must_use]
    pub fn public(&self) -> Point {
        Point::from_bytes(MontgomeryPoint::mul_base_clamped(**self.0).to_bytes())
    }

    /// The shared secret with an ephemeral point: 32 octets, little-endian (RFC 7748 §6.1).
    pub(crate) fn shared(&self, point: Point) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(point.montgomery().mul_clamped(**self.0).to_bytes())
    }

    /// The integer modulo the group's order. It is never 0: no multiple of the (odd) order that is also
    /// a multiple of 8 lies between 2^254 and 2^255.
    pub(crate) fn scalar(&self) -> Zeroizing<Scalar> {
        Zeroizing::new(Scalar::from_bytes_mod_order(**self.0))
    }
}

impl fmt::Debug for SubkeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubkeySecret(..)")
    }
}
