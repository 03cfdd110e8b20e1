//! What takes the place of a content key that did not decrypt (RFC 3218 §2.3, draft-irtf-cfrg-rsa-guidance §7).
//!
//! It looks random and is the same each time for the same ciphertext. A fresh one each time would tell: of the same
//! message, some attempts would fail in one place and some in another.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

/// Makes substitutes.
pub(crate) struct Substitute(Zeroizing<[u8; 32]>);

impl Substitute {
    /// `secret` is what nobody knows who does not have the key.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(Zeroizing::new(Sha256::digest(secret).into()))
    }

    /// `message` if it is the `right` one, else a substitute as long; in time that does not tell.
    pub(crate) fn unless(
        &self,
        right: Choice,
        mut message: Zeroizing<Vec<u8>>,
        ciphertext: &[u8],
    ) -> Zeroizing<Vec<u8>> {
        for (number, chunk) in (0_u32..).zip(message.chunks_mut(32)) {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else { continue };
            mac.update(&number.to_be_bytes());
            mac.update(ciphertext);
            let substitute = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
            chunk.iter_mut().zip(substitute.iter()).for_each(|(octet, other)| octet.conditional_assign(other, !right));
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_the_place_of_what_is_wrong_and_only_of_that() {
        let substitute = Substitute::new(b"secret");
        let message = || Zeroizing::new(vec![7; 40]);
        let of = |right: u8, ciphertext: &[u8]| substitute.unless(Choice::from(right), message(), ciphertext).to_vec();
        assert_eq!(of(1, b"one"), vec![7; 40]);
        assert_ne!(of(0, b"one"), vec![7; 40]);
        assert_eq!(of(0, b"one"), of(0, b"one"));
        assert_ne!(of(0, b"one"), of(0, b"two"));
        assert_ne!(of(0, b"one"), Substitute::new(b"other").unless(Choice::from(0), message(), b"one").to_vec());
        assert_ne!(of(0, b"one")[..8], of(0, b"one")[32..]);
    }
}
