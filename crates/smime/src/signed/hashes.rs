//! Several hashes of one content, made while it goes by.

use crate::algorithm::{Digest, Hasher};

/// Hash functions at work on the same octets.
#[derive(Clone)]
pub(crate) struct Hashes(Vec<Hasher>);

impl Hashes {
    /// Each function once.
    pub(crate) fn new(digests: impl IntoIterator<Item = Digest>) -> Self {
        let mut hashes: Vec<Hasher> = Vec::new();
        for digest in digests {
            if !hashes.iter().any(|hasher| hasher.digest() == digest) {
                hashes.push(Hasher::new(digest));
            }
        }
        Self(hashes)
    }

    pub(crate) fn update(&mut self, octets: &[u8]) {
        self.0.iter_mut().for_each(|hasher| hasher.update(octets));
    }

    pub(crate) fn finish(self) -> Digests {
        Digests(self.0.into_iter().map(|hasher| (hasher.digest(), hasher.finish())).collect())
    }
}

/// The hashes of one content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digests(Vec<(Digest, Vec<u8>)>);

impl Digests {
    /// The hash by this function, if it was asked for.
    pub(crate) fn get(&self, digest: Digest) -> Option<&[u8]> {
        self.0.iter().find(|(name, _)| *name == digest).map(|(_, hash)| hash.as_slice())
    }

    /// Which functions were asked for.
    pub(crate) fn names(&self) -> impl Iterator<Item = Digest> {
        self.0.iter().map(|(name, _)| *name)
    }
}
