//! Passphrases that a person can type and nobody can guess.

use zeroize::Zeroizing;

use super::rng;

/// 32 characters that nobody takes for another one: each stands for 5 random bits.
const CHARACTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 125 bits in all: guessing does not become easier by fewer rounds of key derivation.
const GROUPS: usize = 5;
const GROUP: usize = 5;

/// Five groups of five, such as `k7mqp-2cxwd-…`.
pub(super) fn make() -> Zeroizing<String> {
    let mut random = Zeroizing::new([0; GROUPS * GROUP]);
    getrandom::rand_core::Rng::fill_bytes(&mut rng(), random.as_mut_slice());
    let mut passphrase = Zeroizing::new(String::with_capacity(GROUPS * (GROUP + 1)));
    for group in random.chunks(GROUP) {
        if !passphrase.is_empty() {
            passphrase.push('-');
        }
        let characters = group.iter().filter_map(|octet| CHARACTERS.get(usize::from(octet % 32)));
        passphrase.extend(characters.map(|character| char::from(*character)));
    }
    passphrase
}

/// The content of its file.
pub(super) fn file(passphrase: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([passphrase.as_bytes(), b"\n"].concat())
}
