//! A random generator that is none.

use core::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use super::{Hide, Seed};

/// Gives the octets of a seed again and again, and tells that they are secret.
pub(super) struct Fixed {
    pub(super) seed: Seed,
    pub(super) hide: Hide,
}

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets)?;
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets)?;
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        to.iter_mut().zip(self.seed.iter().cycle()).for_each(|(to, from)| *to = *from);
        (self.hide)(to);
        Ok(())
    }
}

// Octets that only tests see need not be good ones.
impl TryCryptoRng for Fixed {}
