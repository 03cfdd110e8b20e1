//! What the tests of this module share.

use std::io::{self, Read};

/// Octets that are read in pieces of these lengths.
pub(crate) struct Pieces<'a> {
    octets: &'a [u8],
    sizes: Vec<usize>,
    next: usize,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(octets: &'a [u8], sizes: &[usize]) -> Self {
        Self { octets, sizes: sizes.to_vec(), next: 0 }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.next % self.sizes.len()].min(to.len());
        self.next += 1;
        self.octets.read(&mut to[..size])
    }
}
