//! What certificates are judged by.

use std::fmt;

/// A rule. Sections are those of the S/MIME Baseline Requirements, unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// It and its extensions can be read.
    Readable,
    /// It is for the key that was asked for.
    AskedKey,
    /// It is for exactly the addresses that were asked for.
    AskedAddress,
    /// Its key may be used for what its slot is for, and for no more.
    AskedUse,
    /// Its version is 3.
    Version,
    /// Its serial number is positive and has 64 to 159 bits.
    Serial,
    /// Its key is of an allowed kind, written in the one allowed way.
    KeyKind,
    /// Its RSA modulus has 2048 bits or more and whole octets, and its exponent is odd and above 1.
    KeySize,
    /// Its signature is made by an allowed algorithm, which it names twice in the same way.
    SignatureKind,
    /// It ends after it starts.
    Validity,
    /// It is valid for 825 days at most.
    Lifetime,
    /// It is valid already.
    NotYetValid,
    /// It is still valid.
    Expired,
    /// Its subject alternative names have a mail address.
    Address,
    /// They have names of allowed kinds only.
    NameKind,
    /// They are written as they must be.
    NameForm,
    /// Its subject has only what its kind may have, and says only what its alternative names say.
    Subject,
    /// Its alternative names are critical if its subject is empty.
    EmptySubject,
    /// Its key usage is there and fits the kind of its key.
    KeyUsage,
    /// Its extended key usage is there, has mail and nothing that is not allowed.
    Purpose,
    /// It names one of the reserved policies, the one that was asked for if one was, and one only.
    Policy,
    /// It says where its revocation list is.
    RevocationList,
    /// Its revocation list is at addresses of HTTP only.
    RevocationPlace,
    /// What more it says about its authority is at addresses of HTTP only.
    AuthorityPlace,
    /// It is not an authority's.
    NoAuthority,
    /// It names its authority's key.
    AuthorityKey,
    /// Each extension is there once.
    Repeated,
    /// It leads to a root that is trusted here, with every signature valid.
    Chain,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::Readable,
        Self::AskedKey,
        Self::AskedAddress,
        Self::AskedUse,
        Self::Version,
        Self::Serial,
        Self::KeyKind,
        Self::KeySize,
        Self::SignatureKind,
        Self::Validity,
        Self::Lifetime,
        Self::NotYetValid,
        Self::Expired,
        Self::Address,
        Self::NameKind,
        Self::NameForm,
        Self::Subject,
        Self::EmptySubject,
        Self::KeyUsage,
        Self::Purpose,
        Self::Policy,
        Self::RevocationList,
        Self::RevocationPlace,
        Self::AuthorityPlace,
        Self::NoAuthority,
        Self::AuthorityKey,
        Self::Repeated,
        Self::Chain,
    ];

    /// The section that says so.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::Readable => "RFC 5280, section 4.1",
            Self::AskedKey => "S/MIME BR 3.2.1",
            Self::AskedAddress => "S/MIME BR 3.2.2",
            Self::AskedUse => "RFC 8550, section 4.4.2",
            Self::Version => "S/MIME BR 7.1.1",
            Self::Serial => "S/MIME BR 7.1",
            Self::KeyKind => "S/MIME BR 7.1.3.1",
            Self::KeySize => "S/MIME BR 6.1.5 and 6.1.6",
            Self::SignatureKind => "S/MIME BR 7.1.3.2",
            Self::Validity | Self::NotYetValid | Self::Expired => "RFC 5280, section 4.1.2.5",
            Self::Lifetime => "S/MIME BR 6.3.2",
            Self::Address | Self::NameKind => "S/MIME BR 7.1.4.2.1",
            Self::NameForm => "RFC 5280, section 4.2.1.6, RFC 9598",
            Self::Subject => "S/MIME BR 7.1.4.2.2 and 7.1.4.2.3",
            Self::EmptySubject => "RFC 5280, section 4.2.1.6",
            Self::KeyUsage => "S/MIME BR 7.1.2.3 e",
            Self::Purpose => "S/MIME BR 7.1.2.3 f",
            Self::Policy => "S/MIME BR 7.1.2.3 a and 7.1.6.1",
            Self::RevocationList | Self::RevocationPlace => "S/MIME BR 7.1.2.3 b",
            Self::AuthorityPlace => "S/MIME BR 7.1.2.3 c",
            Self::NoAuthority => "S/MIME BR 7.1.2.3 d",
            Self::AuthorityKey => "S/MIME BR 7.1.2.3 g",
            Self::Repeated => "RFC 5280, section 4.2",
            Self::Chain => "RFC 5280, section 6",
        }
    }
}

/// That a certificate breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which.
    pub rule: Rule,
    /// What is wrong, in words.
    pub detail: String,
}

impl Finding {
    pub(super) const fn new(rule: Rule, detail: String) -> Self {
        Self { rule, detail }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.detail, self.rule.section())
    }
}
