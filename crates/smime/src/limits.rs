//! Limits on everything that comes from outside.

/// How much of what an input may have. [`Limits::default`] is for mails from anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of a mail.
    pub mail: u64,
    /// Octets of a header block, or of a part's header.
    pub header: usize,
    /// How deep protective layers may nest.
    pub layers: usize,
    /// How deep MIME parts may nest: what is deeper is not looked into.
    pub nesting: usize,
    /// MIME parts of a mail.
    pub parts: usize,
    /// How deep elements of BER may nest.
    pub depth: usize,
    /// Octets of a structure that is held in memory: all of a CMS message but its content.
    pub structure: usize,
    /// Certificates in a message.
    pub certificates: usize,
    /// Signers of a message.
    pub signers: usize,
    /// Recipients of a message.
    pub recipients: usize,
    /// Rounds of a password-based key derivation.
    pub rounds: u32,
    /// Signatures that are verified for one certificate path, or for all of one mail.
    pub path_signatures: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            mail: 1 << 32,
            header: 256 << 10,
            layers: 8,
            nesting: 32,
            parts: 10_000,
            depth: 64,
            structure: 4 << 20,
            certificates: 100,
            signers: 32,
            recipients: 1000,
            rounds: 10_000_000,
            path_signatures: 200,
        }
    }
}
