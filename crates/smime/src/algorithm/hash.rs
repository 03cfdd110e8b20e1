//! Hashing, piece by piece (FIPS 180-4).

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::Digest;

/// One of the hash functions at work.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn new(digest: Digest) -> Self {
        match digest {
            Digest::Sha1 => Self::Sha1(Sha1::new()),
            Digest::Sha256 => Self::Sha256(Sha256::new()),
            Digest::Sha384 => Self::Sha384(Sha384::new()),
            Digest::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) const fn digest(&self) -> Digest {
        match self {
            Self::Sha1(_) => Digest::Sha1,
            Self::Sha256(_) => Digest::Sha256,
            Self::Sha384(_) => Digest::Sha384,
            Self::Sha512(_) => Digest::Sha512,
        }
    }

    pub(crate) fn update(&mut self, octets: &[u8]) {
        match self {
            Self::Sha1(hash) => hash.update(octets),
            Self::Sha256(hash) => hash.update(octets),
            Self::Sha384(hash) => hash.update(octets),
            Self::Sha512(hash) => hash.update(octets),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(hash) => hash.finalize().to_vec(),
            Self::Sha256(hash) => hash.finalize().to_vec(),
            Self::Sha384(hash) => hash.finalize().to_vec(),
            Self::Sha512(hash) => hash.finalize().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hash_as_the_whole() {
        for (digest, start) in
            [(Digest::Sha1, 0xa9), (Digest::Sha256, 0xba), (Digest::Sha384, 0xcb), (Digest::Sha512, 0xdd)]
        {
            let mut hasher = Hasher::new(digest);
            assert_eq!(hasher.digest(), digest);
            hasher.update(b"a");
            hasher.update(b"bc");
            let hash = hasher.finish();
            // FIPS 180-4's example.
            assert_eq!((hash.len(), hash[0]), (digest.len(), start));
            assert_eq!(hash, digest.hash(b"abc"));
        }
    }
}
