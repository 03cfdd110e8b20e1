//! Random generators that are none: what they give is known beforehand.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

/// Fills what is to be random as the function does.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "it is the function that it holds")]
pub struct Scripted<F>(pub F);

impl<F: FnMut(&mut [u8])> TryRng for Scripted<F> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        (self.0)(&mut octets);
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        (self.0)(&mut octets);
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        (self.0)(to);
        Ok(())
    }
}

impl<F: FnMut(&mut [u8])> TryCryptoRng for Scripted<F> {}
