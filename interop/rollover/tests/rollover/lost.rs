//! What was lost, if anything, and what there is.

use std::fmt;

#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// That the authority issued.
    pub(crate) certificates: usize,
    /// Of which the store has no key, or two.
    pub(crate) certificates_without_key: usize,
    /// That the authority issued once more, and told nobody about, for a key that the store has.
    pub(crate) spare: usize,
    pub(crate) orders: usize,
    /// How many different keys they are for.
    pub(crate) keys_ordered: usize,
    pub(crate) orders_without_key: usize,
    pub(crate) generations: usize,
    pub(crate) half_written: usize,
    /// Records of the audit chain.
    pub(crate) audited: u64,
}

impl Lost {
    /// Nothing is lost, no generation has two keys, and all is finished.
    pub(crate) fn assert_nothing(&self) {
        assert_eq!(self.certificates_without_key, 0, "{self}");
        assert_eq!(self.orders_without_key, 0, "{self}");
        // Each key that was ordered is that of one generation: there is none that has two.
        assert_eq!(self.keys_ordered, self.generations, "{self}");
        assert_eq!(self.orders, self.keys_ordered, "the authority was asked to certify a key twice: {self}");
        assert_eq!(self.certificates - self.spare, self.generations, "{self}");
        assert_eq!(self.half_written, 0, "{self}");
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} generations, {} orders, {} certificates, {} of them spare, {} audit records; lost: {} keys of \
             certificates, {} keys of orders, {} half written",
            self.generations,
            self.orders,
            self.certificates,
            self.spare,
            self.audited,
            self.certificates_without_key,
            self.orders_without_key,
            self.half_written
        )
    }
}
